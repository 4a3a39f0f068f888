//! Distillation (paper §4): one network learns in one step what a trained flow or diffusion, the teacher, does in many. The teacher's flow takes x at time t to
//! X(x, t) at the end. Three losses:
//!
//!   regression    E ‖φ(z) − X(ξ(z), 0)‖² on pairs that the teacher makes (Luhman & Luhman 2021); φ is the crate's one-step generator.
//!   consistency   f(x, t) = x + (1 − t)F(x, t) is its own end: E ‖f(x_t, t) − f⁻(x_{t+h}, t + h)‖², where one of the teacher's steps takes
//!                 x_t to x_{t+h}, and f⁻ is the average of the weights (Song et al. 2023, algorithm 2).
//!   halving       u(x, t) is the mean velocity over a step: E ‖u(x_t, t) − (x'' − x_t)/2h‖², where x'' is two steps of h of the student of
//!                 the round before, at first of the teacher; h doubles from round to round until one step is the whole trajectory
//!                 (Salimans & Ho 2022).
//!
//! x_t is a row of the data with the noise of the path. The result is a one-step sampler.

use super::dataset::join;
use super::many_step::{ManyStep, PathSettings, Sampling};
use super::one_step::OneStep;
use super::pool::{self, Pairs, Pool};
use super::{Dataset, Dynamics, Entry, Learner, LearnsFrom, Method, Setup, Training};
use crate::flow::{Prediction, Time};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::{Parameters, Weights};
use crate::{Error, Result, loss, settings};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// Where none is asked for.
const MOST_PAIRS: usize = 32_768;

/// How a teacher is learned from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    #[default]
    Regression,
    Consistency,
    Halving,
}

settings! {
    /// Settings of `distill`.
    pub struct Distill {
        /// Teacher: run folder of a method that integrates an equation (flow-matching, diffusion, …), trained on the same data (none: it has to be given).
        teacher: Option<String> = None, or none,
        /// Distillation: regression (on pairs of noise and samples of the teacher), consistency, halving (progressive, of its steps).
        loss: By = By::Regression,
        /// Number of pairs that regression keeps (auto: one for every 16 that it trains on, at most 32,768).
        pairs: Option<usize> = None, or auto, in 1..=1 << 24,
        /// Training steps after which the pairs are replaced.
        refresh: usize = 1000, in 1..=1 << 31,
        /// Solver steps of the teacher, for consistency and the first round of halving (a power of two).
        teacher_steps: usize = 16, in 1..=4096,
    }
}

static ENTRY: Entry = Entry {
    name: "distill",
    summary: "a trained flow or diffusion in one network and one step",
    paper: "§4, distillation",
    use_when: "You have a trained flow-matching or diffusion run and want its samples in one evaluation of a network.",
    avoid_when: "You have no such run yet, or need its density or inverse: the result has neither and is hardly better than its teacher; imm and energy train a one-step sampler directly.",
    density: false,
    inverse: false,
    // What is learned is the teacher: its rows say nothing that it does not. And it may have seen them all, so that none is a test.
    training: || Training {
        hidden_width: 128,
        learning_rate: 2e-3,
        test_fraction: Some(0.0),
        validation_fraction: Some(0.0),
        ..Training::default()
    },
};

impl Method for Distill {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(DistillLearner::new(setup, self.clone())?))
    }

    fn learns_from(&self) -> LearnsFrom {
        LearnsFrom::Teacher
    }

    fn teacher(&self) -> Option<&str> {
        self.teacher.as_deref()
    }

    fn set_teacher(&mut self, run: &Path) {
        self.teacher = Some(run.display().to_string());
    }
}

impl Distill {
    fn validate(&self) -> Result<()> {
        if self.teacher.is_none() {
            return Err(Error::usage("`teacher` is not set: name the run folder of a trained flow"));
        }
        if self.loss == By::Halving && !self.teacher_steps.is_power_of_two() {
            let problem = "halving ends at one step only from a power of two";
            return Err(Error::usage(format!("`teacher_steps` is {}: {problem}", self.teacher_steps)));
        }
        Ok(())
    }
}

/// What learns.
enum Student {
    /// φ(z).
    Generator(Box<OneStep>),
    /// A network of a point and a time, and for halving the student of the round before.
    Field { core: Arc<ManyStep>, before: Arc<ManyStep> },
}

struct DistillLearner {
    student: Student,
    teacher: Option<Arc<dyn Learner>>,
    settings: Distill,
    steps: u32,
}

/// The integration of the teacher that the settings name.
fn dynamics(teacher: &dyn Learner) -> Result<&dyn Dynamics> {
    let found = teacher.dynamics().filter(|d| !d.starts_from_rows() && !d.sampling().solver.is_stochastic());
    found.ok_or_else(|| {
        Error::usage("the teacher must be a flow from noise with a deterministic solver: a trained flow-matching, diffusion, …")
    })
}

