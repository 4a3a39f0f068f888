//! [`Objective`]: a loss between generated and data rows, which is all that a one-step method of statistics matching is.

use super::one_step::OneStep;
use super::{Dataset, Learner};
use crate::Result;
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::{Parameters, Weights};

/// A loss that trains a one-step sampler by itself.
pub trait Objective: Send + Sync {
    /// The generator φ that the loss moves.
    fn core(&self) -> &OneStep;

    /// The loss of generated rows y against data rows x, 1 × 1; `data` is what x was drawn from.
    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, data: &Dataset) -> Result<Var>;
}

impl<O: Objective> Learner for O {
    fn parameters(&self) -> &Parameters {
        &self.core().parameters
    }

    fn latent(&self) -> usize {
        self.core().latent()
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        self.core().push(rec, z, weights)
    }

    fn objective(&self) -> Option<&dyn Objective> {
        Some(self)
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        Plan::record(gpu, seed, |rec| {
            let (y, x) = self.core().draw(rec, data)?;
            let loss = self.loss(rec, y, x, data)?;
            self.core().minimize(rec, loss)
        })
    }
}
