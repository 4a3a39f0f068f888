//! Maximum mean discrepancy between the pushforward φ_#ν and the data μ₁ (paper §2, eq. 2 with the unit ball of an RKHS):
//!
//!   D²_∞(μ, μ₁; B_k) = E[k(X, X') + k(Y, Y') − 2k(X, Y)].
//!
//! Bandwidths are multiples of the data's median distance (Gretton et al. 2012, §8), or given.

use super::one_step::OneStep;
use super::{Dataset, Entry, Objective, estimator, resolve};
use crate::gpu::{Recorder, Var};
use crate::ops::pairwise::RadialKernel;
use crate::settings::Settings as _;
use crate::{Error, Result, settings};

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
    pub struct Settings {
        /// Kernel: gaussian, laplace, inverse-multiquadric, rational-quadratic.
        kernel: Shape = Shape::Gaussian,
        /// Bandwidths as multiples of the median distance between rows; kernels of several are added (gaussian), or the middle one is used.
        scales: Vec<f32> = vec![0.0625, 0.125, 0.25, 0.5, 1.0],
        /// Absolute bandwidths, in standardized units; empty uses `scales`.
        bandwidths: Vec<f32> = Vec::new(),
        /// Unbiased estimator, without pairs of a row with itself (its value can be negative), true or false.
        unbiased: bool = true,
    }
}

pub const ENTRY: Entry = Entry {
    name: "mmd",
    summary: "maximum mean discrepancy with a kernel of several widths",
    paper: "§2, eq. (2) with an RKHS ball",
    density: false,
    inverse: false,
    defaults: "",
    keys: Settings::keys,
    build: |setup, own| Ok(Box::new(Mmd { core: OneStep::new(setup)?, settings: settings::take(own)? })),
    resolve: |table| resolve::<Settings>(table, check),
};

fn check(settings: &Settings) -> Result<()> {
    for (key, values) in [("scales", &settings.scales), ("bandwidths", &settings.bandwidths)] {
        if values.len() > 16 || values.iter().any(|v| !(*v > 0.0 && v.is_finite())) {
            return Err(Error::usage(format!("`{key}` is {values:?}: give at most 16 numbers above 0")));
        }
    }
    if settings.scales.is_empty() && settings.bandwidths.is_empty() {
        return Err(Error::usage("`scales` and `bandwidths` are both empty: give at least one"));
    }
    Ok(())
}

impl Settings {
    /// The kernel for data with this median distance.
    pub fn kernel(&self, median: f32) -> RadialKernel {
        let bandwidths: Vec<f32> = match self.bandwidths.is_empty() {
            true => self.scales.iter().map(|s| s * median).collect(),
            false => self.bandwidths.clone(),
        };
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
pub struct Mmd {
    core: OneStep,
    settings: Settings,
}

impl Objective for Mmd {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, data: &Dataset) -> Result<Var> {
        let kernel = self.settings.kernel(data.median_distance());
        rec.mmd_squared(&kernel, y, x, estimator(self.settings.unbiased))
    }
}
