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
        /// Learned scales of that distribution: column (one per column) or point (a function of the latent).
        variance: Variance = Variance::Point,
        /// Degrees of freedom of student-t.
        degrees: f32 = 4.0,
        /// Smallest scale of that distribution, in the units of training (standard deviations, if columns are standardized).
        least_deviation: f32 = 0.01,
        /// Whether samples include the decoder's noise; without it they are its means.
        decoder_noise: bool = true,
        /// Number of importance samples of a log-density, a lower bound that is tighter with more.
        bound_samples: usize = 500,
    }
}

impl LatentSettings {
    /// Refuses values out of range.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: &str, value: &dyn std::fmt::Display, valid: &str| {
            Err(Error::usage(format!("`{key}` is {value}: it must be {valid}")))
        };
        if !(self.degrees > 0.0 && self.degrees <= 1e6) {
            return wrong("degrees", &self.degrees, "above 0 and at most 1,000,000");
        }
        if !(self.least_deviation > 0.0 && self.least_deviation <= 1.0) {
            return wrong("least_deviation", &self.least_deviation, "above 0 and at most 1");
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
