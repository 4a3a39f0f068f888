//! `reproduce anneal` as a person runs it: small, but whole.

use super::Desk;
#[cfg(unix)]
use super::resume::{signal, started};

/// One target, two objectives, one fall, networks that take no time.
const SMALL: &str = "reproduce anneal --set steps=20 --set batch_size=64 --set rows=600 --set scored=100 --set noise_schedules=[\"geometric\"] \
                     --set training={hidden_width=8,hidden_layers=1,critic_hidden_width=8,critic_hidden_layers=1}";

fn page(out: &str, rest: &str) -> String {
    format!("{SMALL} --out {out} {rest}")
}

const BOTH: &str = "--set objectives=[\"energy\",\"gan\"] --set targets=[\"ring\"] --set seeds=2";

#[test]
fn the_page_is_whole_and_only_what_is_missing_is_made_again() {
    let desk = Desk::new();
    let found: serde_json::Value =
        serde_json::from_str(&desk.works(&page("page", &format!("{BOTH} --json")))).expect("one object");
    assert_eq!(found["schema"], 1);
    let effects = found["effects"].as_array().expect("effects");
    assert_eq!(effects.len(), 2);
    for effect in effects {
        for of in ["root_energy", "share_error"] {
            let change = &effect[of];
            assert_eq!(change["pairs"].as_u64(), Some(2), "{change}");
            assert!(change["interval"].is_array() && change["p_value"].as_f64() >= Some(0.5), "{change}");
        }
        assert!(effect["step_time_ratio"].is_number() && effect["floor_time_share"].is_null(), "{effect}");
    }
    assert_eq!(found["levels"].as_array().map(Vec::len), Some(2 + 2 * 2));
    assert!(found["headline"].as_str().is_some_and(|said| said.contains("of 2 comparisons")), "{}", found["headline"]);

    let lines = desk.text("page/anneal.jsonl");
    assert_eq!(lines.lines().count(), 2 * 2 + 2 * 2 * 2, "two baselines and four runs of each seed");
    // Runs of the first seed come first, and the runs' folders are gone.
    let seeds: Vec<bool> = lines.lines().skip(4).map(|line| line.contains("\"seed\":0")).collect();
    assert_eq!(seeds, [true, true, true, true, false, false, false, false]);
    assert_eq!(std::fs::read_dir(desk.path("page/runs")).map(Iterator::count).unwrap_or(0), 0);
    let csv = desk.text("page/anneal.csv");
    assert!(csv.starts_with("target,objective,noise_schedule,direct_root_energy,") && csv.lines().count() == 1 + 2, "{csv}");
    let html = desk.text("page/report.html");
    for name in ["changes.svg", "shares.svg", "samples.svg"] {
        assert!(html.contains(&desk.text(&format!("page/{name}"))), "{name}");
    }
    assert!(!desk.text("page/samples.svg").contains("its rows are"));
    for part in ["At a glance", "All numbers on ring", "What a step costs", "What failed", "How it was made", "iteratively"] {
        assert!(html.contains(part), "{part}");
    }

    let said = desk.run(&page("page", BOTH));
    assert!(said.status == Some(0) && !said.err.contains(": run 1 of"), "{}", said.err);
    assert_eq!(desk.text("page/anneal.jsonl"), lines);
    assert!(said.out.contains("gan") && said.out.contains("page/report.html"), "{}", said.out);
    desk.fails(&page("page", "--set steps=30"), 2, &["anneal.jsonl", "steps = 20", "30 was asked for", "another folder"]);
    // Lines of another schema are refused, not misread.
    for (schema, said) in [("\"schema\":2,", "schema 2"), ("", "no schema")] {
        desk.file("page/anneal.jsonl", lines.replacen("\"schema\":1,", schema, 1));
        desk.fails(&page("page", BOTH), 1, &["anneal.jsonl", "another version", said, "reads schema 1", "another folder"]);
    }
}

