//! One source of the study: its rows, split, what its baselines score, and the trials run on it.

use super::trials::{TEACHER, Trial};
use super::{Record, Terms};
use pushforward::data::{LoadOptions, Source};
use pushforward::gpu::Gpu;
use pushforward::methods::{self, LearnsFrom, Training};
use pushforward::metrics::gaussian::Gaussian;
use pushforward::metrics::{Points, c2st, pairs};
use pushforward::tour::{Scorer, Sets};
use pushforward::train::{self, Job, Progress};
use pushforward::{Error, Result};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What a run is made with.
pub(super) struct Running<'a> {
    pub gpu: &'a Gpu,
    pub terms: &'a Terms,
    pub seed: u64,
    pub watch: &'a mut dyn Progress,
    pub stop: &'a AtomicBool,
}

/// A source, split, with what its baselines score.
pub(super) struct Bench {
    data: String,
    scorer: Scorer,
    gaussian: f64,
    rows: f64,
    /// The teacher's run, once there is one.
    teacher: Option<tempfile::TempDir>,
}

impl Bench {
    pub fn new(gpu: &Gpu, data: &str, seed: u64) -> Result<Self> {
        let source: Source = data.parse()?;
        let table = source.load(seed, &LoadOptions::default())?;
        // Defaults are chosen by what is scored here: these are validation rows, and no others are touched.
        let scorer = Scorer::new(gpu, Sets::split(&table, None, Some(0.0), seed)?, seed)?;
        let gaussian = Gaussian::fit(scorer.seen()?).sample(scorer.rows(), 1);
        let drawn = Points::new(&gaussian, scorer.rows(), scorer.cols())?;
        let energy = |set: Points| Ok::<_, Error>(pairs::energy_on(gpu, scorer.reference()?, set)?.value);
        let (gaussian, rows) = (energy(drawn)?, energy(scorer.seen()?)?);
        Ok(Self { data: data.into(), scorer, gaussian, rows, teacher: None })
    }

    /// Makes a run, and says how it ended: a failure of its own is recorded as such.
    pub fn one(&mut self, trial: &Trial, run: &mut Running) -> Result<Record> {
        let mut record = Record {
            terms: run.terms.clone(),
            adapter: run.gpu.summary().name.clone(),
            data: self.data.clone(),
            method: trial.method.into(),
            changed: trial.changed.clone(),
            seed: run.seed,
            energy: None,
            gaussian: self.gaussian,
            rows: self.rows,
            c2st_accuracy: None,
            seconds: 0.0,
            failure: None,
        };
        match self.scored(trial, run) {
            Ok((energy, c2st_accuracy, seconds)) => {
                (record.energy, record.c2st_accuracy, record.seconds) = (Some(energy), Some(c2st_accuracy), seconds);
            }
            Err(e) if e.is_of_one_run() => record.failure = Some(e.to_string()),
            Err(e) => return Err(e),
        }
        Ok(record)
    }

    /// Energy distance to the validation rows, accuracy of a classifier, seconds of training.
    fn scored(&mut self, trial: &Trial, run: &mut Running) -> Result<(f64, f64, f64)> {
        if methods::by_name(trial.method)?.learns_from() == LearnsFrom::Teacher && self.teacher.is_none() {
            let folder = folder()?;
            self.trained(&TEACHER, run, folder.path())?;
            self.teacher = Some(folder);
        }
        let folder = folder()?;
        let outcome = self.trained(trial, run, folder.path())?;
        let rows = self.scorer.standard(&outcome.model.sample(self.scorer.rows(), 1)?)?;
        let (reference, drawn) = (self.scorer.reference()?, Points::new(&rows, self.scorer.rows(), self.scorer.cols())?);
        let c2st_accuracy = c2st::test(run.gpu, reference, drawn, 0)?.value;
        Ok((pairs::energy_on(run.gpu, reference, drawn)?.value, c2st_accuracy, outcome.seconds))
    }

    fn trained(&self, trial: &Trial, run: &mut Running, out: &Path) -> Result<train::Outcome> {
        let teacher = self.teacher.as_ref().map(|folder| folder.path().join("run")).unwrap_or_default();
        let (method, training) = trial.configured(run.terms.steps, &teacher)?;
        let job = Job {
            method,
            training: Training { refit: false, test_fraction: Some(0.0), ..training },
            seed: run.seed,
            source: self.data.clone(),
            source_hash: None,
            table: self.scorer.sets.train.clone(),
            encoding: None,
            split: None,
            conditions: 0,
            validation: None,
            test: None,
            out: Some(out.join("run")),
            resume: false,
            command: "pushforward reproduce defaults".into(),
        };
        train::train(run.gpu, job, run.watch, run.stop)
    }
}

fn folder() -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(|e| Error::io("make", std::env::temp_dir(), e))
}
