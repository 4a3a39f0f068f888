//! All training state between two steps.

use crate::Result;
use crate::nn::Parameters;
use serde::{Deserialize, Serialize};

/// Weights that did best on validation rows.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub value: f32,
    pub step: u64,
    pub average: Vec<f32>,
}

/// Where a run stands, apart from the parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct Checkpoint {
    /// Steps made of the training that is under way.
    pub step: u64,
    /// Once training is made anew on all rows: the steps made before, without the rows split off.
    pub searched: Option<u64>,
    pub seconds: f64,
    /// The validation loss last measured.
    pub validation: Option<f32>,
    pub best: Option<Best>,
    /// Evaluations since the best.
    pub stale: u64,
    pub stopped_early: bool,
}

/// What a checkpoint file says in words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub step: u64,
    #[serde(default)]
    pub searched: Option<u64>,
    pub seconds: f64,
    #[serde(alias = "held_out")]
    pub validation: Option<f32>,
    pub best_value: Option<f32>,
    pub best_step: Option<u64>,
    pub stale: u64,
    pub stopped_early: bool,
}

impl Checkpoint {
    pub fn start() -> Self {
        Self::default()
    }

    pub fn best_value(&self) -> Option<f32> {
        self.best.as_ref().map(|b| b.value)
    }

    /// Takes in one evaluation; keeps the averaged weights where it is the best so far. One that is not finite is none.
    pub fn judge(&mut self, value: f32, parameters: &Parameters) -> Result<()> {
        self.validation = Some(value);
        if value.is_finite() && self.best_value().is_none_or(|best| value < best) {
            self.best = Some(Best { value, step: self.step, average: parameters.average().read()? });
            self.stale = 0;
        } else {
            self.stale += 1;
        }
        Ok(())
    }

    pub fn header(&self) -> Header {
        Header {
            step: self.step,
            searched: self.searched,
            seconds: self.seconds,
            validation: self.validation,
            best_value: self.best_value(),
            best_step: self.best.as_ref().map(|b| b.step),
            stale: self.stale,
            stopped_early: self.stopped_early,
        }
    }

    pub fn restore(header: Header, best_average: Option<Vec<f32>>) -> Self {
        let Header { step, searched, seconds, validation, best_value, best_step, stale, stopped_early } = header;
        let best = match (best_value, best_step, best_average) {
            (Some(value), Some(step), Some(average)) => Some(Best { value, step, average }),
            _ => None,
        };
        Self { step, searched, seconds, validation, best, stale, stopped_early }
    }
}
