//! Training: from a table to a run folder from which the model can be used, the run resumed, and the result reproduced.
//!
//! A run has three sets of rows ([`Sets`]): training rows, validation rows, which stop training early and choose the step that is kept, and test rows, which
//! nothing touches but the final scores. Where they were split off a small table, the model that is saved is trained again on all rows, for as many steps as
//! were kept (Goodfellow, Bengio & Courville 2016, algorithm 7.2), and the scores are those of the model before.

mod checkpoint;
mod encoded;
mod fixed_sample;
mod folder;
mod lock;
#[cfg(not(feature = "unstable"))]
pub(crate) mod log;
#[cfg(feature = "unstable")]
pub mod log;
mod masks;
mod outside;
mod pace;
mod session;
mod sets;
mod spacing;
mod stage;
mod trainer;
mod validation;

pub use folder::{Folder, Metrics};
pub use sets::{Rows, Sets};
pub use trainer::{Run, Trainer};

/// What the other modules use, and with the feature `unstable` the tests and the other packages.
mod internal {
    pub use super::encoded::{Encoded, TEST as TEST_NOISE, VALIDATION as VALIDATION_NOISE, fitted};
    pub use super::lock::Lock;
    pub use super::outside::MOST as MOST_OUTSIDE;
    pub use super::pace::steps_within;
    pub use super::sets::{MOST_TEST, SMALL, Split};
}
#[cfg(not(feature = "unstable"))]
pub(crate) use internal::*;
#[cfg(feature = "unstable")]
#[doc(hidden)]
pub use internal::*;

use crate::data::{Encoding, LoadOptions, Noise, Rounding, Source, Standardization, Table, Target, dequantized, subset};
use crate::gpu::Gpu;
use crate::methods::many_step::SOURCE_ROWS;
use crate::methods::{Learner, Method, Training};
use crate::model::{Description, Masks, Model};
use crate::words::count;
use crate::{Error, Result};
use checkpoint::Checkpoint;
use fixed_sample::SAMPLE;
use folder::{Opened, State};
use masks::{Masked, VALIDATION_DOMAIN, masked, noise};
use outside::Outside;
use session::Session;
use stage::Stage;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use validation::Validation;

/// How far a run's own units may be from its teacher's, in shares of them: the teacher may have been trained on a part of the rows.
const TEACHER_UNITS: f64 = 0.25;
/// Rows of a source distribution are not those of the data, where both are toy targets and made from the run's seed.
const SOURCE_SEED: u64 = 0x50_0ce5;

/// A run to make or to go on with.
pub struct Job {
    pub method: Box<dyn Method>,
    pub training: Training,
    pub seed: u64,
    /// The data's source as it was asked for, and the file's hash.
    pub source: String,
    pub source_hash: Option<String>,
    pub table: Table,
    /// How the table's columns stand for those of the data, where these are not all numbers.
    pub encoding: Option<Encoding>,
    /// The rows that are split off, where the encoding was fitted to the others.
    pub split: Option<Split>,
    /// How many of the table's last columns are given: the others are learned given them.
    pub conditions: usize,
    /// Validation rows, in place of a share of the table: their source and the rows.
    pub validation: Option<(String, Table)>,
    /// Test rows, in place of a share of the table.
    pub test: Option<(String, Table)>,
    /// The run folder; without one the run is kept in memory alone.
    pub out: Option<PathBuf>,
    pub resume: bool,
    /// The command that made the run.
    pub command: String,
}

impl Job {
    /// The data's own columns, and how many of the last of them are given.
    fn columns(&self) -> (Vec<String>, usize) {
        let Some(encoding) = &self.encoding else { return (self.table.columns().to_vec(), self.conditions) };
        let widths = encoding.widths();
        let mut left = self.conditions;
        let given = widths.iter().rev().take_while(|(_, width)| {
            let taken = left > 0;
            left = left.saturating_sub(*width);
            taken
        });
        let given = given.count();
        (widths.into_iter().map(|(name, _)| name.to_string()).collect(), given)
    }

