//! Methods side by side, on the same targets, rows and seeds, for the same seconds of training. A [`Subject`] says which methods:
//! [`statistics`](super::statistics) has those of the paper's §2, [`flows`](super::flows) those of its §4.
//!
//! A method's learning rate falls to zero at its last step, so the number of steps has to be known at the start. Each method's step is
//! timed on each target first, compilation aside, and a run makes as many steps as fit into the budget, or the method's default number
//! where that is less. What a run then really took is recorded, for a machine may be shared.
//!
//! Runs are scored by [`Judge`], and so are two baselines for each seed: a Gaussian fitted to the rows that were trained on, and fresh rows.
//! With r the root energy distance to fresh rows,
//!
//!   skill = 1 − (r_model − r_fresh)/(r_Gaussian − r_fresh),
//!
//! where the baselines' r are means over the seeds: 0 is the fitted Gaussian, 1 is fresh data. [`Comparison`] has the means over
//! seeds, their intervals, and what failed.

mod judge;
mod page;
mod record;
pub(crate) mod report;
mod summary;

pub use judge::{Judge, Scores};
pub use record::{Record, Terms};
use record::{has, planned};
pub use summary::{Cell, Comparison, Failure, LEAST_MODE_SHARE, LEAST_SKILL, MOST_C2ST_ACCURACY, Standing};

use pushforward::data::Fraction;
use pushforward::data::toy::Toy;
use pushforward::gpu::Gpu;
use pushforward::methods::{self, Entry, REGISTRY, stein};
use pushforward::metrics::Points;
use pushforward::metrics::gaussian::Gaussian;
use pushforward::model::Model;
use pushforward::train::log::Log;
use pushforward::train::{self, Job, Progress};
use pushforward::{Error, Result, settings};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The targets when none are asked for.
pub const TARGETS: [Toy; 4] = [Toy::EightGaussians, Toy::Moons, Toy::Checkerboard, Toy::Spiral];
/// The baselines' names, where methods have theirs.
pub const GAUSSIAN: &str = "fitted Gaussian";
pub const FRESH: &str = "fresh data";
/// Seed of the samples that are scored and drawn: `sample --seed 1` gives the very rows.
pub const SAMPLE: u64 = 1;
/// The warm-up is at most this share of the steps: a default one would fill a short run.
const WARMUP_SHARE: u32 = 10;

/// What is compared.
pub struct Subject {
    /// The name of the command, of the comparison's log and of its table.
    pub name: &'static str,
    /// The page's title.
    pub title: &'static str,
    /// What its methods are, after "the methods".
    pub methods_of: &'static str,
    /// What is to be known of how they were compared, beside what holds for every comparison.
    pub note: &'static str,
    /// Whether a line of the registry is one of them.
    pub has: fn(&Entry) -> bool,
}

impl Subject {
    /// Its methods, in the registry's order.
    pub fn methods(&self) -> impl Iterator<Item = &'static Entry> {
        REGISTRY.iter().filter(|entry| (self.has)(entry))
    }
}

settings! {
    /// Settings of a comparison.
    pub struct Settings {
        /// Seconds of training per run.
        seconds: f32 = 20.0,
        /// Number of runs of each method on each target, with seeds from --seed on.
        seeds: u64 = 3,
        /// Training rows.
        rows: usize = 20_000,
        /// Rows of each set in the scores.
        scored: usize = 4_000,
        /// Methods, such as ["mmd", "energy"] of §2 or ["diffusion", "flow-matching"] of §4; all of the study when empty.
        methods: Vec<String> = Vec::new(),
        /// Toy distributions, such as ["moons"]; 8gaussians, moons, checkerboard and spiral when empty.
        targets: Vec<String> = Vec::new(),
        /// Training settings of every method that differ from the defaults, such as {hidden_width = 32, batch_size = 512}.
        training: toml::Table = toml::Table::new(),
    }
}

impl Settings {
    /// Refuses values out of range, and names that are none.
    pub fn check(&self, subject: &Subject) -> Result<()> {
        let wrong = |key: &str, value: &dyn std::fmt::Display, valid: &str| {
            Err(Error::usage(format!("`{key}` is {value}: it must be {valid}")))
        };
        if !(self.seconds > 0.0 && self.seconds.is_finite()) {
            return wrong("seconds", &self.seconds, "above 0");
        }
        if !(1..=100).contains(&self.seeds) {
            return wrong("seeds", &self.seeds, "between 1 and 100");
        }
        if !(10..=pushforward::data::MAX_TOY_ROWS).contains(&self.rows) {
            return wrong("rows", &self.rows, &format!("between 10 and {}", pushforward::data::MAX_TOY_ROWS));
        }
        if !(50..=50_000).contains(&self.scored) {
            return wrong("scored", &self.scored, "between 50 and 50,000");
        }
        self.toys()?;
        self.entries(subject)?.iter().try_for_each(|entry| entry.settings(self.training.clone()).map(|_| ()))
    }

