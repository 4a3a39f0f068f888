//! Rows held out from training.

use rand::RngExt;

use super::Table;
use super::random::{Stream, generator};
use crate::{Error, Result};

/// The rows in two tables, (kept, held out): each set of round(share · rows) rows is equally likely to be held out. Both tables keep
/// the order of the rows. At least one row is held out and at least one kept.
///
/// Refused: a share that is not above 0 and below 1, and fewer than two rows.
///
/// ```
/// let table = pushforward::data::toy::Toy::Rings.sample(1000, 0);
/// let (kept, held) = pushforward::data::split(&table, 0.1, 7)?;
/// assert_eq!((kept.rows(), held.rows()), (900, 100));
/// # Ok::<(), pushforward::Error>(())
/// ```
pub fn split(table: &Table, share: f64, seed: u64) -> Result<(Table, Table)> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::usage(format!(
            "the share of rows to hold out is {share}: give a number above 0 and below 1, such as 0.1"
        )));
    }
    let rows = table.rows();
    if rows < 2 {
        return Err(Error::data(format!("{} has {rows} row(s): holding some out needs at least two", table.origin())));
    }
    let count = ((share * rows as f64).round() as usize).clamp(1, rows - 1);
    let mut random = generator(seed, Stream::Split);
    // The first `count` steps of Fisher and Yates's shuffle.
    let mut order: Vec<usize> = (0..rows).collect();
    for i in 0..count {
        let j = random.random_range(i as u64..rows as u64) as usize;
        order.swap(i, j);
    }
    let (held, kept) = order.split_at_mut(count);
    held.sort_unstable();
    kept.sort_unstable();
    Ok((table.select_rows(kept), table.select_rows(held)))
}
