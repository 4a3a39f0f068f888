//! `report.html` of a run: its curves, its samples against real rows, and how they score beside what is easy and what is best.

use std::path::PathBuf;

use pushforward::Error;
use pushforward::data::{Standardisation, Table, Target, groups, in_words, write_atomically};
use pushforward::gpu::Gpu;
use pushforward::methods::{Entry, given_score};
use pushforward::metrics::gaussian::Gaussian;
use pushforward::metrics::{Evaluation, Options, Points, evaluate};
use pushforward::model::Model;
use pushforward::report::{Curve, Figure, Page, Scale, ScoreTable, comparison, curves, moved, number};
use pushforward::train::Outcome;

use super::console::Console;
use super::evaluate::{scores, standardised};
use super::likelihood::Judged;
use super::progress::duration;

/// Rows of each set that the report scores at most: it should take seconds.
pub const ROWS: usize = 2000;
/// Seconds of training from which on a report may take seconds, too.
const LONG: f64 = 5.0;
/// Seed of the report's sample, so that `sample --seed 1` gives the very rows that it shows.
const SEED: u64 = 1;

/// Writes the page; a plot or score that cannot be had is told and left out, for the model is there all the same.
pub fn write(
    gpu: &Gpu,
    outcome: &Outcome,
    entry: &Entry,
    fresh: Option<&Table>,
    judged: Option<&Judged>,
    command: &str,
    console: Console,
) -> anyhow::Result<Option<PathBuf>> {
    let path = outcome.folder.file("report.html");
    let page = match page(gpu, outcome, entry, fresh, judged, command) {
        Ok(page) => page,
        Err(e @ (Error::Data(_) | Error::Shape { .. })) => {
            console.message(&format!("no report was written: {e}"));
            return Ok(None);
        }
        Err(e) => return Err(e.into()),
    };
    write_atomically(&path, |file| page.write(file))?;
    Ok(Some(path))
}

/// Real rows to score against, and real rows to score beside: what no sampler can beat.
struct Real {
    reference: Table,
    reference_name: String,
    beside: Table,
    beside_name: &'static str,
}

impl Real {
    fn of(outcome: &Outcome, fresh: Option<&Table>, most: usize) -> Self {
        let head = |table: &Table, from: usize, to: usize| table.select_rows(&(from..to.min(table.rows())).collect::<Vec<_>>());
        let rows = |table: &Table| number(table.rows().min(most) as f64, 12);
        let of_file = |table: &Table| spread(table, table.rows().min(most));
        match (fresh, &outcome.test) {
            (Some(fresh), _) => Self {
                reference: head(fresh, 0, most),
                reference_name: format!("{} fresh rows", rows(fresh)),
                beside: head(fresh, ROWS, ROWS + most),
                beside_name: "more fresh rows",
            },
            (None, Some(test)) => Self {
                reference: of_file(test),
                reference_name: format!("{} held-out rows", rows(test)),
                beside: outcome.train.clone(),
                beside_name: "training rows",
            },
            (None, None) => Self {
                reference: of_file(&outcome.train),
                reference_name: format!("{} rows that were trained on (none were held out)", rows(&outcome.train)),
                beside: outcome.train.clone(),
                beside_name: "training rows",
            },
        }
    }
}

