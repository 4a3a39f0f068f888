//! [`Model`]: a trained map with all that it needs to be used: `model.safetensors`, self-describing.

use crate::data::{Rounding, Standardisation, Table, write_atomically};
use crate::gpu::{Gpu, Kept, Recorder, Step, Var};
use crate::methods::{self, Entry, Method, Setup, Training};
use crate::nn::Weights;
use crate::{Error, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

/// Rows that one replay pushes: enough to fill a device, small enough for any.
const CHUNK: usize = 16_384;
/// Sampling draws from a counter domain of its own, so that a sample's seed may equal the training's.
const SAMPLE_DOMAIN: u32 = 0x5a3e;

/// What a model file says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    pub method: String,
    pub training: Training,
    pub settings: toml::Table,
    pub columns: Vec<String>,
    pub standardisation: Standardisation,
    pub rounding: Rounding,
    pub seed: u64,
    /// Steps that made the weights.
    pub steps: u64,
    pub version: String,
}

impl Description {
    pub fn entry(&self) -> Result<&'static Entry> {
        methods::find(&self.method)
    }
}

/// A trained map on a device.
pub struct Model {
    gpu: Gpu,
    description: Description,
    method: Box<dyn Method>,
}

/// The key of the description in a file's metadata.
const DESCRIPTION: &str = "pushforward";

/// Writes a safetensors file atomically: named f32 arrays (rows, columns, values) and one JSON text.
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
    let text = serde_json::to_string(metadata).map_err(|e| broken(&e))?;
    let metadata = Some(HashMap::from([(key.to_string(), text)]));
    let bytes = safetensors::serialize(views, metadata).map_err(|e| broken(&e))?;
    write_atomically(path, |file| file.write_all(&bytes))
}

/// A safetensors file's arrays by name, and its JSON text.
pub(crate) fn read_tensors<T: for<'a> Deserialize<'a>>(path: &Path, key: &str) -> Result<(HashMap<String, Vec<f32>>, T)> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let damaged = |e: &dyn std::fmt::Display| Error::format(path, format!("is damaged or not one of ours: {e}"));
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(&e))?;
    let metadata = header.metadata().as_ref().and_then(|m| m.get(key));
    let text = metadata.ok_or_else(|| damaged(&"its description is missing"))?;
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

impl Model {
    /// A model around a method that has just been trained.
    pub fn new(gpu: &Gpu, description: Description, method: Box<dyn Method>) -> Self {
        Self { gpu: gpu.clone(), description, method }
    }

    /// Loads `model.safetensors` from a run folder, or a model file itself.
    ///
    /// # Errors
    /// No such file, a file that is damaged or not a model, or one that names an unknown method.
    pub fn load(gpu: &Gpu, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = if path.is_dir() { path.join("model.safetensors") } else { path.to_path_buf() };
        if !file.exists() {
            let hint = if path.join("checkpoint.safetensors").exists() {
                "the run has not finished: go on with `pushforward train … --resume`"
            } else {
                "give a run folder that `pushforward train` made, or a model.safetensors"
            };
            return Err(Error::format(&file, format!("does not exist; {hint}")));
        }
        let (tensors, description): (_, Description) = read_tensors(&file, DESCRIPTION)?;
        let entry = description.entry()?;
        let (columns, seed) = (description.columns.len(), description.seed);
        let setup = Setup { gpu, training: &description.training, columns, seed, data: None };
        let method = entry.build(&setup, &description.settings)?;
        let in_file = |e: Error| Error::format(&file, e.to_string());
        method.parameters().load(|name| tensors.get(name).cloned()).map_err(in_file)?;
        Ok(Self { gpu: gpu.clone(), description, method })
    }

    /// The same map with another value of a setting that says how it is applied, such as its solver.
    ///
    /// # Errors
    /// A value that the method refuses.
    pub fn with_setting(self, key: &str, value: toml::Value) -> Result<Self> {
        let Self { gpu, mut description, method } = self;
        let entry = description.entry()?;
        let mut table = description.settings.clone();
        table.insert(key.into(), value);
        description.settings = entry.settings(table)?.1;
        let weights = method.parameters().averaged()?;
        let setup = Setup {
            gpu: &gpu,
            training: &description.training,
            columns: description.columns.len(),
            seed: description.seed,
            data: None,
        };
        let method = entry.build(&setup, &description.settings)?;
        method.parameters().load(|name| weights.iter().find(|w| w.0 == name).map(|w| w.3.clone()))?;
        Ok(Self { gpu, description, method })
    }

