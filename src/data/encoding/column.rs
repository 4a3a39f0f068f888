//! One column: the states that it can be in, and the numbers of one of them.

use std::collections::{HashMap, HashSet};

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::quantile::Quantile;
use crate::data::number_form::{NumberForm, whole};
use crate::data::{Column, ColumnType, DateForm, Table, nearest};
use crate::words::grouped;
use crate::{Error, Result};

/// Share of a column's cells that one value has from which on it is a state of its own, if it also comes so many times as often as the most frequent one that is
/// none.
const ATOM: f64 = 0.05;
const ABOVE_OTHERS: usize = 3;
/// Rows that a state has at least.
const LEAST_ROWS: usize = 10;
/// States of that kind at most.
const MOST_ATOMS: usize = 16;
/// Values at most of a column whose values are all states, because as many multiples of their unit lie between them that never come.
const MOST_LISTED: usize = 32;
/// Whole numbers are as good as continuous where their standard deviation is so many times the unit; below, a value that comes often is one of them like any other.
const FINE: f64 = 10.0;
/// Skewness and excess kurtosis from which on a column goes by ranks: those of the exponential distribution are 2 and 6.
const SKEWED: f64 = 1.5;
const HEAVY: f64 = 5.0;
/// Distinct values below which there is no use in ranks.
const LEAST_DISTINCT: usize = 20;

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

impl Kind {
    fn of(table: &Table, j: usize) -> Self {
        match (table.levels(j), table.date_form(j), table.integers(j).is_some()) {
            (Some(_), ..) => Self::Level,
            (_, Some(form), _) => Self::Date(form.clone()),
            (_, _, true) => Self::Integer,
            _ => Self::Number(table.number_form(j).cloned().unwrap_or_default()),
        }
    }

    /// What all of these values are multiples of: the largest such number, of whole numbers, dates, and numbers of few decimals.
    fn unit(&self, values: &[f64]) -> Option<f64> {
        let finest = match self {
            Self::Integer => 1.0,
            Self::Date(form) => form.unit() as f64 / 1e6,
            Self::Number(form) => 0.1f64.powi(i32::from(form.decimals?)),
            Self::Level => return None,
        };
        let whole = |value: &f64| (value / finest).round().abs() as u64;
        let common = values.iter().map(whole).fold(0, gcd);
        Some(common.max(1) as f64 * finest)
    }
}

