//! A table in memory.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::column::{Type, Typed};
use super::file_form::FileForm;
use super::nearest;
use crate::words::{count, grouped};
use crate::{Error, Result};

/// What was observed in one column.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnKind {
    /// Every value is a whole number, and none is so large that every number is: 2⁵³, or 2²⁴ in a column in single precision.
    pub integer: bool,
    /// The least value (NaN left out; +∞ for a column without values).
    pub min: f64,
    /// The greatest value (NaN left out; −∞ for a column without values).
    pub max: f64,
    /// The values came in single precision, and are written in it.
    pub single: bool,
}

/// What a table is made of: `f64`, or `f32`, which it remembers.
pub trait Number: Copy + Into<f64> {
    /// Whether this is single precision.
    const SINGLE: bool;
}

impl Number for f64 {
    const SINGLE: bool = false;
}

impl Number for f32 {
    const SINGLE: bool = true;
}

/// Rows with named columns: the samples that a method learns from, is judged against, or has drawn.
///
/// Values are double precision, rows × columns, row-major; what a device learns from is centered and scaled first
/// ([`Standardization`](super::Standardization)). Tables that were read from files or toy targets hold finite numbers only.
///
/// A table that was made of typed columns ([`Table::from_columns`]) keeps their types: exact whole numbers, the levels of categories, and
/// which cells are missing. Methods learn from numbers alone, and refuse the others.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) columns: Vec<String>,
    values: Vec<f64>,
    single: OnceLock<Vec<f32>>,
    rows: usize,
    kinds: Vec<ColumnKind>,
    /// The columns' types; empty where all are numbers.
    pub(super) typed: Vec<Typed>,
    weights: Option<Vec<f32>>,
    header: bool,
    /// Whether it was read from a file by the types of its columns.
    pub(super) by_type: bool,
    /// How the file that it was read from is read and written.
    pub(super) form: FileForm,
    /// Of encoded rows: ln of the share that the row's rare levels have among those they are pooled with; none where none is.
    pub(super) pooled: Option<Vec<f64>>,
    pub(super) origin: String,
    notes: Vec<String>,
    /// Rows of the file that are not in the table, from 0, in order.
    left_out: Vec<usize>,
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        let parts = |t: &Self| (t.columns.clone(), t.kinds.clone(), t.weights.clone(), t.header, t.origin.clone());
        // Missing cells are NaN, and equal.
        let bits = |t: &Self| t.values.iter().map(|value| (value + 0.0).to_bits()).collect::<Vec<_>>();
        let values = self.values == other.values || (!self.typed.is_empty() && bits(self) == bits(other));
        values && self.typed == other.typed && parts(self) == parts(other)
    }
}

impl Table {
    /// A table of `values`, row-major, with one value a column in each row.
    ///
    /// Refused: no columns, two columns of one name, and a number of values that is not a multiple of the number of columns.
    pub fn new<N: Into<String>, T: Number>(columns: impl IntoIterator<Item = N>, values: Vec<T>) -> Result<Self> {
        let columns: Vec<String> = columns.into_iter().map(Into::into).collect();
        if columns.is_empty() {
            return Err(Error::data("a table needs at least one column"));
        }
        if let Some(twice) = columns.iter().enumerate().find_map(|(i, name)| columns[..i].contains(name).then_some(name)) {
            return Err(Error::data(format!("two columns are called `{twice}`: rename one of them")));
        }
        if !values.len().is_multiple_of(columns.len()) {
            return Err(Error::data(format!(
                "{} do not fill whole rows of {}",
                count(values.len(), "value"),
                count(columns.len(), "column")
            )));
        }
        let values: Vec<f64> = values.into_iter().map(Into::into).collect();
        let (rows, kinds) = (values.len() / columns.len(), observe(&values, &vec![T::SINGLE; columns.len()]));
        let (single, origin) = (OnceLock::new(), "the table".into());
        Ok(Self {
            columns,
            values,
            single,
            rows,
            kinds,
            typed: Vec::new(),
            weights: None,
            header: true,
            by_type: false,
            form: FileForm::default(),
            pooled: None,
            origin,
            notes: Vec::new(),
            left_out: Vec::new(),
        })
    }

    /// A table whose columns are called `x0`, `x1`, …
    pub fn unnamed<T: Number>(cols: usize, values: Vec<T>) -> Result<Self> {
        let mut table = Self::new(numbered(cols), values)?;
        table.header = false;
        Ok(table)
    }

