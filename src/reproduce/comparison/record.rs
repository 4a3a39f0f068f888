//! Logs of a comparison (`statistics.jsonl`): a line a run, on terms that are the same for all of them.

use super::{Scores, Settings};
use crate::data::toy::Toy;
use crate::data::write_atomically;
use crate::gpu::Gpu;
use crate::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What runs must share to be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub version: String,
    /// Seconds and seconds of another machine are different budgets.
    pub adapter: String,
    pub seconds: f32,
    pub rows: usize,
    pub scored: usize,
    /// Settings of training, as TOML.
    pub training: String,
}

impl Terms {
    pub fn new(gpu: &Gpu, settings: &Settings) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            adapter: gpu.summary().name.clone(),
            seconds: settings.seconds,
            rows: settings.rows,
            scored: settings.scored,
            training: settings.training.to_string().trim_end().into(),
        }
    }

    /// The first term that differs, with both values: that of `self` and that of `other`.
    fn differs(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let terms = |of: &Self| {
            [
                ("version", of.version.clone()),
                ("adapter", of.adapter.clone()),
                ("seconds", of.seconds.to_string()),
                ("rows", of.rows.to_string()),
                ("scored", of.scored.to_string()),
                ("training", format!("{{{}}}", of.training.replace('\n', ", "))),
            ]
        };
        let pairs = terms(self).into_iter().zip(terms(other));
        pairs.into_iter().find(|(a, b)| a.1 != b.1).map(|(a, b)| (a.0, a.1, b.1))
    }
}

/// A run that was made, or a baseline that was scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The method, or the baseline's name.
    pub method: String,
    pub target: String,
    pub seed: u64,
    #[serde(flatten)]
    pub terms: Terms,
    /// Steps that were planned, and steps that were made.
    pub steps: u64,
    pub made: u64,
    /// Seconds of training, and of scoring after it.
    pub took: f64,
    pub scoring: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
    /// Why there are no scores, in the error's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Record {
    pub fn new(terms: &Terms, method: &str, toy: Toy, seed: u64) -> Self {
        let (method, target, terms) = (method.into(), toy.name().into(), terms.clone());
        Self { method, target, seed, terms, steps: 0, made: 0, took: 0.0, scoring: 0.0, scores: None, failure: None }
    }

    pub fn is(&self, method: &str, toy: Toy) -> bool {
        self.method == method && self.target == toy.name()
    }
}

/// A line of a log.
pub trait Logged: Serialize + DeserializeOwned {
    fn terms(&self) -> &Terms;
}

impl Logged for Record {
    fn terms(&self) -> &Terms {
        &self.terms
    }
}

/// The runs of a folder, or what was measured of them. Each is on the disk as soon as it is made.
pub struct Log<T = Record> {
    path: PathBuf,
    records: Vec<T>,
}

impl<T: Logged> Log<T> {
    /// The lines that are there.
    ///
    /// # Errors
    /// Runs on other terms, or a line that is none.
    pub fn open(path: &Path, terms: &Terms) -> Result<Self> {
        let mut records: Vec<T> = Vec::new();
        if path.exists() {
            let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
            for (i, line) in text.lines().enumerate() {
                let record: T = serde_json::from_str(line)
                    .map_err(|e| Error::format(path, format!("line {} is no run ({e}): remove the line", i + 1)))?;
                if let Some((what, there, asked)) = record.terms().differs(terms) {
                    return Err(Error::usage(format!(
                        "{} holds runs with {what} = {there}, and {asked} is asked for: ask for the same, or choose another folder by --out",
                        path.display()
                    )));
                }
                records.push(record);
            }
        }
        Ok(Self { path: path.into(), records })
    }

    /// Adds a line; the file is replaced as a whole, so that it never ends in half of one.
    pub fn push(&mut self, record: T) -> Result<()> {
        self.records.push(record);
        write_atomically(&self.path, |file| {
            for record in &self.records {
                serde_json::to_writer(&mut *file, record)?;
                file.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.records.iter()
    }

    pub fn records(self) -> Vec<T> {
        self.records
    }
}

impl Log {
    pub fn find(&self, method: &str, toy: Toy, seed: u64) -> Option<&Record> {
        self.iter().find(|record| record.is(method, toy) && record.seed == seed)
    }

    /// The steps that another seed of this method and target was given.
    pub fn planned(&self, method: &str, toy: Toy) -> Option<u32> {
        self.iter().find(|record| record.is(method, toy)).and_then(|record| u32::try_from(record.steps).ok())
    }
}
