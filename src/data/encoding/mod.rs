//! [`Encoding`]: typed columns as columns of numbers that any method can learn, and samples back as typed columns.
//!
//! | a column | becomes |
//! |---|---|
//! | of numbers | one column of mean 0 and standard deviation 1, or, where it is skewed or has heavy tails, one that is normal by ranks (`quantile`) |
//! | of whole numbers, dates | the same; samples are rounded to the column's unit, and a method that learns a density learns it with normal noise in a cell of that unit |
//! | in which values come again and again (zeros, caps) | besides, bits that say which of these values a row has, or that it has another |
//! | of at most 32 numbers, with gaps as wide between them | bits that say which |
//! | with missing cells | besides, bits that say so: missing is one more of these values |
//! | of categories, of words for true and false | bits: ⌈log₂ K⌉ columns for K levels (`code`); levels that few rows have are one of these K, and samples there get one of them as often as they come |
//! | with one value, of identifiers | nothing: samples get the value, or fresh identifiers |
//!
//! Where each row has exactly one 1 in some neighboring columns of zeros and ones (indicators of a category), so have samples (`one_hot`).
//!
//! In a row whose bits say that there is no number, its column holds a standard normal one that means nothing. Samples stay within the bounds that
//! the data have, and have no more decimals than they.
//!
//! ```
//! use pushforward::data::{Column, Encoding, Table};
//! let table = Table::from_columns([
//!     Column::integers("age", vec![31, 45, 22, 60, 0]).with_missing(vec![false, false, false, false, true])?,
//!     Column::categories("sex", vec![0, 1, 1, 0, 1], ["f", "m"])?,
//! ])?;
//! let encoding = Encoding::fit(&table)?;
//! let numbers = encoding.encode(&table, 0)?; // what a method learns from
//! assert_eq!(numbers.columns(), ["age", "age (bit 1)", "sex (bit 1)"]);
//! let back = encoding.decode(&numbers, 0)?;
//! assert_eq!((back.integers(0), back.missing(0), back.levels(1)), (table.integers(0), table.missing(0), table.levels(1)));
//! # Ok::<(), pushforward::Error>(())
//! ```

mod check;
mod code;
mod column;
mod density;
mod one_hot;
mod quantile;
mod unseen;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::choice::distinct;
use super::file_form::FileForm;
use super::number_form::NumberForm;
use super::{ColumnType, Table, TypeOptions, nearest};
use crate::{Error, Result};
use code::Code;
use column::{EncodedColumn, Writer};
pub(crate) use unseen::Unseen;

/// Levels of a column that are shown as one each.
const MOST_INDICATORS: usize = 64;

/// How the columns of a table are numbers, fitted to its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoding {
    columns: Vec<EncodedColumn>,
    /// How the file of the table is read and written.
    #[serde(flatten)]
    form: FileForm,
    /// Columns of which each row has exactly one 1, by their places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    one_hot: Vec<Vec<usize>>,
}

impl Encoding {
    /// Fits the encoding to a table.
    ///
    /// # Errors
    /// A table in which nothing is left to learn; more than 2²⁰ levels in a column.
    pub fn fit(table: &Table) -> Result<Self> {
        Self::fit_rows(table, &(0..table.rows()).collect::<Vec<_>>())
    }

    /// Fits the encoding to some rows of a table, those that are trained on. All of the table's rows can be encoded by it.
    ///
    /// # Errors
    /// As [`Encoding::fit`].
    pub fn fit_rows(table: &Table, rows: &[usize]) -> Result<Self> {
        Self::fit_given(table, 0, rows)
    }

