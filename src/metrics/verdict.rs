//! What an evaluation says, in a sentence or two.

use super::Evaluation;
use crate::words::number;

/// The chance that a difference is found where there is none, at most.
const FOUND: f64 = 0.05;
/// The p-value of the memorization test below which memorization is reported.
const COPIED: f64 = 1e-3;
/// Columns that are named.
const NAMED: usize = 3;

impl Evaluation {
    /// Whether the samples differ from the reference, how much, and in which columns.
    pub fn verdict(&self) -> String {
        let mut text = self.difference();
        if let Some(copied) = self.memorization.as_ref().filter(|copied| copied.test.p_value.is_some_and(|p| p < COPIED)) {
            text += &format!(
                " The samples lie nearer to the training rows than the reference does ({} of them nearer than a training row's own neighbor): \
                 training rows may be memorized.",
                percent(1.0 - copied.authenticity.value)
            );
        }
        text
    }

    fn difference(&self) -> String {
        // Columns by themselves and rows as a whole have half of the chance each; of several tests of the whole the least p-value, corrected for their number.
        let level = if self.by_column.is_empty() { FOUND } else { 0.5 * FOUND };
        let joint: Vec<f64> =
            [self.c2st.as_ref(), Some(&self.mmd2)].into_iter().flatten().filter_map(|score| score.p_value).collect();
        let least = joint.iter().copied().fold(1.0, f64::min) * joint.len() as f64;
        let columns: Vec<&str> =
            self.by_column.iter().filter(|column| column.p_value < level).map(|column| column.column.as_str()).collect();
        let accuracy = self.c2st.as_ref().map_or(String::new(), |c| {
            format!(": a classifier tells them apart in {} of cases (50 % is chance)", percent(c.value))
        });
        if least >= level && columns.is_empty() {
            return format!("No difference is found between the samples and the reference{accuracy}.");
        }
        let how = match self.c2st.as_ref().map(|c| c.value) {
            None => "The samples differ from the reference",
            Some(accuracy) if accuracy >= 0.9 => "The samples are easily distinguished from the reference",
            Some(accuracy) if accuracy >= 0.7 => "The samples differ clearly from the reference",
            Some(accuracy) if accuracy >= 0.55 => "The samples differ from the reference",
            Some(_) => "The samples differ little from the reference",
        };
        let rounded: Vec<&str> = self
            .by_column
            .iter()
            .filter(|column| column.is_rounded_in_the_reference_alone())
            .map(|column| column.column.as_str())
            .collect();
        let where_ = match columns.as_slice() {
            _ if self.by_column.is_empty() => String::new(),
            [] if !rounded.is_empty() => String::new(),
            [] => " Each column by itself agrees: the sets differ in how columns depend on each other.".into(),
            columns => format!(" Columns whose own distributions differ, the farthest first: {}.", named(columns)),
        };
        let rounded = match rounded.as_slice() {
            [] => String::new(),
            rounded => format!(" Values are rounded in the reference but not in the samples, in: {}.", named(rounded)),
        };
        format!("{how}{accuracy}.{where_}{rounded}")
    }
}

/// The first few, and how many more there are.
fn named(columns: &[&str]) -> String {
    let others = match columns.len().saturating_sub(NAMED) {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    let named: Vec<String> = columns.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    named.join(", ") + &others
}

fn percent(share: f64) -> String {
    format!("{} %", number(100.0 * share, 3))
}
