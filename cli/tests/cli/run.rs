//! The good paths: train, sample, push, evaluate, and what each leaves.

use serde_json::Value;

use super::{Desk, TINY, metrics};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn from_rows_to_new_rows() {
    let desk = Desk::new();
    let said = desk.works(&format!("train energy --data toy:moons:200 --out run --steps 20 {TINY}"));
    for part in ["run/model.safetensors", "run/report.html", "pushforward sample run"] {
        assert!(said.contains(part), "{said}");
    }
    for name in ["config.toml", "model.safetensors", "checkpoint.safetensors", "metrics.jsonl", "report.html"] {
        assert!(desk.path("run").join(name).exists(), "{name}");
    }
    // Steps are counted from the start again where all rows are trained on anew.
    let (again, first): (Vec<_>, Vec<_>) =
        metrics(&desk.path("run/metrics.jsonl")).into_iter().partition(|line| line.get("refit_loss").is_some());
    for lines in [first, again] {
        let steps: Vec<u64> = lines.iter().filter_map(|line| line["step"].as_u64()).collect();
        assert!(steps.len() >= 20 && steps.is_sorted(), "{steps:?}");
    }
    let report = desk.text("run/report.html");
    for part in [
        "<svg",
        "fitted Gaussian",
        "Training loss",
        "Columns, the most different first",
        "Validation loss",
        "test rows",
        "more fresh rows",
    ] {
        assert!(report.contains(part), "{part}");
    }

    for name in ["a.csv", "a.npy", "a.parquet"] {
        desk.works(&format!("sample run -n 50 --seed 3 --out {name}"));
    }
    let csv = desk.text("a.csv");
    assert_eq!((csv.lines().next(), csv.lines().count()), (Some("x,y"), 51));

    desk.works("push run --input toy:gaussian:30 --out pushed.csv");
    assert_eq!(desk.text("pushed.csv").lines().count(), 31);

    let found = desk.works("evaluate --reference toy:moons:100 --samples a.npy --train toy:moons:200 --json");
    let found = json(&found);
    assert_eq!(found["schema"], 1);
    for score in ["mmd2", "energy", "sliced_w2", "w2", "c2st", "coverage", "density", "precision", "recall", "ks"] {
        assert!(found[score]["value"].is_number(), "{score}: {found}");
    }
    assert!(found["mmd2"]["p_value"].is_number() && found["energy"]["interval"].is_array());
    assert!(found["memorization"]["ratio"]["value"].is_number());
    let few = desk.works("evaluate --reference toy:moons:100 --samples a.npy --pair-rows 40");
    assert!(few.contains("At most 40 rows of each set, drawn at random: Energy distance, MMD²"), "{few}");
    let run = desk.run("evaluate --reference a.csv --samples a.parquet");
    let (told, said) = (&run.out, &run.err);
    assert!(
        told.starts_with("No difference is found") && told.contains("Energy distance") && told.contains("Coverage"),
        "{told}"
    );
    assert!(told.contains("The samples are the reference's own rows"), "{told}");
    assert!(
        said.contains("score 1 of 8: Kolmogorov–Smirnov, 50 rows of each set") && said.contains("score 2 of 8: C2ST accuracy"),
        "{said}"
    );
    let units = desk.works("evaluate --reference a.csv --samples a.parquet --standardize=false");
    assert!(units.contains("Distances are in the columns' own units"), "{units}");
}

