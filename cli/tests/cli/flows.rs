//! Methods whose map is the end of an integration.

use super::{Desk, TINY};

#[test]
fn a_flow_is_sampled_by_the_solver_that_is_asked_for() {
    let desk = Desk::new();
    desk.works(&format!("train flow-matching --data toy:moons:200 --out run --steps 20 {TINY}"));
    for (name, flags) in
        [("default", ""), ("same", "--solver heun --steps 16"), ("euler", "--solver euler"), ("short", "--steps 2")]
    {
        desk.works(&format!("sample run -n 30 --seed 1 --out {name}.csv {flags}"));
    }
    assert!(desk.read("default.csv") == desk.read("same.csv"));
    for other in ["euler.csv", "short.csv"] {
        assert!(desk.read("default.csv") != desk.read(other), "{other}");
    }
    desk.fails("sample run -n 3 --out a.csv --solver leapfrog", 2, &["leapfrog", "euler", "heun", "rk4"]);
    desk.fails("sample run -n 3 --out a.csv --steps 100000", 2, &["solver_steps", "between 1 and 10,000"]);
    desk.fails("sample run -n 3 --out a.csv --steps 0", 2, &["--steps"]);
    for (setting, parts) in [
        ("path=curved", ["curved", "straight"]),
        ("path=encoding-decoding", ["encoding-decoding", "interpolant"]),
        ("time_frequencies=0", ["time_frequencies", "between 1 and 16"]),
        ("sigma_min=1.5", ["sigma_min", "below 1"]),
        ("epsilon=0", ["epsilon", "between 0.005"]),
        ("tolerance=0", ["tolerance", "between 1e-6 and 1"]),
        ("tolerance=1e-12", ["tolerance", "between 1e-6 and 1"]),
        ("churn=-1", ["churn", "between 0 and 10"]),
    ] {
        desk.fails(&format!("train flow-matching --data toy:moons:200 --out other {TINY} --set {setting}"), 2, &parts);
    }
}

#[test]
fn a_flow_is_run_back_and_says_how_likely_rows_are() {
    let desk = Desk::new();
    desk.works(&format!("train flow-matching --data toy:moons:200 --out run --steps 20 {TINY}"));
    desk.works("sample run -n 30 --out new.csv");
    desk.works("push run --input new.csv --out z.csv --inverse");
    desk.works("push run --input z.csv --out back.csv");
    assert!(desk.text("z.csv").starts_with("z1,z2\n"));
    let numbers = |name: &str| -> Vec<f64> {
        desk.text(name).lines().skip(1).flat_map(|line| line.split(',')).map(|v| v.parse().expect("a number")).collect()
    };
    assert_eq!(numbers("new.csv").len(), 60);
    for (there, back) in numbers("new.csv").into_iter().zip(numbers("back.csv")) {
        assert!((there - back).abs() < 1e-2, "{there} came back as {back}");
    }

    assert!(desk.works("log-density run --data new.csv").starts_with("mean log-density of 30 rows: -"));
    let said: serde_json::Value =
        serde_json::from_str(&desk.works("log-density run --data new.csv --json --out each.csv")).expect("JSON");
    let each = numbers("each.csv");
    let mean = each.iter().sum::<f64>() / 30.0;
    assert!(desk.text("each.csv").starts_with("log_density\n") && each.len() == 30);
    assert!((said["mean"].as_f64().expect("a mean") - mean).abs() < 1e-5 && said["rows"] == 30, "{said}");
    assert!(said["standard_error"].as_f64().expect("an error") > 0.0, "{said}");
    // How far off the solver is is said, but where it was asked for.
    let solver = &said["solver"];
    assert!(solver["most"].as_f64().is_some_and(|most| most < 5e-3) && solver["rows"] == 30, "{said}");
    let ended = desk.run("push run --input new.csv --out z.csv --inverse");
    assert!(ended.err.contains("solver error at most") && ended.err.contains("over 30 rows"), "{}", ended.err);
    let said = desk.works("log-density run --data new.csv --json --solver heun --steps 4");
    assert!(said.contains("\"solver\":null"), "{said}");

    desk.file("three.csv", "a,b,c\n1,2,3\n4,5,6\n");
    desk.fails("log-density run --data three.csv", 2, &["three.csv", "no column `x`"]);
    // Columns are found by name, wherever they stand.
    let rows: Vec<String> =
        desk.text("new.csv").lines().map(|line| line.split(',').rev().collect::<Vec<_>>().join(",extra,")).collect();
    desk.file(
        "more.csv",
        rows.iter().enumerate().map(|(i, r)| if i == 0 { r.clone() } else { r.replace("extra", "7") } + "\n").collect::<String>(),
    );
    desk.works("log-density run --data more.csv --out again.csv");
    assert_eq!(desk.text("each.csv"), desk.text("again.csv"));
    // Two columns of one number lie on a line.
    let line: String = (0..200).map(|i| format!("{0},{0}\n", (i * 37 % 200) as f64 / 7.0)).collect();
    desk.file("line.csv", format!("a,b\n{line}"));
    desk.works(&format!("train flow-matching --data line.csv --out line --steps 5 {TINY}"));
    desk.fails("log-density line --data line.csv", 1, &["lower dimension", "no density"]);
    desk.works(&format!("train flow-matching --data toy:moons:200 --out wide --steps 5 {TINY} --set latent_dim=3"));
    desk.fails("push wide --input new.csv --out a.csv --inverse", 2, &["3 dimensions", "inverse"]);
}

