//! `tour` as a person runs it: every method on one table, in its budget.

use super::Desk;

const TOUR: &str = "--quiet tour --data toy:moons:600 --out tour --set width=16 --set depth=2 --set batch=64";

#[test]
fn a_tour_ranks_methods_beside_baselines_keeps_the_best_and_goes_on() {
    let desk = Desk::new();
    let asked = format!("{TOUR} --budget 40s --methods energy,flow-matching --json");
    let found: serde_json::Value = serde_json::from_str(&desk.works(&asked)).expect("one object");
    let candidates = found["candidates"].as_array().expect("candidates");
    let names: Vec<&str> = candidates.iter().filter_map(|c| c["name"].as_str()).collect();
    for name in ["energy", "flow-matching", "fitted Gaussian", "Gaussian mixture", "kernel density", "training rows"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(found["verdict"]["nearest"]["best"].is_string() && found["verdict"]["likeliest"]["best"].is_string());
    let page = desk.text("tour/report.html");
    assert!(page.contains("is nearest to held-out rows") && page.contains("Best by which score"));
    assert!(page.contains("One step beside many"), "maps of one step stand beside the best of many");
    let one_step = |name: &str| candidates.iter().find(|c| c["name"] == name).map(|c| c["one_step"].clone());
    assert_eq!((one_step("energy"), one_step("flow-matching")), (Some(true.into()), Some(false.into())));
    // The best is ready to be sampled from.
    desk.works("--quiet sample tour -n 20 --out new.csv");
    // Nothing is made again: the same command only writes its page anew, and other terms are refused.
    let again: serde_json::Value = serde_json::from_str(&desk.works(&asked)).expect("one object");
    assert_eq!(again["candidates"], found["candidates"]);
    desk.fails(&format!("{TOUR} --budget 41s --methods energy"), 2, &["budget", "--out"]);
}

#[test]
fn a_method_that_fails_is_told_and_the_others_go_on() {
    let desk = Desk::new();
    let text = desk.works(&format!("{TOUR} --budget 20s --methods realnvp,energy --set rate=1e30 --set warmup=1"));
    assert!(text.contains("failed   ") && text.contains("fitted Gaussian"), "{text}");
}

#[test]
fn mistakes_are_told_before_anything_is_made() {
    let desk = Desk::new();
    desk.fails(&format!("{TOUR} --methods energy,stein"), 2, &["stein", "needs the score"]);
    desk.fails(&format!("{TOUR} --methods enrgy"), 2, &["did you mean `energy`"]);
    desk.fails(&format!("{TOUR} --methods energy --set critic_rate=1"), 2, &["critic_rate"]);
    desk.fails("--quiet tour --data toy:moons:20 --out few --budget 5s", 1, &["20 rows", "50 or more"]);
    assert!(!desk.path("tour").exists());
}
