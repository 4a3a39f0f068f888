//! A scorecard as text: the columns and pairs that are worst, and its scores among the others.

use super::scorecard::{ColumnScores, PairScore, Part, Scorecard};
use super::{Better, NamedScore, Score};
use crate::words::{number, table};

/// Columns and pairs that are listed.
const COLUMNS: usize = 12;
const PAIRS: usize = 5;

impl Scorecard {
    /// Its scores in the order in which people read them.
    pub(super) fn scores(&self) -> Vec<NamedScore> {
        let named = |name, meaning, score: &Score| NamedScore { name, meaning, better: Better::Higher, score: score.clone() };
        let part = |part: &Option<Part>| part.as_ref().map(|part| part.score.clone());
        [
            ("Column shapes", "mean agreement of columns by themselves, 0 to 1", part(&self.shapes)),
            ("Column-pair trends", "the same of pairs that depend on each other in real rows", part(&self.trends)),
            ("All pairs' trends", "the same of all pairs of columns", part(&self.all_trends)),
            ("Missing values", "agreement of the shares of missing cells", part(&self.missing)),
            ("Category coverage", "share of a column's levels that samples have", self.category_coverage.clone()),
            ("Range coverage", "share of a column's range that samples have", self.range_coverage.clone()),
        ]
        .into_iter()
        .filter_map(|(name, meaning, score)| score.map(|score| named(name, meaning, &score)))
        .collect()
    }

    /// In a sentence or two: how near columns and pairs are, beside what real rows would have.
    pub(super) fn said(&self) -> String {
        let of = |name: &str, part: &Option<Part>| {
            part.as_ref().map(|part| {
                let [own, real] = [part.score.value, part.if_equal].map(percent);
                format!("{name} agree to {own} (as many real rows: about {real})")
            })
        };
        let pairs = if self.trends.is_some() { &self.trends } else { &self.all_trends };
        let parts: Vec<String> =
            [of("columns by themselves", &self.shapes), of("pairs of columns", pairs)].into_iter().flatten().collect();
        let Some(first) = parts.first() else { return String::new() };
        format!("{}{}.", first[..1].to_uppercase(), &parts.join(", ")[1..])
    }

    /// The columns, the worst first: name, type, shape, what real rows would have, what differs.
    pub(super) fn text(&self) -> String {
        let head = ["column", "type", "shape", "real rows", "missing", "coverage", "what differs"];
        let mut rows = vec![head.map(String::from).to_vec()];
        rows.extend(self.columns.iter().take(COLUMNS).map(ColumnScores::cells));
        let more = self.columns.len().saturating_sub(COLUMNS);
        let more = if more > 0 { format!("and {more} columns that are nearer\n") } else { String::new() };
        let mut text = table(&rows) + &more;
        let far: Vec<&PairScore> = self.pairs.iter().filter(|pair| pair.is_far()).take(PAIRS).collect();
        if !far.is_empty() {
            let mut rows = vec![["pair", "trend", "real rows", "what differs"].map(String::from).to_vec()];
            rows.extend(far.into_iter().map(PairScore::cells));
            text += &format!("\n{}", table(&rows));
        }
        text
    }
}

impl ColumnScores {
    /// A line of a table.
    pub fn cells(&self) -> Vec<String> {
        let shown = |value: Option<f64>| value.map_or("–".into(), |value| number(value, 3));
        let shape = self.shape.as_ref();
        let missing = if self.missing_shares == [0.0; 2] { "–".into() } else { number(self.missing.score.value, 3) };
        vec![
            self.column.clone(),
            self.column_type.to_string(),
            shown(shape.map(|shape| shape.score.value)),
            shown(shape.map(|shape| shape.if_equal)),
            missing,
            shown(self.coverage.as_ref().map(|score| score.value)),
            self.difference.clone(),
        ]
    }
}

impl PairScore {
    /// Whether the pair is farther off than equal distributions are but for chance.
    pub fn is_far(&self) -> bool {
        self.trend.score.interval.is_some_and(|[_, high]| high < 1.0)
    }

    /// A line of a table.
    pub fn cells(&self) -> Vec<String> {
        let [a, b] = &self.columns;
        let said = match self.correlations {
            Some([real, new]) => format!("correlation {} in real rows, {} in samples", number(real, 2), number(new, 2)),
            None => "how often values stand together".into(),
        };
        vec![format!("{a}, {b}"), number(self.trend.score.value, 3), number(self.trend.if_equal, 3), said]
    }
}

fn percent(share: f64) -> String {
    format!("{} %", number(100.0 * share, 3))
}
