//! Settings of methods with latent variables.

use crate::settings;
use serde::{Deserialize, Serialize};

/// A decoder's distribution of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likelihood {
    Gaussian,
    StudentT,
    Bernoulli,
}

/// Whose the scales of a decoder's distribution are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variance {
    /// One a column.
    Column,
    /// A row's own, given by the decoder.
    Point,
}

settings! {
    /// Settings of every method with latent variables.
    pub struct LatentSettings {
        /// Distribution of a column under the decoder: gaussian, student-t (for heavy tails), bernoulli (of values in [0, 1]; needs standardize = false).
        likelihood: Likelihood = Likelihood::Gaussian,
        /// Learned scales of that distribution: column (one per column), point (a function of the latent).
        variance: Variance = Variance::Point,
        /// Degrees of freedom of student-t.
        degrees_of_freedom: f32 = 4.0, in above(0.0).up_to(1e6),
        /// Smallest scale of that distribution, in the units of training (standard deviations, if columns are standardized).
        min_scale: f32 = 0.01, in above(0.0).up_to(1.0),
        /// Noise of the decoder in samples; without it they are its means.
        decoder_noise: bool = true,
        /// Number of importance samples of a log-density, a lower bound that is tighter with more.
        bound_samples: usize = 500, in 1..=100_000,
    }
}

impl LatentSettings {
    /// Whether the decoder gives scales besides locations.
    pub fn own_scales(&self) -> bool {
        self.variance == Variance::Point && self.likelihood != Likelihood::Bernoulli
    }
}
