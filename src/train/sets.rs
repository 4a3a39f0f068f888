//! The three sets of a run: rows to fit, rows that stop training and choose its step, and rows that are touched once, for the final scores.

use super::Job;
use crate::Result;
use crate::data::{Purpose, Table, rows_aside};
use crate::methods::{Method, Training};

/// Rows below which validation rows are split off by default, and test rows are trained on in the end.
pub const SMALL: usize = 5_000;
/// The share of each by default.
const SHARE: f64 = 0.2;
/// Test rows at most by default: as many as the scores of a page look at.
pub const MOST_TEST: usize = 2_000;
/// A handful of rows can spare none.
const LEAST: usize = 10;
/// Splits that are tried for one that leaves every column some variation to learn from.
const TRIES: u64 = 32;

/// The rows of a run, in the data's own units.
#[derive(Clone, Debug)]
pub struct Sets {
    pub train: Table,
    pub validation: Option<Rows>,
    pub test: Option<Rows>,
}

/// A set beside the training rows.
#[derive(Clone, Debug)]
pub struct Rows {
    pub rows: Table,
    /// Where they are from; none where they were split off the data.
    pub source: Option<String>,
}

impl Rows {
    pub fn is_split(&self) -> bool {
        self.source.is_none()
    }
}

/// Which rows of a table are split off, by their places.
#[derive(Clone, Debug)]
pub struct Split {
    pub train: Vec<usize>,
    validation: Option<Vec<usize>>,
    test: Option<Vec<usize>>,
}

impl Split {
    /// The rows that the settings ask to split off at random by the seed, where a set is not given (validation, test). Test rows first: nothing else touches
    /// them. Where `is_trainable` says that a column has nothing to learn in the rows that are left, another split is tried.
    pub fn of(
        table: &Table,
        (method, training): (&dyn Method, &Training),
        given: [bool; 2],
        seed: u64,
        is_trainable: &dyn Fn(&[usize]) -> bool,
    ) -> Result<Self> {
        // Rows that only say where to start are of another distribution.
        let starts_only = method.target_score().is_some();
        let auto = |share: f64| if starts_only { 0.0 } else { share };
        let weighted = |rows: &[usize]| {
            let weighs = |row: usize| table.weights().is_none_or(|weights| weights[row] > 0.0);
            rows.iter().filter(|&&row| weighs(row)).count()
        };
        let mut split = Self { train: (0..table.rows()).collect(), validation: None, test: None };
        let parted =
            |rows: Vec<usize>, share: f64, purpose| parted((table, rows), weighted, share, (seed, purpose), is_trainable);
        if !given[1] {
            let usual = auto(SHARE.min(MOST_TEST as f64 / weighted(&split.train).max(1) as f64));
            (split.train, split.test) = parted(split.train, training.test_fraction.map_or(usual, f64::from), Purpose::Test)?;
        }
        if !given[0] {
            let usual = auto(if weighted(&split.train) < SMALL { SHARE } else { 0.0 });
            (split.train, split.validation) =
                parted(split.train, training.validation_fraction.map_or(usual, f64::from), Purpose::Validation)?;
        }
        Ok(split)
    }
}

impl Sets {
    /// The sets of a job: those that it gives, and those that its settings ask for.
    pub(super) fn of(job: &Job) -> Result<Self> {
        let table = &job.table;
        let split = match &job.split {
            Some(split) => split.clone(),
            None => {
                let is_trainable = |rows: &[usize]| table.select_rows(rows).check_trainable().is_ok();
                let given = [job.validation.is_some(), job.test.is_some()];
                Split::of(table, (job.method.as_ref(), &job.training), given, job.seed, &is_trainable)?
            }
        };
        let set = |given: &Option<(String, Table)>, rows: Option<Vec<usize>>| -> Result<Option<Rows>> {
            Ok(match given {
                Some((source, rows)) => Some(Rows { rows: rows.align(table.columns())?, source: Some(source.clone()) }),
                None => rows.map(|rows| Rows { rows: table.select_rows(&rows), source: None }),
            })
        };
        let whole = split.train.len() == table.rows();
        Ok(Self {
            train: if whole { table.clone() } else { table.select_rows(&split.train) },
            validation: set(&job.validation, split.validation)?,
            test: set(&job.test, split.test)?,
        })
    }

    /// Whether the model that is saved is trained again on all rows of the data.
    pub(super) fn refits(&self, job: &Job) -> bool {
        let split = |set: &Option<Rows>| set.as_ref().is_some_and(Rows::is_split);
        job.training.refit && (split(&self.validation) || split(&self.test) && job.table.rows() < SMALL)
    }
}

/// Rows split off those of a table, where there are enough. A column that would be constant in the rest, such as one of a rare level, has another split tried.
fn parted(
    (table, rows): (&Table, Vec<usize>),
    weighted: impl Fn(&[usize]) -> usize,
    share: f64,
    (seed, purpose): (u64, Purpose),
    is_trainable: &dyn Fn(&[usize]) -> bool,
) -> Result<(Vec<usize>, Option<Vec<usize>>)> {
    let own = weighted(&rows);
    let count = (share * own as f64).round() as usize;
    if count == 0 || own < LEAST {
        return Ok((rows, None));
    }
    let mut split = rows_aside(table, &rows, count, seed, purpose)?;
    for further in 1..TRIES {
        if is_trainable(&split.0) {
            break;
        }
        split = rows_aside(table, &rows, count, seed.wrapping_add(further << 32), purpose)?;
    }
    let (train, aside) = split;
    Ok((train, Some(aside)))
}
