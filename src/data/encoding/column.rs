//! One column: the states that it can be in, and the numbers of one of them.

mod fit;
mod writer;

pub(super) use writer::Writer;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::quantile::Quantile;
use crate::data::number_form::{NumberForm, whole};
use crate::data::{Column, ColumnType, DateForm, Table, nearest};
use crate::{Error, Result};

/// A column of a table, as it was fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct EncodedColumn {
    pub name: String,
    pub ty: ColumnType,
    kind: Kind,
    /// All levels of a column of texts, and nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    levels: Vec<String>,
    /// What whole numbers that no double holds are counted from.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) base: i64,
    /// The levels that are one state together, and how often each comes in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rare: Vec<(u32, f64)>,
    pub coding: Coding,
}

fn is_zero(base: &i64) -> bool {
    *base == 0
}

/// The values of a column as they are counted from `base`; none where that is zero.
fn values_from(table: &Table, j: usize, base: i64) -> Option<Vec<f64>> {
    let whole = |whole: i64| (i128::from(whole) - i128::from(base)) as f64;
    (base != 0).then(|| match table.integers(j) {
        Some(values) => values.into_iter().map(whole).collect(),
        None => table.column(j).map(|value| value - base as f64).collect(),
    })
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Coding {
    /// The number of the one value, or none where all cells are missing.
    Constant {
        value: Option<f64>,
    },
    /// The next whole number, where the identifiers are such.
    Identifier {
        next: Option<i64>,
    },
    States {
        states: Vec<State>,
        code: Code,
        numbers: Option<Numbers>,
    },
}

/// What a row can have in a column.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// A number of its own.
    Number,
    /// This value: a level's place, or a number that comes often.
    Value(f64),
    Missing,
    /// One of the rare levels.
    Rare,
}

/// What the numbers of a column are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Number(NumberForm),
    Integer,
    Date(DateForm),
    Level,
}

/// How the numbers of a column are made standard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Numbers {
    pub low: f64,
    pub high: f64,
    pub mean: f64,
    pub scale: f64,
    /// What all of them are multiples of.
    pub unit: Option<f64>,
    pub quantile: Option<Quantile>,
}

