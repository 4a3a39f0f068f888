//! Makes the candidates of a tour: baselines, then one method after the other, each in its share of what is left of the budget.

use super::{Judge, Kept, Kind, Plan, ROWS, Record, SAMPLE, TEACHER, Terms, Tour};
use crate::baselines;
use crate::data::{Fraction, LoadOptions, Source, Table, write_atomically};
use crate::gpu::Gpu;
use crate::methods::Entry;
use crate::metrics::{LogLikelihood, Points};
use crate::model::Model;
use crate::train::log::Log;
use crate::train::{self, Job, Progress};
use crate::{Error, Result};
use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// The share of the budget that baselines may take, and that is kept for the last page.
const BASELINES: f64 = 0.08;
const LAST: f64 = 0.04;
/// Seconds that a method's compilation, scoring and page are taken for at first, at most a share of its time.
const OVERHEAD: f64 = 8.0;
const OVERHEAD_SHARE: f64 = 0.4;
/// As many methods as that is worth when it is averaged with what was seen.
const OVERHEAD_WEIGHT: f64 = 3.0;
/// What one method counts as at most, in units of it: the first ones also compile what the others share.
const OVERHEAD_MOST: f64 = 2.5;
/// Seconds of the last verdict that a candidate takes.
const VERDICT: f64 = 0.2;
/// Less training than this is none.
const LEAST: f64 = 0.2;
/// Time for a step in which others' work on the machine is allowed for.
const SAFETY: f64 = 0.9;
/// The warm-up is at most this share of the steps: a default one would fill a short run.
const WARMUP_SHARE: u32 = 10;
/// Rows whose drawing is timed, and told for this many.
const TIMED: usize = 10_000;
/// Held-out rows whose likelihood is told.
const LIKELIHOOD_ROWS: usize = 2_000;

/// What makes them.
pub struct Maker<'a> {
    gpu: &'a Gpu,
    plan: &'a Plan,
    pub judge: Rc<Judge>,
    terms: Terms,
    log: Log<Record>,
    watch: &'a mut dyn Progress,
    stop: &'a AtomicBool,
    started: Instant,
    /// Seconds of the budget that earlier runs of the command took.
    before: f64,
    /// Seconds that methods took beside their training, and when the last was done.
    overheads: Vec<f64>,
    done: Instant,
    /// Seconds of training that each method gets, once the first has begun.
    each: Option<f64>,
}

impl<'a> Maker<'a> {
    pub fn new(gpu: &'a Gpu, plan: &'a Plan, watch: &'a mut dyn Progress, stop: &'a AtomicBool) -> Result<Self> {
        let judge = Rc::new(Judge::new(gpu, &plan.table, plan.seed)?);
        std::fs::create_dir_all(plan.out.join("samples")).map_err(|e| Error::io("make the folder", &plan.out, e))?;
        let terms = plan.terms(gpu);
        let log: Log<Record> = Log::open(&plan.out.join("tour.jsonl"), &terms)?;
        let (before, now) = (log.iter().map(|record| record.elapsed).fold(0.0, f64::max), Instant::now());
        // A tour that goes on gives what it gave before.
        let each = log.iter().find_map(|record| record.given);
        Ok(Self { gpu, plan, judge, terms, log, watch, stop, started: now, before, overheads: Vec::new(), done: now, each })
    }

    /// Seconds of the budget that are over.
    pub fn elapsed(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }

    fn file(&self, name: &str, what: &str) -> PathBuf {
        self.plan.out.join("samples").join(format!("{}{what}.npy", name.replace(' ', "-")))
    }

