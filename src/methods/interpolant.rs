//! Stochastic interpolants (paper §4; Albergo, Boffi & Vanden-Eijnden 2023): x_t = α x₁ + σ x₀ + γ z, between x₀ of a source distribution and x₁ of
//! the data with a noise z ~ N(0, Σ) of its own added along the path, zero at both ends. One network of two heads learns
//!
//!   b = E[α̇x₁ + σ̇x₀ + γ̇z | x_t]   the velocity, and   η = E[z | x_t]   the denoiser, so that the score is −η/γ in units of Σ,
//!
//! and samples follow the ordinary equation dx = b dt, or for any ε(t) ≥ 0 the stochastic one dx = (b − ε η/γ) dt + √(2ε) dB, whose distributions are
//! the same (ibid., theorem 2.8 and eq. 2.33): here ε = η²·γ with the setting `eta` for η, so that nothing divides by γ.

use super::dataset::join;
use super::many_step::{Flow, Integrated, ManyStep, PathSettings, Sampling, check_source};
use super::{Dataset, Drawing, Entry, Learner, Method, Setup, Training};
use crate::flow::{Curve, Gamma, Prediction, Solver, Time, table};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::Weights;
use crate::{Error, Result, settings};

settings! {
    /// Settings of `interpolant`.
    pub struct Interpolant {
        /// Source distribution: fitted (the Gaussian with the mean and covariance of the data), or data with the same columns (a SOURCE).
        source: Option<String> = None, or fitted,
        /// Noise γ(t) of the interpolant: none, bridge (a√(t(1−t)), of a Schrödinger bridge), sine (a·sin²(πt)); encoding-decoding has its own.
        gamma: Gamma = Gamma::Bridge,
        /// Scale a of γ.
        gamma_scale: f64 = 1.0, in above(0.0).up_to(100.0),
        /// The probability path.
        path: PathSettings = PathSettings::default(), as group,
        /// How samples are drawn.
        sampling: Sampling = Sampling::default(), as group,
    }
}

static ENTRY: Entry = Entry {
    name: "interpolant",
    summary: "the velocity and denoiser of a stochastic interpolant, integrated with or without noise",
    paper: "§4, stochastic interpolants",
    use_when: "You want to choose between deterministic and noisy sampling after training, or to carry one table to another along a path with noise.",
    avoid_when: "You only want samples from noise: flow-matching and diffusion came nearer on average after 600 steps, and have one output less to learn.",
    density: true,
    inverse: true,
    training: || Training { hidden_width: 128, hidden_layers: 3, learning_rate: 2e-3, ..Training::default() },
};

impl Method for Interpolant {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        let mut core = ManyStep::new(setup, &self.path, &self.sampling, Prediction::Velocity, 2, self.source.is_some())?;
        if core.path.curve != Curve::EncodingDecoding {
            (core.path.gamma, core.path.gamma_scale) = (self.gamma, self.gamma_scale);
        }
        Ok(Box::new(Integrated(InterpolantLearner(core))))
    }

    fn drawing(&mut self) -> Drawing<'_> {
        Drawing::Solver(&mut self.sampling)
    }

    fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }
}

impl Interpolant {
    fn validate(&self) -> Result<()> {
        let solver = self.sampling.solver;
        if matches!(solver, Solver::Ddim | Solver::DpmSolver2m | Solver::StochasticHeun | Solver::Ancestral) {
            return Err(Error::usage(format!(
                "`solver` is {}, which needs noise at the start of the path alone; for an interpolant: euler, midpoint, heun, rk4, \
                 dopri5, euler-maruyama",
                solver.name()
            )));
        }
        if !self.path.joins_distributions() {
            return Err(Error::usage(format!(
                "`path` is {}: the path of an interpolant starts and ends at its two distributions: straight, trigonometric, encoding-decoding",
                self.path.name()
            )));
        }
        // What its stochastic equation adds is the noise along the path, whatever distribution that begins at.
        if solver == Solver::EulerMaruyama { Ok(()) } else { check_source(self.source(), &self.path, &self.sampling) }
    }
}

struct InterpolantLearner(ManyStep);

/// Training keeps this far from both ends, where a bridge's γ̇ is endless.
const MARGIN: f64 = 1e-3;

impl InterpolantLearner {
    /// b and η from both heads.
    fn heads(&self, rec: &mut Recorder, x: Var, time: Time, weights: Weights) -> Result<(Var, Var)> {
        let core = &self.0;
        let both = core.network.at(rec, &core.parameters, x, time, weights)?;
        Ok((rec.columns(both, 0, core.columns)?, rec.columns(both, core.columns, core.columns)?))
    }
}

impl Flow for InterpolantLearner {
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
