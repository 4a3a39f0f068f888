//! Units in which columns are compared: one outlier must not press all other rows together.

use super::{Points, interval};
use crate::data::{Standardization, Table};

/// Where the outliers of a column begin: the share of its rows on either side.
const TAIL: f64 = 0.01;
/// A standard deviation this much above that of the rows without tails is the tails'.
const TAIL_HEAVY: f64 = 1.5;
/// Units beyond which distances are logarithmic.
const FAR: f64 = 10.0;

/// Mean and standard deviation of a column; where a few rows in its tails make most of the standard deviation, those of its values with the tails cut at the
/// quantiles .01 and .99. The standard deviation is 1 where the column is constant. The third says whether tails were cut.
pub fn of_column(mut values: Vec<f64>) -> (f64, f64, bool) {
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| values.get((share * (values.len().max(1) - 1) as f64).round() as usize).copied().unwrap_or_default();
    let (low, high) = (at(TAIL), at(1.0 - TAIL));
    // About the median, and in units of the range: squares of very large or small numbers would overflow or vanish.
    let (middle, range) = (at(0.5), (at(1.0) - at(0.0)).max(f64::MIN_POSITIVE));
    let moments = |low: f64, high: f64| {
        let units = || values.iter().map(|v| (v.clamp(low, high) - middle) / range);
        (middle + range * units().sum::<f64>() / values.len() as f64, range * interval::variance(units()).sqrt())
    };
    chosen(moments(f64::NEG_INFINITY, f64::INFINITY), moments(low, high))
}

/// The same of values with weights, as many equal ones as they weigh; those without weight are left out.
fn of_weighted(mut values: Vec<(f64, f64)>) -> (f64, f64, bool) {
    values.retain(|(_, weight)| *weight > 0.0);
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = values.iter().map(|(_, weight)| weight).sum();
    let mut sum = 0.0;
    let sums: Vec<f64> = values.iter().map(|(_, weight)| (sum += weight, sum).1).collect();
    let at = |share: f64| {
        let place = sums.partition_point(|&below| below < share * total).min(values.len().max(1) - 1);
        values.get(place).map_or(0.0, |(value, _)| *value)
    };
    let (middle, range) = (at(0.5), (at(1.0) - at(0.0)).max(f64::MIN_POSITIVE));
    let moments = |low: f64, high: f64| {
        let units = || values.iter().map(|(v, weight)| ((v.clamp(low, high) - middle) / range, weight / total));
        let mean: f64 = units().map(|(v, share)| share * v).sum();
        let spread: f64 = units().map(|(v, share)| share * (v - mean).powi(2)).sum();
        let left = 1.0 - units().map(|(_, share)| share * share).sum::<f64>();
        (middle + range * mean, range * if left > 0.0 { (spread / left).sqrt() } else { 0.0 })
    };
    chosen(moments(f64::NEG_INFINITY, f64::INFINITY), moments(at(TAIL), at(1.0 - TAIL)))
}

/// Of mean and standard deviation with tails, and without.
fn chosen((mean, deviation): (f64, f64), (cut_mean, cut_deviation): (f64, f64)) -> (f64, f64, bool) {
    if cut_deviation > 0.0 && deviation > TAIL_HEAVY * cut_deviation {
        return (cut_mean, cut_deviation, true);
    }
    if deviation > 0.0 { (mean, deviation, false) } else { (mean, 1.0, false) }
}

/// The scale of every column of a table as its rows weigh, and the names of those whose tails were cut.
pub fn of_table(table: &Table) -> (Standardization, Vec<String>) {
    let cols = table.cols();
    let (mut scale, mut cut) = (Standardization::identity(cols), Vec::new());
    for (j, name) in table.columns().iter().enumerate() {
        let (mean, deviation, tails) = match table.weights() {
            None => of_column(table.column(j).collect()),
            Some(weights) => of_weighted(table.column(j).zip(weights.iter().map(|&w| f64::from(w))).collect()),
        };
        (scale.mean[j], scale.scale[j]) = (mean, deviation);
        if tails {
            cut.push(name.clone());
        }
    }
    (scale, cut)
}

/// z up to ten units; beyond, 10·(1 + ln(|z|/10)) with the sign of z.
pub fn squashed(z: f64) -> f64 {
    if z.abs() <= FAR { z } else { z.signum() * FAR * (1.0 + (z.abs() / FAR).ln()) }
}

/// Rows in units of their own columns, squashed.
pub(super) fn in_own_units(points: Points) -> Vec<f32> {
    let scales: Vec<(f64, f64, bool)> =
        (0..points.columns()).map(|j| of_column(points.column(j).iter().map(|&v| f64::from(v)).collect())).collect();
    let row = |i| points.row(i).iter().zip(&scales).map(|(&v, (mean, scale, _))| squashed((f64::from(v) - mean) / scale) as f32);
    (0..points.rows()).flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_its_deviation_and_one_outlier_does_not_change_it() {
        let plain: Vec<f64> = (0..1000).map(|i| f64::from(i) / 1000.0).collect();
        let (mean, scale, cut) = of_column(plain.clone());
        // Of 1,000 evenly spaced numbers: √((n² − 1)/12)/n, times √(n/(n − 1)).
        assert!((mean - 0.4995).abs() < 1e-12 && (scale - 0.288_819).abs() < 1e-6 && !cut, "{mean} {scale}");
        let mut outlying = plain;
        outlying[0] = 1e12;
        let (mean, scale, cut) = of_column(outlying);
        assert!((mean - 0.5).abs() < 0.01 && (scale - 0.2888).abs() < 0.01 && cut, "{mean} {scale}");
    }

    #[test]
    fn a_column_of_rows_with_weights_has_the_deviation_of_as_many_equal_rows() {
        // 0, 0, 0, 4 by weights ¾ and ¼: mean 1 and variance 3, times 1/(1 − ¹⁰⁄₁₆). What has no weight lies anywhere.
        let (mean, scale, cut) = of_weighted(vec![(4.0, 1.0), (0.0, 3.0), (1e30, 0.0)]);
        assert!((mean - 1.0).abs() < 1e-12 && (scale - 8f64.sqrt()).abs() < 1e-12 && !cut, "{mean} {scale}");
        let plain: Vec<f64> = (0..1000).map(|i| f64::from(i * i % 997)).collect();
        let weighted = of_weighted(plain.iter().map(|&v| (v, 0.25)).collect());
        let (mean, scale, _) = of_column(plain);
        assert!((weighted.0 / mean - 1.0).abs() < 1e-12 && (weighted.1 / scale - 1.0).abs() < 1e-12, "{weighted:?}");
    }

    #[test]
    fn units_of_any_order_and_columns_of_few_values() {
        for unit in [1e-300, 1e-25, 1e25, 1e300] {
            let (_, scale, _) = of_column(vec![unit, -unit]);
            assert!((scale / unit - 2f64.sqrt()).abs() < 1e-12, "{unit} {scale}");
        }
        // 5 of 1,000 are ones: a level, no tail.
        let rare: Vec<f64> = (0..1000).map(|i| if i < 5 { 1.0 } else { 0.0 }).collect();
        assert!(!of_column(rare).2);
        assert_eq!(of_column(vec![7.0; 3]).1, 1.0);
        assert_eq!((squashed(-9.0), squashed(-10.0)), (-9.0, -10.0));
        assert!((squashed(10.0 * std::f64::consts::E) - 20.0).abs() < 1e-12);
    }
}
