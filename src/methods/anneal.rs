//! The paper's own proposal (§4, "From network to optimization architecture"): a one-step map is fitted to noised data, whose noise falls during training. The forward process (5) leads
//! the data's distribution μ₁ = ρ_0 to a Gaussian ρ_∞; a map that starts as ρ_∞ itself, φ = ξ, is trained by one and the same loss against
//!
//!   X_t = m + e^{−t}(X − m) + √(1 − e^{−2t})·ξ(ε) ~ ρ_t,     t falling from T to 0,
//!
//! so that the weights of the network follow the flow that a diffusion stores in a network over (t, x). Here ρ_∞ is the Gaussian fitted to the data,
//! which is where every generator of this crate starts, so the latent distribution is ρ_∞ as the paper asks, and mean and covariance of ρ_t are the data's at
//! all times: bandwidths that were chosen for the data fit ρ_t too.
//!
//! The loss is that of another method (`objective`), with all of its settings. t falls by one of three schedules: in rounds, by a constant factor, or whenever
//! the loss has reached its floor, the loss between two fresh batches of ρ_t. An adversarial method has no such loss (its critic would have to
//! be trained between the two batches): there the energy distance of rows of φ, and of two such batches, decides.

use super::{Dataset, Energy, Entry, Learner, Method, Setup, Training, all};
use crate::data::nearest;
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::methods::dataset::join;
use crate::nn::{Builder, Id, Parameters, Weights};
use crate::ops::cooling::{Cooling, MEMORY, NoiseSchedule, ROW};
use crate::ops::pairwise::{Estimator, RadialKernel};
use crate::settings::{Key, Settings, Values, shown};
use crate::{Error, Result, settings};

settings! {
    /// Settings of `anneal`.
    pub struct Anneal {
        /// The method whose loss trains the map.
        objective: Annealed = Annealed::default(), as group,
        /// Noise schedule: rounds (of equal length, linear), geometric (by a constant factor per step), floor (in rounds that end when the loss is at its minimum, that between two fresh batches).
        noise_schedule: NoiseSchedule = NoiseSchedule::Geometric,
        /// Number of rounds of the schedules rounds and floor.
        rounds: u32 = 16, in 1..=1000,
        /// Fraction of the steps after which the data have no noise.
        noise_fraction: f32 = 0.5, in above(0.0).up_to(1.0),
        /// Time of the first step, where the weight of the data in a row is exp(−t).
        max_time: f32 = 3.0, in above(0.0).up_to(40.0),
        /// Last time above 0 of the schedules geometric and floor, at most `max_time`; the noise is then about √2t standard deviations.
        min_time: f32 = 2e-4, in above(0.0),
        /// Standard deviations by which the loss may exceed its minimum (floor).
        floor_deviations: f32 = 0.5, in 0.0..,
    }
}

/// A method whose loss is annealed, with its settings: in files its name is the key `objective`, and its settings stand beside those of `anneal`.
#[derive(Clone, Debug)]
pub struct Annealed(Box<dyn Method>);

impl PartialEq for Annealed {
    fn eq(&self, other: &Self) -> bool {
        self.method() == other.method()
    }
}

impl Annealed {
    /// The key of the method's name.
    const KEY: &str = "objective";

    /// A loss or game of a one-step map.
    ///
    /// # Errors
    /// A method that cannot be annealed.
    pub fn new(method: impl Method) -> Result<Self> {
        let annealed = Self(method.boxed());
        annealed.check()?;
        Ok(annealed)
    }

    pub fn method(&self) -> &dyn Method {
        self.0.as_ref()
    }
}

impl Default for Annealed {
    fn default() -> Self {
        Self(Box::new(Energy::default()))
    }
}

impl Settings for Annealed {
    fn keys(&self) -> Vec<Key> {
        let names = objectives().iter().map(|method| method.name()).collect::<Vec<_>>();
        let help = format!("Method whose loss trains the map: {}; its settings are settings here, too.", names.join(", "));
        let own = Key {
            name: Self::KEY,
            default: shown(&self.0.name()),
            schema: serde_json::json!({ "enum": names, "description": help, "default": self.0.name() }),
            help,
        };
        std::iter::once(own).chain(self.0.keys()).collect()
    }

    fn read(&mut self, values: &mut Values) -> Result<()> {
        if let Some(value) = values.take(Self::KEY) {
            let name: String = settings::read(value).map_err(|problem| settings::cannot_be(self, Self::KEY, problem))?;
            *self = objectives().into_iter().find(|method| method.name() == name).map(Self).ok_or_else(|| refused(&name))?;
        }
        self.0.read(values)
    }

    fn write(&self) -> Values {
        let mut values = Values::default();
        values.insert(Self::KEY, self.0.name());
        values.extend(self.0.write());
        values
    }

    fn check(&self) -> Result<()> {
        if self.0.can_be_annealed() { self.0.check() } else { Err(refused(self.0.name())) }
    }
}

fn refused(name: &str) -> Error {
    let names = objectives().iter().map(|method| method.name()).collect::<Vec<_>>();
    let hint = nearest(name, names.iter().copied()).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
    Error::usage(format!("`objective` is {name}: it must be one of {}{hint}", names.join(", ")))
}