/// Starts a student's network at its teacher's, where they are of one shape.
fn begin_as(student: &Parameters, teacher: &Parameters) -> Result<()> {
    let (own, known) = (student.averaged()?, teacher.averaged()?);
    let of = |all: &[crate::nn::parameters::NamedValues], name: &str| all.iter().find(|s| s.0 == name).map(|s| s.3.clone());
    let fits = own.iter().all(|s| known.iter().any(|k| (&k.0, k.1, k.2) == (&s.0, s.1, s.2)));
    if fits { student.load(|name| of(&known, name)) } else { Ok(()) }
}

impl DistillLearner {
    fn new(setup: &Setup, settings: Distill) -> Result<Self> {
        let teacher = setup.teacher.as_deref().map(dynamics).transpose()?;
        let student = match settings.loss {
            By::Regression => Student::Generator(Box::new(OneStep::new(setup)?)),
            By::Consistency | By::Halving => {
                if setup.conditions > 0 {
                    return Err(Error::usage("a conditional flow is distilled by regression: set `loss` = regression"));
                }
                if let Some(teacher) = teacher
                    && (teacher.span() != (0.0, 1.0) || (teacher.scale() - 1.0).abs() > 1e-6)
                {
                    return Err(Error::usage(
                        "consistency and halving need a teacher with a base distribution of the data's own scale over its whole path: one of path straight, trigonometric, ornstein-uhlenbeck or vp-linear that predicts edm, v or velocity; regression takes any",
                    ));
                }
                let core =
                    || ManyStep::new(setup, &PathSettings::default(), &Sampling::default(), Prediction::Velocity, 1, false);
                let (core, before) = (core()?, core()?);
                if let Some(known) = &setup.teacher
                    && teacher.is_some_and(Dynamics::predicts_velocity)
                {
                    begin_as(&core.parameters, known.parameters())?;
                }
                Student::Field { core: Arc::new(core), before: Arc::new(before) }
            }
        };
        Ok(Self { student, teacher: setup.teacher.clone(), settings, steps: setup.training.steps })
    }

    fn teacher(&self) -> Result<&Arc<dyn Learner>> {
        self.teacher.as_ref().ok_or_else(|| Error::usage("there is no teacher to learn from"))
    }

    fn regression(&self, gpu: &Gpu, seed: u64, student: &OneStep, data: &Dataset) -> Result<Plan> {
        let teacher = self.teacher()?;
        if teacher.latent() != student.latent() {
            return Err(Error::usage(format!(
                "the teacher's latent space has {} dimensions: set latent_dim={0}, not {}",
                teacher.latent(),
                student.latent()
            )));
        }
        let refresh = self.settings.refresh;
        let pairs = pool::size(self.settings.pairs, refresh.min(self.steps as usize), student.batch, MOST_PAIRS);
        let mut pool = Pool::new(gpu, seed, pairs, |rec, rows| {
            let z = rec.normal(rows, teacher.latent())?;
            let given = if data.conditions() > 0 { data.parted_batch(rec, rows)?.1 } else { None };
            let from = join(rec, z, given)?;
            let to = teacher.push(rec, from, Weights::Averaged)?;
            Ok(Pairs { from, to, energy: rec.constant(0.0, rows, 1)? })
        })?;
        let columns = student.generator.shape().columns;
        let plan = Plan::record(gpu, seed, |rec| {
            let (z, x) = pool::draw(rec, &pool.tensor(), student.batch, (student.latent() + data.conditions(), columns))?;
            let y = student.push(rec, z, Weights::Trained)?;
            let loss = loss::mean_squared(rec, y, x)?;
            student.minimize(rec, loss)
        })?;
        Ok(plan.with_feed(refresh, move |first| pool.fill(first / refresh as u64).map(drop)))
    }

    /// x + h·v by Heun's rule, where each row has its own time.
    fn teacher_step(&self, rec: &mut Recorder, x: Var, t: Var, h: f64) -> Result<(Var, Var)> {
        let teacher = dynamics(self.teacher()?.as_ref())?;
        let first = teacher.velocity(rec, x, Time::Held(t))?;
        let there = rec.blend(x, first, 1.0, h as f32)?;
        let next = rec.affine(t, 1.0, h as f32)?;
        let second = teacher.velocity(rec, there, Time::Held(next))?;
        Ok((rec.weighted_sum(&[(1.0, x), (0.5 * h, first), (0.5 * h, second)])?, next))
    }

    fn consistency(&self, gpu: &Gpu, seed: u64, data: &Dataset, core: &ManyStep) -> Result<Plan> {
        let h = 1.0 / self.settings.teacher_steps as f64;
        core.plan_of(gpu, seed, |rec| {
            let u = rec.uniform(core.batch, 1)?;
            let t = rec.scale(u, (1.0 - h) as f32)?;
            let x1 = data.batch(rec, core.batch)?;
            let x = dynamics(self.teacher()?.as_ref())?.noised(rec, x1, t)?;
            let (next, later) = self.teacher_step(rec, x, t, h)?;
            let [next, later] = [next, later].map(|v| rec.detach(v));
            let now = jump(rec, core, x, t, Weights::Trained)?;
            let then = jump(rec, core, next, later, Weights::Averaged)?;
            let then = rec.detach(then);
            loss::mean_squared(rec, now, then)
        })
    }

