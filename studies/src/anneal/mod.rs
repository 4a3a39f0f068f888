//! The paper's own proposal (§4, "From network to optimization architecture") put to the test: does it help an objective to be trained on data whose noise
//! falls, when, and by how much?
//!
//! Every objective of a one-step map is trained directly and [annealed](pushforward::methods::anneal), for as many steps, with the same rows, batches, starting weights
//! and settings of training, on distributions whose modes lie far apart and on a control ([`Target`]). A seed makes a pair: with r the root energy distance to fresh
//! rows,
//!
//!   δ_s = r(annealed, s) − r(direct, s),
//!
//! and what is reported of a pair of arms is the mean of δ_s over seeds, Student's interval, and the exact p-value of its signs ([`Effect`]). The same is
//! reported of the total variation between the modes' shares and the true ones. Steps are the budget; the seconds that they took are measured too, because
//! the schedule `floor` spends time on measuring its loss.
//!
//! Runs are lines of `anneal.jsonl`. Logs on equal terms may be put behind one another: a run that is there is not made again, and of two lines of one run
//! the first counts. So a study may be split by its targets, objectives or seeds, and its page made from all logs (`train = false`), with the folders `rows`
//! put into one for its pictures.

mod page;
mod record;
pub(crate) mod report;
mod scorer;
mod summary;
mod target;
mod words;

use record::has;
pub use record::{Arm, Key, Record, Scores, Terms};
pub use scorer::Scorer;
pub use summary::{Change, Effect, Level, STANDS, Study, Verdict};
pub use target::{Kind, Mixture, NAMES, Target};

use super::comparison::{FRESH, GAUSSIAN, SAMPLE};
use pushforward::gpu::Gpu;
use pushforward::methods::anneal::{self, Annealed};
use pushforward::methods::{self, Anneal, Method, Training};
use pushforward::metrics::Points;
use pushforward::metrics::gaussian::Gaussian;
use pushforward::ops::cooling::NoiseSchedule;
use pushforward::settings::{Settings as _, Values};
use pushforward::train::log::Log;
use pushforward::train::{self, Job, Progress};
use pushforward::{Error, Result, settings};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Rows of a run that are kept to be drawn.
pub const DRAWN: usize = 1_500;
/// The warm-up is at most this share of the steps.
const WARMUP_SHARE: u32 = 10;
/// Settings of training that are the study's own.
const OWN: [&str; 4] = ["objective", "noise_schedule", "steps", "batch_size"];

settings! {
    /// Settings of the study.
    pub struct Settings {
        /// Objectives, such as ["mmd", "gan"]; mmd, energy, characteristic, sinkhorn, gan and wgan when empty.
        objectives: Vec<String> = Vec::new(),
        /// Noise schedules of the annealed runs: rounds, geometric, floor; all three when empty.
        noise_schedules: Vec<NoiseSchedule> = Vec::new(),
        /// Target distributions, such as ["ring", "far32"]; ring, two, far32, far64 and moons when empty.
        targets: Vec<String> = Vec::new(),
        /// Number of pairs of runs, with seeds from --seed on.
        seeds: u64 = 10, in 1..=100,
        /// Training steps of every run; of an adversarial method, steps of its generator.
        steps: u32 = 2000, in 1..,
        /// Batch size: rows of the data in one training step.
        batch_size: usize = 512, in 2..=1 << 20,
        /// Training rows.
        rows: usize = 20_000, in 10..=pushforward::data::MAX_TOY_ROWS as i64,
        /// Rows of each set in the scores.
        scored: usize = 4_000, in 50..=50_000,
        /// Training of the missing runs, true or false; false only shows the finished ones.
        train: bool = true,
        /// Keeping of the runs' folders, true or false.
        keep: bool = false,
        /// Further settings of training, of objectives and of anneal, such as {hidden_width = 32, critic_steps = 2, noise_fraction = 0.7}; each run takes those that it knows.
        training: Values = Values::default(),
    }
}

impl Settings {
    /// Refuses names that are none, and settings that no run takes.
    fn validate(&self) -> Result<()> {
        self.targets()?;
        let objectives = self.objectives()?;
        if let Some(own) = OWN.into_iter().find(|own| self.training.keys().any(|key| key == *own)) {
            let instead = if own == "objective" { "objectives" } else { own };
            return Err(Error::usage(format!("`training` has `{own}`, which is set by `{instead}` of the study")));
        }
        // Of all objectives: parts of a study that is split by them share their terms.
        let mut valid: Vec<&str> = Vec::new();
        for objective in anneal::objectives() {
            for key in known(annealed(objective, NoiseSchedule::Geometric)?.as_ref()) {
                if !OWN.contains(&key) && !valid.contains(&key) {
                    valid.push(key);
                }
            }
        }
        let mut unknown = self.training.clone();
        unknown.retain(|key| !valid.contains(&key));
        unknown.refuse(&valid)?;
        for objective in objectives {
            for arm in self.arms() {
                self.configured(objective.as_ref(), arm)?;
            }
        }
        Ok(())
    }