    /// The same of a table whose last columns are conditions. Their rare levels stay apart: samples are asked for by them.
    ///
    /// # Errors
    /// As [`Encoding::fit`].
    pub(crate) fn fit_given(table: &Table, conditions: usize, rows: &[usize]) -> Result<Self> {
        let min_count = |j: usize| if j < table.cols() - conditions { table.form.min_count.max(1) } else { 0 };
        let fit = |j: usize| EncodedColumn::fit(table, j, rows, min_count(j));
        let columns = (0..table.cols()).map(fit).collect::<Result<Vec<_>>>()?;
        if columns.iter().all(|column| column.width() == 0) {
            return Err(Error::data(format!(
                "{} has no column to learn: each has one value, or identifies rows",
                table.origin()
            )));
        }
        let one_hot = one_hot::groups(table, &columns[..table.cols() - conditions]);
        Ok(Self { columns, form: table.form.clone(), one_hot })
    }

    /// How many columns are learned.
    pub fn learned(&self) -> usize {
        self.columns.iter().filter(|column| column.width() > 0).count()
    }

    /// How other rows are read: with the types of the columns that are learned.
    pub(crate) fn reading(&self) -> TypeOptions {
        let types = self.columns.iter().filter(|column| column.width() > 0).map(|column| (column.name.clone(), column.ty));
        TypeOptions { types: types.collect(), missing: self.form.missing_words.clone(), min_count: 0 }
    }

    /// The words that are read as missing cells beside empty ones, where they are not the usual ones.
    pub fn missing_words(&self) -> Option<&[String]> {
        self.form.missing_words.as_deref()
    }

    /// The columns in which rare levels are pooled: of each its name, and how many they are.
    pub fn pooled(&self) -> Vec<(&str, usize)> {
        let pooled = self.columns.iter().map(|column| (column.name.as_str(), column.pooled()));
        pooled.filter(|(_, levels)| *levels > 0).collect()
    }

    /// The columns' names and types, in order.
    pub fn types(&self) -> Vec<(&str, ColumnType)> {
        self.columns.iter().map(|column| (column.name.as_str(), column.ty)).collect()
    }

    /// One row of its columns from texts, each a column's name and its cell as a file would have it; empty cells are missing.
    ///
    /// # Errors
    /// A column that is not there, is named twice or not at all; a cell that is not of the column's type, or a level that it does not have.
    pub fn row(&self, cells: &[(&str, &str)]) -> Result<Table> {
        let known = || self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>();
        if let Some((unknown, _)) = cells.iter().find(|(name, _)| !known().contains(name)) {
            let hint = nearest(unknown, known()).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            return Err(Error::usage(format!("there is no column `{unknown}`{hint}; the columns are {}", known().join(", "))));
        }
        let missing = TypeOptions { missing: self.form.missing_words.clone(), ..TypeOptions::default() };
        let cell = |column: &EncodedColumn| {
            let mut own = cells.iter().filter(|(name, _)| *name == column.name);
            match (own.next(), own.next()) {
                (Some((_, cell)), None) => column.cell(cell, missing.is_missing(cell)),
                (None, _) => Err(Error::usage(format!("`{}` is missing; the columns are {}", column.name, known().join(", ")))),
                (Some(_), Some(_)) => Err(Error::usage(format!("`{}` is named twice: give one value per column", column.name))),
            }
        };
        Table::from_columns(self.columns.iter().map(cell).collect::<Result<Vec<_>>>()?)
    }

    /// The encoding of these columns alone, of those that it has.
    pub fn select(&self, names: &[String]) -> Self {
        let chosen: Vec<usize> = (0..self.columns.len()).filter(|&j| names.contains(&self.columns[j].name)).collect();
        // A group of which some are left out is none.
        let places = |group: &Vec<usize>| group.iter().map(|j| chosen.binary_search(j).ok()).collect::<Option<Vec<usize>>>();
        Self {
            columns: chosen.iter().map(|&j| self.columns[j].clone()).collect(),
            form: self.form.clone(),
            one_hot: self.one_hot.iter().filter_map(places).collect(),
        }
    }

