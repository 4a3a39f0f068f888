//! Continuous normalizing flows (paper §3; Chen et al. 2018; Grathwohl et al. 2019): the likelihood of a map that is the end of dx/dt = v(x, t),
//!
//!   ln ρ₁(x(1)) = ln ρ₀(x(0)) − ∫₀¹ ∇·v(x(t), t) dt,
//!
//! is maximized over v. A training step integrates rows of data back to the noise by a few solver steps, and differentiates through these steps (discretize, then
//! optimize: Onken & Ruthotto 2020), not through the equation. The divergence is exact for few columns. Otherwise it is estimated
//! with one random vector of signs per row (Hutchinson 1989), the same along a trajectory. Many velocity fields have the same likelihood; penalties on
//! ∫‖v‖² dt and ∫‖∂v/∂x‖² dt, per column, prefer straight and smooth ones (Finlay et al. 2020), for which solvers need fewer steps.

use super::dataset::join;
use super::many_step::{Flow, Integrated, ManyStep, PathSettings, Sampling};
use super::{Dataset, Drawing, Entry, Learner, Method, Setup, Training};
use crate::flow::{Prediction, Solver, Time, integrate};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::Weights;
use crate::ops::jet::INTEGRALS;
use crate::ops::random::Distribution;
use crate::{Error, Result, settings};
use serde::{Deserialize, Serialize};

/// How the divergence is had in training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trace {
    /// Exact for few columns.
    #[default]
    Auto,
    Exact,
    Hutchinson,
}

/// Columns up to which the exact divergence, a tangent a column, is worth its time in training.
const EXACT: usize = 3;

// A likelihood can be earned from the error of the training solver, by a field that it does not resolve. Fast times are one way: with six
// frequencies a field earned −1.8 nats a row on moons by its four steps, and −5.2 by the equation itself; with one −2.406 and −2.407. Steep slopes
// are another: on the checkerboard and with a price of 0.01 on the Jacobian, validation rows (by eight steps) were at their best, −3.61, after 580
// steps, and at −3.89 after 800; with 0.05 they were at −3.61 after 560 and still gained.
settings! {
    /// Settings of `cnf`.
    pub struct Cnf {
        /// Solver of the training step: euler, midpoint, heun, rk4.
        train_solver: Solver = Solver::Rk4,
        /// Number of steps of the training solver.
        train_steps: usize = 4, in 1..=64,
        /// Divergence in training: auto (exact up to 3 columns), exact, hutchinson (one probe per row).
        trace: Trace = Trace::Auto,
        /// Weight of the kinetic energy penalty, the integral of |v|^2 per column.
        kinetic_penalty: f32 = 0.01, in 0.0..,
        /// Weight of the Jacobian penalty, the integral of its squared norm per column.
        jacobian_penalty: f32 = 0.05, in 0.0..,
        /// Number of frequencies of the time embedding, in octaves from ½; with more than the training solver resolves, its error inflates the likelihood.
        time_frequencies: usize = 1, in 1..=16,
        /// How samples are drawn.
        sampling: Sampling = Sampling { solver: Solver::Rk4, solver_steps: 8, ..Sampling::default() }, as group,
    }
}

static ENTRY: Entry = Entry {
    name: "cnf",
    summary: "a velocity field trained by the likelihood of the data at the end of its flow",
    paper: "§3, continuous normalizing flows",
    use_when: "You want the likelihood of a continuous flow trained by maximum likelihood, or smooth, nearly straight trajectories, in a few columns.",
    avoid_when: "Training time matters: each step integrates the equation and its gradient; flow-matching has the same kind of density at a fraction of the cost, and beyond 3 columns the divergence in training is estimated.",
    density: true,
    inverse: true,
    training: || Training {
        hidden_width: 64,
        hidden_layers: 3,
        learning_rate: 4e-3,
        steps: 800,
        batch_size: 512,
        ..Training::default()
    },
};