    fn halving(&self, gpu: &Gpu, seed: u64, data: &Dataset, core: &Arc<ManyStep>, before: &Arc<ManyStep>) -> Result<Plan> {
        let rounds = self.settings.teacher_steps.ilog2().max(1);
        let base = 1.0 / f64::from(1u32 << rounds);
        // Of a round: 1, the range of times, h, 1/2h, and whether steps are the teacher's or the student's of the round before.
        let row = gpu.zeros(1, 6)?;
        let plan = core.plan_of(gpu, seed, |rec| {
            let row = rec.tensor(&row);
            let u = rec.uniform(core.batch, 1)?;
            let ones = rec.constant(1.0, core.batch, 1)?;
            let t = rec.combine(row, &[(1, 1.0, u)])?;
            let x1 = data.batch(rec, core.batch)?;
            let x = dynamics(self.teacher()?.as_ref())?.noised(rec, x1, t)?;
            let middle = rec.combine(row, &[(0, 1.0, t), (2, 1.0, ones)])?;
            let mut at = (x, t);
            for next in [Some(middle), None] {
                let teacher = dynamics(self.teacher()?.as_ref())?;
                let first = teacher.velocity(rec, at.0, Time::Held(at.1))?;
                let there = rec.combine(row, &[(0, 1.0, at.0), (2, 1.0, first)])?;
                let later = rec.combine(row, &[(0, 1.0, at.1), (2, 1.0, ones)])?;
                let second = teacher.velocity(rec, there, Time::Held(later))?;
                let of_teacher = rec.blend(first, second, 0.5, 0.5)?;
                let of_student = before.velocity(rec, at.0, Time::Held(at.1), Weights::Averaged)?;
                let v = rec.combine(row, &[(4, 1.0, of_teacher), (5, 1.0, of_student)])?;
                at = (rec.combine(row, &[(0, 1.0, at.0), (2, 1.0, v)])?, next.unwrap_or(later));
            }
            let target = rec.combine(row, &[(3, 1.0, at.0), (3, -1.0, x)])?;
            let target = rec.detach(target);
            let u = core.velocity(rec, x, Time::Held(t), Weights::Trained)?;
            loss::mean_squared(rec, u, target)
        })?;
        let every = u64::from(self.steps.div_ceil(rounds).max(1));
        let (core, before) = (core.clone(), before.clone());
        Ok(plan.with_state_feed(every as usize, move |first, resumed| {
            let round = (first / every).min(u64::from(rounds) - 1) as i32;
            let h = base * 2f64.powi(round);
            let own = if round == 0 { [1.0, 0.0] } else { [0.0, 1.0] };
            row.write(&[1.0, (1.0 - 2.0 * h) as f32, h as f32, (0.5 / h) as f32, own[0], own[1]])?;
            if round == 0 || resumed {
                return Ok(());
            }
            let now = core.parameters.averaged()?;
            before.parameters.load(|name| now.iter().find(|slice| slice.0 == name).map(|slice| slice.3.clone()))
        }))
    }
}

/// x + (1 − t)·F(x, t): at the end x itself.
fn jump(rec: &mut Recorder, core: &ManyStep, x: Var, t: Var, weights: Weights) -> Result<Var> {
    let v = core.velocity(rec, x, Time::Held(t), weights)?;
    let left = rec.affine(t, -1.0, 1.0)?;
    let way = rec.mul(v, left)?;
    rec.add(x, way)
}

impl Learner for DistillLearner {
    fn parameters(&self) -> &Parameters {
        match &self.student {
            Student::Generator(student) => &student.parameters,
            Student::Field { core, .. } => &core.parameters,
        }
    }

    fn companions(&self) -> Vec<(&'static str, &Parameters)> {
        match &self.student {
            Student::Field { before, .. } if self.settings.loss == By::Halving => vec![("before", &before.parameters)],
            _ => Vec::new(),
        }
    }

    fn latent(&self) -> usize {
        match &self.student {
            Student::Generator(student) => student.latent(),
            Student::Field { core, .. } => core.latent,
        }
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        match &self.student {
            Student::Generator(student) => student.push(rec, z, weights),
            Student::Field { core, .. } => {
                let x = core.embed(rec, z, weights)?;
                // The whole way in one step: both kinds of field are its mean velocity.
                let v = core.velocity(rec, x, Time::Known(0.0), weights)?;
                let x = rec.add(x, v)?;
                core.place(rec, x, weights)
            }
        }
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        match (&self.student, self.settings.loss) {
            (Student::Generator(student), _) => self.regression(gpu, seed, student, data),
            (Student::Field { core, .. }, By::Consistency) => self.consistency(gpu, seed, data, core),
            (Student::Field { core, before }, _) => self.halving(gpu, seed, data, core, before),
        }
    }
}