    /// The spacing of the values of each column of an encoding; 0 of conditions, and where there is none.
    fn encoded_spacings(&self) -> Vec<f64> {
        let none = || vec![0.0; self.table.cols()];
        let mut spacings = self.encoding.as_ref().map_or_else(none, Encoding::spacings);
        spacings[self.table.cols() - self.conditions..].fill(0.0);
        spacings
    }

    /// The spacing of the values of each column that is dequantized, 0 of the others: of generated columns of whole numbers, where that is asked for,
    /// and of an encoding's bits and whole numbers also where the method learns a density, which they have not.
    fn spacings(&self) -> Vec<f64> {
        let generated = self.table.cols() - self.conditions;
        let (asked, is_density) = (self.training.dequantize, self.method.entry().density);
        let spacing = |(j, kind): (usize, &crate::data::ColumnKind)| f64::from(u8::from(asked && j < generated && kind.integer));
        match &self.encoding {
            Some(_) if asked || is_density => self.encoded_spacings(),
            Some(_) => vec![0.0; self.table.cols()],
            None => self.table.kinds().iter().enumerate().map(spacing).collect(),
        }
    }

    /// The noise in the columns that are dequantized. The bits of an encoding stand for categories, of which those next to each other have nothing in common.
    fn noise(&self) -> Noise {
        if self.encoding.is_some() { Noise::Normal } else { Noise::Uniform }
    }

    /// The encoding of the columns, where any of them can be given.
    fn any_given(&self) -> Option<&Encoding> {
        self.encoding.as_ref().filter(|_| self.training.impute)
    }

    /// The same job, whose columns have an encoding where any of them can be given: cells are imputed as they are written in the data.
    fn with_encoding(self) -> Result<Self> {
        if !self.training.impute {
            return Ok(self);
        }
        if self.conditions > 0 {
            return Err(Error::usage(
                "with `impute` = true any columns can be given at sampling: leave out the conditioning columns",
            ));
        }
        let job = match &self.encoding {
            Some(_) => self,
            None => {
                let is_given = [self.validation.is_some(), self.test.is_some()];
                let columns = self.table.columns().to_vec();
                let Encoded { table, encoding, split, .. } =
                    Encoded::of(self.table, 0, (self.method.as_ref(), &self.training), is_given, self.seed)?;
                let further = |set: Option<(String, Table)>, noise: u64| {
                    let encoded = |(source, rows): (String, Table)| {
                        let rows = rows.align(&columns)?;
                        let rows = encoding.as_ref().map_or(Ok(rows.clone()), |own| own.encode(&rows, self.seed ^ noise))?;
                        Ok((source, rows))
                    };
                    set.map(encoded).transpose()
                };
                let (validation, test) = (further(self.validation, VALIDATION_NOISE)?, further(self.test, TEST_NOISE)?);
                Self { table, encoding, split, validation, test, ..self }
            }
        };
        match job.any_given().map(Masks::of) {
            Some(masks) if masks.cells() < 2 => Err(Error::data(format!(
                "{} has one column to learn, which nothing can be given for: leave out `impute`",
                job.table.origin()
            ))),
            _ => Ok(job),
        }
    }

    /// The distribution to learn, where its score is known: by the settings, or as the data's.
    fn target(&self, units: &Standardization) -> Result<Option<Target>> {
        match self.method.target_score() {
            // What is learned with masks is many distributions.
            None if self.training.impute => Ok(None),
            None => Ok(self.source.parse().ok().and_then(|source: Source| Target::of(&source, units))),
            Some(score) => {
                let score: Vec<&str> = score.iter().map(String::as_str).collect();
                Target::given(&score, &self.table, units).map(Some)
            }
        }
    }

    /// The map to learn from, where the settings name one, and its units, which become the run's.
    fn teacher(
        &self,
        gpu: &Gpu,
        columns: &[String],
        units: &Standardization,
    ) -> Result<Option<(Arc<dyn Learner>, Standardization)>> {
        let Some(run) = self.method.teacher() else { return Ok(None) };
        let model = Model::load(gpu, run)?;
        let Description { columns: of_teacher, standardization, training, .. } = model.description().clone();
        if training.impute != self.training.impute {
            return Err(Error::usage(format!(
                "`impute` is {}, and the teacher {run} was trained with {}: use the same",
                self.training.impute, training.impute
            )));
        }
        let pairs = units.mean.iter().zip(&units.scale).zip(standardization.mean.iter().zip(&standardization.scale));
        let near = |((m, s), (n, t)): ((&f64, &f64), (&f64, &f64))| (m - n).abs().max((s - t).abs()) <= TEACHER_UNITS * s;
        if of_teacher != columns || !pairs.into_iter().all(near) {
            return Err(Error::data(format!(
                "the teacher {run} was trained on other data ({}): use the same data",
                of_teacher.join(", ")
            )));
        }
        Ok(Some((model.into_learner().into(), standardization)))
    }

