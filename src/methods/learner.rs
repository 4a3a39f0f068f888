//! [`Learner`]: a sampler on a device, as training and sampling see it.

use super::{Dataset, Density, Dynamics, Meaning, Objective, Training};
use crate::Result;
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::{Adam, Parameters, Weights};
use std::sync::Arc;

/// What a learner is built from.
pub struct Setup<'a> {
    pub gpu: &'a Gpu,
    pub training: &'a Training,
    /// Columns to be generated.
    pub columns: usize,
    /// Columns that are given and generated from: rows of data, latents and rows to judge carry theirs behind their own columns.
    pub conditions: usize,
    pub seed: u64,
    /// The data to start from; none when a trained model is loaded.
    pub data: Option<&'a Dataset>,
    /// The trained map to learn from, where the method names one.
    pub teacher: Option<Arc<dyn Learner>>,
}

/// Chains that make samples, as a recording traces them.
pub struct Traced {
    /// Where all chains are after each of their last moves, in which nothing adapts any more: chains × numbers each.
    pub states: Vec<Var>,
    /// Accepted moves of each chain, chains × 1, and of how many.
    pub accepted: Var,
    pub moves: usize,
}

/// A sampler on a device, and how it is trained: what [`Method::build`](super::Method::build) makes. What trains by one loss is an [`Objective`], and is a learner by that.
pub trait Learner: Send + Sync {
    /// The weights of the learned map: what a model file holds.
    fn parameters(&self) -> &Parameters;

    /// The weights that training moves besides, by name, such as a critic's: checkpoints hold them, model files do not.
    fn companions(&self) -> Vec<(&'static str, &Parameters)> {
        Vec::new()
    }

    /// Weights of the learned map besides, which model files hold too.
    fn further(&self) -> Option<&Parameters> {
        None
    }

    /// Dimension of the latent space.
    fn latent(&self) -> usize;

    /// Latents for samples: standard normal, unless the method starts from a distribution of its own.
    fn draw(&self, rec: &mut Recorder, rows: usize, _weights: Weights) -> Result<Var> {
        rec.normal(rows, self.latent())
    }

    /// The learned map φ: rows × latent → rows × columns.
    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var>;

    /// The latents that φ takes to x: rows × columns → rows × latent; none where the map has no inverse.
    fn pull(&self, _rec: &mut Recorder, _x: Var, _weights: Weights) -> Result<Option<Var>> {
        Ok(None)
    }

    /// ln of the density of φ_#ν at x; none where it has none that can be computed.
    fn log_density(&self, _rec: &mut Recorder, _x: Var, _weights: Weights) -> Result<Option<Density>> {
        Ok(None)
    }

    /// What the numbers of [`Learner::log_density`] are.
    fn density_means(&self) -> Meaning {
        Meaning::Density
    }

    /// So many of the chains that make samples; none for maps.
    fn mixing(&self, _rec: &mut Recorder, _rows: usize) -> Result<Option<Traced>> {
        Ok(None)
    }

    /// What validation rows cost, rows × 1, lower is better: for methods trained by likelihood, − ln of it or its bound. None where
    /// training is judged by the energy distance of samples to those rows.
    fn held_out_loss(&self, _rec: &mut Recorder, _x: Var, _weights: Weights) -> Result<Option<Var>> {
        Ok(None)
    }

    /// The integration whose end the map is; none for maps of one step.
    fn dynamics(&self) -> Option<&dyn Dynamics> {
        None
    }

    /// The integration behind the inverse and the density; none where they follow no equation.
    fn equation(&self) -> Option<&dyn Dynamics> {
        self.dynamics()
    }

    /// Whether samples are one pass of the learned map: no integration, no chain.
    fn is_one_step(&self) -> bool {
        self.dynamics().is_none()
    }

    /// The loss by which alone the map is trained; none for games, and where rows are not compared with rows.
    fn objective(&self) -> Option<&dyn Objective> {
        None
    }

    /// Steps before which validation rows cannot say that training has stopped improving.
    fn unsettled(&self) -> u64 {
        0
    }

    /// Records one training iteration.
    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan>;
}

/// Appends one descent of a loss; reports it and the gradient's squared norm, which is not finite where anything on the way is not: a loss can hide
/// that (max(NaN, 0) is 0 on many devices).
pub(super) fn descend(rec: &mut Recorder, loss: Var, parameters: &Parameters, adam: &Adam) -> Result<()> {
    rec.report("loss", loss)?;
    let norm2 = rec.minimize(loss, parameters, adam)?;
    rec.report("gradient_norm2", norm2)
}
