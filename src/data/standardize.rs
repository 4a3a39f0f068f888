//! Scaling columns to mean zero and standard deviation one, and rounding samples back to what the columns held.

use serde::{Deserialize, Serialize};

use super::Table;
use crate::{Error, Result};

/// The affine map z = (x − mean) / scale, column by column.
///
/// Networks and bandwidths see z, in single precision; samples are mapped back by [`undo`](Self::undo). Kept and applied in f64, so that
/// undoing what was applied gives back every value to within half a unit in the last place of z, times the scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardization {
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// What each column is divided by: its standard deviation, or 1 where the column is constant.
    pub scale: Vec<f64>,
}

impl Standardization {
    /// Means and standard deviations of the table's columns, weighted by its rows' weights where it has them:
    /// mean = Σ wᵢxᵢ / Σ wᵢ, scale² = Σ wᵢ(xᵢ − mean)² / Σ wᵢ (divided by n without weights, as by scikit-learn's `StandardScaler`).
    ///
    /// A column of one value (in the rows that have a weight) keeps the scale 1.
    pub fn fit(table: &Table) -> Self {
        let weight = |row: usize| table.weights().map_or(1.0, |weights| f64::from(weights[row]));
        let total = (0..table.rows()).map(weight).sum::<f64>().max(f64::MIN_POSITIVE);
        let (mean, scale) = (0..table.cols()).map(|j| moments(table, j, weight, total)).unzip();
        Self { mean, scale }
    }

    /// The same with scales as if uniform noise of so much width were added to each column.
    pub fn with_noise(mut self, widths: &[f64]) -> Self {
        // The variance of the uniform distribution of width w is w²/12.
        self.scale
            .iter_mut()
            .zip(widths)
            .filter(|(_, width)| **width > 0.0)
            .for_each(|(scale, width)| *scale = scale.hypot(width / 12f64.sqrt()));
        self
    }

    /// The map that changes nothing, for `--set standardize=false`.
    pub fn identity(cols: usize) -> Self {
        Self { mean: vec![0.0; cols], scale: vec![1.0; cols] }
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.mean.len()
    }

    /// z = (x − mean) / scale; `values` are rows × columns, row-major. An error if they do not fill whole rows.
    pub fn apply(&self, values: &[f64]) -> Result<Vec<f32>> {
        self.each(values, |x, mean, scale| ((x - mean) / scale) as f32)
    }

    /// x = mean + scale · z; `values` are rows × columns, row-major. Of the numbers that become the same z again it is one with few
    /// digits, so that files are no longer than what they tell. An error if they do not fill whole rows.
    pub fn undo(&self, values: &[f32]) -> Result<Vec<f64>> {
        self.each(values, |z: f32, mean, scale| {
            let x = mean + scale * f64::from(z);
            let unit = z.abs() - z.abs().next_down();
            shortened(x, scale * f64::from(unit) / 2.0)
        })
    }

    /// The rows of a table in these units, with their weights and origin. An error if the table has another number of columns.
    pub fn table(&self, table: &Table) -> Result<Table> {
        let scaled = Table::new(table.columns().iter().cloned(), self.apply(table.values())?)?.from_origin(table.origin());
        match table.weights() {
            Some(weights) => scaled.with_weights(weights.to_vec()),
            None => Ok(scaled),
        }
    }

    /// Whether both standardize alike: means within a thousandth of a standard deviation, standard deviations within a thousandth of themselves.
    pub fn is_near(&self, other: &Self) -> bool {
        let pairs = self.mean.iter().zip(&self.scale).zip(other.mean.iter().zip(&other.scale));
        self.cols() == other.cols()
            && pairs.into_iter().all(|((m, s), (n, t))| (m - n).abs() <= 1e-3 * s && (s - t).abs() <= 1e-3 * s)
    }

    /// log|det ∂z/∂x| = −Σ ln scale. A density p(z) of standardized rows is p(z)·exp of this at x.
    pub fn log_det(&self) -> f64 {
        self.log_det_of(self.cols())
    }

    /// The same of the first `columns` alone, for the density of these given the others.
    pub fn log_det_of(&self, columns: usize) -> f64 {
        -self.scale[..columns].iter().map(|scale| scale.ln()).sum::<f64>()
    }

    fn each<T: Copy, U>(&self, values: &[T], map: impl Fn(T, f64, f64) -> U) -> Result<Vec<U>> {
        check_width("standardize", values.len(), self.cols())?;
        let units = self.mean.iter().zip(&self.scale).cycle();
        Ok(values.iter().zip(units).map(|(&value, (&mean, &scale))| map(value, mean, scale)).collect())
    }
}

