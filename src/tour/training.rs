//! One method of a tour from its settings to its rows: trained in its seconds, drawn from, and the likelihood of validation rows under it.

use super::{Plan, Record, SAMPLE, Scorer};
use crate::data::{Table, by_weight};
use crate::gpu::Gpu;
use crate::methods::Method;
use crate::model::{Description, Model};
use crate::train::{self, Job, Progress, SMALL, Status};
use crate::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What training may take of its seconds, and seconds besides, before it is stopped.
const MOST: [f64; 2] = [1.25, 0.5];
/// Time for a step in which others' work on the machine is allowed for.
const SAFETY: f64 = 0.9;
/// The warm-up is at most this share of the steps: a default one would fill a short run.
const WARMUP_SHARE: u32 = 10;
/// Rows whose drawing is timed, and the number that the time is reported for.
pub(super) const TIMED: usize = 10_000;
/// Validation rows whose likelihood is found, and test rows.
pub(super) const LIKELIHOOD_ROWS: usize = 2_000;

/// A method to make, in so many seconds of training.
pub(super) struct Task {
    pub method: Box<dyn Method>,
    pub seconds: f64,
    /// Seconds that it is taken to need in all.
    pub expected: f64,
    pub record: Record,
}

/// Rows of a candidate, and the log-densities of validation rows under it, where it has any.
pub(super) type Drawn = (Table, Option<Vec<f64>>);

/// What a task came to, still to be scored.
pub(super) struct Made {
    pub method: Box<dyn Method>,
    pub record: Record,
    pub drawn: Result<Drawn>,
    /// Seconds that it took.
    pub took: f64,
}

/// What makes candidates on one device.
pub(super) struct Trainer<'a> {
    pub gpu: Gpu,
    pub plan: &'a Plan,
    pub scorer: &'a Scorer,
}

