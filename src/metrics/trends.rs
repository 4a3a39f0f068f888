//! Column-pair trends: how near the dependence of two columns is, as SDMetrics 0.32 and its quality report have it.
//!
//! - `CorrelationSimilarity` for two columns of numbers or dates: 1 − |r − r′|/2 of Pearson's correlations, over rows in which both are there; none where a column is constant.
//! - `ContingencySimilarity` where a column is of categories: 1 − ½ Σ |p − q| over the shares of all pairs of values, missing being one of the values. A column of numbers
//!   is cut into ten bins of equal width between its least and greatest value, those of the samples between their own; its greatest value has a bin to
//!   itself, with the missing cells.
//!
//! Bins between the own ends of each set do not fall together, not even where distributions are equal: one outlier moves them all. What that
//! costs shows in the shares of all rows of both sets in the reference's bins and in those of the samples, which differ by d in a cell: with equal distributions the score is
//! 1 − ½ Σ E|d + noise| on average, with the noise of shares of as many rows.
//!
//! The report averages over the pairs that depend on each other in the reference: |r| above .5, Cramér's V above .3. (It draws 50,000 rows of larger tables at
//! random for contingencies.)

use statrs::function::erf::erf;

use super::Score;
use super::agreement::{MEAN_SIZE, scored};
use super::mixed::{Mixed, MixedColumn};
use super::shapes::{apart_if_equal, sign};
use super::threads::map_rows;

/// Correlations and associations from which on columns depend on each other.
const CORRELATED: f64 = 0.5;
const ASSOCIATED: f64 = 0.3;
/// Bins of a column of numbers.
const BINS: usize = 10;
/// Columns whose pairs are scored, at most.
pub const MOST_COLUMNS: usize = 100;

/// Two columns of the first two tables.
pub struct Pair {
    /// Places of the columns.
    pub columns: [usize; 2],
    pub score: Score,
    /// What the score is on average between equal distributions.
    pub if_equal: f64,
    /// The correlation in the reference and in the samples; of categories none.
    pub correlations: Option<[f64; 2]>,
    /// Whether the columns depend on each other in the reference.
    pub related: bool,
    effect: Effect,
}

/// What a row adds to the difference.
enum Effect {
    /// Mean and inverse standard deviation of both columns, the correlation, and a weight, of each set.
    Correlation([[f64; 6]; 2]),
    /// Half a sign for the cells in which rows are, in order, and of each set the mean and a weight.
    Cells(Vec<(u64, f64)>, [[f64; 2]; 2]),
}

/// A column as the pairs take it.
struct Prepared<'a> {
    column: &'a MixedColumn,
    /// The levels, missing behind them, or bins.
    codes: [Vec<u32>; 2],
    /// Of numbers the same rows in the bins of the other set, where these are others.
    crossed: Option<[Vec<u32>; 2]>,
    is_constant: bool,
}

/// The pairs of these columns in the first two tables.
pub fn pairs(tables: &Mixed, columns: &[usize]) -> Vec<Pair> {
    let prepared: Vec<Prepared> = columns.iter().map(|&j| Prepared::of(&tables.columns[j])).collect();
    let places: Vec<[usize; 2]> = (0..columns.len()).flat_map(|i| (i + 1..columns.len()).map(move |j| [i, j])).collect();
    let found = map_rows(places.len(), |at, _: &mut ()| {
        let [i, j] = places[at];
        let pair = Pair::of([&prepared[i], &prepared[j]])?;
        Some(Pair { columns: [columns[i], columns[j]], ..pair })
    });
    found.into_iter().flatten().collect()
}

/// The mean score of pairs with its interval, and what it is between equal distributions; none of none.
pub fn mean(tables: &Mixed, pairs: &[&Pair]) -> Option<(Score, f64)> {
    let count = pairs.len() as f64;
    let codes: Vec<Prepared> = tables.columns.iter().map(Prepared::of).collect();
    let variance = [0, 1].map(|set| {
        let rows = tables.rows[set];
        let influence =
            map_rows(rows, |row, _: &mut ()| pairs.iter().map(|pair| pair.influence(&codes, set, row)).sum::<f64>() / count);
        influence.iter().map(|a| a * a).sum::<f64>() / (rows as f64).powi(2)
    });
    let of = |value: fn(&Pair) -> f64| pairs.iter().map(|pair| value(pair)).sum::<f64>() / count;
    let if_equal = of(|pair| pair.if_equal);
    let standard_error = (variance[0] + variance[1]).sqrt();
    (!pairs.is_empty()).then(|| (scored(of(|pair| pair.score.value), standard_error, 1.0 - if_equal), if_equal))
}