    /// The candidates that earlier runs of the command made.
    pub fn earlier(&self) -> Result<Vec<Kept>> {
        let read = |path: PathBuf| {
            let source = Source { origin: crate::data::Origin::File(path.clone()), columns: None };
            source
                .load(0, &LoadOptions::default())
                .map_err(|e| Error::format(&path, format!("cannot be read ({e}): begin again in another folder")))
        };
        let columns = self.judge.held.columns();
        let kept = |record: &Record| {
            let rows = match record.scores {
                None => None,
                Some(_) => Some(Table::new(columns.iter().cloned(), read(self.file(&record.name, ""))?.into_values())?),
            };
            let path = self.file(&record.name, ".nats");
            let log_density = match path.exists() {
                true => Some(read(path)?.into_values()),
                false => None,
            };
            Ok(Kept { record: record.clone(), rows, log_density })
        };
        self.log.iter().map(kept).collect()
    }

    /// Scores, writes and records a candidate's rows.
    fn judged(&mut self, mut record: Record, rows: Table, log_density: Option<Vec<f64>>) -> Result<Kept> {
        match self.judge.scores(&rows, record.kind == Kind::Rows) {
            Ok(scores) => record.scores = Some(scores),
            Err(e) if e.is_of_one_run() => record.failure = Some(e.to_string()),
            Err(e) => return Err(e),
        }
        if let Some(values) = &log_density {
            let found = LogLikelihood::of(values.iter().copied(), self.judge.held.cols());
            match found.mean.is_finite() {
                true => record.likelihood = Some(found),
                false => record.note = "no likelihood: a held-out row is impossible under it".into(),
            }
            // An impossible row is one of a number so low that no sum of others makes up for it.
            let column: Vec<f64> = values.iter().map(|&v| v.max(f64::from(f32::MIN))).collect();
            Table::new(["nats"], column)?.write(self.file(&record.name, ".nats"))?;
        }
        if record.scores.is_some() {
            rows.write(self.file(&record.name, ""))?;
        }
        let rows = record.scores.is_some().then_some(rows);
        self.recorded(Kept { record, rows, log_density })
    }

    fn recorded(&mut self, mut kept: Kept) -> Result<Kept> {
        kept.record.elapsed = self.elapsed();
        self.log.push(kept.record.clone())?;
        Ok(kept)
    }

    /// The training rows themselves, and what a sceptic would try.
    pub fn baselines(&mut self, tour: &mut Tour) -> Result<()> {
        let judge = self.judge.clone();
        if tour.find(ROWS).is_none() {
            self.watch.message("scoring the training rows themselves");
            let standard = judge.standard(&judge.train)?;
            let rows = Points::new(&standard, judge.train.rows(), judge.train.cols())?.subsample(judge.rows(), SAMPLE);
            let rows = Table::new(judge.train.columns().iter().cloned(), judge.scale().undo(&rows)?)?;
            tour.kept.push(self.judged(Record::new(&self.terms, ROWS, Kind::Rows), rows, None)?);
        }
        for (i, name) in baselines::ALL.into_iter().enumerate() {
            if tour.find(name).is_some() {
                continue;
            }
            self.watch.message(&format!("fitting a {name}"));
            let time = Duration::from_secs_f64(BASELINES * self.plan.budget / (baselines::ALL.len() - i) as f64);
            let started = Instant::now();
            let standard = judge.standard(&judge.train)?;
            let train = Points::new(&standard, judge.train.rows(), judge.train.cols())?;
            let mut record = Record::new(&self.terms, name, Kind::Baseline);
            let kept = match baselines::fit(name, self.gpu, train, time, self.plan.seed) {
                Ok(fitted) => {
                    record.training = started.elapsed().as_secs_f64();
                    record.parameters = Some(fitted.parameters());
                    record.note = fitted.note();
                    let drawn = Instant::now();
                    let mut rows = fitted.sample(TIMED, SAMPLE)?;
                    record.sampling = Some(drawn.elapsed().as_secs_f64());
                    rows.truncate(judge.rows() * judge.train.cols());
                    let rows = judge.scale().undo(&rows)?;
                    let held = judge.standard(&self.told())?;
                    let log_density =
                        fitted.log_density(Points::new(&held, held.len() / judge.held.cols(), judge.held.cols())?)?;
                    let log_density = log_density.into_iter().map(|v| v + judge.scale().log_det()).collect();
                    let rows = Table::new(judge.held.columns().iter().cloned(), rows)?;
                    self.judged(record, rows, Some(log_density))?
                }
                Err(e) if e.is_of_one_run() => self.failed(record, e.to_string())?,
                Err(e) => return Err(e),
            };
            tour.kept.push(kept);
        }
        self.done = Instant::now();
        Ok(())
    }

