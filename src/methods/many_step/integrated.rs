//! A flow as a method: its trajectories, its inverse, and its log-density; and what a model asks of it besides.

use super::{ManyStep, Sampling};
use crate::Result;
use crate::flow::{Gamma, Prediction, Solver, Time, divergence, follow, probed_divergence, table};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::methods::dataset::join;
use crate::methods::{Dataset, Density, Learner};
use crate::nn::{Parameters, Weights};
use crate::ops::random::Distribution;

/// Columns up to which the divergence is exact by default, and the probes beyond.
const EXACT: usize = 16;
const PROBES: usize = 8;

/// A method whose map is the end of an integration.
pub trait Flow: Send + Sync {
    fn core(&self) -> &ManyStep;

    /// What training moves or keeps besides.
    fn companions(&self) -> Vec<(&'static str, &Parameters)> {
        Vec::new()
    }

    /// Whether training maximizes the likelihood, so that it is what validation rows are judged by.
    fn by_likelihood(&self) -> bool {
        false
    }

    /// Records the training step.
    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan>;

    /// The field that carries noise to data, at rows with their given columns behind them, which stand still.
    fn velocity(&self, rec: &mut Recorder, x: Var, time: Time, weights: Weights) -> Result<Var> {
        self.core().velocity(rec, x, time, weights)
    }

    /// The trajectory of x by a solver that is none of fields.
    fn follow_noisy(&self, rec: &mut Recorder, times: &[f64], x: Var, given: Option<Var>, weights: Weights) -> Result<Vec<Var>> {
        self.core().follow_noisy(rec, times, x, given, weights)
    }
}

/// The trajectory of a batch: times, and the rows at each.
pub struct Way {
    pub times: Vec<f64>,
    pub states: Vec<Var>,
}

/// What a model asks of a method that integrates, beside [`Learner`].
pub trait Dynamics: Send + Sync {
    fn sampling(&self) -> &Sampling;
    /// The times between which samples are integrated.
    fn span(&self) -> (f64, f64);
    /// The times between which the field is followed for densities and inverses.
    fn field_span(&self) -> (f64, f64);
    fn begin(&self, rec: &mut Recorder, z: Var) -> Result<Var>;
    fn velocity(&self, rec: &mut Recorder, x: Var, time: Time) -> Result<Var>;
    fn arrive(&self, rec: &mut Recorder, x: Var) -> Result<Var>;
    /// A state of a trajectory in the units of the data.
    fn place(&self, rec: &mut Recorder, x: Var) -> Result<Var>;
    /// From data to where the integration back begins.
    fn leave(&self, rec: &mut Recorder, x: Var) -> Result<Var>;
    /// z from where it begins.
    fn origin(&self, rec: &mut Recorder, x: Var) -> Result<Var>;
    /// The log-density of where it begins.
    fn noise_density(&self, rec: &mut Recorder, x: Var) -> Result<Var>;
    /// Random probes of a divergence; none where it is exact.
    fn probes(&self) -> usize;
    /// One probe of so many rows, random signs; conditions have none.
    fn probe(&self, rec: &mut Recorder, rows: usize) -> Result<Var>;
    /// The standard deviation of its noise at the beginning, in standard deviations of the data.
    fn scale(&self) -> f64;
    /// Whether the network's own answer is the field.
    fn predicts_velocity(&self) -> bool;
    /// Data rows with the path's noise, each at its own time (rows × 1): states of the distribution that the field moves.
    fn noised(&self, rec: &mut Recorder, x1: Var, t: Var) -> Result<Var>;
    /// Whether samples are drawn from given rows: latents are then rows in the data's units.
    fn starts_from_rows(&self) -> bool;
    /// Every state of a batch by the solver in fixed steps.
    fn way(&self, rec: &mut Recorder, z: Var) -> Result<Way>;
    /// The same of rows that run back.
    fn way_back(&self, rec: &mut Recorder, x: Var) -> Result<Way>;
}

/// A [`Flow`] as a [`Learner`].
pub struct Integrated<F>(pub F);

