//! Settings of flows: how a path is laid, how samples are drawn, what distribution they start from.

use crate::flow::{Curve, Grid, LEAST_TOLERANCE, Path, Repulsion, Solver, TimeDistribution};
use crate::nn::TimeEmbedding;
use crate::settings::shown;
use crate::{Error, Result, settings};

settings! {
    /// The probability path between noise and data, and the times that are drawn on it in training.
    pub struct PathSettings {
        /// Path from noise to data: straight, trigonometric (also called cosine), ornstein-uhlenbeck, vp-linear, variance-exploding, edm; of an interpolant straight, trigonometric, encoding-decoding; of rectified-flow straight.
        path: Curve = Curve::Straight,
        /// Noise left at the data, for straight, variance-exploding and edm (auto: the path's own, 0, 0.01, 0.002).
        sigma_min: Option<f64> = None, or auto, in 0.0..,
        /// Noise at the start, for variance-exploding and edm (auto: the path's own, 50, 80).
        sigma_max: Option<f64> = None, or auto, in above(0.0),
        /// Distribution of the times in training: uniform, logit-normal, low-discrepancy, log-normal (in σ/α).
        time_distribution: TimeDistribution = TimeDistribution::Uniform,
        /// Number of frequencies of the time embedding, in octaves from ½.
        time_frequencies: usize = 6, in 1..=16,
    }
}

settings! {
    /// How samples are drawn from a trained flow; `sample` can replace them.
    pub struct Sampling {
        /// Solver: euler, midpoint, heun, rk4, dopri5, ddim, dpm-solver-2m, euler-maruyama, stochastic-heun, ancestral.
        solver: Solver = Solver::Heun,
        /// Number of solver steps.
        solver_steps: usize = 16, in 1..=10_000,
        /// Time schedule of the steps: uniform, quadratic (closer towards the data), edm (even in (σ/α)^(1/7)).
        grid: Grid = Grid::Uniform,
        /// Relative and absolute tolerance of a step of dopri5, from which densities and inverses start by default.
        tolerance: f64 = 1e-5, in LEAST_TOLERANCE..=1.0,
        /// Noise of euler-maruyama and ancestral, as a fraction of the path's standard deviation.
        eta: f64 = 1.0, in 0.0..=1.0,
        /// Fraction of a step by which stochastic-heun adds noise before it.
        churn: f64 = 0.5, in 0.0..=10.0,
        /// Number of random probes of the divergence for log-density (auto: the exact trace up to 16 columns, and 8 probes beyond).
        probes: Option<usize> = None, or auto, in 1..=1024,
        /// Strength of the repulsion between samples of a batch (footnote 7).
        repulsion: f32 = 0.0, in 0.0..,
        /// Exponent s of the repulsive potential r^-s, in units of the model (auto: Coulomb's, columns - 2).
        repulsion_exponent: Option<f32> = None, or auto,
        /// Softening length: the distance below which the repulsion does not grow.
        repulsion_softening: f32 = 0.1, in 0.0..,
    }
}

impl PathSettings {
    /// The path that the settings name.
    pub fn path(&self) -> Path {
        let own = Path::from(self.path);
        Path { sigma_min: self.sigma_min.unwrap_or(own.sigma_min), sigma_max: self.sigma_max.unwrap_or(own.sigma_max), ..own }
    }

    /// Its path by name.
    pub fn name(&self) -> String {
        shown(&self.path).trim_matches('"').into()
    }

    fn validate(&self) -> Result<()> {
        let path = self.path();
        let most = if path.explodes() { path.sigma_max } else { 1.0 };
        let valid = if path.explodes() { path.sigma_min > 0.0 && path.sigma_min < most } else { path.sigma_min < most };
        if valid {
            return Ok(());
        }
        let least = if path.explodes() { "above 0" } else { "at least 0" };
        Err(Error::usage(format!("`sigma_min` is {}: on this path it must be {least} and below {most}", path.sigma_min)))
    }

    pub(super) fn embedding(&self) -> TimeEmbedding {
        TimeEmbedding { count: self.time_frequencies, highest: 0.5 * (self.time_frequencies as f32 - 1.0).exp2() }
    }

    /// Whether the path ends at the data themselves, and begins at whatever distribution there is.
    pub(in crate::methods) fn joins_distributions(&self) -> bool {
        matches!(self.path, Curve::Straight | Curve::Trigonometric | Curve::EncodingDecoding)
    }

    /// Refuses a path on which noise and data are no longer there halfway: it is for interpolants, whose own noise carries what is between.
    pub(in crate::methods) fn refuse_decoding(&self) -> Result<()> {
        match self.path {
            Curve::EncodingDecoding => Err(Error::usage(
                "`path` is encoding-decoding, which only the method `interpolant` has: choose another path, or that method",
            )),
            _ => Ok(()),
        }
    }
}

impl Sampling {
    fn validate(&self) -> Result<()> {
        if self.repulsion > 0.0 && (self.solver.tableau().is_none() || self.solver == Solver::Dopri5) {
            return Err(Error::usage(format!(
                "`repulsion` needs a solver of fixed steps (euler, midpoint, heun or rk4); `solver` is {}",
                self.solver.name()
            )));
        }
        Ok(())
    }

    /// The force between rows of this many columns, where there is one.
    pub fn repulsion(&self, columns: usize) -> Option<Repulsion> {
        let exponent = self.repulsion_exponent.unwrap_or(columns as f32 - 2.0);
        let repulsion = Repulsion { strength: self.repulsion, exponent, softening: self.repulsion_softening };
        (self.repulsion > 0.0).then_some(repulsion)
    }
}

/// Refuses paths and solvers that need noise at the start where the base distribution is that of rows.
pub fn check_source(source: Option<&str>, path: &PathSettings, sampling: &Sampling) -> Result<()> {
    let Some(source) = source else { return Ok(()) };
    source.parse::<crate::data::Source>()?;
    if !path.joins_distributions() {
        return Err(Error::usage(format!(
            "`path` is {}, which starts from noise, and `source` starts from rows: choose straight or trigonometric",
            path.name()
        )));
    }
    if !Solver::RUNGE_KUTTA.contains(&sampling.solver) {
        return Err(Error::usage(format!(
            "`solver` is {}, which needs noise at the start, and `source` starts from rows: choose euler, midpoint, heun, rk4 or dopri5",
            sampling.solver.name()
        )));
    }
    Ok(())
}
