//! The training loop: replays the recorded step, watches the loss and the held-out rows, keeps checkpoints, and leaves a
//! run folder from which the model can be used, the run resumed, and the result reproduced.

mod checkpoint;
mod folder;
mod held_out;

pub use folder::{Folder, Metrics};

use crate::data::{Rounding, Source, Standardisation, Table, Target, split};
use crate::gpu::{Gpu, Plan, Report};
use crate::methods::{self, Dataset, Entry, Method, Setup, Training};
use crate::model::{Description, Model};
use crate::{Error, Result};
use checkpoint::Checkpoint;
use held_out::HeldOut;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Rows below which a share is held out by default.
const SMALL: usize = 5_000;
const SMALL_SHARE: f64 = 0.2;
/// Evaluations on held-out rows in a whole run.
const EVALUATIONS: u64 = 100;
/// Steps between two of them at least: nearer ones say the same, and patience would run out in a short run.
const APART: u64 = 20;
/// Lines of `metrics.jsonl` that a whole run leaves.
const LINES: u64 = 500;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
/// Device time between two looks at the clock, the reports and Ctrl-C.
const PACE: Duration = Duration::from_millis(100);

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
    /// Rows to stop on instead of a held-out share: their source and the rows.
    pub test: Option<(String, Table)>,
    pub out: PathBuf,
    pub resume: bool,
    /// The command that made the run.
    pub command: String,
}