impl<F: Flow> Integrated<F> {
    fn way(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Way> {
        let (flow, core) = (&self.0, self.0.core());
        let times = core.step_times(core.span())?;
        let x = core.begin(rec, z, weights)?;
        let states = match core.sampling.solver.tableau() {
            Some(_) => {
                let repulsion = core.sampling.repulsion(core.columns);
                let states = follow(rec, core.sampling.solver, &times, &[x], &mut |rec, x, t| {
                    let v = flow.velocity(rec, x[0], Time::Known(t), weights)?;
                    match &repulsion {
                        None => Ok(vec![v]),
                        Some(repulsion) => {
                            let rows = core.part(rec, x[0])?.0;
                            let apart = repulsion.velocity(rec, rows)?;
                            let apart = core.still(rec, apart)?;
                            Ok(vec![rec.add(v, apart)?])
                        }
                    }
                })?;
                states.into_iter().map(|state| state[0]).collect()
            }
            None => {
                let (x, given) = core.part(rec, x)?;
                let states = flow.follow_noisy(rec, &times, x, given, weights)?;
                states.into_iter().map(|state| join(rec, state, given)).collect::<Result<_>>()?
            }
        };
        Ok(Way { times, states })
    }

    /// The solver of the inverse, which draws nothing: what a network says of noise and data is a field too, and Heun follows it.
    fn backwards(&self) -> Solver {
        let solver = self.0.core().sampling.solver;
        if solver.tableau().is_some() { solver } else { Solver::Heun }
    }

    /// The inverse of centered rows.
    fn way_back(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Way> {
        let times = self.0.core().times_back()?;
        let states = follow(rec, self.backwards(), &times, &[x], &mut |rec, x, t| {
            Ok(vec![self.0.velocity(rec, x[0], Time::Known(t), weights)?])
        })?;
        Ok(Way { times, states: states.into_iter().map(|state| state[0]).collect() })
    }
}

impl<F: Flow> Dynamics for Integrated<F> {
    fn sampling(&self) -> &Sampling {
        &self.0.core().sampling
    }

    fn span(&self) -> (f64, f64) {
        self.0.core().span()
    }

    fn field_span(&self) -> (f64, f64) {
        self.0.core().field_span()
    }

    fn begin(&self, rec: &mut Recorder, z: Var) -> Result<Var> {
        self.0.core().begin(rec, z, Weights::Averaged)
    }

    fn velocity(&self, rec: &mut Recorder, x: Var, time: Time) -> Result<Var> {
        self.0.velocity(rec, x, time, Weights::Averaged)
    }

    fn arrive(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        self.0.core().arrive(rec, x, Weights::Averaged)
    }

    fn leave(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        let core = self.0.core();
        let (x, given) = core.part(rec, x)?;
        let mean = core.parameters.var(rec, core.bias, Weights::Averaged)?;
        let x = rec.sub(x, mean)?;
        join(rec, x, given)
    }

    fn place(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        let core = self.0.core();
        let x = core.part(rec, x)?.0;
        core.place(rec, x, Weights::Averaged)
    }

    fn origin(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        let core = self.0.core();
        let x = core.part(rec, x)?.0;
        Ok(core.latents(rec, x)?.0)
    }

    fn scale(&self) -> f64 {
        self.0.core().scale()
    }

    fn predicts_velocity(&self) -> bool {
        let core = self.0.core();
        core.prediction == Prediction::Velocity && core.path.gamma == Gamma::None
    }

    fn noised(&self, rec: &mut Recorder, x1: Var, t: Var) -> Result<Var> {
        let core = self.0.core();
        let (x1, given) = core.part(rec, x1)?;
        let x1 = core.center(rec, x1, Weights::Averaged)?;
        let x0 = core.noise(rec, x1.rows(), Weights::Averaged)?;
        let z = core.noise(rec, x1.rows(), Weights::Averaged)?;
        let at = core.path.table(rec, core.prediction, t)?;
        let x = rec.combine(at, &[(table::ALPHA, 1.0, x1), (table::SIGMA, 1.0, x0), (table::GAMMA, 1.0, z)])?;
        join(rec, x, given)
    }

    fn starts_from_rows(&self) -> bool {
        self.0.core().source.is_some()
    }

    fn probes(&self) -> usize {
        let core = self.0.core();
        match core.sampling.probes {
            None if core.columns <= EXACT => 0,
            None => PROBES,
            Some(probes) => probes,
        }
    }

    fn probe(&self, rec: &mut Recorder, rows: usize) -> Result<Var> {
        let core = self.0.core();
        let signs = rec.random(Distribution::Sign, rows, core.columns)?;
        core.still(rec, signs)
    }

    fn noise_density(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        let core = self.0.core();
        let x = core.part(rec, x)?.0;
        core.noise_density(rec, x)
    }

    fn way(&self, rec: &mut Recorder, z: Var) -> Result<Way> {
        self.way(rec, z, Weights::Averaged)
    }

    fn way_back(&self, rec: &mut Recorder, x: Var) -> Result<Way> {
        let x = self.leave(rec, x)?;
        self.way_back(rec, x, Weights::Averaged)
    }
}

impl<F: Flow> Learner for Integrated<F> {
    fn parameters(&self) -> &Parameters {
        &self.0.core().parameters
    }

    fn companions(&self) -> Vec<(&'static str, &Parameters)> {
        self.0.companions()
    }

    fn latent(&self) -> usize {
        self.0.core().latent
    }

    fn draw(&self, rec: &mut Recorder, rows: usize, weights: Weights) -> Result<Var> {
        self.0.core().draw(rec, rows, weights)
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let way = self.way(rec, z, weights)?;
        self.0.core().arrive(rec, way.states[way.states.len() - 1], weights)
    }

    fn pull(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Var>> {
        let x = self.leave(rec, x)?;
        let way = self.way_back(rec, x, weights)?;
        self.origin(rec, way.states[way.states.len() - 1]).map(Some)
    }

    /// The continuity equation along the inverse trajectory: ln ρ₁(x₁) = ln ρ₀(x₀) − ∫₀¹ ∇·v dt (Chen et al. 2018, eq. 8). Where the divergence is
    /// estimated, each probe is one estimate along the whole trajectory (Grathwohl et al. 2019, §3.1), and they tell the error.
    fn log_density(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Density>> {
        let (core, probes) = (self.0.core(), self.probes());
        let x = self.leave(rec, x)?;
        let signs = (0..probes).map(|_| self.probe(rec, x.rows())).collect::<Result<Vec<_>>>()?;
        let zero = rec.constant(0.0, x.rows(), 1)?;
        let begin: Vec<Var> = std::iter::once(x).chain((0..probes.max(1)).map(|_| zero)).collect();
        let states = follow(rec, self.backwards(), &core.times_back()?, &begin, &mut |rec, state, t| {
            let v = self.0.velocity(rec, state[0], Time::Known(t), weights)?;
            let traces = match probes {
                0 => vec![divergence(rec, v, state[0])?],
                _ => signs.iter().map(|&sign| probed_divergence(rec, v, state[0], sign)).collect::<Result<Vec<_>>>()?,
            };
            Ok(std::iter::once(v).chain(traces).collect())
        })?;
        let end = &states[states.len() - 1];
        let noise = self.noise_density(rec, end[0])?;
        let each = end[1..].iter().map(|&gained| rec.add(noise, gained)).collect::<Result<Vec<_>>>()?;
        Density::of_estimates(rec, &each).map(Some)
    }

    fn held_out_loss(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Var>> {
        if !self.0.by_likelihood() {
            return Ok(None);
        }
        self.log_density(rec, x, weights)?.map(|density| rec.scale(density.value, -1.0)).transpose()
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        self.0.plan(gpu, seed, data)
    }

    fn dynamics(&self) -> Option<&dyn Dynamics> {
        Some(self)
    }
}
