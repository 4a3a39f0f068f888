//! Methods side by side, on the same targets, rows and seeds, for the same seconds of training. A [`Subject`] says which methods:
//! [`statistics`](super::statistics) has those of the paper's §2, [`flows`](super::flows) those of its §4.
//!
//! A method's learning rate falls to zero at its last step, so the number of steps has to be known at the start. Each method's step is
//! timed on each target first, compilation aside, and a run makes as many steps as fit into the budget, or the method's default number
//! where that is less. What a run then really took is recorded, for a machine may be shared.
//!
//! Runs are scored by [`Scorer`], and so are two baselines for each seed: a Gaussian fitted to the rows that were trained on, and fresh rows.
//! With r the root energy distance to fresh rows,
//!
//!   skill = 1 − (r_model − r_fresh)/(r_Gaussian − r_fresh),
//!
//! where the baselines' r are means over the seeds: 0 is the fitted Gaussian, 1 is fresh data. [`Comparison`] has the means over
//! seeds, their intervals, and what failed.

mod page;
mod record;
pub(crate) mod report;
mod scorer;
mod summary;

pub use record::{Record, Terms};
use record::{has, planned};
pub use scorer::{Scorer, Scores};
pub use summary::{Cell, Comparison, Failure, LEAST_MODE_SHARE, LEAST_SKILL, MOST_C2ST_ACCURACY, Standing};

use pushforward::data::toy::Toy;
use pushforward::gpu::Gpu;
use pushforward::methods::{self, LearnsFrom, Method};
use pushforward::metrics::Points;
use pushforward::metrics::gaussian::Gaussian;
use pushforward::model::Model;
use pushforward::settings::{Settings as _, Values};
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
    /// Whether a method is one of them.
    pub has: fn(&dyn Method) -> bool,
}

impl Subject {
    /// Its methods, in the registry's order.
    pub fn methods(&self) -> impl Iterator<Item = Box<dyn Method>> {
        methods::all().into_iter().filter(|method| (self.has)(method.as_ref()))
    }
}

settings! {
    /// Settings of a comparison.
    pub struct Settings {
        /// Seconds of training per run.
        seconds: f32 = 20.0, in above(0.0),
        /// Number of runs of each method on each target, with seeds from --seed on.
        seeds: u64 = 3, in 1..=100,
        /// Training rows.
        rows: usize = 20_000, in 10..=pushforward::data::MAX_TOY_ROWS as i64,
        /// Rows of each set in the scores.
        scored: usize = 4_000, in 50..=50_000,
        /// Methods, such as ["mmd", "energy"] of §2 or ["diffusion", "flow-matching"] of §4; all of the study when empty.
        methods: Vec<String> = Vec::new(),
        /// Toy distributions, such as ["moons"]; 8gaussians, moons, checkerboard and spiral when empty.
        targets: Vec<String> = Vec::new(),
        /// Training settings of every method that differ from the defaults, such as {hidden_width = 32, batch_size = 512}.
        training: Values = Values::default(),
    }
}

impl Settings {
    /// Refuses names that are none.
    fn validate(&self) -> Result<()> {
        self.toys().map(|_| ())
    }

    /// Refuses what is not of this comparison, and settings that its methods refuse.
    ///
    /// # Errors
    /// The first of them.
    pub fn check_for(&self, subject: &Subject) -> Result<()> {
        self.check()?;
        self.chosen(subject)?.into_iter().try_for_each(|method| methods::configure(method, &self.training).map(|_| ()))
    }

