//! One cell of a file on its way into a table, and the sentences for cells that cannot go.

use std::path::Path;

use super::text::line_at;
use crate::Error;
use crate::data::types::At;
use crate::words::grouped;

/// Why a cell cannot be used.
#[derive(Debug)]
pub(super) enum Fault {
    /// An empty cell, a null, or a word for a missing value such as `NA`.
    Missing,
    /// Not a number, as a floating-point value.
    Nan,
    /// An infinity, as a floating-point value.
    Infinite(f64),
    /// Anything that is not a number.
    Text(String),
}

/// Where a cell stands.
pub(super) struct Place<'a> {
    pub path: &'a Path,
    pub column: &'a str,
    pub at: At,
    pub rows: usize,
}

/// A row in words, with the line of the file that it begins in, where the file has lines: "row 3 (of 10), line 4".
pub(super) fn row_said(path: &Path, at: At, rows: usize) -> String {
    let line = at.byte.and_then(|byte| line_at(path, byte)).map_or(String::new(), |line| format!(", line {}", grouped(line)));
    format!("row {} (of {}){line}", grouped(at.row), grouped(rows))
}

/// The value, if it is finite.
pub(super) fn finite(value: f64) -> Result<f64, Fault> {
    match () {
        _ if value.is_nan() => Err(Fault::Nan),
        _ if value.is_infinite() => Err(Fault::Infinite(value)),
        _ => Ok(value),
    }
}

/// The same where rows with a missing value are left out: it is NaN then.
pub(super) fn present(value: Result<f64, Fault>, skip_missing: bool) -> Result<f64, Fault> {
    match value {
        Err(Fault::Missing | Fault::Nan) if skip_missing => Ok(f64::NAN),
        value => value,
    }
}

impl Fault {
    /// The whole sentence. `advice` replaces the usual advice where a reader knows better.
    pub fn at(self, place: &Place, advice: Option<String>) -> Error {
        let Place { path, column, at, rows } = place;
        let (found, usual) = match self {
            Self::Missing => ("has no value".to_string(), "remove the row or fill it in".to_string()),
            Self::Nan => ("holds NaN".to_string(), "remove the row or fill it in".to_string()),
            Self::Infinite(value) => (format!("holds {value}"), "remove the row or put a finite number there".to_string()),
            Self::Text(text) => (
                format!("holds `{}`, which is not a number,", shortened(&text)),
                "correct the cell or remove the row".to_string(),
            ),
        };
        Error::data(format!(
            "column `{column}` of {} {found} in {}: {}",
            path.display(),
            row_said(path, *at, *rows),
            advice.unwrap_or(usual)
        ))
    }
}

/// At most 40 characters of a cell, with control characters escaped: cells of a wrong file can be of any length.
pub(super) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(40).flat_map(|c| c.escape_debug()).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

/// Whole numbers that double precision does not hold: the first of each column that has one, with its row, from 1.
pub(super) struct Rounded(Vec<Option<(i128, usize)>>);

impl Rounded {
    pub fn new(columns: usize) -> Self {
        Self(vec![None; columns])
    }

    /// Looks at a whole number on its way into a column.
    pub fn see(&mut self, column: usize, row: usize, number: i128) {
        if self.0[column].is_none() && number as f64 as i128 != number {
            self.0[column] = Some((number, row));
        }
    }

    /// A sentence for each column that has one; `name` is the columns' names.
    pub fn notes<'a>(&self, path: &Path, name: impl Fn(usize) -> &'a str) -> Vec<String> {
        let note = |(column, first): (usize, &Option<(i128, usize)>)| {
            let (number, row) = (*first)?;
            Some(format!(
                "column `{}` of {} holds integers beyond 2⁵³ (the first is {number} in row {}), of which double precision keeps about 16 digits, so that neighbors may become equal: subtract a number from all of them, or leave the column out",
                name(column),
                path.display(),
                grouped(row)
            ))
        };
        self.0.iter().enumerate().filter_map(note).collect()
    }
}
