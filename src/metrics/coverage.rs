//! Missing cells and values that are there at all, of one column, as SDMetrics 0.32 has them.
//!
//! - `MissingValueSimilarity`: 1 − |p − q| of the shares of missing cells.
//! - `CategoryCoverage`: the share of the reference's levels that samples have; missing is no level.
//! - `RangeCoverage`: 1 − (what the samples' range lacks below + above), in ranges of the reference, at least 0; more range than the reference's counts for nothing.
//!
//! The interval of a coverage is that of the bootstrap over samples, without drawing it: of m rows, a level that c have is left out with the chance (1 − c/m)^m, and the least value is drawn beyond the k-th with
//! the chance e^{−k}, so that both ends lie within the fourth value from outside 95 times of 100. It says how much rests on single rows.

use super::agreement::{Difference, MEAN_SIZE};
use super::mixed::MixedColumn;
use super::shapes::sign;
use super::{Score, interval};

/// The value from outside that the end of a redrawn sample lies beyond 97.5 times of 100: e^{−k} = .025.
const OUTERMOST: usize = 4;

/// How far apart the shares of missing cells are.
pub fn missing(column: &MixedColumn) -> (Difference, [f64; 2]) {
    let is_missing = [0, 1].map(|set| column.cells[set].iter().map(|value| f64::from(u8::from(value.is_nan()))));
    let rows = [0, 1].map(|set| column.cells[set].len() as f64);
    let shares = [0, 1].map(|set| is_missing[set].clone().sum::<f64>() / rows[set]);
    let direction = sign(shares[0] - shares[1]);
    let [real, new] = is_missing;
    let influence =
        [real.map(|is| direction * (is - shares[0])).collect(), new.map(|is| -direction * (is - shares[1])).collect()];
    let pooled = (shares[0] * rows[0] + shares[1] * rows[1]) / (rows[0] + rows[1]);
    let noise = (pooled * (1.0 - pooled) * (1.0 / rows[0] + 1.0 / rows[1])).sqrt();
    (Difference { value: (shares[0] - shares[1]).abs(), influence, if_equal: MEAN_SIZE * noise }, shares)
}

/// The share of the reference's levels that samples have, and the others; none where the reference has none.
pub fn of_categories(column: &MixedColumn) -> Option<(Score, Vec<usize>)> {
    let levels = column.levels.as_ref()?.len();
    let counts = [0, 1].map(|set| {
        let mut counts = vec![0usize; levels];
        column.codes(set).flatten().for_each(|code| counts[code] += 1);
        counts
    });
    let real: Vec<usize> = (0..levels).filter(|&level| counts[0][level] > 0).collect();
    let lacking: Vec<usize> = real.iter().copied().filter(|&level| counts[1][level] == 0).collect();
    let (total, rows) = (real.len() as f64, column.cells[1].len() as f64);
    let kept = real.iter().map(|&level| 1.0 - (1.0 - counts[1][level] as f64 / rows).powf(rows));
    let spread = kept.clone().map(|chance| chance * (1.0 - chance)).sum::<f64>().sqrt() / total;
    let value = (real.len() - lacking.len()) as f64 / total;
    // A redrawn sample has no level that this one lacks.
    let least = (kept.sum::<f64>() / total - interval::Z * spread).max(0.0);
    let score = Score { value, interval: Some([least.min(value), value]), ..Score::default() };
    (!real.is_empty()).then_some((score, lacking))
}

/// The share of the reference's range that samples cover; none where that is one value, or a set has none.
pub fn of_range(column: &MixedColumn) -> Option<Score> {
    if column.levels.is_some() {
        return None;
    }
    let [real, new] = [0, 1].map(|set| {
        let mut values = column.present(set);
        values.sort_unstable_by(f64::total_cmp);
        values
    });
    let (low, high) = (*real.first()?, *real.last()?);
    if low == high || new.is_empty() {
        return None;
    }
    let covered = |from_outside: usize| {
        let at = (from_outside - 1).min((new.len() - 1) / 2);
        let below = ((new[at] - low) / (high - low)).max(0.0);
        let above = ((high - new[new.len() - 1 - at]) / (high - low)).max(0.0);
        (1.0 - (below + above)).max(0.0)
    };
    Some(Score { value: covered(1), interval: Some([covered(OUTERMOST), covered(1)]), ..Score::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ColumnType;
    use crate::metrics::agreement::standard_error;

    fn column(levels: Option<&[&str]>, cells: [Vec<f64>; 2]) -> MixedColumn {
        let levels = levels.map(|levels| levels.iter().map(|level| level.to_string()).collect());
        MixedColumn { name: "c".into(), ty: ColumnType::Number, levels, cells: cells.to_vec() }
    }

    #[test]
    fn what_samples_lack_by_hand() {
        let nan = f64::NAN;
        let of = column(None, [vec![0.0, 10.0, nan, nan], vec![2.0, 4.0, 12.0, 5.0, nan]]);
        let (found, shares) = missing(&of);
        assert_eq!((shares, found.value), ([0.5, 0.2], 0.3));
        assert!((standard_error(&found.influence) - (0.25f64 / 4.0 + 0.16 / 5.0).sqrt()).abs() < 1e-15);
        assert_eq!(of_range(&of).map(|score| score.value), Some(0.8));
        assert!(of_range(&column(None, [vec![1.0, 1.0], vec![1.0]])).is_none());
        let of = column(Some(&["a", "b", "c", "d"]), [vec![0.0, 1.0, 2.0, nan], vec![0.0, 0.0, 3.0, 2.0]]);
        let (score, lacking) = of_categories(&of).unwrap();
        assert_eq!((score.value, lacking), (2.0 / 3.0, vec![1]));
    }
}