    /// The methods asked for, each once.
    ///
    /// # Errors
    /// A name that is none, or not of this comparison.
    pub fn chosen(&self, subject: &Subject) -> Result<Vec<Box<dyn Method>>> {
        let all: Vec<Box<dyn Method>> = subject.methods().collect();
        if self.methods.is_empty() {
            return Ok(all);
        }
        let mut chosen: Vec<Box<dyn Method>> = Vec::new();
        for name in &self.methods {
            let method = methods::by_name(name)?;
            if !(subject.has)(method.as_ref()) {
                let names: Vec<&str> = all.iter().map(|of| of.name()).collect();
                return Err(Error::usage(format!(
                    "`{name}` is of {}, and this compares the methods {}: {}",
                    method.entry().paper,
                    subject.methods_of,
                    names.join(", ")
                )));
            }
            if chosen.iter().all(|of| of.name() != method.name()) {
                chosen.push(method);
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

/// Whether a method can learn this target at all: one that learns from the score needs it.
pub fn applies(method: &str, toy: Toy) -> bool {
    let scored = methods::by_name(method).is_ok_and(|method| method.learns_from() == LearnsFrom::Score);
    !scored || toy.score([0.0; 2]).is_some()
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
    settings.check_for(subject)?;
    let (chosen, toys) = (settings.chosen(subject)?, settings.toys()?);
    let terms = Terms::new(gpu, settings);
    let log = Log::open(&out.join(format!("{}.jsonl", subject.name)), &terms)?;
    let seeds: Vec<u64> = (0..settings.seeds).map(|i| seed.wrapping_add(i)).collect();
    let judges = toys.iter().map(|&toy| Scorer::new(gpu, toy, settings.scored)).collect::<Vec<_>>();
    let mut maker = Maker { gpu, subject, out, settings, terms, log, watch, stop };
    let interrupted = maker.all(&chosen, &judges, &seeds)?;
    let methods = chosen.iter().map(|method| method.name().to_string()).collect();
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
    fn all(&mut self, chosen: &[Box<dyn Method>], judges: &[Scorer], seeds: &[u64]) -> Result<Option<u64>> {
        let mut to_make = Vec::new();
        for &seed in seeds {
            for scorer in judges {
                for method in chosen.iter().filter(|method| applies(method.name(), scorer.toy())) {
                    if !has(&self.log, method.name(), scorer.toy(), seed) {
                        to_make.push((seed, scorer, method.as_ref()));
                    }
                }
            }
        }
        let known = |scorer: &Scorer, seed: u64| [GAUSSIAN, FRESH].iter().all(|name| has(&self.log, name, scorer.toy(), seed));
        if !seeds.iter().all(|&seed| judges.iter().all(|scorer| known(scorer, seed))) {
            self.watch.message("scoring fitted Gaussians and fresh data");
        }
        for &seed in seeds {
            for scorer in judges {
                if self.stop.load(Ordering::SeqCst) {
                    return Ok(Some(0));
                }
                self.baselines(scorer, seed)?;
            }
        }
        let (count, started) = (to_make.len(), Instant::now());
        for (made, (seed, scorer, method)) in to_make.into_iter().enumerate() {
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
            self.watch.message(&format!("{} on {}, seed {seed}: run {} of {count}{left}", method.name(), scorer.toy(), made + 1));
            match self.one(method, scorer, seed) {
                Err(Error::Interrupted { step }) => return Ok(Some(step)),
                outcome => outcome?,
            }
        }
        Ok(None)
    }

    fn baselines(&mut self, scorer: &Scorer, seed: u64) -> Result<()> {
        let (toy, rows) = (scorer.toy(), scorer.rows());
        for name in [GAUSSIAN, FRESH] {
            if has(&self.log, name, toy, seed) {
                continue;
            }
            let started = Instant::now();
            let values = match name {
                GAUSSIAN => gaussian(toy, seed, self.settings.rows, rows)?,
                _ => scorer.beside(seed),
            };
            let scores = scorer.scores(&values)?;
            let mut record = Record::new(&self.terms, name, toy, seed);
            record.scores = Some(scores);
            record.scoring_seconds = started.elapsed().as_secs_f64();
            self.log.push(record)?;
        }
        Ok(())
    }

    /// Makes a run, scores it and records it.
    fn one(&mut self, method: &dyn Method, scorer: &Scorer, seed: u64) -> Result<()> {
        let toy = scorer.toy();
        let planned = match planned(&self.log, method.name(), toy) {
            Some(steps) => steps,
            None => self.steps(method, toy, seed)?,
        };
        let mut record = Record { steps: planned.into(), ..Record::new(&self.terms, method.name(), toy, seed) };
        let started = Instant::now();
        match self.trained(method, toy, seed, planned) {
            Ok(outcome) => {
                (record.steps_made, record.training_seconds) = (outcome.steps, outcome.seconds);
                let started = Instant::now();
                match outcome.model.sample(scorer.rows(), SAMPLE).and_then(|sample| scorer.scores(sample.single())) {
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
    fn steps(&mut self, method: &dyn Method, toy: Toy, seed: u64) -> Result<u32> {
        let budget = f64::from(self.settings.seconds);
        let job = |steps| self.job(method, toy, seed, steps);
        match train::steps_within(self.gpu, budget, (budget / 20.0).clamp(0.2, 1.0), &job) {
            // The run will meet the same, and say so.
            Err(e) if e.is_of_one_run() => Ok(job(None)?.training.steps),
            found => found,
        }
    }

    fn trained(&mut self, method: &dyn Method, toy: Toy, seed: u64, steps: u32) -> Result<train::Outcome> {
        let job = self.job(method, toy, seed, Some(steps))?;
        // A run that was not recorded was not finished: it is begun again.
        if let Some(out) = job.out.as_ref().filter(|out| out.exists()) {
            std::fs::remove_dir_all(out).map_err(|e| Error::io("begin again in", out, e))?;
        }
        train::train(self.gpu, job, self.watch, self.stop)
    }

    fn job(&self, method: &dyn Method, toy: Toy, seed: u64, steps: Option<u32>) -> Result<Job> {
        let out = folder(self.out, method.name(), toy, seed);
        let (method, mut training) = methods::configure(method.boxed(), &self.settings.training)?;
        // Every run is scored by fresh rows.
        training.test_fraction = Some(0.0);
        if let Some(steps) = steps {
            training.steps = steps;
            training.warmup_steps = training.warmup_steps.min(steps / WARMUP_SHARE);
        }
        Ok(Job {
            method,
            training,
            seed,
            source: format!("toy:{toy}:{}", self.settings.rows),
            source_hash: None,
            table: toy.sample(self.settings.rows, seed),
            encoding: None,
            split: None,
            conditions: 0,
            validation: None,
            test: None,
            out: Some(out),
            resume: false,
            command: format!("pushforward reproduce {} --out {}", self.subject.name, self.out.display()),
        })
    }
}
