//! Diffusion by denoising (paper §4, eqs. 5–7; Ho, Jain & Abbeel 2020; Song et al. 2021; Karras et al. 2022): the data are noised along a
//! path x_t = α x₁ + σ x₀, and a network is held to what it should say of x₁ and x₀, given x_t:
//!
//!   E ‖w(t)·F(x_t, t) − (a(t)·x₁ + b(t)·x₀)‖²,
//!
//! the noise (ε), the data, Salimans & Ho's v, or EDM's preconditioned mixture of them. Its minimizer is a conditional mean, and with it come
//! the score of ρ_t, the velocity of the probability flow (7) and the reverse of the stochastic equation (5): `solver` chooses which is
//! followed. The noise has the data's covariance, so that EDM's constant σ_data is 1 in every direction, and with
//! `prediction = "edm"` training starts at the fitted Gaussian.

use super::many_step::{Flow, Integrated, ManyStep, PathSettings, Sampling};
use super::{Dataset, Drawing, Entry, Learner, Method, Setup, Training};
use crate::flow::{Curve, Prediction, TimeDistribution};
use crate::gpu::{Gpu, Plan};
use crate::nn::Weights;
use crate::{Result, settings};

settings! {
    /// Settings of `diffusion`.
    pub struct Diffusion {
        /// Prediction target of the network: edm (preconditioned), noise, data, v, velocity, score. With data, use the solver ddim or dpm-solver-2m: the velocity field is stiff near the data. Noise and score need longer training: at high noise their errors are amplified up to a hundredfold.
        prediction: Prediction = Prediction::Edm,
        /// The probability path.
        path: PathSettings = PathSettings {
            path: Curve::Trigonometric,
            time_distribution: TimeDistribution::LowDiscrepancy,
            ..PathSettings::default()
        }, as group,
        /// How samples are drawn.
        sampling: Sampling = Sampling::default(), as group,
    }
}

static ENTRY: Entry = Entry {
    name: "diffusion",
    summary: "a denoiser, sampled by the reverse ordinary or stochastic differential equation",
    paper: "§4, eqs. (5)–(7)",
    use_when: "You want the nearest samples and have a few hundred rows or more, in 2 to about 64 columns; stochastic or deterministic sampling, log-densities and inverses come with it.",
    avoid_when: "You need samples in one step (distill, imm or energy) or an exact density in one pass (spline): a sample takes about 32 evaluations of the network, and a density an adaptive integration.",
    density: true,
    inverse: true,
    training: || Training { hidden_width: 128, hidden_layers: 3, learning_rate: 2e-3, ..Training::default() },
};

impl Method for Diffusion {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        let core = ManyStep::new(setup, &self.path, &self.sampling, self.prediction, 1, false)?;
        Ok(Box::new(Integrated(DiffusionLearner(core))))
    }

    fn drawing(&mut self) -> Drawing<'_> {
        Drawing::Solver(&mut self.sampling)
    }
}

impl Diffusion {
    fn validate(&self) -> Result<()> {
        self.path.refuse_decoding()
    }
}

struct DiffusionLearner(ManyStep);

impl Flow for DiffusionLearner {
    fn core(&self) -> &ManyStep {
        &self.0
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        self.0.plan_of(gpu, seed, |rec| {
            let (x1, given) = self.0.data(rec, data)?;
            let x0 = self.0.noise(rec, x1.rows(), Weights::Trained)?;
            self.0.denoising(rec, x0, x1, given)
        })
    }
}
