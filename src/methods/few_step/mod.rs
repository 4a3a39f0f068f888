//! What maps between any two times of a flow share: the straight path from the fitted Gaussian to the data, a network u(x, s, t) whose map is
//!
//!   X_{s,t}(x) = x + (t − s)·u(x, s, t),   X_{s,s} = id,   u(x, s, s) the flow's own velocity (Boffi, Albergo & Vanden-Eijnden 2025),
//!
//! and samples in as many steps as are asked for: X_{0,1}, or X_{½,1} ∘ X_{0,½}, ….
//!
//! Time runs from noise (0) to data (1), in centered units; noise is ξ(z) = zA with the covariance that a regression on the given columns leaves, so that u = 0
//! leaves the fitted Gaussian as it is.

mod core;
mod place;

pub use core::{FewStep, MapLoss, Maps};
pub use place::{Ends, Place};

use super::Training;
use super::many_step::automatic_gain;
use crate::nn::{TimeEmbedding, VelocityShape};
use crate::settings;

settings! {
    /// How samples are drawn from a map between times; `sample` can replace the steps.
    pub struct MapSettings {
        /// Number of sampling steps, such as 1, 2 or 4.
        map_steps: usize = 1, in 1..=1000,
        /// Number of frequencies of the time embedding, in octaves from ½: few, because the map is differentiated in time.
        time_frequencies: usize = 3, in 1..=16,
    }
}

/// Which trajectories are trained more than their measure among all asks for: those that few steps take.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    /// Share that begins at noise.
    pub from_noise: f32,
    /// Share that ends at the data.
    pub to_data: f32,
}

impl MapSettings {
    fn time(&self) -> TimeEmbedding {
        TimeEmbedding { count: self.time_frequencies, highest: 0.5 * (self.time_frequencies as f32 - 1.0).exp2() }
    }

    /// The network of a method of this kind: on rows of so many columns, given ones included.
    pub fn shape(&self, training: &Training, inputs: usize, outputs: usize) -> VelocityShape {
        VelocityShape {
            columns: inputs,
            outputs,
            width: training.hidden_width,
            depth: training.hidden_layers,
            activation: training.activation,
            input_gain: training.input_gain.unwrap_or(automatic_gain(inputs)),
            time: self.time(),
        }
    }
}