impl Job {
    /// The law to learn, where its score is known: by the settings, or as the data's.
    fn target(&self, units: &Standardisation) -> Result<Option<Target>> {
        match methods::given_score(&self.settings) {
            score if score.is_empty() => Ok(self.source.parse().ok().and_then(|source: Source| Target::of(&source, units))),
            score => Target::given(&score, &self.table, units).map(Some),
        }
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

/// Who watches a run.
pub trait Progress {
    fn message(&mut self, text: &str);
    fn update(&mut self, status: &Status);
}

/// What a finished run leaves.
pub struct Outcome {
    pub model: Model,
    pub folder: Folder,
    pub metrics: Metrics,
    /// Steps made, and the step whose weights were kept.
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

/// Seconds that a step of this run takes here, measured for about `seconds` after its shaders are compiled. The run itself is not made, and
/// its folder not touched.
pub fn seconds_a_step(gpu: &Gpu, job: Job, seconds: f64) -> Result<f64> {
    let folder = tempfile::tempdir().map_err(|e| Error::io("make", std::env::temp_dir(), e))?;
    let mut run = Run::prepare(gpu, Job { out: folder.path().join("run"), resume: false, ..job })?;
    let mut timed = |count: u32| -> Result<f64> {
        let started = Instant::now();
        run.plan.replay(count as usize)?;
        run.plan.final_reports()?;
        Ok(started.elapsed().as_secs_f64() / f64::from(count))
    };
    timed(2)?;
    let mut each = vec![timed(1)?];
    let started = Instant::now();
    // The median: other work on the machine comes and goes.
    while each.len() < 3 || started.elapsed().as_secs_f64() < seconds {
        let last = each[each.len() - 1].max(1e-6);
        each.push(timed((0.1 * seconds / last).clamp(1.0, 256.0) as u32)?);
    }
    each.sort_by(f64::total_cmp);
    Ok(each[each.len() / 2].max(1e-7))
}

struct Run {
    gpu: Gpu,
    job: Job,
    folder: Folder,
    train: Table,
    test: Option<Table>,
    standardisation: Standardisation,
    target: Option<Target>,
    method: Box<dyn Method>,
    plan: Plan,
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
        train.check_trainable()?;
        let standardisation = match job.training.standardise {
            true => Standardisation::fit(&train),
            false => Standardisation::identity(train.cols()),
        };
        let standard = |table: &Table| {
            let mut values = table.values().to_vec();
            standardisation.apply(&mut values)?;
            Ok::<_, Error>(values)
        };
        let data = Dataset::new(gpu, &standard(&train)?, train.cols(), train.weights())?;
        let target = job.target(&standardisation)?;
        let data = data.with_target(target.clone());
        let setup = Setup { gpu, training: &job.training, columns: train.cols(), seed: job.seed, data: Some(&data) };
        let method = job.entry.build(&setup, &job.settings)?;
        let plan = method.plan(gpu, job.seed, &data)?;
        let held_out = match &test {
            Some(test) => Some(HeldOut::new(gpu, method.as_ref(), &standard(test)?, test.cols(), test.weights())?),
            None => None,
        };
        let folder = Folder::open(&job, gpu, &data)?;
        Ok(Self { gpu: gpu.clone(), job, folder, train, test, standardisation, target, method, plan, held_out })
    }

    fn finish(mut self, progress: &mut dyn Progress, stop: &AtomicBool) -> Result<Outcome> {
        let steps = u64::from(self.job.training.steps);
        let mut at = Checkpoint::start();
        if self.job.resume {
            at = self.folder.load_checkpoint(self.method.as_ref())?;
            self.plan.set_count(at.step)?;
            progress.message(&format!("going on from step {} of {steps}", at.step));
        }
        let mut metrics = self.folder.metrics(at.step)?;
        let evaluate_every = steps.div_ceil(EVALUATIONS).max(APART);
        let log_every = steps.div_ceil(LINES).max(1);
        if at.step == 0 {
            self.evaluate(&mut at, &mut metrics)?;
            self.save(&mut at, &mut metrics)?;
        }
        let (started, before) = (Instant::now(), at.seconds);
        let mut saved = Instant::now();
        let mut per_step = Duration::from_millis(20);
        let mut loss = None;
        let most = self.plan.window().min(256) as f64;
        while at.step < steps && !at.stopped_early {
            let until = match self.held_out {
                Some(_) => (at.step + 1).next_multiple_of(evaluate_every).min(steps),
                None => steps,
            };
            let pace = (PACE.as_secs_f64() / per_step.as_secs_f64().max(1e-6)).clamp(1.0, most) as u64;
            let count = pace.min(until - at.step);
            let chunk = Instant::now();
            self.plan.replay(count as usize)?;
            per_step = (per_step * 3 + chunk.elapsed() / count as u32) / 4;
            at.step += count;
            at.seconds = before + started.elapsed().as_secs_f64();
            let reports = self.plan.reports()?;
            self.log(&reports, log_every, &mut metrics, &mut loss)?;
            if at.step == until && self.held_out.is_some() {
                self.evaluate(&mut at, &mut metrics)?;
                let patience = u64::from(self.job.training.patience);
                at.stopped_early = patience > 0 && at.stale >= patience;
            }
            progress.update(&Status {
                step: at.step,
                steps,
                loss,
                held_out: at.held_out.zip(at.best_value()),
                rows_per_second: at.step as f64 * self.job.training.batch as f64 / at.seconds.max(1e-9),
                seconds: at.seconds,
            });
            let stopping = stop.load(Ordering::SeqCst);
            if stopping || saved.elapsed() > CHECKPOINT_EVERY {
                self.settle(log_every, &mut metrics, &mut loss)?;
                self.save(&mut at, &mut metrics)?;
                saved = Instant::now();
            }
            if stopping {
                return Err(Error::Interrupted { step: at.step });
            }
        }
        self.settle(log_every, &mut metrics, &mut loss)?;
        at.seconds = before + started.elapsed().as_secs_f64();
        self.save(&mut at, &mut metrics)?;
        let kept = match &at.best {
            Some(best) => {
                self.method.parameters().average().write(&best.average)?;
                best.step
            }
            None => at.step,
        };
        let description = Description {
            method: self.job.entry.name.into(),
            training: self.job.training.clone(),
            settings: self.job.settings.clone(),
            columns: self.train.columns().to_vec(),
            rounding: Rounding::of(&self.job.table, self.job.training.round, self.job.training.clamp),
            standardisation: self.standardisation,
            seed: self.job.seed,
            steps: kept,
            version: env!("CARGO_PKG_VERSION").into(),
        };
        let model = Model::new(&self.gpu, description, self.method);
        model.save(&self.folder.model())?;
        Ok(Outcome {
            model,
            folder: self.folder,
            metrics,
            steps: at.step,
            kept,
            stopped_early: at.stopped_early,
            seconds: at.seconds,
            train: self.train,
            test: self.test,
            target: self.target,
        })
    }

    /// Waits for everything submitted, so that no loss of an earlier step is unknown.
    fn settle(&mut self, log_every: u64, metrics: &mut Metrics, loss: &mut Option<f32>) -> Result<()> {
        let reports = self.plan.final_reports()?;
        self.log(&reports, log_every, metrics, loss)
    }

    fn log(&self, reports: &[Report], every: u64, metrics: &mut Metrics, loss: &mut Option<f32>) -> Result<()> {
        let names = self.plan.report_names();
        for report in reports {
            for (name, &value) in names.iter().zip(&report.values) {
                if !value.is_finite() {
                    return Err(Error::NonFinite { name: name.clone(), value, step: report.step });
                }
            }
            *loss = report.values.first().copied();
            if report.step % every == 0 {
                metrics.scalars(report.step, names, &report.values);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, at: &mut Checkpoint, metrics: &mut Metrics) -> Result<()> {
        let Some(held_out) = &mut self.held_out else { return Ok(()) };
        let value = held_out.measure()?;
        at.judge(value, self.method.parameters())?;
        if at.step <= u64::from(self.job.training.warmup) {
            // The rate is still growing: nothing can be said of a run that has hardly begun.
            at.stale = 0;
        }
        metrics.scalars(at.step, &["held_out".to_string()], &[value]);
        Ok(())
    }

    fn save(&mut self, at: &mut Checkpoint, metrics: &mut Metrics) -> Result<()> {
        metrics.flush()?;
        self.folder.save_checkpoint(at, self.method.as_ref())
    }
}
