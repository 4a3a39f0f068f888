//! `report.html` of a run: its curves, its samples against real rows, and how they score beside what is easy and what is best.

mod baselines;
mod likelihood;
mod predicted;
mod words;

pub use likelihood::{TestLikelihood, test_likelihood};

/// What the other modules use, and with the feature `unstable` the tests and the other packages.
mod internal {
    pub use super::likelihood::with_error;
    pub use super::words::{kept_said, outside_said, refit_said, sets_said};
}
#[cfg(not(feature = "unstable"))]
pub(crate) use internal::*;
#[cfg(feature = "unstable")]
#[doc(hidden)]
pub use internal::*;

use super::{Curve, DRAWN_COLUMNS, Figure, Many, Page, Scale, ScoreTable, Sheet, comparison, curves, moved};
use crate::Result;
use crate::baselines::GAUSSIAN;
use crate::data::{Encoding, Purpose, Standardization, Table, Target, by_weight, groups, in_words, set_aside, subset};
use crate::gpu::Gpu;
use crate::methods::{Entry, Method as _};
use crate::metrics::closest::closest;
use crate::metrics::columns::by_column;
use crate::metrics::gaussian::Gaussian;
use crate::metrics::scorecard::scorecard;
use crate::metrics::{Evaluation, Options, Points, evaluate_points};
use crate::model::Model;
use crate::settings::Settings as _;
use crate::train::{Outcome, Sets};
use crate::words::{duration, number};

/// Rows of each set that the report scores at most: it should take seconds.
pub const ROWS: usize = 2000;
/// Samples to a real row that are scored at most.
const SAMPLES: usize = 4;
/// Seconds of training from which on a report may take seconds, too.
const LONG: f64 = 5.0;
/// Seed of the report's sample, so that `sample --seed 1` gives the very rows that it shows, but of a model that was trained again on all rows.
pub const SEED: u64 = 1;

/// Real rows to score against, and others to score beside: what no sampler can beat.
struct Real {
    reference: Table,
    /// What the reference is, and with its number of rows.
    what: &'static str,
    name: String,
    beside: Table,
    beside_name: &'static str,
    /// What is to be said of the reference, where it was not unseen.
    warning: &'static str,
}

impl Real {
    /// Test rows, or else what there is: validation rows, or half of the training rows beside the other half.
    fn of(outcome: &Outcome, more: Option<&Table>, most: usize) -> Result<Self> {
        let Sets { train, validation, test } = &outcome.sets;
        let seed = outcome.model.description().seed;
        let some = |table: &Table| by_weight(table, most, seed);
        let counted = |table: &Table, what: &str| format!("{} {what}", number(table.rows() as f64, 12));
        let (set, what, warning) = match (test, validation) {
            (Some(test), _) => (test, "Test rows", ""),
            (None, Some(validation)) => {
                (validation, "Validation rows", " There are no test rows: these rows also chose the step that was kept.")
            }
            (None, None) => {
                let (half, other) = set_aside(train, train.rows() / 2, seed, Purpose::Subset)?;
                let reference = some(&half);
                return Ok(Self {
                    what: "Training rows",
                    name: counted(&reference, "training rows"),
                    reference,
                    beside: some(&other),
                    beside_name: "other training rows",
                    warning: " There are no test rows: these rows were trained on.",
                });
            }
        };
        let reference = some(&set.rows);
        let (beside, beside_name) = match more {
            Some(more) => (some(more), "more fresh rows"),
            None => (some(train), "training rows"),
        };
        Ok(Self { what, name: counted(&reference, &what.to_lowercase()), reference, beside, beside_name, warning })
    }
}

