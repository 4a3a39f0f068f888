//! What a description must be to be used: one that was read from a file can be damaged.

use super::Description;

/// Weights up to which a network takes little room, whatever the file holds.
const LARGE: usize = 1 << 24;

impl Description {
    /// Refuses what no training writes: sizes that do not fit each other, and numbers out of range.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        let columns = self.columns.len();
        let per_column = [
            self.standardization.mean.len(),
            self.standardization.scale.len(),
            self.rounding.columns.len(),
            self.dequantized.len(),
        ];
        let usable = |scale: f64| scale.is_finite() && scale > 0.0;
        match () {
            _ if self.conditions >= columns => Err("every column is a conditioning column, and none is generated".into()),
            _ if per_column != [columns; 4] || self.condition_ranges.len() != self.conditions => {
                Err("it does not say the same number of columns everywhere".into())
            }
            _ if !self.standardization.mean.iter().all(|mean| mean.is_finite())
                || !self.standardization.scale.iter().all(|scale| usable(*scale)) =>
            {
                Err("its columns have no mean, or no standard deviation above 0".into())
            }
            _ if self.dequantized.iter().any(|width| !(width.is_finite() && *width >= 0.0)) => {
                Err("the values of its columns have no spacing of 0 or above".into())
            }
            _ => self.encoding.as_ref().map_or(Ok(()), |encoding| {
                encoding.check()?;
                let fits = encoding.names() == self.columns && (self.training.impute || encoding.ends_at(self.conditions));
                if fits { Ok(()) } else { Err("its encoding is of other columns".into()) }
            }),
        }
    }

    /// Refuses a large network that this many numbers cannot be the weights of, before room is made for it.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn check_weights(&self, numbers: usize) -> Result<(), String> {
        let width = self.training.hidden_width;
        // Between two hidden layers there is a matrix.
        let least = width * width * self.training.hidden_layers.saturating_sub(1);
        if least <= numbers.max(LARGE) {
            return Ok(());
        }
        Err(format!("its network has {least} weights or more, and it holds {numbers}"))
    }
}