    /// Writes the averaged weights and the description.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_tensors(path, &self.method.parameters().averaged()?, DESCRIPTION, &self.description)
    }

    pub fn description(&self) -> &Description {
        &self.description
    }

    pub fn method(&self) -> &dyn Method {
        self.method.as_ref()
    }

    /// Dimension of the latent space.
    pub fn latent(&self) -> usize {
        self.method.latent()
    }

    /// `n` new rows in the data's own units. The first rows of a larger sample of the same seed are the same.
    pub fn sample(&self, n: usize, seed: u64) -> Result<Table> {
        let mut rec = Recorder::with_domain(&self.gpu, seed, SAMPLE_DOMAIN)?;
        let z = rec.normal(CHUNK, self.latent())?;
        let (mut step, y) = self.freeze(rec, z)?;
        let cols = self.description.columns.len();
        let mut values = Vec::with_capacity(n * cols);
        while values.len() < n * cols {
            step.replay(1)?;
            values.extend(step.read(y)?);
        }
        values.truncate(n * cols);
        self.finish(values, &format!("a sample of {}", self.description.method))
    }

    /// φ(z) for given latents, in the data's own units.
    ///
    /// # Errors
    /// Latents of another width than the model's.
    pub fn push(&self, latents: &Table) -> Result<Table> {
        if latents.cols() != self.latent() {
            return Err(Error::data(format!(
                "{} has {} columns, and this model's latent space has {}: give one column a latent dimension",
                latents.origin(),
                latents.cols(),
                self.latent()
            )));
        }
        let push = |rec: &mut Recorder, z| self.method.push(rec, z, Weights::Averaged).map(Some);
        let values = self.by_chunks(latents.values(), self.latent(), push)?;
        self.finish(values.unwrap_or_default(), "pushed points")
    }

    /// The latents that the map takes to these rows, in columns z1, z2, …; none where the method has no inverse.
    ///
    /// # Errors
    /// Rows of other columns than the model's; a row that the field takes to infinity.
    pub fn pull(&self, rows: &Table) -> Result<Option<Table>> {
        let values = self.standard(rows)?;
        let pull = |rec: &mut Recorder, x| self.method.pull(rec, x, Weights::Averaged);
        let Some(latents) = self.by_chunks(&values, self.description.columns.len(), pull)? else { return Ok(None) };
        all_finite(&latents, self.latent(), "latent")?;
        Table::new((1..=self.latent()).map(|k| format!("z{k}")), latents).map(Some)
    }

    /// ln of the model's density at each row, in the data's own units; none where the method has no density.
    ///
    /// # Errors
    /// Rows of other columns than the model's; a row that the field takes to infinity.
    pub fn log_density(&self, rows: &Table) -> Result<Option<Vec<f32>>> {
        let values = self.standard(rows)?;
        let density = |rec: &mut Recorder, x| self.method.log_density(rec, x, Weights::Averaged);
        let Some(mut found) = self.by_chunks(&values, self.description.columns.len(), density)? else { return Ok(None) };
        let log_det = self.description.standardisation.log_det();
        found.iter_mut().for_each(|value| *value = (f64::from(*value) + log_det) as f32);
        all_finite(&found, 1, "log-density")?;
        Ok(Some(found))
    }

    /// Rows in the model's units and order of columns.
    fn standard(&self, rows: &Table) -> Result<Vec<f32>> {
        let mut values = rows.align(&self.description.columns)?.values().to_vec();
        self.description.standardisation.apply(&mut values)?;
        Ok(values)
    }

    /// What a recorded map makes of rows, a chunk at a time.
    fn by_chunks(
        &self,
        values: &[f32],
        cols: usize,
        record: impl Fn(&mut Recorder, Var) -> Result<Option<Var>>,
    ) -> Result<Option<Vec<f32>>> {
        let rows = (values.len() / cols).min(CHUNK);
        let input = self.gpu.zeros(rows, cols)?;
        let mut rec = Recorder::with_domain(&self.gpu, 0, SAMPLE_DOMAIN)?;
        let x = rec.tensor(&input);
        let Some(y) = record(&mut rec, x)? else { return Ok(None) };
        let width = y.cols();
        let y = rec.keep(y);
        let mut step = rec.finish()?;
        let mut found = Vec::with_capacity(values.len() / cols * width);
        for chunk in values.chunks(rows * cols) {
            let mut padded = chunk.to_vec();
            padded.resize(rows * cols, 0.0);
            input.write(&padded)?;
            step.replay(1)?;
            found.extend(step.read(y)?.into_iter().take(chunk.len() / cols * width));
        }
        Ok(Some(found))
    }

    fn freeze(&self, mut rec: Recorder, z: Var) -> Result<(Step, Kept)> {
        let y = self.method.push(&mut rec, z, Weights::Averaged)?;
        let y = rec.keep(y);
        Ok((rec.finish()?, y))
    }

    fn finish(&self, mut values: Vec<f32>, origin: &str) -> Result<Table> {
        if let Some(bad) = values.iter().position(|v| !v.is_finite()) {
            let row = bad / self.description.columns.len();
            return Err(Error::data(format!(
                "the model's row {row} is not finite: it was trained on too little or for too short"
            )));
        }
        self.description.standardisation.undo(&mut values)?;
        self.description.rounding.apply(&mut values)?;
        Ok(Table::new(self.description.columns.iter().cloned(), values)?.from_origin(origin))
    }
}

fn all_finite(values: &[f32], cols: usize, what: &str) -> Result<()> {
    match values.iter().position(|v| !v.is_finite()) {
        Some(bad) => Err(Error::data(format!(
            "the {what} of row {} is not finite: the row lies too far from what the model has seen",
            bad / cols
        ))),
        None => Ok(()),
    }
}
