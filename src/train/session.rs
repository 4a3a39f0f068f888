//! The loop of steps: replays a plan, watches what it reports and the validation loss, and leaves checkpoints that it can go on from.

use super::checkpoint::{Best, Checkpoint};
use super::folder::{Folder, Metrics, OUTSIDE, REFIT, VALIDATION};
use super::outside::Outside;
use super::spacing::{Costs, Spacing};
use super::stage::Stage;
use super::validation::Validation;
use super::{Progress, Status};
use crate::gpu::Report;
use crate::methods::Training;
use crate::model::{Description, Left, write_model};
use crate::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Lines of `metrics.jsonl` that a whole run leaves.
const LINES: u64 = 500;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
/// Device time between two looks at the clock, the reports and Ctrl-C.
const PACE: Duration = Duration::from_millis(100);

/// A run that is being made.
pub(super) struct Session<'a> {
    pub at: Checkpoint,
    pub metrics: Metrics,
    pub progress: &'a mut dyn Progress,
    /// Where checkpoints go; none where a run is kept in memory alone.
    folder: Option<&'a Folder>,
    training: &'a Training,
    /// Of the model that a run leaves on its way; none while another is better kept.
    describe: Option<Description>,
    stop: &'a AtomicBool,
    started: Instant,
    /// Seconds of training before this process.
    before: f64,
    loss: Option<f32>,
}

impl<'a> Session<'a> {
    pub fn new(
        at: Checkpoint,
        folder: Option<&'a Folder>,
        training: &'a Training,
        progress: &'a mut dyn Progress,
        stop: &'a AtomicBool,
    ) -> Result<Self> {
        let metrics = folder.map_or_else(|| Ok(Metrics::in_memory()), |folder| folder.metrics(&at))?;
        let before = at.seconds;
        Ok(Self { at, metrics, progress, folder, training, stop, started: Instant::now(), before, loss: None, describe: None })
    }

    /// Leaves a model with every checkpoint from now on: of the best step so far, or else of the last.
    pub fn leave_models(&mut self, describe: Option<Description>) {
        self.describe = describe;
    }

    /// Makes the steps of a training up to `end`, or until its validation rows say to stop.
    pub fn run(
        &mut self,
        stage: &mut Stage,
        end: u64,
        mut validation: Option<&mut Validation>,
        mut outside: Option<&mut Outside>,
    ) -> Result<()> {
        let costs = Costs {
            step: stage.plan.cost(),
            validation: validation.as_ref().map(|validation| validation.cost()),
            samples: outside.as_ref().and_then(|outside| outside.cost()),
        };
        let spacing = Spacing::of(end, costs);
        let log_every = end.div_ceil(LINES).max(1);
        if self.at.step == 0 {
            self.evaluate(stage, validation.as_deref_mut(), outside.as_deref_mut(), (spacing, end))?;
            self.save(stage)?;
        }
        let mut saved = Instant::now();
        let mut per_step = Duration::from_millis(20);
        let most = stage.plan.window().min(256) as f64;
        while self.at.step < end && !(validation.is_some() && self.at.stopped_early) {
            let evaluated = validation.is_some() || outside.is_some();
            let until = match evaluated {
                true => (self.at.step + 1).next_multiple_of(spacing.steps).min(end),
                false => end,
            };
            let pace = (PACE.as_secs_f64() / per_step.as_secs_f64().max(1e-6)).clamp(1.0, most) as u64;
            let count = pace.min(until - self.at.step);
            let chunk = Instant::now();
            stage.plan.replay(count as usize)?;
            per_step = (per_step * 3 + chunk.elapsed() / count as u32) / 4;
            self.at.step += count;
            self.clock();
            let reports = stage.plan.reports()?;
            self.log(stage, &reports, log_every)?;
            if self.at.step == until && evaluated {
                self.evaluate(stage, validation.as_deref_mut(), outside.as_deref_mut(), (spacing, end))?;
                let exhausted =
                    self.training.patience.is_some_and(|patience| spacing.exhausts(self.at.stale, u64::from(patience)));
                self.at.stopped_early = validation.is_some() && exhausted;
            }
            let made = self.at.step + self.at.searched.unwrap_or(0);
            self.progress.update(&Status {
                step: self.at.step,
                steps: end,
                loss: self.loss,
                validation: validation.as_ref().and(self.at.validation.zip(self.at.best_value())),
                rows_per_second: made as f64 * self.training.batch_size as f64 / self.at.seconds.max(1e-9),
                outside: self.at.outside,
                seconds: self.at.seconds,
            });
            let stopping = self.stop.load(Ordering::SeqCst);
            if stopping || saved.elapsed() > CHECKPOINT_EVERY {
                self.settle(stage, log_every)?;
                self.save(stage)?;
                saved = Instant::now();
            }
            if stopping {
                return Err(Error::Interrupted { step: self.at.step });
            }
        }
        self.settle(stage, log_every)?;
        self.clock();
        self.save(stage)
    }