    /// Rows of the distribution to start from, where the settings name one, in these units: as many as a model keeps, drawn at random by the run's seed, or all of
    /// them in turn where they are fewer.
    fn source_distribution(&self, data: &Table, units: &Standardization) -> Result<Option<Vec<f32>>> {
        let Some(text) = self.method.source() else { return Ok(None) };
        if self.conditions > 0 || self.training.impute {
            // No flow is built from both, and says so.
            return Ok(None);
        }
        let source: Source = text.parse()?;
        let (seed, options) = (self.seed ^ SOURCE_SEED, LoadOptions::default());
        let rows = match &self.encoding {
            None => source.load(seed, &options)?.align(data.columns())?,
            Some(encoding) => encoding.encode(&source.load_typed(seed, &options, &encoding.reading())?, seed)?,
        };
        let rows = subset(&rows, SOURCE_ROWS, self.seed);
        let values: Vec<f64> = (0..SOURCE_ROWS).flat_map(|i| rows.row(i % rows.rows())).copied().collect();
        units.apply(&values).map(Some)
    }
}

/// Where a run stands.
#[derive(Clone, Debug)]
pub struct Status {
    pub step: u64,
    pub steps: u64,
    pub loss: Option<f32>,
    /// The validation loss last measured, and the best so far.
    pub validation: Option<(f32, f32)>,
    /// The share of samples outside three times the range of the training rows.
    pub outside: f32,
    pub rows_per_second: f64,
    pub seconds: f64,
}

impl Outcome {
    /// The model that validation and test rows may score: it was trained on none of them.
    pub fn scored(&self) -> &Model {
        self.before_refit.as_ref().unwrap_or(&self.model)
    }
}

/// Who watches a run.
pub trait Progress {
    fn message(&mut self, text: &str);
    fn update(&mut self, status: &Status);
}

/// What a finished run leaves.
pub struct Outcome {
    pub model: Model,
    /// Where `model` was trained again on all rows: the one of the training rows alone.
    pub before_refit: Option<Model>,
    pub folder: Option<Folder>,
    pub metrics: Metrics,
    /// Steps made on the training rows alone, and the step whose weights were kept.
    pub steps: u64,
    pub kept: u64,
    pub stopped_early: bool,
    pub seconds: f64,
    pub sets: Sets,
    /// The share of samples outside three times the range of the training rows, of the model that is saved; none where rows only say where to start.
    pub outside: Option<f32>,
    /// The distribution to learn, where its score is known.
    pub target: Option<Target>,
}

/// Trains, from the start or from the last checkpoint.
///
/// # Errors
/// Data that cannot be learned from; a folder that holds another run; a loss that is not finite
/// ([`Error::NonFinite`]: the last good checkpoint stays); `stop` raised ([`Error::Interrupted`]: a checkpoint is written).
pub fn train(gpu: &Gpu, job: Job, progress: &mut dyn Progress, stop: &AtomicBool) -> Result<Outcome> {
    Making::prepare(gpu, job)?.finish(progress, stop)
}

/// Trains on every row of the job's table for so many of its steps, whatever its folder: what a run that was made on a part of them does in the end.
///
/// # Errors
/// As [`train`], but nothing stays.
pub fn refit(gpu: &Gpu, job: Job, steps: u64, progress: &mut dyn Progress, stop: &AtomicBool) -> Result<Model> {
    let training = Training { test_fraction: Some(0.0), validation_fraction: Some(0.0), ..job.training };
    let job = Job { out: None, resume: false, validation: None, test: None, split: None, training, ..job };
    let Making { job, opened, mut stage, .. } = Making::prepare(gpu, job)?;
    let mut session = Session::new(Checkpoint::start(), opened.folder.as_ref(), &job.training, progress, stop)?;
    session.run(&mut stage, steps, None, None)?;
    Ok(model(gpu, &job, stage, steps))
}

