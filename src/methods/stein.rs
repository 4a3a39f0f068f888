//! Kernelized Stein discrepancy of the pushforward φ_#ν to a target whose score is known (paper §2, footnote 2: 𝓕 the image
//! of a Stein operator, over the unit ball of an RKHS):
//!
//!   KSD² = E u(X, X′),  u(x, y) = s(x)ᵀs(y) k + s(x)ᵀ∇_y k + s(y)ᵀ∇_x k + tr ∇_x∇_y k,  s = ∇ log p.
//!
//! ⟨f|p⟩ = 0 for every f of 𝓕, so the target enters by its score alone: no data and no normalizing constant. The data are rows of a
//! toy target, or any rows if the setting `score` gives the score of the target. They determine where the map starts, and the unit of the bandwidth.
//!
//! Scores are local. Between modes so far apart that the density vanishes there, u does not see how much mass each holds: a
//! sample of one mode alone can pass for the whole (Wenliang & Kanagawa 2020; half of `8gaussians` does, p = 0.85 on 500 rows, in
//! `tests/gpu/metrics/stein.rs`), and training keeps the proportions it happens to reach: shares of 0.07 to 0.21 instead of 0.125 after
//! 400 steps (`tests/gpu/methods/mod.rs`). Tails, which have few rows, are learned late for the same reason: of `banana` the curve is right
//! long before its ends.

use super::one_step::OneStep;
use super::{Dataset, Entry, Learner, LearnsFrom, Method, Objective, Setup, Training, estimator};
use crate::data::toy::Toy;
use crate::gpu::{Recorder, Var};
use crate::ops::stein::SteinKernel;
use crate::{Error, Result, settings};

/// Families of kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Σ exp(−r²/2ℓ²) over the bandwidths.
    Gaussian,
    /// (ℓ² + r²)^β at the middle bandwidth.
    InverseMultiquadric,
}

settings! {
    /// Settings of `stein`.
    pub struct Stein {
        /// Score ∇ log p of the target, one expression per column, in the data's names (or x1, x2, …) and units, such as
        /// ["-x1 + 0.5*x2", "-x2 + 0.5*x1"] (none: that of the toy distribution).
        score: Option<Vec<String>> = None, or none,
        /// Kernel: gaussian, inverse-multiquadric.
        kernel: Shape = Shape::InverseMultiquadric,
        /// Bandwidths as multiples of the median distance between rows; kernels of several are added (gaussian), or the middle one is used.
        scales: Vec<f32> = vec![0.25], in items(1..=16, above(0.0)),
        /// Exponent of the inverse multiquadric.
        beta: f32 = -0.5, in above(-1.0).below(0.0),
        /// Unbiased estimator, without pairs of a row with itself (its value can be negative).
        unbiased: bool = true,
    }
}

static ENTRY: Entry = Entry {
    name: "stein",
    summary: "kernelized Stein discrepancy to a target whose score is known",
    paper: "§2, eq. (2) with the image of a Stein operator (footnote 2)",
    use_when: "You have no rows of the target but know its score, the gradient of the log-density, and want a one-step sampler instead of MCMC.",
    avoid_when: "The target has modes that are far apart: the method cannot see how much mass each holds, so their shares come out wrong; it learns from the score, not from rows, and takes no conditions.",
    density: false,
    inverse: false,
    training: Training::default,
};

impl Method for Stein {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        if setup.conditions > 0 {
            return Err(Error::usage(
                "`stein` learns from the score of one distribution, not of a conditional one: leave out the conditioning columns",
            ));
        }
        if setup.data.is_some_and(|data| data.target().is_none()) {
            return Err(Error::usage(format!(
                "`stein` needs a target whose score is known, and this data has none: train it on one of {} (both columns), or set `score` to the score of the target, a list of one expression per column",
                Toy::with_score()
            )));
        }
        Ok(Box::new(SteinLearner { core: OneStep::new(setup)?, settings: self.clone() }))
    }

    fn learns_from(&self) -> LearnsFrom {
        LearnsFrom::Score
    }

    fn target_score(&self) -> Option<&[String]> {
        self.score.as_deref()
    }
}

impl Stein {
    /// The kernel for data with this median distance.
    pub fn kernel(&self, median: f32) -> SteinKernel {
        let bandwidths: Vec<f32> = self.scales.iter().map(|s| s * median).collect();
        match self.kernel {
            Shape::Gaussian => SteinKernel::Gaussian { bandwidths },
            Shape::InverseMultiquadric => {
                SteinKernel::InverseMultiquadric { offset: bandwidths[bandwidths.len() / 2], beta: self.beta }
            }
        }
    }
}

/// Trains φ by the KSD of a generated batch.
struct SteinLearner {
    core: OneStep,
    settings: Stein,
}

impl Objective for SteinLearner {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, y: Var, _: Var, data: &Dataset) -> Result<Var> {
        let target = data.target().expect("`build` refuses data without a target");
        let scores = target.record(rec, y)?;
        rec.stein_squared(&self.settings.kernel(data.median_distance()), y, scores, estimator(self.settings.unbiased))
    }
}
