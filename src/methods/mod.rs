//! One file a method: the paper's sections as code. A new method is one file here and one line in [`REGISTRY`].

pub mod anneal;
pub mod characteristic;
pub mod choice;
pub mod cnf;
pub mod critic;
pub mod dataset;
mod density;
pub mod diffusion;
pub mod distill;
pub mod distributional;
#[cfg(test)]
mod documented;
pub mod drift;
pub mod ebm;
pub mod energy;
mod few_step;
pub mod fgan;
pub mod flow_map;
pub mod flow_matching;
pub mod gan;
pub mod imm;
pub mod interpolant;
pub mod iwae;
pub mod kantorovich;
mod latent;
pub mod maf;
pub mod many_step;
pub mod mmd;
mod noised;
mod normalizing;
pub mod objective;
pub mod one_step;
mod pool;
pub mod realnvp;
pub mod rectified_flow;
pub mod score;
pub mod sinkhorn;
pub mod spline;
pub mod stein;
mod target;
pub mod vae;
pub mod wgan;

pub use dataset::Dataset;
pub use density::{Density, Meaning};
pub use many_step::Dynamics;
pub use objective::Objective;

use crate::data::nearest;
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::{Adam, Parameters, Weights};
use crate::ops::pairwise::Estimator;
use crate::settings::{Key, Settings};
use crate::{Error, Result, settings};
use serde::Serialize;
use std::sync::{Arc, Mutex};

settings! {
    /// Settings that every method shares.
    pub struct Training {
        /// Training steps, 1 or more.
        steps: u32 = 6000,
        /// Batch size: rows of the data in one training step, and as many generated rows, 2 to 1,048,576.
        batch_size: usize = 1024,
        /// Dimension of the latent space, 1 to 4,096; 0 is the number of columns.
        latent_dim: usize = 0,
        /// Width of the hidden layers, 1 to 4,096.
        hidden_width: usize = 64,
        /// Number of hidden layers, 0 to 64.
        hidden_layers: usize = 6,
        /// Activation function: silu, relu, gelu, tanh, elu, softplus, sigmoid.
        activation: crate::nn::Activation = crate::nn::Activation::Gelu,
        /// Factor of the first layer's initial weights, above 0; 0 chooses it by the latent dimension.
        input_gain: f32 = 0.0,
        /// Learning rate after the warm-up, above 0.
        learning_rate: f32 = 6e-3,
        /// Schedule of the learning rate after the warm-up: constant, cosine.
        schedule: crate::nn::Schedule = crate::nn::Schedule::Cosine,
        /// Warm-up steps, over which the learning rate grows from zero, 0 or more.
        warmup_steps: u32 = 100,
        /// Weight decay, decoupled as in AdamW, 0 or above.
        weight_decay: f32 = 0.0,
        /// Gradient clipping: the largest global norm of the gradient, above 0; 0 is no limit.
        grad_clip: f32 = 0.0,
        /// Decay of the exponential moving average of the weights that samples are drawn with, 0 to below 1.
        ema: f32 = 0.999,
        /// Dequantization, true or false: uniform noise is added to columns of integers in training, so that they have a density, and samples are rounded.
        dequantize: bool = false,
        /// Standard deviation of Gaussian noise added to standardized rows in training, for likelihoods of data on a manifold, 0 or above; samples are then denoised.
        noise: f32 = 0.0,
        /// Denoising of samples where `noise` is above 0, true or false; `sample --set denoise=false` turns it off.
        denoise: bool = true,
        /// Standardization of the columns for training, true or false; samples are mapped back.
        standardize: bool = true,
        /// Rounding of samples in columns of integers, true or false.
        round: bool = false,
        /// Clamping of samples to each column's observed bounds, true or false.
        clamp: bool = false,
        /// Fraction of the rows that is split off as the test set, for the final scores, 0 to below 1; auto is 0.2 and at most 2,000 rows.
        test_fraction: crate::data::Fraction = crate::data::Fraction::Auto,
        /// Fraction of the other rows that is split off as the validation set, for early stopping, 0 to below 1; auto is 0.2 below 5,000 rows and 0 above.
        validation_fraction: crate::data::Fraction = crate::data::Fraction::Auto,
        /// Patience of early stopping: evaluations without improvement on the validation set (20 steps apart or more, after the warm-up; a rarer one counts as several); 0 never stops early.
        patience: u32 = 20,
        /// Refit of the saved model on all rows, for as many steps as were kept, true or false: where validation rows were split off, or test rows of fewer than 5,000.
        refit: bool = true,
    }
}

