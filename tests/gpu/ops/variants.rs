//! The variants that shaders declare are those that something dispatches.

use super::GPU;
use pushforward::gpu::{Family, Gpu, undispatched};
use std::time::{Duration, Instant};

/// How long a test that is still running may take to dispatch something new.
const QUIET: Duration = Duration::from_secs(60);

/// Whether a device could dispatch a variant with this part at all.
fn possible(gpu: &Gpu, shader: &str, part: &str) -> bool {
    let has = |value: &str| part.split(' ').any(|one| one == value);
    let subgroups = gpu.families().iter().any(|family| matches!(family, Family::Subgroup { .. }));
    let shared = shader.ends_with("/broadcast") || has("FAMILY=broadcast") || has("FAMILY=wide_broadcast");
    // More pairs of rows with many columns than a test can have: a unit test of the op dispatches it.
    let many_pairs =
        shader == "kernel_density/sums" && has("SHAPE!=square") && (has("FAMILY=wide") || has("FAMILY=wide_broadcast"));
    // The benchmarks', which no test of ops runs.
    shader != "probe" && !many_pairs && (subgroups || !shared) && (gpu.has_cheap_shuffles() || !has("ROLL=1"))
}

#[test]
fn every_declared_variant_is_dispatched_by_some_test() {
    // Of a process that runs a part of the ops' tests this says nothing. Tests begin in the order of their names: those before this one.
    if std::env::args().skip(1).any(|argument| !argument.starts_with('-') && argument != "ops::") {
        return;
    }
    let missing = || undispatched().into_iter().filter(|(shader, of)| possible(&GPU, shader, of)).collect::<Vec<_>>();
    let (mut left, mut since) = (missing(), Instant::now());
    while !left.is_empty() && since.elapsed() < QUIET {
        std::thread::sleep(Duration::from_millis(100));
        let now = missing();
        if now.len() < left.len() {
            (left, since) = (now, Instant::now());
        }
    }
    assert!(left.is_empty(), "declared, and dispatched by no test:\n{left:#?}");
}
