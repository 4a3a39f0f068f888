//! Rows set aside from training, and random subsets of rows.

use rand::RngExt;

use super::Table;
use super::random::{Stream, generator_at};
use crate::{Error, Result, words};

/// What rows are chosen for: one seed gives each purpose numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Rows that stop training and choose settings.
    Validation = 0,
    /// Rows that are touched once, for the final scores.
    Test = 1,
    /// A subset of rows that are too many to use all.
    Subset = 2,
    /// Rows drawn as they weigh.
    Weight = 3,
}

impl Table {
    /// The rows in two tables, a random share of them in the second: (training, test) for a share of 0.2.
    ///
    /// # Errors
    /// As `split`.
    pub fn split(&self, share: f64, seed: u64) -> Result<(Self, Self)> {
        split(self, share, seed)
    }
}

/// The rows in two tables, (kept, set aside): each set of round(share · rows) rows is equally likely to be set aside. Both tables keep
/// the order of the rows. At least one row is set aside and at least one kept.
///
/// Rows without weight say nothing of what was learned: they are kept and not counted.
///
/// Refused: a share that is not above 0 and below 1, and fewer than two rows with weight.
///
/// ```
/// let table = pushforward::data::toy::Toy::Rings.sample(1000, 0);
/// let (kept, aside) = pushforward::data::split(&table, 0.1, 7)?;
/// assert_eq!((kept.rows(), aside.rows()), (900, 100));
/// # Ok::<(), pushforward::Error>(())
/// ```
pub fn split(table: &Table, share: f64, seed: u64) -> Result<(Table, Table)> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::usage(format!(
            "the share of rows to split off is {share}: give a number above 0 and below 1, such as 0.1"
        )));
    }
    let rows = table.weighted_rows().len();
    set_aside(table, (share * rows as f64).round() as usize, seed, Purpose::Validation)
}

/// The same for a number of rows.
///
/// # Errors
/// Fewer than two rows with weight.
pub fn set_aside(table: &Table, count: usize, seed: u64, purpose: Purpose) -> Result<(Table, Table)> {
    let (kept, chosen) = rows_aside(table, &(0..table.rows()).collect::<Vec<_>>(), count, seed, purpose)?;
    Ok((table.select_rows(&kept), table.select_rows(&chosen)))
}

/// The same among these rows of a table, by their places: (kept, set aside).
///
/// # Errors
/// As [`set_aside`].
pub fn rows_aside(table: &Table, rows: &[usize], count: usize, seed: u64, purpose: Purpose) -> Result<(Vec<usize>, Vec<usize>)> {
    let weighs = |row: usize| table.weights().is_none_or(|weights| weights[row] > 0.0);
    let mut order: Vec<usize> = rows.iter().copied().filter(|&row| weighs(row)).collect();
    if order.len() < 2 {
        let weight = if table.weights().is_some() { " with weight" } else { "" };
        return Err(Error::data(format!(
            "{} has {}{weight}: a split needs at least two",
            table.origin(),
            words::count(order.len(), "row")
        )));
    }
    let count = count.clamp(1, order.len() - 1);
    shuffle(&mut order, count, seed, purpose);
    let mut aside = vec![false; table.rows()];
    order[..count].iter().for_each(|&row| aside[row] = true);
    let (chosen, kept) = rows.iter().copied().partition(|&row| aside[row]);
    Ok((kept, chosen))
}

/// At most so many of the rows, each set of them equally likely, in the table's order: all of a table that has no more.
pub fn subset(table: &Table, rows: usize, seed: u64) -> Table {
    if table.rows() <= rows {
        return table.clone();
    }
    table.select_rows(&subset_of(table.rows(), rows, seed))
}

/// Rows that are drawn as they weigh are as many as leave none twice, where these are so many.
const DISTINCT: usize = 50;

/// At most so many rows that stand for a table whose rows have weights, for scores in which every row has equal weight: drawn in proportion to the weights, each
/// within one of its due. They are as many as leave no row twice (Σ w over the largest weight), for a classifier would know a row again that it has seen; where
/// those would be fewer than 50, as many as equal rows would say as much ((Σ w)²/Σ w²). Of a table without weights a [`subset`].
pub fn by_weight(table: &Table, most: usize, seed: u64) -> Table {
    let Some(weights) = table.weights() else { return subset(table, most, seed) };
    let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
    let concentration: f64 = weights.iter().map(|&w| (f64::from(w) / total).powi(2)).sum();
    let largest = weights.iter().copied().fold(0.0, f32::max);
    let distinct = (total / f64::from(largest)).floor() as usize;
    let worth = (1.0 / concentration).round() as usize;
    let count = if distinct < DISTINCT { worth } else { distinct }.clamp(1, most.max(1));
    // Systematic resampling (Kitagawa 1996), over the rows in random order.
    let mut order: Vec<usize> = (0..table.rows()).collect();
    shuffle(&mut order, table.rows(), seed, Purpose::Subset);
    let start: f64 = generator_at(seed, Stream::Split, Purpose::Weight as u64).random();
    let (mut chosen, mut sum) = (Vec::with_capacity(count), 0.0);
    for row in order {
        sum += f64::from(weights[row]) / total * count as f64;
        while chosen.len() < count && (chosen.len() as f64 + start) < sum {
            chosen.push(row);
        }
    }
    chosen.sort_unstable();
    table.select_rows(&chosen).without_weights()
}

/// At most `most` of the numbers below `rows`, each set of them equally likely, in order.
pub fn subset_of(rows: usize, most: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    if rows > most {
        shuffle(&mut order, most, seed, Purpose::Subset);
        order.truncate(most);
        order.sort_unstable();
    }
    order
}

/// The first `count` steps of Fisher and Yates's shuffle.
fn shuffle(order: &mut [usize], count: usize, seed: u64, purpose: Purpose) {
    let mut random = generator_at(seed, Stream::Split, purpose as u64);
    for i in 0..count {
        let j = random.random_range(i as u64..order.len() as u64) as usize;
        order.swap(i, j);
    }
}
