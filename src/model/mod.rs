//! [`Model`]: a trained map with all that it needs to be used: `model.safetensors`, self-describing.

mod apply;
mod density;
mod format;
mod given;
mod integrate;
mod mixing;
mod sampler;
mod solve;

pub use density::{AWAY, FAR, LogDensity};
pub use format::{FORMAT, check_config};
pub use mixing::Mixing;
pub use sampler::Sampler;
pub use solve::{SMALL, Solved};

use crate::data::{Rounding, Standardization, Table, dequantized, write_atomically};
use crate::gpu::Gpu;
use crate::methods::many_step::Sampling;
use crate::methods::{self, Entry, Method, Setup, Training};
use crate::nn::parameters::NamedValues;
use crate::settings::Settings;
use crate::{Error, Result};
use format::{Formatted, Said, check_format};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The setting of methods that learn maps between two times: the steps in which samples are drawn.
const MAP_STEPS: &str = "map_steps";

/// What a model file says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    pub method: String,
    pub training: Training,
    pub settings: toml::Table,
    /// Those generated, and behind them those given.
    pub columns: Vec<String>,
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
        Ok(read_tensors(&file_of(path.as_ref())?, DESCRIPTION)?.1)
    }

    pub fn entry(&self) -> Result<&'static Entry> {
        methods::find(&self.method)
    }

    /// The columns that are generated, and those that are given.
    pub fn parted(&self) -> (&[String], &[String]) {
        self.columns.split_at(self.columns.len() - self.conditions)
    }

    /// The rows of a table as densities of this model take them: with noise in the columns that it dequantized.
    pub fn dequantized(&self, rows: &Table, seed: u64) -> Table {
        if !self.training.dequantize {
            return rows.clone();
        }
        let generated = self.parted().0.len();
        let whole: Vec<bool> = self.rounding.columns.iter().enumerate().map(|(j, c)| j < generated && c.to_integer).collect();
        dequantized(rows, &whole, seed)
    }

    fn setup<'a>(&'a self, gpu: &'a Gpu) -> Setup<'a> {
        Setup {
            gpu,
            training: &self.training,
            columns: self.columns.len() - self.conditions,
            conditions: self.conditions,
            seed: self.seed,
            data: None,
            teacher: None,
        }
    }
}

/// A trained map on a device.
pub struct Model {
    gpu: Gpu,
    description: Description,
    method: Box<dyn Method>,
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
        Error::format(path, format!("is damaged, or was not written by this version of pushforward: {e}"))
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
pub(crate) fn write_model(path: &Path, description: &Description, method: &dyn Method, average: Option<&[f32]>) -> Result<()> {
    let parameters = method.parameters();
    let mut weights = match average {
        Some(flat) => parameters.named(flat),
        None => parameters.averaged()?,
    };
    if let Some(further) = method.further() {
        weights.extend(further.averaged()?);
    }
    write_tensors(path, &weights, DESCRIPTION, description)
}

impl Model {
    /// A model around a method that has just been trained.
    pub fn new(gpu: &Gpu, description: Description, method: Box<dyn Method>) -> Self {
        Self { gpu: gpu.clone(), description, method, temperature: 1.0, accurate: true, solved: Mutex::default(), watch: None }
    }

