//! How defaults are chosen: every method with its defaults and with single settings changed, on several targets and dimensions, for as many steps each, scored
//! by rows that none has seen. What a setting is worth is the mean, over targets and seeds, of its skill: 0 at the fitted Gaussian, 1 at the training rows,
//! in root energy distance ([`pushforward::tour::skill`]); no default is to be chosen on one target.

mod bench;
pub(crate) mod report;
mod trials;

pub use trials::Trial;

use bench::{Bench, Running};
use pushforward::data::Source;
use pushforward::gpu::Gpu;
use pushforward::metrics::interval;
use pushforward::settings::Settings as _;
use pushforward::tour::skill;
use pushforward::train::Progress;
use pushforward::train::log::{Log, Logged, Shared};
use pushforward::{Error, Result, settings};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use trials::{TEACHER, TRIALS};

settings! {
    /// Settings of the study.
    pub struct Settings {
        /// Sources of data, as `train --data` takes them.
        data: Vec<String> = ["toy:8gaussians:20000", "toy:pinwheel:20000", "toy:rings:20000", "toy:checkerboard:20000"].map(String::from).to_vec(),
        /// Methods; all for which changes are listed when empty.
        methods: Vec<String> = Vec::new(),
        /// Runs with one setting changed, true or false; false compares the methods by their defaults alone.
        changed: bool = true,
        /// Changes of single settings to try, instead of the listed ones: TOML, such as "learning_rate = 2e-3".
        changes: Vec<String> = Vec::new(),
        /// Number of runs of each trial on each source, with seeds from --seed on.
        seeds: u64 = 2, in 1..=100,
        /// Training steps per run.
        steps: u32 = 2000, in 1..,
        /// Training of the missing runs, true or false; false only shows the finished ones.
        train: bool = true,
    }
}

impl Settings {
    /// Refuses names that are none.
    fn validate(&self) -> Result<()> {
        if self.data.is_empty() {
            return Err(Error::usage("`data` is empty: give one SOURCE or more"));
        }
        if self.changes.iter().any(|change| change.trim().is_empty()) {
            return Err(Error::usage("a change in `changes` is empty: leave it out, the defaults always run"));
        }
        self.data.iter().try_for_each(|data| data.parse::<Source>().map(|_| ()))?;
        for name in &self.methods {
            if !TRIALS.iter().any(|(method, _)| method == name) {
                let mut names: Vec<&str> = TRIALS.iter().map(|trial| trial.0).collect();
                names.dedup();
                return Err(Error::usage(format!("there are no trials of `{name}`; there are of {}", names.join(", "))));
            }
        }
        for trial in self.trials() {
            trial.configured(self.steps, Path::new(TEACHER.method))?;
        }
        Ok(())
    }

    /// The trials asked for.
    pub fn trials(&self) -> Vec<Trial> {
        let asked = |method: &str| self.methods.is_empty() || self.methods.iter().any(|name| name == method);
        let each = TRIALS.iter().filter(|(method, _)| asked(method));
        each.flat_map(|&(method, known)| {
            let known = || known.iter().map(|change| String::from(*change)).collect();
            let changes = match (self.changed, self.changes.is_empty()) {
                (false, _) => Vec::new(),
                (true, true) => known(),
                (true, false) => self.changes.clone(),
            };
            std::iter::once(String::new()).chain(changes).map(move |changed| Trial { method, changed })
        })
        .collect()
    }
}

/// What runs must share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub version: String,
    pub steps: u32,
}

impl Shared for Terms {
    fn named(&self) -> Vec<(&'static str, String)> {
        vec![("version", self.version.clone()), ("steps", self.steps.to_string())]
    }
}