struct Making {
    gpu: Gpu,
    job: Job,
    opened: Opened,
    sets: Sets,
    stage: Stage,
    validation: Option<Validation>,
    outside: Option<Outside>,
}

impl Making {
    fn prepare(gpu: &Gpu, job: Job) -> Result<Self> {
        let job = job.with_encoding()?;
        job.table.check_trainable()?;
        let sets = Sets::of(&job)?;
        let stage = Stage::new(gpu, &job, sets.train.clone())?;
        let validation = match &sets.validation {
            Some(Rows { rows, .. }) => {
                let standard = stage.standard(&dequantized(rows, &job.spacings(), job.noise(), job.seed))?;
                let generated = rows.cols() - job.conditions;
                let log_det = stage.standardization.log_det_of(generated);
                let mut set = Masked { values: standard, weights: rows.weights().map(<[f32]>::to_vec) };
                let mut given = job.conditions;
                if let Some(encoding) = job.any_given() {
                    // A sample of the validation loss has a mask of its own.
                    let copies = SAMPLE.div_ceil(rows.rows());
                    given = Masks::of(encoding).conditions();
                    let noise = noise(gpu, stage.learner.as_ref(), generated + given)?;
                    set = masked(encoding, (rows, &set.values), copies, noise, job.seed ^ VALIDATION_DOMAIN)?;
                }
                let Masked { values, weights } = &set;
                let columns = (generated, given);
                Some(Validation::new(gpu, stage.learner.as_ref(), values, columns, weights.as_deref(), log_det, job.seed)?)
            }
            None => None,
        };
        let drawn = validation.as_ref().is_some_and(Validation::draws);
        let outside = outside_of(gpu, &job, &stage, drawn)?;
        let opened = Folder::open(&job, gpu, &sets, stage.median_distance)?;
        Ok(Self { gpu: gpu.clone(), job, opened, sets, stage, validation, outside })
    }

    /// Where the run stands: at its start, or at the checkpoint that it goes on from.
    fn stands(&self) -> Result<(Checkpoint, Option<State>)> {
        if !self.job.resume {
            return Ok((Checkpoint::start(), None));
        }
        let Some(folder) = &self.opened.folder else { return Ok((Checkpoint::start(), None)) };
        let (at, state) = folder.load_checkpoint()?;
        let Some(fewer) = self.opened.fewer else { return Ok((at, Some(state))) };
        let refuse = |why: &str| {
            Err(Error::usage(format!(
                "`steps` is {}, and {} was made with {fewer}: {why}; start a new run in another folder",
                self.job.training.steps,
                folder.path().display()
            )))
        };
        if self.stage.plan.is_fed() {
            return refuse("what this method prepares depends on the number of steps");
        }
        let (mut at, state) = match at.searched {
            None => (at, state),
            Some(_) => folder.load_search()?,
        };
        // Who asks for more steps wants them made.
        (at.stopped_early, at.stale) = (false, 0);
        self.opened.write_config()?;
        Ok((at, Some(state)))
    }

