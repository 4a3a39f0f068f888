//! The candidates of a tour: baselines, the share of the budget that each method gets, scores and records; and the refit of the winner.

use super::scorer::Sets;
use super::slots::{LEAST, LEAST_SHARE, slots};
use super::training::{LIKELIHOOD_ROWS, Made, TIMED, Task, Trainer};
use super::{Kept, Kind, Plan, ROWS, Record, SAMPLE, Scorer, Terms, Tested, Tour};
use crate::baselines;
use crate::baselines::cells::{self, Cells};
use crate::data::{LoadOptions, Source, Table, by_weight, write_atomically};
use crate::gpu::Gpu;
use crate::methods::{self, LearnsFrom, Method};
use crate::metrics::{LogLikelihood, Points};
use crate::model::Model;
use crate::train::log::Log;
use crate::train::{self, Job, Lock, Progress, SMALL};
use crate::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// The share of the budget that fitting the baselines with a density may take, that all baselines with their scores may take, and that is kept for the last page.
const BASELINES: f64 = 0.08;
const BASELINES_SCORED: f64 = 0.25;
const LAST: f64 = 0.04;
/// Seconds of the last verdict that a candidate takes.
const VERDICT: f64 = 0.2;
/// Sets that are scored on test rows: the winner's, the baselines' and the training rows.
const TESTED: f64 = 8.0;
/// The share of the budget that is kept for these scores at most.
const TEST: f64 = 0.1;

/// A method that is about to be trained, or one that is done.
pub(super) enum Begun {
    Task(Box<Task>),
    Kept(Box<Kept>),
    /// There is no time for it unless a running one ends early.
    Later,
}

/// Whether what takes so many seconds is over by then.
fn fits(elapsed: f64, seconds: f64, until: f64) -> bool {
    elapsed + seconds <= until
}

/// What makes them.
pub struct Maker<'a> {
    gpu: &'a Gpu,
    plan: &'a Plan,
    pub scorer: Rc<Scorer>,
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
    /// Seconds that scoring a candidate takes.
    scoring: f64,
    /// Seconds of training that each method gets, once the first has begun.
    each: Option<f64>,
    _lock: Lock,
}

impl<'a> Maker<'a> {
    pub fn new(gpu: &'a Gpu, plan: &'a Plan, watch: &'a mut dyn Progress, stop: &'a AtomicBool) -> Result<Self> {
        let sets = match &plan.sets {
            Some(sets) => Sets { test: plan.test.clone().or_else(|| sets.test.clone()), ..sets.clone() },
            None => {
                plan.table.check_trainable()?;
                Sets::split(&plan.table, plan.test.clone(), Plan::shared(&plan.training)?.test_fraction, plan.seed)?
            }
        };
        sets.train.check_trainable()?;
        let scorer = Scorer::new(gpu, sets, plan.seed)?;
        let scorer = Rc::new(match &plan.target {
            Some(target) => scorer.predicting(target, plan.encoding.as_ref())?,
            None => scorer,
        });
        std::fs::create_dir_all(plan.out.join("samples")).map_err(|e| Error::io("make the folder", &plan.out, e))?;
        let _lock = Lock::take(&plan.out)?;
        let terms = plan.terms(gpu);
        let log: Log<Record> = Log::open(&plan.out.join("tour.jsonl"), &terms)?;
        let (before, now) = (log.iter().map(|record| record.elapsed).fold(0.0, f64::max), Instant::now());
        // A tour that goes on gives what it gave before.
        let each = log.iter().find_map(|record| record.training_budget);
        Ok(Self {
            gpu,
            plan,
            scorer,
            terms,
            log,
            watch,
            stop,
            started: now,
            before,
            overheads: Vec::new(),
            scoring: 0.0,
            done: now,
            each,
            _lock,
        })
    }