    /// Whether a table needs no encoding: its columns are numbers without missing cells, and those of a file are such that may lie anywhere: not whole numbers, nor
    /// values that come often, nor heavy tails.
    pub fn is_needless(table: &Table) -> bool {
        let rows: Vec<usize> = (0..table.rows()).collect();
        let is_plain = |j: usize| EncodedColumn::fit(table, j, &rows, 0).is_ok_and(|column| column.is_plain());
        Self::is_of_numbers(table) && (!table.by_type || (0..table.cols()).all(is_plain))
    }

    /// Whether a table's columns are numbers without missing cells, written with neither signs nor decimal commas.
    pub fn is_of_numbers(table: &Table) -> bool {
        let plain = |j| table.number_form(j).is_none_or(NumberForm::is_plain);
        let numbers = |j| matches!(table.column_type(j), ColumnType::Number | ColumnType::Integer) && plain(j);
        (0..table.cols()).all(|j| numbers(j) && table.missing(j).is_none())
    }

    /// Names of the columns of numbers: that of the column for its number, and with `(bit 1)`, `(bit 2)`, … for its bits.
    pub fn names(&self) -> Vec<String> {
        distinct(self.columns.iter().flat_map(EncodedColumn::names).collect())
    }

    /// Of each column of numbers the spacing of its values, with which noise gives them a density: 1 of bits, 0 of numbers that may lie
    /// anywhere.
    pub fn spacings(&self) -> Vec<f64> {
        self.columns.iter().flat_map(EncodedColumn::spacings).collect()
    }

    /// The columns that are learned: of each its name, and how many columns of numbers it takes.
    pub fn widths(&self) -> Vec<(&str, usize)> {
        self.columns.iter().map(|column| (column.name.as_str(), column.width())).collect()
    }

    /// How many columns of numbers the last columns take.
    pub(crate) fn width_of_last(&self, columns: usize) -> usize {
        self.columns.iter().rev().take(columns).map(EncodedColumn::width).sum()
    }

    /// The rows of a table as numbers; what is drawn at random (numbers that mean nothing, one of two words) by the seed. Weights stay.
    ///
    /// # Errors
    /// A column that the table does not have, or has with another type; a level that the fitted table did not have.
    pub fn encode(&self, table: &Table, seed: u64) -> Result<Table> {
        let learned: Vec<&EncodedColumn> = self.columns.iter().filter(|column| column.width() > 0).collect();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut writers = Vec::with_capacity(learned.len());
        for column in learned {
            writers.push(column.writer(table, table.index_of(&column.name)?)?);
        }
        let width: usize = self.columns.iter().map(EncodedColumn::width).sum();
        let mut values = Vec::with_capacity(table.rows() * width);
        let mut pooled = Vec::new();
        for row in 0..table.rows() {
            for writer in &writers {
                writer.write(row, &mut random, &mut values)?;
            }
            if writers.iter().any(Writer::is_pooled) {
                pooled.push(writers.iter().map(|writer| writer.log_share(row)).sum());
            }
        }
        let mut encoded = Table::new(self.names(), values)?.from_origin(table.origin());
        encoded.pooled = (!pooled.is_empty()).then_some(pooled);
        match table.weights() {
            Some(weights) => encoded.with_weights(weights.to_vec()),
            None => Ok(encoded),
        }
    }

    /// Of each learned column whether its cells can be missing.
    pub(crate) fn can_be_missing(&self) -> Vec<bool> {
        self.columns.iter().filter(|column| column.width() > 0).map(EncodedColumn::has_missing).collect()
    }

    /// Which cells of rows of numbers are missing, a mark for each learned column of each row.
    ///
    /// # Errors
    /// As [`Encoding::decode`].
    pub(crate) fn missing_cells(&self, numbers: &Table) -> Result<Vec<bool>> {
        let table = self.decode(numbers, 0)?;
        let learned: Vec<usize> = (0..self.columns.len()).filter(|&j| self.columns[j].width() > 0).collect();
        Ok((0..table.rows()).flat_map(|row| learned.iter().map(|&j| table.is_missing(row, j)).collect::<Vec<_>>()).collect())
    }

