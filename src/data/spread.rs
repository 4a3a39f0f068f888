//! Columns whose spread training cannot work with, said by column and cell and with a remedy.

use super::Table;
use crate::words::grouped;
use crate::{Error, Result};

/// Rows from which on a far cell can be distinguished from the others.
const ROWS: usize = 20;
/// The share of a column's cells, at least one, that may be the ruin of it.
const FEW: f64 = 1e-3;
/// What is left of a column's standard deviation without those cells, at which the others are too close together to be learned.
const RUINED: f64 = 0.05;
/// Standard deviations of the others from which on a cell counts as far.
const FAR: f64 = 10.0;

/// The columns of which a few cells lie so far from all others that standardizing makes one number of these: sentences, each with the
/// farthest cell and a remedy. Rows without weight do not count.
pub fn outlier_warnings(table: &Table) -> Vec<String> {
    (0..table.cols()).filter_map(|j| outliers(table, j)).collect()
}

fn outliers(table: &Table, j: usize) -> Option<String> {
    let counts = |row: &usize| table.weights().is_none_or(|weights| weights[*row] > 0.0);
    let mut order: Vec<usize> = (0..table.rows()).filter(counts).collect();
    if order.len() < ROWS {
        return None;
    }
    let value = |row: usize| table.row(row)[j];
    order.sort_unstable_by(|&a, &b| value(a).total_cmp(&value(b)));
    let median = value(order[order.len() / 2]);
    // Half the distances, which do not overflow.
    let away = |row: usize| (value(row) / 2.0 - median / 2.0).abs();
    order.sort_by(|&a, &b| away(b).total_cmp(&away(a)));
    let few = ((FEW * order.len() as f64) as usize).max(1);
    // Half the standard deviation of rows of which the first is the farthest.
    let deviation = |rows: &[usize]| {
        let unit = away(rows[0]);
        let scaled = |&row: &usize| if unit > 0.0 { (value(row) / 2.0 - median / 2.0) / unit } else { 0.0 };
        let mean = rows.iter().map(scaled).sum::<f64>() / rows.len() as f64;
        unit * (rows.iter().map(|row| (scaled(row) - mean).powi(2)).sum::<f64>() / rows.len() as f64).sqrt()
    };
    let (all, others) = (deviation(&order), deviation(&order[few..]));
    if !(others > 0.0 && others < RUINED * all) {
        return None;
    }
    let far = order[..few].iter().filter(|&&row| away(row) > FAR * others).count();
    let (row, cells) = (order[0], order.len() - far);
    let (lie, them) = if far == 1 { ("lies", "it") } else { ("lie", "them") };
    let which = match far {
        1 => format!("{} in row {}", whole(value(row)), grouped(table.row_number(row))),
        _ => format!("{} cells, the farthest {} in row {},", grouped(far), whole(value(row)), grouped(table.row_number(row))),
    };
    Some(format!(
        "column `{}` of {}: {which} {lie} so far from the other {} that the column's standard deviation is {} with {them} and {} without: in standardized units the others are nearly one number; correct the cell, remove the row, or leave the column out",
        table.columns()[j],
        table.origin(),
        grouped(cells),
        short(2.0 * all),
        short(2.0 * deviation(&order[far..])),
    ))
}

/// A number with all its digits, and with three of them.
fn whole(value: f64) -> String {
    if (1e-5..1e7).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}

fn short(value: f64) -> String {
    if (1e-3..1e5).contains(&value) { format!("{value:.3}") } else { format!("{value:.2e}") }
}

/// Steps of single precision that a standard deviation needs to have.
const STEPS: f64 = 64.0;
/// Orders of values whose squares, and their sums, single precision holds.
const ORDERS: std::ops::Range<f64> = 1e-15..1e15;

impl Table {
    /// Refuses a column that single precision holds too little of as it stands, neither centered nor scaled.
    ///
    /// # Errors
    /// A column so far from zero that its values fall together; one whose values, or their squares, overflow or underflow.
    pub fn check_unscaled(&self) -> Result<()> {
        let fit = super::Standardization::fit(self);
        for (j, kind) in self.kinds().iter().enumerate() {
            let (most, scale) = (kind.max.max(-kind.min), fit.scale[j]);
            let why = match () {
                _ if !ORDERS.contains(&scale) || most > ORDERS.end => "its values or their squares overflow the range",
                _ if scale < STEPS * most * f64::from(f32::EPSILON) => "its values differ in digits beyond the 7",
                () => continue,
            };
            return Err(Error::data(format!(
                "column `{}` of {} has values of up to {} and a standard deviation of {}: {why} of single precision; standardize it \
                 (leave out standardize = false)",
                self.columns()[j],
                self.origin(),
                whole(most),
                short(scale)
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(n: usize, x: impl Fn(usize) -> f64) -> Table {
        Table::new(["x"], (0..n).map(x).collect::<Vec<f64>>()).unwrap()
    }

    #[test]
    fn cells_that_ruin_their_column_are_named() {
        let grid = |i: usize| (i as f64 * 0.618_034).fract();
        // Of 800: a standard deviation of 1e12/√800 for one of 1/√12.
        for (far, text) in [(1e12, "1e12"), (-1e12, "-1e12"), (1e3, "1000"), (1e300, "1e300")] {
            let said = outlier_warnings(&column(800, |i| if i == 6 { far } else { grid(i) }));
            assert!(
                said.len() == 1 && said[0].starts_with(&format!("column `x` of the table: {text} in row 7 lies so far")),
                "{said:?}"
            );
            assert!(said[0].contains(" with it and 0.289 without"), "{said:?}");
        }
        let said = outlier_warnings(&column(3000, |i| if i % 1000 == 1 { 1e9 + i as f64 } else { 5e3 + grid(i) }));
        assert!(
            said[0].contains("3 cells, the farthest 1.000002001e9 in row 2,002, lie so far from the other 2,997"),
            "{said:?}"
        );
        // A heavy tail (Cauchy's, by its quantiles), a rare indicator, a column of zeros but for one, and few rows are no slips.
        assert!(outlier_warnings(&column(2000, |i| (std::f64::consts::PI * ((i as f64 + 0.5) / 2000.0 - 0.5)).tan())).is_empty());
        assert!(outlier_warnings(&column(2000, |i| f64::from(u8::from(i == 5)))).is_empty());
        assert!(outlier_warnings(&column(10, |i| if i == 5 { 1e9 } else { grid(i) })).is_empty());
        let weights = (0..800).map(|i| if i == 6 { 0.0 } else { 1.0 }).collect();
        assert!(
            outlier_warnings(&column(800, |i| if i == 6 { 1e12 } else { grid(i) }).with_weights(weights).unwrap()).is_empty()
        );
    }

    #[test]
    fn what_single_precision_does_not_hold_unscaled_is_refused() {
        let of = |offset: f64, range: f64| column(100, |i| offset + range * (i as f64 / 100.0)).check_unscaled();
        for (offset, range) in [(0.0, 1.0), (1e3, 1.0), (-1e9, 1e9), (0.0, 1e-10), (0.0, 1e10)] {
            of(offset, range).unwrap();
        }
        for (offset, range) in [(1.7e9, 20.0), (-1e6, 1.0)] {
            assert!(of(offset, range).unwrap_err().to_string().contains("differ in digits beyond"), "{offset}, {range}");
        }
        for (offset, range) in [(0.0, 1e25), (0.0, 1e-25), (0.0, 1e200)] {
            assert!(of(offset, range).unwrap_err().to_string().contains("overflow the range"), "{offset}, {range}");
        }
    }
}
