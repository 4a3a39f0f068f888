//! Importance-weighted auto-encoder (paper §3; Burda, Grosse & Salakhutdinov 2016): encoder and decoder ascend
//!
//!   L_K = E ln (1/K) Σ_k w_k,   w_k = p(x | z_k) p(z_k)/q(z_k | x),   z_k ~ q(z | x),
//!
//! tighter than the evidence lower bound L₁. The gradient for the encoder is that of the formula, whose signal sinks beneath its noise as K grows (Rainforth et al.
//! 2018), or the doubly reparameterized one, of the same mean (Tucker et al. 2019, eq. 8).

use super::latent::{Latent, LatentMethod, LatentSettings, Objective};
use super::{Entry, Learner, Method, Setup, Training};
use crate::gpu::{Recorder, Var};
use crate::nn::Weights;
use crate::ops::posterior::Estimator;
use crate::{Result, settings};

/// The encoder's gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gradient {
    /// Of the formula as it stands.
    Plain,
    DoublyReparameterized,
}

settings! {
    /// Settings of `iwae`.
    pub struct Iwae {
        /// Number of importance samples K per row.
        samples: usize = 8, in 1..=1024,
        /// Gradient of the encoder: plain, doubly-reparameterized (lower variance).
        gradient: Gradient = Gradient::DoublyReparameterized,
        /// Decoder and bound.
        latent: LatentSettings = LatentSettings::default(), as group,
    }
}

static ENTRY: Entry = Entry {
    name: "iwae",
    summary: "importance-weighted auto-encoder: a tighter lower bound from several latents a row",
    paper: "§3, latent variables with an importance-weighted bound",
    use_when: "You want what vae gives with a tighter lower bound of the log-density, from several latents per row.",
    avoid_when: "You have a small table (on 569 rows it kept the weights it started from), want the nearest samples, or cannot pay for several decoder passes per row and step.",
    density: true,
    inverse: false,
    training: || Training {
        hidden_width: 128,
        hidden_layers: 3,
        learning_rate: 2e-3,
        steps: 6000,
        batch_size: 256,
        ..Training::default()
    },
};

impl Method for Iwae {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(LatentMethod { model: Latent::new(setup, self.latent.clone())?, objective: self.clone() }))
    }
}

impl Objective for Iwae {
    fn loss(&self, rec: &mut Recorder, model: &Latent, rows: Var) -> Result<Var> {
        // Filled with the samples' shares before the gradient reads them.
        let shares = rec.empty(rows.rows() * self.samples, 1)?;
        let estimator = match self.gradient {
            Gradient::Plain => Estimator::Plain,
            Gradient::DoublyReparameterized => Estimator::Doubly { weights: shares },
        };
        let drawn = model.draw_posterior(rec, rows, self.samples, estimator, Weights::Trained)?;
        let logs = model.log_weights(rec, &drawn)?;
        let bound = rec.log_mean_exp(logs)?;
        rec.shares_into(logs, bound, shares)?;
        let bound = rec.mean(bound)?;
        rec.scale(bound, -1.0)
    }

    fn bound(&self, rec: &mut Recorder, model: &Latent, rows: Var, weights: Weights) -> Result<Var> {
        Ok(model.bound(rec, rows, self.samples, weights)?.0)
    }
}