    /// The objectives asked for, each once.
    ///
    /// # Errors
    /// A name that is none, or of what cannot be annealed.
    pub fn objectives(&self) -> Result<Vec<Box<dyn Method>>> {
        if self.objectives.is_empty() {
            return Ok(anneal::objectives());
        }
        let mut chosen: Vec<Box<dyn Method>> = Vec::new();
        for name in &self.objectives {
            let method = methods::by_name(name)?;
            if !method.can_be_annealed() {
                let names: Vec<&str> = anneal::objectives().iter().map(|method| method.name()).collect();
                return Err(Error::usage(format!("`{name}` cannot be annealed: what can is {}", names.join(", "))));
            }
            if chosen.iter().all(|of| of.name() != method.name()) {
                chosen.push(method);
            }
        }
        Ok(chosen)
    }

    /// The targets asked for, each once.
    pub fn targets(&self) -> Result<Vec<Target>> {
        let asked: Vec<&str> = self.targets.iter().map(String::as_str).collect();
        let mut chosen: Vec<Target> = Vec::new();
        for name in if asked.is_empty() { NAMES.to_vec() } else { asked } {
            let target = Target::find(name)?;
            if chosen.iter().all(|of| of.name != target.name) {
                chosen.push(target);
            }
        }
        Ok(chosen)
    }

    /// Direct training, and the noise schedules asked for, each once.
    pub fn arms(&self) -> Vec<Arm> {
        let all = vec![NoiseSchedule::Rounds, NoiseSchedule::Geometric, NoiseSchedule::Floor];
        let mut arms = vec![Arm::Direct];
        for schedule in if self.noise_schedules.is_empty() { all } else { self.noise_schedules.clone() } {
            if !arms.contains(&Arm::of(schedule)) {
                arms.push(Arm::of(schedule));
            }
        }
        arms
    }

    /// What trains a run, and its settings: those of the two arms of an objective differ only in what anneal adds.
    fn configured(&self, objective: &dyn Method, arm: Arm) -> Result<(Box<dyn Method>, Training)> {
        let method = match arm.noise_schedule() {
            Some(schedule) => annealed(objective.boxed(), schedule)?,
            None => objective.boxed(),
        };
        let keys = known(method.as_ref());
        let mut own = self.training.clone();
        own.retain(|key| keys.contains(&key));
        // All rows are learned from, and the last weights count: which step is kept would be a difference of its own.
        let mut values = Values::default();
        values.insert("validation_fraction", 0.0);
        values.extend(own);
        let (method, training) = methods::configure(method, &values)?;
        let training = Training {
            steps: self.steps,
            batch_size: self.batch_size,
            // The scorer has test rows of its own.
            test_fraction: Some(0.0),
            warmup_steps: training.warmup_steps.min(self.steps / WARMUP_SHARE),
            ..training
        };
        Ok((method, training))
    }
}

fn annealed(objective: Box<dyn Method>, noise_schedule: NoiseSchedule) -> Result<Box<dyn Method>> {
    Ok(Box::new(Anneal { objective: Annealed::new(objective)?, noise_schedule, ..Anneal::default() }))
}

/// Settings that a run of a method takes.
fn known(method: &dyn Method) -> Vec<&'static str> {
    [method.training().keys(), method.keys()].concat().into_iter().map(|key| key.name).collect()
}

/// Where the rows of a run that are drawn on the page are kept.
pub fn picture(out: &Path, key: &Key) -> PathBuf {
    out.join("rows").join(format!("{}-{}-{}-seed{}.npy", key.target, key.objective, key.arm.name(), key.seed))
}

/// Makes the runs that `out` does not hold yet, and compares all of them. Ctrl-C (`stop`) ends it early: what is missing is then not there.
///
/// # Errors
/// A setting out of range; a folder that holds runs on other terms; a device that fails, a full disk. A run that fails is recorded as such, and the others
/// go on.
pub fn run(gpu: &Gpu, out: &Path, seed: u64, settings: &Settings, watch: &mut dyn Progress, stop: &AtomicBool) -> Result<Study> {
    settings.check()?;
    let terms = Terms::new(settings);
    let log = Log::open(&out.join("anneal.jsonl"), &terms)?;
    let seeds: Vec<u64> = (0..settings.seeds).map(|i| seed.wrapping_add(i)).collect();
    let mut maker = Maker { gpu, out, settings, terms, log, first: seed, watch, stop };
    let interrupted = maker.all(&seeds)?;
    Study::new(settings, seeds, maker.log.records(), interrupted)
}

/// Makes and records runs.
struct Maker<'a> {
    gpu: &'a Gpu,
    out: &'a Path,
    settings: &'a Settings,
    terms: Terms,
    log: Log<Record>,
    first: u64,
    watch: &'a mut dyn Progress,
    stop: &'a AtomicBool,
}

