//! Real-valued volume-preserving flows without the volume (RealNVP; paper §3; Dinh, Sohl-Dickstein & Bengio 2017): a chain of affine coupling
//! layers, each of which keeps some columns x_a and moves the others,
//!
//!   y_b = x_b ⊙ e^{s(x_a)} + t(x_a),   ln|det| = Σ s(x_a),   x_b = (y_b − t(x_a)) ⊙ e^{−s(x_a)},
//!
//! with s = c·tanh(·/c) bounded. Negative s are bounded further, so that the whole chain stretches distances between latents by a limited factor.

use super::normalizing::{Choice, NormalizingFlow};
use super::{Entry, Learner, Method, Setup, Training};
use crate::nn::{Masks, Mixing, Structure, Transform};
use crate::ops::coupling::Bounds;
use crate::{Result, settings};

settings! {
    /// Settings of `realnvp`.
    pub struct RealNvp {
        /// Number of coupling layers.
        layers: usize = 8, in 1..=64,
        /// Masks: alternating (every second column, then the others), random (halves).
        masks: Masks = Masks::Alternating,
        /// Layer before each coupling layer: none, normalize (a scale and shift per column), linear (an invertible matrix by its LU factors).
        mixing: Mixing = Mixing::None,
        /// Bound on the logarithm of the factor by which these layers together stretch or shrink distances (none: no bound).
        mixing_stretch: Option<f32> = Some(4.0), or none, in above(0.0),
        /// Bound c on the logarithm of a layer's scale, |s| < c.
        max_log_scale: f32 = 3.0, in above(0.0).up_to(20.0),
        /// Bound on the logarithm of the factor by which all coupling layers together stretch distances between latents (none: the bound of each layer alone).
        stretch: Option<f32> = Some(4.0), or none, in above(0.0),
    }
}

static ENTRY: Entry = Entry {
    name: "realnvp",
    summary: "affine coupling layers trained by likelihood: exact density, one pass both ways",
    paper: "§3, change of variables with coupling layers",
    use_when: "You need an exact log-density and an inverse that are both fast, in one pass each, for a table of 2 to about 10 columns and thousands of rows.",
    avoid_when: "You want the best likelihood (spline is better on all three targets measured), or columns that are nearly functions of each other on few rows: it overfits within 40 steps there; noise = 0.3 helps a little (docs/studies/small.md).",
    density: true,
    inverse: true,
    training: || Training {
        hidden_width: 64,
        hidden_layers: 2,
        learning_rate: 2e-3,
        steps: 3000,
        grad_clip: Some(20.0),
        ..Training::default()
    },
};

impl Method for RealNvp {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(NormalizingFlow::new(setup, &self.choice())?))
    }
}

impl RealNvp {
    fn choice(&self) -> Choice {
        Choice {
            layers: self.layers,
            structure: Structure::Coupling(self.masks),
            transform: Transform::Affine(Bounds::both(self.max_log_scale)),
            stretch: self.stretch,
            mixing: self.mixing,
            mixing_stretch: self.mixing_stretch,
        }
    }
}