    /// The same rows with a weight each. Weights are finite, not negative and not all zero; they need not sum to one.
    pub fn with_weights(mut self, weights: Vec<f32>) -> Result<Self> {
        if weights.len() != self.rows {
            return Err(Error::data(format!(
                "{} has {} and {}: give one weight per row",
                self.origin,
                count(self.rows, "row"),
                count(weights.len(), "weight")
            )));
        }
        if let Some(row) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            return Err(Error::data(format!(
                "the weight of row {} (of {}) of {} is {}: weights must be finite and at least 0",
                grouped(self.row_number(row)),
                grouped(self.rows),
                self.origin,
                weights[row]
            )));
        }
        if weights.iter().all(|&w| w == 0.0) {
            return Err(Error::data(format!("all weights of {} are zero: at least one row must count", self.origin)));
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// The same rows, with equal weights.
    pub fn without_weights(self) -> Self {
        Self { weights: None, ..self }
    }

    /// The same table under another origin, the words that errors name it by (such as its file's path).
    pub fn from_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = origin.into();
        self
    }

    pub(super) fn with_header(mut self, header: bool) -> Self {
        self.header = header;
        self
    }

    /// The same table, of whose columns these came in single precision.
    pub(super) fn with_single(mut self, single: &[bool]) -> Self {
        self.kinds = observe(&self.values, single);
        self
    }

