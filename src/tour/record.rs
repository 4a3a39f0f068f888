//! Logs of a tour (`tour.jsonl`): the terms that all of it shares, then a line a candidate.

use crate::data::write_atomically;
use crate::metrics::{Evaluation, LogLikelihood};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What candidates must share to be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub version: String,
    /// Seconds of another machine are another budget.
    pub adapter: String,
    pub source: String,
    /// Hash of the table.
    pub rows: String,
    pub seed: u64,
    /// Seconds of the whole tour.
    pub budget: f64,
    /// Settings of training, as TOML.
    pub training: String,
}

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Method,
    /// What a sceptic would try first.
    Baseline,
    /// The rows that were learned from: what a copy of them would score.
    Rows,
}

/// A candidate, and how it did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    pub name: String,
    pub kind: Kind,
    /// Steps that were planned, made and kept.
    #[serde(default)]
    pub planned: u32,
    #[serde(default)]
    pub made: u64,
    #[serde(default)]
    pub kept: u64,
    /// Seconds of fitting or training.
    pub training: f64,
    /// Seconds in which 10,000 rows are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scores: Option<Evaluation>,
    /// The likelihood of held-out rows, and what the numbers are where they are no densities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<LogLikelihood>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub likelihood_is: String,
    /// What is to be known of it besides, such as a bandwidth.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Why there are no scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Seconds of the tour's budget that were over when it was done.
    pub elapsed: f64,
}

impl Record {
    pub fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            planned: 0,
            made: 0,
            kept: 0,
            training: 0.0,
            sampling: None,
            parameters: None,
            scores: None,
            likelihood: None,
            likelihood_is: String::new(),
            note: String::new(),
            failure: None,
            elapsed: 0.0,
        }
    }

    /// The energy distance to held-out rows.
    pub fn energy(&self) -> Option<f64> {
        Some(self.scores.as_ref()?.energy.value)
    }
}

/// The log, in memory and on disk.
pub struct Log {
    path: PathBuf,
    terms: Terms,
    records: Vec<Record>,
}

impl Log {
    /// Opens the log of a folder, or begins one.
    ///
    /// # Errors
    /// A log on other terms, which are named; one that is damaged but for a last line that was cut short.
    pub fn open(path: &Path, terms: &Terms) -> Result<Self> {
        let mut records = Vec::new();
        if path.exists() {
            let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
            let mut lines = text.lines();
            let damaged = |said: &str| Error::format(path, format!("is damaged ({said}): choose another folder by --out"));
            let old: Terms = lines
                .next()
                .and_then(|line| serde_json::from_str(line).ok())
                .ok_or_else(|| damaged("it does not begin with its terms"))?;
            if let Some((what, old, new)) = differs(&old, terms) {
                return Err(Error::usage(format!(
                    "{} holds a tour whose {what} is {old}, not {new}: say the same, or choose another folder by --out",
                    path.display()
                )));
            }
            let rest: Vec<&str> = lines.collect();
            for (i, line) in rest.iter().enumerate() {
                match serde_json::from_str(line) {
                    Ok(record) => records.push(record),
                    // A kill can cut the last line short: what it said is found again.
                    Err(_) if i + 1 == rest.len() => {}
                    Err(e) => return Err(damaged(&e.to_string())),
                }
            }
        }
        Ok(Self { path: path.into(), terms: terms.clone(), records })
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    pub fn find(&self, name: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.name == name)
    }

    /// Seconds of the budget that are over.
    pub fn elapsed(&self) -> f64 {
        self.records.last().map_or(0.0, |record| record.elapsed)
    }

    pub fn push(&mut self, record: Record) -> Result<()> {
        self.records.push(record);
        write_atomically(&self.path, |file| {
            serde_json::to_writer(&mut *file, &self.terms)?;
            for record in &self.records {
                file.write_all(b"\n")?;
                serde_json::to_writer(&mut *file, record)?;
            }
            file.write_all(b"\n")
        })
    }
}

/// The first term that differs, and both values.
fn differs(old: &Terms, new: &Terms) -> Option<(&'static str, String, String)> {
    let of = |terms: &Terms| {
        [
            ("version", terms.version.clone()),
            ("adapter", terms.adapter.clone()),
            ("data", terms.source.clone()),
            ("table", terms.rows.clone()),
            ("seed", terms.seed.to_string()),
            ("budget", format!("{} s", terms.budget)),
            ("training", format!("“{}”", terms.training)),
        ]
    };
    of(old).into_iter().zip(of(new)).find(|(a, b)| a.1 != b.1).map(|(a, b)| (a.0, a.1, b.1))
}