/// The page, for which `more` are real rows that nothing was trained on, where there are any besides the test rows; models of samples and of real rows predict
/// the column `target`; `commands` make the run again and sample from it.
///
/// # Errors
/// [`Error::Data`](crate::Error::Data) or [`Error::Shape`](crate::Error::Shape) for scores or plots that these rows do not allow: the model is there all the same.
pub fn page(
    gpu: &Gpu,
    outcome: &Outcome,
    more: Option<&Table>,
    likelihood: Option<&TestLikelihood>,
    target: Option<&str>,
    commands: Vec<String>,
) -> Result<Page> {
    let (description, train) = (outcome.model.description(), &outcome.sets.train);
    let entry = description.method.entry();
    // With a score of its own to learn, the data are another distribution's.
    let elsewhere = description.method.target_score().is_some();
    // A run of a moment is not kept waiting: fewer rows, and no classifier, which takes longer than all else.
    let (rows, classify) = if outcome.seconds > LONG { (ROWS, true) } else { (ROWS / 4, false) };
    let mut real = Real::of(outcome, more, rows)?;
    if elsewhere && outcome.sets.test.is_none() {
        real.name = format!("{} rows that training started from", real.reference.rows());
        (real.beside_name, real.warning) = ("other starting rows", "");
    }
    // Scores and pictures are of the model that has seen neither validation nor test rows.
    let samples = drawn(outcome.scored(), train)?;
    // In units of each column's standard deviation, as the training saw them: a column in days would drown one in years.
    let scale = Standardization::fit(train);
    let reference = scale.table(&real.reference)?;
    // Of few real rows more samples say little more, and each costs.
    let sampled = (SAMPLES * reference.rows()).clamp(rows / 4, rows);
    let scorer = Scorer { gpu, outcome, scale: &scale, reference: &reference, sampled, rows, classify };
    let encoding = description.encoding.as_ref().filter(|_| !elsewhere);
    let mut found = vec![scorer.scored("samples", &samples)?, scorer.scored(real.beside_name, &real.beside)?];
    let mut notes = vec![how_to_read(real.beside_name, encoding.is_some())];
    let beside = match encoding {
        Some(encoding) => {
            let (beside, note) = baselines::scored(&scorer, encoding)?;
            notes.push(note);
            beside
        }
        None => {
            let fitted = Gaussian::fit_weighted(Points::of(&scale.table(train)?)?, train.weights());
            let rows = Table::new(train.columns().iter().cloned(), scale.undo(&fitted.sample(ROWS, SEED))?)?;
            vec![scorer.scored(GAUSSIAN, &rows)?]
        }
    };
    found.splice(1..1, beside);
    if let Some(encoding) = &description.encoding {
        let [reference, samples] = [&real.reference, &samples].map(|set| encoding.shown(set, true));
        let (reference, samples) = (reference?, samples?.without_weights());
        found[0].scores.by_column = by_column(Points::of(&reference)?, Points::of(&samples)?, reference.columns())?;
        // In the data's own columns, too.
        found[0].scores.verdict = found[0].scores.verdict();
    }
    let many = match encoding {
        Some(encoding) => scorecards(encoding, outcome, &real, &mut found)?,
        None => None,
    };
    if let Some(target) = target {
        notes.extend(predicted::add(&mut found, outcome, &real, target)?);
    }
    let named: Vec<(&str, &Evaluation)> = found.iter().map(|set| (set.name, &set.scores)).collect();
    let mut title = format!("{}, every column in units of its standard deviation", real.name);
    if outcome.before_refit.is_some() {
        title += "; samples of the model before the refit";
    }
    let json = serde_json::json!({
        "reference": real.name,
        "sets": found.iter().map(|set| serde_json::json!({ "name": set.name, "scores": &set.scores })).collect::<Vec<_>>(),
        "likelihood": likelihood.map(TestLikelihood::json),
    });
    let mut table = ScoreTable::new(title, &named);
    table.notes.splice(0..0, notes);
    Ok(Page {
        title: format!("{} on {}", entry.name, train.origin()),
        headline: if elsewhere { to_score(&found) } else { headline(&found, &real) },
        facts: facts(gpu, outcome, entry, likelihood),
        columns: found.first().filter(|_| !elsewhere).and_then(|set| Sheet::of_scorecard(&set.scores)),
        many,
        predicted: Sheet::of_efficacy(&named),
        scores: Some(table),
        figures: figures(outcome, &real, &samples, elsewhere)?,
        settings: settings(outcome),
        commands,
        footer: format!("pushforward {}", description.version),
        json,
        ..Page::default()
    })
}

/// Rows that are scored, and how they did.
struct Set {
    name: &'static str,
    rows: Table,
    scores: Evaluation,
}

/// Scores rows against the reference, as the page does it.
struct Scorer<'a> {
    gpu: &'a Gpu,
    outcome: &'a Outcome,
    scale: &'a Standardization,
    /// In units of the scale.
    reference: &'a Table,
    /// Rows of a set that are scored at most, and in scores of all pairs.
    sampled: usize,
    rows: usize,
    classify: bool,
}

