//! Columns moved near zero and to a common order for a picture, whose axes have few digits and whose points single precision.

use crate::Result;
use crate::data::Table;
use crate::words::{number, with_commas};

/// How far from zero a column may lie, in ranges of itself, for four digits to tell its values apart.
const FAR: f64 = 1e3;
/// Orders of a range that single precision holds with room for squares and sums.
const ORDERS: std::ops::Range<f64> = 1e-15..1e15;

/// Both tables with the columns that lie far from zero, or whose range is of an extreme order, moved and scaled by round numbers, which
/// their names then say: `time − 1,700,000,000`. The range is that of the first.
///
/// # Errors
/// Tables of different columns.
pub fn moved([data, samples]: [&Table; 2]) -> Result<[Table; 2]> {
    let places: Vec<Place> = (0..data.cols()).map(|j| Place::of(data.kinds()[j].min, data.kinds()[j].max)).collect();
    let samples = samples.align(data.columns())?;
    let names: Vec<String> = data.columns().iter().zip(&places).map(|(name, place)| place.name(name)).collect();
    let each = |table: &Table| {
        let values = table.values().iter().zip(places.iter().cycle()).map(|(&value, place)| place.moved(value)).collect();
        Ok(Table::new(names.iter().cloned(), values)?.from_origin(table.origin()))
    };
    Ok([each(data)?, each(&samples)?])
}

/// Where a column is drawn: at (x − offset) / 10^order.
struct Place {
    offset: f64,
    order: i32,
}

impl Place {
    fn of(low: f64, high: f64) -> Self {
        let range = high - low;
        if !(range.is_finite() && range > 0.0) {
            return Self { offset: 0.0, order: 0 };
        }
        let middle = low + range / 2.0;
        let round = 10f64.powf(range.log10().ceil());
        let offset = if middle.abs() > FAR * range { (middle / round).round() * round } else { 0.0 };
        let order = if ORDERS.contains(&range) { 0 } else { range.log10().floor() as i32 };
        Self { offset, order }
    }

    fn moved(&self, value: f64) -> f64 {
        let most = f64::from(f32::MAX);
        ((value - self.offset) / 10f64.powi(self.order)).clamp(-most, most)
    }

    fn name(&self, name: &str) -> String {
        let sign = if self.offset < 0.0 { '+' } else { '−' };
        let size = self.offset.abs();
        let shown = if (1.0..1e16).contains(&size) { with_commas(&size.to_string()) } else { number(size, 17) };
        let moved = if size > 0.0 { format!("{name} {sign} {shown}") } else { name.to_string() };
        match self.order {
            0 => moved,
            order if size > 0.0 => format!("({moved}) / {}", number(10f64.powi(order), 1)),
            order => format!("{moved} / {}", number(10f64.powi(order), 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_far_from_zero_are_moved_by_round_numbers() {
        let seconds = |at: f64| Table::new(["time", "y"], vec![1.7e9 + at, 1.0, 1.7e9 + at + 8.0, 2.0]).unwrap();
        let [data, samples] = moved([&seconds(0.0), &seconds(0.5)]).unwrap();
        assert_eq!(data.columns(), ["time − 1,700,000,000", "y"]);
        assert_eq!((data.values(), samples.values()), (&[0.0, 1.0, 8.0, 2.0][..], &[0.5, 1.0, 8.5, 2.0][..]));
        let small = Table::new(["a", "b"], vec![1e-200, -3e30, 4e-200, 5e30]).unwrap();
        let [data, _] = moved([&small, &small]).unwrap();
        assert_eq!(data.columns(), ["a / 10⁻²⁰⁰", "b / 10³⁰"]);
        assert!(data.values().iter().zip([1.0, -3.0, 4.0, 5.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{:?}", data.values());
    }
}
