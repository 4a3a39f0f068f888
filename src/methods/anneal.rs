//! The paper's own proposal (§4, "From network to optimization architecture"): a one-step map is fitted to data that move. The forward process (5) leads
//! the data's distribution μ₁ = ρ_0 to a Gaussian ρ_∞; a map that starts as ρ_∞ itself, φ = ξ, is trained by one and the same loss against
//!
//!   X_t = m + e^{−t}(X − m) + √(1 − e^{−2t})·ξ(ε) ~ ρ_t,     t falling from T to 0,
//!
//! so that the flow that a diffusion stores in a network over (t, x) is followed by the network's weights instead. Here ρ_∞ is the Gaussian fitted to the data,
//! which is where every generator of this crate starts, so the latent distribution is ρ_∞ as the paper asks, and mean and covariance of ρ_t are the data's at
//! all times: bandwidths that were chosen for the data fit ρ_t too.
//!
//! The loss is that of another method (`objective`), with all of its settings. How t falls is `Cooling`'s: in rounds, by a constant factor, or when
//! the loss has come down to its floor, which is the loss between two fresh batches of ρ_t. A game has no loss of that kind (its critic would have to
//! be trained between the two batches): there the energy distance decides, of rows of φ and of such batches.

use super::{Dataset, Entry, Setup, find, resolve};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::methods::dataset::join;
use crate::nn::{Builder, Id, Parameters, Weights};
use crate::ops::cooling::{Cooling, Falls, MEMORY, ROW};
use crate::ops::pairwise::{Estimator, RadialKernel};
use crate::settings::Settings as _;
use crate::{Error, Result, settings};

settings! {
    /// Settings of `anneal`.
    pub struct Settings {
        /// Method whose loss trains the map: mmd, energy, characteristic, sinkhorn, gan, wgan; its settings are settings here, too.
        objective: String = "energy".into(),
        /// Noise schedule: rounds (of equal length, linear), geometric (by a constant factor per step), floor (in rounds that end when the loss is at its minimum, that between two fresh batches).
        noise_schedule: Falls = Falls::Geometric,
        /// Number of rounds of the schedules rounds and floor, 1 to 1,000.
        rounds: u32 = 16,
        /// Fraction of the steps after which the data have no noise, above 0 to 1.
        noise_fraction: f32 = 0.5,
        /// Time of the first step, where the weight of the data in a row is exp(−t), above 0 to 40.
        max_time: f32 = 3.0,
        /// Last time above 0 of the schedules geometric and floor: the noise is then about √2t standard deviations, above 0 to `max_time`.
        min_time: f32 = 2e-4,
        /// Standard deviations by which the loss may exceed its minimum (floor), 0 or above.
        floor_deviations: f32 = 0.5,
    }
}

/// What can be annealed: losses and games of a one-step map.
pub const OBJECTIVES: [&str; 6] = ["mmd", "energy", "characteristic", "sinkhorn", "gan", "wgan"];
/// Rows of a batch that tells whether a floor is reached.
const JUDGED: usize = 256;
/// What is drawn for it, and the memory of rounds, have a counter domain of their own.
const DOMAIN: u32 = 0xc001;

pub const ENTRY: Entry = Entry {
    name: "anneal",
    summary: "another method's loss against noised data, with noise that falls to zero during training: the paper's own proposal",
    paper: "§4, from network to optimization architecture",
    density: false,
    inverse: false,
    defaults: "objective = \"energy\"",
    keys: Settings::keys,
    build: |setup, own| {
        let settings: Settings = settings::take(own)?;
        let inner = (find(&settings.objective)?.build)(setup, own)?;
        Ok(Box::new(Anneal::new(setup, settings, inner)?))
    },
    resolve: |table| {
        let mut own = resolve::<Settings>(table, check)?;
        let objective = own["objective"].as_str().unwrap_or_default();
        own.extend((find(objective)?.resolve)(table)?);
        Ok(own)
    },
};

fn check(settings: &Settings) -> Result<()> {
    let wrong = |key: &str, value: &dyn std::fmt::Display, valid: &str| {
        Err(Error::usage(format!("`{key}` is {value}: it must be {valid}")))
    };
    if !OBJECTIVES.contains(&settings.objective.as_str()) {
        return wrong("objective", &settings.objective, &format!("one of {}", OBJECTIVES.join(", ")));
    }
    if !(1..=1000).contains(&settings.rounds) {
        return wrong("rounds", &settings.rounds, "between 1 and 1,000");
    }
    if !(settings.noise_fraction > 0.0 && settings.noise_fraction <= 1.0) {
        return wrong("noise_fraction", &settings.noise_fraction, "above 0 and at most 1");
    }
    if !(settings.max_time > 0.0 && settings.max_time <= 40.0) {
        return wrong("max_time", &settings.max_time, "above 0 and at most 40");
    }
    if !(settings.min_time > 0.0 && settings.min_time <= settings.max_time) {
        return wrong("min_time", &settings.min_time, "above 0 and at most `max_time`");
    }
    if !(settings.floor_deviations >= 0.0 && settings.floor_deviations.is_finite()) {
        return wrong("floor_deviations", &settings.floor_deviations, "0 or above");
    }
    Ok(())
}

/// Trains another method's map against moving data.
struct Anneal {
    inner: Box<dyn super::Method>,
    cooling: Cooling,
    batch: usize,
    /// What is remembered of rounds, so that a run goes on as if it had not been stopped.
    course: Parameters,
    memory: Id,
}

impl Anneal {
    fn new(setup: &Setup, settings: Settings, inner: Box<dyn super::Method>) -> Result<Self> {
        let mut builder = Builder::with_domain(setup.seed, DOMAIN);
        let memory = builder.zeros("memory", 1, MEMORY);
        builder.fix();
        let steps = (settings.noise_fraction * setup.training.steps as f32).round().max(1.0) as u32;
        let cooling = Cooling {
            falls: settings.noise_schedule,
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

impl super::Method for Anneal {
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
        if self.cooling.falls == Falls::Floor {
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
