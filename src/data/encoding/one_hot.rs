//! Columns of which each row has exactly one 1: indicators of one category, as `get_dummies` writes them. Samples have exactly one, too.
//!
//! Each of them is encoded as a bit of its own. The 1 of a sample goes to the column whose bit is nearest to it: so the rows of noise around a row's bits, of which
//! [`density`](super::density) is made, decode to that row as before.

use super::column::EncodedColumn;
use crate::data::{Column, Table};

/// Runs of neighboring columns of zeros and ones of which each row has exactly one 1, by their places.
pub(super) fn groups(table: &Table, columns: &[EncodedColumn]) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    let mut first = 0;
    while first + 1 < columns.len() {
        let group = longest(table, columns, first);
        first = group.as_ref().map_or(first + 1, |group| group.end);
        found.extend(group.map(Iterator::collect));
    }
    found
}

/// The run that begins with this column, if it has two columns at least.
fn longest(table: &Table, columns: &[EncodedColumn], first: usize) -> Option<std::ops::Range<usize>> {
    let mut ones = vec![0u8; table.rows()];
    for (j, column) in columns.iter().enumerate().skip(first) {
        column.bit_of_one()?;
        let mut all = true;
        for (row, value) in table.column(j).enumerate() {
            ones[row] += u8::from(value == 1.0);
            if ones[row] > 1 {
                return None;
            }
            all &= ones[row] == 1;
        }
        if all {
            return (j > first).then_some(first..j + 1);
        }
    }
    None
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