    /// The methods asked for, each once.
    pub fn entries(&self, subject: &Subject) -> Result<Vec<&'static Entry>> {
        let all: Vec<&Entry> = subject.methods().collect();
        if self.methods.is_empty() {
            return Ok(all);
        }
        let mut chosen: Vec<&Entry> = Vec::new();
        for name in &self.methods {
            let entry = methods::find(name)?;
            if !(subject.has)(entry) {
                let names: Vec<&str> = all.iter().map(|of| of.name).collect();
                return Err(Error::usage(format!(
                    "`{name}` is of {}, and this compares the methods {}: {}",
                    entry.paper,
                    subject.methods_of,
                    names.join(", ")
                )));
            }
            if chosen.iter().all(|of| of.name != entry.name) {
                chosen.push(entry);
            }
        }
        Ok(chosen)
    }

    /// The targets asked for, each once.
    pub fn toys(&self) -> Result<Vec<Toy>> {
        let mut chosen = Vec::new();
        for name in &self.targets {
            let toy = name.parse()?;
            if !chosen.contains(&toy) {
                chosen.push(toy);
            }
        }
        Ok(if chosen.is_empty() { TARGETS.to_vec() } else { chosen })
    }
}

/// Whether a method can learn this target at all: `stein` needs its score.
pub fn applies(method: &str, toy: Toy) -> bool {
    method != stein::ENTRY.name || toy.score([0.0; 2]).is_some()
}

/// Where a run of a method is kept in the comparison's folder.
pub fn folder(out: &Path, method: &str, toy: Toy, seed: u64) -> PathBuf {
    out.join("runs").join(format!("{method}-{toy}-seed{seed}"))
}

/// The model of a finished run; none where its folder has been cleared away.
pub fn model(gpu: &Gpu, out: &Path, method: &str, toy: Toy, seed: u64) -> Result<Option<Model>> {
    let folder = folder(out, method, toy, seed);
    if !folder.join("model.safetensors").exists() {
        return Ok(None);
    }
    Model::load(gpu, folder).map(Some)
}

/// Rows of a Gaussian fitted to what a seed trains on, as they were scored.
pub fn gaussian(toy: Toy, seed: u64, fitted: usize, rows: usize) -> Result<Vec<f32>> {
    Ok(Gaussian::fit(Points::of(&toy.sample(fitted, seed))?).sample(rows, SAMPLE))
}

/// Makes the runs that `out` does not hold yet, and compares all of them. Ctrl-C (`stop`) ends it early: what is missing is then not there.
///
/// # Errors
/// A setting out of range; a folder that holds a comparison on other terms; a device that fails, a full disk. A run that fails is
/// recorded as such, and the others go on.
pub fn run(
    gpu: &Gpu,
    subject: &Subject,
    out: &Path,
    seed: u64,
    settings: &Settings,
    watch: &mut dyn Progress,
    stop: &AtomicBool,
) -> Result<Comparison> {
    settings.check(subject)?;
    let (entries, toys) = (settings.entries(subject)?, settings.toys()?);
    let terms = Terms::new(gpu, settings);
    let log = Log::open(&out.join(format!("{}.jsonl", subject.name)), &terms)?;
    let seeds: Vec<u64> = (0..settings.seeds).map(|i| seed.wrapping_add(i)).collect();
    let judges = toys.iter().map(|&toy| Judge::new(gpu, toy, settings.scored)).collect::<Vec<_>>();
    let mut maker = Maker { gpu, subject, out, settings, terms, log, watch, stop };
    let interrupted = maker.all(&entries, &judges, &seeds)?;
    let methods = entries.iter().map(|entry| entry.name.to_string()).collect();
    Ok(Comparison::new(settings, methods, toys, seeds, maker.log.records(), interrupted))
}

/// Makes and records runs.
struct Maker<'a> {
    gpu: &'a Gpu,
    subject: &'a Subject,
    out: &'a Path,
    settings: &'a Settings,
    terms: Terms,
    log: Log<Record>,
    watch: &'a mut dyn Progress,
    stop: &'a AtomicBool,
}

