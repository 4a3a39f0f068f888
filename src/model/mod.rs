//! [`Model`]: a trained map with all that it needs to be used: `model.safetensors`, self-describing.

mod apply;
mod check;
mod density;
mod format;
mod given;
mod impute;
mod integrate;
mod masks;
mod mixing;
mod sampler;
mod solve;

pub use density::{AWAY, FAR, LogDensity};
pub use format::{FORMAT, check_config};
pub(crate) use masks::{Masks, Told};
pub use mixing::Mixing;
pub use sampler::Sampler;
pub use solve::{SMALL, Solved};

use crate::data::{Encoding, Noise, Rounding, Standardization, Table, dequantized, write_atomically};
use crate::gpu::Gpu;
use crate::methods::{self, Drawing, Learner, Method, Sampling, Setup, Training};
use crate::nn::parameters::NamedValues;
use crate::settings::{Settings, Values};
use crate::{Error, Result};
use format::{Formatted, Said, check_format};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What a model file says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Description {
    /// The method that trained it, with its settings.
    #[serde(flatten, with = "stored")]
    pub method: Box<dyn Method>,
    pub training: Training,
    /// Those generated, and behind them those given.
    pub columns: Vec<String>,
    /// How they stand for the data's columns, where these are not all numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// The spacing of the values of each column that was dequantized, 0 of the others.
    pub dequantized: Vec<f64>,
    /// How many are given.
    pub conditions: usize,
    /// Lowest and highest value of each condition in training.
    pub condition_ranges: Vec<(f64, f64)>,
    pub standardization: Standardization,
    pub rounding: Rounding,
    pub seed: u64,
    /// Steps that made the weights.
    pub steps: u64,
    pub version: String,
    /// Which step the weights are of, where training had still to go on when the file was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Left>,
}

/// What a run that has not finished leaves as its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Left {
    /// The best step so far by the validation loss.
    Best,
    /// The step of the last checkpoint.
    Last,
}

impl Description {
    /// That of `model.safetensors` in a run folder, or of a model file itself, without its weights.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::with_tensors(&file_of(path.as_ref())?)?.0)
    }

    /// That of a model file, with its tensors.
    fn with_tensors(file: &Path) -> Result<(Self, HashMap<String, Vec<f32>>)> {
        let (tensors, said): (HashMap<String, Vec<f32>>, serde_json::Value) = read_tensors(file, DESCRIPTION)?;
        // A method that is not known here is no damage.
        if let Some(name) = said.get("method").and_then(serde_json::Value::as_str) {
            methods::by_name(name)?;
        }
        let damaged = |e: &dyn std::fmt::Display| Error::format(file, format!("is damaged: {e}"));
        let description: Self = serde_json::from_value(said).map_err(|e| damaged(&e))?;
        description.check().map_err(|e| damaged(&e))?;
        if let Some(name) =
            tensors.iter().filter(|(_, values)| !values.iter().all(|value| value.is_finite())).map(|own| own.0).min()
        {
            return Err(damaged(&format!("`{name}` has weights that are not finite")));
        }
        Ok((description, tensors))
    }

    /// The columns that are generated, and those that are given.
    pub fn parted(&self) -> (&[String], &[String]) {
        self.columns.split_at(self.columns.len() - self.conditions)
    }

    /// How any columns can be given, where the model was trained for it.
    pub(crate) fn masks(&self) -> Option<Masks> {
        self.encoding.as_ref().filter(|_| self.training.impute).map(Masks::of)
    }

    /// How many numbers the map takes behind latents and rows.
    pub(crate) fn behind(&self) -> usize {
        self.conditions + self.masks().map_or(0, |masks| masks.conditions())
    }

    /// The columns of the data that are generated: the dimensions of a density.
    pub fn dimensions(&self) -> usize {
        let of_encoding = self.encoding.as_ref().map(|encoding| encoding.dimensions(self.conditions));
        of_encoding.unwrap_or(self.columns.len() - self.conditions)
    }

    /// The rows of a table as densities of this model take them: with noise in the columns that it dequantized. Those of an encoding stay as they are, for noise is
    /// drawn where their density is integrated.
    pub fn dequantized(&self, rows: &Table, seed: u64) -> Table {
        if self.encoding.is_some() || self.dequantized.iter().all(|spacing| *spacing == 0.0) {
            return rows.clone();
        }
        dequantized(rows, &self.dequantized, Noise::Uniform, seed)
    }

    fn setup<'a>(&'a self, gpu: &'a Gpu) -> Setup<'a> {
        Setup {
            gpu,
            training: &self.training,
            columns: self.columns.len() - self.conditions,
            conditions: self.behind(),
            seed: self.seed,
            data: None,
            teacher: None,
        }
    }
}

