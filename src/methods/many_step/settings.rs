//! Settings of flows: how a path is laid, how samples are drawn, what distribution they start from.

use crate::flow::{Curve, Grid, Path, Repulsion, Solver, TimeLaw, check_tolerance};
use crate::methods::resolve;
use crate::nn::TimeEmbedding;
use crate::settings::{Key, Settings, take};
use crate::{Error, Result, settings};

settings! {
    /// How a path is laid and its times are drawn.
    pub struct Course {
        /// Path from noise to data: straight, trigonometric (also called cosine), ornstein-uhlenbeck, vp-linear, variance-exploding, edm; of an interpolant straight, trigonometric, encoding-decoding; of rectified-flow straight.
        path: Curve = Curve::Straight,
        /// Noise left at the data, for straight, variance-exploding and edm; -1 is the path's own (0, 0.01, 0.002).
        sigma_min: f64 = -1.0,
        /// Noise at the start, for variance-exploding and edm; -1 is the path's own (50, 80).
        sigma_max: f64 = -1.0,
        /// Distribution of the times in training: uniform, logit-normal, low-discrepancy, log-normal (in σ/α).
        time_distribution: TimeLaw = TimeLaw::Uniform,
        /// Number of frequencies of the time embedding, in octaves from ½, 1 to 16.
        time_frequencies: usize = 6,
    }
}

settings! {
    /// How samples are drawn from a trained flow; `sample` can replace them.
    pub struct Sampling {
        /// Solver: euler, midpoint, heun, rk4, dopri5, ddim, dpm-solver-2m, euler-maruyama, stochastic-heun, ancestral.
        solver: Solver = Solver::Heun,
        /// Number of solver steps, 1 to 10,000.
        solver_steps: usize = 16,
        /// Time schedule of the steps: uniform, quadratic (closer towards the data), edm (even in (σ/α)^(1/7)).
        grid: Grid = Grid::Uniform,
        /// Relative and absolute tolerance of a step of dopri5, from which densities and inverses start by default, 1e-6 to 1.
        tolerance: f64 = 1e-5,
        /// Noise of euler-maruyama and ancestral, as a fraction of the path's standard deviation, 0 to 1.
        eta: f64 = 1.0,
        /// Fraction of a step by which stochastic-heun adds noise before it, 0 to 10.
        churn: f64 = 0.5,
        /// Number of random probes of the divergence for log-density; 0 is automatic: the exact trace up to 16 columns, and 8 probes beyond; at most 1,024.
        probes: usize = 0,
        /// Strength of the repulsion between samples of a batch (footnote 7), 0 or above.
        repulsion: f32 = 0.0,
        /// Exponent s of the repulsive potential r^-s, in units of the model; -1 is automatic: Coulomb's, columns - 2.
        repulsion_exponent: f32 = -1.0,
        /// Softening length: the distance below which the repulsion does not grow.
        repulsion_softening: f32 = 0.1,
    }
}

impl Course {
    /// The path that the settings name.
    pub fn path(&self) -> Path {
        let mut path = Path::from(self.path);
        if self.sigma_min >= 0.0 {
            path.sigma_min = self.sigma_min;
        }
        if self.sigma_max >= 0.0 {
            path.sigma_max = self.sigma_max;
        }
        path
    }

    pub fn check(&self) -> Result<()> {
        let path = self.path();
        for (key, value) in [("sigma_min", self.sigma_min), ("sigma_max", self.sigma_max)] {
            if !value.is_finite() || (value < 0.0 && value != -1.0) {
                return Err(Error::usage(format!("`{key}` is {value}: it must be 0 or above, or -1 for the path's own")));
            }
        }
        let most = if path.explodes() { path.sigma_max } else { 1.0 };
        let valid = if path.explodes() { path.sigma_min > 0.0 && path.sigma_min < most } else { path.sigma_min < most };
        if !valid {
            let least = if path.explodes() { "above 0" } else { "at least 0" };
            return Err(Error::usage(format!(
                "`sigma_min` is {}: on this path it must be {least} and below {most}",
                path.sigma_min
            )));
        }
        within("time_frequencies", self.time_frequencies, 16)
    }

    pub(super) fn embedding(&self) -> TimeEmbedding {
        TimeEmbedding { count: self.time_frequencies, highest: 0.5 * (self.time_frequencies as f32 - 1.0).exp2() }
    }
}

