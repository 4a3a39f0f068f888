//! Baselines of tables of any column types: what a skeptic would try first. They learn which cells go together, never what is between two values: each
//! cell of a sample is a cell of some training row in the same column, missing ones too.
//!
//! - **independent columns**: each cell from a random row; what depends on what is lost.
//! - **Gaussian copula** (`copula`): columns depend on each other as those of a normal distribution do.
//! - **autoregressive trees** (`autoregressive`): each column is drawn from the rows that are alike in the columns before it.

mod autoregressive;
mod copula;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::Result;
use crate::data::{Table, subset};

pub(crate) const INDEPENDENT: &str = "independent columns";
pub(crate) const COPULA: &str = "Gaussian copula";
pub(crate) const TREES: &str = "autoregressive trees";
/// All of them, the simplest first.
pub(crate) const OF_CELLS: [&str; 3] = [INDEPENDENT, COPULA, TREES];

/// Rows that are fitted at most, a random subset.
const ROWS: usize = 50_000;

/// A fitted baseline.
pub(crate) struct Cells {
    table: Table,
    model: Model,
}

enum Model {
    Independent,
    Copula(copula::Copula),
    Trees(autoregressive::Trees),
}

impl Cells {
    /// Fits a baseline by its name to the rows of a table without weights.
    pub fn fit(name: &str, table: &Table, seed: u64) -> Self {
        let table = subset(table, ROWS, seed);
        let model = match name {
            COPULA => Model::Copula(copula::Copula::fit(&table, seed)),
            TREES => Model::Trees(autoregressive::Trees::fit(&table)),
            _ => Model::Independent,
        };
        Self { table, model }
    }

    /// Draws rows; the same seed gives the same.
    ///
    /// # Errors
    /// None for a table that was made as others are.
    pub fn sample(&self, rows: usize, seed: u64) -> Result<Table> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (of, cols) = (self.table.rows(), self.table.cols());
        let places: Vec<Vec<usize>> = match &self.model {
            Model::Independent => (0..cols).map(|_| (0..rows).map(|_| random.random_range(0..of)).collect()).collect(),
            Model::Copula(copula) => copula.sample(rows, &mut random),
            Model::Trees(trees) => trees.sample(rows, &mut random),
        };
        self.table.gathered(&places)
    }

    /// Numbers that it keeps of how columns depend on each other.
    pub fn parameters(&self) -> usize {
        match &self.model {
            Model::Independent => 0,
            Model::Copula(copula) => copula.parameters(),
            Model::Trees(trees) => trees.parameters(),
        }
    }
}