/// A method in a model file: its name and its settings.
mod stored {
    use crate::methods::{self, Method};
    use crate::settings::{Settings, Values};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Stored {
        method: String,
        settings: Values,
    }

    #[allow(clippy::borrowed_box)] // serde gives the field.
    pub fn serialize<S: Serializer>(method: &Box<dyn Method>, serializer: S) -> Result<S::Ok, S::Error> {
        Stored { method: method.name().into(), settings: method.write() }.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<dyn Method>, D::Error> {
        let Stored { method, settings } = Stored::deserialize(deserializer)?;
        let mut method = methods::by_name(&method).map_err(D::Error::custom)?;
        settings.apply(&mut [&mut method]).map_err(D::Error::custom)?;
        Ok(method)
    }
}

/// A trained map on a device.
pub struct Model {
    gpu: Gpu,
    description: Description,
    learner: Box<dyn Learner>,
    /// What latents of samples are multiplied by.
    temperature: f32,
    /// Whether densities and inverses are solved until their error is small, instead of in the steps that samples are drawn by.
    accurate: bool,
    solved: Mutex<Option<Solved>>,
    watch: Option<Box<dyn Fn(f64) + Send + Sync>>,
}

/// The key of the description in a file's metadata.
const DESCRIPTION: &str = "pushforward";

/// Writes a safetensors file atomically: named f32 arrays (rows, columns, values) and one JSON text, with the format.
pub(crate) fn write_tensors(
    path: &Path,
    tensors: &[(String, usize, usize, Vec<f32>)],
    key: &str,
    metadata: &impl Serialize,
) -> Result<()> {
    let broken = |e: &dyn std::fmt::Display| Error::format(path, format!("cannot be written: {e}"));
    let views = tensors
        .iter()
        .map(|(name, rows, cols, values)| {
            let view = TensorView::new(Dtype::F32, vec![*rows, *cols], bytemuck::cast_slice(values)).map_err(|e| broken(&e))?;
            Ok((name.clone(), view))
        })
        .collect::<Result<Vec<_>>>()?;
    let text = serde_json::to_string(&Formatted { format: FORMAT, content: metadata }).map_err(|e| broken(&e))?;
    let metadata = Some(HashMap::from([(key.to_string(), text)]));
    let bytes = safetensors::serialize(views, metadata).map_err(|e| broken(&e))?;
    write_atomically(path, |file| file.write_all(&bytes))
}

/// A safetensors file's arrays by name, and its JSON text.
///
/// # Errors
/// A file of another format; one that is damaged or something else.
pub(crate) fn read_tensors<T: for<'a> Deserialize<'a>>(path: &Path, key: &str) -> Result<(HashMap<String, Vec<f32>>, T)> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let damaged = |e: &dyn std::fmt::Display| {
        Error::format(path, format!("is damaged, or is not a model: give the folder of a run, or its model.safetensors ({e})"))
    };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(&e))?;
    let metadata = header.metadata().as_ref().and_then(|m| m.get(key));
    let text = metadata.ok_or_else(|| damaged(&"its description is missing"))?;
    let said: Said = serde_json::from_str(text).map_err(|e| damaged(&e))?;
    check_format(path, said.format)?;
    let parsed = serde_json::from_str(text).map_err(|e| damaged(&e))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(&e))?;
    let mut tensors = HashMap::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(damaged(&format!("`{name}` is not of type f32")));
        }
        tensors.insert(name, bytemuck::pod_collect_to_vec(view.data()));
    }
    Ok((tensors, parsed))
}

/// The model file of a run folder, or the file itself.
fn file_of(path: &Path) -> Result<PathBuf> {
    let file = if path.is_dir() { path.join("model.safetensors") } else { path.to_path_buf() };
    if !file.exists() {
        let hint = if path.join("checkpoint.safetensors").exists() {
            "the run has not finished: resume it"
        } else {
            "give the folder of a run, or a model.safetensors"
        };
        return Err(Error::format(&file, format!("does not exist; {hint}")));
    }
    Ok(file)
}

