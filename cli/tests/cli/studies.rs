//! Studies that no other file makes: small, but whole. And that none is forgotten.

use super::Desk;

#[test]
fn figure_1_leaves_a_picture_a_table_and_a_page() {
    let desk = Desk::new();
    let out = desk.works("reproduce figure1 --out map --json --set steps=400 --set batch_size=256 --set hidden_width=16");
    let found: serde_json::Value = serde_json::from_str(&out).expect("one object");
    // Of the sigmoid of a normal variable, where training starts, the distance to the uniform distribution is 0.118.
    assert!(found["ks"].as_f64().is_some_and(|ks| ks < 0.06), "{out}");
    for key in ["monotone", "falling", "largest_error", "seed"] {
        assert!(!found[key].is_null(), "{key} of {out}");
    }
    assert!(desk.text("map/figure1.svg").ends_with("</svg>\n"));
    // 801 points of the map.
    assert_eq!(desk.text("map/figure1.csv").lines().count(), 802);
    let page = desk.text("map/report.html");
    assert!(page.contains("Figure 1") && page.contains("Kolmogorov") && page.ends_with("</html>\n"));
    let text = desk.works("reproduce figure1 --out again --set steps=2 --set batch_size=8 --set hidden_width=4");
    assert!(text.contains("Kolmogorov–Smirnov distance") && text.contains("figure1.svg"), "{text}");
}

#[test]
fn defaults_compares_a_changed_setting_and_trains_no_run_twice() {
    let desk = Desk::new();
    let study = "reproduce defaults --out study --set data=[\"toy:moons:600\"] --set methods=[\"energy\"] --set seeds=1 --set steps=20 \
                 --set changes=[\"learning_rate=1e-9\"]";
    let out = desk.works(&format!("{study} --json"));
    let found: serde_json::Value = serde_json::from_str(&out).expect("one object");
    let standings = found["standings"].as_array().expect("standings");
    assert_eq!(standings.len(), 2, "{out}");
    for standing in standings {
        assert_eq!(
            (standing["method"].as_str(), standing["runs"].as_u64(), standing["failed"].as_u64()),
            (Some("energy"), Some(1), Some(0))
        );
    }
    let of = |changed: &str| standings.iter().find(|standing| standing["changed"] == changed).expect("its standing");
    // With a rate of nothing the map stays the fitted Gaussian, whose skill is 0 but for the noise of a few hundred rows.
    let still = of("learning_rate=1e-9")["mean"].as_f64().expect("a skill");
    assert!(still.abs() < 0.2, "{still}");
    assert!(of("defaults")["mean"].as_f64().is_some_and(|skill| skill > still), "{out}");
    let table = desk.text("study/defaults.csv");
    assert!(table.starts_with("method,settings,skill,") && table.lines().count() == 3, "{table}");
    // What is finished is there again.
    let again = desk.works(&format!("{study} --json --set train=false"));
    let again: serde_json::Value = serde_json::from_str(&again).expect("one object");
    assert_eq!(again["standings"], found["standings"]);
    desk.fails("reproduce defaults --set methods=[\"enrgy\"]", 2, &["no trials of `enrgy`"]);
}

#[test]
fn every_study_is_made_by_a_test() {
    let list = Desk::new().works("reproduce");
    let names: Vec<&str> =
        list.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"figure1") && names.len() >= 8, "{list}");
    let tests: String = ["anneal", "compared", "densities", "run", "statistics", "studies"]
        .map(|name| std::fs::read_to_string(format!("{}/tests/cli/{name}.rs", env!("CARGO_MANIFEST_DIR"))).expect("the tests"))
        .concat();
    for name in names {
        assert!(tests.contains(&format!("reproduce {name} --")), "no test makes {name}");
    }
}