impl Method for Cnf {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        // No path is laid: of its settings a likelihood has the time embedding alone.
        let path = PathSettings { time_frequencies: self.time_frequencies, ..PathSettings::default() };
        let core = ManyStep::new(setup, &path, &self.sampling, Prediction::Velocity, 1, false)?;
        if core.latent != core.columns {
            return Err(Error::usage(format!(
                "`latent_dim` is {}: a likelihood needs a latent space of the data's dimension, {} (leave it at auto)",
                core.latent, core.columns
            )));
        }
        Ok(Box::new(Integrated(CnfLearner { core, settings: self.clone() })))
    }

    fn drawing(&mut self) -> Drawing<'_> {
        Drawing::Solver(&mut self.sampling)
    }
}

impl Cnf {
    fn validate(&self) -> Result<()> {
        if self.train_solver.tableau().is_none() || self.train_solver == Solver::Dopri5 {
            return Err(Error::usage(format!(
                "`train_solver` is {}: it must be euler, midpoint, heun or rk4, which take fixed steps",
                self.train_solver.name()
            )));
        }
        Ok(())
    }
}

struct CnfLearner {
    core: ManyStep,
    settings: Cnf,
}

impl Flow for CnfLearner {
    fn core(&self) -> &ManyStep {
        &self.core
    }

    fn by_likelihood(&self) -> bool {
        true
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        self.core.plan_of(gpu, seed, |rec| {
            let (x, given) = self.core.data(rec, data)?;
            let x = join(rec, x, given)?;
            let (likelihood, kinetic, jacobian) = self.along(rec, x)?;
            rec.report("nats", likelihood)?;
            rec.report("kinetic", kinetic)?;
            rec.report("jacobian", jacobian)?;
            let smooth = rec.blend(kinetic, jacobian, self.settings.kinetic_penalty, self.settings.jacobian_penalty)?;
            rec.blend(smooth, likelihood, 1.0, -1.0)
        })
    }
}

impl CnfLearner {
    /// Means over centered rows x, with their given columns behind them: of their log-likelihood, of ∫‖v‖² dt a column, and of ∫‖∂v/∂x‖² dt a
    /// column; 1 × 1 each.
    fn along(&self, rec: &mut Recorder, x: Var) -> Result<(Var, Var, Var)> {
        let Cnf { train_solver, train_steps, .. } = self.settings;
        let (columns, wide) = (self.core.columns, x.cols());
        let directions = self.directions(rec, x.rows())?;
        let times: Vec<f64> = (0..=train_steps).map(|k| 1.0 - k as f64 / train_steps as f64).collect();
        // One matrix moves: rows, and behind them the integrals.
        let zero = rec.constant(0.0, x.rows(), INTEGRALS)?;
        let begin = rec.concat(&[x, zero])?;
        let end = integrate(rec, train_solver, &times, begin, &mut |rec, state, t| {
            self.core.network.rates(rec, &self.core.parameters, state, directions, Time::Known(t), Weights::Trained)
        })?;
        let rows = rec.columns(end, 0, columns)?;
        let noise = self.core.noise_density(rec, rows)?;
        // Back in time: the integrals come out with the opposite sign.
        let [gained, speed, square] = [0, 1, 2].map(|k| rec.columns(end, wide + k, 1));
        let each = rec.add(noise, gained?)?;
        let share = -1.0 / columns as f32;
        let (likelihood, speed, square) = (rec.mean(each)?, rec.mean(speed?)?, rec.mean(square?)?);
        Ok((likelihood, rec.scale(speed, share)?, rec.scale(square, share)?))
    }

    /// The directions of the field's tangents, a block of `rows` each: every column's, or one of random signs. Given columns do not move.
    fn directions(&self, rec: &mut Recorder, rows: usize) -> Result<Var> {
        let (columns, wide) = (self.core.columns, self.core.columns + self.core.conditions);
        let trace = self.settings.trace;
        if trace == Trace::Exact || trace == Trace::Auto && columns <= EXACT {
            let unit = |k: usize| (0..rows * wide).map(move |i| f32::from(u8::from(i % wide == k)));
            let units: Vec<f32> = (0..columns).flat_map(unit).collect();
            let units = rec.gpu().upload(columns * rows, wide, &units)?;
            return Ok(rec.tensor(&units));
        }
        let signs = rec.random(Distribution::Sign, rows, columns)?;
        self.core.still(rec, signs)
    }
}
