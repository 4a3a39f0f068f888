//! Every method on one table within one time budget, ranked by validation rows beside simple baselines ([`crate::baselines`]): a fitted Gaussian, a
//! Gaussian mixture, a kernel density estimate, independent columns, a Gaussian copula and autoregressive trees.
//!
//! A fifth of the rows (2,000 at most) are test rows, and a fifth of the others (4,000 at most) validation rows, which stop training early and rank the
//! candidates. The winner is then scored once on the test rows, and on a small table its model is refitted on all rows.
//!
//! Methods share the budget. On a software adapter as many are trained side by side as there are cores, up to four. Each trains for the same number of seconds, or for its default number of steps if that takes less;
//! the time of its first compilation and of its scores is part of its share. If not all methods fit, as many are trained as get at least two seconds of training, and always one, in the order of [`Plan::chosen`].
//! A training that takes much longer than its seconds is stopped, and the model of its best step is its candidate. A method that fails is recorded with the reason, and the others continue.
//! An interrupted tour resumes where it was. Its folder holds the candidates in `tour.jsonl`, their samples in `samples/`, the runs in `runs/`, and the best model itself, ready for `sample`.

mod make;
mod record;
mod scorer;
mod slots;
mod training;
mod verdict;
mod workers;

pub use record::{Kind, Record, Terms};
pub use scorer::{Scorer, Sets};
pub use verdict::{Beside, Kept, Ranking, Verdict};

/// What the other modules use, and with the feature `unstable` the tests and the other packages.
mod internal {
    pub use super::scorer::LEAST_ROWS;
    pub use super::verdict::{LEVEL, root, skill};
}
#[cfg(not(feature = "unstable"))]
pub(crate) use internal::*;
#[cfg(feature = "unstable")]
#[doc(hidden)]
pub use internal::*;

use crate::baselines;
use crate::data::{Encoding, Origin, Source, Table};
use crate::gpu::Gpu;
use crate::methods::{self, LearnsFrom, Method, Training};
use crate::metrics::efficacy::check_type;
use crate::metrics::{Evaluation, LogLikelihood};
use crate::settings::{Settings as _, Values};
use crate::train::Progress;
use crate::{Error, Result};
use make::{Begun, Maker};
use serde::Serialize;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use workers::Workers;

/// The name of the training rows among the candidates.
pub const ROWS: &str = "training rows";
/// The methods that did well on tables of several kinds, which are trained first; the others follow in the order of the registry.
const FIRST: [&str; 12] = [
    "energy",
    "flow-matching",
    "spline",
    "mmd",
    "diffusion",
    "maf",
    "interpolant",
    "realnvp",
    "score",
    "characteristic",
    "imm",
    "flow-map",
];
/// Seed of the rows that are scored: `sample --seed 1` gives the very rows.
pub const SAMPLE: u64 = 1;
/// A tour to start or to resume.
pub struct Plan {
    pub source: Source,
    pub table: Table,
    /// How its columns stand for those of the data, where these are not all numbers.
    pub encoding: Option<Encoding>,
    /// The sets, where the encoding was fitted to the training rows of them.
    pub sets: Option<Sets>,
    /// How many of the table's last columns are conditions.
    pub conditions: usize,
    /// Test rows, in place of a share of the table.
    pub test: Option<Table>,
    /// A column that models of samples and of training rows predict from the others.
    pub target: Option<String>,
    /// Seconds.
    pub budget: f64,
    /// Methods; all that apply when empty.
    pub methods: Vec<String>,
    /// Settings of training for every method that differ from its defaults.
    pub training: Values,
    pub seed: u64,
    pub out: PathBuf,
    pub command: String,
}

