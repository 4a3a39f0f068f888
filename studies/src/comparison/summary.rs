//! [`Comparison`]: means over seeds, their intervals, and what failed.

use super::{FRESH, GAUSSIAN, Record, Scores, Settings, applies};
use pushforward::data::toy::Toy;
use pushforward::metrics::{Score, interval};
use serde::Serialize;

/// A run that closes less than this of the way from a Gaussian to fresh data is hardly better than a Gaussian; in rows astray, too.
pub const LEAST_CLOSED: f64 = 0.5;
/// A run has lost a mode that holds less than this share of its due.
pub const LEAST_MODE: f64 = 0.5;
/// A run is told from data where a classifier is right more often than this.
pub const MOST_TOLD: f64 = 0.75;

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
    pub closed: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sliced_w2: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub astray: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_mode: Option<Score>,
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

    /// The share of the way from the fitted Gaussian to fresh data that a run closes.
    pub fn closed(&self, record: &Record) -> Option<f64> {
        let toy = self.toys.iter().find(|toy| toy.name() == record.target)?;
        closed(levels(*toy, &self.records, ROOT)?, record.scores.as_ref()?.root_energy)
    }

    /// The shares that such root energy distances close on a target: their mean, its standard error and Student's interval.
    pub fn closed_by(&self, toy: Toy, root_energies: &[f64]) -> Option<Score> {
        let levels = levels(toy, &self.records, ROOT)?;
        let shares = root_energies.iter().map(|&root| closed(levels, root)).collect::<Option<Vec<f64>>>()?;
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
const ASTRAY: Of = |scores| scores.astray;

/// Means of a score over the runs of the fitted Gaussian and of fresh data.
fn levels(toy: Toy, records: &[Record], score: Of) -> Option<[f64; 2]> {
    let mean = |name: &str| {
        let of = records.iter().filter(|record| record.is(name, toy)).filter_map(|record| record.scores.as_ref());
        let values: Vec<f64> = of.map(score).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    Some([mean(GAUSSIAN)?, mean(FRESH)?])
}

/// The share of the way from the one level to the other.
fn closed([gaussian, fresh]: [f64; 2], value: f64) -> Option<f64> {
    // A target that is a Gaussian leaves no way to go.
    (gaussian > fresh).then(|| 1.0 - (value - fresh) / (gaussian - fresh))
}

/// One way to fail, with the number that says so.
enum Fault {
    Stopped(String),
    HardlyBetter(f64),
    Astray(f64),
    LostMode(f64),
    Told(f64),
}

impl Fault {
    fn kind(&self) -> usize {
        match self {
            Self::Stopped(_) => 0,
            Self::HardlyBetter(_) => 1,
            Self::Astray(_) => 2,
            Self::LostMode(_) => 3,
            Self::Told(_) => 4,
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Stopped(_) => 0.0,
            Self::HardlyBetter(value) | Self::Astray(value) | Self::LostMode(value) | Self::Told(value) => *value,
        }
    }

    /// In words; `runs` failed so, and this is the worst of them.
    fn said(&self, runs: usize) -> String {
        let most = if runs > 1 { "at worst " } else { "" };
        match self {
            Self::Stopped(why) => why.clone(),
            Self::HardlyBetter(closed) => format!("hardly better than a Gaussian: closes {most}{closed:.2} of the way")
                .replace("-0.00", "0.00")
                .replace('-', "−"),
            Self::Astray(share) => {
                format!(
                    "astray: {most}{share:.2} of its rows lie where no data are, nearer to a Gaussian's share than to that of fresh data"
                )
            }
            Self::LostMode(share) => format!("lost a mode: the least holds {most}{share:.2} of its due"),
            Self::Told(told) => format!("told from data: the classifier is right in {most}{told:.2} of cases"),
        }
    }

    /// Larger is worse.
    fn badness(&self) -> f64 {
        if matches!(self, Self::Told(_) | Self::Astray(_)) { self.number() } else { -self.number() }
    }
}

fn failures(record: &Record, toy: Toy, records: &[Record]) -> Vec<Fault> {
    if let Some(why) = &record.failure {
        return vec![Fault::Stopped(why.clone())];
    }
    let Some(scores) = &record.scores else { return Vec::new() };
    let too_little = |score: Of| {
        let closed = closed(levels(toy, records, score)?, score(scores));
        closed.filter(|closed| *closed < LEAST_CLOSED)
    };
    [
        too_little(ROOT).map(Fault::HardlyBetter),
        too_little(ASTRAY).map(|_| Fault::Astray(scores.astray)),
        scores.least_mode.filter(|share| *share < LEAST_MODE).map(Fault::LostMode),
        Some(scores.told).filter(|told| *told > MOST_TOLD).map(Fault::Told),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn standing(method: &str, toy: Toy, records: &[Record]) -> Standing {
    let runs: Vec<&Record> = records.iter().filter(|record| record.is(method, toy)).collect();
    let levels = levels(toy, records, ROOT);
    let of = |record: &Record| levels.and_then(|levels| closed(levels, record.scores.as_ref()?.root_energy));
    let score = |value: &dyn Fn(&Record) -> Option<f64>| {
        let values: Vec<f64> = runs.iter().filter_map(|record| value(record)).collect();
        mean_of(&values)
    };
    let scored = |value: &dyn Fn(&Scores) -> Option<f64>| score(&|record| value(record.scores.as_ref()?));
    // A run that was stopped did not take what it would have.
    let whole: Vec<&&Record> = runs.iter().filter(|record| record.failure.is_none() && record.made > 0).collect();
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
        closed: score(&of),
        sliced_w2: scored(&|scores| Some(scores.sliced_w2)),
        told: scored(&|scores| Some(scores.told)),
        astray: scored(&|scores| Some(scores.astray)),
        least_mode: scored(&|scores| scores.least_mode),
        steps: mean(&|record| record.made as f64),
        step_ms: mean(&|record| 1000.0 * record.took / record.made as f64),
        seconds: mean(&|record| record.took),
        failed,
        failures: faults.into_iter().filter_map(worst).collect(),
    }
}