#[test]
fn samples_have_weights_of_their_own() {
    let desk = Desk::new();
    let rows = |shift: i32| (0..120).map(|i| i * 37 % 120 + shift).collect::<Vec<_>>();
    let plain = |values: Vec<i32>| values.iter().map(|v| format!("{v}\n")).collect::<String>();
    // Every second sample lies far away, and weighs nothing.
    let weighted = rows(0).iter().map(|v| format!("{v},2\n{},0\n", v + 900)).collect::<String>();
    desk.file("real.csv", format!("x\n{}", plain(rows(1)))).file("new.csv", format!("x,w\n{weighted}"));
    let asked = "--quiet evaluate --reference real.csv --samples new.csv --json";
    let found = json(&desk.works(&format!("{asked} --sample-weights w")));
    assert!(found["energy"]["value"].as_f64().is_some_and(|energy| energy < 0.01), "{found}");
    assert_eq!(found["sample_rows"], 120);
    assert!(json(&desk.works(asked))["energy"]["value"].as_f64().is_some_and(|energy| energy > 1.0));
    desk.fails("evaluate --reference real.csv --samples new.csv --sample-weights v", 2, &["`v`", "new.csv"]);
}

#[test]
fn one_seed_gives_one_sample_bit_for_bit() {
    let desk = Desk::new();
    desk.trained();
    desk.works(&format!("train energy --data toy:moons:200 --out twin --steps 20 {TINY}"));
    assert_eq!(desk.read("run/model.safetensors"), desk.read("twin/model.safetensors"));
    for (words, name) in [("run", "a.npy"), ("run", "b.npy"), ("twin/model.safetensors", "c.npy")] {
        desk.works(&format!("sample {words} -n 40 --seed 9 --out {name}"));
    }
    desk.works("sample run -n 40 --seed 10 --out other.npy");
    assert_eq!(desk.read("a.npy"), desk.read("b.npy"));
    assert_eq!(desk.read("a.npy"), desk.read("c.npy"));
    assert_ne!(desk.read("a.npy"), desk.read("other.npy"));
}

