//! Diffusion by denoising (paper §4, eqs. 5–7; Ho, Jain & Abbeel 2020; Song et al. 2021; Karras et al. 2022): the data are noised along a
//! path x_t = α x₁ + σ x₀, and a network is held to what it should say of x₁ and x₀, given x_t:
//!
//!   E ‖w(t)·F(x_t, t) − (a(t)·x₁ + b(t)·x₀)‖²,
//!
//! the noise (ε), the data, Salimans & Ho's v, or EDM's preconditioned mixture of them. Its minimizer is a conditional mean, and with it come
//! the score of ρ_t, the velocity of the probability flow (7) and the reverse of the stochastic equation (5): `solver` chooses which is
//! followed. The noise has the data's covariance, so that EDM's constant σ_data is 1 in every direction, and with
//! `prediction = "edm"` training starts at the fitted Gaussian.

use super::many_step::{Flow, Integrated, ManyStep, keys_of_flow, refuse_decoding, resolve_flow, take_flow};
use super::{Dataset, Entry};
use crate::flow::Prediction;
use crate::gpu::{Gpu, Plan};
use crate::nn::Weights;
use crate::{Result, settings};

settings! {
    /// Settings of `diffusion`.
    pub struct Settings {
        /// Prediction target of the network: edm (preconditioned), noise, data, v, velocity, score. With data, use the solver ddim or dpm-solver-2m: the velocity field is stiff near the data. Noise and score need longer training: at high noise their errors are amplified up to a hundredfold.
        prediction: Prediction = Prediction::Edm,
    }
}

pub const ENTRY: Entry = Entry {
    name: "diffusion",
    summary: "a denoiser, sampled by the reverse ordinary or stochastic differential equation",
    paper: "§4, eqs. (5)–(7)",
    density: true,
    inverse: true,
    defaults: "hidden_width = 128\nhidden_layers = 3\nlearning_rate = 2e-3\npath = \"trigonometric\"\ntime_distribution = \"low-discrepancy\"",
    keys: keys_of_flow::<Settings>,
    build: |setup, own| {
        let (settings, course, sampling) = take_flow::<Settings>(own)?;
        Ok(Box::new(Integrated(Diffusion(ManyStep::new(setup, &course, sampling, settings.prediction, 1, false)?))))
    },
    resolve: |table| {
        let own = resolve_flow::<Settings>(table, |_| Ok(()))?;
        refuse_decoding(&own)?;
        Ok(own)
    },
};

struct Diffusion(ManyStep);

impl Flow for Diffusion {
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
