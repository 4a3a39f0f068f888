//! Scaling columns to mean zero and deviation one, and rounding samples back to what the columns held.

use serde::{Deserialize, Serialize};

use super::Table;
use crate::{Error, Result};

/// The affine map z = (x − mean) / scale, column by column.
///
/// Networks and bandwidths see z; samples are mapped back by [`undo`](Self::undo). Kept in f64 and applied in f64, so that undoing
/// what was applied gives back every value to within half a unit in the last place of z, times the scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardisation {
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// What each column is divided by: its standard deviation, or 1 where the column is constant.
    pub scale: Vec<f64>,
}

impl Standardisation {
    /// Means and standard deviations of the table's columns, weighted by its rows' weights where it has them:
    /// mean = Σ wᵢxᵢ / Σ wᵢ, scale² = Σ wᵢ(xᵢ − mean)² / Σ wᵢ (divided by n without weights, as by scikit-learn's `StandardScaler`).
    ///
    /// A column of one value, or whose deviation is lost in its mean's last digit, keeps the scale 1.
    pub fn fit(table: &Table) -> Self {
        let cols = table.cols();
        let weight = |row: usize| table.weights().map_or(1.0, |weights| f64::from(weights[row]));
        let total = (0..table.rows()).map(weight).sum::<f64>().max(f64::MIN_POSITIVE);
        let mut mean = vec![0.0; cols];
        for row in 0..table.rows() {
            for (sum, &x) in mean.iter_mut().zip(table.row(row)) {
                *sum += weight(row) * f64::from(x);
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= total);
        // Around the mean in a second pass: squares minus the squared mean would cancel.
        let mut scale = vec![0.0; cols];
        for row in 0..table.rows() {
            for ((sum, &x), mean) in scale.iter_mut().zip(table.row(row)).zip(&mean) {
                *sum += weight(row) * (f64::from(x) - mean).powi(2);
            }
        }
        for (scale, mean) in scale.iter_mut().zip(&mean) {
            let deviation = (*scale / total).sqrt();
            *scale = if deviation > 1e-12 * mean.abs() { deviation } else { 1.0 };
        }
        Self { mean, scale }
    }

    /// The map that changes nothing, for `--set standardise=false`.
    pub fn identity(cols: usize) -> Self {
        Self { mean: vec![0.0; cols], scale: vec![1.0; cols] }
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.mean.len()
    }

    /// z = (x − mean) / scale in place; `values` are rows × columns, row-major. An error if they do not fill whole rows.
    pub fn apply(&self, values: &mut [f32]) -> Result<()> {
        self.each(values, |x, mean, scale| (x - mean) / scale)
    }

    /// x = mean + scale · z in place; `values` are rows × columns, row-major. An error if they do not fill whole rows.
    pub fn undo(&self, values: &mut [f32]) -> Result<()> {
        self.each(values, |z, mean, scale| mean + scale * z)
    }

    /// Whether both standardise alike: means within a thousandth of a deviation, deviations within a thousandth of themselves.
    pub fn is_near(&self, other: &Self) -> bool {
        let pairs = self.mean.iter().zip(&self.scale).zip(other.mean.iter().zip(&other.scale));
        self.cols() == other.cols()
            && pairs.into_iter().all(|((m, s), (n, t))| (m - n).abs() <= 1e-3 * s && (s - t).abs() <= 1e-3 * s)
    }

    /// log|det ∂z/∂x| = −Σ ln scale. A density p(z) of standardised rows is p(z)·exp of this at x.
    pub fn log_det(&self) -> f64 {
        self.log_det_of(self.cols())
    }

    /// The same of the first `columns` alone, for the density of these given the others.
    pub fn log_det_of(&self, columns: usize) -> f64 {
        -self.scale[..columns].iter().map(|scale| scale.ln()).sum::<f64>()
    }

    fn each(&self, values: &mut [f32], map: impl Fn(f64, f64, f64) -> f64) -> Result<()> {
        check_width("standardise", values, self.cols())?;
        for row in values.chunks_exact_mut(self.cols().max(1)) {
            for ((value, &mean), &scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *value = map(f64::from(*value), mean, scale) as f32;
            }
        }
        Ok(())
    }
}

/// What is done to one column of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnRounding {
    /// To the nearest whole number, halves away from zero.
    pub to_integer: bool,
    /// To the nearest end of this interval, where outside of it.
    pub to_bounds: Option<(f32, f32)>,
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
    pub fn apply(&self, values: &mut [f32]) -> Result<()> {
        check_width("round", values, self.columns.len())?;
        for row in values.chunks_exact_mut(self.columns.len().max(1)) {
            for (value, rule) in row.iter_mut().zip(&self.columns) {
                if rule.to_integer {
                    *value = value.round();
                }
                if let Some((low, high)) = rule.to_bounds {
                    // Not f32::clamp, which panics where a hand-edited model has low above high.
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

fn check_width(op: &'static str, values: &[f32], cols: usize) -> Result<()> {
    match values.len().checked_rem(cols) {
        Some(0) => Ok(()),
        None if values.is_empty() => Ok(()),
        _ => Err(Error::shape(op, format!("{} values do not fill whole rows of {cols} columns", values.len()))),
    }
}