    fn clock(&mut self) {
        self.at.seconds = self.before + self.started.elapsed().as_secs_f64();
    }

    /// Waits for everything submitted, so that no loss of an earlier step is unknown.
    fn settle(&mut self, stage: &mut Stage, log_every: u64) -> Result<()> {
        let reports = stage.plan.final_reports()?;
        self.log(stage, &reports, log_every)
    }

    fn log(&mut self, stage: &Stage, reports: &[Report], every: u64) -> Result<()> {
        let mut names = stage.plan.report_names().to_vec();
        if self.at.searched.is_some() {
            names.iter_mut().for_each(|name| name.insert_str(0, REFIT));
        }
        for report in reports {
            for (name, &value) in names.iter().zip(&report.values) {
                if !value.is_finite() {
                    return Err(Error::NonFinite { name: name.clone(), value, step: report.step });
                }
            }
            self.loss = report.values.first().copied();
            if report.step % every == 0 {
                self.metrics.scalars(report.step, &names, &report.values);
            }
        }
        Ok(())
    }

    fn evaluate(
        &mut self,
        stage: &Stage,
        mut validation: Option<&mut Validation>,
        outside: Option<&mut Outside>,
        (spacing, end): (Spacing, u64),
    ) -> Result<()> {
        let loss = validation.as_mut().map(|validation| validation.measure()).transpose()?;
        let share = match outside {
            Some(outside) if spacing.looks_at(self.at.step, end) => Some(outside.measure(validation.as_deref())?),
            _ => None,
        };
        if loss.is_none() && share.is_none() {
            return Ok(());
        }
        // Where it is looked at rarely, a step is taken to be as the one before.
        self.at.judge(loss, share.unwrap_or(self.at.outside), stage.learner.parameters())?;
        if self.at.step <= u64::from(self.training.warmup_steps).max(stage.learner.unsettled()) {
            // The rate is still growing, or the data still move: nothing can be said of a run that has hardly begun.
            self.at.stale = 0;
        }
        let (names, values): (Vec<String>, Vec<f32>) = [(VALIDATION, loss), (OUTSIDE, share)]
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_string(), value?)))
            .unzip();
        self.metrics.scalars(self.at.step, &names, &values);
        Ok(())
    }

    fn save(&mut self, stage: &Stage) -> Result<()> {
        let Some(folder) = self.folder else { return Ok(()) };
        self.metrics.flush()?;
        folder.save_checkpoint(&self.at, stage.learner.as_ref())?;
        let Some(describe) = self.describe.as_ref().filter(|_| self.at.step > 0) else { return Ok(()) };
        // The start alone is no best step: there was no other to compare it with.
        let alone = |best: &&Best| best.step == 0 && best.value.is_some() && best.value == self.at.validation;
        let best = self.at.kept().filter(|best| !alone(best));
        let (steps, left) = best.map_or((self.at.step, Left::Last), |best| (best.step, Left::Best));
        let describe = Description { steps, unfinished: Some(left), ..describe.clone() };
        write_model(&folder.model(), &describe, stage.learner.as_ref(), best.map(|best| best.average.as_slice()))
    }
}
