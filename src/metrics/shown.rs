//! An evaluation as text: the verdict, the columns by how far they are off, every score, and notes.

use super::{Better, Evaluation, Score};
use crate::words::{number, table};
use std::fmt;

/// Columns that are listed.
const COLUMNS: usize = 12;

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = vec![format!("{}\n", self.verdict)];
        let card = self.scorecard.as_ref();
        if let Some(said) = card.map(|card| card.said()).filter(|said| !said.is_empty()) {
            parts[0] += &format!("{said}\n");
        }
        if let Some(efficacy) = &self.efficacy {
            parts[0] += &format!("{}\n", efficacy.said());
        }
        if let Some(closest) = &self.closest {
            parts[0] += &format!("{}\n", closest.said());
        }
        match card.filter(|card| card.has_types) {
            Some(card) => parts.push(card.text()),
            None if !self.by_column.is_empty() => parts.push(by_column(self)),
            None => (),
        }
        let mut scores = scores(self);
        scores += &subsampled(self);
        let of_card = card.map_or(&[][..], |card| &card.notes);
        self.notes.iter().chain(of_card).for_each(|note| scores += &format!("{note}\n"));
        parts.push(scores);
        f.write_str(parts.join("\n").trim_end())
    }
}

/// The columns of the file, the farthest off first.
fn by_column(found: &Evaluation) -> String {
    let mut rows = vec![["column", "distance", "p", "mean shift"].map(String::from).to_vec()];
    for column in found.by_column.iter().take(COLUMNS) {
        let shift = match column.shift {
            Some(shift) => format!("{} sd", number(shift, 2)),
            None if column.is_categorical() => "categories".into(),
            None => "constant".into(),
        };
        rows.push(vec![column.column.clone(), number(column.distance, 3), probability(column.p_value), shift]);
    }
    let more = found.by_column.len().saturating_sub(COLUMNS);
    let more = if more > 0 { format!("and {more} columns that are nearer\n") } else { String::new() };
    table(&rows) + &more
}

fn probability(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".into() } else { number(p, 2) }
}

/// A line for each number of rows that some scores were cut to.
fn subsampled(found: &Evaluation) -> String {
    let mut cut: Vec<(usize, Vec<&str>)> = Vec::new();
    for score in found.scores() {
        let Some(rows) = score.score.rows_used else { continue };
        match cut.iter_mut().find(|(known, _)| *known == rows) {
            Some((_, names)) => names.push(score.name),
            None => cut.push((rows, vec![score.name])),
        }
    }
    let line =
        |(rows, names): (usize, Vec<&str>)| format!("At most {rows} rows of each set, drawn at random: {}\n", names.join(", "));
    cut.into_iter().map(line).collect()
}

/// A line for each score.
fn scores(found: &Evaluation) -> String {
    let mut rows = vec![["score", "value", "95 % interval", "p", "best", "what it is"].map(String::from).to_vec()];
    for score in found.scores() {
        let best = match score.better {
            Better::Lower => "lower".into(),
            Better::Higher => "higher".into(),
            Better::Near(value) => format!("near {}", number(value, 2)),
        };
        let Score { value, interval, p_value, .. } = score.score;
        let interval = interval.map(|[low, high]| format!("[{}, {}]", number(low, 3), number(high, 3))).unwrap_or_default();
        let p = p_value.map(probability).unwrap_or_default();
        rows.push(vec![score.name.into(), number(value, 4), interval, p, best, score.meaning.into()]);
    }
    table(&rows)
}