    /// The numbers of rows of which only some cells are looked at, row-major: `shown` says which, a mark for each learned column of each row. The others are 0, and a
    /// column of which no cell is looked at need not be there.
    ///
    /// # Errors
    /// As [`Encoding::encode`].
    pub(crate) fn encode_shown(&self, table: &Table, shown: &[bool], seed: u64) -> Result<Vec<f64>> {
        let learned: Vec<&EncodedColumn> = self.columns.iter().filter(|column| column.width() > 0).collect();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut writers = Vec::with_capacity(learned.len());
        for (k, column) in learned.iter().enumerate() {
            let looked_at = shown.iter().skip(k).step_by(learned.len()).any(|shown| *shown);
            writers.push(if looked_at { Some(column.writer(table, table.index_of(&column.name)?)?) } else { None });
        }
        let mut values = Vec::with_capacity(table.rows() * learned.iter().map(|column| column.width()).sum::<usize>());
        for (row, shown) in shown.chunks_exact(learned.len()).enumerate() {
            for ((writer, shown), column) in writers.iter().zip(shown).zip(&learned) {
                match writer {
                    Some(writer) if *shown => writer.write(row, &mut random, &mut values)?,
                    _ => values.resize(values.len() + column.width(), 0.0),
                }
            }
        }
        Ok(values)
    }

    /// Rows of numbers as plain numbers of the data's own columns, for pictures and for distances of single columns: categories by their place, or, if
    /// `indicators`, as a column `NAME=LEVEL` of 0 and 1 for each level; missing cells below all others. Columns that are not learned are left out.
    ///
    /// # Errors
    /// As [`Encoding::decode`].
    pub fn shown(&self, numbers: &Table, indicators: bool) -> Result<Table> {
        let table = self.decode(numbers, 0)?;
        let (mut names, mut columns): (Vec<String>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
        for (j, column) in self.columns.iter().enumerate().filter(|(_, column)| column.width() > 0) {
            let below = column.below();
            let values = table.column(j).map(|value| if value.is_nan() { below } else { value }).collect::<Vec<f64>>();
            match table.levels(j).filter(|levels| indicators && levels.len() <= MOST_INDICATORS) {
                Some(levels) => {
                    let missing = std::iter::once((below, "(missing)")).filter(|_| column.has_missing());
                    for (code, level) in levels.iter().enumerate().map(|(at, level)| (at as f64, level.as_str())).chain(missing) {
                        names.push(format!("{}={level}", column.name));
                        columns.push(values.iter().map(|value| f64::from(u8::from(*value == code))).collect());
                    }
                }
                None => {
                    names.push(column.name.clone());
                    columns.push(values);
                }
            }
        }
        let values = (0..table.rows()).flat_map(|row| columns.iter().map(move |column| column[row])).collect::<Vec<f64>>();
        let shown = Table::new(distinct(names), values)?.from_origin(numbers.origin());
        match numbers.weights() {
            Some(weights) => shown.with_weights(weights.to_vec()),
            None => Ok(shown),
        }
    }

    /// Rows of numbers as the table's own columns, in its order; a level among the rare ones is drawn by the seed.
    ///
    /// # Errors
    /// Columns that the encoding does not have.
    pub fn decode(&self, numbers: &Table, seed: u64) -> Result<Table> {
        let numbers = numbers.align(&self.names())?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut at = 0;
        let mut columns = Vec::with_capacity(self.columns.len());
        let mut places = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            columns.push(column.decode(&numbers, at, &mut random)?);
            places.push(at);
            at += column.width();
        }
        for group in &self.one_hot {
            let members: Vec<(&EncodedColumn, usize)> = group.iter().map(|&j| (&self.columns[j], places[j])).collect();
            group.iter().zip(one_hot::decode(&members, &numbers)).for_each(|(&j, column)| columns[j] = column);
        }
        let mut table = Table::from_columns(columns)?.from_origin(numbers.origin());
        table.form = self.form.clone();
        Ok(table)
    }
}