#[test]
fn logs_of_several_folders_make_one_page() {
    let desk = Desk::new();
    let of = |target: &str| format!("--set objectives=[\"energy\"] --set targets=[\"{target}\"] --set seeds=2");
    desk.works(&page("a", &of("two")));
    desk.works(&page("b", &of("far32")));
    std::fs::create_dir(desk.path("both")).expect("a folder");
    // What is there twice counts once.
    let [a, b] = ["a", "b"].map(|name| desk.text(&format!("{name}/anneal.jsonl")));
    desk.file("both/anneal.jsonl", format!("{a}{b}{a}"));
    let said = desk.run(&page("both", "--set objectives=[\"energy\"] --set targets=[\"two\",\"far32\"] --set seeds=2"));
    assert!(said.status == Some(0) && !said.err.contains(": run 1 of"), "{}", said.err);
    let pairs: Vec<bool> = desk.text("both/anneal.csv").lines().skip(1).map(|line| line.contains(",2,")).collect();
    assert_eq!(pairs, [true, true]);
    assert!(desk.text("both/samples.svg").contains("its rows are"), "rows stay in the folder where they were made");
    assert!(desk.text("both/report.html").contains("All numbers on far32"));
    // A control without modes has no shares.
    desk.works(&page("moons", &of("moons")));
    assert!(!desk.path("moons/shares.svg").exists() && desk.path("moons/changes.svg").exists());
}

#[test]
fn twins_begin_with_the_same_weights_and_a_page_is_made_of_what_there_is() {
    let desk = Desk::new();
    let words = page("page", BOTH).replace("{hidden_width", "{learning_rate=1e-12,hidden_width");
    let none = desk.run(&format!("{words} --set train=false"));
    assert!(none.status == Some(0) && none.out.contains("There is no pair"), "{} {}", none.out, none.err);
    assert!(!desk.path("page/anneal.jsonl").exists() && desk.text("page/samples.svg").contains("not run"));
    // Weights that hardly move: no difference but that of rounding.
    let found: serde_json::Value = serde_json::from_str(&desk.works(&format!("{words} --json"))).expect("one object");
    for effect in found["effects"].as_array().expect("effects") {
        let change = effect["root_energy"]["mean"].as_f64().expect("a mean");
        assert!(change.abs() < 1e-4, "{effect}");
    }
}

#[cfg(unix)]
#[test]
fn what_ctrl_c_leaves_is_a_page_and_the_way_on() {
    use std::io::BufRead;
    let desk = Desk::new();
    let words =
        page("page", "--set objectives=[\"energy\"] --set targets=[\"two\"] --set seeds=2").replace("steps=20", "steps=100000");
    let (mut child, log) = started(&desk, &words, 0);
    signal(&child, "INT");
    let said: String = log.lines().map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{said}");
    assert!(said.contains("the page shows what is finished") && said.contains("--out page"), "{said}");
    assert!(desk.text("page/samples.svg").contains("not run") && desk.text("page/report.html").contains("interrupted"));
    // What was scored is kept, and a run that was not finished is none.
    assert_eq!(desk.text("page/anneal.jsonl").lines().count(), 4);
}

#[test]
fn a_run_that_fails_is_told_and_counted() {
    let desk = Desk::new();
    let words = page("page", "--set objectives=[\"energy\"] --set targets=[\"moons\"] --set seeds=2");
    desk.works(&words.replace("{hidden_width", "{learning_rate=1e30,hidden_width"));
    let html = desk.text("page/report.html");
    assert!(html.contains("2 of 2") && html.contains("There is no pair"), "both runs of both arms fail");
    assert_eq!(desk.text("page/anneal.jsonl").matches("\"failure\":\"").count(), 4);
}

#[test]
fn mistakes_in_its_settings_name_what_there_is() {
    let desk = Desk::new();
    for (set, parts) in [
        ("objectives=[\"enrgy\"]", ["`enrgy`", "did you mean `energy`?"]),
        ("objectives=[\"stein\"]", ["`stein` cannot be annealed", "mmd, energy"]),
        ("noise_schedules=[\"slowly\"]", ["`noise_schedules` cannot be", "geometric"]),
        ("targets=[\"rings\"]", ["`rings`", "did you mean `ring`?"]),
        ("training={hidden_widht=3}", ["`hidden_widht`", "did you mean `hidden_width`?"]),
        ("training={critic_hidden_width=0}", ["`critic_hidden_width`", "0"]),
        ("training={noise_fraction=2.0}", ["`noise_fraction`", "above 0"]),
        ("training={steps=3}", ["`training` has `steps`", "`steps` of the study"]),
        ("seds=3", ["`seds`", "did you mean `seeds`?"]),
        ("seeds=0", ["`seeds`", "between 1 and 100"]),
        ("steps=0", ["`steps`", "at least 1"]),
        ("scored=3", ["`scored`", "between 50 and"]),
    ] {
        desk.fails(&format!("reproduce anneal --set {set}"), 2, &parts);
    }
    assert!(!desk.path("runs").exists());
}
