//! Maximum mean discrepancy between the pushforward φ_#ν and the data μ₁ (paper §2, eq. 2 with the unit ball of an RKHS):
//!
//!   D²_∞(μ, μ₁; B_k) = E[k(X, X') + k(Y, Y') − 2k(X, Y)].
//!
//! Bandwidths are multiples of the data's median distance (Gretton et al. 2012, §8), or given.

use super::one_step::OneStep;
use super::{Dataset, Entry, Learner, Method, Objective, Setup, Training, estimator};
use crate::gpu::{Recorder, Var};
use crate::ops::pairwise::RadialKernel;
use crate::{Result, settings};

/// Families of kernels; widths come from the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Σ exp(−r²/2ℓ²) over the bandwidths.
    Gaussian,
    /// exp(−r/ℓ), at the middle bandwidth.
    Laplace,
    /// (ℓ² + r²)^(−½), at the middle bandwidth.
    InverseMultiquadric,
    /// Σ_α (1 + r²/2αℓ²)^(−α) over α = ½, 1, 2, at the middle bandwidth.
    RationalQuadratic,
}

settings! {
    /// Settings of `mmd`.
    pub struct Mmd {
        /// Kernel: gaussian, laplace, inverse-multiquadric, rational-quadratic.
        kernel: Shape = Shape::Gaussian,
        /// Bandwidths as multiples of the median distance between rows; kernels of several are added (gaussian), or the middle one is used.
        scales: Vec<f32> = vec![0.0625, 0.125, 0.25, 0.5, 1.0], in items(1..=16, above(0.0)),
        /// Absolute bandwidths, in standardized units (none: by `scales`).
        bandwidths: Option<Vec<f32>> = None, or none, in items(1..=16, above(0.0)),
        /// Unbiased estimator, without pairs of a row with itself (its value can be negative).
        unbiased: bool = true,
    }
}

static ENTRY: Entry = Entry {
    name: "mmd",
    summary: "maximum mean discrepancy with a kernel of several widths",
    paper: "§2, eq. (2) with an RKHS ball",
    use_when: "You want a one-step sampler of a numeric table of a few hundred rows or more and up to about 64 columns, with a loss that has no adversary and hardly needs tuning.",
    avoid_when: "You need a density, or the table has thousands of rows and ten or more columns: there flow-matching and diffusion come nearer in the same number of steps.",
    density: false,
    inverse: false,
    training: Training::default,
};

impl Method for Mmd {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(MmdLearner { core: OneStep::new(setup)?, settings: self.clone() }))
    }

    fn can_be_annealed(&self) -> bool {
        true
    }
}

impl Mmd {
    /// The kernel for data with this median distance.
    pub fn kernel(&self, median: f32) -> RadialKernel {
        let chosen = || self.scales.iter().map(|s| s * median).collect();
        let bandwidths: Vec<f32> = self.bandwidths.clone().unwrap_or_else(chosen);
        let middle = bandwidths[bandwidths.len() / 2];
        match self.kernel {
            Shape::Gaussian => RadialKernel::Gaussian { bandwidths },
            Shape::Laplace => RadialKernel::Laplace { bandwidth: middle },
            Shape::InverseMultiquadric => RadialKernel::InverseMultiquadric { offset: middle },
            Shape::RationalQuadratic => RadialKernel::RationalQuadratic { alphas: vec![0.5, 1.0, 2.0], bandwidth: middle },
        }
    }
}

/// Trains φ by the MMD between a generated and a data batch.
struct MmdLearner {
    core: OneStep,
    settings: Mmd,
}

impl Objective for MmdLearner {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, data: &Dataset) -> Result<Var> {
        let kernel = self.settings.kernel(data.median_distance());
        rec.mmd_squared(&kernel, y, x, estimator(self.settings.unbiased))
    }
}
