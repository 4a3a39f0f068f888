//! The page of a tour.

mod plane;
mod sheets;
mod words;

/// What the other modules use, and with the feature `unstable` the tests and the other packages.
mod internal {
    pub use super::words::{headline, line, no_skill, refit};
}
#[cfg(not(feature = "unstable"))]
pub(crate) use internal::*;
#[cfg(feature = "unstable")]
#[doc(hidden)]
pub use internal::*;

use super::gallery::{dots, gallery};
use super::grid::{DOTS, Ink};
use super::{Figure, Many, Page, ScoreTable, Sheet, comparison, moved};
use crate::Result;
use crate::data::{Encoding, Table, in_words, subset};
use crate::gpu::Gpu;
use crate::metrics::scorecard::scorecard;
use crate::metrics::{Evaluation, Points};
use crate::tour::{Kind, Plan, ROWS, SAMPLE, Sets, Tour, root};
use crate::words::{duration, number, plain};
use plane::{Plane, dependent};
use sheets::{best_by, candidates, failed, left_out, one_step, spent};
use words::verdict;

/// Columns of a pair plot.
const PAIRED: usize = 6;

/// The page of what there is so far; `commands` make the tour again.
pub fn page(plan: &Plan, tour: &Tour, gpu: &Gpu, commands: Vec<String>) -> Result<Page> {
    let Sets { train, validation, test } = &tour.scorer.sets;
    let count = |rows: usize| number(rows as f64, 12);
    let state = match (tour.left.is_empty(), tour.interrupted) {
        (true, _) => "done".to_string(),
        (false, true) => format!("interrupted; not run: {}", tour.left.join(", ")),
        (false, false) => format!("under way; to come: {}", tour.left.join(", ")),
    };
    let facts = [
        ("data", plan.source.to_string()),
        (
            "rows",
            format!(
                "{} training, {} validation, {}",
                count(train.rows()),
                count(validation.rows()),
                match test {
                    Some(test) => format!("{} test, which score the winner once", count(test.rows())),
                    None => "no test".into(),
                }
            ),
        ),
        ("columns", in_words_of(train, plan)),
        ("time budget", duration(plan.budget)),
        ("time taken", taken(plan, tour)),
        ("adapter", gpu.summary().name.clone()),
        ("seed", plan.seed.to_string()),
        ("tour", state),
    ];
    let refit = refit(tour);
    let saved = (!refit.is_empty()).then(|| ("saved model".to_string(), refit.trim_start_matches(", ").to_string()));
    let (headline, lead) = verdict(tour);
    let (columns, many) = plan.encoding.as_ref().map_or(Ok((None, None)), |encoding| columns(tour, encoding))?;
    Ok(Page {
        title: format!("A tour of {}", plan.source),
        headline,
        lead,
        facts: facts.map(|(name, value)| (name.to_string(), value)).into_iter().chain(saved).collect(),
        columns,
        many,
        scores: scores(tour),
        predicted: predicted(tour),
        figures: figures(tour, plan.encoding.as_ref())?,
        sheets: vec![candidates(tour), best_by(tour), one_step(tour), spent(tour), failed(tour), left_out(tour)]
            .into_iter()
            .flatten()
            .collect(),
        settings: plan.training.shown(),
        commands,
        footer: format!("pushforward {}", env!("CARGO_PKG_VERSION")),
        ..Page::default()
    })
}

/// How long it took, and why that may be more than the budget.
fn taken(plan: &Plan, tour: &Tour) -> String {
    let over = if tour.elapsed > 1.05 * plan.budget {
        ": more than the budget, since what has begun is finished, and the scores are always made"
    } else {
        ""
    };
    format!("{}{over}", duration(tour.elapsed))
}

/// Every score of the best method beside the baselines and the training rows: on test rows once it is the winner.
fn scores(tour: &Tour) -> Option<ScoreTable> {
    if let Some(tested) = &tour.tested {
        let named: Vec<(&str, &Evaluation)> = tested.scores.iter().map(|(name, found)| (name.as_str(), found)).collect();
        let rows = number(tested.rows as f64, 12);
        let title = format!("{rows} test rows, used for no choice; every column in units of its standard deviation");
        return Some(readable(ScoreTable::new(title, &named)));
    }
    let best = tour.best_method()?;
    let beside = tour.ranked().into_iter().filter(|kept| kept.record.kind == Kind::Baseline).map(|kept| &kept.record);
    let rows = tour.find(ROWS).map(|kept| &kept.record);
    let named: Vec<(&str, &Evaluation)> = std::iter::once(best)
        .chain(beside)
        .chain(rows)
        .filter_map(|record| Some((record.name.as_str(), record.scores.as_ref()?)))
        .collect();
    let rows = number(tour.scorer.sets.validation.rows() as f64, 12);
    let title = format!(
        "{rows} validation rows, which also chose the steps and the winner; every column in units of its standard deviation"
    );
    Some(readable(ScoreTable::new(title, &named)))
}

/// How well models of the best method's rows, of the baselines' and of real rows predict a column.
fn predicted(tour: &Tour) -> Option<Sheet> {
    let tested = tour.tested.as_ref()?;
    let named: Vec<(&str, &Evaluation)> = tested.scores.iter().map(|(name, found)| (name.as_str(), found)).collect();
    Sheet::of_efficacy(&named)
}

