//! Which of the variants that shaders declare a process has dispatched: for the test that finds those which nothing does.

use super::kernel::{Source, Value};
use super::kernels::SOURCES;
use std::collections::BTreeSet;
use std::sync::Mutex;

static DISPATCHED: Mutex<BTreeSet<(&str, String)>> = Mutex::new(BTreeSet::new());

/// Notes a variant that a recording asks for.
pub(super) fn note(source: &Source, variant: &[Value]) {
    let told = source.axes.iter().zip(variant).filter(|(axis, _)| !axis.range);
    let told: Vec<String> = told.map(|(axis, value)| format!("{}={value}", axis.name)).collect();
    DISPATCHED.lock().expect("no holder of this lock panics").insert((source.name, told.join(" ")));
}

/// What variants consist of by the shaders' declarations, and no variant that this process has dispatched has: shader and part.
pub fn undispatched() -> Vec<(&'static str, &'static str)> {
    let dispatched = DISPATCHED.lock().expect("no holder of this lock panics");
    let has = |variant: &str, part: &str| {
        part.split_whitespace().all(|one| {
            let (wanted, value) =
                one.split_once("!=").map_or((true, one.to_string()), |(name, value)| (false, format!("{name}={value}")));
            wanted == variant.split(' ').any(|given| given == value)
        })
    };
    let declared = SOURCES.iter().flat_map(|source| source.parts.iter().map(|part| (source.name, *part)));
    declared.filter(|(name, part)| !dispatched.iter().any(|(shader, variant)| shader == name && has(variant, part))).collect()
}
