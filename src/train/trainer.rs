//! [`Trainer`]: trains a method on a table, from a program.
//!
//! ```
//! use pushforward::prelude::*;
//!
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let data = Table::read("toy:moons:1000")?;
//! let run = Trainer::new(Energy::default()).steps(20).batch_size(128).hidden_layers(2).seed(1).fit(&gpu, &data)?;
//! let samples = run.model.sampler().seed(2).draw(500)?;
//! assert_eq!((samples.rows(), samples.columns()), (500, data.columns()));
//! # Ok(())
//! # }
//! ```

use super::encoded::{Encoded, VALIDATION};
use super::{Job, Metrics, Outcome, Progress, Status, train};
use crate::data::Table;
use crate::gpu::Gpu;
use crate::methods::{self, Method, Training};
use crate::model::Model;
use crate::settings::Settings as _;
use crate::words::count;
use crate::{Error, Result};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// What a training leaves.
pub struct Run {
    /// The trained model: of the best step by the validation loss, trained again on all rows where rows were split off a small table.
    pub model: Model,
    /// Where `model` was trained again on all rows: the model before, which validation rows may still judge.
    pub before_refit: Option<Model>,
    /// What was measured during the training: `run.metrics.series("loss")`.
    pub metrics: Metrics,
    /// Steps that were made.
    pub steps: u64,
    /// The step whose weights were kept.
    pub kept: u64,
    /// Whether the validation loss stopped the training before its last step.
    pub stopped_early: bool,
    /// Seconds of training.
    pub seconds: f64,
    /// The share of samples that lie outside three times the range of the training rows; above 0.001 the model leaks.
    pub outside_range: Option<f32>,
    /// The validation rows that the training split off, or was given.
    pub validation: Option<Table>,
}

/// Trains a method on a table.
///
/// Settings that are not given have the method's defaults; [`Trainer::fit`] checks them all.
pub struct Trainer<'a> {
    method: Box<dyn Method>,
    training: Training,
    seed: u64,
    condition: Vec<String>,
    validation: Option<Table>,
    folder: Option<PathBuf>,
    resume: bool,
    progress: Box<dyn FnMut(&Status) + 'a>,
    message: Box<dyn FnMut(&str) + 'a>,
    cancel: Option<&'a AtomicBool>,
}

impl<'a> Trainer<'a> {
    /// Trains this method, with its settings: a struct such as [`FlowMatching`](crate::methods::FlowMatching), or the box of
    /// [`methods::by_name`].
    pub fn new(method: impl Method) -> Self {
        // Whoever calls this has their own test rows, or wants none.
        let training = Training { test_fraction: Some(0.0), ..method.training() };
        Self {
            method: method.boxed(),
            training,
            seed: 0,
            condition: Vec::new(),
            validation: None,
            folder: None,
            resume: false,
            progress: Box::new(|_| {}),
            message: Box::new(|_| {}),
            cancel: None,
        }
    }

    /// Training steps.
    pub fn steps(self, steps: u32) -> Self {
        self.training(|training| training.steps = steps)
    }

    /// Rows of the data in one training step.
    pub fn batch_size(self, rows: usize) -> Self {
        self.training(|training| training.batch_size = rows)
    }

    /// Learning rate, at its highest.
    pub fn learning_rate(self, rate: f32) -> Self {
        self.training(|training| training.learning_rate = rate)
    }

    /// Width of the hidden layers.
    pub fn hidden_width(self, width: usize) -> Self {
        self.training(|training| training.hidden_width = width)
    }

    /// Number of hidden layers.
    pub fn hidden_layers(self, layers: usize) -> Self {
        self.training(|training| training.hidden_layers = layers)
    }

    /// Changes any other of the settings that methods share, such as `|training| training.ema = 0.99`; at first they are the method's own defaults.
    pub fn training(mut self, change: impl FnOnce(&mut Training)) -> Self {
        change(&mut self.training);
        self
    }

    /// Seed of everything random; 0 unless set.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Conditioning columns: the others are learned given these.
    pub fn condition<N: Into<String>>(self, columns: impl IntoIterator<Item = N>) -> Self {
        Self { condition: columns.into_iter().map(Into::into).collect(), ..self }
    }