    /// Who watches.
    pub fn watch(&mut self) -> &mut dyn Progress {
        self.watch
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
                .map_err(|e| Error::format(&path, format!("cannot be read ({e}): start again in another folder")))
        };
        let columns = self.scorer.columns();
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
    fn scored(&mut self, mut record: Record, rows: Table, log_density: Option<Vec<f64>>) -> Result<Kept> {
        let started = Instant::now();
        let scores = self.scorer.scores(&rows, record.kind == Kind::Rows);
        // The mean of the last and those before: the first ones compile.
        let took = started.elapsed().as_secs_f64();
        self.scoring = if self.scoring == 0.0 { took } else { 0.5 * (self.scoring + took) };
        match scores {
            Ok(scores) => record.scores = Some(scores),
            Err(e) if e.is_of_one_run() => record.failure = Some(e.to_string()),
            Err(e) => return Err(e),
        }
        if let Some(values) = &log_density {
            let found = LogLikelihood::of(values.iter().copied(), self.generated());
            match found.mean.is_finite() {
                true => record.likelihood = Some(found),
                false => record.add_note("no likelihood: a validation row is impossible under it"),
            }
            // A row of density zero has a log-density so low that no sum of others makes up for it.
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

    /// The training rows themselves, and the baselines.
    pub fn baselines(&mut self, tour: &mut Tour) -> Result<()> {
        let scorer = self.scorer.clone();
        if tour.find(ROWS).is_none() {
            self.watch.message("scoring the training rows themselves");
            let rows = by_weight(&scorer.sets.train, scorer.rows(), SAMPLE);
            tour.kept.push(self.scored(Record::new(&self.terms, ROWS, Kind::Rows), rows, None)?);
        }
        let (with_density, of_cells) = (baselines::ALL.as_slice(), cells::OF_CELLS.as_slice());
        // Those come first that are hardest to beat.
        let order = match self.plan.encoding {
            Some(_) => [&[baselines::GAUSSIAN, cells::COPULA, cells::TREES, cells::INDEPENDENT], &with_density[1..]].concat(),
            None => [with_density, of_cells].concat(),
        };
        for name in order {
            if tour.find(name).is_some() {
                continue;
            }
            // The skill is defined by the fitted Gaussian, which is never left out.
            let kept = if name != baselines::GAUSSIAN && !fits(self.elapsed(), self.scoring, BASELINES_SCORED * self.plan.budget)
            {
                self.no_time(name)?
            } else {
                self.watch.message(&format!("fitting the baseline: {name}"));
                if of_cells.contains(&name) { self.of_cells(name)? } else { self.with_density(name)? }
            };
            tour.kept.push(kept);
        }
        self.done = Instant::now();
        Ok(())
    }

    /// A baseline that there is no time for.
    fn no_time(&mut self, name: &str) -> Result<Kept> {
        let mut record = Record::new(&self.terms, name, Kind::Baseline);
        record.left_out = true;
        let why = format!(
            "baselines and their scores may take a quarter of the time budget, and each takes about {:.1} s here",
            self.scoring
        );
        self.failed(record, why)
    }

    /// A baseline that has a density, fitted to the rows as numbers.
    fn with_density(&mut self, name: &str) -> Result<Kept> {
        let scorer = self.scorer.clone();
        let time = Duration::from_secs_f64(BASELINES * self.plan.budget / baselines::ALL.len() as f64);
        let started = Instant::now();
        let mut record = Record::new(&self.terms, name, Kind::Baseline);
        match baselines::fit(name, self.gpu, scorer.train()?, time, self.plan.seed) {
            Ok(fitted) => {
                record.training_seconds = started.elapsed().as_secs_f64();
                record.parameters = Some(fitted.parameters());
                record.note = fitted.note();
                let drawn = Instant::now();
                let mut rows = fitted.sample(TIMED, SAMPLE)?;
                record.sampling_seconds = Some(drawn.elapsed().as_secs_f64());
                rows.truncate(scorer.rows() * scorer.cols());
                let mut rows = Table::new(scorer.columns().iter().cloned(), scorer.scale().undo(&rows)?)?;
                if let Some(encoding) = &self.plan.encoding {
                    // As samples of methods are: bits of 0 and 1, numbers that are rounded.
                    rows = encoding.encode(&encoding.decode(&rows, SAMPLE)?, SAMPLE)?;
                }
                let log_density = match (self.plan.conditions, &self.plan.encoding) {
                    (_, Some(_)) => {
                        record.add_note("no likelihood: this baseline was fitted to bits, which have no density");
                        None
                    }
                    (0, None) => {
                        let rows = scorer.standard(&self.trainer().scored_rows())?;
                        let found = fitted.log_density(Points::new(&rows, rows.len() / scorer.cols(), scorer.cols())?)?;
                        Some(found.into_iter().map(|v| v + scorer.scale().log_det()).collect())
                    }
                    _ => {
                        record.add_note("no likelihood: that of a method is conditional, that of a baseline is not");
                        None
                    }
                };
                self.scored(record, rows, log_density)
            }
            Err(e) if e.is_of_one_run() => self.failed(record, e.to_string()),
            Err(e) => Err(e),
        }
    }

    /// A baseline whose samples are of cells of training rows, in the data's own columns.
    fn of_cells(&mut self, name: &str) -> Result<Kept> {
        let (scorer, encoding) = (self.scorer.clone(), self.plan.encoding.as_ref());
        let train = by_weight(&scorer.sets.train, scorer.sets.train.rows(), self.plan.seed);
        let train = encoding.map_or_else(|| Ok(train.clone()), |encoding| encoding.decode(&train, SAMPLE))?;
        let started = Instant::now();
        let mut record = Record::new(&self.terms, name, Kind::Baseline);
        let fitted = Cells::fit(name, &train, self.plan.seed);
        record.training_seconds = started.elapsed().as_secs_f64();
        record.parameters = Some(fitted.parameters());
        let drawn = Instant::now();
        let rows = fitted.sample(TIMED, SAMPLE)?;
        record.sampling_seconds = Some(drawn.elapsed().as_secs_f64());
        let rows = rows.select_rows(&(0..scorer.rows().min(TIMED)).collect::<Vec<_>>());
        let rows = encoding.map_or_else(|| Ok(rows.clone()), |encoding| encoding.encode(&rows, SAMPLE))?;
        record.add_note("no likelihood: its samples are of cells of training rows");
        self.scored(record, rows, None)
    }

    fn failed(&mut self, mut record: Record, why: String) -> Result<Kept> {
        record.failure = Some(why);
        self.recorded(Kept { record, rows: None, log_density: None })
    }

    /// What makes a candidate on the tour's own device.
    fn trainer(&self) -> Trainer<'_> {
        Trainer { gpu: self.gpu.clone(), plan: self.plan, scorer: &self.scorer }
    }

    /// How many columns are generated.
    fn generated(&self) -> usize {
        let encoding = self.plan.encoding.as_ref();
        encoding.map_or(self.scorer.cols() - self.plan.conditions, |encoding| encoding.dimensions(self.plan.conditions))
    }

    /// Whether the winner is trained again on all rows.
    fn refits(&self) -> Result<bool> {
        Ok(Plan::shared(&self.plan.training)?.refit && self.plan.table.rows() < SMALL)
    }

    /// The flow that methods with a teacher learn from.
    pub fn teacher(&self) -> Option<&'static str> {
        self.plan.teacher()
    }