impl Scorer<'_> {
    fn scored(&self, name: &'static str, rows: &Table) -> Result<Set> {
        let description = self.outcome.model.description();
        let rows = subset(rows, self.sampled, description.seed);
        let set = self.scale.table(&rows)?;
        let few = self.rows / 4;
        // A score in words may have no value outside of its distribution's support, where a fitted Gaussian has rows.
        let target =
            self.outcome.target.as_ref().map(|target| target.in_units(self.scale)).filter(|target| is_finite(target, &set));
        let options = Options {
            gpu: Some(self.gpu.clone()),
            names: rows.columns().to_vec(),
            permutations: few.min(200),
            pair_rows: Some(self.rows),
            w2_rows: few,
            target,
            classifier: self.classify,
            ..Options::default()
        };
        let mut scores = evaluate_points(Points::of(self.reference)?, Points::of(&set)?, None, &options)?;
        if !self.classify {
            scores.notes.push(format!(
                "There is no C2ST accuracy: it is left out after less than {LONG} s of training (`evaluate` computes it)."
            ));
        }
        if options.target.is_none() && self.outcome.target.is_some() {
            scores.notes.push("There is no KSD²: the score is not finite at some of the rows.".into());
        }
        Ok(Set { name, rows, scores })
    }
}

/// Adds the scores that need the columns' types, and draws each column and their pairs.
fn scorecards(encoding: &Encoding, outcome: &Outcome, real: &Real, sets: &mut [Set]) -> Result<Option<Many>> {
    let seed = outcome.model.description().seed;
    let reference = encoding.decode(&real.reference, 0)?;
    let typed = sets.iter().map(|set| encoding.decode(&set.rows, 0)).collect::<Result<Vec<_>>>()?;
    for (rows, set) in typed.iter().zip(sets.iter_mut()) {
        set.scores.scorecard = Some(scorecard(&reference, rows, seed)?);
    }
    // Rows that were trained on tell nothing of how near others are to them.
    let Sets { train, validation, test } = &outcome.sets;
    if test.is_some() || validation.is_some() {
        let train = encoding.decode(&by_weight(train, ROWS, seed), 0)?;
        sets[0].scores.closest = Some(closest(&reference, &typed[0], &train, seed)?);
    }
    let Some(card) = &sets[0].scores.scorecard else { return Ok(None) };
    Many::of_columns(&reference, &typed[0], card, real.what).map(Some)
}

/// The page's sample. What a conditional model generates from are training rows: with the reference's own the two would not be independent.
fn drawn(model: &Model, train: &Table) -> Result<Table> {
    match model.description().conditions {
        0 => model.sample_numbers(ROWS, SEED),
        _ => {
            let given = by_weight(train, ROWS, SEED);
            // Of few rows each is generated from as often as any other.
            let over: Vec<usize> = (0..ROWS).map(|i| i % given.rows()).collect();
            model.sample_numbers_given(&given.select_rows(&over), 1, SEED)
        }
    }
}

/// What the columns of the scores are for.
fn how_to_read(real_rows: &str, of_cells: bool) -> String {
    let between = match of_cells {
        true => {
            "The columns between are baselines, which put cells of training rows together anew: independent columns keep no dependence, the Gaussian copula \
             keeps that of a normal distribution, autoregressive trees what splits of the columns before find. A method should do better."
        }
        false => "The fitted Gaussian is the simplest model: a method should do better.",
    };
    format!("The samples are good where they score like {real_rows}, the last column. {between}")
}

/// Where the samples stand between the best baseline and real rows.
fn headline(found: &[Set], real: &Real) -> String {
    let [samples, baselines @ .., others] = found else { return String::new() };
    // The unbiased estimate of equal distributions is as often below zero as above.
    let root = |set: &Set| match set.scores.energy.value {
        value if value > 0.0 => number(value.sqrt(), 2),
        _ => "too small to measure".into(),
    };
    let near = baselines.iter().min_by(|a, b| a.scores.energy.value.total_cmp(&b.scores.energy.value));
    let which = match baselines {
        [one] => format!("a {}", one.name),
        _ => near.map_or(String::new(), |near| format!("the nearest baseline ({})", near.name)),
    };
    let (ours, theirs, best) = (root(samples), near.map_or(String::new(), root), root(others));
    let energy = format!(
        "Root energy distance to {} (lower is nearer): {ours} for the samples, {theirs} for {which}, {best} for {}.",
        real.name, real.beside_name
    );
    format!("{} {energy}{}", samples.scores.verdict, real.warning)
}

fn is_finite(target: &Target, rows: &Table) -> bool {
    (0..rows.rows()).all(|i| target.score(rows.row(i)).iter().all(|s| s.is_finite()))
}