impl Sampling {
    pub fn check(&self) -> Result<()> {
        within("solver_steps", self.solver_steps, 10_000)?;
        check_tolerance(self.tolerance)?;
        if self.tolerance > 1.0 {
            return Err(Error::usage(format!("`tolerance` is {}: it must be at most 1", self.tolerance)));
        }
        if !(0.0..=1.0).contains(&self.eta) {
            return Err(Error::usage(format!("`eta` is {}: it must be between 0 and 1", self.eta)));
        }
        if !(0.0..=10.0).contains(&self.churn) {
            return Err(Error::usage(format!("`churn` is {}: it must be between 0 and 10", self.churn)));
        }
        if !(self.repulsion >= 0.0 && self.repulsion.is_finite()) {
            return Err(Error::usage(format!("`repulsion` is {}: it must be 0 or above", self.repulsion)));
        }
        if self.repulsion > 0.0 && (self.solver.tableau().is_none() || self.solver == Solver::Dopri5) {
            return Err(Error::usage(format!(
                "`repulsion` needs a solver of fixed steps (euler, midpoint, heun or rk4); `solver` is {}",
                self.solver.name()
            )));
        }
        if self.probes > 1024 {
            return Err(Error::usage(format!("`probes` is {}: it must be at most 1024", self.probes)));
        }
        Ok(())
    }
}

impl Sampling {
    /// The force between rows of this many columns, where there is one.
    pub fn repulsion(&self, columns: usize) -> Option<Repulsion> {
        let exponent = if self.repulsion_exponent == -1.0 { columns as f32 - 2.0 } else { self.repulsion_exponent };
        let repulsion = Repulsion { strength: self.repulsion, exponent, softening: self.repulsion_softening };
        (self.repulsion > 0.0).then_some(repulsion)
    }
}

fn within(key: &str, value: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::usage(format!("`{key}` is {value}: it must be between 1 and {most}")))
}

/// The settings of a flow, read from a table in turn: its own, its path's and its sampling's.
pub fn resolve_flow<S: Settings>(table: &mut toml::Table, check: impl Fn(&S) -> Result<()>) -> Result<toml::Table> {
    let mut own = resolve::<S>(table, check)?;
    own.extend(resolve::<Course>(table, Course::check)?);
    own.extend(resolve::<Sampling>(table, Sampling::check)?);
    Ok(own)
}

/// The setting `source` that means the fitted Gaussian.
pub const FITTED: &str = "fitted";

/// The SOURCE whose rows are a flow's source distribution, if its settings name one.
pub fn given_source(settings: &toml::Table) -> Option<&str> {
    settings.get("source").and_then(toml::Value::as_str).filter(|source| *source != FITTED)
}

/// Refuses a path on which noise and data are no longer there halfway: it is for interpolants, whose own noise carries what is between.
pub fn refuse_decoding(settings: &toml::Table) -> Result<()> {
    match settings.get("path").and_then(toml::Value::as_str) {
        Some("encoding-decoding") => Err(Error::usage(
            "`path` is encoding-decoding, which only the method `interpolant` has: choose another path, or that method",
        )),
        _ => Ok(()),
    }
}

/// Refuses paths and solvers that need noise at the start where the source distribution is that of rows.
pub fn check_source(settings: &toml::Table) -> Result<()> {
    let Some(source) = given_source(settings) else { return Ok(()) };
    source.parse::<crate::data::Source>()?;
    let of = |key: &str| settings.get(key).and_then(toml::Value::as_str).unwrap_or_default();
    if !["straight", "trigonometric", "encoding-decoding"].contains(&of("path")) {
        return Err(Error::usage(format!(
            "`path` is {}, which starts from noise, and `source` starts from rows: choose straight or trigonometric",
            of("path")
        )));
    }
    if !Solver::RUNGE_KUTTA.iter().any(|solver| solver.name() == of("solver")) {
        return Err(Error::usage(format!(
            "`solver` is {}, which needs noise at the start, and `source` starts from rows: choose euler, midpoint, heun, rk4 or dopri5",
            of("solver")
        )));
    }
    Ok(())
}

/// The keys of all three.
pub fn keys_of_flow<S: Settings>() -> Vec<Key> {
    [S::keys(), Course::keys(), Sampling::keys()].concat()
}

/// The settings that [`resolve_flow`] wrote.
pub fn take_flow<S: Settings>(own: &mut toml::Table) -> Result<(S, Course, Sampling)> {
    Ok((take(own)?, take(own)?, take(own)?))
}