/// Writes a model file: the averaged weights of a method, or others in their place, and the description.
pub(crate) fn write_model(path: &Path, description: &Description, learner: &dyn Learner, average: Option<&[f32]>) -> Result<()> {
    let parameters = learner.parameters();
    let mut weights = match average {
        Some(flat) => parameters.named(flat),
        None => parameters.averaged()?,
    };
    if let Some(further) = learner.further() {
        weights.extend(further.averaged()?);
    }
    write_tensors(path, &weights, DESCRIPTION, description)
}

impl Model {
    /// A model around what has just been trained.
    pub fn new(gpu: &Gpu, description: Description, learner: Box<dyn Learner>) -> Self {
        Self { gpu: gpu.clone(), description, learner, temperature: 1.0, accurate: true, solved: Mutex::default(), watch: None }
    }

    /// Loads `model.safetensors` from a run folder, or a model file itself.
    ///
    /// # Errors
    /// No such file, a file that is damaged or not a model, or one that names an unknown method.
    pub fn load(gpu: &Gpu, path: impl AsRef<Path>) -> Result<Self> {
        let file = file_of(path.as_ref())?;
        let (description, tensors) = Description::with_tensors(&file)?;
        let numbers = tensors.values().map(Vec::len).sum();
        description.check_weights(numbers).map_err(|problem| Error::format(&file, format!("is damaged: {problem}")))?;
        let learner = description.method.learner(&description.setup(gpu))?;
        let in_file = |e: Error| Error::format(&file, e.to_string());
        for parameters in std::iter::once(learner.parameters()).chain(learner.further()) {
            parameters.load(|name| tensors.get(name).cloned()).map_err(in_file)?;
        }
        Ok(Self::new(gpu, description, learner))
    }

