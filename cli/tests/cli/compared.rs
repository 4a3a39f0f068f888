//! `reproduce flows` as a person runs it: small, but whole. What it shares with `reproduce statistics` is tested there.

use super::Desk;

/// Two methods on one target for a moment, networks that take no time.
const SMALL: &str = "reproduce flows --set seconds=0.2 --set seeds=1 --set rows=600 --set scored=100 --set targets=[\"moons\"] \
                     --set methods=[\"diffusion\",\"flow-matching\"] --set training={hidden_width=8,hidden_layers=1,batch_size=64,validation_fraction=0} --out page";

#[test]
fn the_page_has_ways_and_quality_against_evaluations() {
    let desk = Desk::new();
    let printed = desk.works(&format!("{SMALL} --json"));
    let found: serde_json::Value = serde_json::from_str(&printed).expect("one object");
    let curves = found["sweep"].as_array().expect("curves");
    assert_eq!(curves.len(), 4, "{printed}");
    for method in ["diffusion", "flow-matching"] {
        let standing = found["standings"].as_array().expect("a list").iter().find(|s| s["method"] == method).expect("it stands");
        for (solver, first, count) in [("euler", 1, 8), ("heun", 2, 7)] {
            let curve = curves.iter().find(|c| c["method"] == method && c["solver"] == solver).expect("its curve");
            let readings = curve["readings"].as_array().expect("readings");
            assert_eq!((readings.len(), readings[0]["evaluations"].as_u64()), (count, Some(first)), "{curve}");
            for reading in readings {
                let spent = reading["steps"].as_u64().expect("steps") * first;
                assert_eq!(reading["evaluations"].as_u64(), Some(spent), "{reading}");
                let skill = &reading["skill"];
                let value = skill["value"].as_f64().expect("a share");
                let [low, high] = [0, 1].map(|i| skill["interval"][i].as_f64().expect("an end"));
                assert!(low <= value && value <= high, "{reading}");
                // Samples are drawn by Heun in 16 steps unless other settings are asked for.
                if solver == "heun" && reading["evaluations"] == 32 {
                    let own = standing["skill"]["value"].as_f64().expect("a share");
                    assert!((own - value).abs() < 1e-6 * own.abs().max(1.0), "{own} and {value}");
                }
            }
        }
    }
    let csv = desk.text("page/sweep.csv");
    assert!(
        csv.starts_with("method,target,seed,solver,evaluations,steps,skill,standard_error,low,high")
            && csv.lines().count() == 1 + 30
    );
    let lines = desk.text("page/sweep.jsonl");
    assert_eq!(lines.lines().count(), 30);
    let (trajectories, sweep, html) =
        (desk.text("page/trajectories.svg"), desk.text("page/sweep.svg"), desk.text("page/report.html"));
    assert!(
        trajectories.matches("<polyline").count() >= 2 * 60 && trajectories.contains("× the straight line"),
        "a line per trajectory"
    );
    assert!(sweep.contains("flow-matching") && sweep.contains("Heun") && sweep.contains(">128<"), "{sweep}");
    assert!(html.contains(&trajectories) && html.contains(&sweep) && html.contains(&desk.text("page/grid.svg")));
    for part in ["Scores on moons", "How many evaluations are enough", "flow-matching, Euler", "flows of §4"] {
        assert!(html.contains(part), "{part}");
    }

    // What was read is not read again, and a line that is missing is.
    let said = desk.run(SMALL);
    assert!(said.status == Some(0) && !said.err.contains("quality by evaluations"), "{}", said.err);
    assert!(said.out.contains("NFE 128") && said.out.contains("page/sweep.csv"), "{}", said.out);
    let kept: Vec<&str> = lines.lines().take(29).collect();
    desk.file("page/sweep.jsonl", kept.join("\n") + "\n");
    let said = desk.run(SMALL);
    assert!(said.err.contains("flow-matching on moons, seed 0: quality by evaluations"), "{}", said.err);
    assert!(!said.err.contains("diffusion on moons") && desk.text("page/sweep.jsonl") == lines, "{}", said.err);
    // Without its model a run still has its numbers.
    std::fs::remove_dir_all(desk.path("page/runs")).expect("the runs go");
    desk.works(SMALL);
    assert!(desk.text("page/trajectories.svg").contains("its model") && desk.text("page/sweep.csv") == csv);
}

#[test]
fn what_is_no_flow_or_no_setting_is_refused_in_words() {
    let desk = Desk::new();
    for (set, parts) in [
        ("methods=[\"energy\"]", ["`energy` is of §2", "of §4 that integrate an equation: score, diffusion, flow-matching"]),
        ("methods=[\"difusion\"]", ["`difusion`", "did you mean `diffusion`?"]),
        ("targets=[\"mons\"]", ["`mons`", "did you mean `moons`?"]),
        ("training={solver=\"leapfrog\"}", ["leapfrog", "euler"]),
        ("secnds=3", ["`secnds`", "did you mean `seconds`?"]),
        ("seconds=0", ["`seconds`", "above 0"]),
    ] {
        desk.fails(&format!("reproduce flows --set {set}"), 2, &parts);
    }
    desk.fails("reproduce statistics --set methods=[\"diffusion\"]", 2, &["`diffusion` is of §4", "the methods of §2: mmd"]);
    assert!(!desk.path("runs").exists());
}