/// What can be annealed, losses and games of a one-step map, with default settings.
#[doc(hidden)]
pub fn objectives() -> Vec<Box<dyn Method>> {
    all().into_iter().filter(|method| method.can_be_annealed()).collect()
}

/// Rows of a batch that tells whether a floor is reached.
const JUDGED: usize = 256;
/// What is drawn for it, and the memory of rounds, have a counter domain of their own.
const DOMAIN: u32 = 0xc001;

static ENTRY: Entry = Entry {
    name: "anneal",
    summary: "another method's loss against noised data, with noise that falls to zero during training: the paper's own proposal",
    paper: "§4, from network to optimization architecture",
    use_when: "You train a gan on modes that are far apart: noise that falls during training about halved its distance to the data on four such targets.",
    avoid_when: "The loss is energy, mmd, characteristic or sinkhorn: on the targets measured, annealing made all of them worse, or no better, at the same number of steps.",
    density: false,
    inverse: false,
    training: Training::default,
};

impl Method for Anneal {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        let inner = self.objective.method().build(setup)?;
        Ok(Box::new(AnnealLearner::new(setup, self, inner)?))
    }

    fn training(&self) -> Training {
        self.objective.method().training()
    }
}

impl Anneal {
    fn validate(&self) -> Result<()> {
        if self.min_time <= self.max_time {
            return Ok(());
        }
        Err(Error::usage(format!("`min_time` is {}: it must be above 0 and at most `max_time`", self.min_time)))
    }
}

/// Trains another method's map against moving data.
struct AnnealLearner {
    inner: Box<dyn Learner>,
    cooling: Cooling,
    batch: usize,
    /// What is remembered of rounds, so that a run goes on as if it had not been stopped.
    course: Parameters,
    memory: Id,
}

impl AnnealLearner {
    fn new(setup: &Setup, settings: &Anneal, inner: Box<dyn Learner>) -> Result<Self> {
        let mut builder = Builder::with_domain(setup.seed, DOMAIN);
        let memory = builder.zeros("memory", 1, MEMORY);
        builder.fix();
        let steps = (settings.noise_fraction * setup.training.steps as f32).round().max(1.0) as u32;
        let cooling = Cooling {
            schedule: settings.noise_schedule,
            steps,
            rounds: settings.rounds,
            hottest: settings.max_time,
            coldest: settings.min_time,
            deviations: settings.floor_deviations,
            ..Cooling::default()
        };
        let batch = setup.training.batch_size.min(JUDGED);
        Ok(Self { inner, cooling, batch, course: builder.build(setup.gpu)?, memory })
    }

    /// The loss of φ's rows against data, and of data against data.
    fn judged(&self, rec: &mut Recorder, data: &Dataset) -> Result<[Var; 2]> {
        let z = rec.normal(self.batch, self.inner.latent())?;
        let given = if data.conditions() > 0 { data.parted_batch(rec, self.batch)?.1 } else { None };
        let inputs = join(rec, z, given)?;
        let y = self.inner.push(rec, inputs, Weights::Trained)?;
        let y = join(rec, y, given)?;
        let (x, fresh) = (data.batch(rec, self.batch)?, data.batch(rec, self.batch)?);
        let loss = |rec: &mut Recorder, a: Var, b: Var| match self.inner.objective() {
            Some(objective) => objective.loss(rec, a, b, data),
            None => rec.mmd_squared(&RadialKernel::Energy { beta: 1.0 }, a, b, Estimator::Unbiased),
        };
        Ok([loss(rec, y, x)?, loss(rec, fresh, x)?])
    }
}

impl Learner for AnnealLearner {
    fn parameters(&self) -> &Parameters {
        self.inner.parameters()
    }

    fn companions(&self) -> Vec<(&'static str, &Parameters)> {
        self.inner.companions().into_iter().chain([("course", &self.course)]).collect()
    }

    fn latent(&self) -> usize {
        self.inner.latent()
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        self.inner.push(rec, z, weights)
    }

    fn unsettled(&self) -> u64 {
        u64::from(self.cooling.steps)
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        let row = gpu.zeros(1, ROW)?;
        let moving = data.moving(&row, self.inner.latent())?;
        let mut rec = Recorder::with_domain(gpu, seed, DOMAIN)?;
        let at = rec.tensor(&row);
        if self.cooling.schedule == NoiseSchedule::Floor {
            let memory = self.course.var(&mut rec, self.memory, Weights::Trained)?;
            rec.cool_as_remembered(&self.cooling, memory, at)?;
            let [loss, floor] = self.judged(&mut rec, &moving)?;
            rec.cool_to_floor(&self.cooling, [loss, floor], memory, at)?;
            rec.report("floor", floor)?;
        } else {
            rec.cool(&self.cooling, at)?;
        }
        let time = rec.columns(at, ROW - 1, 1)?;
        rec.report("time", time)?;
        Ok(self.inner.plan(gpu, seed, &moving)?.after(rec.finish()?))
    }
}
