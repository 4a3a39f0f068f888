//! The scorecard of a table with columns of any type: what differs, column by column and pair by pair, in the words of whoever owns the data.

use serde::{Deserialize, Serialize};

use super::agreement::Difference;
use super::mixed::{Mixed, MixedColumn};
use super::trends::{self, Pair};
use super::{Score, coverage, shapes};
use crate::Result;
use crate::data::{ColumnType, DateForm, Table};
use crate::words::{grouped, number};

/// Rows of each set at most: contingencies of all pairs take a few seconds then.
const ROWS: usize = 100_000;

/// How near samples are to a reference, column by column and pair by pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// The mean of the columns' shapes ("Column Shapes" of SDMetrics' quality report).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shapes: Option<Part>,
    /// The mean of the pairs' trends, of those that depend on each other in the reference ("Column Pair Trends" of that report).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trends: Option<Part>,
    /// The mean of all pairs' trends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_trends: Option<Part>,
    /// The mean similarity of the shares of missing cells, over the columns that have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Part>,
    /// The mean coverage of levels, and of ranges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_coverage: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_coverage: Option<Score>,
    /// The columns, the worst first.
    pub columns: Vec<ColumnScores>,
    /// The pairs, the worst first.
    pub pairs: Vec<PairScore>,
    /// Whether a column is of another type than number, or lacks cells.
    #[serde(default)]
    pub has_types: bool,
    /// What was left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A score from 0 to 1, and what as many rows of the reference's own distribution have on average.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    #[serde(flatten)]
    pub score: Score,
    pub if_equal: f64,
}

/// The scores of a column by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnScores {
    pub column: String,
    pub column_type: ColumnType,
    /// `KSComplement` or `TVComplement`; none where a set has no cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Part>,
    /// `MissingValueSimilarity`, and the shares of missing cells of the reference and of the samples.
    pub missing: Part,
    pub missing_shares: [f64; 2],
    /// `CategoryCoverage` of categories and booleans, `RangeCoverage` of numbers and dates; none where the reference has one value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Score>,
    /// What differs most, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub difference: String,
}

/// The score of a pair of columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PairScore {
    pub columns: [String; 2],
    /// `CorrelationSimilarity` or `ContingencySimilarity`.
    #[serde(flatten)]
    pub trend: Part,
    /// Pearson's correlation in the reference and in the samples, of two columns of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlations: Option<[f64; 2]>,
    /// Whether the columns depend on each other in the reference: |r| above .5, Cramér's V above .3.
    pub related: bool,
}

impl Part {
    fn of(difference: &Difference) -> Self {
        Self { score: difference.score(), if_equal: 1.0 - difference.if_equal }
    }
}

impl ColumnScores {
    /// How much worse the column is than real rows would be: what columns are sorted by.
    fn lack(&self) -> f64 {
        let of = |part: &Part| (part.if_equal - part.score.value).max(0.0);
        of(&self.missing).max(self.shape.as_ref().map_or(0.0, of))
    }
}

/// The scorecard of samples against a reference. Columns are found by name; identifiers are left out.
///
/// # Errors
/// A column that the samples do not have, or have with another type; no column to compare.
pub fn scorecard(reference: &Table, samples: &Table, seed: u64) -> Result<Scorecard> {
    let mut tables = Mixed::of(&[reference, samples], seed)?;
    let mut notes = Vec::new();
    if tables.limit(ROWS, seed) {
        notes.push(format!("At most {} rows of each set, drawn at random: column shapes, trends and coverage", grouped(ROWS)));
    }
    let form = |column: &MixedColumn| reference.index_of(&column.name).ok().and_then(|j| reference.date_form(j)).cloned();
    let shapes: Vec<Option<Difference>> = tables.columns.iter().map(shapes::difference).collect();
    let missing: Vec<(Difference, [f64; 2])> = tables.columns.iter().map(coverage::missing).collect();
    let mut columns = Vec::new();
    for (column, (shape, (missing, missing_shares))) in tables.columns.iter().zip(shapes.iter().zip(&missing)) {
        let covered = coverage::of_categories(column);
        let lacking = covered.as_ref().map_or(0, |(_, lacking)| lacking.len());
        let found = ColumnScores {
            column: column.name.clone(),
            column_type: column.ty,
            shape: shape.as_ref().map(Part::of),
            missing: Part::of(missing),
            missing_shares: *missing_shares,
            coverage: covered.map(|(score, _)| score).or_else(|| coverage::of_range(column)),
            difference: String::new(),
        };
        let difference = difference(column, &found, lacking, form(column).as_ref());
        columns.push(ColumnScores { difference, ..found });
    }
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by(|&a, &b| columns[b].lack().total_cmp(&columns[a].lack()));
    if order.len() > trends::MOST_COLUMNS {
        notes.push(format!("Pairs are scored among the {} columns that are farthest off", trends::MOST_COLUMNS));
    }
    let mut paired: Vec<usize> = order.iter().copied().take(trends::MOST_COLUMNS).collect();
    paired.sort_unstable();
    let pairs = trends::pairs(&tables, &paired);
    let mean = |of: &dyn Fn(&Pair) -> bool| {
        let some: Vec<&Pair> = pairs.iter().filter(|pair| of(pair)).collect();
        trends::mean(&tables, &some).map(|(score, if_equal)| Part { score, if_equal })
    };
    let (related, all_trends) = (mean(&|pair| pair.related), mean(&|_| true));
    let covered = |categories: bool| {
        let of = tables.columns.iter().zip(&columns).filter(|(column, _)| column.levels.is_some() == categories);
        mean_of(of.filter_map(|(_, scores)| scores.coverage.as_ref()))
    };
    let mut pairs: Vec<PairScore> = pairs
        .iter()
        .map(|pair| PairScore {
            columns: pair.columns.map(|j| tables.columns[j].name.clone()),
            trend: Part { score: pair.score.clone(), if_equal: pair.if_equal },
            correlations: pair.correlations,
            related: pair.related,
        })
        .collect();
    let lack = |pair: &PairScore| pair.trend.if_equal - pair.trend.score.value;
    pairs.sort_by(|a, b| lack(b).total_cmp(&lack(a)));
    Ok(Scorecard {
        shapes: Difference::mean(shapes.iter().flatten()).as_ref().map(Part::of),
        trends: related,
        all_trends,
        missing: Difference::mean(missing.iter().filter(|(_, shares)| *shares != [0.0; 2]).map(|(of, _)| of))
            .as_ref()
            .map(Part::of),
        category_coverage: covered(true),
        range_coverage: covered(false),
        has_types: tables.has_types(),
        columns: order.iter().map(|&at| columns[at].clone()).collect(),
        pairs,
        notes,
    })
}

