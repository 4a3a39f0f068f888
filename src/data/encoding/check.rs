//! What an encoding must be to be used: one that was read from a file can be damaged.

use super::Encoding;
use super::column::{Coding, EncodedColumn, Numbers};

impl Encoding {
    /// Refuses what no fit gives: sizes that do not fit each other, and numbers out of range.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.columns.iter().try_for_each(|column| {
            let problem = column.problem();
            problem.map_or(Ok(()), |problem| Err(format!("the encoding of column `{}` {problem}", column.name)))
        })?;
        if self.has_whole_groups() { Ok(()) } else { Err("the encoding has groups of indicators that are none".into()) }
    }

    /// Whether the last columns, which take this many columns of numbers, are whole ones.
    pub(crate) fn ends_at(&self, numbers: usize) -> bool {
        let mut behind = 0;
        numbers == 0
            || self.columns.iter().rev().any(|column| {
                behind += column.width();
                behind == numbers
            })
    }
}

impl EncodedColumn {
    fn problem(&self) -> Option<&'static str> {
        match &self.coding {
            Coding::Constant { value: Some(value) } if !value.is_finite() => Some("has a value that is not finite"),
            Coding::States { states, code, numbers, .. } => match () {
                _ if states.is_empty() || !code.is_of(states.len()) => Some("has a code that does not fit its states"),
                _ if states.iter().any(|state| !self.can_have(*state)) => Some("has a state that no cell can be in"),
                _ => numbers.as_ref().and_then(Numbers::problem),
            },
            _ => None,
        }
    }
}

impl Numbers {
    fn problem(&self) -> Option<&'static str> {
        let finite = [self.low, self.high, self.mean, self.scale].iter().all(|number| number.is_finite());
        let positive = |number: f64| number.is_finite() && number > 0.0;
        match () {
            _ if !finite || self.low > self.high => Some("has bounds or a mean that are not finite or out of order"),
            _ if !positive(self.scale) || !self.unit.is_none_or(positive) => Some("has a scale or a unit that is not above 0"),
            _ if !self.quantile.as_ref().is_none_or(|quantile| quantile.is_increasing()) => {
                Some("has quantiles that do not increase")
            }
            _ => None,
        }
    }
}
