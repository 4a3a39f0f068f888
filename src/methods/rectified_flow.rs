//! Rectified flow (paper §4, straight flows; Liu, Gong & Liu 2023): flow matching along straight lines, then rounds of *reflow*, in which
//! noise is paired with the row that the flow takes it to, instead of a random row. A round keeps both distributions, does not increase
//! any convex transport cost, and straightens the trajectories: a straight flow needs one step only. What is reported is
//!
//!   S = ∫₀¹ E‖v(x_t, t)‖² dt − E‖x₁ − x₀‖² = ∫₀¹ E‖(x₁ − x₀) − v(x_t, t)‖² dt
//!
//! along the trajectories of the flow that made the pairs (ibid., eq. 7): zero where they are straight and run at one speed.
//!
//! The teacher of a round has the averaged weights at the start of the round. It makes a pool of pairs on the device before the steps of the round.
//! The teacher is part of a checkpoint and determines the pool, so that a resumed run has the same pairs.

use super::dataset::join;
use super::many_step::{Flow, Integrated, ManyStep, PathSettings, Sampling};
use super::pool::{self, Pairs, Pool};
use super::{Dataset, Drawing, Entry, Learner, Method, Setup, Training};
use crate::flow::{Curve, Grid, Prediction, Solver, Time, follow};
use crate::gpu::{Gpu, Plan};
use crate::nn::{Parameters, Weights};
use crate::{Error, Result, settings};
use std::sync::Arc;

settings! {
    /// Settings of `rectified-flow`.
    pub struct RectifiedFlow {
        /// Number of reflow rounds after the first training, each of the same number of steps; without any it would be `flow-matching`.
        rounds: u32 = 1, in 1..=100,
        /// Number of pairs per round (auto: one for every 16 that it trains on, at most 65,536).
        pairs: Option<usize> = None, or auto, in 1..=1 << 24,
        /// Number of steps of Heun's method that generate the pairs.
        pair_steps: usize = 32, in 1..=10_000,
        /// The probability path.
        path: PathSettings = PathSettings::default(), as group,
        /// How samples are drawn.
        sampling: Sampling = Sampling { solver: Solver::Euler, solver_steps: 4, ..Sampling::default() }, as group,
    }
}

static ENTRY: Entry = Entry {
    name: "rectified-flow",
    summary: "a flow retrained on its own pairs of noise and samples, which straightens its trajectories",
    paper: "§4, straight flows",
    use_when: "You want a flow with densities and inverses that samples in about 4 steps instead of 16.",
    avoid_when: "Training time is short: each round of reflow costs as many steps again and an error of the first flow stays; for one-step samples imm or distill come nearer.",
    density: true,
    inverse: true,
    training: || Training { hidden_width: 128, hidden_layers: 3, learning_rate: 2e-3, ..Training::default() },
};

impl Method for RectifiedFlow {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        let new = || ManyStep::new(setup, &self.path, &self.sampling, Prediction::Velocity, 1, false);
        let (core, teacher) = (Arc::new(new()?), Arc::new(new()?));
        Ok(Box::new(Integrated(RectifiedFlowLearner { core, teacher, settings: self.clone(), steps: setup.training.steps })))
    }

    fn drawing(&mut self) -> Drawing<'_> {
        Drawing::Solver(&mut self.sampling)
    }
}

impl RectifiedFlow {
    fn validate(&self) -> Result<()> {
        match self.path.path {
            Curve::Straight => Ok(()),
            _ => Err(Error::usage("`path` of a rectified flow is straight: leave it out")),
        }
    }
}

/// Where none is asked for.
const MOST_PAIRS: usize = 65_536;

/// A flow, and the flow of the round before.
struct RectifiedFlowLearner {
    core: Arc<ManyStep>,
    teacher: Arc<ManyStep>,
    settings: RectifiedFlow,
    steps: u32,
}

impl RectifiedFlowLearner {
    fn steps_of_round(&self) -> usize {
        self.steps.div_ceil(self.settings.rounds + 1).max(1) as usize
    }

    /// Pairs of noise and the rows that the teacher takes it to.
    fn pool(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Pool> {
        let pairs = pool::size(self.settings.pairs, self.steps_of_round(), self.core.batch, MOST_PAIRS);
        Pool::new(gpu, seed, pairs, |rec, rows| {
            let teacher = &self.teacher;
            let x = teacher.noise(rec, rows, Weights::Averaged)?;
            let given = if teacher.conditions > 0 { data.parted_batch(rec, rows)?.1 } else { None };
            let x = join(rec, x, given)?;
            let zero = rec.constant(0.0, rows, 1)?;
            let times = Grid::Uniform.times(0.0, 1.0, self.settings.pair_steps)?;
            let states = follow(rec, Solver::Heun, &times, &[x, zero], &mut |rec, state, t| {
                let v = teacher.velocity(rec, state[0], Time::Known(t), Weights::Averaged)?;
                let squares = rec.square(v)?;
                Ok(vec![v, rec.sum_cols(squares)?])
            })?;
            let end = &states[states.len() - 1];
            let to = teacher.part(rec, end[0])?.0;
            Ok(Pairs { from: x, to, energy: end[1] })
        })
    }
}

impl Flow for RectifiedFlowLearner {
    fn core(&self) -> &ManyStep {
        &self.core
    }

    fn companions(&self) -> Vec<(&'static str, &Parameters)> {
        vec![("teacher", &self.teacher.parameters)]
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        let mut pool = self.pool(gpu, seed, data)?;
        // What a step learns from: (1, 0) is fresh noise and data, (0, 1) the pool; and the straightness to report.
        let (choice, straightness) = (gpu.upload(1, 2, &[1.0, 0.0])?, gpu.zeros(1, 1)?);
        let plan = self.core.plan_of(gpu, seed, |rec| {
            let core = &self.core;
            let ((x1, given), x0) = (core.data(rec, data)?, core.source(rec, core.batch)?);
            let (z0, z1) = pool::draw(rec, &pool.tensor(), core.batch, (core.columns + core.conditions, core.columns))?;
            let (z0, of_pool) = core.part(rec, z0)?;
            let choice = rec.tensor(&choice);
            let (x0, x1) =
                (rec.combine(choice, &[(0, 1.0, x0), (1, 1.0, z0)])?, rec.combine(choice, &[(0, 1.0, x1), (1, 1.0, z1)])?);
            let given = match given.zip(of_pool) {
                Some((fresh, made)) => Some(rec.combine(choice, &[(0, 1.0, fresh), (1, 1.0, made)])?),
                None => None,
            };
            let straightness = rec.tensor(&straightness);
            rec.report("straightness", straightness)?;
            core.denoising(rec, x0, x1, given)
        })?;
        let every = self.steps_of_round();
        let (core, teacher) = (self.core.clone(), self.teacher.clone());
        Ok(plan.with_state_feed(every, move |first, resumed| {
            let round = first / every as u64;
            choice.write(if round == 0 { &[1.0, 0.0] } else { &[0.0, 1.0] })?;
            if round == 0 {
                return straightness.write(&[0.0]);
            }
            if !resumed {
                let now = core.parameters.averaged()?;
                teacher.parameters.load(|name| now.iter().find(|slice| slice.0 == name).map(|slice| slice.3.clone()))?;
            }
            straightness.write(&[pool.fill(round)? as f32])
        }))
    }
}
