//! Lines of `tour.jsonl`: a candidate each, on the terms that the whole tour shares.

use crate::metrics::{Evaluation, LogLikelihood};
use crate::train::log::{Logged, Shared};
use serde::{Deserialize, Serialize};

/// What candidates must share to be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub version: String,
    /// Seconds of another machine are another budget.
    pub adapter: String,
    pub source: String,
    /// Hash of the table.
    pub table_hash: String,
    /// Columns that are conditions, and the hash of test rows that were given.
    #[serde(default)]
    pub condition_columns: usize,
    #[serde(default)]
    pub test_hash: String,
    /// The column that is predicted.
    #[serde(default)]
    pub target: String,
    pub seed: u64,
    /// Seconds of the whole tour.
    pub budget: f64,
    /// Settings of training, as TOML.
    pub training: String,
}

impl Shared for Terms {
    fn named(&self) -> Vec<(&'static str, String)> {
        vec![
            ("version", self.version.clone()),
            ("adapter", self.adapter.clone()),
            ("data", self.source.clone()),
            ("table", self.table_hash.clone()),
            ("conditions", self.condition_columns.to_string()),
            ("test rows", self.test_hash.clone()),
            ("target", self.target.clone()),
            ("seed", self.seed.to_string()),
            ("budget", format!("{} s", self.budget)),
            ("training", format!("{{{}}}", self.training.replace('\n', ", "))),
        ]
    }
}

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Method,
    /// A simple model for comparison.
    Baseline,
    /// The training rows themselves: what real rows score.
    Rows,
}

/// A candidate, and how it did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    pub terms: Terms,
    pub name: String,
    pub kind: Kind,
    /// Seconds of training that it may take, and the steps that were planned, made and kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_budget: Option<f64>,
    #[serde(default)]
    pub steps_planned: u32,
    #[serde(default)]
    pub steps_made: u64,
    #[serde(default)]
    pub steps_kept: u64,
    /// Seconds of fitting or training.
    pub training_seconds: f64,
    /// Seconds in which 10,000 rows are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<usize>,
    /// Whether samples are one pass of a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_step: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scores: Option<Evaluation>,
    /// The log-likelihood of validation rows, and what the numbers are if they are not log-densities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<LogLikelihood>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub likelihood_is: String,
    /// Further remarks, such as a bandwidth.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Whether there was no time for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
    /// Why there are no scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Seconds from the start of the tour to its end.
    pub elapsed: f64,
}

impl Logged for Record {
    type Terms = Terms;

    fn terms(&self) -> &Terms {
        &self.terms
    }
}

impl Record {
    pub fn new(terms: &Terms, name: &str, kind: Kind) -> Self {
        Self {
            terms: terms.clone(),
            name: name.into(),
            kind,
            training_budget: None,
            steps_planned: 0,
            steps_made: 0,
            steps_kept: 0,
            training_seconds: 0.0,
            sampling_seconds: None,
            parameters: None,
            one_step: None,
            scores: None,
            likelihood: None,
            likelihood_is: String::new(),
            note: String::new(),
            left_out: false,
            failure: None,
            elapsed: 0.0,
        }
    }

    /// Adds a remark.
    pub fn add_note(&mut self, note: &str) {
        if !self.note.is_empty() {
            self.note += "; ";
        }
        self.note += note;
    }

    /// The energy distance to validation rows.
    pub fn energy(&self) -> Option<f64> {
        Some(self.scores.as_ref()?.energy.value)
    }
}
