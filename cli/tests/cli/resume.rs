//! Runs that end before their time: Ctrl-C, SIGKILL, and going on bit for bit.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use super::{Desk, Ended, TINY, metrics};

/// Long enough to be hit in the middle twice, also where nothing else runs.
const LONG: &str = "train energy --data toy:moons:200 --steps 40000 --set patience=none";

/// Starts the run and waits until it has trained past `step`.
pub(super) fn started(desk: &Desk, words: &str, step: u64) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut command = desk.command(&format!("{words} --log-format json"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut log = BufReader::new(child.stderr.take().expect("its log"));
    let mut line = String::new();
    while log.read_line(&mut line).expect("a line") > 0 {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        if event["event"] == "progress" && event["step"].as_u64() > Some(step) {
            assert!(event["step"].as_u64() < event["steps"].as_u64(), "it was over before it could be stopped");
            return (child, log);
        }
        line.clear();
    }
    let status = child.wait();
    panic!("it ended before it could be stopped: {status:?}");
}

#[cfg(unix)]
pub(super) fn signal(child: &Child, name: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
}

#[cfg(unix)]
#[test]
fn a_run_that_was_stopped_and_killed_ends_as_one_that_was_not() {
    let desk = Desk::new();
    let train = |out: &str| format!("{LONG} {TINY} --out {out}");
    desk.works(&train("whole"));

    // Ctrl-C: the step is finished, the checkpoint written, and the way on is said. Meanwhile no other process goes on with the run.
    let (mut child, log) = started(&desk, &train("run"), 0);
    desk.fails(&format!("{} --resume", train("run")), 2, &["another process is using run"]);
    signal(&child, "INT");
    let said: String = log.lines().map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{said}");
    assert!(said.contains("interrupted at step") && said.contains("--out run") && said.contains("--resume"), "{said}");
    assert!(said.contains("run/model.safetensors is the model of step") && said.contains("the best so far"), "{said}");
    let drawn = desk.run("sample run -n 5 --out early.csv");
    assert_eq!((drawn.status, desk.text("early.csv").lines().count()), (Some(0), 6));
    assert!(drawn.err.contains("training has not finished") && drawn.err.contains("the best so far"), "{}", drawn.err);
    let checkpoint = desk.read("run/checkpoint.safetensors");

    // SIGKILL in the middle of what follows: nothing that was written is harmed.
    let (mut child, _log) = started(&desk, &format!("{} --resume", train("run")), 0);
    child.kill().expect("killed");
    assert_eq!(child.wait().expect("it ends").code(), None);
    assert_eq!(checkpoint.len(), desk.read("run/checkpoint.safetensors").len());

    // Its settings need not be said again.
    desk.works("train energy --data toy:moons:200 --out run --resume");
    assert!(desk.read("whole/model.safetensors") == desk.read("run/model.safetensors"), "the models differ");
    let drawn = desk.run("sample run -n 5 --out late.csv");
    assert!(!drawn.err.contains("finished"), "{}", drawn.err);
    // The clock goes on where it was: those of losses and validation losses each.
    let text = desk.text("run/metrics.jsonl");
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("one object a line"));
    let seconds: Vec<f64> = lines.filter(|line| line.get("loss").is_some()).filter_map(|line| line["seconds"].as_f64()).collect();
    assert!(seconds.len() > 100 && seconds.is_sorted(), "{seconds:?}");
    let [whole, run] = ["whole", "run"].map(|name| metrics(&desk.path(name).join("metrics.jsonl")));
    let differ = whole.iter().zip(&run).find(|(a, b)| a != b);
    assert!(whole == run, "{} and {} lines, first {differ:?}", whole.len(), run.len());
}

#[cfg(unix)]
#[test]
fn sigterm_stops_as_ctrl_c_does() {
    let desk = Desk::new();
    let (mut child, log) = started(&desk, &format!("{LONG} {TINY} --out run"), 0);
    signal(&child, "TERM");
    let said: String = log.lines().map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{said}");
    assert!(said.contains("--resume"), "{said}");
}

#[test]
fn a_run_is_resumed_only_as_it_was() {
    let desk = Desk::new();
    desk.trained();
    let again = format!("train energy --data toy:moons:200 --out run --resume {TINY}");
    desk.works(&again);
    for (change, part) in [
        ("--set learning_rate=0.5", "`learning_rate` is 0.5"),
        ("--seed 4", "`seed` is 4"),
        ("--set beta=1.5", "`beta` is 1.5"),
        ("--steps 10", "`steps` is 10"),
    ] {
        desk.fails(&format!("{again} {change}"), 2, &[part, "run", "another folder"]);
    }
    desk.fails(&format!("train energy --data toy:rings:200 --out run --resume {TINY}"), 2, &["the data", "run"]);
    desk.fails(&format!("train mmd --data toy:moons:200 --out run --resume {TINY}"), 2, &["energy", "mmd"]);
    desk.fails("train energy --data toy:moons:200 --out none --resume", 2, &["none", "leave out --resume"]);
    desk.fails("train energy --data toy:moons:200 --resume", 2, &["runs/energy-moons", "--out"]);
    for set in ["test", "validation"] {
        desk.fails(&format!("{again} --{set} toy:moons:50"), 2, &[&format!("the {set} set"), "run", "another folder"]);
    }
    std::fs::create_dir(desk.path("empty")).expect("a folder");
    let ended: Ended = desk.fails("train energy --data toy:moons:200 --out empty --resume", 2, &["empty", "holds no run"]);
    assert!(ended.out.is_empty());
}