impl Plan {
    /// Refuses values out of range, and names that are none.
    pub fn check(&self) -> Result<()> {
        if !(self.budget >= 1.0 && self.budget.is_finite()) {
            return Err(Error::usage(format!("the time budget is {} s: it must be 1 s or more", self.budget)));
        }
        if let Some(target) = &self.target {
            let types = match &self.encoding {
                Some(encoding) => encoding.types(),
                None => {
                    self.table.columns().iter().enumerate().map(|(j, name)| (name.as_str(), self.table.column_type(j))).collect()
                }
            };
            check_type(&types, self.table.origin(), target)?;
        }
        if Self::shared(&self.training)?.impute {
            return Err(Error::usage(
                "a tour compares samples of whole rows: leave out `impute`, and train the method that you choose with it",
            ));
        }
        self.chosen()?.iter().try_for_each(|method| self.configured(method.as_ref()).map(|_| ()))
    }

    /// The settings of training for every method, where a method has no defaults of its own.
    ///
    /// # Errors
    /// Values out of range.
    pub fn shared(values: &Values) -> Result<Training> {
        let mut training = Training::default();
        training.read(&mut values.clone())?;
        training.check()?;
        Ok(training)
    }

    /// The methods to try, in turn.
    ///
    /// # Errors
    /// A name that is none; a method that lacks what it learns from.
    pub fn chosen(&self) -> Result<Vec<Box<dyn Method>>> {
        let mut chosen: Vec<Box<dyn Method>> = Vec::new();
        let mut add = |method: Box<dyn Method>| {
            if chosen.iter().all(|of| of.name() != method.name()) {
                chosen.push(method);
            }
        };
        if self.methods.is_empty() {
            let first = FIRST.into_iter().map(methods::by_name).collect::<Result<Vec<_>>>()?;
            first.into_iter().chain(methods::all()).filter(|method| self.lacks(method.as_ref()).is_none()).for_each(add);
            return Ok(chosen);
        }
        for name in &self.methods {
            let method = methods::by_name(name)?;
            if let Some(lacking) = self.lacks(method.as_ref()) {
                return Err(Error::usage(format!("`{name}` {lacking}")));
            }
            add(method);
        }
        Ok(chosen)
    }

    /// What a method would need that there is none of.
    fn lacks(&self, method: &dyn Method) -> Option<&'static str> {
        let scored = match &self.source.origin {
            Origin::Toy(toy, _) => toy.score([0.0; 2]).is_some() && self.source.columns.is_none(),
            Origin::File(_) => false,
        };
        match method.learns_from() {
            LearnsFrom::Score if !scored => Some("needs the score of the distribution, which a table does not have"),
            LearnsFrom::Teacher if self.teacher().is_none() => Some("learns from a trained flow: add flow-matching"),
            _ => None,
        }
    }

    /// The flow that methods with a teacher learn from: of those to try the first that integrates an equation.
    fn teacher(&self) -> Option<&'static str> {
        let first = FIRST.map(String::from);
        let names = if self.methods.is_empty() { first.as_slice() } else { &self.methods };
        names.iter().filter_map(|name| methods::by_name(name).ok()).find(|method| method.integrates()).map(|method| method.name())
    }

    /// A method and the settings of its training.
    fn configured(&self, method: &dyn Method) -> Result<(Box<dyn Method>, Training)> {
        let mut method = method.boxed();
        if let Some(teacher) = self.teacher().filter(|_| method.learns_from() == LearnsFrom::Teacher) {
            method.set_teacher(&self.run(teacher));
        }
        methods::configure(method, &self.training)
    }

    /// The folder of a method's run.
    pub fn run(&self, method: &str) -> PathBuf {
        self.out.join("runs").join(method)
    }

    fn terms(&self, gpu: &Gpu) -> Terms {
        Terms {
            version: env!("CARGO_PKG_VERSION").into(),
            adapter: gpu.summary().name.clone(),
            source: self.source.to_string(),
            table_hash: self.table.hash(),
            condition_columns: self.conditions,
            test_hash: self.test.as_ref().map(Table::hash).unwrap_or_default(),
            target: self.target.clone().unwrap_or_default(),
            seed: self.seed,
            budget: self.budget,
            training: self.training.to_string().trim_end().into(),
        }
    }
}