/// Where the samples stand when their distribution was given by its score, and the rows are where training started.
fn to_score(found: &[Set]) -> String {
    let [samples, .., start] = found else { return String::new() };
    let shown = |set: &Set| set.scores.ksd2.as_ref().map_or("none".into(), |score| number(score.value, 2));
    format!(
        "Squared kernel Stein discrepancy to the known score: {} for the samples, {} for the rows that training started from, which the other scores compare with.",
        shown(samples),
        shown(start)
    )
}

fn facts(gpu: &Gpu, outcome: &Outcome, entry: &Entry, likelihood: Option<&TestLikelihood>) -> Vec<(String, String)> {
    let refit = refit_said(outcome).map(|said| ("refit", said));
    let membership = likelihood.and_then(TestLikelihood::membership_said).map(|said| ("membership", said));
    let likelihood = likelihood.map(|likelihood| ("log-likelihood", likelihood.said()));
    let outside = outcome.outside.map(|share| ("out of range", outside_said(share)));
    [
        ("method", format!("{}: {}", entry.name, entry.summary)),
        ("data", outcome.sets.train.origin().to_string()),
        ("rows", sets_said(outcome)),
        ("columns", columns(outcome)),
        ("steps", kept_said(outcome)),
        ("time", duration(outcome.seconds)),
        ("adapter", gpu.summary().name.clone()),
        ("seed", outcome.model.description().seed.to_string()),
    ]
    .into_iter()
    .chain(refit)
    .chain(likelihood)
    .chain(membership)
    .chain(outside)
    .map(|(name, value)| (name.to_string(), value))
    .collect()
}

/// The columns in words: those generated, and those given.
fn columns(outcome: &Outcome) -> String {
    let description = outcome.model.description();
    if let Some(encoding) = &description.encoding {
        return encoding.types().into_iter().map(|(name, ty)| format!("{name} ({ty})")).collect::<Vec<_>>().join(", ");
    }
    let (generated, given) = description.parted();
    match given {
        [] => generated.join(", "),
        given => format!("{} given {}", generated.join(", "), in_words(given)),
    }
}

fn figures(outcome: &Outcome, real: &Real, samples: &Table, elsewhere: bool) -> Result<Vec<Figure>> {
    // As many new rows as real ones: a denser cloud looks like another distribution.
    let samples = subset(samples, real.reference.rows(), SEED);
    // Indicators say only which levels were given.
    let (generated, given) = outcome.model.description().parted();
    let numbers = groups(given).into_iter().filter(|group| group.levels.is_empty()).map(|group| generated.len() + group.first);
    let drawn: Vec<usize> = (0..generated.len()).chain(numbers).collect();
    let [reference, samples] = [&real.reference, &samples].map(|set| match &outcome.model.description().encoding {
        Some(encoding) => encoding.shown(set, false),
        None => Ok(set.select_columns(&drawn)),
    });
    let [reference, samples] = &moved([&reference?, &samples?])?;
    let hidden = match samples.cols().saturating_sub(DRAWN_COLUMNS) {
        0 => String::new(),
        more => format!(" The last {more} columns are not drawn."),
    };
    let mut figures = vec![Figure::new(
        "Samples",
        if elsewhere {
            format!("Rows that training started from in blue, samples in orange.{hidden}")
        } else {
            format!("{} in blue, samples in orange.{hidden}", real.what)
        },
        comparison(Points::of(reference)?, Points::of(samples)?, samples.columns())?,
    )];
    let cost = match outcome.model.trained_by_likelihood()? {
        true => "Negative log-likelihood of validation rows, or its bound, in nats per row; the lowest point is kept.",
        false => "Energy distance between validation rows and samples; the lowest point is kept.",
    };
    for (name, title, caption) in [
        ("loss", "Training loss", "The loss of each step (faint) and its running mean."),
        ("validation", "Validation loss", cost),
    ] {
        let points = outcome.metrics.series(name);
        if points.len() > 1 {
            let svg = curves(&[Curve { name: name.replace('_', " "), points }], name, Scale::Auto, 0.02)?;
            figures.push(Figure::new(title, caption, svg));
        }
    }
    Ok(figures)
}

fn settings(outcome: &Outcome) -> Vec<(String, String)> {
    let description = outcome.model.description();
    let values = [description.method.write(), description.training.write()];
    values.iter().flat_map(|values| values.shown()).collect()
}
