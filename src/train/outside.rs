//! Samples far outside the data, watched during training. A likelihood weighs a map at the data alone, so that it can send a share of its samples
//! anywhere; the share of a fixed sample outside three times the range of the training rows is measured beside the validation loss, and a step at
//! which it is above [`MOST`] is kept only where every step is.

use super::fixed_sample::{SAMPLE, fixed_sample};
use super::validation::Validation;
use crate::Result;
use crate::data::subset_of;
use crate::gpu::{Gpu, Kept, Step};
use crate::methods::Learner;

/// The share of samples above which a step counts as one whose samples leave the data.
pub const MOST: f32 = 1e-3;
/// A counter domain of its own.
const DOMAIN: u32 = 0x0075;

/// Where samples of a training may lie, and a recorded sample of its averaged weights.
pub(super) struct Outside {
    /// Lowest and highest value of each generated column.
    bounds: Vec<[f32; 2]>,
    width: usize,
    own: Option<(Step, Kept)>,
}

impl Outside {
    /// `rows` are the training rows in the method's units, row-major, of so many generated columns and conditions; `drawn` says whether the validation loss draws
    /// a sample of its own.
    pub fn new(
        gpu: &Gpu,
        learner: &dyn Learner,
        rows: &[f32],
        (generated, conditions): (usize, usize),
        drawn: bool,
        seed: u64,
    ) -> Result<Self> {
        let width = generated + conditions;
        let bounds = (0..generated).map(|j| wide(rows.iter().skip(j).step_by(width).copied())).collect();
        if drawn {
            return Ok(Self { bounds, width, own: None });
        }
        let some = subset_of(rows.len() / width, SAMPLE, seed);
        let behind = |i: usize| &rows[some[i % some.len()] * width + generated..][..conditions];
        let values: Vec<f32> = (0..SAMPLE).flat_map(behind).copied().collect();
        let (mut rec, samples) = fixed_sample(gpu, learner, DOMAIN, (&values, conditions))?;
        let samples = rec.keep(samples);
        Ok(Self { bounds, width, own: Some((rec.finish()?, samples)) })
    }

    /// Measures the weights as they are: the validation loss draws its samples again.
    pub fn measure_now(&mut self, validation: Option<&mut Validation>) -> Result<f32> {
        match validation {
            Some(validation) if self.own.is_none() => {
                validation.measure()?;
                self.measure(Some(validation))
            }
            _ => self.measure(None),
        }
    }

    /// What one look costs ([`Step::cost`]); none where the validation loss has drawn the samples.
    pub fn cost(&self) -> Option<f64> {
        self.own.as_ref().map(|(step, _)| step.cost())
    }

    /// The share of samples of which some column lies outside, or is not finite. Waits for the device.
    pub fn measure(&mut self, validation: Option<&Validation>) -> Result<f32> {
        let samples = match (&mut self.own, validation) {
            (Some((step, samples)), _) => {
                // Whatever a sampler draws on the way, it draws the same again.
                step.set_count(0)?;
                step.replay(1)?;
                step.read(*samples)?
            }
            (None, Some(validation)) => validation.samples()?,
            (None, None) => Vec::new(),
        };
        let out = |row: &[f32]| row.iter().zip(&self.bounds).any(|(v, [low, high])| !(low..=high).contains(&v));
        let rows = samples.chunks_exact(self.width);
        let count = rows.len().max(1) as f32;
        Ok(rows.filter(|row| out(row)).count() as f32 / count)
    }
}

/// The range of some values, three times as wide.
fn wide(values: impl Iterator<Item = f32>) -> [f32; 2] {
    let (low, high) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    [low - (high - low), high + (high - low)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_three_times_as_wide_around_its_middle() {
        assert_eq!(wide([1.0, 3.0, 2.0].into_iter()), [-1.0, 5.0]);
    }
}