/// What the winner scores on test rows, beside the baselines and the training rows.
#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    pub winner: String,
    pub rows: usize,
    /// The winner first.
    pub scores: Vec<(String, Evaluation)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<LogLikelihood>,
    /// Why a winner that has a density has no likelihood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_likelihood: Option<String>,
}

/// A tour as far as it has come.
pub struct Tour {
    pub scorer: Rc<Scorer>,
    pub kept: Vec<Kept>,
    /// Known at the end.
    pub verdict: Verdict,
    /// What the winner scores on test rows, at the end.
    pub tested: Option<Tested>,
    /// The rows that the winner was trained on again, at the end.
    pub refit: Option<usize>,
    /// Methods that have not been trained yet.
    pub left: Vec<&'static str>,
    /// Seconds since the start, over all runs of the command.
    pub elapsed: f64,
    pub interrupted: bool,
}

impl Tour {
    pub fn find(&self, name: &str) -> Option<&Kept> {
        self.kept.iter().find(|kept| kept.record.name == name)
    }

    /// Candidates from the nearest to validation rows to the farthest; those without scores last.
    pub fn ranked(&self) -> Vec<&Kept> {
        let mut all: Vec<&Kept> = self.kept.iter().collect();
        let key = |kept: &Kept| kept.record.energy().unwrap_or(f64::INFINITY);
        all.sort_by(|a, b| key(a).total_cmp(&key(b)));
        all
    }

    /// What was done to the rows of candidates for their scores, and which scores there are none of: sentences.
    pub fn notes(&self) -> Vec<String> {
        let records = self.kept.iter().map(|kept| &kept.record);
        let named = records.filter_map(|record| Some((record.name.as_str(), record.scores.as_ref()?)));
        Evaluation::notes_of(&named.collect::<Vec<_>>())
    }

    /// The skill of a candidate: 0 at the fitted Gaussian, 1 at the training rows (see `skill`). None where the training rows lie within the Gaussian's
    /// own 95 % confidence interval: the ratio would be noise.
    pub fn skill(&self, record: &Record) -> Option<f64> {
        let of = |name: &str| Some(&self.find(name)?.record.scores.as_ref()?.energy);
        let (gaussian, rows) = (of(baselines::GAUSSIAN)?, of(ROWS)?);
        let [least, _] = root(gaussian).interval?;
        let apart = least > root(rows).value;
        apart.then(|| skill(record.energy()?, gaussian.value, rows.value)).flatten()
    }

    /// The nearest of the methods whose samples take many steps.
    pub fn best_of_many_steps(&self) -> Option<&Record> {
        let many = self.kept.iter().map(|kept| &kept.record).filter(|record| record.one_step == Some(false));
        Verdict::best_method(many)
    }

    /// How far √E of a map of one step lies beyond the 95 % interval of the best method of many steps; 0 within it.
    pub fn beyond_many_steps(&self, record: &Record) -> Option<f64> {
        let [_, end] = root(&self.best_of_many_steps()?.scores.as_ref()?.energy).interval?;
        let own = root(&record.scores.as_ref()?.energy).value;
        (record.one_step == Some(true)).then(|| (own - end).max(0.0))
    }

    /// The method whose model lies in the tour's folder.
    pub fn best_method(&self) -> Option<&Record> {
        Verdict::best_method(self.kept.iter().map(|kept| &kept.record))
    }
}

