//! Training: from a table to a run folder from which the model can be used, the run resumed, and the result reproduced.
//!
//! Where rows of the table are held out, they say for how many steps to train, and then all rows are trained on anew for as many
//! (Goodfellow, Bengio & Courville 2016, algorithm 7.2): a fifth of the rows is worth more to the model than to its judge.

mod checkpoint;
mod folder;
mod held_out;
pub mod log;
mod pace;
mod session;
mod stage;

pub use folder::{Folder, Metrics};
pub use pace::steps_within;

use crate::data::{LoadOptions, Rounding, Source, Standardisation, Table, Target, dequantised, split};
use crate::gpu::Gpu;
use crate::methods::many_step::{SOURCE_ROWS, given_source};
use crate::methods::{self, Entry, Method, Training, given_teacher};
use crate::model::{Description, Model};
use crate::{Error, Result};
use checkpoint::Checkpoint;
use held_out::HeldOut;
use session::Session;
use stage::Stage;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

/// Rows below which a share is held out by default.
const SMALL: usize = 5_000;
const SMALL_SHARE: f64 = 0.2;
/// Rows of a source law are not those of the data, where both are toy targets and made from the run's seed.
const SOURCE_SEED: u64 = 0x50_0ce5;

/// A run to make or to go on with.
pub struct Job {
    pub entry: &'static Entry,
    pub training: Training,
    pub settings: toml::Table,
    pub seed: u64,
    /// The data's source as it was asked for, and the file's hash.
    pub source: String,
    pub source_hash: Option<String>,
    pub table: Table,
    /// How many of the table's last columns are given: the others are learned given them.
    pub conditions: usize,
    /// Rows to stop on instead of a held-out share: their source and the rows.
    pub test: Option<(String, Table)>,
    pub out: PathBuf,
    pub resume: bool,
    /// The command that made the run.
    pub command: String,
}

impl Job {
    /// Which columns are dequantised: those of whole numbers that are generated, where that is asked for.
    fn whole_columns(&self) -> Vec<bool> {
        let generated = self.table.cols() - self.conditions;
        let whole = |(j, kind): (usize, &crate::data::ColumnKind)| self.training.dequantise && j < generated && kind.integer;
        self.table.kinds().iter().enumerate().map(whole).collect()
    }

    /// The law to learn, where its score is known: by the settings, or as the data's.
    fn target(&self, units: &Standardisation) -> Result<Option<Target>> {
        match methods::given_score(&self.settings) {
            score if score.is_empty() => Ok(self.source.parse().ok().and_then(|source: Source| Target::of(&source, units))),
            score => Target::given(&score, &self.table, units).map(Some),
        }
    }

    /// The map to learn from, where the settings name one: its units must be the run's.
    fn teacher(&self, gpu: &Gpu, columns: &[String], units: &Standardisation) -> Result<Option<Rc<dyn Method>>> {
        let Some(run) = given_teacher(&self.settings) else { return Ok(None) };
        let model = Model::load(gpu, run)?;
        let description = model.description();
        if description.columns != columns || !description.standardisation.is_near(units) {
            return Err(Error::data(format!(
                "the teacher {run} was trained on other rows ({}): give --data and --test as they were for it, and held_out = 0",
                description.columns.join(", ")
            )));
        }
        Ok(Some(model.into_method().into()))
    }

    /// Rows of the law to start from, where the settings name one, in these units: as many as a model keeps, evenly from all, or all of
    /// them in turn where they are fewer.
    fn source_law(&self, data: &Table, units: &Standardisation) -> Result<Option<Vec<f32>>> {
        let Some(text) = given_source(&self.settings) else { return Ok(None) };
        if self.conditions > 0 {
            // No flow is built from both, and says so.
            return Ok(None);
        }
        let source: Source = text.parse()?;
        let rows = source.load(self.seed ^ SOURCE_SEED, &LoadOptions::default())?.align(data.columns())?;
        let all = rows.rows();
        let mut values = Vec::with_capacity(SOURCE_ROWS * rows.cols());
        for i in 0..SOURCE_ROWS {
            values.extend_from_slice(rows.row(if all < SOURCE_ROWS { i % all } else { i * all / SOURCE_ROWS }));
        }
        units.apply(&values).map(Some)
    }
}

/// Where a run stands.
#[derive(Clone, Debug)]
pub struct Status {
    pub step: u64,
    pub steps: u64,
    pub loss: Option<f32>,
    /// The held-out statistic last measured, and the best so far.
    pub held_out: Option<(f32, f32)>,
    pub rows_per_second: f64,
    pub seconds: f64,
}

