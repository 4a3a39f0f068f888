//! [`Comparison`]: means over seeds, their intervals, and what failed.

use super::{FRESH, GAUSSIAN, Record, Scores, Settings, applies};
use pushforward::data::toy::Toy;
use pushforward::metrics::{Score, interval};
use serde::Serialize;

/// A run of a lower skill is hardly better than the fitted Gaussian. The same bound holds for the skill computed from the outlier rate.
pub const LEAST_SKILL: f64 = 0.5;
/// A run has lost a mode whose share of the rows, over its share of the data, is below this.
pub const LEAST_MODE_SHARE: f64 = 0.5;
/// A run is distinguished from data where the C2ST accuracy is above this.
pub const MOST_C2ST_ACCURACY: f64 = 0.75;

/// What there is of a method, or a baseline, on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    Made,
    /// The method needs a score, and the target has none.
    NoKnownScore,
    NotRun,
}

/// A way in which runs of one method on one target failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    pub how: String,
    /// Runs that failed so, of those made.
    pub runs: usize,
    pub of: usize,
}

/// A method, or a baseline, on a target: means over its runs, with Student's 95 % intervals where there are two or more.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    pub method: String,
    pub target: String,
    pub cell: Cell,
    pub runs: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sliced_w2: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c2st_accuracy: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlier_rate: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smallest_mode_share: Option<Score>,
    /// Steps that runs made, milliseconds each, and the seconds of training that a run took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Runs that failed in one way or another, and how.
    pub failed: usize,
    pub failures: Vec<Failure>,
}

/// All runs of a comparison and what they come to.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    pub settings: Settings,
    pub methods: Vec<String>,
    #[serde(skip)]
    pub toys: Vec<Toy>,
    pub seeds: Vec<u64>,
    pub standings: Vec<Standing>,
    #[serde(skip)]
    pub records: Vec<Record>,
    /// The step of a run at which the comparison was interrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<u64>,
}

impl Comparison {
    /// Of the runs of these methods, targets and seeds, among others or not.
    pub fn new(
        settings: &Settings,
        methods: Vec<String>,
        toys: Vec<Toy>,
        seeds: Vec<u64>,
        records: Vec<Record>,
        interrupted: Option<u64>,
    ) -> Self {
        let samplers = || [GAUSSIAN].into_iter().chain(methods.iter().map(String::as_str)).chain([FRESH]);
        let of =
            |record: &Record| seeds.contains(&record.seed) && toys.iter().any(|&toy| samplers().any(|name| record.is(name, toy)));
        let records: Vec<Record> = records.into_iter().filter(of).collect();
        let standings = toys.iter().flat_map(|&toy| samplers().map(move |name| (name, toy)));
        let standings = standings.map(|(name, toy)| standing(name, toy, &records)).collect();
        Self { settings: settings.clone(), methods, toys, seeds, standings, records, interrupted }
    }

    pub fn standing(&self, method: &str, toy: Toy) -> Option<&Standing> {
        self.standings.iter().find(|standing| standing.method == method && standing.target == toy.name())
    }

    /// The run of the first seed.
    pub fn first(&self, method: &str, toy: Toy) -> Option<&Record> {
        let seed = *self.seeds.first()?;
        self.records.iter().find(|record| record.is(method, toy) && record.seed == seed)
    }

    /// The skill of a run: 0 at the fitted Gaussian, 1 at fresh data.
    pub fn skill(&self, record: &Record) -> Option<f64> {
        let toy = self.toys.iter().find(|toy| toy.name() == record.target)?;
        skill(levels(*toy, &self.records, ROOT)?, record.scores.as_ref()?.root_energy)
    }

    /// The skill of such root energy distances on a target: the mean, its standard error and Student's interval.
    pub fn skill_by(&self, toy: Toy, root_energies: &[f64]) -> Option<Score> {
        let levels = levels(toy, &self.records, ROOT)?;
        let shares = root_energies.iter().map(|&root| skill(levels, root)).collect::<Option<Vec<f64>>>()?;
        let (_, error) = interval::mean_and_error(shares.iter().copied());
        mean_of(&shares).map(|mean| Score { standard_error: Some(error), ..mean })
    }

    /// How a run failed, if it did.
    pub fn failures(&self, record: &Record) -> Vec<String> {
        let toy = self.toys.iter().find(|toy| toy.name() == record.target);
        toy.map_or(Vec::new(), |&toy| failures(record, toy, &self.records).into_iter().map(|fault| fault.said(1)).collect())
    }
}

/// A mean with Student's interval.
fn mean_of(values: &[f64]) -> Option<Score> {
    interval::student(values).map(|(mean, interval)| Score { interval, ..Score::exact(mean) })
}

type Of = fn(&Scores) -> f64;
const ROOT: Of = |scores| scores.root_energy;
const OUTLIER_RATE: Of = |scores| scores.outlier_rate;

