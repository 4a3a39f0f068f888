//! The studies by their names.

use crate::desk::Prepared;
use pushforward::data::nearest;
use pushforward::{Error, Result};

/// A study.
pub struct Entry {
    pub name: &'static str,
    /// Whether it can be stopped, and goes on where it was when it is made again.
    pub resumes: bool,
    prepare: fn(&[String]) -> Result<Prepared>,
}

/// Every study.
pub static ALL: [Entry; 8] = [
    Entry { name: "anneal", resumes: true, prepare: crate::anneal::report::prepare },
    Entry { name: "defaults", resumes: true, prepare: crate::defaults::report::prepare },
    Entry { name: "densities", resumes: true, prepare: crate::densities::report::prepare },
    Entry { name: "figure1", resumes: false, prepare: crate::figure1::report::prepare },
    Entry { name: "flows", resumes: true, prepare: crate::flows::report::prepare },
    Entry { name: "saddle", resumes: false, prepare: crate::saddle::report::prepare },
    Entry { name: "spectrum", resumes: false, prepare: crate::spectrum::report::prepare },
    Entry { name: "statistics", resumes: true, prepare: crate::statistics::prepare },
];

/// The study of this name.
///
/// # Errors
/// A name that is none, with the nearest and all of them.
pub fn find(name: &str) -> Result<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|entry| entry.name).collect();
        let hint = nearest(name, names.iter().copied()).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
        Error::usage(format!("there is nothing called `{name}` to reproduce{hint}; there is: {}", names.join(", ")))
    })
}

impl Entry {
    /// The study with these settings, `key=value`; no device is needed yet, so that a mistake is told at once.
    ///
    /// # Errors
    /// A key that is none, a value out of range.
    pub fn prepare(&self, assignments: &[String]) -> Result<Prepared> {
        (self.prepare)(assignments)
    }
}
