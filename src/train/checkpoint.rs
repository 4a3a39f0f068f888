//! All training state between two steps.

use super::outside::MOST;
use crate::Result;
use crate::nn::Parameters;
use serde::{Deserialize, Serialize};

/// Weights that did best on validation rows, or the last whose samples stay with the data.
#[derive(Clone, Debug)]
pub(super) struct Best {
    /// The validation loss; none without validation rows.
    pub value: Option<f32>,
    /// The share of samples outside the data ([`super::outside`]).
    pub outside: f32,
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
    /// The share of samples outside the data last measured.
    pub outside: f32,
    pub best: Option<Best>,
    /// Evaluations since the best.
    pub stale: u64,
    pub stopped_early: bool,
}

/// What a checkpoint file says in words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub step: u64,
    pub searched: Option<u64>,
    pub seconds: f64,
    pub validation: Option<f32>,
    pub outside: f32,
    pub best_value: Option<f32>,
    pub best_outside: f32,
    pub best_step: Option<u64>,
    pub stale: u64,
    pub stopped_early: bool,
}

impl Checkpoint {
    pub fn start() -> Self {
        Self::default()
    }

    pub fn best_value(&self) -> Option<f32> {
        self.best.as_ref().and_then(|b| b.value)
    }

    /// The weights to keep instead of the last.
    pub fn kept(&self) -> Option<&Best> {
        self.best.as_ref().filter(|best| best.value.is_some() || self.outside > MOST)
    }

    /// Takes in one evaluation; keeps the averaged weights where it is the best so far: first one whose samples stay with the data, then by the validation
    /// loss. One that is not finite is none.
    pub fn judge(&mut self, value: Option<f32>, outside: f32, parameters: &Parameters) -> Result<()> {
        (self.validation, self.outside) = (value, outside);
        let better = is_better(self.best.as_ref().map(|best| (best.value, best.outside)), (value, outside));
        if better {
            self.best = Some(Best { value, outside, step: self.step, average: parameters.average().read()? });
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
            outside: self.outside,
            best_outside: self.best.as_ref().map_or(0.0, |b| b.outside),
            best_value: self.best_value(),
            best_step: self.best.as_ref().map(|b| b.step),
            stale: self.stale,
            stopped_early: self.stopped_early,
        }
    }

    pub fn restore(header: Header, best_average: Option<Vec<f32>>) -> Self {
        let Header { step, searched, seconds, validation, outside, best_value, best_outside, best_step, stale, stopped_early } =
            header;
        let best =
            best_step.zip(best_average).map(|(step, average)| Best { value: best_value, outside: best_outside, step, average });
        Self { step, searched, seconds, validation, outside, best, stale, stopped_early }
    }
}

/// Whether one evaluation, its validation loss and its share of samples outside the data, is better than the best before.
fn is_better(best: Option<(Option<f32>, f32)>, (value, outside): (Option<f32>, f32)) -> bool {
    let leaves = outside > MOST;
    match (best, value) {
        // Without a loss the last step is the best, but for its samples.
        (_, None) => !leaves,
        (_, Some(value)) if !value.is_finite() => false,
        (None, _) => true,
        (Some((_, before)), _) if (before > MOST) != leaves => !leaves,
        (Some((best, _)), _) => value < best,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_whose_samples_leave_the_data_is_the_best_only_among_such() {
        let (within, out) = (0.5 * MOST, 2.0 * MOST);
        assert!(is_better(None, (Some(1.0), out)));
        assert!(is_better(Some((Some(1.0), out)), (Some(2.0), within)));
        assert!(!is_better(Some((Some(2.0), within)), (Some(1.0), out)));
        assert!(is_better(Some((Some(2.0), within)), (Some(1.0), within)));
        assert!(is_better(Some((Some(2.0), out)), (Some(1.0), 2.0 * out)));
        assert!(!is_better(None, (Some(f32::NAN), within)));
        // Without validation rows the latest is kept.
        assert!(is_better(Some((None, within)), (None, within)));
        assert!(!is_better(Some((None, within)), (None, out)));
    }
}