/// A run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    pub terms: Terms,
    pub adapter: String,
    pub data: String,
    pub method: String,
    pub changed: String,
    pub seed: u64,
    /// Energy distances to validation rows: of the model's rows, a fitted Gaussian's and the training rows.
    pub energy: Option<f64>,
    pub gaussian: f64,
    pub rows: f64,
    /// Accuracy of a classifier.
    pub c2st_accuracy: Option<f64>,
    pub seconds: f64,
    pub failure: Option<String>,
}

impl Logged for Record {
    type Terms = Terms;

    fn terms(&self) -> &Terms {
        &self.terms
    }
}

impl Record {
    /// The share of the way from the fitted Gaussian to the training rows.
    pub fn skill(&self) -> Option<f64> {
        skill(self.energy?, self.gaussian, self.rows)
    }
}

/// A trial over its runs.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    pub method: String,
    pub changed: String,
    /// Mean skill on each source, in the settings' order.
    pub each: Vec<Option<f64>>,
    /// Their mean, with the 95 % interval of the difference to the method's defaults over pairs of source and seed.
    pub mean: Option<f64>,
    pub against_defaults: Option<[f64; 3]>,
    pub c2st_accuracy: Option<f64>,
    pub seconds: f64,
    pub runs: usize,
    pub failed: usize,
}

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Study {
    pub settings: Settings,
    pub standings: Vec<Standing>,
    pub interrupted: bool,
}

/// Makes the runs that are missing, a seed after the other, and sums up.
///
/// # Errors
/// A setting out of range, a source that cannot be read, a device that fails. A run that fails is recorded as such.
pub fn run(gpu: &Gpu, out: &Path, seed: u64, settings: &Settings, watch: &mut dyn Progress, stop: &AtomicBool) -> Result<Study> {
    settings.check()?;
    let terms = Terms { version: env!("CARGO_PKG_VERSION").into(), steps: settings.steps };
    let mut log: Log<Record> = Log::open(&out.join("defaults.jsonl"), &terms)?;
    let mut interrupted = false;
    let seeds: Vec<u64> = (0..settings.seeds).map(|i| seed.wrapping_add(i)).collect();
    'all: for &seed in seeds.iter().filter(|_| settings.train) {
        for data in &settings.data {
            let mut bench = None;
            for trial in settings.trials() {
                let there = |r: &Record| r.is(data, trial.method, &trial.changed) && r.seed == seed;
                if log.iter().any(there) {
                    continue;
                }
                if stop.load(Ordering::SeqCst) {
                    interrupted = true;
                    break 'all;
                }
                let bench = match &mut bench {
                    Some(bench) => bench,
                    empty => empty.insert(Bench::new(gpu, data, seed)?),
                };
                watch.message(&format!("{} ({}) on {data}, seed {seed}", trial.method, trial.said()));
                match bench.one(&trial, &mut Running { gpu, terms: &terms, seed, watch: &mut *watch, stop }) {
                    Err(Error::Interrupted { .. }) => {
                        interrupted = true;
                        break 'all;
                    }
                    record => log.push(record?)?,
                }
            }
        }
    }
    let records = log.records();
    let standings = settings.trials().iter().map(|trial| standing(trial, settings, &seeds, &records)).collect();
    Ok(Study { settings: settings.clone(), standings, interrupted })
}

