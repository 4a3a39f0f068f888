//! Tables of typed columns: what a [`Table`] knows of a column beside the numbers that stand for its cells.

use super::Table;
use super::column::{Column, Type, Typed};
use super::dates::DateForm;
use super::number_form::NumberForm;
use super::types::ColumnType;
use crate::words::count;
use crate::{Error, Result};

/// A table that was read with types as it is read without ([`Source::load`](super::Source::load)), where that is known: all its cells are numbers, and doubles
/// hold every whole number up to the greatest of them.
pub fn as_numbers(table: &Table) -> Option<Table> {
    let exact = |kind: &super::ColumnKind| kind.min.abs().max(kind.max.abs()) < super::table::WHOLE;
    let plain = table.weights().is_none() && super::Encoding::is_of_numbers(table) && table.kinds().iter().all(exact);
    plain.then(|| {
        let mut numbers = table.clone();
        (numbers.typed, numbers.form, numbers.by_type) = (Vec::new(), Default::default(), false);
        numbers
    })
}

impl Table {
    /// A table of typed columns.
    ///
    /// Refused: no columns, two columns of one name, and columns of different lengths.
    pub fn from_columns(columns: impl IntoIterator<Item = Column>) -> Result<Self> {
        let columns: Vec<Column> = columns.into_iter().collect();
        let rows = columns.first().map_or(0, Column::rows);
        if let Some(other) = columns.iter().find(|column| column.rows() != rows) {
            let (first, rows, other_rows) = (&columns[0].name, count(rows, "row"), other.rows());
            return Err(Error::data(format!(
                "column `{first}` has {rows}, and `{}` has {other_rows}: give each as many",
                other.name
            )));
        }
        let values = (0..rows).flat_map(|row| columns.iter().map(move |column| column.number(row))).collect::<Vec<f64>>();
        let mut table = Self::new(columns.iter().map(|column| column.name.clone()), values)?;
        let typed: Vec<Typed> = columns.iter().map(Typed::of).collect();
        if typed.iter().any(|typed| *typed != Typed::default()) {
            table.typed = typed;
        }
        Ok(table)
    }

    /// The rows of this table and below them those of another: its columns are found by their names, categories by those of their levels.
    ///
    /// # Errors
    /// A column that the other table does not have, or has with another type.
    pub fn stacked(&self, other: &Self) -> Result<Self> {
        let other = other.align(&self.columns)?;
        let stack = |j: usize| self.typed_column(j).stacked(other.typed_column(j), other.origin());
        Self::from_columns((0..self.cols()).map(stack).collect::<Result<Vec<_>>>()?).map(|table| self.as_own(table))
    }

    /// A table with this one's origin and the form of its file.
    fn as_own(&self, mut table: Self) -> Self {
        table.form = self.form.clone();
        table.by_type = self.by_type;
        table.from_origin(&self.origin)
    }

    /// The same rows with cells of another table of as many: in columns that both have, those that `take` chooses by row and column.
    ///
    /// # Errors
    /// A column that has another type in the other table.
    pub(crate) fn with_cells(&self, other: &Self, take: impl Fn(usize, usize) -> bool) -> Result<Self> {
        let rows = self.rows();
        let column = |j: usize| {
            let Ok(k) = other.index_of(&self.columns[j]) else { return Ok(self.typed_column(j)) };
            let from: Vec<usize> = (0..rows).map(|row| if take(row, j) { rows + row } else { row }).collect();
            match from.iter().filter(|&&row| row >= rows).count() {
                0 => Ok(self.typed_column(j)),
                taken if taken == rows => Ok(other.typed_column(k)),
                _ => {
                    let (own, more) = (self.typed_column(j), other.typed_column(k));
                    let whole = other.integers(k).is_some();
                    let form = if whole { own.form.clone() } else { own.form.clone().finer(&more.form) };
                    let ty = if self.column_type(j) == ColumnType::Constant { other.column_type(k) } else { self.column_type(j) };
                    Ok(own.stacked(more, other.origin())?.select(&from).with_form(form).with_type(ty))
                }
            }
        };
        let table = self
            .as_own(Self::from_columns((0..self.cols()).map(column).collect::<Result<Vec<_>>>()?)?)
            .from_origin(&self.origin)
            .with_header(self.has_header());
        match self.weights() {
            Some(weights) => table.with_weights(weights.to_vec()),
            None => Ok(table),
        }
    }

    /// Whether a cell is missing.
    pub(crate) fn is_missing(&self, row: usize, column: usize) -> bool {
        self.missing(column).map_or_else(|| self.row(row)[column].is_nan(), |missing| missing[row])
    }