    fn finish(mut self, progress: &mut dyn Progress, stop: &AtomicBool) -> Result<Outcome> {
        let steps = u64::from(self.job.training.steps);
        let (at, mut state) = self.stands()?;
        let folder = self.opened.folder.clone();
        let mut session = Session::new(at, folder.as_ref(), &self.job.training, progress, stop)?;
        if session.at.searched.is_none() {
            if let Some(state) = state.take() {
                state.restore(self.stage.learner.as_ref())?;
                self.stage.plan.set_count(session.at.step)?;
                let further = match self.opened.fewer {
                    Some(fewer) => format!(" ({fewer} before); the learning rate follows the schedule of all {steps}"),
                    None => String::new(),
                };
                session.progress.message(&format!("resuming from step {} of {steps}{further}", session.at.step));
            }
            session.leave_models(Some(description(&self.job, &self.stage, 0)));
            session.run(&mut self.stage, steps, self.validation.as_mut(), self.outside.as_mut())?;
            session.leave_models(None);
        }
        let kept = match session.at.kept() {
            Some(best) => {
                self.stage.learner.parameters().average().write(&best.average)?;
                best.step
            }
            None => session.at.searched.unwrap_or(session.at.step),
        };
        let mut outside = match &mut self.outside {
            Some(outside) => Some(outside.measure_now(self.validation.as_mut())?),
            None => None,
        };
        let mut again = None;
        if self.sets.refits(&self.job) {
            let mut stage = Stage::new(&self.gpu, &self.job, self.job.table.clone())?;
            let rows = count(self.job.table.rows(), "row");
            let mut message = match kept {
                0 => format!("refitting on all {rows} without training: no step was better than the initial model"),
                _ => format!("refitting on all {rows}, for the {} kept", count(kept as usize, "step")),
            };
            match state {
                Some(state) => {
                    state.restore(stage.learner.as_ref())?;
                    stage.plan.set_count(session.at.step)?;
                    message += &format!(": resuming from step {}", session.at.step);
                }
                None => {
                    folder.as_ref().map_or(Ok(()), Folder::keep_search)?;
                    session.at.searched = Some(session.at.step);
                    session.at.step = 0;
                }
            }
            session.progress.message(&message);
            session.run(&mut stage, kept, None, None)?;
            let share = match outside_of(&self.gpu, &self.job, &stage, false)? {
                Some(mut outside) => Some(outside.measure(None)?),
                None => None,
            };
            if share > outside && share.is_some_and(|share| share > MOST_OUTSIDE) {
                session
                    .progress
                    .message("samples of the refitted model leave the range of the data: the model before the refit is kept");
            } else {
                outside = share;
                again = Some(stage);
            }
        }
        let Session { at, metrics, .. } = session;
        let target = self.stage.target.clone();
        let first = model(&self.gpu, &self.job, self.stage, kept);
        let (model, before_refit) = match again {
            Some(stage) => (model(&self.gpu, &self.job, stage, kept), Some(first)),
            None => (first, None),
        };
        if let Some(folder) = &folder {
            model.save(folder.model())?;
        }
        Ok(Outcome {
            model,
            before_refit,
            folder,
            metrics,
            steps: at.searched.unwrap_or(at.step),
            kept,
            stopped_early: at.stopped_early,
            seconds: at.seconds,
            sets: self.sets,
            outside,
            target,
        })
    }
}

/// Where samples of a stage are watched; nowhere if its rows only say where to start.
fn outside_of(gpu: &Gpu, job: &Job, stage: &Stage, drawn: bool) -> Result<Option<Outside>> {
    // An encoding keeps samples within the bounds of the data.
    if job.method.target_score().is_some() || job.encoding.is_some() {
        return Ok(None);
    }
    let columns = (stage.train.cols() - job.conditions, job.conditions);
    Outside::new(gpu, stage.learner.as_ref(), &stage.standard(&stage.train)?, columns, drawn, job.seed).map(Some)
}

fn description(job: &Job, stage: &Stage, steps: u64) -> Description {
    // An encoding rounds and clamps in the data's own columns.
    let whole = (job.training.round || job.training.dequantize) && job.encoding.is_none();
    let mut rounding = Rounding::of(&stage.train, whole, job.training.clamp && job.encoding.is_none());
    let kinds = job.table.kinds().iter();
    rounding.columns.iter_mut().zip(kinds).for_each(|(rule, kind)| rule.to_integer &= kind.integer);
    Description {
        method: job.method.clone(),
        training: job.training.clone(),
        columns: stage.train.columns().to_vec(),
        encoding: job.encoding.clone(),
        dequantized: job.spacings(),
        conditions: job.conditions,
        condition_ranges: job.table.kinds()[job.table.cols() - job.conditions..]
            .iter()
            .map(|kind| (kind.min, kind.max))
            .collect(),
        rounding,
        standardization: stage.standardization.clone(),
        seed: job.seed,
        steps,
        version: env!("CARGO_PKG_VERSION").into(),
        unfinished: None,
    }
}

fn model(gpu: &Gpu, job: &Job, stage: Stage, kept: u64) -> Model {
    Model::new(gpu, description(job, &stage, kept), stage.learner)
}