/// A value's bits: a zero of either sign is one value.
fn key(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Numbers {
    fn fit(values: &[f64], kind: &Kind) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let moment = |k: i32| values.iter().map(|value| (value - mean).powi(k)).sum::<f64>() / n;
        let variance = moment(2);
        let scale = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        let (skewness, kurtosis) = (moment(3) / scale.powi(3), moment(4) / scale.powi(4) - 3.0);
        let unit = kind.unit(values);
        let fine = unit.is_none_or(|unit| scale > FINE * unit);
        let odd = skewness.abs() > SKEWED || kurtosis > HEAVY;
        let mut distinct = values.to_vec();
        distinct.sort_unstable_by(f64::total_cmp);
        let (low, high) = (distinct[0], distinct[distinct.len() - 1]);
        distinct.dedup();
        let quantile = (fine && odd && distinct.len() >= LEAST_DISTINCT).then(|| Quantile::fit(values.to_vec())).flatten();
        Self { low, high, mean, scale, unit, quantile }
    }

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
    /// Column `j` of a table, fitted to some of its rows. What the others have is known besides: levels, whether cells are missing, and identifiers.
    /// Levels that fewer than `min_count` of the rows have are pooled.
    pub fn fit(table: &Table, j: usize, rows: &[usize], min_count: usize) -> Result<Self> {
        let ty = table.column_type(j);
        let kind = Kind::of(table, j);
        let missing = |row: usize| table.missing(j).is_some_and(|missing| missing[row]);
        // Only where doubles do not hold them all: others are themselves.
        let base =
            table.exact_integers(j).and_then(|all| (0..table.rows()).filter(|&row| !missing(row)).map(|row| all[row]).min());
        let base = base.unwrap_or(0);
        let counted = values_from(table, j, base);
        let value = |row: usize| counted.as_ref().map_or(table.row(row)[j], |values| values[row]);
        let values: Vec<f64> = rows.iter().filter(|&&row| !missing(row)).map(|&row| value(row)).collect();
        let all = || (0..table.rows()).filter(|&row| !missing(row)).map(value);
        let mut rare = Vec::new();
        let coding = match ty {
            ColumnType::Constant => Coding::Constant { value: all().next() },
            ColumnType::Identifier => {
                let last = table.integers(j).and_then(|all| all.into_iter().max());
                Coding::Identifier { next: last.map(|last| last.saturating_add(1)) }
            }
            _ => {
                let absent = (0..table.rows()).any(missing).then_some(rows.len() - values.len());
                let has_more = || {
                    let own: HashSet<u64> = values.iter().map(|&value| key(value)).collect();
                    rows.len() < table.rows() && all().any(|value| !own.contains(&key(value)))
                };
                let levels = table.levels(j).map_or(0, <[String]>::len);
                let (coding, pooled) = Self::states(&kind, &values, absent, &has_more, (levels, min_count))?;
                rare = pooled;
                coding
            }
        };
        let learned = !matches!(coding, Coding::Identifier { .. });
        let levels = table.levels(j).filter(|_| learned).unwrap_or_default().to_vec();
        Ok(Self { name: table.columns()[j].clone(), ty, kind, levels, base, rare, coding })
    }

    /// The states of these values, and the rare levels with their shares; `absent` of the rows are missing, where any row of the table is, and `has_more` says whether other rows have further values.
    /// Of a column of texts it is known how many levels there are, and how many rows one has at least that is no rare one.
    fn states(
        kind: &Kind,
        values: &[f64],
        absent: Option<usize>,
        has_more: &dyn Fn() -> bool,
        (levels, min_count): (usize, usize),
    ) -> Result<(Coding, Vec<(u32, f64)>)> {
        let mut sorted: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut counts: Vec<(f64, usize)> = sorted.chunk_by(|a, b| key(*a) == key(*b)).map(|own| (own[0], own.len())).collect();
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.total_cmp(&b.0)));
        let often = |count: usize| count >= LEAST_ROWS && count as f64 >= ATOM * values.len() as f64;
        let fine = kind.unit(values).is_none_or(|unit| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
            variance.sqrt() > FINE * unit
        });
        // Few values with gaps between them are a list rather than a scale: nothing between them ever comes.
        let listed = counts.len() <= MOST_LISTED
            && counts.iter().all(|(_, count)| *count >= LEAST_ROWS)
            && kind.unit(values).is_some_and(|unit| {
                let (low, high) =
                    values.iter().fold((f64::MAX, f64::MIN), |(low, high), &value| (low.min(value), high.max(value)));
                (high - low) / unit + 1.0 >= 2.0 * counts.len() as f64
            });
        let mut states = match kind {
            Kind::Level => {
                // A level without a row is a state all the same: other rows may have it.
                let mut all: Vec<(f64, usize)> = (0..levels).map(|code| (code as f64, 0)).collect();
                counts.iter().for_each(|(code, count)| all[*code as usize].1 = *count);
                all
            }
            // Two numbers are two states, and a handful that each come often are no continuum.
            _ if counts.len() <= 2
                || counts.len() <= MOST_ATOMS && matches!(kind, Kind::Number(_)) && counts.iter().all(|c| often(c.1)) =>
            {
                counts.clone()
            }
            _ if listed => counts.clone(),
            _ if fine => {
                let others = |k: usize| counts.get(k).map_or(0, |other| ABOVE_OTHERS * other.1);
                let atoms =
                    (1..=MOST_ATOMS.min(counts.len())).filter(|&k| often(counts[k - 1].1) && counts[k - 1].1 >= others(k));
                counts[..atoms.max().unwrap_or(0)].to_vec()
            }
            _ => Vec::new(),
        };
        // In their own order: a file's rows may come in any.
        states.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut rare: Vec<(f64, usize)> = Vec::new();
        if matches!(kind, Kind::Level) {
            // The most frequent one is never among them: a column of rare levels alone would have nothing to learn.
            let most = counts.first().map(|(code, _)| *code);
            rare = states.iter().copied().filter(|(code, count)| *count < min_count && Some(*code) != most).collect();
        }
        // One alone is a state as good as any.
        match rare.len() {
            0 | 1 => rare.clear(),
            _ => states.retain(|state| !rare.contains(state)),
        }
        let rest: Vec<f64> = match kind {
            Kind::Level => Vec::new(),
            _ => values.iter().copied().filter(|value| states.iter().all(|(atom, _)| atom != value)).collect(),
        };
        let mut all: Vec<(State, usize)> = states.into_iter().map(|(value, count)| (State::Value(value), count)).collect();
        let numbers = match kind {
            Kind::Level => None,
            _ if rest.is_empty() => (!values.is_empty() && has_more()).then(|| Numbers::fit(values, kind)),
            _ => Some(Numbers::fit(&rest, kind)),
        };
        if numbers.is_some() {
            all.push((State::Number, rest.len()));
        }
        if !rare.is_empty() {
            all.push((State::Rare, rare.iter().map(|(_, count)| count).sum()));
        }
        // Half a row more for each, for one that no training row has comes all the same.
        let total: f64 = rare.iter().map(|(_, count)| *count as f64 + 0.5).sum();
        let rare = rare.into_iter().map(|(code, count)| (code as u32, (count as f64 + 0.5) / total)).collect();
        if let Some(absent) = absent {
            all.push((State::Missing, absent));
        }
        let code = Code::new(&all.iter().map(|(_, count)| *count).collect::<Vec<_>>())?;
        Ok((Coding::States { states: all.into_iter().map(|(state, _)| state).collect(), code, numbers }, rare))
    }

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

    /// What writes the cells of a table's column as numbers.
    pub fn writer<'a>(&'a self, table: &'a Table, j: usize) -> Result<Writer<'a>> {
        let Coding::States { states, code, numbers } = &self.coding else {
            return Err(Error::data(format!("column `{}` is not learned", self.name)));
        };
        let text = !self.levels.is_empty();
        if text != table.levels(j).is_some() {
            let (was, is) = if text { ("text", "numbers") } else { ("numbers", "text") };
            let (name, origin) = (&self.name, table.origin());
            return Err(Error::data(format!("column `{name}` of {origin} holds {is}, and it was {was} in the training data")));
        }
        let mut known = HashMap::new();
        let (mut number, mut missing) = (None, None);
        let rare: HashMap<u32, f64> = self.rare.iter().copied().collect();
        for (at, state) in states.iter().enumerate() {
            match state {
                State::Rare => known.extend(rare.keys().map(|level| (key(f64::from(*level)), at))),
                State::Number => number = Some(at),
                State::Missing => missing = Some(at),
                State::Value(value) => {
                    known.insert(key(*value), at);
                }
            }
        }
        // The table's levels as those that were fitted: by their names.
        let levels = table.levels(j).map(|levels| {
            let own: HashMap<&str, usize> = self.levels.iter().enumerate().map(|(at, level)| (level.as_str(), at)).collect();
            levels.iter().map(|level| own.get(level.as_str()).copied()).collect()
        });
        Ok(Writer {
            column: self,
            table,
            j,
            code,
            numbers: numbers.as_ref(),
            known,
            number,
            missing,
            levels,
            rare,
            counted: values_from(table, j, self.base),
        })
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

/// Writes the cells of a table's column as numbers.
pub(super) struct Writer<'a> {
    column: &'a EncodedColumn,
    table: &'a Table,
    j: usize,
    code: &'a Code,
    numbers: Option<&'a Numbers>,
    /// The state of each value that is one, by its bits.
    known: HashMap<u64, usize>,
    number: Option<usize>,
    missing: Option<usize>,
    /// The table's levels among those that were fitted.
    levels: Option<Vec<Option<usize>>>,
    /// Its values where they are counted from another number than zero.
    counted: Option<Vec<f64>>,
    /// The share of each rare level among them.
    rare: HashMap<u32, f64>,
}