    /// The same with columns of whole numbers as such, where no column has a type.
    pub(crate) fn with_whole_numbers(&self) -> Result<Self> {
        if !self.typed.is_empty() {
            return Ok(self.clone());
        }
        let column = |(name, j): (&String, usize)| match self.kinds()[j].integer {
            true => Column::integers(name, self.column(j).map(|value| value as i64).collect()),
            false => Column::numbers(name, self.column(j).collect()),
        };
        let table = self.as_own(Self::from_columns(self.columns.iter().zip(0..).map(column))?);
        match self.weights() {
            Some(weights) => table.with_weights(weights.to_vec()),
            None => Ok(table),
        }
    }

    /// A table whose cells are some of this one's: in column j those of the rows `places[j]`, as many for each column. Weights are left out.
    pub(crate) fn gathered(&self, places: &[Vec<usize>]) -> Result<Self> {
        let column = |(j, places): (usize, &Vec<usize>)| self.select_columns(&[j]).select_rows(places).typed_column(0);
        Self::from_columns(places.iter().enumerate().map(column)).map(|table| self.as_own(table))
    }

    /// A column with its type.
    fn typed_column(&self, j: usize) -> Column {
        let name = &self.columns[j];
        let values = || self.column(j).collect::<Vec<f64>>();
        let column = match self.typed.get(j).map(|typed| &typed.of) {
            None => Column::numbers(name, values()),
            Some(Type::Number(form)) => Column::numbers(name, values()).with_form(form.clone()),
            Some(Type::Integer(_)) => Column::integers(name, self.integers(j).unwrap_or_default()),
            Some(Type::Category(levels)) => {
                Column::of_codes(name, values().iter().map(|code| *code as u32).collect(), levels.clone())
            }
            Some(Type::Date(form)) => {
                Column::dates(name, values().iter().map(|seconds| (seconds * 1e6).round() as i64).collect(), form.clone())
            }
        };
        let column = column.with_type(self.column_type(j));
        match self.missing(j) {
            Some(missing) => column.with_missing(missing.to_vec()).unwrap_or_else(|_| unreachable!("as many marks as rows")),
            None => column,
        }
    }

    /// A column's whole numbers, where it was made of such; those of missing cells mean nothing.
    pub fn integers(&self, column: usize) -> Option<Vec<i64>> {
        match &self.typed.get(column)?.of {
            Type::Integer(Some(values)) => Some(values.clone()),
            Type::Integer(None) => Some(self.column(column).map(|value| value as i64).collect()),
            _ => None,
        }
    }

    /// The whole numbers of a column that doubles do not hold; none where they do.
    pub(super) fn exact_integers(&self, column: usize) -> Option<&[i64]> {
        match &self.typed.get(column)?.of {
            Type::Integer(whole) => whole.as_deref(),
            _ => None,
        }
    }

    /// A cell of a column of whole numbers.
    #[cfg(feature = "parquet")]
    pub(super) fn integer(&self, row: usize, column: usize) -> i64 {
        match self.typed.get(column).map(|typed| &typed.of) {
            Some(Type::Integer(Some(values))) => values[row],
            _ => self.row(row)[column] as i64,
        }
    }

    /// The levels of a column of categories: its values are their places, from 0.
    pub fn levels(&self, column: usize) -> Option<&[String]> {
        match &self.typed.get(column)?.of {
            Type::Category(levels) => Some(levels),
            _ => None,
        }
    }

    /// A cell as text, where it is more than its number: a level, digits that no double holds, nothing where it is missing.
    pub(super) fn text(&self, row: usize, column: usize) -> Option<std::borrow::Cow<'_, str>> {
        let typed = self.typed.get(column)?;
        if typed.missing.as_ref().is_some_and(|missing| missing[row]) {
            return Some(self.form.missing_word.as_deref().unwrap_or_default().into());
        }
        match &typed.of {
            Type::Category(levels) => Some(levels[self.row(row)[column] as usize].as_str().into()),
            Type::Integer(Some(values)) => Some(values[row].to_string().into()),
            Type::Integer(None) => None,
            Type::Number(form) if *form == NumberForm::default() => None,
            Type::Number(form) => Some(form.write(self.row(row)[column]).into()),
            Type::Date(form) => Some(form.write((self.row(row)[column] * 1e6).round() as i64).into()),
        }
    }

    /// The type of a column.
    pub fn column_type(&self, column: usize) -> ColumnType {
        self.typed.get(column).map_or(ColumnType::Number, |typed| typed.ty)
    }

    /// How the dates of a column are written, whose values are seconds.
    pub fn date_form(&self, column: usize) -> Option<&DateForm> {
        match &self.typed.get(column)?.of {
            Type::Date(form) => Some(form),
            _ => None,
        }
    }

    /// How the numbers of a column are written.
    pub fn number_form(&self, column: usize) -> Option<&NumberForm> {
        match &self.typed.get(column)?.of {
            Type::Number(form) => Some(form),
            _ => None,
        }
    }

    /// Which cells of a column are missing (their value is NaN), one mark a row; none where none is.
    pub fn missing(&self, column: usize) -> Option<&[bool]> {
        self.typed.get(column)?.missing.as_deref()
    }
}