impl<'a> Prepared<'a> {
    fn of(column: &'a MixedColumn) -> Self {
        let (codes, crossed) = match &column.levels {
            Some(levels) => {
                let code = |code: Option<usize>| code.unwrap_or(levels.len()) as u32;
                ([0, 1].map(|set| column.codes(set).map(code).collect()), None)
            }
            None => {
                let edges = [0, 1].map(|set| edges(&column.cells[set]));
                let binned = |set: usize, of: usize| binned(&column.cells[set], &edges[of]);
                let crossed = (edges[0] != edges[1]).then(|| [binned(0, 1), binned(1, 0)]);
                ([binned(0, 0), binned(1, 1)], crossed)
            }
        };
        // Cells that are there, before rows with missing cells in the other column are left out.
        let is_constant = [0, 1].into_iter().any(|set| {
            let present = column.present(set);
            present.iter().all(|value| *value == present[0])
        });
        Self { column, codes, crossed, is_constant }
    }

    fn is_number(&self) -> bool {
        self.column.levels.is_none()
    }
}

/// Edges of bins as NumPy's `histogram_bin_edges` has them.
fn edges(values: &[f64]) -> Vec<f64> {
    let ends = values
        .iter()
        .filter(|value| !value.is_nan())
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| [low.min(*value), high.max(*value)]);
    let [low, high] = match ends {
        [low, high] if low > high => [0.0, 1.0],
        [low, high] if low == high => [low - 0.5, high + 0.5],
        ends => ends,
    };
    let step = (high - low) / BINS as f64;
    (0..=BINS).map(|i| if i == BINS { high } else { i as f64 * step + low }).collect()
}

/// Bins as NumPy's `digitize` has them.
fn binned(values: &[f64], edges: &[f64]) -> Vec<u32> {
    let bin = |value: &f64| if value.is_nan() { edges.len() } else { edges.partition_point(|edge| edge <= value) };
    values.iter().map(|value| bin(value) as u32).collect()
}

/// How many rows of two sets stand in each cell, the cells in order.
fn cells(first: impl Iterator<Item = u64>, second: impl Iterator<Item = u64>) -> Vec<(u64, [f64; 2])> {
    let sorted = |keys: Vec<u64>| {
        let mut keys = keys;
        keys.sort_unstable();
        keys
    };
    let keys = [sorted(first.collect()), sorted(second.collect())];
    let mut cells: Vec<(u64, [f64; 2])> = Vec::new();
    let mut runs = keys.each_ref().map(|keys| keys.chunk_by(|a, b| a == b).peekable());
    while let Some(next) = runs.iter_mut().filter_map(|runs| runs.peek().map(|run| run[0])).min() {
        let counts = runs.each_mut().map(|runs| runs.next_if(|run| run[0] == next).map_or(0.0, |run| run.len() as f64));
        cells.push((next, counts));
    }
    cells
}

/// E ½ Σ |p − q| of shares of cells if both sets have one distribution, that of all rows of both, in the bins of each.
fn variation_of_equal(columns: [&Prepared; 2], rows: [f64; 2]) -> f64 {
    let keys = |edges: usize| {
        (0..2).flat_map(move |set| {
            let [a, b] = columns.map(|column| match &column.crossed {
                Some(crossed) if set != edges => &crossed[set],
                _ => &column.codes[set],
            });
            a.iter().zip(b).map(|(&a, &b)| key(a, b))
        })
    };
    let (all, noise) = (rows[0] + rows[1], 1.0 / rows[0] + 1.0 / rows[1]);
    let of = |(_, [a, b]): (u64, [f64; 2])| {
        if a == b {
            return apart_if_equal(a, rows);
        }
        let (share, apart) = (0.5 * (a + b) / all, (a - b).abs() / all);
        // Of few rows less than of normal noise: no more than both shares.
        mean_size(apart, (share * (1.0 - share) * noise).max(0.0).sqrt()).min(2.0 * share)
    };
    0.5 * cells(keys(0), keys(1)).into_iter().map(of).sum::<f64>()
}