fn page(
    gpu: &Gpu,
    outcome: &Outcome,
    entry: &Entry,
    fresh: Option<&Table>,
    likelihood: Option<&Judged>,
    command: &str,
) -> Result<Page, Error> {
    let (description, train) = (outcome.model.description(), &outcome.train);
    // With a score of its own to learn, the data are another law's.
    let elsewhere = !given_score(&description.settings).is_empty();
    let fresh = fresh.filter(|_| !elsewhere);
    // A run of a moment is not kept waiting: fewer rows, and no classifier, which takes longer than all else.
    let (rows, classify) = if outcome.seconds > LONG { (ROWS, true) } else { (ROWS / 4, false) };
    let mut real = Real::of(outcome, fresh, rows);
    if elsewhere && outcome.test.is_none() {
        real.reference_name = format!("{} rows that training started from", real.reference.rows());
        real.beside_name = "starting rows";
    }
    let samples = drawn(&outcome.model, train)?;
    // The held-out rows judge the model that has not seen them; against fresh rows it is the model itself.
    let judged = match (&outcome.judged, fresh) {
        (Some(judged), None) => Some(drawn(judged, train)?),
        _ => None,
    };
    let names = ["samples", "fitted Gaussian", real.beside_name];
    // In units of each column's deviation, as the training saw them: a column in days would drown one in years.
    let scale = Standardisation::fit(train);
    let gaussian = scale.undo(&Gaussian::fit(Points::of(&standardised(train, &scale)?)?).sample(ROWS, SEED))?;
    let gaussian = Table::new(train.columns().iter().cloned(), gaussian)?;
    let reference = standardised(&real.reference, &scale)?;
    let few = rows / 4;
    let options =
        Options { gpu: Some(gpu.clone()), permutations: few.min(200), pair_rows: Some(rows), w2_rows: few, ..Options::default() };
    let mut found = Vec::new();
    for set in [judged.as_ref().unwrap_or(&samples), &gaussian, &real.beside] {
        let set = standardised(set, &scale)?;
        let set = spread(&set, set.rows().min(rows));
        // A score in words may have no value outside of its law's support, where a fitted Gaussian has rows.
        let target = outcome.target.as_ref().map(|target| target.in_units(&scale)).filter(|target| is_finite(target, &set));
        let options = Options { target, ..options.clone() };
        found.push(match classify {
            true => scores(gpu, Points::of(&reference)?, Points::of(&set)?, None, &options)?,
            false => evaluate(Points::of(&reference)?, Points::of(&set)?, None, &options)?,
        });
    }
    let named: Vec<(&str, &Evaluation)> = names.into_iter().zip(&found).collect();
    let mut title = format!("{}, every column in units of its deviation", real.reference_name);
    if judged.is_some() {
        title += "; samples of the model before it was trained anew on all rows";
    }
    let table = ScoreTable::new(title, &named);
    Ok(Page {
        title: format!("{} on {}", entry.name, train.origin()),
        headline: if elsewhere { to_score(&found) } else { headline(&found, real.beside_name) },
        facts: facts(gpu, outcome, entry, likelihood),
        scores: Some(table),
        figures: figures(outcome, &shown(outcome, &real, fresh)?, &samples, elsewhere)?,
        settings: settings(outcome),
        commands: vec![
            command.to_string(),
            format!(
                "pushforward sample {} {} --seed {SEED} --out samples.csv",
                super::train::quote(&outcome.folder.path().display().to_string()),
                super::trained::asked(&outcome.model, ROWS)
            ),
        ],
        footer: format!("pushforward {}", description.version),
        ..Page::default()
    })
}

/// So many rows, evenly spaced, so that a sorted table is seen whole.
fn spread(table: &Table, rows: usize) -> Table {
    table.select_rows(&(0..rows).map(|i| i * table.rows() / rows).collect::<Vec<_>>())
}

/// The page's sample. What a conditional model generates from are training rows: with the reference's own the two would not be independent.
fn drawn(model: &Model, train: &Table) -> Result<Table, Error> {
    match model.description().conditions {
        0 => model.sample(ROWS, SEED),
        _ => model.sample_given(&spread(train, ROWS), 1, SEED),
    }
}

/// Where the samples stand between a fitted Gaussian and real rows.
fn headline(found: &[Evaluation], beside: &str) -> String {
    let [samples, gaussian, real] = found else { return String::new() };
    // The unbiased estimate of equal laws is as often below zero as above.
    let root = |e: &Evaluation| match e.energy.value {
        value if value > 0.0 => number(value.sqrt(), 2),
        _ => "too little to measure".into(),
    };
    let (ours, theirs, best) = (root(samples), root(gaussian), root(real));
    let told = samples.c2st.as_ref().map_or(String::new(), |c| {
        format!(" A classifier tells samples from real rows in {} % of cases (50 % is chance).", number(100.0 * c.value, 3))
    });
    let energy = format!(
        "Root energy distance to real rows: {ours} for the samples, {theirs} for a fitted Gaussian, {best} for {beside}."
    );
    energy + &told
}

fn is_finite(target: &Target, rows: &Table) -> bool {
    (0..rows.rows()).all(|i| target.score(rows.row(i)).iter().all(|s| s.is_finite()))
}

