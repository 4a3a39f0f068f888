//! Settings of methods with latent variables.

use crate::{Error, Result, settings};
use serde::{Deserialize, Serialize};

/// A decoder's distribution of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Law {
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
        likelihood: Law = Law::Gaussian,
        /// Learned scales of that distribution: column (one per column), point (a function of the latent).
        variance: Variance = Variance::Point,
        /// Degrees of freedom of student-t, above 0 to 1,000,000.
        degrees_of_freedom: f32 = 4.0,
        /// Smallest scale of that distribution, in the units of training (standard deviations, if columns are standardized), above 0 to 1.
        min_scale: f32 = 0.01,
        /// Noise of the decoder in samples, true or false; without it they are its means.
        decoder_noise: bool = true,
        /// Number of importance samples of a log-density, a lower bound that is tighter with more, 1 to 100,000.
        bound_samples: usize = 500,
    }
}

impl LatentSettings {
    /// Refuses values out of range.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: &str, value: &dyn std::fmt::Display, valid: &str| {
            Err(Error::usage(format!("`{key}` is {value}: it must be {valid}")))
        };
        if !(self.degrees_of_freedom > 0.0 && self.degrees_of_freedom <= 1e6) {
            return wrong("degrees_of_freedom", &self.degrees_of_freedom, "above 0 and at most 1,000,000");
        }
        if !(self.min_scale > 0.0 && self.min_scale <= 1.0) {
            return wrong("min_scale", &self.min_scale, "above 0 and at most 1");
        }
        if !(1..=100_000).contains(&self.bound_samples) {
            return wrong("bound_samples", &self.bound_samples, "between 1 and 100,000");
        }
        Ok(())
    }

    /// Whether the decoder gives scales besides locations.
    pub fn own_scales(&self) -> bool {
        self.variance == Variance::Point && self.likelihood != Law::Bernoulli
    }
}

/// Refuses a number of samples a row that is out of range.
pub fn check_samples(samples: usize) -> Result<()> {
    if (1..=1024).contains(&samples) {
        return Ok(());
    }
    Err(Error::usage(format!("`samples` is {samples}: it must be between 1 and 1,024")))
}
