//! [`Column`]: one column of a table with its type: numbers, whole numbers, categories or dates, and which cells are missing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::dates::DateForm;
use super::number_form::NumberForm;
use super::types::ColumnType;
use crate::words::count;
use crate::{Error, Result};

/// One column, from which [`Table::from_columns`](super::Table::from_columns) makes a table.
///
/// ```
/// use pushforward::data::{Column, Table};
/// let table = Table::from_columns([
///     Column::numbers("height", vec![1.65, 1.78, 1.60]),
///     Column::integers("id", vec![9_007_199_254_740_993, 2, 3]),
///     Column::categories("country", vec![0, 1, 0], ["FR", "NA"])?,
/// ])?;
/// assert_eq!(table.integers(1).unwrap()[0], 9_007_199_254_740_993); // no double holds it
/// assert_eq!(table.levels(2).unwrap(), ["FR", "NA"]);
/// # Ok::<(), pushforward::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Column {
    pub(super) name: String,
    pub(super) cells: Cells,
    pub(super) missing: Option<Vec<bool>>,
    /// Where it is not what the cells are.
    pub(super) ty: Option<ColumnType>,
    pub(super) form: NumberForm,
}

#[derive(Clone, Debug)]
pub(super) enum Cells {
    Numbers(Vec<f64>),
    Integers(Vec<i64>),
    Categories { codes: Vec<u32>, levels: Arc<[String]> },
    Dates { micros: Vec<i64>, form: DateForm },
}

impl Column {
    /// A column of numbers.
    pub fn numbers(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self { name: name.into(), cells: Cells::Numbers(values), missing: None, ty: None, form: NumberForm::default() }
    }

    /// A column of whole numbers, kept exactly.
    pub fn integers(name: impl Into<String>, values: Vec<i64>) -> Self {
        Self { name: name.into(), cells: Cells::Integers(values), missing: None, ty: None, form: NumberForm::default() }
    }

    /// A column of categories: each row's code is the place of its level, from 0.
    ///
    /// # Errors
    /// Two levels of one name, and a code that no level has.
    pub fn categories<L: Into<String>>(
        name: impl Into<String>,
        codes: Vec<u32>,
        levels: impl IntoIterator<Item = L>,
    ) -> Result<Self> {
        let name = name.into();
        let levels: Arc<[String]> = levels.into_iter().map(Into::into).collect();
        let mut known = HashSet::with_capacity(levels.len());
        if let Some(twice) = levels.iter().find(|level| !known.insert(level.as_str())) {
            return Err(Error::data(format!("two levels of column `{name}` are called `{twice}`: rename one of them")));
        }
        if let Some(row) = codes.iter().position(|&code| code as usize >= levels.len()) {
            let levels = count(levels.len(), "level");
            return Err(Error::data(format!(
                "row {} of column `{name}` has the code {}, and it has {levels}",
                row + 1,
                codes[row]
            )));
        }
        Ok(Self { name, cells: Cells::Categories { codes, levels }, missing: None, ty: None, form: NumberForm::default() })
    }

    /// The same of codes and levels that are known to fit.
    pub(super) fn of_codes(name: &str, codes: Vec<u32>, levels: Arc<[String]>) -> Self {
        Self {
            name: name.into(),
            cells: Cells::Categories { codes, levels },
            missing: None,
            ty: None,
            form: NumberForm::default(),
        }
    }

    /// The cells of this column and below them those of another.
    ///
    /// # Errors
    /// Texts and numbers.
    pub(super) fn stacked(self, other: Self, origin: &str) -> Result<Self> {
        let rows = [self.rows(), other.rows()];
        let (name, ty, form) = (self.name.clone(), self.ty, self.form.clone());
        let missing = match (&self.missing, &other.missing) {
            (None, None) => None,
            (a, b) => {
                let marks = |mask: &Option<Vec<bool>>, rows: usize| mask.clone().unwrap_or_else(|| vec![false; rows]);
                Some([marks(a, rows[0]), marks(b, rows[1])].concat())
            }
        };
        let numbers = |column: &Self| (0..column.rows()).map(|row| column.number(row)).collect::<Vec<f64>>();
        let cells = match (&self.cells, &other.cells) {
            (Cells::Categories { codes, levels }, Cells::Categories { codes: more, levels: others }) => {
                let mut all = levels.to_vec();
                let known: HashMap<&str, usize> = levels.iter().enumerate().map(|(at, level)| (level.as_str(), at)).collect();
                let place: Vec<u32> = others
                    .iter()
                    .map(|level| {
                        let at = known.get(level.as_str()).copied().unwrap_or_else(|| {
                            all.push(level.clone());
                            all.len() - 1
                        });
                        at as u32
                    })
                    .collect();
                let codes = codes.iter().copied().chain(more.iter().map(|code| place[*code as usize])).collect();
                Cells::Categories { codes, levels: all.into() }
            }
            (Cells::Integers(a), Cells::Integers(b)) => Cells::Integers([&a[..], b].concat()),
            (Cells::Dates { micros, form }, Cells::Dates { micros: more, .. }) => {
                Cells::Dates { micros: [&micros[..], more].concat(), form: form.clone() }
            }
            (Cells::Numbers(_) | Cells::Integers(_), Cells::Numbers(_) | Cells::Integers(_)) => {
                Cells::Numbers([numbers(&self), numbers(&other)].concat())
            }
            _ => return Err(Error::data(format!("column `{name}` of {origin} is of another type than in the other table"))),
        };
        Ok(Self { name, cells, missing, ty: if self.ty == other.ty { ty } else { None }, form })
    }