/// E |x| of a normal variable.
fn mean_size(mean: f64, deviation: f64) -> f64 {
    if deviation == 0.0 {
        return mean.abs();
    }
    let units = mean / deviation;
    deviation * MEAN_SIZE * (-0.5 * units * units).exp() + mean * erf(units * std::f64::consts::FRAC_1_SQRT_2)
}

impl Pair {
    fn of(columns: [&Prepared; 2]) -> Option<Self> {
        match columns.iter().all(|column| column.is_number()) {
            true => Self::of_numbers(columns),
            false => Some(Self::of_categories(columns)),
        }
    }

    fn of_numbers(columns: [&Prepared; 2]) -> Option<Self> {
        if columns.iter().any(|column| column.is_constant) {
            return None;
        }
        let of = |set: usize| moments([&columns[0].column.cells[set], &columns[1].column.cells[set]]);
        let (mut real, mut new) = (of(0)?, of(1)?);
        let correlations = [real.0[4], new.0[4]];
        let apart = correlations[0] - correlations[1];
        // The influence of a row on half of a correlation.
        (real.0[5], new.0[5]) = (real.0[5] * 0.5, new.0[5] * 0.5);
        let noise = 0.5 * (real.1 + new.1).sqrt();
        let if_equal = MEAN_SIZE * noise;
        let standard_error = if apart == 0.0 { 0.0 } else { noise };
        (real.0[5], new.0[5]) = (real.0[5] * sign(apart), -new.0[5] * sign(apart));
        Some(Self {
            columns: [0; 2],
            score: scored(1.0 - apart.abs() / 2.0, standard_error, if_equal),
            if_equal: 1.0 - if_equal,
            correlations: Some(correlations),
            related: correlations[0].abs() > CORRELATED,
            effect: Effect::Correlation([real.0, new.0]),
        })
    }

    fn of_categories(columns: [&Prepared; 2]) -> Self {
        let keys = |set: usize| columns[0].codes[set].iter().zip(&columns[1].codes[set]).map(|(&a, &b)| key(a, b));
        let rows = [0, 1].map(|set| columns[0].codes[set].len() as f64);
        let cells = cells(keys(0), keys(1));
        let shares = |counts: &[f64; 2]| [counts[0] / rows[0], counts[1] / rows[1]];
        let apart = |counts: &[f64; 2]| shares(counts)[0] - shares(counts)[1];
        let value = 0.5 * cells.iter().map(|(_, counts)| apart(counts).abs()).sum::<f64>();
        let signs: Vec<(u64, f64)> = cells.iter().map(|(key, counts)| (*key, 0.5 * sign(apart(counts)))).collect();
        let moments = [0, 1].map(|set| {
            let mean = |power: i32| {
                cells.iter().zip(&signs).map(|((_, counts), (_, sign))| shares(counts)[set] * sign.powi(power)).sum::<f64>()
            };
            (mean(1), (mean(2) - mean(1).powi(2)).max(0.0) / rows[set])
        });
        let if_equal = variation_of_equal(columns, rows);
        Self {
            columns: [0; 2],
            score: scored(1.0 - value, (moments[0].1 + moments[1].1).sqrt(), if_equal),
            if_equal: 1.0 - if_equal,
            correlations: None,
            related: cramer(&cells).is_some_and(|v| v > ASSOCIATED),
            effect: Effect::Cells(signs, [[moments[0].0, 1.0], [moments[1].0, -1.0]]),
        }
    }

    fn influence(&self, columns: &[Prepared], set: usize, row: usize) -> f64 {
        let [a, b] = self.columns.map(|j| &columns[j]);
        match &self.effect {
            Effect::Correlation(moments) => {
                let [mean_a, scale_a, mean_b, scale_b, r, weight] = moments[set];
                let (a, b) = ((a.column.cells[set][row] - mean_a) * scale_a, (b.column.cells[set][row] - mean_b) * scale_b);
                if a.is_nan() || b.is_nan() { 0.0 } else { weight * (a * b - 0.5 * r * (a * a + b * b)) }
            }
            Effect::Cells(signs, moments) => {
                let key = key(a.codes[set][row], b.codes[set][row]);
                let sign = signs.binary_search_by_key(&key, |(key, _)| *key).map_or(0.0, |at| signs[at].1);
                moments[set][1] * (sign - moments[set][0])
            }
        }
    }
}

