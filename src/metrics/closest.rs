//! Distance to the closest record: whether samples lie nearer to training rows than they should, as SDMetrics 0.32 measures it.
//!
//! The distance of two rows is the mean over their columns (Gower 1971) of |x − y| over the range of the reference set's column for numbers and dates, at most 1; of 0 or 1 for categories, as they are equal or not;
//! of 0 where both cells are missing, and 1 where one is. In a column with one value it is whether numbers differ.
//!
//! - **Baseline** (`DCRBaselineProtection`): the median distance of samples to the closest training row, over that of rows whose cells are drawn at random: numbers between the least and the greatest value, categories
//!   among all levels, missing cells as often as in training rows. At most 1, and near 0 for copies. Real rows that were not trained on have such a ratio too: a model that is right is as near to
//!   training rows as they are, and nearer than random ones.
//! - **Overfitting** (`DCROverfittingProtection`): twice the share of samples that are no nearer to a training row than to a row that was not trained on, at most 1, which is best. It is meaningful where both sets are
//!   equally large: of the larger one as many rows are taken as the other has.
//! - **Medians**: of samples and of rows that were not trained on, to the closest training row; their ratio is near 1 at best.
//!
//! - **Membership inference** (by distance; Chen et al. 2020): the AUC with which the distance to the closest sample tells training rows from rows that were not trained on. ½ is best: nothing is
//!   given away; the interval is DeLong's.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::mixed::Mixed;
use super::ranking::auc;
use super::threads::map_rows;
use super::{Score, interval};
use crate::Result;
use crate::data::{ColumnType, Table};

/// Cells that are compared at most for one set of distances.
const CELLS: usize = 1_000_000_000;
/// Rows of a set at most.
const ROWS: usize = 20_000;

/// How near samples and training rows are to each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Closest {
    /// Rows of each set that are compared.
    pub rows: ClosestRows,
    /// Median distances to the closest training row: of samples, of the reference, and of random rows.
    pub samples: Score,
    pub reference: Score,
    pub random: f64,
    /// The first over the second; none where that is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Score>,
    /// `DCRBaselineProtection`; none where half of the random rows are training rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Score>,
    /// `DCROverfittingProtection`.
    pub overfitting: Score,
    /// The AUC of membership inference by the distance to the closest sample.
    pub membership: Score,
}

/// Rows of each set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClosestRows {
    pub train: usize,
    pub reference: usize,
    pub samples: usize,
}

const REFERENCE: usize = 0;
const SAMPLES: usize = 1;
const TRAIN: usize = 2;
const RANDOM: usize = 3;

/// Distances between samples, the rows that they were learned from, and a reference of real rows that were not.
///
/// # Errors
/// A column that a table does not have, or has with another type.
pub fn closest(reference: &Table, samples: &Table, train: &Table, seed: u64) -> Result<Closest> {
    // A column that is constant in the reference may vary in the others, and is compared all the same.
    let mut tables = Mixed::of(&[reference, samples, train], seed)?;
    let most = |others: usize| (CELLS / (others.max(1) * tables.columns.len())).clamp(1000, ROWS);
    let most = most(tables.rows.iter().copied().max().unwrap_or(1).min(ROWS));
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x0C10_5E57);
    for table in [REFERENCE, SAMPLES, TRAIN] {
        let mut order: Vec<usize> = (0..tables.rows[table]).collect();
        order.shuffle(&mut random);
        order.truncate(most);
        tables.select(table, &order);
    }
    add_random(&mut tables, &mut random);
    let rows = ClosestRows { train: tables.rows[TRAIN], reference: tables.rows[REFERENCE], samples: tables.rows[SAMPLES] };
    let to_train = Distances::new(&tables, TRAIN, rows.train);
    let [mut of_samples, mut of_reference, mut of_random] = [SAMPLES, REFERENCE, RANDOM].map(|set| to_train.nearest(set));

    let equal = rows.train.min(rows.reference);
    let (near, far) = (Distances::new(&tables, TRAIN, equal), Distances::new(&tables, REFERENCE, equal));
    let own = if equal == rows.train { of_samples.clone() } else { near.nearest(SAMPLES) };
    let other = far.nearest(SAMPLES);
    let nearer = own.iter().zip(&other).filter(|(own, other)| own < other).count();
    let share = |count: f64| (2.0 * (1.0 - count)).min(1.0);
    let [low, high] = interval::wilson(nearer as u64, rows.samples as u64);
    let overfitting = Score {
        value: share(nearer as f64 / rows.samples as f64),
        interval: Some([share(high), share(low)]),
        ..Score::default()
    };

    // In ranges of the training rows, as the others.
    let to_samples = Distances { ranges: to_train.ranges.clone(), ..Distances::new(&tables, SAMPLES, rows.samples) };
    let [members, others] = [TRAIN, REFERENCE].map(|set| to_samples.nearest(set).iter().map(|d| -d).collect::<Vec<f64>>());
    let membership = auc(&members, &others).unwrap_or_default();

    let [of_samples, of_reference, of_random] =
        [&mut of_samples, &mut of_reference, &mut of_random].map(|distances| median(distances));
    // Of two medians whose intervals miss by chance the half-widths add as squares, in logarithms.
    let over = |below: &Score, most: f64| {
        let ([own_low, own_high], [low, high]) = (of_samples.interval?, below.interval?);
        let part = |own: f64, other: f64| (own / of_samples.value).ln().hypot((other / below.value).ln()).exp();
        let value = of_samples.value / below.value;
        let ends = match of_samples.value > 0.0 {
            true => [if own_low > 0.0 { value / part(own_low, high) } else { 0.0 }, value * part(own_high, low)],
            false => [0.0, if low > 0.0 { own_high / low } else { f64::INFINITY }],
        };
        let ends = ends.map(|end: f64| end.min(most));
        let interval = ends[1].is_finite().then_some(ends);
        (below.value > 0.0).then(|| Score { value: value.min(most), interval, ..Score::default() })
    };
    Ok(Closest {
        rows,
        ratio: over(&of_reference, f64::INFINITY),
        baseline: over(&of_random, 1.0),
        random: of_random.value,
        samples: of_samples,
        reference: of_reference,
        overfitting,
        membership,
    })
}