/// Means of a score over the runs of the fitted Gaussian and of fresh data.
fn levels(toy: Toy, records: &[Record], score: Of) -> Option<[f64; 2]> {
    let mean = |name: &str| {
        let of = records.iter().filter(|record| record.is(name, toy)).filter_map(|record| record.scores.as_ref());
        let values: Vec<f64> = of.map(score).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    Some([mean(GAUSSIAN)?, mean(FRESH)?])
}

/// 1 − (value − fresh)/(Gaussian − fresh).
fn skill([gaussian, fresh]: [f64; 2], value: f64) -> Option<f64> {
    // On a Gaussian target the fitted Gaussian is as good as fresh data.
    (gaussian > fresh).then(|| 1.0 - (value - fresh) / (gaussian - fresh))
}

/// One way to fail, with the number that says so.
enum Fault {
    Stopped(String),
    HardlyBetter(f64),
    Outliers(f64),
    LostMode(f64),
    Distinguished(f64),
}

impl Fault {
    fn kind(&self) -> usize {
        match self {
            Self::Stopped(_) => 0,
            Self::HardlyBetter(_) => 1,
            Self::Outliers(_) => 2,
            Self::LostMode(_) => 3,
            Self::Distinguished(_) => 4,
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Stopped(_) => 0.0,
            Self::HardlyBetter(value) | Self::Outliers(value) | Self::LostMode(value) | Self::Distinguished(value) => *value,
        }
    }

    /// In words; `runs` failed so, and this is the worst of them.
    fn said(&self, runs: usize) -> String {
        let most = if runs > 1 { "at worst " } else { "" };
        match self {
            Self::Stopped(why) => why.clone(),
            Self::HardlyBetter(skill) => {
                format!("hardly better than a Gaussian: skill {most}{skill:.2}").replace("-0.00", "0.00").replace('-', "−")
            }
            Self::Outliers(share) => {
                format!(
                    "outliers: an outlier rate of {most}{share:.2}, nearer to the fitted Gaussian's than to that of fresh data"
                )
            }
            Self::LostMode(share) => format!("lost a mode: the smallest mode share is {most}{share:.2} of its share of the data"),
            Self::Distinguished(accuracy) => format!("distinguished from data: C2ST accuracy {most}{accuracy:.2}"),
        }
    }

    /// Larger is worse.
    fn badness(&self) -> f64 {
        if matches!(self, Self::Distinguished(_) | Self::Outliers(_)) { self.number() } else { -self.number() }
    }
}

fn failures(record: &Record, toy: Toy, records: &[Record]) -> Vec<Fault> {
    if let Some(why) = &record.failure {
        return vec![Fault::Stopped(why.clone())];
    }
    let Some(scores) = &record.scores else { return Vec::new() };
    let too_little = |score: Of| {
        let skill = skill(levels(toy, records, score)?, score(scores));
        skill.filter(|skill| *skill < LEAST_SKILL)
    };
    [
        too_little(ROOT).map(Fault::HardlyBetter),
        too_little(OUTLIER_RATE).map(|_| Fault::Outliers(scores.outlier_rate)),
        scores.smallest_mode_share.filter(|share| *share < LEAST_MODE_SHARE).map(Fault::LostMode),
        Some(scores.c2st_accuracy).filter(|accuracy| *accuracy > MOST_C2ST_ACCURACY).map(Fault::Distinguished),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn standing(method: &str, toy: Toy, records: &[Record]) -> Standing {
    let runs: Vec<&Record> = records.iter().filter(|record| record.is(method, toy)).collect();
    let levels = levels(toy, records, ROOT);
    let of = |record: &Record| levels.and_then(|levels| skill(levels, record.scores.as_ref()?.root_energy));
    let score = |value: &dyn Fn(&Record) -> Option<f64>| {
        let values: Vec<f64> = runs.iter().filter_map(|record| value(record)).collect();
        mean_of(&values)
    };
    let scored = |value: &dyn Fn(&Scores) -> Option<f64>| score(&|record| value(record.scores.as_ref()?));
    // A run that was stopped did not take what it would have.
    let whole: Vec<&&Record> = runs.iter().filter(|record| record.failure.is_none() && record.steps_made > 0).collect();
    let mean = |value: &dyn Fn(&Record) -> f64| {
        (!whole.is_empty()).then(|| whole.iter().map(|record| value(record)).sum::<f64>() / whole.len() as f64)
    };
    let cell = match () {
        () if !applies(method, toy) => Cell::NoKnownScore,
        () if runs.is_empty() => Cell::NotRun,
        () => Cell::Made,
    };
    let mut faults: Vec<Vec<Fault>> = (0..5).map(|_| Vec::new()).collect();
    let mut failed = 0;
    if method != GAUSSIAN && method != FRESH {
        for record in &runs {
            let of_run = failures(record, toy, records);
            failed += usize::from(!of_run.is_empty());
            of_run.into_iter().for_each(|fault| faults[fault.kind()].push(fault));
        }
    }
    let worst = |faults: Vec<Fault>| {
        let count = faults.len();
        let worst = faults.into_iter().reduce(|a, b| if b.badness() > a.badness() { b } else { a })?;
        Some(Failure { how: worst.said(count), runs: count, of: runs.len() })
    };
    Standing {
        method: method.into(),
        target: toy.name().into(),
        cell,
        runs: runs.len(),
        skill: score(&of),
        sliced_w2: scored(&|scores| Some(scores.sliced_w2)),
        c2st_accuracy: scored(&|scores| Some(scores.c2st_accuracy)),
        outlier_rate: scored(&|scores| Some(scores.outlier_rate)),
        smallest_mode_share: scored(&|scores| scores.smallest_mode_share),
        steps: mean(&|record| record.steps_made as f64),
        step_ms: mean(&|record| 1000.0 * record.training_seconds / record.steps_made as f64),
        seconds: mean(&|record| record.training_seconds),
        failed,
        failures: faults.into_iter().filter_map(worst).collect(),
    }
}
