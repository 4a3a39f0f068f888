//! Typed tables side by side: columns found by their names, levels by their words, rows in an order that says nothing of the files' own.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::data::{ColumnType, Table};
use crate::{Error, Result};

/// Columns that several tables share: the reference's, without identifiers.
#[derive(Clone, Debug)]
pub struct Mixed {
    pub columns: Vec<MixedColumn>,
    /// The rows of each table.
    pub rows: Vec<usize>,
}

/// One column of every table.
#[derive(Clone, Debug)]
pub struct MixedColumn {
    pub name: String,
    /// Its type in the reference.
    pub ty: ColumnType,
    /// Where it is one of categories, the levels of all tables in order.
    pub levels: Option<Vec<String>>,
    /// Of each table the cells: numbers, microseconds of dates, places of levels; NaN where they are missing.
    pub cells: Vec<Vec<f64>>,
}

impl MixedColumn {
    /// The places of the levels that the cells of a table have; none of missing cells.
    pub fn codes(&self, table: usize) -> impl Iterator<Item = Option<usize>> + '_ {
        self.cells[table].iter().map(|code| (!code.is_nan()).then_some(*code as usize))
    }

    /// The cells of a table that are there.
    pub fn present(&self, table: usize) -> Vec<f64> {
        self.cells[table].iter().copied().filter(|value| !value.is_nan()).collect()
    }
}

impl Mixed {
    /// The columns of the first table in all of them. Rows with weights are kept with a chance in proportion to these.
    ///
    /// # Errors
    /// A column that a table does not have, or has with another type; no column to compare.
    pub fn of(tables: &[&Table], seed: u64) -> Result<Self> {
        let reference = tables[0];
        let mut columns = Vec::new();
        for (j, name) in reference.columns().iter().enumerate() {
            let ty = reference.column_type(j);
            if ty == ColumnType::Identifier {
                continue;
            }
            let places = tables.iter().map(|table| table.index_of(name)).collect::<Result<Vec<_>>>()?;
            let kind = |table: &Table, j: usize| (table.levels(j).is_some(), table.date_form(j).is_some());
            let others = || tables.iter().zip(&places);
            if let Some((other, _)) = others().find(|(table, at)| kind(table, **at) != kind(reference, j)) {
                if ty == ColumnType::Constant {
                    continue;
                }
                return Err(Error::data(format!(
                    "column `{name}` of {} is of another type than in the reference",
                    other.origin()
                )));
            }
            let levels = reference.levels(j).map(|_| {
                let mut all: Vec<String> =
                    others().flat_map(|(table, at)| table.levels(*at).unwrap_or_default()).cloned().collect();
                all.sort_unstable();
                all.dedup();
                all
            });
            let cells = others().map(|(table, at)| cells(table, *at, levels.as_deref())).collect();
            columns.push(MixedColumn { name: name.clone(), ty, levels, cells });
        }
        if columns.is_empty() {
            return Err(Error::data(format!("{} has no column to compare: each identifies rows", reference.origin())));
        }
        let mut found = Self { columns, rows: tables.iter().map(|table| table.rows()).collect() };
        for (at, table) in tables.iter().enumerate() {
            found.put_in_order(at, table.weights(), seed.wrapping_add(at as u64));
        }
        Ok(found)
    }

    /// Sorts the rows of a table by their values, and thins them by their weights.
    fn put_in_order(&mut self, table: usize, weights: Option<&[f32]>, seed: u64) {
        let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let mut order: Vec<usize> = (0..self.rows[table]).collect();
        order.sort_by(|&a, &b| {
            let by_column = |column: &MixedColumn| column.cells[table][a].total_cmp(&column.cells[table][b]);
            let apart = self.columns.iter().map(by_column).find(|order| order.is_ne());
            apart.unwrap_or_else(|| weight(a).total_cmp(&weight(b)))
        });
        if let Some(weights) = weights {
            let most = weights.iter().copied().fold(0.0, f32::max);
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
            order.retain(|&row| random.random::<f32>() * most < weights[row]);
        }
        self.select(table, &order);
    }

    /// Keeps these rows of a table.
    pub fn select(&mut self, table: usize, rows: &[usize]) {
        for column in &mut self.columns {
            column.cells[table] = rows.iter().map(|&row| column.cells[table][row]).collect();
        }
        self.rows[table] = rows.len();
    }

    /// Keeps at most so many rows of each table, drawn at random; says whether some were left out.
    pub fn limit(&mut self, most: usize, seed: u64) -> bool {
        let large: Vec<usize> = (0..self.rows.len()).filter(|&table| self.rows[table] > most).collect();
        for &table in &large {
            let mut order: Vec<usize> = (0..self.rows[table]).collect();
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(table as u64));
            let (kept, _) = order.partial_shuffle(&mut random, most);
            kept.sort_unstable();
            let kept = kept.to_vec();
            self.select(table, &kept);
        }
        !large.is_empty()
    }

    /// Whether a column has another type than number.
    pub fn has_types(&self) -> bool {
        self.columns.iter().any(|column| {
            !matches!(column.ty, ColumnType::Number | ColumnType::Integer) || column.cells[0].iter().any(|value| value.is_nan())
        })
    }
}

fn cells(table: &Table, j: usize, levels: Option<&[String]>) -> Vec<f64> {
    match (levels, table.levels(j)) {
        (Some(all), Some(own)) => {
            let place: Vec<f64> =
                own.iter().map(|level| all.binary_search(level).map_or(f64::NAN, |place| place as f64)).collect();
            table.column(j).map(|code| if code.is_nan() { code } else { place[code as usize] }).collect()
        }
        // Whole microseconds below 2⁵³, so that bins fall as they do elsewhere.
        _ if table.date_form(j).is_some() => table.column(j).map(|seconds| (seconds * 1e6).round()).collect(),
        // Zeros of both signs are one value.
        _ => table.column(j).map(|value| value + 0.0).collect(),
    }
}
