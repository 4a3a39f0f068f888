//! Lines of `anneal.jsonl`: a run each, or a baseline.

use super::Settings;
use pushforward::ops::cooling::NoiseSchedule;
use pushforward::train::log::{Log, Logged, Shared};
use serde::{Deserialize, Serialize};

/// What runs must share to be compared. The adapter is none of it: steps are steps everywhere, and logs of several machines make one page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub version: String,
    pub steps: u32,
    pub batch_size: usize,
    pub rows: usize,
    pub scored: usize,
    /// Further settings of training, as TOML.
    pub training: String,
}

impl Terms {
    pub fn new(settings: &Settings) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            steps: settings.steps,
            batch_size: settings.batch_size,
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
            ("steps", self.steps.to_string()),
            ("batch_size", self.batch_size.to_string()),
            ("rows", self.rows.to_string()),
            ("scored", self.scored.to_string()),
            ("training", format!("{{{}}}", self.training.replace('\n', ", "))),
        ]
    }
}

/// How an objective is trained: on the data, or on data whose noise falls by one of the schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    Direct,
    Rounds,
    Geometric,
    Floor,
}

impl Arm {
    pub fn of(schedule: NoiseSchedule) -> Self {
        match schedule {
            NoiseSchedule::Rounds => Self::Rounds,
            NoiseSchedule::Geometric => Self::Geometric,
            NoiseSchedule::Floor => Self::Floor,
        }
    }

    /// Its noise schedule; none of direct training.
    pub fn noise_schedule(self) -> Option<NoiseSchedule> {
        [NoiseSchedule::Rounds, NoiseSchedule::Geometric, NoiseSchedule::Floor]
            .into_iter()
            .find(|schedule| Self::of(*schedule) == self)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Rounds => "rounds",
            Self::Geometric => "geometric",
            Self::Floor => "floor",
        }
    }
}

/// How near a run's rows are to the distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// √max(0, energy distance) to fresh rows.
    pub root_energy: f64,
    /// Of a distribution with modes: each one's share of the rows, the total variation between these and the true ones, and the outlier rate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_error: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlier_rate: Option<f64>,
}

/// What identifies a run of a study.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub target: String,
    /// The objective, or a baseline's name.
    pub objective: String,
    pub arm: Arm,
    pub seed: u64,
}

impl Key {
    pub fn new(target: &str, objective: &str, arm: Arm, seed: u64) -> Self {
        Self { target: target.into(), objective: objective.into(), arm, seed }
    }
}

/// A run that was made, or a baseline that was scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    #[serde(flatten)]
    pub key: Key,
    #[serde(flatten)]
    pub terms: Terms,
    /// Seconds are of this machine.
    pub adapter: String,
    /// Steps that were made, the seconds that they took, and those of scoring.
    pub steps_made: u64,
    pub training_seconds: f64,
    pub scoring_seconds: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
    /// Why there are no scores, in the error's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Record {
    pub fn new(terms: &Terms, adapter: &str, key: Key) -> Self {
        let (terms, adapter) = (terms.clone(), adapter.into());
        Self { key, terms, adapter, steps_made: 0, training_seconds: 0.0, scoring_seconds: 0.0, scores: None, failure: None }
    }
}

impl Logged for Record {
    type Terms = Terms;

    fn terms(&self) -> &Terms {
        &self.terms
    }
}

/// Whether a run is there.
pub(super) fn has(log: &Log<Record>, key: &Key) -> bool {
    log.iter().any(|record| record.key == *key)
}