/// Where the samples stand when their law was given by its score, and the rows are where training started.
fn to_score(found: &[Evaluation]) -> String {
    let [samples, _, start] = found else { return String::new() };
    let shown = |e: &Evaluation| e.ksd2.as_ref().map_or("none".into(), |score| number(score.value, 2));
    format!(
        "Squared Stein discrepancy to the score that was given: {} for the samples, {} for the rows that training started from, which \
         the other scores compare with.",
        shown(samples),
        shown(start)
    )
}

fn facts(gpu: &Gpu, outcome: &Outcome, entry: &Entry, likelihood: Option<&Judged>) -> Vec<(String, String)> {
    let training = &outcome.model.description().training;
    let rows = match &outcome.test {
        Some(test) => format!("{} trained on, {} held out", outcome.train.rows(), test.rows()),
        None => outcome.train.rows().to_string(),
    };
    let rows = match &outcome.judged {
        Some(_) => rows + "; then anew on all of them, for the steps kept",
        None => rows,
    };
    let stopped = if outcome.stopped_early { format!(", stopped early at {}", outcome.steps) } else { String::new() };
    let likelihood = likelihood.map(|judged| ("log-likelihood", judged.said()));
    [
        ("method", format!("{} ({})", entry.name, entry.paper)),
        ("data", outcome.train.origin().to_string()),
        ("rows", rows),
        ("columns", columns(outcome)),
        ("steps", format!("kept {} of {}{stopped}", outcome.kept, training.steps)),
        ("time", duration(outcome.seconds)),
        ("adapter", gpu.summary().name.clone()),
        ("seed", outcome.model.description().seed.to_string()),
    ]
    .into_iter()
    .chain(likelihood)
    .map(|(name, value)| (name.to_string(), value))
    .collect()
}

/// The columns in words: those generated, and those given.
fn columns(outcome: &Outcome) -> String {
    let (generated, given) = outcome.model.description().parted();
    match given {
        [] => generated.join(", "),
        given => format!("{} given {}", generated.join(", "), in_words(given)),
    }
}

/// The real rows to draw: fresh ones, or all that there are.
fn shown(outcome: &Outcome, real: &Real, fresh: Option<&Table>) -> Result<Table, Error> {
    match (&outcome.test, fresh) {
        (Some(test), None) => {
            let values = [outcome.train.values(), test.values()].concat();
            Table::new(outcome.train.columns().iter().cloned(), values)
        }
        _ => Ok(real.reference.clone()),
    }
}

fn figures(outcome: &Outcome, reference: &Table, samples: &Table, elsewhere: bool) -> Result<Vec<Figure>, Error> {
    // As many new rows as real ones: a denser cloud looks like another law.
    let samples = spread(samples, samples.rows().min(reference.rows()));
    // Indicators say only which levels were given.
    let (generated, given) = outcome.model.description().parted();
    let numbers = groups(given).into_iter().filter(|group| group.levels.is_empty()).map(|group| generated.len() + group.first);
    let drawn: Vec<usize> = (0..generated.len()).chain(numbers).collect();
    let [reference, samples] = &moved([&reference.select_columns(&drawn), &samples.select_columns(&drawn)])?;
    let mut figures = vec![Figure::new(
        "Samples",
        if elsewhere {
            "Rows that training started from in blue, new rows in orange."
        } else {
            "Real rows in blue, new rows in orange."
        },
        comparison(Points::of(reference)?, Points::of(samples)?, samples.columns())?,
    )];
    let cost = match outcome.model.trained_by_likelihood()? {
        true => "What held-out rows cost, in nats a row (− ln of their density, or its bound); training keeps the lowest point.",
        false => "Energy distance between held-out rows and samples; training keeps its lowest point.",
    };
    for (name, title, caption) in [
        ("loss", "Training loss", "The estimate of each step (faint) and its running mean."),
        ("held_out", "Held-out rows", cost),
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
    let shared = toml::Table::try_from(&description.training).unwrap_or_default();
    let rows = |table: &toml::Table| table.iter().map(|(key, value)| (key.clone(), value.to_string())).collect::<Vec<_>>();
    [rows(&description.settings), rows(&shared)].concat()
}