    fn failed(&mut self, mut record: Record, why: String) -> Result<Kept> {
        record.failure = Some(why);
        self.recorded(Kept { record, rows: None, log_density: None })
    }

    /// The held-out rows whose likelihood is told.
    fn told(&self) -> Table {
        let held = &self.judge.held;
        held.select_rows(&(0..held.rows().min(LIKELIHOOD_ROWS)).collect::<Vec<_>>())
    }

    /// Trains a method in its share of the time that is left, where `left` methods are to come with it.
    pub fn method(&mut self, entry: &'static Entry, left: usize) -> Result<Kept> {
        let mut record = Record::new(&self.terms, entry.name, Kind::Method);
        if entry.name == "distill" && !self.plan.run(TEACHER).join("model.safetensors").exists() {
            return self.failed(record, format!("learns from a trained flow, and {TEACHER} has left none"));
        }
        let reserve = LAST * self.plan.budget + VERDICT * self.log.iter().count() as f64;
        let share = (self.plan.budget - reserve - self.elapsed()).max(0.0) / left as f64;
        let expected = OVERHEAD.min(OVERHEAD_SHARE * share);
        let overhead = overhead(expected, &self.overheads);
        // The same for all; less where time runs short.
        let seconds = self.each.unwrap_or(f64::INFINITY).min(share - overhead);
        self.each.get_or_insert(seconds);
        if seconds < LEAST {
            return self.failed(record, format!("there was no time left for it: {:.1} s", share.max(0.0)));
        }
        self.watch.message(&format!("{}: {seconds:.0} s of training, {} to come", entry.name, left - 1));
        record.given = Some(seconds);
        let made = self.trained(entry, seconds, &mut record);
        let kept = match made {
            Ok(model) => self.drawn(record, &model),
            Err(e) => Err(e),
        };
        let kept = match kept {
            Err(e) if e.is_of_one_run() => {
                let fresh = Record::new(&self.terms, entry.name, Kind::Method);
                let record = Record { training: self.done.elapsed().as_secs_f64(), given: Some(seconds), ..fresh };
                self.failed(record, e.to_string())?
            }
            kept => kept?,
        };
        self.overheads.push(self.done.elapsed().as_secs_f64() - kept.record.training);
        self.done = Instant::now();
        Ok(kept)
    }

    /// Counts the page that was just written among what a method takes.
    pub fn overhead_of_page(&mut self) {
        if let Some(last) = self.overheads.last_mut() {
            *last += self.done.elapsed().as_secs_f64();
        }
        self.done = Instant::now();
    }

    fn trained(&mut self, entry: &'static Entry, seconds: f64, record: &mut Record) -> Result<Model> {
        let folder = self.plan.run(entry.name);
        let job = match self.interrupted(entry)? {
            Some(steps) => Job { resume: true, ..self.job(entry, Some(steps))? },
            None => {
                let measured = (seconds / 20.0).clamp(0.05, 1.0);
                let steps = train::steps_within(self.gpu, SAFETY * seconds, measured, &|steps| self.job(entry, steps))?;
                if folder.exists() {
                    std::fs::remove_dir_all(&folder).map_err(|e| Error::io("begin again in", &folder, e))?;
                }
                self.job(entry, Some(steps))?
            }
        };
        record.planned = job.training.steps;
        let outcome = train::train(self.gpu, job, self.watch, self.stop)?;
        (record.made, record.kept, record.training) = (outcome.steps, outcome.kept, outcome.seconds);
        Ok(outcome.model)
    }

