//! What a table has to be to have a density, said by column and with a remedy; and noise for whole numbers.

use rand::{SeedableRng, rngs::ChaCha8Rng};
use std::collections::HashSet;

use super::Table;
use super::noise::Noise;
use super::table::listed;
use crate::words::{count, grouped};

/// Rows that are looked at for copies and values at most.
const ROWS: usize = 100_000;
/// Share of copies from which on a warning names them.
const COPIES: f64 = 0.05;

/// What stands against a density of this table's columns but the last `given`: sentences, each with a remedy.
pub fn density_warnings(table: &Table, given: usize, dequantized: bool, noised: bool) -> Vec<String> {
    let columns = table.cols() - given;
    let rows = table.rows().min(ROWS);
    let mut said = Vec::new();
    let whole: Vec<String> =
        (0..columns).filter(|&j| table.kinds()[j].integer && !dequantized).map(|j| table.columns()[j].clone()).collect();
    if !whole.is_empty() {
        let (hold, them) = if whole.len() == 1 { ("holds", "it") } else { ("hold", "them") };
        said.push(format!(
            "{} {hold} integers only: a density diverges at {them}; set `dequantize` = true, which adds uniform noise in training and rounds samples",
            listed(&whole)
        ));
    }
    let mut seen = HashSet::new();
    let copies =
        (0..rows).filter(|&i| !seen.insert(table.row(i)[..columns].iter().map(|v| v.to_bits()).collect::<Vec<_>>())).count();
    if copies as f64 > COPIES * rows as f64 && !noised && (whole.is_empty() || !dequantized) {
        said.push(format!(
            "{} of {} rows are duplicates: a density diverges there; remove them, or set `noise` = 0.05",
            grouped(copies),
            grouped(rows)
        ));
    }
    if let Some(column) = dependent_on_conditions(table, given).filter(|_| !noised) {
        said.push(format!(
            "`{column}` is a linear function of the conditions and the columns before it: it has no conditional density; leave it out, or set `noise` = 0.05"
        ));
    }
    if table.rows() <= columns && !noised {
        said.push(format!(
            "{} of {} lie on a manifold of lower dimension: leave columns out, or set `noise` = 0.1",
            count(table.rows(), "row"),
            count(columns, "column")
        ));
    }
    said
}

/// The first of the columns but the last `given` that is a linear function of those before it, to single precision.
pub fn dependent_column(table: &Table, given: usize) -> Option<&str> {
    let columns: Vec<usize> = (0..table.cols() - given).collect();
    dependent(table, table.rows(), &columns, 0)
}

/// The first of the columns but the last `given` that is a linear function of these conditions and of the columns before it, to single precision; none without
/// conditions.
fn dependent_on_conditions(table: &Table, given: usize) -> Option<&str> {
    let generated = table.cols() - given;
    let columns: Vec<usize> = (generated..table.cols()).chain(0..generated).collect();
    if given == 0 { None } else { dependent(table, table.rows().min(ROWS), &columns, given) }
}

/// The first of these columns, but the first `free` of them, that is a linear function of those before it.
fn dependent<'a>(table: &'a Table, n: usize, order: &[usize], free: usize) -> Option<&'a str> {
    let mut columns: Vec<Vec<f64>> = order
        .iter()
        .map(|&j| {
            // In its own unit, so that no square overflows or underflows.
            let unit = table.kinds()[j].max.max(-table.kinds()[j].min).max(f64::MIN_POSITIVE);
            let values: Vec<f64> = table.column(j).take(n).map(|v| v / unit).collect();
            let mean = values.iter().sum::<f64>() / n as f64;
            values.into_iter().map(|v| v - mean).collect()
        })
        .collect();
    let norm = |column: &[f64]| column.iter().map(|v| v * v).sum::<f64>().sqrt();
    let before: Vec<f64> = columns.iter().map(|column| norm(column)).collect();
    for (j, before) in before.into_iter().enumerate() {
        let (done, rest) = columns.split_at_mut(j);
        let column = &mut rest[0];
        for basis in done.iter() {
            let along: f64 = basis.iter().zip(column.iter()).map(|(a, b)| a * b).sum();
            column.iter_mut().zip(basis).for_each(|(v, b)| *v -= along * b);
        }
        let left = norm(column);
        if left <= 1e-4 * before {
            if j >= free {
                return Some(&table.columns()[order[j]]);
            }
            // A condition that follows from others, as the last of some indicators does, says nothing more.
            column.fill(0.0);
        } else {
            column.iter_mut().for_each(|v| *v /= left);
        }
    }
    None
}