impl Trainer<'_> {
    /// Makes a candidate, unless one of `stops` is raised.
    pub fn make(&self, task: Task, watch: &mut dyn Progress, stops: [&AtomicBool; 2]) -> Made {
        let started = Instant::now();
        let Task { method, seconds, mut record, .. } = task;
        let model = self.trained((method.as_ref(), seconds), &mut record, watch, stops);
        let drawn = model.and_then(|model| self.drawn(&mut record, &model));
        Made { method, record, drawn, took: started.elapsed().as_secs_f64() }
    }

    /// The validation rows whose likelihood is found, as they weigh.
    pub fn scored_rows(&self) -> Table {
        by_weight(&self.scorer.sets.validation, LIKELIHOOD_ROWS, self.plan.seed)
    }

    fn trained(
        &self,
        (method, seconds): (&dyn Method, f64),
        record: &mut Record,
        watch: &mut dyn Progress,
        stops: [&AtomicBool; 2],
    ) -> Result<Model> {
        let folder = self.plan.run(method.name());
        let job = match self.interrupted(method) {
            Some(steps) => Job { resume: true, ..self.job(method, Some(steps))? },
            None => {
                let measured = (seconds / 20.0).clamp(0.05, 1.0);
                let steps = train::steps_within(&self.gpu, SAFETY * seconds, measured, &|steps| self.job(method, steps))?;
                if folder.exists() {
                    std::fs::remove_dir_all(&folder).map_err(|e| Error::io("begin again in", &folder, e))?;
                }
                self.job(method, Some(steps))?
            }
        };
        record.steps_planned = job.training.steps;
        let over = AtomicBool::new(false);
        let [share, more] = MOST;
        let mut timed = Timed { watch, stops, over: &over, until: share * seconds + more, at: (0, 0.0) };
        let outcome = train::train(&self.gpu, job, &mut timed, &over);
        let (step, took) = timed.at;
        match outcome {
            Ok(outcome) => {
                (record.steps_made, record.steps_kept, record.training_seconds) = (outcome.steps, outcome.kept, outcome.seconds);
                Ok(outcome.model)
            }
            // Its time was over, not the person's patience: what it has left is its model.
            Err(Error::Interrupted { .. }) if stops.iter().all(|stop| !stop.load(Ordering::SeqCst)) => {
                let model = Model::load(&self.gpu, &folder)?;
                (record.steps_made, record.steps_kept, record.training_seconds) = (step, model.description().steps, took);
                record.note = format!("stopped at step {step} of {}, at the end of its time", record.steps_planned);
                Ok(model)
            }
            Err(e) => Err(e),
        }
    }

    /// The steps of a run that was interrupted and left a checkpoint and a model.
    fn interrupted(&self, method: &dyn Method) -> Option<u32> {
        let folder = self.plan.run(method.name());
        let left = Description::read(&folder).ok().filter(|_| folder.join("checkpoint.safetensors").exists());
        left.map(|description| description.training.steps)
    }

    pub fn job(&self, method: &dyn Method, steps: Option<u32>) -> Result<Job> {
        let (method, mut training) = self.plan.configured(method)?;
        // Training again on all rows is for the winner alone.
        training.refit = false;
        training.test_fraction = Some(0.0);
        let train = &self.scorer.sets.train;
        // The tour's validation rows stop training where a run of its own would split some off.
        let auto = if train.weighted_rows().len() < SMALL { 1.0 } else { 0.0 };
        let validation = (training.validation_fraction.unwrap_or(auto) > 0.0)
            .then(|| ("the tour's validation rows".to_string(), self.scorer.sets.validation.clone()));
        training.validation_fraction = Some(0.0);
        if let Some(steps) = steps {
            training.steps = steps;
            training.warmup_steps = training.warmup_steps.min(steps / WARMUP_SHARE);
        }
        Ok(Job {
            out: Some(self.plan.run(method.name())),
            method,
            training,
            seed: self.plan.seed,
            source: self.plan.source.to_string(),
            source_hash: self.plan.source.file_hash()?,
            table: train.clone(),
            encoding: self.plan.encoding.clone(),
            split: None,
            conditions: self.plan.conditions,
            validation,
            test: None,
            resume: false,
            command: self.plan.command.clone(),
        })
    }

    /// Draws from a model, times that, and finds the likelihood of validation rows.
    fn drawn(&self, record: &mut Record, model: &Model) -> Result<Drawn> {
        let (parameters, further) = (model.learner().parameters(), model.learner().further());
        record.parameters = Some(parameters.count() + further.map_or(0, |further| further.count()));
        record.one_step = Some(model.learner().is_one_step());
        let rows = self.sample(model, SAMPLE)?;
        // Compiled by now.
        let timed = Instant::now();
        self.sample(model, SAMPLE + 1)?;
        record.sampling_seconds = Some(timed.elapsed().as_secs_f64() * TIMED as f64 / rows.rows() as f64);
        let validation = model.description().dequantized(&self.scored_rows(), 1);
        let found = model.mixed_log_density(&validation);
        let log_density = match found {
            Ok(found) => found.map(|found| found.values.into_iter().map(f64::from).collect()),
            Err(e) if e.is_of_one_run() => {
                record.add_note(&format!("no likelihood: {e}"));
                None
            }
            Err(e) => return Err(e),
        };
        if log_density.is_some() {
            record.likelihood_is = model.density_said();
        }
        Ok((rows, log_density))
    }

    /// Rows of a model; with conditions, those of training rows.
    fn sample(&self, model: &Model, seed: u64) -> Result<Table> {
        let rows = self.scorer.rows();
        if self.plan.conditions == 0 {
            return model.sample_numbers(rows, seed);
        }
        let given = by_weight(&self.scorer.sets.train, rows, seed);
        let over: Vec<usize> = (0..rows).map(|i| i % given.rows()).collect();
        model.sample_numbers_given(&given.select_rows(&over), 1, seed)
    }
}

/// Watches a training whose time is counted.
struct Timed<'a> {
    watch: &'a mut dyn Progress,
    stops: [&'a AtomicBool; 2],
    /// Raised when the person stops the tour, and when the training's time is over.
    over: &'a AtomicBool,
    until: f64,
    /// The last step, and its seconds.
    at: (u64, f64),
}

impl Progress for Timed<'_> {
    fn message(&mut self, text: &str) {
        self.watch.message(text);
    }

    fn update(&mut self, status: &Status) {
        self.at = (status.step, status.seconds);
        // The last step is made: let it end.
        if self.stops.iter().any(|stop| stop.load(Ordering::SeqCst)) || status.seconds > self.until && status.step < status.steps
        {
            self.over.store(true, Ordering::SeqCst);
        }
        self.watch.update(status);
    }
}