impl Training {
    /// The optimizer that these settings ask for.
    pub fn adam(&self) -> Adam {
        Adam {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            grad_clip: self.grad_clip,
            warmup_steps: self.warmup_steps,
            steps: self.steps,
            schedule: self.schedule,
            ema: self.ema,
            ..Adam::default()
        }
    }

    /// Refuses values out of range.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: &str, value: &dyn std::fmt::Display, valid: &str| {
            Err(Error::usage(format!("`{key}` is {value}: it must be {valid}")))
        };
        if self.steps == 0 {
            return wrong("steps", &self.steps, "at least 1");
        }
        if !(2..=1 << 20).contains(&self.batch_size) {
            return wrong("batch_size", &self.batch_size, "between 2 and 1,048,576");
        }
        if !(1..=4096).contains(&self.hidden_width) {
            return wrong("hidden_width", &self.hidden_width, "between 1 and 4,096");
        }
        if self.hidden_layers > 64 {
            return wrong("hidden_layers", &self.hidden_layers, "at most 64");
        }
        if self.latent_dim > 4096 {
            return wrong("latent_dim", &self.latent_dim, "at most 4,096");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong("learning_rate", &self.learning_rate, "above 0");
        }
        for (key, value) in [
            ("weight_decay", self.weight_decay),
            ("grad_clip", self.grad_clip),
            ("input_gain", self.input_gain),
            ("noise", self.noise),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return wrong(key, &value, "0 or above");
            }
        }
        if !(0.0..1.0).contains(&self.ema) {
            return wrong("ema", &self.ema, "at least 0 and below 1");
        }
        Ok(())
    }
}

/// Appends one descent of a loss; reports it and the gradient's squared norm, which is not finite where anything on the way is not: a loss can hide
/// that (max(NaN, 0) is 0 on many devices).
fn descend(rec: &mut Recorder, loss: Var, parameters: &Parameters, adam: &Adam) -> Result<()> {
    rec.report("loss", loss)?;
    let norm2 = rec.minimize(loss, parameters, adam)?;
    rec.report("gradient_norm2", norm2)
}

/// What a method is built from.
pub struct Setup<'a> {
    pub gpu: &'a Gpu,
    pub training: &'a Training,
    /// Columns to be generated.
    pub columns: usize,
    /// Columns that are given and generated from: rows of data, latents and rows to judge carry theirs behind their own columns.
    pub conditions: usize,
    pub seed: u64,
    /// The data to start from; none when a trained model is loaded.
    pub data: Option<&'a Dataset>,
    /// The trained map to learn from, where the settings name one.
    pub teacher: Option<Arc<dyn Method>>,
}

/// Chains that make samples, as a recording traces them.
pub struct Traced {
    /// Where all chains are after each of their last moves, in which nothing adapts any more: chains × numbers each.
    pub states: Vec<Var>,
    /// Accepted moves of each chain, chains × 1, and of how many.
    pub accepted: Var,
    pub moves: usize,
}

/// A way to learn a sampler. What trains by one loss is an [`Objective`], and is a method by that.
pub trait Method: Send + Sync {
    /// The weights of the learned map: what a model file holds.
    fn parameters(&self) -> &Parameters;

    /// The weights that training moves besides, by name, such as a critic's: checkpoints hold them, model files do not.
    fn companions(&self) -> Vec<(&'static str, &Parameters)> {
        Vec::new()
    }

    /// Weights of the learned map besides, which model files hold too.
    fn further(&self) -> Option<&Parameters> {
        None
    }

    /// Dimension of the latent space.
    fn latent(&self) -> usize;

    /// Latents for samples: standard normal, unless the method starts from a distribution of its own.
    fn draw(&self, rec: &mut Recorder, rows: usize, _weights: Weights) -> Result<Var> {
        rec.normal(rows, self.latent())
    }

    /// The learned map φ: rows × latent → rows × columns.
    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var>;

    /// The latents that φ takes to x: rows × columns → rows × latent; none where the map has no inverse.
    fn pull(&self, _rec: &mut Recorder, _x: Var, _weights: Weights) -> Result<Option<Var>> {
        Ok(None)
    }

    /// ln of the density of φ_#ν at x; none where it has none that can be computed.
    fn log_density(&self, _rec: &mut Recorder, _x: Var, _weights: Weights) -> Result<Option<Density>> {
        Ok(None)
    }