/// Rows with noise in the cells of each column's spacing (0: none): their distribution has a density.
pub(crate) fn dequantized(table: &Table, spacings: &[f64], noise: Noise, seed: u64) -> Table {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let values = table.values().chunks_exact(table.cols()).flat_map(|row| {
        let mut added = |spacing: f64| if spacing > 0.0 { spacing * noise.draw(&mut random) } else { 0.0 };
        row.iter().zip(spacings).map(|(v, &spacing)| v + added(spacing)).collect::<Vec<f64>>()
    });
    let noised = Table::new(table.columns().iter().cloned(), values.collect()).expect("as many values as before");
    let noised = match table.weights() {
        Some(weights) => noised.with_weights(weights.to_vec()).expect("as many weights as before"),
        None => noised,
    };
    noised.from_origin(table.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_against_a_density_is_named() {
        let values = (0..40).flat_map(|i| [f64::from(i), f64::from(i % 3) * 0.5, 2.0 * f64::from(i) + 0.25 * f64::from(i % 3)]);
        let table = Table::new(["count", "half", "sum"], values.collect()).unwrap();
        let said = density_warnings(&table, 0, false, false);
        assert!(said.len() == 1 && said[0].starts_with("`count` holds integers"), "{said:?}");
        assert!(density_warnings(&table, 0, true, false).is_empty());
        assert_eq!(dependent_column(&table, 0), Some("sum"));
        assert_eq!(dependent_column(&table, 1), None);
        for unit in [1e200, 1e-200] {
            let values = table.values().iter().map(|v| v * unit).collect::<Vec<f64>>();
            let table = Table::new(table.columns().iter().cloned(), values).unwrap();
            assert_eq!((dependent_column(&table, 0), dependent_column(&table, 1)), (Some("sum"), None));
        }
        // A condition of the same numbers, and indicators that add up to one, of which the second says which half a column has.
        let rows = (0..40).flat_map(|i| {
            let (x, side) = (f64::from(i * 7 % 40) / 7.0, f64::from(i % 2));
            [0.1 + f64::from(i * i % 31) / 9.0, 2.0 * x - 1.0 + side, x, side, 1.0 - side]
        });
        let table = Table::new(["free", "bound", "c", "s=1", "s=0"], rows.collect()).unwrap();
        let said = density_warnings(&table, 3, false, false);
        assert!(said.len() == 1 && said[0].starts_with("`bound` is a linear function of the conditions"), "{said:?}");
        assert!(density_warnings(&table, 3, false, true).is_empty());
        let copies = Table::new(["a", "b"], [0.5, 0.25].repeat(20)).unwrap();
        assert!(density_warnings(&copies, 0, false, false)[0].starts_with("19 of 20 rows are duplicates"));
        assert!(density_warnings(&copies, 0, false, true).is_empty());
        let few = Table::new(["a", "b", "c"], vec![0.5, 0.1, 0.2, 0.7, 0.3, 0.9]).unwrap();
        assert!(density_warnings(&few, 0, false, false)[0].contains("lower dimension"));
    }

    #[test]
    fn noise_on_whole_numbers_is_rounded_away() {
        let table = Table::new(["a", "b"], vec![1.0, 0.25, -3.0, 0.5]).unwrap();
        let noised = dequantized(&table, &[1.0, 0.0], Noise::Uniform, 7);
        for (noised, plain) in noised.values().chunks(2).zip(table.values().chunks(2)) {
            assert!(noised[0] != plain[0] && noised[0].round() == plain[0] && noised[1] == plain[1]);
        }
    }
}
