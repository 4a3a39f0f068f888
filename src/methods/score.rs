//! Score matching (paper §4; Hyvärinen 2005; Vincent 2011; Song et al. 2019, 2021): a network learns the score of the noised data,
//! s = ∇ ln ρ_t, in units of the noise's covariance Σ, F = Σs, by one of
//!
//!   denoising   E σ²‖F + x₀/σ‖²                       (x₀ the noise that was added: the mean of −x₀/σ given x_t is Σs)
//!   sliced      E σ²(½‖F‖² + vᵀ(∂F/∂x)v),  v ~ N(0, Σ)  (by parts: E F·Σs = −E tr(Σ ∂F/∂x) = −E vᵀ(∂F/∂x)v)
//!
//! The second never sees the noise, only where it led, and holds for any law of x_t; it costs a tangent of the network and its variance.

use super::many_step::{Flow, Integrated, ManyStep, keys_of_flow, resolve_flow, take_flow};
use super::{Dataset, Entry};
use crate::flow::{Prediction, table};
use crate::gpu::{Recorder, Var};
use crate::nn::Weights;
use crate::{Error, Result, settings};
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
    pub struct Settings {
        /// How the score is matched: denoising, sliced.
        matching: Matching = Matching::Denoising,
    }
}

pub const ENTRY: Entry = Entry {
    name: "score",
    summary: "the score of the noised data, matched by denoising or by slices, and the equations that it drives",
    paper: "§4, score matching and eq. (5)",
    density: true,
    inverse: true,
    defaults: "width = 128\ndepth = 3\nrate = 2e-3\npath = \"ornstein-uhlenbeck\"",
    keys: keys_of_flow::<Settings>,
    build: |setup, own| {
        let (settings, course, sampling) = take_flow::<Settings>(own)?;
        let core = ManyStep::new(setup, &course, sampling, Prediction::Score, 1, false)?;
        Ok(Box::new(Integrated(Score { core, matching: settings.matching })))
    },
    resolve: |table| resolve_flow::<Settings>(table, |_| Ok(())),
};

struct Score {
    core: ManyStep,
    matching: Matching,
}

impl Flow for Score {
    fn core(&self) -> &ManyStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, data: &Dataset) -> Result<Var> {
        let core = &self.core;
        let x1 = core.data(rec, data)?;
        let x0 = core.noise(rec, x1.rows(), Weights::Trained)?;
        if self.matching == Matching::Denoising {
            return core.denoising(rec, x0, x1);
        }
        let at = core.draw_times(rec)?;
        let x = core.between(rec, at, x0, x1)?;
        let v = core.noise(rec, x.rows(), Weights::Trained)?;
        let score = core.output(rec, at, x, Weights::Trained)?;
        let Some(tangent) = rec.tangent(score, &[(x, v)])? else {
            return Err(Error::shape("score", "the network does not depend on its input"));
        };
        // σ² in two factors, one to each side of a product.
        let [score, tangent, v] = [score, tangent, v].map(|y| rec.combine(at, &[(table::SIGMA, 1.0, y)]));
        let (score, bent) = (score?, rec.mul(tangent?, v?)?);
        let (square, bent) = (rec.mean_square(score)?, rec.mean(bent)?);
        rec.blend(square, bent, 0.5, 1.0)
    }
}