    /// What the numbers of [`Method::log_density`] are.
    fn density_means(&self) -> Meaning {
        Meaning::Density
    }

    /// So many of the chains that make samples; none for maps.
    fn mixing(&self, _rec: &mut Recorder, _rows: usize) -> Result<Option<Traced>> {
        Ok(None)
    }

    /// What validation rows cost, rows × 1, lower is better: for methods trained by likelihood, − ln of it or its bound. None where
    /// training is judged by the energy distance of samples to those rows.
    fn held_out_loss(&self, _rec: &mut Recorder, _x: Var, _weights: Weights) -> Result<Option<Var>> {
        Ok(None)
    }

    /// The integration whose end the map is; none for maps of one step.
    fn dynamics(&self) -> Option<&dyn Dynamics> {
        None
    }

    /// The integration behind the inverse and the density; none where they follow no equation.
    fn equation(&self) -> Option<&dyn Dynamics> {
        self.dynamics()
    }

    /// Whether samples are one pass of the learned map: no integration, no chain.
    fn is_one_step(&self) -> bool {
        self.dynamics().is_none()
    }

    /// The loss by which alone the map is trained; none for games, and where rows are not compared with rows.
    fn objective(&self) -> Option<&dyn Objective> {
        None
    }

    /// Steps before which validation rows cannot say that training has stopped improving.
    fn unsettled(&self) -> u64 {
        0
    }

    /// Records one training iteration.
    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan>;
}

/// A line of the registry.
pub struct Entry {
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Where the paper has it.
    pub paper: &'static str,
    /// Whether a model says how likely rows are.
    pub density: bool,
    /// Whether a model's map can be run backwards.
    pub inverse: bool,
    /// Where the default of a setting that methods share is another for this one, as TOML.
    pub defaults: &'static str,
    /// The method's own settings: `Settings::keys` of a struct made by [`settings!`](crate::settings!).
    pub keys: fn() -> Vec<Key>,
    /// Makes the method from what the table holds of its own settings ([`settings::take`]).
    pub build: fn(&Setup, &mut toml::Table) -> Result<Box<dyn Method>>,
    /// What the method's settings resolve to, with every default written out ([`resolve`]).
    pub resolve: fn(&mut toml::Table) -> Result<toml::Table>,
}

/// Every method, in the paper's order.
pub static REGISTRY: &[Entry] = &[
    mmd::ENTRY,
    energy::ENTRY,
    characteristic::ENTRY,
    gan::ENTRY,
    wgan::ENTRY,
    fgan::ENTRY,
    kantorovich::ENTRY,
    sinkhorn::ENTRY,
    stein::ENTRY,
    drift::ENTRY,
    realnvp::ENTRY,
    spline::ENTRY,
    maf::ENTRY,
    cnf::ENTRY,
    vae::ENTRY,
    iwae::ENTRY,
    ebm::ENTRY,
    score::ENTRY,
    diffusion::ENTRY,
    flow_matching::ENTRY,
    interpolant::ENTRY,
    rectified_flow::ENTRY,
    distill::ENTRY,
    flow_map::ENTRY,
    imm::ENTRY,
    distributional::ENTRY,
    anneal::ENTRY,
];

/// What `pushforward methods` shows of a method.
#[derive(Serialize)]
pub struct Summary {
    pub name: &'static str,
    pub summary: &'static str,
    pub paper: &'static str,
    /// Whether `log-density` works.
    pub density: bool,
    /// Whether `push --inverse` works.
    pub inverse: bool,
    pub settings: Vec<Key>,
}

impl Entry {
    /// Keys that every method shares, with this method's defaults.
    pub fn shared_keys(&self) -> Vec<Key> {
        self.with_defaults(Training::keys())
    }

    fn with_defaults(&self, keys: Vec<Key>) -> Vec<Key> {
        let own = self.own_defaults();
        let with_own = |key: Key| Key { default: own.get(key.name).map_or(key.default, ToString::to_string), ..key };
        keys.into_iter().map(with_own).collect()
    }

    fn own_defaults(&self) -> toml::Table {
        self.defaults.parse().expect("a method's defaults are TOML")
    }

    /// Keys of this method alone.
    pub fn keys(&self) -> Vec<Key> {
        self.with_defaults((self.keys)())
    }

    pub fn describe(&self) -> Summary {
        let Self { name, summary, paper, density, inverse, .. } = *self;
        Summary { name, summary, paper, density, inverse, settings: self.keys() }
    }

