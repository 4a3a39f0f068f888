//! Real-valued volume-preserving flows without the volume (RealNVP; paper §3; Dinh, Sohl-Dickstein & Bengio 2017): a chain of affine coupling
//! layers, each of which keeps some columns x_a and moves the others,
//!
//!   y_b = x_b ⊙ e^{s(x_a)} + t(x_a),   ln|det| = Σ s(x_a),   x_b = (y_b − t(x_a)) ⊙ e^{−s(x_a)},
//!
//! with s = c·tanh(·/c) bounded, and further where it is negative: what the whole chain stretches between latents and samples has a bound too.

use super::normalizing::{Choice, NormalizingFlow};
use super::{Entry, resolve};
use crate::nn::{Masks, Mixing, Structure, Transform};
use crate::ops::coupling::Bounds;
use crate::settings;
use crate::settings::Settings as _;

settings! {
    /// Settings of `realnvp`.
    pub struct Settings {
        /// Number of coupling layers, 1 to 64.
        layers: usize = 8,
        /// Masks: alternating (every second column, then the others), random (halves).
        masks: Masks = Masks::Alternating,
        /// Layer before each coupling layer: none, normalize (a scale and shift per column), linear (an invertible matrix by its LU factors).
        mixing: Mixing = Mixing::None,
        /// Bound on the logarithm of the factor by which these layers together stretch or shrink distances; unset is none.
        mixing_stretch: Option<f32> = None,
        /// Bound c on the logarithm of a layer's scale, |s| < c, above 0 to 20.
        max_log_scale: f32 = 3.0,
        /// Bound on the logarithm of the factor by which all coupling layers together stretch distances between latents; unset is the bound of each layer alone.
        stretch: Option<f32> = None,
    }
}

pub const ENTRY: Entry = Entry {
    name: "realnvp",
    summary: "affine coupling layers trained by likelihood: exact density, one pass both ways",
    paper: "§3, change of variables with coupling layers",
    density: true,
    inverse: true,
    defaults: "hidden_width = 64\nhidden_layers = 2\nlearning_rate = 2e-3\nsteps = 3000\ngrad_clip = 20.0\nstretch = 4.0\nmixing_stretch = 4.0",
    keys: Settings::keys,
    build: |setup, own| Ok(Box::new(NormalizingFlow::new(setup, &settings::take::<Settings>(own)?.choice())?)),
    resolve: |table| resolve::<Settings>(table, |own| own.choice().check()),
};

impl Settings {
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
