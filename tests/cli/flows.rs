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
    desk.fails("sample run -n 3 --out a.csv --steps 100000", 2, &["solver_steps", "between 1 and 10000"]);
    desk.fails("sample run -n 3 --out a.csv --steps 0", 2, &["--steps"]);
    for (setting, parts) in
        [("path=curved", ["curved", "straight"]), ("time_frequencies=0", ["time_frequencies", "between 1 and 64"])]
    {
        desk.fails(&format!("train flow-matching --data toy:moons:200 --out other {TINY} --set {setting}"), 2, &parts);
    }
}
