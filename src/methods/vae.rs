//! Variational auto-encoder (paper §3; Kingma & Welling 2014; Rezende, Mohamed & Wierstra 2014): encoder and decoder ascend the evidence lower bound
//!
//!   E_{q(z|x)} ln p(x | z) − β·Σ_j max(λ, E_x KL(q(z_j | x) ‖ N(0, 1))),
//!
//! the divergence in closed form, the likelihood by reparameterized samples. β = 1 and λ = 0 give the bound itself; β above 1 asks for fewer and
//! independent latents (Higgins et al. 2017), free bits λ keep each in use (Kingma et al. 2016, §2.6 of its appendix C).

use super::latent::{Latent, LatentMethod, LatentSettings, Objective, check_samples};
use super::{Entry, resolve_two};
use crate::gpu::{Recorder, Var};
use crate::nn::Weights;
use crate::ops::posterior::Estimator;
use crate::settings::Settings as _;
use crate::{Error, Result, settings};

settings! {
    /// Settings of `vae`.
    pub struct Settings {
        /// Weight β of the divergence of the encoder from the prior, 0 or above.
        beta: f32 = 1.0,
        /// Free bits λ: the divergence per latent dimension that costs nothing, in nats, 0 or above.
        free_bits: f32 = 0.0,
        /// Number of encoder samples per row, 1 to 1,024.
        samples: usize = 1,
    }
}

pub const ENTRY: Entry = Entry {
    name: "vae",
    summary: "variational auto-encoder: latents by an encoder, likelihood by a lower bound",
    paper: "§3, latent variables with the evidence lower bound",
    density: true,
    inverse: false,
    defaults: "hidden_width = 128\nhidden_layers = 3\nlearning_rate = 2e-3\nsteps = 6000\nbatch_size = 512",
    keys: || Settings::keys().into_iter().chain(LatentSettings::keys()).collect(),
    build: |setup, own| {
        let (objective, shared): (Settings, LatentSettings) = (settings::take(own)?, settings::take(own)?);
        Ok(Box::new(LatentMethod { model: Latent::new(setup, shared)?, objective }))
    },
    resolve: |table| resolve_two::<Settings, LatentSettings>(table, Settings::check, LatentSettings::check),
};

/// Samples a validation row is judged by.
const JUDGING: usize = 16;

impl Settings {
    fn check(&self) -> Result<()> {
        for (key, value) in [("beta", self.beta), ("free_bits", self.free_bits)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::usage(format!("`{key}` is {value}: it must be 0 or above")));
            }
        }
        check_samples(self.samples)
    }
}

impl Objective for Settings {
    fn loss(&self, rec: &mut Recorder, model: &Latent, rows: Var) -> Result<Var> {
        let drawn = model.draw_posterior(rec, rows, self.samples, Estimator::Plain, Weights::Trained)?;
        let likelihood = rec.mean(drawn.likelihood)?;
        rec.report("reconstruction", likelihood)?;
        let divergence = rec.posterior_divergence(drawn.code)?;
        let divergence = rec.sum_rows(divergence)?;
        let mut divergence = rec.scale(divergence, 1.0 / rows.rows() as f32)?;
        let whole = rec.sum(divergence)?;
        rec.report("divergence", whole)?;
        if self.free_bits > 0.0 {
            let above = rec.affine(divergence, 1.0, -self.free_bits)?;
            let above = rec.activation(above, crate::nn::Activation::Relu)?;
            divergence = rec.affine(above, 1.0, self.free_bits)?;
        }
        let divergence = rec.sum(divergence)?;
        rec.blend(divergence, likelihood, self.beta, -1.0)
    }

    /// The evidence lower bound itself, whatever β and λ are.
    fn bound(&self, rec: &mut Recorder, model: &Latent, rows: Var, weights: Weights) -> Result<Var> {
        model.elbo(rec, rows, JUDGING, weights)
    }
}