fn median(distances: &mut [f64]) -> Score {
    let (value, ends) = interval::median(distances).unwrap_or_default();
    Score { value, interval: Some(ends), ..Score::default() }
}

/// A fourth table of as many rows as there are samples, whose cells are drawn at random as the training rows' columns allow.
fn add_random(tables: &mut Mixed, random: &mut Xoshiro256PlusPlus) {
    let rows = tables.rows[SAMPLES];
    for column in &mut tables.columns {
        let mut known = column.present(TRAIN);
        known.sort_unstable_by(f64::total_cmp);
        let missing = 1.0 - known.len() as f64 / column.cells[TRAIN].len() as f64;
        let whole = column.ty == ColumnType::Integer;
        let ends = [known.first().copied().unwrap_or(f64::NAN), known.last().copied().unwrap_or(f64::NAN)];
        known.dedup();
        let drawn = (0..rows).map(|_| {
            let (share, is_missing): (f64, f64) = (random.random(), random.random());
            match (is_missing < missing || known.is_empty(), &column.levels) {
                (true, _) => f64::NAN,
                (false, Some(_)) => known[(share * known.len() as f64) as usize],
                (false, None) if whole => (ends[0] + share * (ends[1] - ends[0] + 1.0)).floor(),
                (false, None) => ends[0] + share * (ends[1] - ends[0]),
            }
        });
        let drawn = drawn.collect();
        column.cells.push(drawn);
    }
    tables.rows.push(rows);
}

/// Distances to rows of one table.
struct Distances<'a> {
    tables: &'a Mixed,
    to: usize,
    /// So many of its rows.
    rows: usize,
    /// Of each column its range in these rows; none of categories.
    ranges: Vec<Option<f64>>,
}

impl<'a> Distances<'a> {
    fn new(tables: &'a Mixed, to: usize, rows: usize) -> Self {
        let range = |column: &super::mixed::MixedColumn| {
            let ends = column.cells[to][..rows]
                .iter()
                .filter(|value| !value.is_nan())
                .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(*v), high.max(*v)]);
            column.levels.is_none().then(|| (ends[1] - ends[0]).max(0.0))
        };
        Self { tables, to, rows, ranges: tables.columns.iter().map(range).collect() }
    }

    /// The distance of each row of a table to the closest of these.
    fn nearest(&self, of: usize) -> Vec<f64> {
        let columns = &self.tables.columns;
        let count = columns.len() as f64;
        map_rows(self.tables.rows[of], |row, sums: &mut Vec<f64>| {
            sums.clear();
            sums.resize(self.rows, 0.0);
            for (column, range) in columns.iter().zip(&self.ranges) {
                let value = column.cells[of][row];
                for (sum, other) in sums.iter_mut().zip(&column.cells[self.to]) {
                    *sum += apart(value, *other, *range);
                }
            }
            sums.iter().fold(f64::INFINITY, |least, sum| least.min(*sum)) / count
        })
    }
}

/// The distance of two cells.
fn apart(a: f64, b: f64, range: Option<f64>) -> f64 {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => 0.0,
        (false, false) => match range {
            Some(range) if range > 0.0 => ((a - b).abs() / range).min(1.0),
            _ => f64::from(u8::from(a != b)),
        },
        _ => 1.0,
    }
}