impl Record {
    fn is(&self, data: &str, method: &str, changed: &str) -> bool {
        (self.data.as_str(), self.method.as_str(), self.changed.as_str()) == (data, method, changed)
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn standing(trial: &Trial, settings: &Settings, seeds: &[u64], records: &[Record]) -> Standing {
    let of = |data: &str, changed: &str, seed: u64| {
        let found = records.iter().find(|r| r.is(data, trial.method, changed) && r.seed == seed);
        found.and_then(Record::skill)
    };
    let runs: Vec<&Record> = records
        .iter()
        .filter(|r| seeds.contains(&r.seed) && settings.data.iter().any(|data| r.is(data, trial.method, &trial.changed)))
        .collect();
    let each: Vec<Option<f64>> = settings
        .data
        .iter()
        .map(|data| mean(&seeds.iter().filter_map(|&seed| of(data, &trial.changed, seed)).collect::<Vec<_>>()))
        .collect();
    let pairs = settings.data.iter().flat_map(|data| seeds.iter().map(move |&seed| (data, seed)));
    let differences: Vec<f64> =
        pairs.filter_map(|(data, seed)| Some(of(data, &trial.changed, seed)? - of(data, "", seed)?)).collect();
    let against = interval::student(&differences).and_then(|(mean, ends)| ends.map(|[low, high]| [mean, low, high]));
    Standing {
        method: trial.method.into(),
        changed: trial.said(),
        mean: mean(&each.iter().flatten().copied().collect::<Vec<_>>()),
        each,
        against_defaults: against.filter(|_| !trial.changed.is_empty()),
        c2st_accuracy: mean(&runs.iter().filter_map(|r| r.c2st_accuracy).collect::<Vec<_>>()),
        seconds: mean(&runs.iter().map(|r| r.seconds).collect::<Vec<_>>()).unwrap_or_default(),
        runs: runs.len(),
        failed: runs.iter().filter(|r| r.failure.is_some()).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trial_is_of_settings_that_there_are() {
        let settings = Settings::default();
        settings.check().unwrap();
        assert!(
            settings.trials().len() > 30 && settings.trials().iter().filter(|t| t.changed.is_empty()).count() == TRIALS.len()
        );
        let alone = Settings { changed: false, ..Settings::default() };
        assert!(alone.trials().len() == TRIALS.len() && alone.trials().iter().all(|t| t.changed.is_empty()));
        let named = |changes: &[&str]| Settings {
            methods: vec!["energy".into(), "mmd".into()],
            changes: changes.iter().map(|&change| change.into()).collect(),
            ..Settings::default()
        };
        let own = named(&["learning_rate = 1e-3", "hidden_width = 32\nhidden_layers = 2"]);
        own.check().unwrap();
        let said: Vec<_> = own.trials().iter().map(|trial| (trial.method, trial.said())).collect();
        let each = |method| {
            ["defaults", "learning_rate = 1e-3", "hidden_width = 32, hidden_layers = 2"].map(|said| (method, String::from(said)))
        };
        assert_eq!(said, [each("energy"), each("mmd")].concat());
        assert!(named(&["rote = 1e-3"]).check().unwrap_err().to_string().contains("rote"));
        assert!(named(&["rate"]).check().is_err() && named(&[" "]).check().is_err());
        let wrong = Settings { methods: vec!["gna".into()], ..Settings::default() };
        assert!(wrong.check().is_err());
    }

    #[test]
    fn a_change_is_held_against_the_defaults_on_the_same_source_and_seed() {
        let settings = Settings { data: vec!["a".into(), "b".into()], ..Settings::default() };
        let record = |data: &str, changed: &str, seed: u64, energy: f64| Record {
            terms: Terms { version: String::new(), steps: 1 },
            adapter: String::new(),
            data: data.into(),
            method: "energy".into(),
            changed: changed.into(),
            seed,
            energy: Some(energy),
            gaussian: 1.0,
            rows: 0.0,
            c2st_accuracy: Some(0.6),
            seconds: 2.0,
            failure: None,
        };
        // √E of 0.25 closes a half, of 0.0625 three quarters.
        let changed = TRIALS[0].1[0];
        let records =
            [record("a", "", 0, 0.25), record("a", changed, 0, 0.0625), record("b", "", 0, 0.25), record("b", changed, 0, 0.25)];
        let found = standing(&Trial { method: "energy", changed: changed.into() }, &settings, &[0], &records);
        assert_eq!((found.each, found.mean, found.runs, found.failed), (vec![Some(0.75), Some(0.5)], Some(0.625), 2, 0));
        assert!((found.against_defaults.unwrap()[0] - 0.125).abs() < 1e-12);
    }
}