/// What a cell is, for order: missing cells first, then by value; `NaN` is missing, too.
fn key(table: &Table, row: usize, column: usize) -> Option<f64> {
    let value = table.row(row)[column];
    let missing = table.missing(column).map_or(value.is_nan(), |missing| missing[row]);
    (!missing).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;

    const N: usize = 4000;

    /// Two categories, of which the third column is the exclusive or; a number correlated with another by 0.8; a category that is missing where the number
    /// is large.
    fn table() -> Table {
        let noise = crate::data::toy::Toy::Gaussian.sample(N, 3);
        let bit = |i: usize, k: usize| ((i >> k) & 1) as u32;
        let x = |i: usize| noise.row(i)[0];
        let y = |i: usize| 0.8 * x(i) + 0.6 * noise.row(i)[1];
        let words = |of: &dyn Fn(usize) -> u32| (0..N).map(of).collect::<Vec<u32>>();
        Table::from_columns([
            Column::categories("a", words(&|i| bit(i, 0)), ["no", "yes"]).unwrap(),
            Column::categories("b", words(&|i| bit(i, 1)), ["no", "yes"]).unwrap(),
            Column::categories("either", words(&|i| bit(i, 0) ^ bit(i, 1)), ["no", "yes"]).unwrap(),
            Column::numbers("x", (0..N).map(x).collect()),
            Column::numbers("y", (0..N).map(y).collect()),
            Column::categories("c", words(&|i| u32::from(x(i) > 0.0)), ["low", "high"])
                .unwrap()
                .with_missing((0..N).map(|i| x(i) > 1.0).collect())
                .unwrap(),
        ])
        .unwrap()
    }

    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let (m, n) = (mean(a), mean(b));
        let moment = |v: &[f64], m: f64, w: &[f64], n: f64| v.iter().zip(w).map(|(v, w)| (v - m) * (w - n)).sum::<f64>();
        moment(a, m, b, n) / (moment(a, m, a, m) * moment(b, n, b, n)).sqrt()
    }

    fn column(table: &Table, j: usize) -> Vec<f64> {
        table.column(j).collect()
    }

    /// The share of samples whose `either` is the exclusive or of the two before.
    fn exclusive(table: &Table) -> f64 {
        let hits = (0..table.rows()).filter(|&i| (table.row(i)[0] != table.row(i)[1]) == (table.row(i)[2] == 1.0));
        hits.count() as f64 / table.rows() as f64
    }

    #[test]
    fn every_baseline_has_the_columns_by_themselves_and_its_own_dependence() {
        let table = table();
        for name in OF_CELLS {
            let fitted = Cells::fit(name, &table, 0);
            let drawn = fitted.sample(N, 7).unwrap();
            assert_eq!(drawn.columns(), table.columns());
            assert_eq!(fitted.sample(50, 1).unwrap(), fitted.sample(50, 1).unwrap());
            // Four and a half standard errors of the difference of two shares or means of 4,000 rows.
            let error = 4.5 * (2.0 / N as f64).sqrt();
            for j in [0, 1, 2, 3, 4] {
                let mean = |table: &Table| column(table, j).iter().sum::<f64>() / N as f64;
                assert!((mean(&drawn) - mean(&table)).abs() < error, "{name}: column {j}");
            }
            let missing = |table: &Table| table.missing(5).unwrap().iter().filter(|m| **m).count() as f64 / N as f64;
            assert!((missing(&drawn) - missing(&table)).abs() < error, "{name}");
            let found = correlation(&column(&drawn, 3), &column(&drawn, 4));
            let (wanted, tolerance) = if name == INDEPENDENT { (0.0, 0.07) } else { (0.8, 0.05) };
            assert!((found - wanted).abs() < tolerance, "{name}: {found}");
            // No pair of the three depends on each other, so that a copula cannot know it.
            let (low, high) = if name == TREES { (0.99, 1.0) } else { (0.45, 0.55) };
            assert!((low..=high).contains(&exclusive(&drawn)), "{name}: {}", exclusive(&drawn));
            // Where the category is missing, the number is large.
            let large = (0..N).filter(|&i| drawn.missing(5).unwrap()[i]).map(|i| drawn.row(i)[3]).collect::<Vec<f64>>();
            let above = large.iter().filter(|x| **x > 1.0).count() as f64 / large.len() as f64;
            match name {
                INDEPENDENT => assert!(above < 0.3, "{above}"),
                TREES => assert!(above > 0.95, "{above}"),
                // Missing, low and high are no order of the number: a copula cannot know it.
                _ => {}
            }
        }
    }

    #[test]
    fn few_rows_and_columns_that_do_not_vary_are_no_obstacle() {
        let table = Table::from_columns([
            Column::numbers("x", vec![1.0, f64::NAN, 3.0]).with_missing(vec![false, true, false]).unwrap(),
            Column::integers("same", vec![4, 4, 4]),
            Column::categories("gone", vec![0, 0, 0], ["a"]).unwrap().with_missing(vec![true; 3]).unwrap(),
        ])
        .unwrap();
        for name in OF_CELLS {
            let drawn = Cells::fit(name, &table, 0).sample(20, 1).unwrap();
            assert!(drawn.missing(2).unwrap().iter().all(|missing| *missing), "{name}");
            assert!((0..20).all(|i| drawn.row(i)[1] == 4.0), "{name}");
        }
    }
}