    /// Validation rows, in place of a share that is split off. They stop the training early and choose the step that is kept.
    pub fn validation(self, rows: Table) -> Self {
        Self { validation: Some(rows), ..self }
    }

    /// Keeps checkpoints, metrics and the model in this folder. Without one the training writes nothing to the disk.
    pub fn folder(self, path: impl Into<PathBuf>) -> Self {
        Self { folder: Some(path.into()), ..self }
    }

    /// Goes on from the folder's last checkpoint, bit for bit as if the training had not stopped.
    pub fn resume(self) -> Self {
        Self { resume: true, ..self }
    }

    /// Calls `progress` about ten times a second.
    pub fn on_progress(self, progress: impl FnMut(&Status) + 'a) -> Self {
        Self { progress: Box::new(progress), ..self }
    }

    /// Calls `message` with what a person should know, in sentences.
    pub fn on_message(self, message: impl FnMut(&str) + 'a) -> Self {
        Self { message: Box::new(message), ..self }
    }

    /// Stops the training when `flag` becomes true: [`Trainer::fit`] then returns [`Error::Interrupted`], and a folder keeps a checkpoint.
    pub fn cancel(self, flag: &'a AtomicBool) -> Self {
        Self { cancel: Some(flag), ..self }
    }

    /// Trains on the rows of a table.
    ///
    /// # Errors
    /// Settings out of range, by their keys; data that cannot be learned from; a loss that is not finite ([`Error::NonFinite`]); a
    /// cancelled training ([`Error::Interrupted`]).
    pub fn fit(self, gpu: &Gpu, data: &Table) -> Result<Run> {
        let Self { method, training, seed, condition, validation, folder, resume, progress, message, cancel } = self;
        methods::register(method.as_ref())?;
        if resume && folder.is_none() {
            return Err(Error::usage(
                "a training without a folder leaves nothing to resume: give the folder that it was made in",
            ));
        }
        training.check()?;
        method.check()?;
        let table = conditions_last(data, &condition)?;
        let mut validation = match validation {
            Some(rows) => Some((rows.origin().to_string(), rows.align(table.columns())?)),
            None => None,
        };
        let settings = (method.as_ref(), &training);
        let Encoded { table, encoding, conditions, split } =
            Encoded::of(table, condition.len(), settings, [validation.is_some(), false], seed)?;
        if let (Some(encoding), Some((_, rows))) = (&encoding, &mut validation) {
            *rows = encoding.encode(rows, seed ^ VALIDATION)?;
        }
        let job = Job {
            method,
            training,
            seed,
            source: data.origin().to_string(),
            source_hash: None,
            conditions,
            table,
            encoding,
            split,
            validation,
            test: None,
            out: folder,
            resume,
            command: String::new(),
        };
        let never = AtomicBool::new(false);
        let outcome = train(gpu, job, &mut Callbacks { progress, message }, cancel.unwrap_or(&never))?;
        let Outcome { model, before_refit, metrics, steps, kept, stopped_early, seconds, outside, sets, .. } = outcome;
        let validation = match (sets.validation, &model.description().encoding) {
            (Some(set), Some(encoding)) => Some(encoding.decode(&set.rows, seed)?),
            (set, _) => set.map(|set| set.rows),
        };
        Ok(Run { model, before_refit, metrics, steps, kept, stopped_early, seconds, outside_range: outside, validation })
    }
}

/// Both callbacks as the training loop calls them.
struct Callbacks<'a> {
    progress: Box<dyn FnMut(&Status) + 'a>,
    message: Box<dyn FnMut(&str) + 'a>,
}

impl Progress for Callbacks<'_> {
    fn message(&mut self, text: &str) {
        (self.message)(text);
    }

    fn update(&mut self, status: &Status) {
        (self.progress)(status);
    }
}