fn key(a: u32, b: u32) -> u64 {
    u64::from(a) << 32 | u64::from(b)
}

/// Means and inverse standard deviations of both columns, their correlation, and the weight of a row that has both; with the variance of the correlation.
fn moments([a, b]: [&[f64]; 2]) -> Option<([f64; 6], f64)> {
    let both = || a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan()).map(|(&a, &b)| (a, b));
    let n = both().count() as f64;
    let mean = both().fold([0.0; 2], |[x, y], (a, b)| [x + a / n, y + b / n]);
    let spread = both().fold([0.0; 3], |[aa, bb, ab], (a, b)| {
        let (a, b) = (a - mean[0], b - mean[1]);
        [aa + a * a, bb + b * b, ab + a * b]
    });
    let r = (spread[2] / (spread[0].sqrt() * spread[1].sqrt())).clamp(-1.0, 1.0);
    // Fewer than two rows, or one value.
    if !r.is_finite() {
        return None;
    }
    let [scale_a, scale_b] = [spread[0], spread[1]].map(|sum| (n / sum).sqrt());
    let influence = both().map(|(a, b)| {
        let (a, b) = ((a - mean[0]) * scale_a, (b - mean[1]) * scale_b);
        a * b - 0.5 * r * (a * a + b * b)
    });
    let variance = influence.map(|a| a * a).sum::<f64>() / (n * n);
    Some(([mean[0], scale_a, mean[1], scale_b, r, a.len() as f64 / n], variance))
}

/// Cramér's V of the reference's counts (Cramér 1946); none where a column has one value.
fn cramer(cells: &[(u64, [f64; 2])]) -> Option<f64> {
    let mut sums = [std::collections::BTreeMap::<u64, f64>::new(), std::collections::BTreeMap::new()];
    let counted =
        || cells.iter().filter(|(_, counts)| counts[0] > 0.0).map(|(key, counts)| ([key >> 32, key & 0xffff_ffff], counts[0]));
    for (keys, count) in counted() {
        (0..2).for_each(|side| *sums[side].entry(keys[side]).or_default() += count);
    }
    let (n, least) = (sums[0].values().sum::<f64>(), sums[0].len().min(sums[1].len()));
    // χ²/n = Σ o²/(row · column) − 1.
    let squares: f64 = counted().map(|(keys, count)| count * count / (sums[0][&keys[0]] * sums[1][&keys[1]])).sum();
    (least > 1 && n > 0.0).then(|| ((squares - 1.0).max(0.0) / (least - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_fall_as_numpy_has_them() {
        // numpy.digitize([0, 1, 9.99, 10, nan], numpy.histogram_bin_edges([0, 1, 9.99, 10])).
        let binned = |values: &[f64]| binned(values, &edges(values));
        assert_eq!(binned(&[0.0, 1.0, 9.99, 10.0, f64::NAN]), [1, 2, 10, 11, 11]);
        assert_eq!(binned(&[3.0, 3.0]), [6, 6]);
        assert_eq!(binned(&[f64::NAN]), [11]);
    }

    #[test]
    fn association_of_a_table_by_hand() {
        let cells =
            |counts: [f64; 4]| [0u64, 1, 2, 3].map(|at| (((at / 2) << 32) | (at % 2), [counts[at as usize], 0.0])).to_vec();
        assert_eq!(cramer(&cells([5.0, 0.0, 0.0, 5.0])), Some(1.0));
        assert!(cramer(&cells([4.0, 6.0, 2.0, 3.0])).unwrap() < 1e-7);
        assert_eq!(cramer(&cells([4.0, 6.0, 0.0, 0.0])), None);
        // φ = (10·40 − 20·30)/√(30·70·40·60).
        let v = cramer(&cells([10.0, 20.0, 30.0, 40.0])).unwrap();
        assert!((v - 200.0 / (30.0f64 * 70.0 * 40.0 * 60.0).sqrt()).abs() < 1e-12);
    }
}