/// With what the columns are for.
fn readable(mut table: ScoreTable) -> ScoreTable {
    table.notes.insert(0, "The samples are good where they score like the training rows; the others are baselines.".into());
    table
}

/// The columns of the best method's rows beside validation rows, with their types: which differ most, and how.
fn columns(tour: &Tour, encoding: &Encoding) -> Result<(Option<Sheet>, Option<Many>)> {
    let best = tour.best_method().and_then(|best| tour.find(&best.name)?.rows.as_ref());
    let Some(rows) = best else { return Ok((None, None)) };
    let (real, rows) = (encoding.decode(&tour.scorer.sets.validation, 0)?, encoding.decode(rows, 0)?);
    let card = scorecard(&real, &rows, SAMPLE)?;
    let many = Many::of_columns(&real, &rows, &card, "Validation rows")?;
    let found = Evaluation { scorecard: Some(card), ..Evaluation::default() };
    Ok((Sheet::of_scorecard(&found), Some(many)))
}

/// The generated columns, and the conditions.
fn in_words_of(table: &Table, plan: &Plan) -> String {
    if let Some(encoding) = &plan.encoding {
        return encoding.types().into_iter().map(|(name, ty)| format!("{name} ({ty})")).collect::<Vec<_>>().join(", ");
    }
    let (generated, given) = table.columns().split_at(table.cols() - plan.conditions);
    match given {
        [] => generated.join(", "),
        given => format!("{} given {}", generated.join(", "), in_words(given)),
    }
}

fn figures(tour: &Tour, encoding: Option<&Encoding>) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    if encoding.map_or(tour.scorer.cols(), Encoding::learned) > 1 {
        figures.push(every_candidate(tour, encoding)?);
    }
    let best = tour.best_method().and_then(|best| tour.find(&best.name));
    let Some((best, rows)) = best.and_then(|best| Some((best, best.rows.as_ref()?))) else { return Ok(figures) };
    let real = &tour.scorer.sets.validation;
    // As many samples as real rows: a denser cloud looks like another distribution.
    let shown = |table: &Table| encoding.map_or(Ok(table.clone()), |encoding| encoding.shown(table, false));
    let [real, rows] = [real, rows].map(|table| shown(&subset(table, real.rows().min(rows.rows()), SAMPLE)));
    let (real, rows) = (real?, rows?);
    let picture = |columns: &[usize]| {
        let [real, rows] = [&real, &rows].map(|table| table.select_columns(columns));
        let [real, rows] = moved([&real, &rows])?;
        comparison(Points::of(&real)?, Points::of(&rows)?, real.columns())
    };
    let all: Vec<usize> = (0..real.cols()).collect();
    let name = &best.record.name;
    if all.len() > PAIRED {
        let chosen = dependent(&shown(&tour.scorer.sets.train)?, PAIRED);
        let caption = format!("Validation rows in blue, samples in orange: the {PAIRED} columns that depend most on the others.");
        figures.push(Figure::new(format!("Pairs of columns, {name}"), caption, picture(&chosen)?));
        figures.push(Figure::new(format!("Every column, {name}"), "Validation rows in blue, samples in orange.", picture(&all)?));
    } else {
        figures.push(Figure::new(format!("The best: {name}"), "Validation rows in blue, samples in orange.", picture(&all)?));
    }
    Ok(figures)
}

/// All candidates in the plane of the two columns, or of the two directions in which training rows vary most.
fn every_candidate(tour: &Tour, encoding: Option<&Encoding>) -> Result<Figure> {
    let shown = |table: &Table| encoding.map_or(Ok(table.clone()), |encoding| encoding.shown(table, false));
    let plane = Plane::new(&shown(&tour.scorer.sets.train)?);
    let mut pictures = vec![(Ink::Data, dots("validation rows", plane.project(&shown(&tour.scorer.sets.validation)?)))];
    for kept in tour.ranked() {
        let (Some(rows), Some(scores)) = (&kept.rows, &kept.record.scores) else { continue };
        let ink = match kept.record.kind {
            Kind::Rows => Ink::Data,
            Kind::Baseline => Ink::Baseline,
            Kind::Method => Ink::Samples,
        };
        let caption = format!("{} {}", kept.record.name, plain(root(&scores.energy).value, 3));
        pictures.push((ink, dots(caption, plane.project(&shown(rows)?))));
    }
    let seen = match plane {
        Plane::Columns => "both columns",
        Plane::Units(_) => "both columns in units of their standard deviation",
        Plane::Directions(_) => {
            "the two directions in which training rows vary most, columns in units of their standard deviation"
        }
    };
    Ok(Figure::new(
        "Samples of every candidate",
        format!(
            "At most {} rows of each, in {seen}: real rows in blue, baselines in gray, methods in orange, with their root energy distance to validation rows, nearest first. “% beyond”: the share of rows outside of the picture.",
            number(DOTS as f64, 12)
        ),
        gallery(&pictures, "Rows of every candidate")?,
    ))
}
