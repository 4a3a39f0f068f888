//! Lines of a comparison's log (`statistics.jsonl`): a run each.

use super::{Scores, Settings};
use pushforward::data::toy::Toy;
use pushforward::gpu::Gpu;
use pushforward::train::log::{Log, Logged, Shared};
use serde::{Deserialize, Serialize};

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
}

impl Shared for Terms {
    fn named(&self) -> Vec<(&'static str, String)> {
        vec![
            ("version", self.version.clone()),
            ("adapter", self.adapter.clone()),
            ("seconds", self.seconds.to_string()),
            ("rows", self.rows.to_string()),
            ("scored", self.scored.to_string()),
            ("training", format!("{{{}}}", self.training.replace('\n', ", "))),
        ]
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
    pub steps_made: u64,
    /// Seconds of training, and of scoring after it.
    pub training_seconds: f64,
    pub scoring_seconds: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
    /// Why there are no scores, in the error's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Record {
    pub fn new(terms: &Terms, method: &str, toy: Toy, seed: u64) -> Self {
        let (method, target, terms) = (method.into(), toy.name().into(), terms.clone());
        Self {
            method,
            target,
            seed,
            terms,
            steps: 0,
            steps_made: 0,
            training_seconds: 0.0,
            scoring_seconds: 0.0,
            scores: None,
            failure: None,
        }
    }

    pub fn is(&self, method: &str, toy: Toy) -> bool {
        self.method == method && self.target == toy.name()
    }
}

impl Logged for Record {
    type Terms = Terms;

    fn terms(&self) -> &Terms {
        &self.terms
    }
}

/// Whether a run is there.
pub(super) fn has(log: &Log<Record>, method: &str, toy: Toy, seed: u64) -> bool {
    log.iter().any(|record| record.is(method, toy) && record.seed == seed)
}

/// The steps that another seed of this method and target was given.
pub(super) fn planned(log: &Log<Record>, method: &str, toy: Toy) -> Option<u32> {
    log.iter().find(|record| record.is(method, toy)).and_then(|record| u32::try_from(record.steps).ok())
}