impl Maker<'_> {
    /// One seed after the other, so that a comparison that ends early has something of everything. The step at which it was interrupted.
    fn all(&mut self, entries: &[&'static Entry], judges: &[Judge], seeds: &[u64]) -> Result<Option<u64>> {
        let mut to_make = Vec::new();
        for &seed in seeds {
            for judge in judges {
                for &entry in entries.iter().filter(|entry| applies(entry.name, judge.toy())) {
                    if !has(&self.log, entry.name, judge.toy(), seed) {
                        to_make.push((seed, judge, entry));
                    }
                }
            }
        }
        let known = |judge: &Judge, seed: u64| [GAUSSIAN, FRESH].iter().all(|name| has(&self.log, name, judge.toy(), seed));
        if !seeds.iter().all(|&seed| judges.iter().all(|judge| known(judge, seed))) {
            self.watch.message("scoring fitted Gaussians and fresh data");
        }
        for &seed in seeds {
            for judge in judges {
                if self.stop.load(Ordering::SeqCst) {
                    return Ok(Some(0));
                }
                self.baselines(judge, seed)?;
            }
        }
        let (count, started) = (to_make.len(), Instant::now());
        for (made, (seed, judge, entry)) in to_make.into_iter().enumerate() {
            if self.stop.load(Ordering::SeqCst) {
                return Ok(Some(0));
            }
            let left = match made {
                0 => String::new(),
                _ => {
                    let each = started.elapsed().as_secs_f64() / made as f64;
                    format!(", about {:.0} min left", (each * (count - made) as f64 / 60.0).ceil())
                }
            };
            self.watch.message(&format!("{} on {}, seed {seed}: run {} of {count}{left}", entry.name, judge.toy(), made + 1));
            match self.one(entry, judge, seed) {
                Err(Error::Interrupted { step }) => return Ok(Some(step)),
                outcome => outcome?,
            }
        }
        Ok(None)
    }

    fn baselines(&mut self, judge: &Judge, seed: u64) -> Result<()> {
        let (toy, rows) = (judge.toy(), judge.rows());
        for name in [GAUSSIAN, FRESH] {
            if has(&self.log, name, toy, seed) {
                continue;
            }
            let started = Instant::now();
            let values = match name {
                GAUSSIAN => gaussian(toy, seed, self.settings.rows, rows)?,
                _ => judge.beside(seed),
            };
            let scores = judge.scores(&values)?;
            let mut record = Record::new(&self.terms, name, toy, seed);
            record.scores = Some(scores);
            record.scoring_seconds = started.elapsed().as_secs_f64();
            self.log.push(record)?;
        }
        Ok(())
    }

    /// Makes a run, scores it and records it.
    fn one(&mut self, entry: &'static Entry, judge: &Judge, seed: u64) -> Result<()> {
        let toy = judge.toy();
        let planned = match planned(&self.log, entry.name, toy) {
            Some(steps) => steps,
            None => self.steps(entry, toy, seed)?,
        };
        let mut record = Record { steps: planned.into(), ..Record::new(&self.terms, entry.name, toy, seed) };
        let started = Instant::now();
        match self.trained(entry, toy, seed, planned) {
            Ok(outcome) => {
                (record.steps_made, record.training_seconds) = (outcome.steps, outcome.seconds);
                let started = Instant::now();
                match outcome.model.sample(judge.rows(), SAMPLE).and_then(|sample| judge.scores(sample.single())) {
                    Ok(scores) => record.scores = Some(scores),
                    Err(e) if e.is_of_one_run() => record.failure = Some(e.to_string()),
                    Err(e) => return Err(e),
                }
                record.scoring_seconds = started.elapsed().as_secs_f64();
            }
            Err(e) if e.is_of_one_run() => {
                record.failure = Some(e.to_string());
                record.training_seconds = started.elapsed().as_secs_f64();
                if let Error::NonFinite { step, .. } = e {
                    record.steps_made = step;
                }
            }
            Err(e) => return Err(e),
        }
        self.log.push(record)
    }

    /// How many steps fit into the budget.
    fn steps(&mut self, entry: &'static Entry, toy: Toy, seed: u64) -> Result<u32> {
        let budget = f64::from(self.settings.seconds);
        let job = |steps| self.job(entry, toy, seed, steps);
        match train::steps_within(self.gpu, budget, (budget / 20.0).clamp(0.2, 1.0), &job) {
            // The run will meet the same, and say so.
            Err(e) if e.is_of_one_run() => Ok(job(None)?.training.steps),
            found => found,
        }
    }

    fn trained(&mut self, entry: &'static Entry, toy: Toy, seed: u64, steps: u32) -> Result<train::Outcome> {
        let job = self.job(entry, toy, seed, Some(steps))?;
        // A run that was not recorded was not finished: it is begun again.
        if let Some(out) = job.out.as_ref().filter(|out| out.exists()) {
            std::fs::remove_dir_all(out).map_err(|e| Error::io("begin again in", out, e))?;
        }
        train::train(self.gpu, job, self.watch, self.stop)
    }

    fn job(&self, entry: &'static Entry, toy: Toy, seed: u64, steps: Option<u32>) -> Result<Job> {
        let (mut training, settings) = entry.settings(self.settings.training.clone())?;
        // Every run is scored by fresh rows.
        training.test_fraction = Fraction::Of(0.0);
        if let Some(steps) = steps {
            training.steps = steps;
            training.warmup_steps = training.warmup_steps.min(steps / WARMUP_SHARE);
        }
        Ok(Job {
            entry,
            training,
            settings,
            seed,
            source: format!("toy:{toy}:{}", self.settings.rows),
            source_hash: None,
            table: toy.sample(self.settings.rows, seed),
            conditions: 0,
            validation: None,
            test: None,
            out: Some(folder(self.out, entry.name, toy, seed)),
            resume: false,
            command: format!("pushforward reproduce {} --out {}", self.subject.name, self.out.display()),
        })
    }
}
