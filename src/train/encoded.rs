//! The table of a run as numbers, whatever its columns are.

use std::cell::RefCell;

use super::sets::Split;
use crate::data::{Encoding, Table};
use crate::methods::{Method, Training};
use crate::{Error, Result};

/// Validation rows are not encoded with the random numbers of the training rows.
pub const VALIDATION: u64 = 0x7a11_da7e;
/// Neither are test rows.
pub const TEST: u64 = 0x7e57;

/// A table that methods can learn from.
pub struct Encoded {
    /// Numbers alone, the conditions behind.
    pub table: Table,
    /// How they stand for the data's columns, where these are not all numbers.
    pub encoding: Option<Encoding>,
    /// How many of the last columns are conditions.
    pub conditions: usize,
    /// The rows that were split off before the encoding was fitted to the others.
    pub split: Option<Split>,
}

impl Encoded {
    /// A table whose last `conditions` columns are conditions, encoded by the rows that a training with these settings trains on (`given` says whether it has
    /// validation and test rows of their own). One that needs none, or whose target has a score, stays as it is, unless any cells of it are to be given.
    ///
    /// # Errors
    /// Columns in which there is nothing to learn, or to condition on.
    pub fn of(table: Table, conditions: usize, settings: (&dyn Method, &Training), given: [bool; 2], seed: u64) -> Result<Self> {
        let by_score = settings.0.target_score().is_some() && Encoding::is_of_numbers(&table);
        if (by_score || Encoding::is_needless(&table)) && !settings.1.impute || table.rows() < 2 {
            return Ok(Self { table, encoding: None, conditions, split: None });
        }
        let table = table.with_whole_numbers()?;
        // The one that was fitted last, with its rows: mostly those that are trained on.
        let last = RefCell::new(None);
        let is_trainable = |rows: &[usize]| {
            let encoding = fitted(&table, conditions, rows);
            let trained = |encoding: &Encoding| encoding.encode(&table.select_rows(rows), seed)?.check_trainable();
            let is_trainable = encoding.as_ref().is_ok_and(|encoding| trained(encoding).is_ok());
            *last.borrow_mut() = encoding.ok().map(|encoding| (rows.to_vec(), encoding));
            is_trainable
        };
        let split = Split::of(&table, settings, given, seed, &is_trainable)?;
        let encoding = match last.take() {
            Some((rows, encoding)) if rows == split.train => encoding,
            _ => fitted(&table, conditions, &split.train)?,
        };
        let conditions = encoding.width_of_last(conditions);
        Ok(Self { table: encoding.encode(&table, seed)?, encoding: Some(encoding), conditions, split: Some(split) })
    }
}

/// The encoding of a table by some of its rows.
pub fn fitted(table: &Table, conditions: usize, rows: &[usize]) -> Result<Encoding> {
    let encoding = Encoding::fit_given(table, conditions, rows)?;
    let widths = encoding.widths();
    let (learned, given) = widths.split_at(widths.len() - conditions);
    if let Some((name, _)) = given.iter().find(|(_, width)| *width == 0) {
        return Err(Error::data(format!(
            "column `{name}` of {} has one value, or identifies rows: nothing can be learned given it",
            table.origin()
        )));
    }
    if learned.iter().all(|(_, width)| *width == 0) {
        return Err(Error::data(format!("{} has no column to learn: each has one value, or identifies rows", table.origin())));
    }
    Ok(encoding)
}
