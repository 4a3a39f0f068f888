//! The rows of a CSV file in blocks, whose columns are gone through apart from each other: on all processors, while the next block is read.

use std::sync::{Mutex, PoisonError};
use std::thread;

use ::csv::ByteRecord;

use crate::Result;
use crate::data::types::At;

/// Rows of a block at most, and bytes from which on it takes no more.
const ROWS: usize = 1024;
const BYTES: usize = 1 << 18;

/// Rows that follow each other.
#[derive(Default)]
pub(super) struct Block {
    records: Vec<ByteRecord>,
    rows: usize,
    /// The number of the first row, from 1.
    first: usize,
    /// Whether it took no more, be there more rows or not.
    full: bool,
}

impl Block {
    /// The cells of a column, without the blanks around them, with the places of their rows.
    pub fn cells(&self, column: usize) -> impl Iterator<Item = (At, &[u8])> {
        let cell = move |(record, row)| {
            let record: &ByteRecord = record;
            (At::of(row, record), record.get(column).unwrap_or_default().trim_ascii())
        };
        self.records[..self.rows].iter().zip(self.first..).map(cell)
    }

    /// Takes in the rows from number `first` on, as long as there are any.
    fn fill(&mut self, first: usize, next: &mut impl FnMut(&mut ByteRecord) -> Result<bool>) -> Result<()> {
        (self.first, self.rows, self.full) = (first, 0, false);
        let mut bytes = 0;
        loop {
            self.full = self.rows == ROWS || bytes >= BYTES;
            if self.full {
                return Ok(());
            }
            if self.rows == self.records.len() {
                self.records.push(ByteRecord::new());
            }
            let record = &mut self.records[self.rows];
            if !next(record)? {
                return Ok(());
            }
            bytes += record.as_slice().len();
            self.rows += 1;
        }
    }
}

/// Shows the rows that `next` gives, until it says that there are none, to `see`, block after block: each block once for each of `columns`, with its number.
/// Returns how many rows there are. Reading ends after the first block for which `see` returns something: that is returned with the numbers of the columns, in order.
pub(super) fn each_block<C: Send, T: Send>(
    mut next: impl FnMut(&mut ByteRecord) -> Result<bool>,
    columns: &mut [C],
    see: impl Fn(usize, &mut C, &Block) -> Option<T> + Sync,
) -> Result<(usize, Vec<(usize, T)>)> {
    let (mut block, mut further) = (Block::default(), Block::default());
    block.fill(1, &mut next)?;
    let (mut rows, width) = (0, columns.len());
    while block.rows > 0 {
        rows += block.rows;
        let told = Mutex::new(Vec::new());
        let waiting = Mutex::new(columns.iter_mut().enumerate());
        let work = || {
            loop {
                let taken = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((j, column)) = taken else { break };
                if let Some(tells) = see(j, column, &block) {
                    told.lock().unwrap_or_else(PoisonError::into_inner).push((j, tells));
                }
            }
        };
        // A small file is not worth a thread.
        let most = width.saturating_sub(1);
        let helpers = if block.full { (thread::available_parallelism().map_or(1, usize::from) - 1).min(most) } else { 0 };
        thread::scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(work);
            }
            further.fill(rows + 1, &mut next)?;
            work();
            Ok(())
        })?;
        let mut told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !told.is_empty() {
            told.sort_by_key(|(j, _)| *j);
            return Ok((rows, told));
        }
        std::mem::swap(&mut block, &mut further);
    }
    Ok((rows, Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of their number and of twice as much.
    fn rows(count: usize) -> impl FnMut(&mut ByteRecord) -> Result<bool> {
        let mut at = 0;
        move |record| {
            at += 1;
            *record = ByteRecord::from(vec![format!(" {at} "), format!("{}", 2 * at)]);
            Ok(at <= count)
        }
    }

    #[test]
    fn every_column_sees_every_row_once_in_order() {
        for count in [0, 1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS + 7] {
            let mut seen = vec![Vec::new(); 2];
            let found = each_block(rows(count), &mut seen, |j, seen: &mut Vec<usize>, block| {
                for (at, cell) in block.cells(j) {
                    assert_eq!(std::str::from_utf8(cell).unwrap(), format!("{}", at.row * (j + 1)));
                    seen.push(at.row);
                }
                None::<()>
            });
            assert_eq!(found.unwrap(), (count, Vec::new()));
            assert_eq!(seen, vec![(1..=count).collect::<Vec<_>>(); 2]);
        }
    }

    #[test]
    fn what_is_told_of_a_block_ends_the_reading() {
        let found = each_block(rows(5 * ROWS), &mut [(); 2], |j, _, block| {
            block.cells(j).map(|(at, _)| at.row).find(|row| *row > ROWS + j)
        });
        assert_eq!(found.unwrap(), (2 * ROWS, vec![(0, ROWS + 1), (1, ROWS + 2)]));
    }

    #[test]
    fn an_error_ends_the_reading() {
        let mut good = rows(3 * ROWS);
        let mut at = 0;
        let next = |record: &mut ByteRecord| {
            at += 1;
            if at > 2 * ROWS { Err(crate::Error::data("no more")) } else { good(record) }
        };
        assert!(each_block(next, &mut [()], |_, _, _| None::<()>).is_err());
    }
}
