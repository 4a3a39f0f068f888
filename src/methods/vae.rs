//! Variational auto-encoder (paper §3; Kingma & Welling 2014; Rezende, Mohamed & Wierstra 2014): encoder and decoder ascend the evidence lower bound
//!
//!   E_{q(z|x)} ln p(x | z) − β·Σ_j max(λ, E_x KL(q(z_j | x) ‖ N(0, 1))),
//!
//! the divergence in closed form, the likelihood by reparameterized samples. β = 1 and λ = 0 give the bound itself; β above 1 asks for fewer and
//! independent latents (Higgins et al. 2017), free bits λ keep each in use (Kingma et al. 2016, §2.6 of its appendix C).

use super::latent::{Latent, LatentMethod, LatentSettings, Objective};
use super::{Entry, Learner, Method, Setup, Training};
use crate::gpu::{Recorder, Var};
use crate::nn::Weights;
use crate::ops::posterior::Estimator;
use crate::{Result, settings};

settings! {
    /// Settings of `vae`.
    pub struct Vae {
        /// Weight β of the divergence of the encoder from the prior.
        beta: f32 = 1.0, in 0.0..,
        /// Free bits λ: the divergence per latent dimension that costs nothing, in nats.
        free_bits: f32 = 0.0, in 0.0..,
        /// Number of encoder samples per row.
        samples: usize = 1, in 1..=1024,
        /// Decoder and bound.
        latent: LatentSettings = LatentSettings::default(), as group,
    }
}

static ENTRY: Entry = Entry {
    name: "vae",
    summary: "variational auto-encoder: latents by an encoder, likelihood by a lower bound",
    paper: "§3, latent variables with the evidence lower bound",
    use_when: "You want a small latent space, an encoder, and fast one-pass samples, and a lower bound of the log-density is enough.",
    avoid_when: "You want the nearest samples or an exact density: after 600 steps the skill was 0.6 to 0.8 in the plane and 0.3 in ten columns, below most other methods. On a few hundred rows set noise = 0.3 and hidden_width = 32 (docs/studies/small.md).",
    density: true,
    inverse: false,
    training: || Training {
        hidden_width: 128,
        hidden_layers: 3,
        learning_rate: 2e-3,
        steps: 6000,
        batch_size: 512,
        ..Training::default()
    },
};

impl Method for Vae {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(LatentMethod { model: Latent::new(setup, self.latent.clone())?, objective: self.clone() }))
    }
}

/// Samples a validation row is judged by.
const JUDGING: usize = 16;

impl Objective for Vae {
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