/// Mean and scale of column `j`.
fn moments(table: &Table, j: usize, weight: impl Fn(usize) -> f64, total: f64) -> (f64, f64) {
    let values = || table.column(j).enumerate().map(|(row, x)| (weight(row), x)).filter(|(weight, _)| *weight > 0.0);
    let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, x)| (low.min(x), high.max(x)));
    if low >= high {
        return (if low.is_finite() { low } else { 0.0 }, 1.0);
    }
    // Powers of two change no digit, and keep the sum, and the squares below, from overflow and underflow.
    let unit = power_of_two(low.abs().max(high.abs()));
    let mut mean = values().map(|(weight, x)| weight * (x / unit)).sum::<f64>() / total * unit;
    // Around the mean in a second pass: squares minus the squared mean would cancel.
    let spread = power_of_two((high - mean).max(mean - low));
    let about = |mean: f64| values().map(|(weight, x)| weight * ((x - mean) / spread).powi(2)).sum::<f64>() / total;
    let mut deviation = about(mean).sqrt();
    // What rounding took from a long sum of large numbers shows in the mean of the differences.
    let off = values().map(|(weight, x)| weight * ((x - mean) / spread)).sum::<f64>() / total;
    if off.abs() > 1e-9 * deviation {
        mean += off * spread;
        deviation = about(mean).sqrt();
    }
    (mean, deviation * spread)
}

/// The power of two at or below a positive number, as far as there is one whose reciprocal is finite.
fn power_of_two(value: f64) -> f64 {
    value.log2().floor().clamp(-1000.0, 1000.0).exp2()
}

/// `x` to the last decimal place that is not above `unit`, where f64 has such a place.
fn shortened(x: f64, unit: f64) -> f64 {
    let place = unit.log10().floor();
    // Powers of ten are exact as far as 10²², and products of whole numbers below 2⁵³.
    if !(-22.0..=22.0).contains(&place) {
        return x;
    }
    let power = 10f64.powi(place.abs() as i32);
    let count = if place < 0.0 { x * power } else { x / power };
    match count.abs() < 9e15 {
        true if place < 0.0 => count.round() / power,
        true => count.round() * power,
        false => x,
    }
}

/// What is done to one column of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnRounding {
    /// To the nearest whole number, halves away from zero.
    pub to_integer: bool,
    /// To the nearest end of this interval, where outside of it.
    pub to_bounds: Option<(f64, f64)>,
}

/// Rounds samples to whole numbers in columns that held only whole numbers, and clamps them to the bounds observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rounding {
    /// One rule a column.
    pub columns: Vec<ColumnRounding>,
}

impl Rounding {
    /// The rules that a table's columns suggest: `integers` rounds columns of whole numbers, `bounds` clamps every column.
    pub fn of(table: &Table, integers: bool, bounds: bool) -> Self {
        let rule = |kind: &super::ColumnKind| ColumnRounding {
            to_integer: integers && kind.integer,
            to_bounds: (bounds && kind.min <= kind.max).then_some((kind.min, kind.max)),
        };
        Self { columns: table.kinds().iter().map(rule).collect() }
    }

    /// Whether any column is changed at all.
    pub fn is_none(&self) -> bool {
        self.columns.iter().all(|rule| !rule.to_integer && rule.to_bounds.is_none())
    }

    /// Rounds in place; `values` are rows × columns, row-major. NaN stays NaN. An error if they do not fill whole rows.
    pub fn apply(&self, values: &mut [f64]) -> Result<()> {
        check_width("round", values.len(), self.columns.len())?;
        for row in values.chunks_exact_mut(self.columns.len().max(1)) {
            for (value, rule) in row.iter_mut().zip(&self.columns) {
                if rule.to_integer {
                    *value = value.round();
                }
                if let Some((low, high)) = rule.to_bounds {
                    // Not f64::clamp, which panics where a hand-edited model has low above high.
                    if *value < low {
                        *value = low;
                    } else if *value > high {
                        *value = high;
                    }
                }
            }
        }
        Ok(())
    }
}

fn check_width(op: &'static str, values: usize, cols: usize) -> Result<()> {
    match values.checked_rem(cols) {
        Some(0) => Ok(()),
        None if values == 0 => Ok(()),
        _ => Err(Error::shape(op, format!("{values} values do not fill whole rows of {cols} columns"))),
    }
}
