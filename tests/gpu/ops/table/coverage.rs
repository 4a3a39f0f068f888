//! That nothing is missing from the table: every op of the recorder, and every entry point of the shaders.

use super::TABLE;
use super::driver::{check_nothing, record, telling};
use crate::shared::families;
use pushforward::gpu::Recorder;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Ops that draw, that keep state, or that go on until they converge: they have tests of their own.
const ELSEWHERE: &[(&str, &str)] = &[
    ("adam", "adam"),
    ("alternating_potentials", "partners"),
    ("barycentric_map", "sinkhorn"),
    ("batch", "gather"),
    ("batch_of_blocks", "gather"),
    ("batch_of_weighted_blocks", "gather"),
    ("batch_weighted", "gather"),
    ("commit_step", "adaptive"),
    ("control_step", "adaptive"),
    ("cool", "cooling"),
    ("cool_as_remembered", "cooling"),
    ("cool_to_floor", "cooling"),
    ("directions", "sliced"),
    ("langevin_proposal", "metropolis"),
    ("metropolis", "metropolis"),
    ("normal", "random"),
    ("normal_like", "random"),
    ("partners", "partners"),
    ("random", "random"),
    ("refresh_rows", "metropolis"),
    ("sinkhorn_divergence", "sinkhorn"),
    ("sinkhorn_potentials", "sinkhorn"),
    ("sinkhorn_triple", "sinkhorn"),
    ("sliced_energy", "sliced"),
    ("sliced_wasserstein", "sliced"),
    ("uniform", "random"),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The texts of a folder's files of this ending, with their stems.
fn texts(name: &str, ending: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder(name)).expect("the source") {
        let path = entry.expect("the source").path();
        if path.extension().is_some_and(|e| e == ending) {
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            all.push((stem, std::fs::read_to_string(&path).expect("the source")));
        }
    }
    all
}

/// The recorder's public methods in `src/ops`.
fn ops() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, text) in texts("src/ops", "rs") {
        let mut inside = false;
        for line in text.lines() {
            match line {
                "impl Recorder {" => inside = true,
                "}" => inside = false,
                _ => {}
            }
            if let Some((name, _)) =
                line.strip_prefix("    pub fn ").filter(|_| inside).and_then(|rest| rest.split_once(['(', '<']))
            {
                found.insert(name.to_string());
            }
        }
    }
    found
}

#[test]
fn every_op_of_the_recorder_is_in_the_table_or_has_a_test_of_its_own() {
    let (ops, table) = (ops(), TABLE.iter().map(|(op, _)| op.to_string()).collect::<BTreeSet<_>>());
    assert!(ops.len() > 90, "{} ops were found in src/ops", ops.len());
    for (op, module) in ELSEWHERE {
        assert!(!table.contains(*op) && ops.contains(*op), "{op} is no op, or it is in the table");
        let text = std::fs::read_to_string(folder(&format!("tests/gpu/ops/{module}.rs"))).expect("the op's own tests");
        assert!(text.contains(&format!(".{op}(")), "{op} is not used in {module}");
    }
    let known = |op: &String| table.contains(op) || ELSEWHERE.iter().any(|(other, _)| other == op);
    let missing: Vec<&String> = ops.iter().filter(|op| !known(op)).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    let unknown: Vec<&String> = table.iter().filter(|op| !ops.contains(*op)).collect();
    assert!(unknown.is_empty(), "no op: {unknown:?}");
}

/// Entry points of the ops that have tests of their own.
const OTHERS: &[&str] = &[
    "adam::",
    "adaptive::commit",
    "adaptive::control",
    "cooling::",
    "gather::batch",
    "gather::weighted",
    "metropolis::",
    "partners::",
    "path::",
    "perceptron/broadcast::",
    "perceptron/workgroup::",
    "probe::",
    "random::",
    "sinkhorn::",
    "sliced::normalize",
];

/// `shader::entry` of every shader.
fn entry_points() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut shaders = texts("shaders", "wgsl");
    for op in std::fs::read_dir(folder("shaders")).expect("the source") {
        let op = op.expect("the source");
        let name = op.file_name().to_string_lossy().into_owned();
        if op.path().is_dir() && name != "common" {
            let parts = texts(&format!("shaders/{name}"), "wgsl");
            shaders.extend(parts.into_iter().map(|(part, text)| (format!("{name}/{part}"), text)));
        }
    }
    for (shader, text) in shaders {
        let mut after = false;
        for line in text.lines() {
            after |= line.starts_with("@compute");
            if let Some((_, rest)) = line.split_once("fn ").filter(|_| after) {
                let (name, _) = rest.split_once('(').expect("a function has parameters");
                found.insert(format!("{shader}::{name}"));
                after = false;
            }
        }
    }
    found
}

#[test]
fn every_entry_point_is_dispatched_by_the_table_or_is_of_an_op_with_a_test_of_its_own() {
    let mut dispatched = BTreeSet::new();
    for gpu in families() {
        for (op, cases) in TABLE {
            for size in telling() {
                for case in cases(size) {
                    let mut rec = Recorder::new(&gpu, 0);
                    record(&mut rec, op, &case).expect("records");
                    let step = rec.finish().expect("finishes");
                    dispatched.extend(step.kernels().map(String::from));
                }
            }
        }
    }
    let elsewhere = |kernel: &String| OTHERS.iter().any(|other| kernel.starts_with(other));
    let all = entry_points();
    assert!(all.len() > 100, "{} entry points were found in shaders", all.len());
    let missing: Vec<&String> = all.iter().filter(|kernel| !dispatched.contains(*kernel) && !elsewhere(kernel)).collect();
    assert!(missing.is_empty(), "no case dispatches {missing:#?}");
}

#[test]
fn no_rows_are_refused_or_give_nothing() {
    for gpu in families() {
        for (op, cases) in TABLE {
            check_nothing(&gpu, op, *cases);
        }
    }
}