impl Maker<'_> {
    /// One seed after the other, so that a study that ends early has pairs of everything. The step at which it was interrupted.
    fn all(&mut self, seeds: &[u64]) -> Result<Option<u64>> {
        let (objectives, arms) = (self.settings.objectives()?, self.settings.arms());
        let targets = self.settings.targets()?.into_iter().map(|target| Scorer::new(self.gpu, target, self.settings.scored));
        let judges = targets.collect::<Result<Vec<_>>>()?;
        let mut to_make = Vec::new();
        if !self.settings.train {
            return Ok(None);
        }
        for &seed in seeds {
            for scorer in &judges {
                self.baselines(scorer, seed)?;
                for objective in &objectives {
                    for &arm in &arms {
                        let key = Key::new(scorer.target().name, objective.name(), arm, seed);
                        if !has(&self.log, &key) {
                            to_make.push((scorer, objective.as_ref(), key));
                        }
                    }
                }
                if self.stop.load(Ordering::SeqCst) {
                    return Ok(Some(0));
                }
            }
        }
        let (count, started) = (to_make.len(), Instant::now());
        for (made, (scorer, objective, key)) in to_make.into_iter().enumerate() {
            if self.stop.load(Ordering::SeqCst) {
                return Ok(Some(0));
            }
            let each = started.elapsed().as_secs_f64() / made.max(1) as f64;
            let minutes = (each * (count - made) as f64 / 60.0).ceil();
            let left = if made == 0 { String::new() } else { format!(", about {minutes:.0} min left") };
            let Key { target, arm, seed, .. } = &key;
            let how = if *arm == Arm::Direct { "direct".into() } else { format!("annealed ({})", arm.name()) };
            self.watch.message(&format!(
                "{} {how} on {target}, seed {seed}: run {} of {count}{left}",
                objective.name(),
                made + 1
            ));
            match self.one(objective, scorer, key) {
                Err(Error::Interrupted { step }) => return Ok(Some(step)),
                outcome => outcome?,
            }
        }
        Ok(None)
    }

    fn baselines(&mut self, scorer: &Scorer, seed: u64) -> Result<()> {
        for name in [GAUSSIAN, FRESH] {
            let key = Key::new(scorer.target().name, name, Arm::Direct, seed);
            if has(&self.log, &key) {
                continue;
            }
            let started = Instant::now();
            let values = match name {
                GAUSSIAN => Gaussian::fit(Points::of(&self.data(scorer, seed)?)?).sample(scorer.rows(), SAMPLE),
                _ => scorer.beside(seed)?,
            };
            let scores = Some(scorer.scores(&values)?);
            let scoring_seconds = started.elapsed().as_secs_f64();
            self.log.push(Record { scores, scoring_seconds, ..Record::new(&self.terms, &self.gpu.summary().name, key) })?;
        }
        Ok(())
    }

    fn data(&self, scorer: &Scorer, seed: u64) -> Result<pushforward::data::Table> {
        scorer.target().sample(self.settings.rows, seed)
    }

    /// Makes a run, scores it and records it.
    fn one(&mut self, objective: &dyn Method, scorer: &Scorer, key: Key) -> Result<()> {
        let folder = self.out.join("runs").join(format!("{}-{}-{}-seed{}", key.target, key.objective, key.arm.name(), key.seed));
        // A run that was not recorded was not finished: it is begun again.
        clear(&folder)?;
        let mut record = Record::new(&self.terms, &self.gpu.summary().name, key);
        let started = Instant::now();
        match self.trained(objective, scorer, &record.key, folder.clone()) {
            Ok(outcome) => {
                (record.steps_made, record.training_seconds) = (outcome.steps, outcome.seconds);
                let started = Instant::now();
                let sample = outcome.model.sample(scorer.rows(), SAMPLE);
                match sample.and_then(|sample| Ok((scorer.scores(sample.single())?, sample))) {
                    Ok((scores, sample)) => {
                        record.scores = Some(scores);
                        if record.key.seed == self.first && scorer.target().columns() == 2 {
                            self.draw(&record.key, &sample)?;
                        }
                    }
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
        if !self.settings.keep {
            clear(&folder)?;
        }
        self.log.push(record)
    }

    fn trained(&mut self, objective: &dyn Method, scorer: &Scorer, key: &Key, out: PathBuf) -> Result<train::Outcome> {
        let (method, training) = self.settings.configured(objective, key.arm)?;
        let job = Job {
            method,
            training,
            seed: key.seed,
            source: format!("the target {} of the study of annealing", key.target),
            source_hash: None,
            table: self.data(scorer, key.seed)?,
            encoding: None,
            split: None,
            conditions: 0,
            validation: None,
            test: None,
            out: Some(out),
            resume: false,
            command: format!("pushforward reproduce anneal --out {}", self.out.display()),
        };
        train::train(self.gpu, job, self.watch, self.stop)
    }

    /// Keeps rows for the page's picture: models may be gone by then, or on another machine.
    fn draw(&self, key: &Key, sample: &pushforward::data::Table) -> Result<()> {
        let path = picture(self.out, key);
        let folder = path.parent().unwrap_or(self.out);
        std::fs::create_dir_all(folder).map_err(|e| Error::io("make the folder", folder, e))?;
        sample.select_rows(&(0..sample.rows().min(DRAWN)).collect::<Vec<_>>()).write(&path)
    }
}

fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|e| Error::io("clear", folder, e))?;
    }
    Ok(())
}