/// Runs a tour, or what is left of it. `page` is called with it after every candidate, and at the end with its verdict.
///
/// # Errors
/// A setting out of range; a folder that holds another tour; data that cannot be learned from; a device that fails, a full disk.
pub fn run(
    gpu: &Gpu,
    plan: &Plan,
    watch: &mut dyn Progress,
    stop: &AtomicBool,
    page: &mut dyn FnMut(&Tour) -> Result<()>,
) -> Result<Tour> {
    plan.check()?;
    let mut maker = Maker::new(gpu, plan, watch, stop)?;
    let mut tour = Tour {
        scorer: maker.scorer.clone(),
        kept: maker.earlier()?,
        verdict: Verdict::default(),
        tested: None,
        refit: None,
        left: Vec::new(),
        elapsed: 0.0,
        interrupted: false,
    };
    let to_make: Vec<Box<dyn Method>> = plan.chosen()?.into_iter().filter(|method| tour.find(method.name()).is_none()).collect();
    tour.left = to_make.iter().map(|method| method.name()).collect();
    maker.baselines(&mut tour)?;
    let (scorer, over) = (tour.scorer.clone(), AtomicBool::new(false));
    let at_once = workers::at_once(gpu, plan.table.rows() * plan.table.cols()).min(to_make.len().max(1));
    std::thread::scope(|scope| {
        let workers = Workers::start(scope, at_once, (gpu, plan, scorer.as_ref()), [stop, &over]);
        let made = methods_of(&mut maker, workers, at_once, &mut tour, to_make.into(), stop, page);
        // After an error nobody waits for what is under way.
        over.store(true, Ordering::SeqCst);
        made
    })?;
    tour.verdict = Verdict::new(gpu, &tour.scorer, &tour.kept)?;
    if !tour.interrupted {
        tour.tested = maker.test(&tour)?;
        match maker.refit(&tour) {
            Err(Error::Interrupted { .. }) => tour.interrupted = true,
            refit => tour.refit = refit?,
        }
    }
    tour.elapsed = maker.elapsed();
    page(&tour)?;
    Ok(tour)
}

/// Makes the methods in turn, as many at once as there are threads, each when one is free.
fn methods_of(
    maker: &mut Maker,
    mut workers: Workers,
    at_once: usize,
    tour: &mut Tour,
    mut to_make: VecDeque<Box<dyn Method>>,
    stop: &AtomicBool,
    page: &mut dyn FnMut(&Tour) -> Result<()>,
) -> Result<()> {
    let teacher = maker.teacher();
    loop {
        while workers.is_free() && !stop.load(Ordering::SeqCst) {
            // What learns from another waits for it.
            let to_come = teacher.is_some_and(|name| workers.makes(name) || to_make.iter().any(|other| other.name() == name));
            let waits = |method: &dyn Method| method.learns_from() == LearnsFrom::Teacher && to_come;
            let Some(next) = to_make.iter().position(|method| !waits(method.as_ref())) else { break };
            let left = to_make.len();
            let Some(method) = to_make.remove(next) else { break };
            match maker.begin(method.as_ref(), left, at_once, workers.seconds_left())? {
                Begun::Task(task) => workers.give(*task),
                Begun::Kept(kept) => added(maker, tour, *kept, page)?,
                Begun::Later => {
                    to_make.insert(next, method);
                    break;
                }
            }
        }
        if workers.is_idle() {
            tour.interrupted = !to_make.is_empty() || tour.interrupted;
            return Ok(());
        }
        let made = workers.next(maker.watch()).ok_or_else(|| Error::Device("a training thread panicked".into()))?;
        match maker.finish(made) {
            Err(Error::Interrupted { .. }) => tour.interrupted = true,
            kept => added(maker, tour, kept?, page)?,
        }
    }
}

/// Adds a candidate to the tour, keeps the best model, and writes the page.
fn added(maker: &mut Maker, tour: &mut Tour, kept: Kept, page: &mut dyn FnMut(&Tour) -> Result<()>) -> Result<()> {
    tour.left.retain(|name| *name != kept.record.name);
    tour.kept.push(kept);
    tour.elapsed = maker.elapsed();
    maker.keep_best(tour)?;
    page(tour)?;
    maker.overhead_of_page();
    Ok(())
}
