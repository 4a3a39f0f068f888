//! The cells of a table as the numbers of an encoding.

use std::collections::HashMap;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::{Coding, EncodedColumn, Numbers, State, key, values_from};
use crate::data::encoding::code::Code;
use crate::data::{Table, nearest};
use crate::words::grouped;
use crate::{Error, Result};

impl EncodedColumn {
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
}

/// Writes the cells of a table's column as numbers.
pub(in crate::data::encoding) struct Writer<'a> {
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
