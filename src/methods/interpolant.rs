//! Stochastic interpolants (paper §4; Albergo, Boffi & Vanden-Eijnden 2023): x_t = α x₁ + σ x₀ + γ z, between x₀ of a source distribution and x₁ of
//! the data with a noise z ~ N(0, Σ) of its own added along the path, zero at both ends. One network of two heads learns
//!
//!   b = E[α̇x₁ + σ̇x₀ + γ̇z | x_t]   the velocity, and   η = E[z | x_t]   the denoiser, so that the score is −η/γ in units of Σ,
//!
//! and samples follow the ordinary equation dx = b dt, or for any ε(t) ≥ 0 the stochastic one dx = (b − ε η/γ) dt + √(2ε) dB, whose distributions are
//! the same (ibid., theorem 2.8 and eq. 2.33): here ε = η²·γ with the setting `eta` for η, so that nothing divides by γ.

use super::dataset::join;
use super::many_step::{FITTED, Flow, Integrated, ManyStep, check_source, given_source, keys_of_flow, resolve_flow, take_flow};
use super::{Dataset, Entry};
use crate::flow::{Curve, Gamma, Prediction, Solver, Time, table};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::Weights;
use crate::{Error, Result, settings};

settings! {
    /// Settings of `interpolant`.
    pub struct Settings {
        /// Source distribution: "fitted" (the Gaussian with the mean and covariance of the data), or data with the same columns (a SOURCE).
        source: String = FITTED.into(),
        /// Noise γ(t) of the interpolant: none, bridge (a√(t(1−t)), of a Schrödinger bridge), sine (a·sin²(πt)); encoding-decoding has its own.
        gamma: Gamma = Gamma::Bridge,
        /// Scale a of γ, above 0 to 100.
        gamma_scale: f64 = 1.0,
    }
}

pub const ENTRY: Entry = Entry {
    name: "interpolant",
    summary: "the velocity and denoiser of a stochastic interpolant, integrated with or without noise",
    paper: "§4, stochastic interpolants",
    density: true,
    inverse: true,
    defaults: "hidden_width = 128\nhidden_layers = 3\nlearning_rate = 2e-3",
    keys: keys_of_flow::<Settings>,
    build: |setup, own| {
        let given = given_source(own).is_some();
        let (settings, course, sampling) = take_flow::<Settings>(own)?;
        let mut core = ManyStep::new(setup, &course, sampling, Prediction::Velocity, 2, given)?;
        if core.path.curve != Curve::EncodingDecoding {
            (core.path.gamma, core.path.gamma_scale) = (settings.gamma, settings.gamma_scale);
        }
        Ok(Box::new(Integrated(Interpolant(core))))
    },
    resolve: |table| {
        let own = resolve_flow::<Settings>(table, Settings::check)?;
        let solver = own.get("solver").and_then(toml::Value::as_str).unwrap_or_default().to_string();
        if ["ddim", "dpm-solver-2m", "stochastic-heun", "ancestral"].contains(&solver.as_str()) {
            return Err(Error::usage(format!(
                "`solver` is {solver}, which needs noise at the start of the path alone; for an interpolant: euler, midpoint, heun, rk4, \
                 dopri5, euler-maruyama"
            )));
        }
        let path = own.get("path").and_then(toml::Value::as_str).unwrap_or_default();
        if !["straight", "trigonometric", "encoding-decoding"].contains(&path) {
            return Err(Error::usage(format!(
                "`path` is {path}: the path of an interpolant starts and ends at its two distributions: straight, trigonometric, encoding-decoding"
            )));
        }
        // What its stochastic equation adds is the noise along the path, whatever distribution that begins at.
        if solver != "euler-maruyama" {
            check_source(&own)?;
        }
        Ok(own)
    },
};

impl Settings {
    fn check(&self) -> Result<()> {
        if self.gamma_scale > 0.0 && self.gamma_scale <= 100.0 {
            return Ok(());
        }
        Err(Error::usage(format!("`gamma_scale` is {}: it must be above 0 and at most 100", self.gamma_scale)))
    }
}

struct Interpolant(ManyStep);

/// Training keeps this far from both ends, where a bridge's γ̇ is endless.
const MARGIN: f64 = 1e-3;

impl Interpolant {
    /// b and η from both heads.
    fn heads(&self, rec: &mut Recorder, x: Var, time: Time, weights: Weights) -> Result<(Var, Var)> {
        let core = &self.0;
        let both = core.network.at(rec, &core.parameters, x, time, weights)?;
        Ok((rec.columns(both, 0, core.columns)?, rec.columns(both, core.columns, core.columns)?))
    }
}

impl Flow for Interpolant {
    fn core(&self) -> &ManyStep {
        &self.0
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        self.0.plan_of(gpu, seed, |rec| {
            use table::{ALPHA, ALPHA_RATE, GAMMA, GAMMA_RATE, SIGMA, SIGMA_RATE};
            let core = &self.0;
            let (x1, given) = core.data(rec, data)?;
            let x0 = core.source(rec, x1.rows())?;
            let z = core.noise(rec, x1.rows(), Weights::Trained)?;
            let at = core.path.draw(rec, core.prediction, core.times.times(), core.batch, MARGIN, 1.0 - MARGIN)?;
            let x = rec.combine(at, &[(ALPHA, 1.0, x1), (SIGMA, 1.0, x0), (GAMMA, 1.0, z)])?;
            let velocity = rec.combine(at, &[(ALPHA_RATE, 1.0, x1), (SIGMA_RATE, 1.0, x0), (GAMMA_RATE, 1.0, z)])?;
            let both = core.output(rec, at, x, given, Weights::Trained)?;
            let target = rec.concat(&[velocity, z])?;
            crate::loss::mean_squared(rec, both, target)
        })
    }

    fn velocity(&self, rec: &mut Recorder, x: Var, time: Time, weights: Weights) -> Result<Var> {
        let v = self.heads(rec, x, time, weights)?.0;
        self.0.still(rec, v)
    }

    fn follow_noisy(&self, rec: &mut Recorder, times: &[f64], x: Var, given: Option<Var>, weights: Weights) -> Result<Vec<Var>> {
        let core = &self.0;
        if core.sampling.solver != Solver::EulerMaruyama {
            return Err(Error::usage(format!("`{}` does not integrate an interpolant", core.sampling.solver.name())));
        }
        let mut states = vec![x];
        for (k, pair) in times.windows(2).enumerate() {
            let (x, h) = (states[k], pair[1] - pair[0]);
            let state = join(rec, x, given)?;
            let (b, denoised) = self.heads(rec, state, Time::Known(pair[0]), weights)?;
            // ε = η²γ: the drift loses η²·E[z | x], and the noise has a standard deviation of √(2η²γh).
            let eta2 = core.sampling.eta.powi(2);
            let deviation = (2.0 * eta2 * core.path.at(pair[0]).gamma * h).sqrt();
            let mut terms = vec![(1.0, x), (h, b), (-h * eta2, denoised)];
            if deviation > 0.0 && k + 2 < times.len() {
                terms.push((deviation, core.noise(rec, x.rows(), weights)?));
            }
            states.push(rec.weighted_sum(&terms)?);
        }
        Ok(states)
    }
}
