//! `reproduce statistics` as a person runs it: small, but whole.

use super::Desk;
#[cfg(unix)]
use super::resume::{signal, started};

/// Two methods on two targets for a moment, networks that take no time, and one method that needs what one target has not.
const SMALL: &str = "reproduce statistics --set seconds=0.3 --set rows=600 --set scored=100 --set methods=[\"energy\",\"stein\"] \
                     --set training={hidden_width=8,hidden_layers=1,batch_size=64,validation_fraction=0} --out page";
const BOTH: &str = "--set seeds=1 --set targets=[\"8gaussians\",\"moons\"]";

/// How a method stands on a target.
fn standing(found: &str, method: &str, target: &str) -> serde_json::Value {
    let found: serde_json::Value = serde_json::from_str(found).expect("one object");
    let standings = found["standings"].as_array().expect("a list");
    standings.iter().find(|s| s["method"] == method && s["target"] == target).expect("its standing").clone()
}

#[test]
fn the_page_is_whole_and_only_what_is_missing_is_made_again() {
    let desk = Desk::new();
    let found = desk.works(&format!("{SMALL} {BOTH} --json"));
    for method in ["fitted Gaussian", "energy", "stein", "fresh data"] {
        let standing = standing(&found, method, "8gaussians");
        assert_eq!((standing["cell"].as_str(), standing["runs"].as_u64()), (Some("made"), Some(1)), "{standing}");
        for score in ["skill", "sliced_w2", "c2st_accuracy", "outlier_rate", "smallest_mode_share"] {
            assert!(standing[score]["value"].is_number() && standing[score]["interval"].is_null(), "{score}: {standing}");
        }
    }
    // By its own definition.
    let skill = |method: &str| standing(&found, method, "moons")["skill"]["value"].as_f64().expect("a number");
    assert!(skill("fitted Gaussian").abs() < 1e-9 && (skill("fresh data") - 1.0).abs() < 1e-9);
    assert_eq!(standing(&found, "stein", "moons")["cell"], "no-known-score");
    let energy = standing(&found, "energy", "moons");
    assert!(
        energy["smallest_mode_share"].is_null() && energy["step_ms"].is_number() && energy["seconds"].is_number(),
        "{energy}"
    );

    let lines = desk.text("page/statistics.jsonl");
    assert_eq!(lines.lines().count(), 4 + 3);
    let csv = desk.text("page/statistics.csv");
    assert!(csv.starts_with("method,target,seed,skill,") && csv.lines().count() == 1 + 7, "{csv}");
    let (svg, html) = (desk.text("page/grid.svg"), desk.text("page/report.html"));
    assert!(svg.contains("no known score") && svg.contains("skill") && html.contains(&svg));
    for part in ["Scores on 8gaussians", "Scores on moons", "What failed, and how", "How it was made", "fresh data"] {
        assert!(html.contains(part), "{part}");
    }

    // What is there stays as it is, and another seed is added to it.
    let model = desk.read("page/runs/energy-moons-seed0/model.safetensors");
    let said = desk.run(&format!("{SMALL} {BOTH}"));
    assert!(said.status == Some(0) && !said.err.contains(": run 1 of"), "{}", said.err);
    assert_eq!(desk.text("page/statistics.jsonl"), lines);
    let said = desk.run(&format!("{SMALL} --set seeds=2 --set targets=[\"moons\"] --json"));
    assert!(said.err.contains("energy on moons, seed 1: run 1 of 1"), "{}", said.err);
    assert!(standing(&said.out, "energy", "moons")["skill"]["interval"].is_array(), "{}", said.out);
    let longer = desk.text("page/statistics.jsonl");
    assert!(longer.starts_with(&lines) && longer.lines().count() == 7 + 3);
    assert!(model == desk.read("page/runs/energy-moons-seed0/model.safetensors"));

    desk.fails(
        &format!("{SMALL} {BOTH} --set rows=700"),
        2,
        &["statistics.jsonl", "rows = 600", "700 was asked for", "another folder"],
    );
}

#[test]
fn a_run_that_fails_is_told_in_its_cell_and_stops_nothing() {
    let desk = Desk::new();
    let words = "reproduce statistics --set seconds=0.5 --set seeds=1 --set rows=600 --set scored=100 --set methods=[\"energy\",\"mmd\"] \
                 --set targets=[\"moons\"] --set training={hidden_width=8,hidden_layers=1,batch_size=64,validation_fraction=0,learning_rate=1e30}";
    let out = desk.works(words);
    // The loss of one is no number; that of the other is blind to rows so far away, but training watches where samples lie, and keeps its start.
    assert!(out.contains("failed   energy on moons, 1 of 1 runs: loss became NaN at step"), "{out}");
    assert!(out.contains("failed   mmd on moons, 1 of 1 runs: hardly better than a Gaussian"), "{out}");
    let lines = desk.text("runs/statistics/statistics.jsonl");
    assert_eq!(lines.lines().filter(|line| line.contains("\"failure\":\"")).count(), 1, "{lines}");
    assert!(desk.text("runs/statistics/grid.svg").contains("loss became"));
    assert!(desk.text("runs/statistics/report.html").contains("1 of 1"));
    assert!(desk.text("runs/statistics/statistics.csv").contains("loss became"));
}

#[cfg(unix)]
#[test]
fn what_ctrl_c_leaves_is_a_page_and_the_way_on() {
    use std::io::BufRead;
    let desk = Desk::new();
    let words = "reproduce statistics --set seconds=60 --set seeds=1 --set rows=600 --set scored=50 --set methods=[\"energy\"] \
                 --set targets=[\"moons\"] --set training={steps=100000,hidden_width=8,hidden_layers=1,validation_fraction=0} --out page";
    let (mut child, log) = started(&desk, words, 0);
    signal(&child, "INT");
    let said: String = log.lines().map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{said}");
    assert!(said.contains("the page shows what is finished") && said.contains("--out page"), "{said}");
    assert!(desk.text("page/grid.svg").contains("not run") && desk.text("page/report.html").contains("interrupted"));
    assert_eq!(desk.text("page/statistics.jsonl").lines().count(), 2);
}

#[test]
fn mistakes_in_its_settings_name_what_there_is() {
    let desk = Desk::new();
    for (set, parts) in [
        ("methods=[\"enrgy\"]", ["`enrgy`", "did you mean `energy`?"]),
        ("targets=[\"mons\"]", ["`mons`", "did you mean `moons`?"]),
        ("methods=energy", ["`methods`", "[\"mmd\", \"energy\"]"]),
        ("training={hidden_widht=3}", ["`hidden_widht`", "did you mean `hidden_width`?"]),
        ("secnds=3", ["`secnds`", "did you mean `seconds`?"]),
        ("seconds=0", ["`seconds`", "above 0"]),
        ("seeds=0", ["`seeds`", "between 1 and 100"]),
        ("rows=3", ["`rows`", "between 10 and"]),
        ("scored=3", ["`scored`", "between 50 and"]),
    ] {
        desk.fails(&format!("reproduce statistics --set {set}"), 2, &parts);
    }
    assert!(!desk.path("runs").exists());
}
