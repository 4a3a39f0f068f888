//! Columns of which each row has exactly one 1: indicators of one category, as `get_dummies` writes them. Samples have exactly one, too.
//!
//! Each of them is encoded as a bit of its own. The 1 of a sample goes to the column whose bit is nearest to it: so the rows of noise around a row's bits, of which
//! [`density`](super::density) is made, decode to that row as before.

use std::collections::HashSet;

use super::Encoding;
use super::column::EncodedColumn;
use crate::Result;
use crate::data::{Column, Table};

/// Runs of neighboring columns of zeros and ones of which each row has exactly one 1, by their places.
pub(super) fn groups(table: &Table, columns: &[EncodedColumn]) -> Vec<Vec<usize>> {
    let ones = |(j, column): (usize, &EncodedColumn)| match column.bit_of_one() {
        Some(_) => table.column(j).filter(|value| *value == 1.0).count(),
        None => 0,
    };
    let counts: Vec<usize> = columns.iter().enumerate().map(ones).collect();
    let mut found = Vec::new();
    let mut first = 0;
    while first + 1 < columns.len() {
        let group = longest(table, columns, &counts, first);
        first = group.as_ref().map_or(first + 1, |group| group.end);
        found.extend(group.map(Iterator::collect));
    }
    found
}

/// The run that begins with this column, if it has two columns at least.
fn longest(table: &Table, columns: &[EncodedColumn], counts: &[usize], first: usize) -> Option<std::ops::Range<usize>> {
    let is_indicator = |j: usize| columns[j].bit_of_one().is_some();
    let mut ones = 0;
    let last = (first..columns.len()).take_while(|&j| is_indicator(j)).find(|&j| {
        ones += counts[j];
        ones >= table.rows()
    })?;
    let has_one = |row: usize| (first..=last).filter(|&j| table.row(row)[j] == 1.0).count() == 1;
    (last > first && ones == table.rows() && (0..table.rows()).all(has_one)).then_some(first..last + 1)
}

/// Further from both of its cells than any number of a sample.
const FAR: f64 = 1e30;

impl Encoding {
    /// Rows of numbers, `each` for every row of which some cells are given: in the groups the bits of those lie so far out that a given 1 wins and a given 0 does not.
    /// `given` and `shown` are as in [`Encoding::encode_shown`].
    pub(crate) fn with_given(&self, drawn: &Table, each: usize, given: &[f64], shown: &[bool]) -> Result<Table> {
        let (mut at, mut cell) = (0, 0);
        let mut members = Vec::new();
        for (j, column) in self.columns.iter().enumerate().filter(|(_, column)| column.width() > 0) {
            if self.one_hot.iter().any(|group| group.contains(&j)) {
                members.push((at, cell));
            }
            (at, cell) = (at + column.width(), cell + 1);
        }
        if members.is_empty() {
            return Ok(drawn.clone());
        }
        let mut values = drawn.values().to_vec();
        for (i, row) in values.chunks_exact_mut(at).enumerate() {
            let from = i / each;
            let is_shown = |(_, cell_of): &&(usize, usize)| shown[from * cell + cell_of];
            for (place, _) in members.iter().filter(is_shown) {
                row[*place] = if given[from * at + place] >= 0.5 { FAR } else { -FAR };
            }
        }
        Ok(Table::new(drawn.columns().iter().cloned(), values)?.from_origin(drawn.origin()))
    }

    /// Whether the groups are of columns of zeros and ones, each in one of them at most.
    pub(super) fn has_whole_groups(&self) -> bool {
        let members: Vec<usize> = self.one_hot.iter().flatten().copied().collect();
        let is_indicator = |j: &usize| self.columns.get(*j).is_some_and(|column| column.bit_of_one().is_some());
        let once: HashSet<usize> = members.iter().copied().collect();
        self.one_hot.iter().all(|group| group.len() > 1) && members.iter().all(is_indicator) && once.len() == members.len()
    }
}

/// The columns of a group in decoded rows, by the numbers that they are decoded from: `members` are its columns, and where their bits stand.
pub(super) fn decode(members: &[(&EncodedColumn, usize)], numbers: &Table) -> Vec<Column> {
    let nearness = |row: usize, (column, at): &(&EncodedColumn, usize)| match column.bit_of_one() {
        Some(1) => numbers.row(row)[*at],
        _ => 1.0 - numbers.row(row)[*at],
    };
    let winner = |row: usize| {
        let near = |k: &usize| nearness(row, &members[*k]);
        (0..members.len()).max_by(|a, b| near(a).total_cmp(&near(b))).unwrap_or(0)
    };
    let winners: Vec<usize> = (0..numbers.rows()).map(winner).collect();
    let column =
        |(k, (column, _)): (usize, &(&EncodedColumn, usize))| column.of_ones(winners.iter().map(|winner| *winner == k).collect());
    members.iter().enumerate().map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three indicators of which each row has one, and a level.
    fn table() -> Table {
        let indicator = |k: usize| Column::integers(format!("is_{k}"), (0..60).map(|i| i64::from(i % 3 == k)).collect());
        let level = Column::categories("level", (0..60).map(|i| i % 2).collect(), ["a", "b"]).unwrap();
        Table::from_columns([indicator(0), indicator(1), indicator(2), level]).unwrap()
    }

    #[test]
    fn what_is_given_wins_over_every_number_of_a_sample() {
        let encoding = Encoding::fit(&table()).unwrap();
        assert_eq!(encoding.one_hot, [[0, 1, 2]]);
        let names = encoding.names();
        // The first column's bit is the nearest, whatever is given.
        let drawn = Table::new(names, [[1.9, 0.2, 0.8, 0.0]; 4].concat()).unwrap();
        let given = [[0.0, 0.0, 1.0, 0.0], [0.0; 4]].concat();
        let shown = [[false, false, true, false], [true, false, false, false]].concat();
        let rows = encoding.decode(&encoding.with_given(&drawn, 2, &given, &shown).unwrap(), 0).unwrap();
        // The third is given as 1; then the first as 0.
        for (row, winner) in [2, 2, 2, 2].into_iter().enumerate() {
            assert_eq!(
                (0..3).map(|j| rows.row(row)[j] == 1.0).collect::<Vec<_>>(),
                (0..3).map(|j| j == winner).collect::<Vec<_>>()
            );
        }
        let given = [[0.0, 1.0, 0.0, 0.0], [0.0; 4]].concat();
        let shown = [[false, true, false, false], [true, false, true, false]].concat();
        let rows = encoding.decode(&encoding.with_given(&drawn, 2, &given, &shown).unwrap(), 0).unwrap();
        assert!((0..4).all(|row| rows.row(row)[1] == 1.0), "given as 1, or left over");
    }

    #[test]
    fn conditions_are_of_no_group() {
        let rows: Vec<usize> = (0..60).collect();
        let table = table().select_columns(&[3, 0, 1, 2]);
        assert_eq!(Encoding::fit_given(&table, 0, &rows).unwrap().one_hot, [[1, 2, 3]]);
        assert!(Encoding::fit_given(&table, 1, &rows).unwrap().one_hot.is_empty());
    }

    #[test]
    fn groups_that_are_none_are_found() {
        let encoding = Encoding::fit(&table()).unwrap();
        assert!(encoding.check().is_ok());
        for groups in [vec![vec![0]], vec![vec![0, 9]], vec![vec![0, 0]], vec![vec![2, 3]], vec![vec![0, 1], vec![1, 2]]] {
            assert!(Encoding { one_hot: groups, ..encoding.clone() }.check().is_err());
        }
    }
}
