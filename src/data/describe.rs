//! What the columns of a table hold, in a line each.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ColumnType, Table};
use crate::words::{grouped, number};

/// A column in a few words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnSummary {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// How many different values it has.
    pub distinct: usize,
    /// How many of its cells are missing.
    pub missing: usize,
    /// Its least and greatest value, or its most frequent levels.
    pub range: String,
}

/// Levels that a summary names.
const LEVELS: usize = 4;

impl Table {
    /// What each column holds.
    pub fn describe(&self) -> Vec<ColumnSummary> {
        (0..self.cols()).map(|j| self.describe_column(j)).collect()
    }

    fn describe_column(&self, j: usize) -> ColumnSummary {
        let missing = self.missing(j).map_or(0, |missing| missing.iter().filter(|missing| **missing).count());
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        let mut values: Vec<f64> = self.column(j).filter(|value| !value.is_nan()).collect();
        values.sort_unstable_by(f64::total_cmp);
        let range = match (self.levels(j), self.date_form(j), values.first(), values.last()) {
            (_, _, None, _) | (_, _, _, None) => "no values".to_string(),
            (Some(levels), ..) => {
                values.iter().for_each(|code| *counts.entry(*code as i64).or_default() += 1);
                let mut order: Vec<(i64, usize)> = counts.into_iter().collect();
                order.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
                let named: Vec<&str> = order.iter().take(LEVELS).map(|(code, _)| levels[*code as usize].as_str()).collect();
                let more = if order.len() > LEVELS { ", …" } else { "" };
                format!("{}{more}", named.join(", "))
            }
            (None, Some(form), Some(low), Some(high)) => {
                let date = |seconds: f64| form.write((seconds * 1e6).round() as i64);
                format!("{} to {}", date(*low), date(*high))
            }
            (None, None, Some(low), Some(high)) if low == high => number(*low, 6),
            (None, None, Some(low), Some(high)) => format!("{} to {}", number(*low, 6), number(*high, 6)),
        };
        values.dedup();
        // Whole numbers that doubles do not hold are counted as they are.
        let whole = self.exact_integers(j).map(|all| {
            let mut all: Vec<i64> = (0..self.rows()).filter(|&row| !self.is_missing(row, j)).map(|row| all[row]).collect();
            all.sort_unstable();
            all.dedup();
            all
        });
        let range = match whole.as_deref() {
            Some([low, .., high]) => format!("{low} to {high}"),
            _ => range,
        };
        ColumnSummary {
            name: self.columns()[j].clone(),
            column_type: self.column_type(j),
            distinct: whole.map_or(values.len(), |whole| whole.len()),
            missing,
            range,
        }
    }
}

impl ColumnSummary {
    /// The cells of a line: name, type, distinct values, missing cells, range.
    pub fn cells(&self) -> [String; 5] {
        [self.name.clone(), self.column_type.to_string(), grouped(self.distinct), grouped(self.missing), self.range.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;

    #[test]
    fn columns_are_described_by_type_distinct_values_missing_cells_and_range() {
        let table = Table::from_columns([
            Column::categories("city", vec![0, 1, 1, 1, 0], ["Bern", "Chur"]).unwrap(),
            Column::numbers("x", vec![1.5, 2.5, 1.5, 0.0, 9.0]).with_missing(vec![false, false, false, false, true]).unwrap(),
        ])
        .unwrap();
        let cells: Vec<[String; 5]> = table.describe().iter().map(ColumnSummary::cells).collect();
        assert_eq!(cells[0], ["city", "category", "2", "0", "Chur, Bern"]);
        assert_eq!(cells[1], ["x", "number", "3", "1", "0 to 2.5"]);
    }
}