    /// The same map, sampled at a temperature: latents are multiplied by it, so that below 1 rows come from where the model has most of its mass (Kingma & Dhariwal 2018, §6).
    ///
    /// # Errors
    /// A temperature that is not above 0 and finite; a distribution to start from that is that of rows; a solver that adds noise at every step.
    pub fn with_temperature(self, temperature: f32) -> Result<Self> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(Error::usage(format!("the temperature is {temperature}: it must be above 0")));
        }
        let model = Self { temperature, ..self };
        model.check_temperature()?;
        Ok(model)
    }

    /// Refuses a temperature where no noise at the beginning can have it.
    fn check_temperature(&self) -> Result<()> {
        let Some(dynamics) = self.learner.equation().filter(|_| self.temperature != 1.0) else { return Ok(()) };
        if dynamics.starts_from_rows() {
            return Err(Error::usage("a temperature scales the base noise, and this model starts from rows: leave it out"));
        }
        if dynamics.sampling().solver.is_stochastic() {
            return Err(Error::usage(format!(
                "a temperature scales the base noise, and `{}` adds noise at every step: choose another `solver`",
                dynamics.sampling().solver.name()
            )));
        }
        Ok(())
    }

    /// The same map with other settings of its sampling, by keys and values as `sample --set` has them: those of [`Sampling`], of a map between times its steps, and
    /// `denoise`. With a solver, its steps or its grid, densities and inverses are solved by these too.
    ///
    /// # Errors
    /// A method that integrates no equation, an unknown setting, a value that the method refuses.
    pub fn with_values(self, values: &Values) -> Result<Self> {
        let Description { mut method, mut training, .. } = self.description.clone();
        let mut left = values.clone();
        if self.learner.further().is_some()
            && let Some(denoise) = left.take("denoise")
        {
            let mut only = Values::default();
            only.put("denoise", denoise);
            only.apply(&mut [&mut training])?;
        }
        let accurate = self.accurate && !values.keys().any(|key| ["solver", "solver_steps", "grid"].contains(&key));
        let refuse = |left: &Values, keys: &[&str]| match left.keys().next() {
            None => Ok(()),
            Some(key) => {
                Err(Error::usage(format!("there is no sampling setting `{key}`; the sampling settings are: {}", keys.join(", "))))
            }
        };
        match method.drawing() {
            Drawing::Solver(sampling) => {
                sampling.read(&mut left)?;
                refuse(&left, &sampling.keys().iter().map(|key| key.name).collect::<Vec<_>>())?;
            }
            Drawing::Map(steps) => {
                for key in ["map_steps", "solver_steps"] {
                    if let Some(value) = left.take(key) {
                        *steps = crate::settings::read(value)
                            .map_err(|(value, problem)| Error::usage(format!("`map_steps` cannot be {value}: {problem}")))?;
                    }
                }
                refuse(&left, &["map_steps"])?;
            }
            Drawing::Fixed if left.is_empty() => {}
            Drawing::Fixed => return Err(self.draws_in_one_step()),
        }
        self.with_method(method, training, accurate)
    }

    /// The same map, drawn from with other settings. With another solver, number of steps or grid, densities and inverses are solved by these too.
    ///
    /// # Errors
    /// A method that integrates no equation; settings that the method refuses.
    pub fn with_sampling(self, change: impl FnOnce(&mut Sampling)) -> Result<Self> {
        let Description { mut method, training, .. } = self.description.clone();
        let Drawing::Solver(sampling) = method.drawing() else { return Err(self.draws_in_one_step()) };
        let of = |sampling: &Sampling| (sampling.solver, sampling.solver_steps, sampling.grid);
        let before = of(sampling);
        change(sampling);
        let accurate = self.accurate && of(sampling) == before;
        self.with_method(method, training, accurate)
    }

    /// The same map, drawn from in so many steps: of its solver, or of a map between times.
    ///
    /// # Errors
    /// A method that samples in one step; a number out of range.
    pub fn with_steps(self, steps: usize) -> Result<Self> {
        let Description { mut method, training, .. } = self.description.clone();
        let mut accurate = self.accurate;
        match method.drawing() {
            Drawing::Solver(sampling) => (sampling.solver_steps, accurate) = (steps, false),
            Drawing::Map(own) => *own = steps,
            Drawing::Fixed => return Err(self.draws_in_one_step()),
        }
        self.with_method(method, training, accurate)
    }

    fn draws_in_one_step(&self) -> Error {
        Error::usage(format!(
            "sampling settings (`solver`, `steps`, …) are for methods that integrate an equation; `{}` samples in one step: leave them out",
            self.description.method.name()
        ))
    }

    /// The same weights with other settings.
    fn with_method(self, method: Box<dyn Method>, training: Training, accurate: bool) -> Result<Self> {
        method.check()?;
        let description = Description { method, training, ..self.description.clone() };
        let learner = self.learner_of(&description)?;
        let model = Self { description, learner, accurate, ..self };
        model.check_temperature()?;
        Ok(model)
    }

    /// The same model in memory of its own.
    pub(crate) fn copy(&self) -> Result<Self> {
        let (description, learner) = (self.description.clone(), self.learner_of(&self.description)?);
        let solved = Mutex::new(self.solved());
        Ok(Self {
            gpu: self.gpu.clone(),
            description,
            learner,
            temperature: self.temperature,
            accurate: self.accurate,
            solved,
            watch: None,
        })
    }

    /// This map by other settings, with a copy of its weights.
    fn learner_of(&self, description: &Description) -> Result<Box<dyn Learner>> {
        let weights = self.weights()?;
        let learner = description.method.learner(&description.setup(&self.gpu))?;
        for parameters in std::iter::once(learner.parameters()).chain(learner.further()) {
            parameters.load(|name| weights.iter().find(|w| w.0 == name).map(|w| w.3.clone()))?;
        }
        Ok(learner)
    }

    /// The same map; `watch` is told during long work what share of it is done.
    pub fn with_watch(self, watch: impl Fn(f64) + Send + Sync + 'static) -> Self {
        Self { watch: Some(Box::new(watch)), ..self }
    }

    /// Every averaged weight by name.
    fn weights(&self) -> Result<Vec<NamedValues>> {
        let mut weights = self.learner.parameters().averaged()?;
        if let Some(further) = self.learner.further() {
            weights.extend(further.averaged()?);
        }
        Ok(weights)
    }

    /// Writes the averaged weights and the description.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_model(path.as_ref(), &self.description, self.learner.as_ref(), None)
    }

    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The map itself, in the model's own units.
    pub fn learner(&self) -> &dyn Learner {
        self.learner.as_ref()
    }

    /// The same without the model.
    pub(crate) fn into_learner(self) -> Box<dyn Learner> {
        self.learner
    }

    /// Dimension of the latent space.
    pub fn latent(&self) -> usize {
        self.learner.latent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_and_a_device_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Model>();
        shared::<Gpu>();
    }
}
