//! Rows that may have cells which the fitted rows did not have.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::column::{Coding, EncodedColumn};
use super::{Encoding, Table};
use crate::Result;

/// What stands for such a cell in a column's bits and in its number: the middle.
const BIT: f64 = 0.5;
const NUMBER: f64 = 0.0;

/// Rows as numbers, and which of their cells have no state of their own.
pub(crate) struct Unseen {
    /// In the columns of [`Encoding::names`].
    pub table: Table,
    /// Of each column of the encoding, learned or not, a mark for each row: a level, a missing cell or one of few numbers that the fitted rows did not have, or another
    /// value where they had one. None of identifiers.
    pub cells: Vec<Vec<bool>>,
}

impl Encoding {
    /// The rows of a table as numbers, where [`Encoding::encode`] refuses cells that the fitted rows did not have: their bits and their number are the middle ones.
    ///
    /// # Errors
    /// A column that the table does not have, or has with another type.
    pub(crate) fn encode_unseen(&self, table: &Table, seed: u64) -> Result<Unseen> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let places = self.columns.iter().map(|column| table.index_of(&column.name)).collect::<Result<Vec<_>>>()?;
        let mut writers = Vec::with_capacity(self.columns.len());
        for (column, &j) in self.columns.iter().zip(&places) {
            writers.push(if column.width() > 0 { Some(column.writer(table, j)?) } else { None });
        }
        let mut values = Vec::with_capacity(table.rows() * self.columns.iter().map(EncodedColumn::width).sum::<usize>());
        let mut cells = vec![Vec::with_capacity(table.rows()); self.columns.len()];
        for row in 0..table.rows() {
            for (((column, writer), &j), unseen) in self.columns.iter().zip(&writers).zip(&places).zip(&mut cells) {
                let is_unseen = match writer {
                    Some(writer) => !writer.knows(row),
                    None => !column.is_the_one(table, row, j),
                };
                unseen.push(is_unseen);
                match writer {
                    Some(writer) if !is_unseen => writer.write(row, &mut random, &mut values)?,
                    Some(_) => values.extend((0..column.width()).map(|k| column.middle(k))),
                    None => {}
                }
            }
        }
        let encoded = Table::new(self.names(), values)?.from_origin(table.origin());
        let table = match table.weights() {
            Some(weights) => encoded.with_weights(weights.to_vec())?,
            None => encoded,
        };
        Ok(Unseen { table, cells })
    }
}

impl EncodedColumn {
    /// The middle of the k-th of its columns of numbers.
    fn middle(&self, k: usize) -> f64 {
        let has_number = matches!(&self.coding, Coding::States { numbers: Some(_), .. });
        if has_number && k == 0 { NUMBER } else { BIT }
    }

    /// Whether a cell is the one value of a column that has no other; always of identifiers.
    fn is_the_one(&self, table: &Table, row: usize, j: usize) -> bool {
        let Coding::Constant { value } = &self.coding else { return true };
        match (value, table.is_missing(row, j)) {
            (None, missing) => missing,
            (Some(_), true) => false,
            (Some(value), false) => match table.levels(j) {
                Some(levels) => self.level(*value) == Some(&levels[table.row(row)[j] as usize]),
                None if self.level(0.0).is_some() => false,
                None => match table.exact_integers(j) {
                    Some(all) => all[row] == self.integer(*value),
                    None => *value + self.base as f64 == table.row(row)[j],
                },
            },
        }
    }
}