    /// Loads `model.safetensors` from a run folder, or a model file itself.
    ///
    /// # Errors
    /// No such file, a file that is damaged or not a model, or one that names an unknown method.
    pub fn load(gpu: &Gpu, path: impl AsRef<Path>) -> Result<Self> {
        let file = file_of(path.as_ref())?;
        let (tensors, description): (_, Description) = read_tensors(&file, DESCRIPTION)?;
        let entry = description.entry()?;
        if description.conditions >= description.columns.len() {
            return Err(Error::format(&file, "is damaged: every column is a conditioning column, and none is generated"));
        }
        let method = entry.build(&description.setup(gpu), &description.settings)?;
        let in_file = |e: Error| Error::format(&file, e.to_string());
        for parameters in std::iter::once(method.parameters()).chain(method.further()) {
            parameters.load(|name| tensors.get(name).cloned()).map_err(in_file)?;
        }
        Ok(Self::new(gpu, description, method))
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
        let Some(dynamics) = self.method.equation().filter(|_| self.temperature != 1.0) else { return Ok(()) };
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

    /// The same map with other settings of its sampling ([`Sampling`]), such as its solver, and `denoise`. With a solver, its steps or its grid, densities
    /// and inverses are solved by these too.
    ///
    /// # Errors
    /// A method that integrates no equation, an unknown setting, a value that the method refuses.
    pub fn with_sampling(self, asked: impl IntoIterator<Item = (String, toml::Value)>) -> Result<Self> {
        let mut description = self.description.clone();
        let mut accurate = self.accurate;
        // Maps between two times take as many steps as are asked for.
        let maps = description.settings.contains_key(MAP_STEPS);
        let entry = description.entry()?;
        let mut table = description.settings.clone();
        for (key, value) in asked {
            if key == "denoise" && self.method.further().is_some() {
                description.training.denoise =
                    value.as_bool().ok_or_else(|| Error::usage(format!("`denoise` is {value}: it must be true or false")))?;
                continue;
            }
            if self.method.equation().is_none() && !maps {
                return Err(Error::usage(format!(
                    "sampling settings (`solver`, `steps`, …) are for methods that integrate an equation; `{}` samples in one step: leave them out",
                    description.method
                )));
            }
            let key = if maps && key == "solver_steps" { MAP_STEPS.to_string() } else { key };
            let keys = Sampling::keys();
            let keys: Vec<&str> = if maps { vec![MAP_STEPS] } else { keys.iter().map(|key| key.name).collect() };
            if !keys.contains(&key.as_str()) {
                return Err(Error::usage(format!(
                    "there is no sampling setting `{key}`; the sampling settings are: {}",
                    keys.join(", ")
                )));
            }
            accurate &= !["solver", "solver_steps", "grid"].contains(&key.as_str());
            table.insert(key, value);
        }
        description.settings = entry.settings(table)?.1;
        let method = self.method_with(&description)?;
        let model = Self { description, method, accurate, ..self };
        model.check_temperature()?;
        Ok(model)
    }

    /// The same model in memory of its own.
    pub(crate) fn copy(&self) -> Result<Self> {
        let (description, method) = (self.description.clone(), self.method_with(&self.description)?);
        let solved = Mutex::new(self.solved());
        Ok(Self {
            gpu: self.gpu.clone(),
            description,
            method,
            temperature: self.temperature,
            accurate: self.accurate,
            solved,
            watch: None,
        })
    }

    /// This map's method with other settings and a copy of its weights.
    fn method_with(&self, description: &Description) -> Result<Box<dyn Method>> {
        let weights = self.weights()?;
        let method = description.entry()?.build(&description.setup(&self.gpu), &description.settings)?;
        for parameters in std::iter::once(method.parameters()).chain(method.further()) {
            parameters.load(|name| weights.iter().find(|w| w.0 == name).map(|w| w.3.clone()))?;
        }
        Ok(method)
    }

    /// The same map; `watch` is told during long work what share of it is done.
    pub fn with_watch(self, watch: impl Fn(f64) + Send + Sync + 'static) -> Self {
        Self { watch: Some(Box::new(watch)), ..self }
    }

    /// Every averaged weight by name.
    fn weights(&self) -> Result<Vec<NamedValues>> {
        let mut weights = self.method.parameters().averaged()?;
        if let Some(further) = self.method.further() {
            weights.extend(further.averaged()?);
        }
        Ok(weights)
    }

    /// Writes the averaged weights and the description.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_model(path.as_ref(), &self.description, self.method.as_ref(), None)
    }

    pub fn description(&self) -> &Description {
        &self.description
    }

    pub fn method(&self) -> &dyn Method {
        self.method.as_ref()
    }

    /// The map itself, in the model's own units.
    pub(crate) fn into_method(self) -> Box<dyn Method> {
        self.method
    }

    /// Dimension of the latent space.
    pub fn latent(&self) -> usize {
        self.method.latent()
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