    /// The seconds of training that a method gets, where `left` methods including it have not been trained yet, or why it gets none. `busy` are the seconds that running
    /// trainings still take, if there are any, of at most `at_once` side by side.
    pub fn begin(&mut self, method: &dyn Method, left: usize, at_once: usize, busy: Option<f64>) -> Result<Begun> {
        self.done = Instant::now();
        let mut record = Record::new(&self.terms, method.name(), Kind::Method);
        let left_a_model = |teacher: &str| self.plan.run(teacher).join("model.safetensors").exists();
        if let Some(teacher) = self.teacher().filter(|name| method.learns_from() == LearnsFrom::Teacher && !left_a_model(name)) {
            let why = format!("learns from a trained flow, and {teacher} has left none");
            return self.failed(record, why).map(|kept| Begun::Kept(Box::new(kept)));
        }
        let reserve = LAST * self.plan.budget + VERDICT * self.log.iter().count() as f64;
        let test = if self.scorer.sets.test.is_some() { (TESTED * self.scoring).min(TEST * self.plan.budget) } else { 0.0 };
        // The last training takes what every method gets.
        let (refit, share) = match (self.refits()?, self.each) {
            (false, _) => (0.0, 1.0),
            (true, Some(each)) => (each, 1.0),
            (true, None) => (0.0, left as f64 / (left + at_once) as f64),
        };
        let time = share * (at_once as f64 * (self.plan.budget - reserve - test - refit - self.elapsed()) - busy.unwrap_or(0.0));
        let mut slots = slots(time.max(0.0), left, &self.overheads, self.each);
        if slots.count == 0 && self.each.is_none() {
            // A tour without a method would say nothing: the first is trained, whatever the budget.
            (slots.count, slots.seconds) = (1, LEAST);
        }
        if self.each.is_none() && slots.count < left {
            self.watch.message(&format!(
                "about {} of {left} methods fit: each gets {LEAST:.0} s of training or more, and takes about {:.0} s besides; the last in the list are left out",
                slots.count, slots.overhead
            ));
        }
        if slots.count == 0 && busy.is_some() {
            return Ok(Begun::Later);
        }
        if slots.count == 0 {
            record.left_out = true;
            let why = format!(
                "the time budget is spent: {:.1} s were left, and a method takes {:.1} s of training or more and about {:.1} s besides",
                time.max(0.0),
                self.each.map_or(LEAST, |each| LEAST_SHARE * each),
                slots.overhead
            );
            return self.failed(record, why).map(|kept| Begun::Kept(Box::new(kept)));
        }
        let seconds = slots.seconds;
        self.each.get_or_insert(seconds);
        self.watch.message(&format!("{}: {seconds:.0} s of training, {} to come", method.name(), left - 1));
        record.training_budget = Some(seconds);
        Ok(Begun::Task(Box::new(Task { method: method.boxed(), seconds, expected: seconds + slots.overhead, record })))
    }