    /// Reads the shared and the method's own settings out of one table.
    ///
    /// # Errors
    /// An unknown key, a value of the wrong type or out of range.
    pub fn settings(&self, mut table: toml::Table) -> Result<(Training, toml::Table)> {
        for (key, value) in self.own_defaults() {
            table.entry(key).or_insert(value);
        }
        let mut keys = [Training::keys(), self.keys()].concat();
        if let Some(name) = given_objective(&table) {
            let objective = find(name)?;
            keys.extend(objective.keys());
            for (key, value) in objective.own_defaults() {
                table.entry(key).or_insert(value);
            }
        }
        let training: Training = settings::take(&mut table)?;
        training.check()?;
        let own = (self.resolve)(&mut table)?;
        let keys: Vec<&str> = keys.iter().map(|k| k.name).collect();
        settings::refuse_unknown(&table, &keys)?;
        Ok((training, own))
    }

    /// Builds the method; `own` is what [`Entry::settings`] resolved.
    pub fn build(&self, setup: &Setup, own: &toml::Table) -> Result<Box<dyn Method>> {
        let method = (self.build)(setup, &mut own.clone())?;
        if setup.training.noise > 0.0 { Ok(Box::new(noised::Noised::new(setup, method)?)) } else { Ok(method) }
    }
}

/// Methods from outside this crate, by [`register`].
static REGISTERED: Mutex<Vec<&'static Entry>> = Mutex::new(Vec::new());

/// Makes a method from outside this crate known by its name, so that its models can be loaded. [`Trainer`](crate::train::Trainer) does so with
/// the method that it trains.
///
/// # Errors
/// Another method of this name.
pub fn register(entry: &'static Entry) -> Result<()> {
    let mut registered = REGISTERED.lock().expect("no holder of this lock panics");
    let known = REGISTRY.iter().chain(registered.iter().copied()).find(|known| known.name == entry.name);
    match known {
        // A constant has a copy wherever it is used.
        Some(known) if (known.summary, known.paper) == (entry.summary, entry.paper) => {}
        Some(_) => return Err(Error::usage(format!("there is already a method `{}`: choose another name", entry.name))),
        None => registered.push(entry),
    }
    Ok(())
}

/// The method of this name.
///
/// # Errors
/// No method of this name: the message lists all.
pub fn find(name: &str) -> Result<&'static Entry> {
    let registered = REGISTERED.lock().expect("no holder of this lock panics").clone();
    let all = || REGISTRY.iter().chain(registered.iter().copied());
    all().find(|e| e.name == name).ok_or_else(|| {
        let names: Vec<&str> = all().map(|e| e.name).collect();
        let hint = nearest(name, names.iter().copied()).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
        Error::usage(format!("there is no method `{name}`{hint}; the methods are: {}", names.join(", ")))
    })
}

/// The expressions of the target's score, where a method's settings give any: the data then only say where to start.
pub fn given_score(settings: &toml::Table) -> Vec<&str> {
    let given = settings.get("score").and_then(toml::Value::as_array);
    given.into_iter().flatten().filter_map(toml::Value::as_str).collect()
}

/// The run whose map is to be learned from, where a method's settings name one.
pub fn given_teacher(settings: &toml::Table) -> Option<&str> {
    settings.get("teacher").and_then(toml::Value::as_str)
}

/// The method whose loss a method trains by, where its settings name one.
pub fn given_objective(settings: &toml::Table) -> Option<&str> {
    settings.get("objective").and_then(toml::Value::as_str)
}

/// The estimator that a method's `unbiased` setting asks for.
fn estimator(unbiased: bool) -> Estimator {
    if unbiased { Estimator::Unbiased } else { Estimator::Biased }
}

/// Reads a method's settings, checks them and writes them back with every default: the `resolve` of an [`Entry`].
///
/// # Errors
/// A value of the wrong type, and what `check` refuses.
pub fn resolve<S: Settings>(table: &mut toml::Table, check: impl Fn(&S) -> Result<()>) -> Result<toml::Table> {
    let own: S = settings::take(table)?;
    check(&own)?;
    settings::table_of(&own)
}

/// The same for a method of two sets of settings, its own and those of what it shares with others.
fn resolve_two<S: Settings, T: Settings>(
    table: &mut toml::Table,
    check: impl Fn(&S) -> Result<()>,
    check_shared: impl Fn(&T) -> Result<()>,
) -> Result<toml::Table> {
    let mut own = resolve::<S>(table, check)?;
    own.extend(resolve::<T>(table, check_shared)?);
    Ok(own)
}
