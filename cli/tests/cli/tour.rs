//! `tour` as a person runs it: every method on one table, in its budget.

use super::Desk;

const TOUR: &str = "--quiet tour --data toy:moons:600 --out tour --set hidden_width=16 --set hidden_layers=2 --set batch_size=64";

#[test]
fn a_tour_ranks_methods_beside_baselines_keeps_the_best_and_goes_on() {
    let desk = Desk::new();
    let asked = format!("{TOUR} --budget 2m --set steps=150 --methods energy,flow-matching --json");
    let found: serde_json::Value = serde_json::from_str(&desk.works(&asked)).expect("one object");
    assert_eq!(found["schema"], 1);
    let candidates = found["candidates"].as_array().expect("candidates");
    let names: Vec<&str> = candidates.iter().filter_map(|c| c["name"].as_str()).collect();
    for name in ["energy", "flow-matching", "fitted Gaussian", "Gaussian mixture", "kernel density", "training rows"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(found["verdict"]["nearest"]["best"].is_string() && found["verdict"]["likeliest"]["best"].is_string());
    let page = desk.text("tour/report.html");
    assert!(page.contains("is nearest to validation rows") && page.contains("Best by which score"));
    assert!(page.contains("One-step against multi-step samplers"), "maps of one step stand beside the best of many");
    let one_step = |name: &str| candidates.iter().find(|c| c["name"] == name).map(|c| c["one_step"].clone());
    assert_eq!((one_step("energy"), one_step("flow-matching")), (Some(true.into()), Some(false.into())));
    // Validation rows rank, and fresh rows of the target, used for no choice, score the winner once.
    let best = found["best_method"].as_str().expect("a winner");
    assert_eq!([&found["training_rows"], &found["validation_rows"], &found["test_rows"]], [480, 120, 2000]);
    assert_eq!((found["test"]["winner"].as_str(), &found["test"]["scores"][0][0]), (Some(best), &best.into()));
    assert!(found["test"]["scores"][0][1]["energy"]["value"].is_number(), "{}", found["test"]);
    assert!(page.contains(&format!("The winner is {best}. On 2000 test rows, used for no choice")));
    assert!(page.contains("2000 test rows, used for no choice; every column"));
    // The saved model was trained again on all rows: it is not the one that was scored.
    assert_eq!(found["refit_rows"], 600);
    assert!(page.contains("refitted on all 600 rows for as many steps; the scores are those of the model before the refit"));
    assert_ne!(desk.read("tour/model.safetensors"), desk.read(&format!("tour/runs/{best}/model.safetensors")));
    // The best is ready to be sampled from.
    desk.works("--quiet sample tour -n 20 --out new.csv");
    // Nothing is made again: the same command only writes its page anew, and other terms are refused.
    let again: serde_json::Value = serde_json::from_str(&desk.works(&asked)).expect("one object");
    assert_eq!(again["candidates"], found["candidates"]);
    desk.fails(&format!("{TOUR} --budget 1m --set steps=150 --methods energy"), 2, &["budget", "another folder"]);
}

#[test]
fn a_budget_that_is_too_short_leaves_methods_out_and_ranks_none_of_a_moment() {
    let desk = Desk::new();
    let asked =
        format!("{TOUR} --budget 12s --methods energy,mmd,characteristic,sinkhorn,realnvp,spline,gan,wgan,vae,maf --json");
    let found: serde_json::Value = serde_json::from_str(&desk.works(&asked)).expect("one object");
    let candidates = found["candidates"].as_array().expect("candidates");
    let methods: Vec<_> = candidates.iter().filter(|c| c["kind"] == "method").collect();
    assert_eq!(methods.len(), 10, "each is there, and some have a reason: {found}");
    let (out, ranked): (Vec<_>, Vec<_>) = methods.into_iter().partition(|c| c["left_out"] == true);
    assert!(
        !out.is_empty()
            && out.iter().all(|c| c["scores"].is_null() && c["failure"].as_str().is_some_and(|why| why.contains("were left")))
    );
    // Who is ranked has had a training, and as long as the others.
    for candidate in ranked {
        assert!(candidate["training_budget"].as_f64() >= Some(0.7 * 2.0), "{candidate}");
        assert!(
            candidate["training_seconds"].as_f64() <= candidate["training_budget"].as_f64().map(|budget| 1.25 * budget + 1.5),
            "{candidate}"
        );
    }
    assert!(desk.text("tour/report.html").contains("Left out: not enough time"));
}

#[test]
fn a_tour_takes_weights_and_conditions() {
    let desk = Desk::new();
    // Rows of weight 0 are of another distribution, far away.
    let row = |i: usize| {
        let (x, w) = (i * 7 % 31, i % 2);
        format!("{}.5,{}.25,{},{w}\n", x + (1 - w) * 1000, 3 * x + i % 5 + (1 - w) * 1000, ["a", "b"][i / 2 % 2])
    };
    let rows: String = (0..400).map(row).collect();
    desk.file("a.csv", format!("x,y,kind,w\n{rows}"));
    let tour = "--quiet tour --data a.csv --weights w --condition kind --out tour --set hidden_width=16 --set hidden_layers=2 --set batch_size=64";
    let asked = format!("{tour} --budget 2m --set steps=100 --methods energy,realnvp --json");
    let found: serde_json::Value = serde_json::from_str(&desk.works(&asked)).expect("one object");
    // Of 200 rows with weight 40 are test rows, of 160 others 32 validation rows; the others stay.
    assert_eq!([&found["training_rows"], &found["validation_rows"], &found["test_rows"]], [328, 32, 40]);
    assert!(found["test"]["scores"][0][1]["energy"]["value"].as_f64().is_some_and(|energy| energy < 1.0), "{found}");
    desk.works("--quiet sample tour --given kind=b -n 50 --out new.csv");
    let text = desk.text("new.csv");
    let first = |line: &str| line.split(',').next().and_then(|cell| cell.parse::<f64>().ok()).expect("a number");
    assert!(text.lines().skip(1).all(|line| line.ends_with(",b") && first(line) < 500.0), "{text}");
}

#[test]
fn a_method_that_fails_is_told_and_the_others_go_on() {
    let desk = Desk::new();
    let text = desk.works(&format!("{TOUR} --budget 1m --methods realnvp,energy --set learning_rate=1e30 --set warmup_steps=1"));
    assert!(text.contains("failed   ") && text.contains("fitted Gaussian"), "{text}");
}

#[test]
fn mistakes_are_told_before_anything_is_made() {
    let desk = Desk::new();
    desk.fails(&format!("{TOUR} --methods energy,stein"), 2, &["stein", "needs the score"]);
    desk.fails(&format!("{TOUR} --methods enrgy"), 2, &["did you mean `energy`"]);
    desk.fails(&format!("{TOUR} --methods energy --set critic_learning_rate=1"), 2, &["critic_learning_rate"]);
    desk.fails("--quiet tour --data toy:moons:20 --out few --budget 5s", 1, &["20 rows", "50 or more"]);
    assert!(!desk.path("tour").exists());
}

#[test]
fn methods_made_side_by_side_are_those_made_one_after_the_other() {
    let made = |threads: &str| -> Vec<(String, serde_json::Value)> {
        let desk = Desk::new();
        let words = format!("{TOUR} --budget 3m --set steps=60 --set refit=false --methods energy,realnvp --json");
        let ended = desk.command(&words).env("LP_NUM_THREADS", threads).output().expect("it starts");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let found: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("one object");
        let scores = |c: &serde_json::Value| (c["name"].as_str().unwrap_or_default().into(), c["scores"].clone());
        found["candidates"].as_array().expect("candidates").iter().map(scores).collect()
    };
    // A pool of threads serves one method at a time; with none each method has a thread of its own. Ranked alike, and to the last digit.
    assert_eq!(made("1"), made("0"));
}
