//! What every study has in common: what it is given, and what it leaves.

use pushforward::data::write_atomically;
use pushforward::gpu::Gpu;
use pushforward::settings::{Settings, Values};
use pushforward::train::Progress;
use pushforward::{Error, Result};
use serde::Serialize;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Where a study is made.
pub struct Workspace<'a> {
    pub gpu: &'a Gpu,
    /// The folder of its files, which exists.
    pub out: &'a Path,
    pub seed: u64,
    /// The command that makes it again, for its page.
    pub command: &'a str,
    pub progress: &'a mut dyn Progress,
    /// Asks a study that [resumes](crate::Entry::resumes) to end after the step that it is at.
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
pub type Prepared = Box<dyn FnOnce(Workspace<'_>) -> Result<Made>>;

/// Settings out of `key=value`, checked.
pub(crate) fn read<S: Settings + Default>(assignments: &[String]) -> Result<S> {
    let mut settings = S::default();
    Values::of_assignments(assignments.iter().map(String::as_str))?.apply(&mut [&mut settings])?;
    Ok(settings)
}

pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, |file| std::io::Write::write_all(file, text.as_bytes()))
}

/// The version of the JSON objects of studies. It grows when a field is renamed or removed, or when its meaning or unit changes.
const SCHEMA: u64 = 1;

/// A study's JSON object, with its schema.
#[derive(Serialize)]
struct Object<'a, T> {
    schema: u64,
    #[serde(flatten)]
    found: &'a T,
}

pub(crate) fn json(found: &impl Serialize) -> Result<String> {
    serde_json::to_string(&Object { schema: SCHEMA, found }).map_err(|e| Error::data(e.to_string()))
}