    pub(super) fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }

    pub(super) fn without(mut self, rows: Vec<usize>) -> Self {
        self.left_out = rows;
        self
    }

    /// The number of a row as its file counts them, from 1, where the table is a file's as it was read; otherwise as the table does.
    pub fn row_number(&self, row: usize) -> usize {
        self.left_out.iter().fold(row, |at, &out| if out <= at { at + 1 } else { at }) + 1
    }

    /// What a reader of the file should tell: sentences, such as that its text was decoded from another encoding than UTF-8.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The columns' names, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// All values, rows × columns, row-major.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values alone, the rest dropped.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// All values, rounded to single precision. That takes the digits of a column that lies far from zero: center and scale it
    /// first ([`Standardization::apply`](super::Standardization::apply)).
    pub fn single(&self) -> &[f32] {
        self.single.get_or_init(|| self.values.iter().map(|&value| value as f32).collect())
    }

    /// [`single`](Self::single) alone, the rest dropped.
    pub fn into_single(mut self) -> Vec<f32> {
        self.single.take().unwrap_or_else(|| self.values.into_iter().map(|value| value as f32).collect())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.columns.len()
    }

    /// What was observed in each column.
    pub fn kinds(&self) -> &[ColumnKind] {
        &self.kinds
    }

    /// One weight a row, where the source has them.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }

    /// The rows that count: all, or those whose weight is above zero.
    pub fn weighted_rows(&self) -> Vec<usize> {
        (0..self.rows).filter(|&row| self.weights.as_ref().is_none_or(|weights| weights[row] > 0.0)).collect()
    }

    /// Whether the columns' names were given: false for an array file or a CSV without a header, whose columns are `x0`, `x1`, …
    pub fn has_header(&self) -> bool {
        self.header
    }

    /// Where the table came from, as errors say it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The values of one row.
    ///
    /// # Panics
    /// If `row` is not below [`rows`](Self::rows).
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.cols()..(row + 1) * self.cols()]
    }

    /// The values of one column, from the first row to the last.
    ///
    /// # Panics
    /// If `column` is not below [`cols`](Self::cols).
    pub fn column(&self, column: usize) -> impl ExactSizeIterator<Item = f64> + '_ {
        assert!(column < self.cols(), "column {column} of a table with {}", self.cols());
        self.values.iter().skip(column).step_by(self.cols()).copied()
    }

    /// The rows at the given indices, in the order given, with their weights.
    ///
    /// # Panics
    /// If an index is not below [`rows`](Self::rows).
    pub fn select_rows(&self, indices: &[usize]) -> Self {
        let mut values = Vec::with_capacity(indices.len() * self.cols());
        for &row in indices {
            values.extend_from_slice(self.row(row));
        }
        Self {
            columns: self.columns.clone(),
            rows: indices.len(),
            kinds: observe(&values, &self.kinds.iter().map(|kind| kind.single).collect::<Vec<_>>()),
            values,
            typed: self.typed.iter().map(|typed| typed.select(indices)).collect(),
            single: OnceLock::new(),
            weights: self.weights.as_ref().map(|weights| indices.iter().map(|&row| weights[row]).collect()),
            header: self.header,
            by_type: self.by_type,
            form: self.form.clone(),
            pooled: self.pooled.as_ref().map(|pooled| indices.iter().map(|&row| pooled[row]).collect()),
            origin: self.origin.clone(),
            notes: self.notes.clone(),
            left_out: Vec::new(),
        }
    }

    /// The columns of these names, in this order, with the rows' weights.
    ///
    /// # Errors
    /// No names, and a name that the table does not have.
    pub fn select<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Result<Self> {
        let indices = names.into_iter().map(|name| self.index_of(name.as_ref())).collect::<Result<Vec<usize>>>()?;
        if indices.is_empty() {
            return Err(Error::data(format!("no column of {} was selected: a table needs at least one", self.origin)));
        }
        Ok(self.select_columns(&indices))
    }

    /// Where the column of this name stands, from 0.
    ///
    /// # Errors
    /// A name that the table does not have.
    pub fn index_of(&self, name: &str) -> Result<usize> {
        let found = self.columns.iter().position(|column| column == name);
        found.ok_or_else(|| unknown_column(&self.origin, name, &self.columns))
    }

    /// The columns at the given indices, in the order given, with the rows' weights.
    ///
    /// # Panics
    /// If an index is not below [`cols`](Self::cols), or `indices` is empty.
    pub fn select_columns(&self, indices: &[usize]) -> Self {
        assert!(!indices.is_empty(), "a table needs at least one column");
        let values = (0..self.rows).flat_map(|row| indices.iter().map(move |&column| self.row(row)[column])).collect();
        Self {
            columns: indices.iter().map(|&column| self.columns[column].clone()).collect(),
            values,
            single: OnceLock::new(),
            rows: self.rows,
            kinds: indices.iter().map(|&column| self.kinds[column]).collect(),
            typed: if self.typed.is_empty() {
                Vec::new()
            } else {
                indices.iter().map(|&column| self.typed[column].clone()).collect()
            },
            weights: self.weights.clone(),
            header: self.header,
            by_type: self.by_type,
            form: self.form.clone(),
            pooled: self.pooled.clone(),
            origin: self.origin.clone(),
            notes: self.notes.clone(),
            left_out: self.left_out.clone(),
        }
    }

    /// This table with its columns in the order of `columns`: by name where it has names, otherwise as they stand.
    ///
    /// Columns that are not asked for are left out when names decide. An error names the column that is missing, or, for a
    /// table without names, the two numbers of columns.
    pub fn align(&self, columns: &[String]) -> Result<Self> {
        if self.columns == columns {
            return Ok(self.clone());
        }
        if !self.header {
            if self.cols() != columns.len() {
                return Err(Error::data(format!(
                    "{} has {}, and these are needed: {}",
                    self.origin,
                    count(self.cols(), "column"),
                    listed(columns)
                )));
            }
            let mut named = self.clone();
            named.columns = columns.to_vec();
            return Ok(named);
        }
        let indices = columns
            .iter()
            .map(|name| {
                self.columns.iter().position(|have| have == name).ok_or_else(|| unknown_column(&self.origin, name, &self.columns))
            })
            .collect::<Result<Vec<_>>>()?;
        if indices.is_empty() {
            return Err(Error::data("a table needs at least one column"));
        }
        Ok(self.select_columns(&indices))
    }

    /// Refuses a table that nothing can be learned from: fewer than two rows, categories, missing cells, a value that is not finite, a constant
    /// column.
    pub fn check_trainable(&self) -> Result<()> {
        if self.rows < 2 {
            return Err(Error::data(format!(
                "{} has {}: training needs at least two",
                self.origin,
                if self.rows == 1 { "one row" } else { "no rows" }
            )));
        }
        if let Some(column) =
            (0..self.typed.len()).find(|&column| self.missing(column).is_some() || self.levels(column).is_some())
        {
            let what = if self.missing(column).is_some() { "missing cells" } else { "categories" };
            return Err(Error::data(format!(
                "column `{}` of {} has {what}, and methods learn from numbers alone: choose other columns, or turn it into numbers",
                self.columns[column], self.origin
            )));
        }
        if let Some(at) = self.values.iter().position(|value| !value.is_finite()) {
            return Err(Error::data(format!(
                "column `{}` of {} holds {} in row {} (of {}): remove the row or put a finite number there",
                self.columns[at % self.cols()],
                self.origin,
                self.values[at],
                grouped(self.row_number(at / self.cols())),
                grouped(self.rows)
            )));
        }
        let constant: Vec<usize> = (0..self.cols()).filter(|&j| self.kinds[j].min == self.kinds[j].max).collect();
        let Some(&first) = constant.first() else { return Ok(()) };
        let rest: Vec<String> = (0..self.cols()).filter(|j| !constant.contains(j)).map(|j| self.columns[j].clone()).collect();
        let advice = match rest.len() {
            0 => "there is nothing to learn here".to_string(),
            _ if constant.len() == 1 => format!("leave it out by choosing the others ({})", listed(&rest)),
            _ => format!("leave them out by choosing the others ({})", listed(&rest)),
        };
        let value = self.kinds[first].min;
        let rows = grouped(self.rows);
        let more = match constant.len() {
            1 => String::new(),
            n => format!(", and so {} {} more", if n == 2 { "is" } else { "are" }, n - 1),
        };
        Err(Error::data(format!(
            "column `{}` of {} is constant ({value} in all {rows} rows){more}: {advice}",
            self.columns[first], self.origin
        )))
    }

    /// SHA-256 of the content (names, values and weights; not the origin), as 64 lower-case hexadecimal digits.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update((self.cols() as u64).to_le_bytes());
        for name in &self.columns {
            hasher.update((name.len() as u64).to_le_bytes());
            hasher.update(name);
        }
        hasher.update((self.values.len() as u64).to_le_bytes());
        self.values.iter().for_each(|number| hasher.update(number.to_le_bytes()));
        for typed in &self.typed {
            match &typed.of {
                Type::Number(_) | Type::Integer(None) | Type::Date(_) => {}
                Type::Integer(Some(values)) => values.iter().for_each(|value| hasher.update(value.to_le_bytes())),
                Type::Category(levels) => levels.iter().for_each(|level| {
                    hasher.update((level.len() as u64).to_le_bytes());
                    hasher.update(level);
                }),
            }
        }
        if let Some(weights) = &self.weights {
            hasher.update((weights.len() as u64).to_le_bytes());
            weights.iter().for_each(|number| hasher.update(number.to_le_bytes()));
        }
        super::file::hex(hasher)
    }
}