/// The mean of scores that do not depend on each other, and the interval that their own would have: half-widths add as squares.
fn mean_of<'a>(scores: impl Iterator<Item = &'a Score> + Clone) -> Option<Score> {
    let count = scores.clone().count() as f64;
    let value = scores.clone().map(|score| score.value).sum::<f64>() / count;
    let below = scores.filter_map(|score| score.interval.map(|[low, _]| (score.value - low).powi(2))).sum::<f64>().sqrt();
    (count > 0.0).then(|| Score { value, interval: Some([value - below / count, value]), ..Score::default() })
}

/// Shares, in words.
fn percent(share: f64) -> String {
    format!("{} %", number(100.0 * share, 2))
}

/// What differs most in a column; nothing where it is as near as real rows would be.
fn difference(column: &MixedColumn, scores: &ColumnScores, lacking: usize, form: Option<&DateForm>) -> String {
    // Below the interval of equal distributions, which is as wide above it.
    let is_far = |part: &Part| part.score.interval.is_some_and(|[_, high]| high < 1.0);
    let mut said = Vec::new();
    if scores.shape.as_ref().is_some_and(is_far) {
        said.push(match &column.levels {
            Some(levels) => of_levels(column, levels),
            None => of_numbers(column, form),
        });
    }
    let [real, new] = scores.missing_shares;
    if is_far(&scores.missing) || (real == 0.0) != (new == 0.0) {
        said.push(format!("missing in {} of real rows and in {} of samples", percent(real), percent(new)));
    }
    if lacking > 0 {
        let levels = if lacking == 1 { "level is" } else { "levels are" };
        said.push(format!("{lacking} {levels} never sampled"));
    }
    said.join("; ")
}

/// The level whose share differs most.
fn of_levels(column: &MixedColumn, levels: &[String]) -> String {
    let shares = [0, 1].map(|set| {
        let mut shares = vec![0.0; levels.len()];
        let present = column.present(set).len() as f64;
        column.codes(set).flatten().for_each(|code| shares[code] += 1.0 / present);
        shares
    });
    let apart = |level: usize| (shares[0][level] - shares[1][level]).abs();
    let worst = (0..levels.len()).max_by(|&a, &b| apart(a).total_cmp(&apart(b)).then(b.cmp(&a))).unwrap_or(0);
    format!("`{}` is {} of real rows and {} of samples", levels[worst], percent(shares[0][worst]), percent(shares[1][worst]))
}

/// The quantile that differs most, in units of the middle half of the real rows.
fn of_numbers(column: &MixedColumn, form: Option<&DateForm>) -> String {
    let sorted = [0, 1].map(|set| {
        let mut values = column.present(set);
        values.sort_unstable_by(f64::total_cmp);
        values
    });
    let at = |set: usize, share: f64| sorted[set][(share * (sorted[set].len() - 1) as f64).round() as usize];
    let named = [
        ("median", 0.5),
        ("lower quartile", 0.25),
        ("upper quartile", 0.75),
        ("lowest tenth ends", 0.1),
        ("highest tenth begins", 0.9),
    ];
    let apart = |share: f64| (at(0, share) - at(1, share)).abs();
    let written = |value: f64| form.map_or_else(|| number(value, 3), |form| form.write(value as i64));
    // The first of those that differ as much.
    let worst = named.iter().rev().max_by(|a, b| apart(a.1).total_cmp(&apart(b.1)));
    match worst {
        Some((name, share)) if apart(*share) > 0.0 => {
            let join = if name.ends_with('s') { " at" } else { "" };
            format!("{name}{join} {} in real rows and{join} {} in samples", written(at(0, *share)), written(at(1, *share)))
        }
        _ => "values repeat in other shares".into(),
    }
}