    /// These rows of it.
    pub(super) fn select(self, rows: &[usize]) -> Self {
        let missing = self.missing.map(|missing| rows.iter().map(|&row| missing[row]).collect::<Vec<bool>>());
        let cells = match self.cells {
            Cells::Numbers(values) => Cells::Numbers(rows.iter().map(|&row| values[row]).collect()),
            Cells::Integers(values) => Cells::Integers(rows.iter().map(|&row| values[row]).collect()),
            Cells::Categories { codes, levels } => {
                Cells::Categories { codes: rows.iter().map(|&row| codes[row]).collect(), levels }
            }
            Cells::Dates { micros, form } => Cells::Dates { micros: rows.iter().map(|&row| micros[row]).collect(), form },
        };
        Self { cells, missing: missing.filter(|missing| missing.contains(&true)), ..self }
    }

    /// A column of dates or times: microseconds from the first of January 1970, or from midnight, and how they are written.
    pub fn dates(name: impl Into<String>, micros: Vec<i64>, form: DateForm) -> Self {
        Self { name: name.into(), cells: Cells::Dates { micros, form }, missing: None, ty: None, form: NumberForm::default() }
    }

    /// The same, whose numbers are written in this form.
    pub fn with_form(self, form: NumberForm) -> Self {
        Self { form, ..self }
    }

    /// The same as another type than its cells are: a constant, an identifier, two words for true and false.
    pub(super) fn with_type(self, ty: ColumnType) -> Self {
        Self { ty: Some(ty), ..self }
    }

    /// The same with missing cells where `missing` is true; what stands in those cells does not matter.
    ///
    /// # Errors
    /// Another number of rows.
    pub fn with_missing(mut self, missing: Vec<bool>) -> Result<Self> {
        if missing.len() != self.rows() {
            let (rows, given) = (count(self.rows(), "row"), count(missing.len(), "mark"));
            return Err(Error::data(format!("column `{}` has {rows} and {given} of missing cells: give one per row", self.name)));
        }
        self.missing = missing.contains(&true).then_some(missing);
        Ok(self)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        match &self.cells {
            Cells::Numbers(values) => values.len(),
            Cells::Integers(values) => values.len(),
            Cells::Categories { codes, .. } => codes.len(),
            Cells::Dates { micros, .. } => micros.len(),
        }
    }

    /// Whether all cells that are there are one.
    pub(super) fn is_constant(&self) -> bool {
        let there = |row: &usize| self.missing.as_ref().is_none_or(|missing| !missing[*row]);
        if let Cells::Integers(values) = &self.cells {
            let mut values = (0..self.rows()).filter(there).map(|row| values[row]);
            return values.next().is_none_or(|first| values.all(|value| value == first));
        }
        let mut numbers = (0..self.rows()).filter(there).map(|row| self.number(row));
        numbers.next().is_none_or(|first| numbers.all(|number| number == first))
    }

    /// A cell as the number that stands for it: the number itself, the nearest double of a whole number, a category's code, a date's
    /// seconds, NaN where it is missing.
    pub(super) fn number(&self, row: usize) -> f64 {
        match &self.cells {
            _ if self.missing.as_ref().is_some_and(|missing| missing[row]) => f64::NAN,
            Cells::Numbers(values) => values[row],
            Cells::Integers(values) => values[row] as f64,
            Cells::Categories { codes, .. } => f64::from(codes[row]),
            Cells::Dates { micros, .. } => micros[row] as f64 / 1e6,
        }
    }
}

/// What a column of a table is, beside the numbers that stand for its cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Typed {
    pub of: Type,
    pub ty: ColumnType,
    /// Which cells are missing, one mark a row; none where none is.
    pub missing: Option<Vec<bool>>,
}

impl Default for Type {
    fn default() -> Self {
        Self::Number(NumberForm::default())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    /// The doubles, and how they are written.
    Number(NumberForm),
    /// Whole numbers, exactly, where a double does not hold them all; otherwise they are the doubles.
    Integer(Option<Vec<i64>>),
    /// The doubles are codes of these.
    Category(Arc<[String]>),
    /// The doubles are seconds.
    Date(DateForm),
}

impl Typed {
    pub fn of(column: &Column) -> Self {
        let of = match &column.cells {
            Cells::Numbers(_) => Type::Number(column.form.clone()),
            Cells::Integers(values) => {
                let whole = |value: &i64| value.unsigned_abs() <= super::table::WHOLE as u64;
                Type::Integer((!values.iter().all(whole)).then(|| values.clone()))
            }
            Cells::Categories { levels, .. } => Type::Category(levels.clone()),
            Cells::Dates { form, .. } => Type::Date(form.clone()),
        };
        let ty = match &column.cells {
            Cells::Numbers(_) => ColumnType::Number,
            Cells::Integers(_) => ColumnType::Integer,
            Cells::Categories { .. } => ColumnType::Category,
            Cells::Dates { .. } => ColumnType::Date,
        };
        Self { of, ty: column.ty.unwrap_or(ty), missing: column.missing.clone() }
    }

    /// The same of these rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        let of = match &self.of {
            Type::Integer(Some(values)) => Type::Integer(Some(rows.iter().map(|&row| values[row]).collect())),
            other => other.clone(),
        };
        let missing = self.missing.as_ref().map(|missing| rows.iter().map(|&row| missing[row]).collect::<Vec<_>>());
        Self { of, ty: self.ty, missing: missing.filter(|missing| missing.contains(&true)) }
    }
}
