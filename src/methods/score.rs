//! Score matching (paper §4; Hyvärinen 2005; Vincent 2011; Song et al. 2019, 2021): a network learns the score of the noised data,
//! s = ∇ ln ρ_t, expressed as the noise N that it implies: Σs = −N/σ, with Σ the covariance of the noise. With the weight σ²,
//!
//!   denoising   E σ²‖Σs + x₀/σ‖² = E ‖N − x₀‖²              (x₀ the noise that was added: its mean given x_t is −σΣs)
//!   sliced      E σ²(½‖Σs‖² + vᵀ ∂(Σs)/∂x v) = E ½‖N‖² − σ vᵀ(∂N/∂x)v,   v ~ N(0, Σ)
//!               (by parts: E Σs·Σs* = −E tr(Σ ∂(Σs)/∂x) = −E vᵀ ∂(Σs)/∂x v)
//!
//! The second uses noised rows without their noise, and holds for any distribution of x_t. It costs a tangent of the network, and has a larger variance.
//! N is a·x + b·F of a preconditioned network F ([`Prediction::Edm`]); for Gaussian data F = 0 is exact.

use super::many_step::{Flow, Integrated, ManyStep, PathSettings, Sampling};
use super::{Dataset, Drawing, Entry, Learner, Method, Setup, Training};
use crate::flow::{Curve, Prediction, table};
use crate::gpu::{Gpu, Plan};
use crate::nn::Weights;
use crate::{Error, Result, loss, settings};
use serde::{Deserialize, Serialize};

/// How the score is matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matching {
    #[default]
    Denoising,
    Sliced,
}

settings! {
    /// Settings of `score`.
    pub struct Score {
        /// Score matching: denoising, sliced.
        matching: Matching = Matching::Denoising,
        /// The probability path.
        path: PathSettings = PathSettings { path: Curve::OrnsteinUhlenbeck, ..PathSettings::default() }, as group,
        /// How samples are drawn.
        sampling: Sampling = Sampling::default(), as group,
    }
}

static ENTRY: Entry = Entry {
    name: "score",
    summary: "the score of the noised data by denoising or sliced score matching, and the differential equations that it gives",
    paper: "§4, score matching and eq. (5)",
    use_when: "You need the score of the noised data itself, or want to compare denoising with sliced score matching; densities and inverses come with it.",
    avoid_when: "You only want good samples: diffusion learns the same score with a better-scaled target and came nearer on four targets of four; samples take about 16 solver steps of two evaluations each.",
    density: true,
    inverse: true,
    training: || Training { hidden_width: 128, hidden_layers: 3, learning_rate: 2e-3, ..Training::default() },
};

impl Method for Score {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        let core = ManyStep::new(setup, &self.path, &self.sampling, Prediction::Edm, 1, false)?;
        Ok(Box::new(Integrated(ScoreLearner { core, matching: self.matching })))
    }

    fn drawing(&mut self) -> Drawing<'_> {
        Drawing::Solver(&mut self.sampling)
    }
}

impl Score {
    fn validate(&self) -> Result<()> {
        self.path.refuse_decoding()
    }
}

struct ScoreLearner {
    core: ManyStep,
    matching: Matching,
}

impl Flow for ScoreLearner {
    fn core(&self) -> &ManyStep {
        &self.core
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        self.core.plan_of(gpu, seed, |rec| {
            let core = &self.core;
            let (x1, given) = core.data(rec, data)?;
            let x0 = core.noise(rec, x1.rows(), Weights::Trained)?;
            let at = core.draw_times(rec)?;
            let x = core.between(rec, at, x0, x1)?;
            let output = core.output(rec, at, x, given, Weights::Trained)?;
            let noise = rec.combine(at, &[(table::NOISE, 1.0, x), (table::NOISE + 1, 1.0, output)])?;
            if self.matching == Matching::Denoising {
                return loss::mean_squared(rec, noise, x0);
            }
            let v = core.noise(rec, x.rows(), Weights::Trained)?;
            let Some(tangent) = rec.tangent(noise, &[(x, v)])? else {
                return Err(Error::shape("score", "the network does not depend on its input"));
            };
            let bent = rec.combine(at, &[(table::SIGMA, -1.0, tangent)])?;
            let bent = rec.mul(bent, v)?;
            let (square, bent) = (rec.mean_square(noise)?, rec.mean(bent)?);
            rec.blend(square, bent, 0.5, 1.0)
        })
    }
}