    /// The steps of a run that was interrupted and left a checkpoint.
    fn interrupted(&self, entry: &Entry) -> Result<Option<u32>> {
        let folder = self.plan.run(entry.name);
        let text = match std::fs::read_to_string(folder.join("config.toml")) {
            Ok(text) if folder.join("checkpoint.safetensors").exists() => text,
            _ => return Ok(None),
        };
        let config: toml::Table = text.parse().unwrap_or_default();
        let steps = config.get("training").and_then(|training| training.get("steps")).and_then(toml::Value::as_integer);
        Ok(steps.and_then(|steps| u32::try_from(steps).ok()))
    }

    fn job(&self, entry: &'static Entry, steps: Option<u32>) -> Result<Job> {
        let (mut training, settings) = entry.settings(self.plan.training_of(entry))?;
        // Training anew on the rows that said when to stop would take as long again.
        training.refit = false;
        training.test_fraction = Fraction::Of(0.0);
        if let Some(steps) = steps {
            training.steps = steps;
            training.warmup = training.warmup.min(steps / WARMUP_SHARE);
        }
        Ok(Job {
            entry,
            training,
            settings,
            seed: self.plan.seed,
            source: self.plan.source.to_string(),
            source_hash: self.plan.source.file_hash()?,
            table: self.judge.train.clone(),
            conditions: 0,
            validation: None,
            test: None,
            out: self.plan.run(entry.name),
            resume: false,
            command: self.plan.command.clone(),
        })
    }

    /// Draws from a model, times that, and judges it.
    fn drawn(&mut self, mut record: Record, model: &Model) -> Result<Kept> {
        let (parameters, further) = (model.method().parameters(), model.method().further());
        record.parameters = Some(parameters.count() + further.map_or(0, |further| further.count()));
        record.one_step = Some(model.method().is_one_step());
        let rows = self.judge.rows();
        let rows = model.sample(rows, SAMPLE)?;
        // Compiled by now.
        let timed = Instant::now();
        model.sample(rows.rows(), SAMPLE + 1)?;
        record.sampling = Some(timed.elapsed().as_secs_f64() * TIMED as f64 / rows.rows() as f64);
        let told = model.description().dequantised(&self.told(), 1);
        let log_density = match model.log_density(&told) {
            Ok(found) => found.map(|found| found.values.into_iter().map(f64::from).collect()),
            Err(e) if e.is_of_one_run() => {
                record.note = format!("no likelihood: {e}");
                None
            }
            Err(e) => return Err(e),
        };
        if log_density.is_some() {
            record.likelihood_is = model.method().density_means().said();
        }
        self.judged(record, rows, log_density)
    }

    /// Puts the best model into the tour's folder, where `sample` finds it.
    pub fn keep_best(&self, tour: &Tour) -> Result<()> {
        let Some(best) = tour.best_method() else { return Ok(()) };
        let from = self.plan.run(&best.name).join("model.safetensors");
        let bytes = std::fs::read(&from).map_err(|e| Error::io("read", &from, e))?;
        write_atomically(self.plan.out.join("model.safetensors"), |file| file.write_all(&bytes))
    }
}

/// Seconds that the next method is taken to need beside its training.
fn overhead(expected: f64, seen: &[f64]) -> f64 {
    let seen_in_all: f64 = seen.iter().map(|seconds| seconds.min(OVERHEAD_MOST * expected)).sum();
    (OVERHEAD_WEIGHT * expected + seen_in_all) / (OVERHEAD_WEIGHT + seen.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_first_compile_does_not_starve_the_rest_and_what_all_need_is_learned() {
        assert_eq!(overhead(8.0, &[]), 8.0);
        // Seen on a processor with nothing compiled, where the mean is 19.5 and a share 21.
        assert!(overhead(8.0, &[12.7, 26.2]) < 12.0);
        assert!((overhead(8.0, &[2.0; 100]) - 2.0).abs() < 0.2 && (overhead(8.0, &[15.0; 100]) - 15.0).abs() < 0.3);
    }
}
