//! The paper's §2 side by side: every way to match statistics that it tours.

use super::comparison::Subject;
use super::comparison::report::{self, More};
use super::workspace::Prepared;
use pushforward::Result;

/// The methods that the registry places in the paper's §2.
pub static SUBJECT: Subject = Subject {
    name: "statistics",
    title: "Matching statistics: the methods of §2 side by side",
    methods_of: "of §2",
    note: "",
    has: |method| method.entry().paper.starts_with("§2"),
};

pub(crate) fn prepare(assignments: &[String]) -> Result<Prepared> {
    report::prepare(&SUBJECT, assignments, |_| Ok(More::default()))
}