#[test]
fn columns_keep_their_names_and_weights_their_meaning() {
    let desk = Desk::new();
    let rows: String = (0..40).map(|i| format!("{},{},{},{}\n", i % 7, i, 100 + i * i % 13, 1 + i % 2)).collect();
    desk.file("a.csv", format!("id,age,height,w\n{rows}"));
    desk.works(&format!("train energy --data a.csv#age,height --weights w --steps 10 {TINY} --set round=true --set clamp=true"));
    desk.works("sample runs/energy-a -n 20 --out new.csv");
    let text = desk.text("new.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("age,height"));
    for line in lines {
        let row: Vec<f64> = line.split(',').map(|cell| cell.parse().expect("a number")).collect();
        assert!(row[0].fract() == 0.0 && (0.0..40.0).contains(&row[0]) && (100.0..113.0).contains(&row[1]), "{line}");
    }
    // A second run takes the next name.
    let said = desk.works(&format!("train energy --data a.csv#age,height --steps 2 {TINY}"));
    assert!(said.contains("runs/energy-a-2/model.safetensors"), "{said}");
}

#[test]
fn each_set_is_given_or_split_off_and_said() {
    let desk = Desk::new();
    let rows = |count: usize| format!("x,y\n{}", (0..count).map(|i| format!("{},{}\n", i % 17, i * i % 23)).collect::<String>());
    desk.file("a.csv", rows(200)).file("v.csv", rows(50)).file("t.csv", rows(30));
    let train = |words: &str| desk.works(&format!("train energy --steps 10 {TINY} {words}"));
    let said = train("--data a.csv --out split");
    assert!(said.contains("128 training, 32 validation (split off at random), 40 test (split off at random)"), "{said}");
    assert!(said.contains("refitted on all 200") && said.contains("scores are those of the model before"), "{said}");
    let page = desk.text("split/report.html");
    for part in ["Against 40 test rows", "samples of the model before the refit", "refitted on all 200"] {
        assert!(page.contains(part), "{part}");
    }
    let said = train("--data a.csv --validation v.csv --test t.csv --out given");
    assert!(
        said.contains("200 training, ") && said.contains("validation (from v.csv)") && said.contains("test (from t.csv)"),
        "{said}"
    );
    assert!(!said.contains("again"), "what is given is not trained on: {said}");
    let config = desk.text("given/config.toml");
    assert!(config.contains("validation = \"v.csv\"") && config.contains("test = \"t.csv\""), "{config}");
    // A toy target has fresh rows without end, and none of its rows is split off for the scores.
    let said = train("--data toy:moons:200 --out toy");
    assert!(said.contains("160 training, 40 validation (split off at random), 2000 test (from toy:moons:2000)"), "{said}");
    // Without test rows the page says what its scores are of, and no set is compared with itself.
    let none = "--set test_fraction=0 --set validation_fraction=0";
    assert!(train(&format!("--data a.csv --out none {none}")).contains("200 training, no validation, no test"));
    let page = desk.text("none/report.html");
    assert!(
        page.contains("There are no test rows: these rows were trained on.") && page.contains("other training rows"),
        "{page}"
    );
    train("--data a.csv --out validation --set test_fraction=0");
    assert!(desk.text("validation/report.html").contains("these rows also chose the step"));
}

#[test]
fn lists_are_for_people_and_for_programs() {
    let desk = Desk::new();
    let adapters = json(&desk.works("adapters --json"));
    assert!(adapters.as_array().is_some_and(|all| all.iter().filter(|a| a["default"] == true).count() == 1), "{adapters}");
    assert!(desk.works("adapters").contains("--adapter auto"));
    let methods = json(&desk.works("methods --json"));
    let methods = methods.as_array().expect("an array");
    let names: Vec<&str> = methods.iter().filter_map(|m| m["name"].as_str()).collect();
    assert!(names.contains(&"energy") && names.contains(&"mmd"), "{names:?}");
    let table = desk.works("methods");
    for method in methods {
        let name = method["name"].as_str().expect("a name");
        assert!(table.contains(name));
        let settings = desk.works(&format!("methods {name}"));
        let keys = [&method["settings"], &method["shared_settings"]].map(|keys| keys.as_array().expect("keys").clone()).concat();
        for key in keys {
            assert!(settings.contains(key["name"].as_str().expect("a name")), "{name}: {key}");
            assert!(key["help"].as_str().is_some_and(|help| help.len() > 5) && key["default"].is_string(), "{name}: {key}");
        }
    }
}

#[test]
fn every_method_trains_and_samples() {
    let desk = Desk::new();
    let methods = json(&desk.works("methods --json"));
    for method in methods.as_array().expect("an array") {
        let name = method["name"].as_str().expect("a name");
        // A target whose score is known: `stein` learns no other.
        // The registry has flows before what learns from them.
        let pairs = match name {
            "distill" => "--set teacher=flow-matching --set pairs=500",
            "rectified-flow" => "--set pairs=500",
            _ => "",
        };
        desk.works(&format!("train {name} --data toy:banana:300 --out {name} --steps 5 {TINY} {pairs}"));
        desk.works(&format!("sample {name} -n 10 --out {name}.csv"));
    }
}

#[test]
fn stein_learns_any_rows_towards_a_given_score() {
    let desk = Desk::new();
    let rows: String = (0..60).map(|i| format!("{},{}\n", i % 7, i * i % 11)).collect();
    desk.file("a.csv", format!("age,height\n{rows}"));
    let words = format!("train stein --data a.csv --out run --steps 10 {TINY}");
    let said = desk.works(&format!("{words} --set score=['-(age-3)','-0.25*(x2-4)']"));
    // The rows are not those of the distribution: training is not stopped by them.
    assert!(said.contains("60 training, no validation, no test"), "{said}");
    assert!(desk.text("run/config.toml").contains("-0.25*(x2-4)"));
    let report = desk.text("run/report.html");
    for part in ["KSD²", "discrepancy to the known score", "30 rows that training started from", "other starting rows"] {
        assert!(report.contains(part), "{part}");
    }
    desk.works("sample run -n 10 --out new.csv");
    assert_eq!(desk.text("new.csv").lines().next(), Some("age,height"));
    // A lognormal score has no value at the fitted Gaussian's rows below zero: there is no gradient to follow, and the run says so.
    let lognormal = "--set score=['-(1+log(age+1))/(age+1)','-height']";
    let words_there = format!("train stein --data a.csv --out lognormal --steps 5 {TINY} {lognormal}");
    desk.fails(&words_there, 1, &["gradient_norm2 became", "last good checkpoint"]);
    // A run's own config.toml makes it again, and a run goes on with its own score only.
    desk.works(&format!("train stein --data a.csv --config run/config.toml --out again {TINY}"));
    assert_eq!(desk.read("run/model.safetensors"), desk.read("again/model.safetensors"));
    let other = "--set score=['-(age-2)','-0.25*(x2-4)']";
    desk.fails(&format!("{words} --resume {other}"), 2, &["`score` is", "run was made with"]);
}

#[test]
fn evaluate_adds_the_stein_discrepancy_where_a_score_is_known() {
    let desk = Desk::new();
    let score = |words: &str| json(&desk.works(&format!("evaluate {words} --json")))["ksd2"].clone();
    let banana = "--reference toy:banana:300 --samples";
    let (own, other) = (score(&format!("{banana} toy:banana:250")), score(&format!("{banana} toy:gaussian:250")));
    for found in [&own, &other] {
        assert!(found["value"].is_number() && found["interval"][1].is_number(), "{found}");
    }
    assert!(own["p_value"].as_f64() > Some(0.01) && other["p_value"].as_f64() == Some(0.002), "{own} {other}");
    // Units change the kernel, not the verdict.
    assert!(score(&format!("{banana} toy:banana:250 --standardize=false"))["p_value"].as_f64() > Some(0.01));
    for none in ["--reference toy:moons:60 --samples toy:moons:60", "--reference toy:banana:60#y --samples toy:banana:60#y"] {
        assert!(score(none).is_null(), "{none}");
    }
    let words = "evaluate --reference toy:moons:60 --samples toy:gaussian:200 --pair-rows 150 --score -x --score -x2";
    let told = desk.works(words);
    assert!(told.contains("KSD²") && told.contains("wild bootstrap") && told.contains("150 rows of each set"), "{told}");
    desk.fails(&words.replace("--score -x2", ""), 2, &["1 expression for 2 columns (x, y)"]);
    desk.fails(&words.replace("-x2", "-z"), 2, &["expression 2 is `-z`: at character 2"]);
}

#[test]
fn logs_are_lines_or_json_or_silence() {
    let desk = Desk::new();
    let train = format!("train energy --data toy:moons:200 --steps 10 {TINY}");
    let plain = desk.run(&train);
    assert!(plain.err.contains("step 10 of 10") && !plain.err.contains('\x1b'), "{}", plain.err);

    // Long enough for losses to come back while it runs: the first report of a short run can be ahead of them.
    let long = format!("train energy --data toy:moons:200 --steps 2000 --set patience=none {TINY}");
    let log = desk.run(&format!("{long} --log-format json"));
    let events: Vec<Value> = log.err.lines().map(json).collect();
    let progress = events.iter().rfind(|e| e["event"] == "progress").expect("progress");
    assert!(progress["loss"].is_number() && progress["rows_per_second"].is_number(), "{progress}");
    assert_eq!(json(&log.out)["event"], "finished");

    let quiet = desk.run(&format!("{train} --quiet"));
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    let quiet = desk.run("sample runs/energy-moons -n 3 --out a.csv --quiet");
    assert_eq!((quiet.status, quiet.err.as_str()), (Some(0), ""));

    let failed = desk.run("train energy --data none.csv --log-format json");
    assert_eq!(json(&failed.err)["event"], "error");
}

#[test]
fn help_and_version_answer() {
    let desk = Desk::new();
    assert!(desk.works("--version").starts_with("pushforward "));
    for words in ["--help", "train --help", "sample --help", "evaluate --help", "bench --help"] {
        assert!(desk.works(words).contains("Usage: pushforward"), "{words}");
    }
}

#[test]
fn the_saddle_of_footnote_3_leaves_a_picture_a_table_and_its_numbers() {
    let desk = Desk::new();
    let out = desk.works("reproduce saddle --out saddle --json --set steps=100");
    let found: serde_json::Value = serde_json::from_str(&out).expect("one object");
    assert_eq!(found["games"].as_array().map(Vec::len), Some(6));
    assert_eq!(desk.text("saddle/saddle.json").trim_end(), out.trim_end());
    assert!(desk.text("saddle/saddle.svg").ends_with("</svg>\n"));
    assert_eq!(desk.text("saddle/saddle.csv").lines().count(), 102);
    desk.fails("reproduce saddle --set learning_rate=0", 2, &["`learning_rate`", "above 0"]);
}

#[test]
fn the_spectrum_of_footnote_9_leaves_a_picture_a_table_and_a_page() {
    let desk = Desk::new();
    let quick = "--set particles=4000 --set functions=2 --set duration=1 --set energy_duration=0.5 --set energy_step=0.005";
    let out = desk.works(&format!("reproduce spectrum --out spectrum --json {quick}"));
    let found: serde_json::Value = serde_json::from_str(&out).expect("one object");
    let targets = found["targets"].as_array().expect("two targets");
    assert_eq!(targets.iter().map(|t| t["energy"].as_str()).collect::<Vec<_>>(), [Some("quadratic"), Some("double-well")]);
    for rate in targets.iter().flat_map(|target| target["rates"].as_array().expect("rates")) {
        for key in ["exact", "fitted", "standard_error", "departure", "step_bias", "p_value"] {
            assert!(rate[key].is_number(), "{key} of {rate}");
        }
    }
    assert!(desk.text("spectrum/spectrum.svg").ends_with("</svg>\n"));
    let table = desk.text("spectrum/spectrum.csv");
    assert!(table.starts_with("target,function,time,mean,standard_error,exact\nquadratic,1,0,"), "{table}");
    let page = desk.text("spectrum/report.html");
    assert!(page.contains("Double well: rates") && page.contains("energy_step") && page.ends_with("</html>\n"));
    let text = desk.works(&format!("reproduce spectrum --out again {quick} --set energy=quartic"));
    assert!(text.contains("quartic") && text.contains("4 rates"), "{text}");
}

#[test]
fn rows_that_a_density_has_learned_by_heart_are_told_from_others() {
    let desk = Desk::new();
    // Many columns of few rows: the Gaussian that training starts from is wide where test rows are.
    let rows = |rows: usize, columns: usize| {
        let mut state = 1u64;
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1u64 << 24) as f64
        };
        let header: Vec<String> = (0..columns).map(|j| format!("x{j}")).collect();
        let line =
            |_| (0..columns).map(|_| format!("{:.6}", (0..4).map(|_| number()).sum::<f64>())).collect::<Vec<_>>().join(",");
        format!("{}\n{}\n", header.join(","), (0..rows).map(line).collect::<Vec<_>>().join("\n"))
    };
    let auc = |name: &str, text: String| {
        desk.file(&format!("{name}.csv"), text);
        let found = desk.works(&format!("train realnvp --data {name}.csv --out {name} --steps 1 {TINY} --log-format json"));
        let found: Value = serde_json::from_str(found.lines().last().unwrap()).unwrap();
        let score = &found["likelihood"]["membership"];
        (score["value"].as_f64().unwrap(), score["interval"][0].as_f64().unwrap())
    };
    let (few, low) = auc("few", rows(80, 25));
    assert!(low > 0.6, "{few}, from {low}");
    let (many, _) = auc("many", rows(3000, 2));
    // The standard error of 600 test rows beside 1,900 of training is .013.
    assert!((many - 0.5).abs() < 0.05, "{many}");
}
