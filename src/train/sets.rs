//! The three sets of a run: rows to fit, rows that stop training and choose its step, and rows that are touched once, for the final scores.

use super::Job;
use crate::Result;
use crate::data::{Purpose, Table, set_aside};
use crate::methods::Method as _;

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

impl Sets {
    /// The sets of a job: those that it gives, and those that its settings ask for, split off at random by its seed. Test rows first: nothing else touches them.
    pub(super) fn of(job: &Job) -> Result<Self> {
        let training = &job.training;
        // Rows that only say where to start are of another distribution.
        let starts_only = job.method.target_score().is_some();
        let auto = |share: f64| if starts_only { 0.0 } else { share };
        let given = |set: &Option<(String, Table)>| -> Result<Option<Rows>> {
            let aligned = |(source, rows): &(String, Table)| {
                Ok(Rows { rows: rows.align(job.table.columns())?, source: Some(source.clone()) })
            };
            set.as_ref().map(aligned).transpose()
        };
        let (mut train, mut validation, mut test) = (job.table.clone(), given(&job.validation)?, given(&job.test)?);
        if test.is_none() {
            let rows = train.weighted_rows().len();
            let usual = auto(SHARE.min(MOST_TEST as f64 / rows.max(1) as f64));
            (train, test) = parted(train, training.test_fraction.map_or(usual, f64::from), job.seed, Purpose::Test)?;
        }
        if validation.is_none() {
            let usual = auto(if train.weighted_rows().len() < SMALL { SHARE } else { 0.0 });
            (train, validation) =
                parted(train, training.validation_fraction.map_or(usual, f64::from), job.seed, Purpose::Validation)?;
        }
        Ok(Self { train, validation, test })
    }

    /// Whether the model that is saved is trained again on all rows of the data.
    pub(super) fn refits(&self, job: &Job) -> bool {
        let split = |set: &Option<Rows>| set.as_ref().is_some_and(Rows::is_split);
        job.training.refit && (split(&self.validation) || split(&self.test) && job.table.rows() < SMALL)
    }
}

/// Rows split off a table, where there are enough. A column that would be constant in the rest, such as one of a rare level, has another split tried.
fn parted(table: Table, share: f64, seed: u64, purpose: Purpose) -> Result<(Table, Option<Rows>)> {
    let rows = table.weighted_rows().len();
    let count = (share * rows as f64).round() as usize;
    if count == 0 || rows < LEAST {
        return Ok((table, None));
    }
    let mut split = set_aside(&table, count, seed, purpose)?;
    for further in 1..TRIES {
        if split.0.check_trainable().is_ok() {
            break;
        }
        split = set_aside(&table, count, seed.wrapping_add(further << 32), purpose)?;
    }
    let (train, rows) = split;
    Ok((train, Some(Rows { rows, source: None })))
}
