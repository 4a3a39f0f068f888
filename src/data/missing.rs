//! Rows with missing values: left out, with a warning.

use super::levels::groups;
use crate::words::grouped;
use crate::{Error, Result};

/// Rows that were left out for a missing value.
#[derive(Default)]
pub(super) struct LeftOut {
    /// From 0, in order.
    pub rows: Vec<usize>,
    /// How many of them have none in each column.
    columns: Vec<usize>,
}

/// Takes the rows with NaN out.
pub(super) fn without_missing(values: &mut Vec<f64>, width: usize) -> LeftOut {
    let mut out = LeftOut { rows: Vec::new(), columns: vec![0; width] };
    let mut kept = 0;
    for row in 0..values.len() / width {
        let (from, to) = (row * width, (row + 1) * width);
        if values[from..to].iter().any(|value| value.is_nan()) {
            out.rows.push(row);
            out.columns.iter_mut().zip(&values[from..to]).for_each(|(count, value)| *count += usize::from(value.is_nan()));
        } else {
            values.copy_within(from..to, kept * width);
            kept += 1;
        }
    }
    values.truncate(kept * width);
    out
}

impl LeftOut {
    /// What to tell of them: `columns` are those that were read, of which `kept` rows are left.
    pub fn note(&self, columns: &[String], kept: usize, origin: &str) -> Result<Option<String>> {
        let lacking: Vec<String> = groups(columns)
            .iter()
            .filter(|group| self.columns[group.first] > 0)
            .map(|group| format!("`{}` {}", group.column, grouped(self.columns[group.first])))
            .collect();
        let (out, lacking) = (self.rows.len(), lacking.join(", "));
        if kept == 0 {
            let rows = if out == 1 { "the only row".into() } else { format!("each of the {} rows", grouped(out)) };
            return Err(Error::data(format!(
                "{rows} of {origin} has missing values ({lacking}): fill them in, or choose other columns with #"
            )));
        }
        let (rows, has) = if out == 1 { ("row", "has") } else { ("rows", "have") };
        Ok(Some(format!(
            "{} of {} {rows} of {origin} {has} missing values ({lacking}) and {} left out",
            grouped(out),
            grouped(out + kept),
            if out == 1 { "is" } else { "are" }
        )))
    }
}