impl Writer<'_> {
    /// Whether a cell has a state.
    pub fn knows(&self, row: usize) -> bool {
        let cell = self.value(row);
        if self.table.is_missing(row, self.j) {
            return self.missing.is_some();
        }
        match &self.levels {
            Some(levels) => levels[cell as usize].is_some_and(|level| self.known.contains_key(&key(level as f64))),
            None => self.number.is_some() || self.known.contains_key(&key(cell)),
        }
    }

    /// Appends a cell's number, if the column has one, and its bits.
    pub fn write(&self, row: usize, random: &mut ChaCha8Rng, into: &mut Vec<f64>) -> Result<()> {
        let cell = self.value(row);
        let missing = self.table.missing(self.j).map_or(cell.is_nan(), |missing| missing[row]);
        let (state, value) = match &self.levels {
            _ if missing => (self.missing.ok_or_else(|| self.unseen(row, "no missing cells"))?, None),
            Some(levels) => {
                let level = levels[cell as usize].and_then(|level| self.known.get(&key(level as f64)));
                (*level.ok_or_else(|| self.unseen_level(row, cell as usize))?, None)
            }
            None => match self.known.get(&key(cell)) {
                Some(state) => (*state, None),
                None => (self.number.ok_or_else(|| self.unseen(row, "not this value"))?, Some(cell)),
            },
        };
        if let Some(numbers) = self.numbers {
            into.push(match value {
                Some(value) => numbers.write(value, random),
                None => random.sample(StandardNormal),
            });
        }
        self.code.write(state, || random.random(), into);
        Ok(())
    }

    fn value(&self, row: usize) -> f64 {
        self.counted.as_ref().map_or(self.table.row(row)[self.j], |values| values[row])
    }

    /// Whether any levels are pooled.
    pub fn is_pooled(&self) -> bool {
        !self.rare.is_empty()
    }

    /// ln of a cell's share among the levels that it is pooled with; 0 of one that is not.
    pub fn log_share(&self, row: usize) -> f64 {
        let cell = self.value(row);
        let level = self.levels.as_ref().filter(|_| !cell.is_nan()).and_then(|levels| levels[cell as usize]);
        level.and_then(|level| self.rare.get(&(level as u32))).map_or(0.0, |share| share.ln())
    }

    fn unseen(&self, row: usize, had: &str) -> Error {
        let (name, origin) = (&self.column.name, self.table.origin());
        Error::data(format!(
            "row {} of {origin} has a cell of `{name}` that the training data did not have ({had} there): correct the cell, or leave the row out",
            grouped(row + 1)
        ))
    }

    fn unseen_level(&self, row: usize, level: usize) -> Error {
        let level = self.table.levels(self.j).map_or("", |levels| levels[level].as_str());
        let guess = nearest(level, self.column.levels.iter().map(String::as_str));
        Error::data(format!(
            "column `{}` of {} holds `{level}` in row {}{}, which is not a category of the training data: correct the cell, or leave the row out",
            self.column.name,
            self.table.origin(),
            grouped(row + 1),
            guess.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
        ))
    }
}
