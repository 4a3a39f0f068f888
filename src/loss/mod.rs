//! Losses written in taped ops. The statistics that compare samples ([`Recorder::mmd_squared`] and its kin) are ops of their own, value and gradient in one pass; all are 1×1 values that add, scale
//! and combine like numbers.

mod penalty;
mod score;

pub use crate::ops::pairwise::{Estimator, RadialKernel};
pub use penalty::{Penalty, Slopes, slope_penalty};
pub use score::{distances, energy_score};

use crate::Result;
use crate::gpu::{Recorder, Var};
use crate::ops::activation::Activation;

/// Mean of (a − b)² over all elements.
pub fn mean_squared(rec: &mut Recorder, a: Var, b: Var) -> Result<Var> {
    let difference = rec.sub(a, b)?;
    rec.mean_square(difference)
}

/// Mean of −y ln s(l) − (1 − y) ln(1 − s(l)) = ln(1 + eˡ) − y·l for logits l and labels y in {0, 1}, rows × 1 both.
pub fn binary_cross_entropy(rec: &mut Recorder, logits: Var, labels: Var) -> Result<Var> {
    let soft = rec.activation(logits, Activation::Softplus)?;
    let chosen = rec.mul(logits, labels)?;
    let difference = rec.sub(soft, chosen)?;
    rec.mean(difference)
}
