//! What every study has in common: how it is asked for, what it is given, and what it leaves.

use pushforward::data::{nearest, write_atomically};
use pushforward::gpu::Gpu;
use pushforward::settings::{Settings, parse_assignment, refuse_unknown, take};
use pushforward::train::Progress;
use pushforward::{Error, Result};
use serde::Serialize;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Where a study is made.
pub struct Desk<'a> {
    pub gpu: &'a Gpu,
    /// The folder of its files, which exists.
    pub out: &'a Path,
    pub seed: u64,
    /// The command that makes it again, for its page.
    pub command: &'a str,
    pub progress: &'a mut dyn Progress,
    /// Asks a study that [resumes](Entry::resumes) to end after the step that it is at.
    pub stop: &'a AtomicBool,
}

/// What a study found, once its files are written.
pub struct Made {
    /// For people.
    pub text: String,
    /// The numbers, one JSON object.
    pub json: String,
    /// The step at which it was stopped.
    pub interrupted: Option<u64>,
}

/// A study whose settings have been checked.
pub type Prepared = Box<dyn FnOnce(Desk<'_>) -> Result<Made>>;

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

/// Settings out of `key=value`.
pub(crate) fn read<S: Settings>(assignments: &[String]) -> Result<S> {
    let mut table = assignments.iter().map(|text| parse_assignment(text)).collect::<Result<toml::Table>>()?;
    let settings = take(&mut table)?;
    let keys: Vec<&str> = S::keys().iter().map(|key| key.name).collect();
    refuse_unknown(&table, &keys)?;
    Ok(settings)
}

pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, |file| std::io::Write::write_all(file, text.as_bytes()))
}

pub(crate) fn json(found: &impl Serialize) -> Result<String> {
    serde_json::to_string(found).map_err(|e| Error::data(e.to_string()))
}