impl Outcome {
    /// The model that `test` may judge: none of those rows was seen.
    pub fn judged(&self) -> &Model {
        self.judged.as_ref().unwrap_or(&self.model)
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
    /// Where `model` was trained anew on all rows: the one of the training rows alone, which the held-out rows can judge.
    pub judged: Option<Model>,
    pub folder: Folder,
    pub metrics: Metrics,
    /// Steps made while rows were held out, and the step whose weights were kept.
    pub steps: u64,
    pub kept: u64,
    pub stopped_early: bool,
    pub seconds: f64,
    /// The rows that were trained on and those held out, in the data's own units.
    pub train: Table,
    pub test: Option<Table>,
    /// The law to learn, where its score is known.
    pub target: Option<Target>,
}

/// Trains, from the start or from the last checkpoint.
///
/// # Errors
/// Data that cannot be learned from; a folder that holds another run; a loss that is not finite
/// ([`Error::NonFinite`]: the last good checkpoint stays); `stop` raised ([`Error::Interrupted`]: a checkpoint is written).
pub fn train(gpu: &Gpu, job: Job, progress: &mut dyn Progress, stop: &AtomicBool) -> Result<Outcome> {
    Run::prepare(gpu, job)?.finish(progress, stop)
}

struct Run {
    gpu: Gpu,
    job: Job,
    folder: Folder,
    test: Option<Table>,
    stage: Stage,
    held_out: Option<HeldOut>,
}

impl Run {
    fn prepare(gpu: &Gpu, job: Job) -> Result<Self> {
        job.table.check_trainable()?;
        let (train, test) = match &job.test {
            Some((_, test)) => (job.table.clone(), Some(test.align(job.table.columns())?)),
            None => {
                let share = match job.training.held_out {
                    // Rows that only say where to start are not what to stop by.
                    s if s < 0.0 && !methods::given_score(&job.settings).is_empty() => 0.0,
                    s if s < 0.0 && job.table.rows() < SMALL => SMALL_SHARE,
                    s => f64::from(s.max(0.0)),
                };
                // A handful of rows can spare none.
                if share > 0.0 && job.table.rows() >= 10 {
                    let (train, test) = split(&job.table, share, job.seed)?;
                    (train, Some(test))
                } else {
                    (job.table.clone(), None)
                }
            }
        };
        let stage = Stage::new(gpu, &job, train)?;
        let held_out = match &test {
            Some(test) => {
                let rows = stage.standard(&dequantised(test, &job.whole_columns(), job.seed))?;
                let generated = test.cols() - job.conditions;
                let log_det = stage.standardisation.log_det_of(generated);
                Some(HeldOut::new(gpu, stage.method.as_ref(), &rows, (generated, job.conditions), test.weights(), log_det)?)
            }
            None => None,
        };
        let folder = Folder::open(&job, gpu, stage.median_distance)?;
        Ok(Self { gpu: gpu.clone(), job, folder, test, stage, held_out })
    }

    fn finish(mut self, progress: &mut dyn Progress, stop: &AtomicBool) -> Result<Outcome> {
        let steps = u64::from(self.job.training.steps);
        let (at, mut state) = match self.job.resume {
            true => self.folder.load_checkpoint().map(|(at, state)| (at, Some(state)))?,
            false => (Checkpoint::start(), None),
        };
        let mut session = Session::new(at, &self.folder, &self.job.training, progress, stop)?;
        if session.at.searched.is_none() {
            if let Some(state) = state.take() {
                state.restore(self.stage.method.as_ref())?;
                self.stage.plan.set_count(session.at.step)?;
                session.progress.message(&format!("going on from step {} of {steps}", session.at.step));
            }
            session.run(&mut self.stage, steps, self.held_out.as_mut())?;
        }
        let kept = match &session.at.best {
            Some(best) => {
                self.stage.method.parameters().average().write(&best.average)?;
                best.step
            }
            None => session.at.step,
        };
        let mut again = None;
        if self.job.test.is_none() && self.test.is_some() && self.job.training.refit {
            let mut stage = Stage::new(&self.gpu, &self.job, self.job.table.clone())?;
            let mut message = format!("training anew on all {} rows, for the {kept} steps kept", self.job.table.rows());
            match state {
                Some(state) => {
                    state.restore(stage.method.as_ref())?;
                    stage.plan.set_count(session.at.step)?;
                    message += &format!(": going on from step {}", session.at.step);
                }
                None => {
                    session.at.searched = Some(session.at.step);
                    session.at.step = 0;
                }
            }
            session.progress.message(&message);
            session.run(&mut stage, kept, None)?;
            again = Some(stage);
        }
        let Session { at, metrics, .. } = session;
        let (train, target) = (self.stage.train.clone(), self.stage.target.clone());
        let first = model(&self.gpu, &self.job, self.stage, kept);
        let (model, judged) = match again {
            Some(stage) => (model(&self.gpu, &self.job, stage, kept), Some(first)),
            None => (first, None),
        };
        model.save(&self.folder.model())?;
        Ok(Outcome {
            model,
            judged,
            folder: self.folder,
            metrics,
            steps: at.searched.unwrap_or(at.step),
            kept,
            stopped_early: at.stopped_early,
            seconds: at.seconds,
            train,
            test: self.test,
            target,
        })
    }
}

fn model(gpu: &Gpu, job: &Job, stage: Stage, kept: u64) -> Model {
    let description = Description {
        method: job.entry.name.into(),
        training: job.training.clone(),
        settings: job.settings.clone(),
        columns: stage.train.columns().to_vec(),
        conditions: job.conditions,
        rounding: Rounding::of(&job.table, job.training.round || job.training.dequantise, job.training.clamp),
        standardisation: stage.standardisation,
        seed: job.seed,
        steps: kept,
        version: env!("CARGO_PKG_VERSION").into(),
    };
    Model::new(gpu, description, stage.method)
}