/// The table with its conditioning columns behind the others.
fn conditions_last(data: &Table, condition: &[String]) -> Result<Table> {
    if condition.is_empty() {
        return Ok(data.clone());
    }
    let at = condition.iter().map(|name| data.index_of(name)).collect::<Result<Vec<usize>>>()?;
    let learned: Vec<usize> = (0..data.cols()).filter(|column| !at.contains(column)).collect();
    if learned.is_empty() || learned.len() + at.len() != data.cols() {
        let problem = "name each once, and leave one to learn";
        return Err(Error::data(format!("{} of {}: {problem}", count(at.len(), "conditioning column"), data.cols())));
    }
    Ok(data.select_columns(&[learned, at].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;
    use crate::methods::Energy;

    #[test]
    fn a_training_without_a_folder_writes_nothing_and_has_its_losses() {
        let gpu = Gpu::open("auto").unwrap();
        let data = Table::read("toy:moons:200").unwrap();
        let run = Trainer::new(Energy::default()).steps(4).batch_size(32).hidden_layers(1).fit(&gpu, &data).unwrap();
        let losses = run.metrics.series("loss");
        assert_eq!(losses.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0]);
        assert!(losses.iter().all(|(_, loss)| loss.is_finite()));
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("run");
        let energy = || Trainer::new(Energy::default()).steps(4).batch_size(32).hidden_layers(1);
        let on_disk = energy().folder(&kept).fit(&gpu, &data).unwrap();
        assert!(kept.join("checkpoint.safetensors").exists());
        assert_eq!(on_disk.model.sample(10, 1).unwrap(), run.model.sample(10, 1).unwrap());
    }

    #[test]
    fn typed_columns_are_learned_and_drawn() {
        let gpu = Gpu::open("auto").unwrap();
        let codes: Vec<u32> = (0..120).map(|i| i * i % 3).collect();
        let ages = (0..120).map(|i| i64::from(i * 7 % 60)).collect();
        let data = Table::from_columns([
            Column::categories("city", codes.clone(), ["Aarau", "Bern", "Chur"]).unwrap(),
            Column::integers("age", ages).with_missing((0..120).map(|i| i % 5 == 0).collect()).unwrap(),
        ])
        .unwrap();
        let (train, test) = data.split(0.25, 0).unwrap();
        let trainer = Trainer::new(Energy::default()).steps(5).batch_size(32).hidden_layers(1);
        let run = trainer.condition(["city"]).validation(test.clone()).fit(&gpu, &train).unwrap();
        assert_eq!(run.validation.unwrap().levels(1), test.levels(0));
        let given = Table::from_columns([Column::categories("city", vec![2, 0], ["Aarau", "Bern", "Chur"]).unwrap()]).unwrap();
        let samples = run.model.sampler().given(given).seed(1).draw(10).unwrap();
        assert_eq!((samples.rows(), samples.columns()), (20, &["age".to_string(), "city".to_string()][..]));
        assert!((0..20).all(|row| samples.row(row)[1] == if row < 10 { 2.0 } else { 0.0 }));
        let ages = samples.integers(0).unwrap();
        assert!(ages.iter().zip(0..).all(|(age, row)| samples.missing(0).is_some_and(|m| m[row]) || (0..60).contains(age)));
        let scores = crate::metrics::evaluate(&gpu, &test, &samples).unwrap();
        assert!(scores.by_column.iter().any(|column| column.column == "city" && column.is_categorical()));
    }

    #[test]
    fn mistakes_are_told_before_any_step() {
        let gpu = Gpu::open("auto").unwrap();
        let data = Table::read("toy:moons:50").unwrap();
        let energy = || Trainer::new(Energy::default());
        let told = |trainer: Trainer| trainer.fit(&gpu, &data).err().map_or(String::new(), |e| e.to_string());
        assert!(told(energy().resume()).contains("give the folder"));
        assert!(
            told(Trainer::new(Energy { beta: 2.0, ..Energy::default() })).contains("`beta` is 2: it must be above 0 and below 2")
        );
        assert!(told(energy().steps(0)).contains("`steps` is 0"));
        assert!(told(energy().condition(["z"])).contains("no column `z`"));
        assert!(told(energy().condition(["x", "y"])).contains("leave one to learn"));
        assert!(methods::by_name("enrgy").err().is_some_and(|e| e.to_string().contains("did you mean `energy`?")));
    }
}