    /// Scores and records what a method has made.
    pub fn finish(&mut self, made: Made) -> Result<Kept> {
        self.done = Instant::now();
        let Made { method, record, drawn, took } = made;
        let training_budget = record.training_budget;
        let kept = match drawn {
            Ok((rows, log_density)) => self.scored(record, rows, log_density),
            Err(e) => Err(e),
        };
        let kept = match kept {
            Err(e) if e.is_of_one_run() => {
                let fresh = Record::new(&self.terms, method.name(), Kind::Method);
                self.failed(Record { training_seconds: took, training_budget, ..fresh }, e.to_string())?
            }
            kept => kept?,
        };
        self.overheads.push(took + self.done.elapsed().as_secs_f64() - kept.record.training_seconds);
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

    /// Scores the winner on test rows, beside the baselines and the training rows. Nothing is chosen by these scores.
    pub fn test(&mut self, tour: &Tour) -> Result<Option<Tested>> {
        let (Some(best), Some(test)) = (tour.best_method(), &self.scorer.sets.test) else { return Ok(None) };
        self.watch.message(&format!("scoring {} on {} test rows", best.name, test.rows()));
        let beside = tour.ranked().into_iter().filter(|kept| kept.record.kind != Kind::Method);
        let mut scores = Vec::new();
        for kept in tour.find(&best.name).into_iter().chain(beside) {
            let Some(rows) = &kept.rows else { continue };
            // Of the baselines as many as there is time for, the nearest first.
            if kept.record.kind == Kind::Baseline && !fits(self.elapsed(), self.scoring, self.plan.budget) {
                continue;
            }
            if let Some(found) = self.scorer.test_scores(rows, kept.record.kind == Kind::Rows)? {
                scores.push((kept.record.name.clone(), found));
            }
        }
        let model = Model::load(self.gpu, self.plan.run(&best.name))?;
        let rows = model.description().dequantized(&by_weight(test, LIKELIHOOD_ROWS, self.plan.seed), 1);
        let (mut likelihood, mut no_likelihood) = (None, None);
        match model.mixed_log_density(&rows) {
            Ok(found) => {
                likelihood = found.map(|found| LogLikelihood::of(found.values.into_iter().map(f64::from), self.generated()));
            }
            Err(e) if e.is_of_one_run() => no_likelihood = Some(e.to_string()),
            Err(e) => return Err(e),
        }
        if likelihood.is_some_and(|found| !found.mean.is_finite()) {
            (likelihood, no_likelihood) = (None, Some("a test row is impossible under it".into()));
        }
        Ok(Some(Tested { winner: best.name.clone(), rows: test.rows(), scores, likelihood, no_likelihood }))
    }

    /// Trains the winner of a small table again on all of its rows, for as many steps as were kept, and puts that model into the tour's folder; how
    /// many rows these are.
    pub fn refit(&mut self, tour: &Tour) -> Result<Option<usize>> {
        let Some(best) = tour.best_method().filter(|_| matches!(self.refits(), Ok(true))) else { return Ok(None) };
        let (rows, path) = (self.plan.table.rows(), self.plan.run(&best.name).join("refit.safetensors"));
        if !path.exists() {
            self.watch.message(&format!("refitting {} on all {rows} rows, for the {} steps kept", best.name, best.steps_kept));
            let job = Job {
                table: self.plan.table.clone(),
                validation: None,
                ..self.trainer().job(methods::by_name(&best.name)?.as_ref(), Some(best.steps_planned))?
            };
            match train::refit(self.gpu, job, best.steps_kept, self.watch, self.stop) {
                Ok(model) => model.save(&path)?,
                // The model of the training rows is there all the same.
                Err(e) if e.is_of_one_run() => {
                    self.watch.message(&format!("{}: {e}; the model of the training rows is kept", best.name));
                    return Ok(None);
                }
                Err(e) => return Err(e),
            }
        }
        self.keep(&path).map(|()| Some(rows))
    }

    /// Puts the best model into the tour's folder, where `sample` finds it.
    pub fn keep_best(&self, tour: &Tour) -> Result<()> {
        let Some(best) = tour.best_method() else { return Ok(()) };
        self.keep(&self.plan.run(&best.name).join("model.safetensors"))
    }

    fn keep(&self, from: &Path) -> Result<()> {
        let bytes = std::fs::read(from).map_err(|e| Error::io("read", from, e))?;
        write_atomically(self.plan.out.join("model.safetensors"), |file| file.write_all(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baselines_end_with_their_quarter_of_the_budget() {
        // Seven sets of 8 s do not fit into a quarter of 45 s, nor do their test scores into what is left.
        let until = BASELINES_SCORED * 45.0;
        assert!(!fits(16.0, 8.0, until) && fits(2.0, 8.0, until));
        let scored = |budget: f64| (0..7).filter(|k| fits(f64::from(*k) * 8.0, 8.0, BASELINES_SCORED * budget)).count();
        assert_eq!([scored(45.0), scored(120.0), scored(600.0)], [1, 3, 7]);
    }
}