/// A value's bits: a zero of either sign is one value.
fn key(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

impl Numbers {
    fn write(&self, value: f64, random: &mut ChaCha8Rng) -> f64 {
        match (&self.quantile, self.unit) {
            (Some(quantile), Some(unit)) => quantile.forward(value + unit * random.random_range(-0.5..0.5)).0,
            (Some(quantile), None) => quantile.forward(value).0,
            (None, _) => (value - self.mean) / self.scale,
        }
    }

    fn read(&self, number: f64) -> f64 {
        let value = self.quantile.as_ref().map_or(self.mean + self.scale * number, |quantile| quantile.inverse(number));
        let value = self.unit.map_or(value, |unit| (value / unit).round() * unit);
        value.clamp(self.low, self.high)
    }

    /// The spacing of what [`Numbers::write`] makes, where it has one.
    fn spacing(&self) -> f64 {
        match (&self.quantile, self.unit) {
            (None, Some(unit)) => unit / self.scale,
            _ => 0.0,
        }
    }
}

impl EncodedColumn {
    /// How many columns of numbers it takes.
    pub fn width(&self) -> usize {
        match &self.coding {
            Coding::States { code, numbers, .. } => code.width() + usize::from(numbers.is_some()),
            _ => 0,
        }
    }

    /// Whether a method may as well learn the numbers themselves: they may lie anywhere, none comes often, and their tails are light.
    pub fn is_plain(&self) -> bool {
        let Coding::States { states, numbers: Some(numbers), .. } = &self.coding else { return false };
        // Whole numbers with zeros behind a point are whole.
        let Kind::Number(form) = &self.kind else { return false };
        let is_whole = form.decimals == Some(0) && form.least_decimals > 0;
        !is_whole && states[..] == [State::Number] && numbers.quantile.is_none()
    }

    /// The bit of 1 in a column of zeros and ones, or of words for them.
    pub fn bit_of_one(&self) -> Option<u32> {
        let Coding::States { states, code, numbers: None, .. } = &self.coding else { return None };
        let known = self.kind != Kind::Level || self.ty == ColumnType::Boolean;
        let bit = || code.words(1).next();
        if known && states[..] == [State::Value(0.0), State::Value(1.0)] { bit() } else { None }
    }

    /// The integer that a number counts from the base, as near as 64 bits come.
    pub(super) fn integer(&self, value: f64) -> i64 {
        let far = value.round() as i128 + i128::from(self.base);
        far.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// The column with ones in these rows, and zeros in the others.
    pub fn of_ones(&self, ones: Vec<bool>) -> Column {
        let numbers = || ones.iter().map(|one| f64::from(u8::from(*one)));
        let column = match &self.kind {
            Kind::Number(form) => Column::numbers(&self.name, numbers().collect()).with_form(form.clone()),
            Kind::Level => {
                Column::of_codes(&self.name, ones.iter().map(|one| u32::from(*one)).collect(), self.levels.clone().into())
            }
            _ => Column::integers(&self.name, ones.iter().map(|one| i64::from(*one)).collect()),
        };
        column.with_type(self.ty)
    }

    /// Whether a cell of the column can be in this state.
    pub fn can_have(&self, state: State) -> bool {
        let is_level = |code: f64| code.fract() == 0.0 && (0.0..self.levels.len() as f64).contains(&code);
        match (state, &self.kind, &self.coding) {
            (State::Missing, ..) => true,
            (State::Number, kind, Coding::States { numbers: Some(_), .. }) => *kind != Kind::Level,
            (State::Value(code), Kind::Level, _) => is_level(code),
            (State::Value(value), ..) => value.is_finite(),
            (State::Rare, Kind::Level, Coding::States { .. }) => {
                !self.rare.is_empty()
                    && self.rare.iter().all(|(code, share)| is_level(f64::from(*code)) && (0.0..=1.0).contains(share))
            }
            _ => false,
        }
    }

    /// How many levels are pooled.
    pub fn pooled(&self) -> usize {
        self.rare.len()
    }

    pub fn has_missing(&self) -> bool {
        matches!(&self.coding, Coding::States { states, .. } if states.contains(&State::Missing))
    }

    /// The level of this place.
    pub fn level(&self, place: f64) -> Option<&String> {
        self.levels.get(place as usize)
    }

    /// A number below all that the column has, where pictures show missing cells.
    pub fn below(&self) -> f64 {
        let Coding::States { states, numbers, .. } = &self.coding else { return -1.0 };
        let of_state = |state: &State| match state {
            State::Value(value) => Some(*value),
            _ => None,
        };
        let own = numbers.iter().flat_map(|numbers| [numbers.low, numbers.high]);
        let (low, high) = states
            .iter()
            .filter_map(of_state)
            .chain(own)
            .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        match &self.kind {
            Kind::Level => -1.0,
            _ => self.base as f64 + low - (0.1 * (high - low)).max(f64::from(high == low)),
        }
    }

    pub fn names(&self) -> Vec<String> {
        match &self.coding {
            Coding::States { code, numbers, .. } => {
                let bits = (1..=code.width()).map(|bit| format!("{} (bit {bit})", self.name));
                numbers.iter().map(|_| self.name.clone()).chain(bits).collect()
            }
            _ => Vec::new(),
        }
    }

    pub fn spacings(&self) -> Vec<f64> {
        match &self.coding {
            Coding::States { code, numbers, .. } => {
                numbers.iter().map(Numbers::spacing).chain((0..code.width()).map(|_| 1.0)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A column of one cell; `missing` says whether that is a word for a missing one.
    pub fn cell(&self, cell: &str, missing: bool) -> Result<Column> {
        let wrong = |what: &str| Error::usage(format!("`{}` is {what}, and `{cell}` is not: give another value", self.name));
        let level = self.levels.iter().position(|level| level == cell);
        let missing = missing && level.is_none();
        let column = match &self.kind {
            Kind::Level => {
                let code = match level {
                    Some(code) => code,
                    None if missing => 0,
                    None => {
                        let near = nearest(cell, self.levels.iter().map(String::as_str));
                        let hint = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
                        return Err(Error::usage(format!(
                            "`{cell}` is not a category of `{}` in the training data{hint}; its categories are {}",
                            self.name,
                            self.levels.join(", ")
                        )));
                    }
                };
                Column::categories(&self.name, vec![code as u32], self.levels.clone())?
            }
            _ if missing => Column::numbers(&self.name, vec![f64::NAN]),
            Kind::Number(form) => Column::numbers(&self.name, vec![form.read(cell).ok_or_else(|| wrong("a number"))?]),
            Kind::Integer => Column::integers(&self.name, vec![whole(cell).ok_or_else(|| wrong("an integer"))?]),
            Kind::Date(form) => {
                let micros = form.read(cell).ok_or_else(|| wrong(&format!("a date such as {}", form.write(0))))?;
                Column::dates(&self.name, vec![micros], form.clone())
            }
        };
        column.with_missing(vec![missing])
    }

    /// Columns `at` and on of a table of numbers as this column.
    pub fn decode(&self, numbers: &Table, at: usize, random: &mut ChaCha8Rng) -> Result<Column> {
        let rows = numbers.rows();
        let cells: Vec<Option<f64>> = match &self.coding {
            Coding::Constant { value } => vec![*value; rows],
            Coding::Identifier { next: Some(next) } => {
                let values = (0..rows as i64).map(|row| next.saturating_add(row)).collect();
                return Ok(Column::integers(&self.name, values).with_type(self.ty));
            }
            Coding::Identifier { next: None } => {
                let tag: u32 = random.random();
                let levels = (1..=rows).map(|row| format!("{tag:08x}-{row:0width$}", width = rows.to_string().len()));
                return Ok(Column::categories(&self.name, (0..rows as u32).collect(), levels)?.with_type(self.ty));
            }
            Coding::States { states, code, numbers: own } => {
                let of_words = code.states_of_words();
                let first = at + usize::from(own.is_some());
                let mut cell = |row: usize| {
                    let row = numbers.row(row);
                    match states[Code::read(&of_words, &row[first..first + code.width()])] {
                        State::Missing => None,
                        State::Rare => Some(f64::from(drawn(&self.rare, random.random()))),
                        State::Value(value) => Some(value),
                        State::Number => own.as_ref().map(|own| own.read(row[at])),
                    }
                };
                (0..rows).map(&mut cell).collect()
            }
        };
        let missing: Vec<bool> = cells.iter().map(Option::is_none).collect();
        let values = cells.into_iter().map(|cell| cell.unwrap_or(0.0));
        let column = match &self.kind {
            Kind::Number(form) => Column::numbers(&self.name, values.collect()).with_form(form.clone()),
            Kind::Integer => Column::integers(&self.name, values.map(|value| self.integer(value)).collect()),
            Kind::Date(form) => {
                Column::dates(&self.name, values.map(|value| (value * 1e6).round() as i64).collect(), form.clone())
            }
            Kind::Level => Column::categories(&self.name, values.map(|value| value as u32).collect(), self.levels.clone())?,
        };
        column.with_type(self.ty).with_missing(missing)
    }
}

/// One of the rare levels, by a number that is uniform in 0..1.
fn drawn(rare: &[(u32, f64)], uniform: f64) -> u32 {
    let mut left = uniform;
    let found = rare.iter().find(|(_, share)| {
        left -= share;
        left < 0.0
    });
    found.or(rare.last()).map_or(0, |(level, _)| *level)
}