/// `x0`, `x1`, …: the names of columns that have none. Not `0`, `1`, …, which a CSV reader would take for a row of data.
pub(super) fn numbered(cols: usize) -> Vec<String> {
    (0..cols).map(|j| format!("x{j}")).collect()
}

/// The largest whole number below which neighbors are all there, in double and in single precision.
pub(super) const WHOLE: f64 = (1u64 << 53) as f64;
const WHOLE_SINGLE: f64 = (1u64 << 24) as f64;

fn observe(values: &[f64], single: &[bool]) -> Vec<ColumnKind> {
    let start = |&single| ColumnKind { integer: true, min: f64::INFINITY, max: f64::NEG_INFINITY, single };
    let mut kinds: Vec<ColumnKind> = single.iter().map(start).collect();
    for row in values.chunks_exact(single.len()) {
        for (kind, &value) in kinds.iter_mut().zip(row) {
            kind.integer &= value.fract() == 0.0; // false for NaN and infinities, too
            kind.min = kind.min.min(value);
            kind.max = kind.max.max(value);
        }
    }
    for kind in &mut kinds {
        kind.integer &= kind.max.max(-kind.min) <= if kind.single { WHOLE_SINGLE } else { WHOLE };
    }
    kinds
}

/// Names for a sentence: "`a`, `b` and `c`", and after twenty only how many more there are.
pub(super) fn listed(names: &[String]) -> String {
    let quoted = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names {
        [] => "none".into(),
        [one] => format!("`{one}`"),
        [most @ .., last] if names.len() <= 20 => format!("{} and `{last}`", quoted(most)),
        _ => format!("{} and {} more", quoted(&names[..20]), names.len() - 20),
    }
}

pub(super) fn unknown_column(origin: &str, name: &str, columns: &[String]) -> Error {
    let guess = nearest(name, columns.iter().map(String::as_str));
    Error::usage(format!(
        "{origin} has no column `{name}`{}; its columns are {}",
        guess.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default(),
        listed(columns)
    ))
}