#[test]
fn what_a_flow_cannot_do_is_said() {
    let desk = Desk::new();
    desk.works(&format!("train flow-matching --data toy:moons:200 --out run --steps 20 {TINY}"));
    desk.fails("sample run -n 9 --out a.csv --set path=edm", 2, &["no sampling setting `path`", "solver_steps"]);
    desk.fails("sample run -n 9 --out a.csv --set repulsion=1 --solver ddim", 2, &["repulsion", "heun"]);
    desk.works("sample run -n 9 --out new.csv --solver ancestral --steps 4 --trajectories trajectories.csv");
    assert!(
        desk.text("trajectories.csv").starts_with("path,t,x,y\n") && desk.text("trajectories.csv").lines().count() == 1 + 9 * 5
    );
    desk.fails("push run --input new.csv --out a.csv --solver ancestral", 2, &["ancestral", "no map of points"]);
    desk.fails("log-density run --data new.csv --set repulsion=1", 2, &["repulsion", "no density"]);
    assert!(desk.works("log-density run --data new.csv --set probes=3").contains("random probes of the divergence"));
    desk.works("sample run -n 60 --out apart.csv --set repulsion=0.5");
    assert!(desk.read("apart.csv") != desk.read("new.csv"));

    desk.works(&format!("train energy --data toy:moons:200 --out one --steps 5 {TINY}"));
    desk.fails("sample one -n 9 --out a.csv --trajectories trajectories.csv", 2, &["energy", "no trajectories"]);
    desk.fails("sample one -n 9 --out a.csv --solver euler", 2, &["energy", "one step"]);

    for (rest, parts) in [
        ("distill --set teacher=nowhere", ["nowhere", "does not exist"]),
        ("flow-matching --set source=nowhere.csv", ["nowhere.csv", "No such file"]),
    ] {
        desk.fails(&format!("train {rest} --data toy:moons:200 --out other {TINY}"), 1, &parts);
    }
    for (rest, parts) in [
        ("distill", ["`teacher`", "trained flow"]),
        ("distill --set teacher=one", ["must be a flow", "flow-matching"]),
        ("flow-matching --set source=toy:rings:50 --set path=edm", ["starts from noise", "straight"]),
        ("flow-matching --set source=toy:rings:50 --set solver=ddim", ["needs noise at the start", "heun"]),
        ("interpolant --set solver=ddim", ["ddim", "euler-maruyama"]),
        ("rectified-flow --set rounds=0", ["`rounds` is 0", "between 1 and 100"]),
        ("distill --set teacher=run --set loss=halving --set teacher_steps=12", ["12", "power of two"]),
    ] {
        desk.fails(&format!("train {rest} --data toy:moons:200 --out other {TINY}"), 2, &parts);
    }
    let other = format!("train distill --set teacher=run --data toy:8gaussians:200 --out other {TINY}");
    desk.fails(&other, 1, &["other data", "use the same data"]);
    // A part of the teacher's rows, or more of them, will do: the units are the teacher's.
    desk.works(&format!("train distill --set teacher=run --set pairs=64 --data toy:moons:150 --steps 3 --out other {TINY}"));
}
