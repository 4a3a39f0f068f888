//! `evaluate`: one set of rows against another.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pushforward::Error;
use pushforward::data::{ColumnType, LoadOptions, Source, Table, TypeOptions, groups};
use pushforward::metrics::typed::add as scores_of_types;
use pushforward::metrics::{Evaluation, Evaluator, Stage, Watch, efficacy};
use pushforward::model::Model;
use pushforward::words::number;
use std::path::Path;

use super::arguments::Evaluate;
use super::console::{Console, print, print_object};
use super::hints;
use super::typed::{self, Which};

/// Toy targets draw the reference and the samples from seeds of their own, so that neither is the training set of the same seed.
const REFERENCE: u64 = 0x7265_6665;
const SAMPLES: u64 = 0x7361_6d70;

pub fn evaluate(args: &Evaluate, adapter: &str, console: Console) -> anyhow::Result<()> {
    let asked = Asked::of(args)?;
    if let Some(found) = typed(args, &asked, adapter, console)? {
        return shown(args, &asked, &found, console);
    }
    // Categories are compared by the reference's levels.
    let mut source = asked.reference.parse::<Source>()?.with_levels()?;
    if let (Some(columns), Some(weights)) = (&mut source.columns, &args.weights) {
        columns.retain(|column| column != weights);
    }
    let texts = source.columns.as_ref().is_some_and(|chosen| groups(chosen).iter().any(|group| !group.levels.is_empty()));
    let options = LoadOptions { skip_missing: true, ..LoadOptions::default() };
    let weighted = |weights: &Option<String>| LoadOptions { weights: weights.clone(), ..options.clone() };
    let reference = source.load(args.seed ^ REFERENCE, &weighted(&args.weights))?;
    let load = |text: &str, seed: u64, weights: &Option<String>| -> pushforward::Result<Table> {
        let mut other: Source = text.parse()?;
        if texts {
            other.columns = Some(reference.columns().to_vec());
        }
        other.load(seed, &weighted(weights))?.align(reference.columns())
    };
    let samples = load(&asked.samples, args.seed ^ SAMPLES, &args.sample_weights)?;
    let train = args.train.as_ref().map(|text| load(text, args.seed, &None)).transpose()?;
    console.notes([Some(&reference), Some(&samples), train.as_ref()].into_iter().flatten());
    let by_type = if texts { ByType::read(args, &asked)? } else { None };
    let gpu = super::device::open(adapter, console)?;
    let (watch, bar) = watch(console);
    let mut evaluator = Evaluator::new(&gpu)
        .standardize(args.standardize)
        .seed(args.seed)
        .pair_rows(args.pair_rows)
        .watch(watch)
        .score(&args.score)
        .reference_source(&source);
    if let Some(train) = &train {
        evaluator = evaluator.train(train);
    }
    if let Some(target) = args.target.as_ref().filter(|_| by_type.is_none()) {
        evaluator = evaluator.target(target);
    }
    let found = evaluator.evaluate(&reference, &samples);
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let mut found = found?;
    if let Some(ByType { reference, samples, train }) = &by_type {
        scores_of_types(&mut found, reference, samples, train.as_ref(), (args.target.as_deref(), args.seed))?;
    }
    shown(args, &asked, &(found, [reference.rows(), samples.rows()]), console)
}

/// What is compared: by place or by name.
struct Asked {
    reference: String,
    samples: String,
}

impl Asked {
    fn of(args: &Evaluate) -> pushforward::Result<Self> {
        let [reference, samples] = match (args.sets.as_slice(), &args.reference, &args.samples) {
            ([real, synthetic], None, None) => [real, synthetic],
            ([real], None, Some(samples)) => [real, samples],
            ([synthetic], Some(reference), None) => [reference, synthetic],
            ([], Some(reference), Some(samples)) => [reference, samples],
            _ => {
                return Err(Error::usage(
                    "give real data and samples, each once: `pushforward evaluate REAL SYNTHETIC`, or by name, `--reference REAL --samples SYNTHETIC`",
                ));
            }
        };
        Ok(Self { reference: reference.clone(), samples: samples.clone() })
    }

    /// The run that the samples are drawn from, where they are not in a file.
    fn run(&self) -> Option<&Path> {
        let path = Path::new(&self.samples);
        (path.is_dir() || path.extension().is_some_and(|extension| extension == "safetensors")).then_some(path)
    }
}

/// The tables with columns of categories as one each, for the scores that take them so: the reference, the samples and the training rows.
struct ByType {
    reference: Table,
    samples: Table,
    train: Option<Table>,
}

impl ByType {
    fn read(args: &Evaluate, asked: &Asked) -> anyhow::Result<Option<Self>> {
        let options = |weights: &Option<String>| LoadOptions { weights: weights.clone(), ..LoadOptions::default() };
        let source = asked.reference.parse()?;
        let Some(reference) =
            typed::table(&source, &[], &options(&args.weights), &typed::options(&args.types, None)?, Which::Mixed)?
        else {
            return Ok(None);
        };
        if let Some(target) = &args.target {
            efficacy::check(&reference, target)?;
        }
        let types = types_of(&reference, typed::options(&args.types, None)?);
        let load = |text: &str, weights: &Option<String>| text.parse::<Source>()?.load_typed(0, &options(weights), &types);
        let samples = load(&asked.samples, &args.sample_weights)?;
        let train = args.train.as_ref().map(|text| load(text, &None)).transpose()?;
        Ok(Some(Self { reference, samples, train }))
    }
}

/// The types as the reference has them: a sample may not show what a column is.
fn types_of(reference: &Table, asked: TypeOptions) -> TypeOptions {
    let known = (0..reference.cols()).map(|j| (reference.columns()[j].clone(), reference.column_type(j)));
    TypeOptions { types: known.filter(|(_, ty)| ty.is_learned()).collect(), ..asked }
}

/// The scores of tables with dates, identifiers, missing cells or levels that the reference does not have, and of samples of a run: with the types of their columns. None
/// where a table has none of these.
fn typed(args: &Evaluate, asked: &Asked, adapter: &str, console: Console) -> anyhow::Result<Option<(Evaluation, [usize; 2])>> {
    let source: Source = asked.reference.parse()?;
    let options = |weights: &Option<String>| LoadOptions { weights: weights.clone(), ..LoadOptions::default() };
    let run = asked.run();
    let given = typed::options(&args.types, None)?;
    let which = if run.is_some() { Which::All } else { Which::Mixed };
    let reference = match typed::table(&source, &[], &options(&args.weights), &given, which)? {
        None if run.is_some() => source.load(args.seed ^ REFERENCE, &options(&args.weights))?,
        None => return Ok(None),
        Some(reference) => reference,
    };
    if let Some(target) = &args.target {
        efficacy::check(&reference, target)?;
    }
    let is_asked = !given.types.is_empty() || given.missing.is_some();
    let types = types_of(&reference, given);
    let load = |text: &str, weights: &Option<String>| text.parse::<Source>()?.load_typed(0, &options(weights), &types);
    let samples = if run.is_some() { None } else { Some(load(&asked.samples, &args.sample_weights)?) };
    let train = args.train.as_ref().map(|text| load(text, &None)).transpose()?;
    let needs_types = (0..reference.cols())
        .any(|j| matches!(reference.column_type(j), ColumnType::Date | ColumnType::Identifier) || reference.missing(j).is_some());
    let others = [samples.as_ref(), train.as_ref()];
    if run.is_none() && !needs_types && !is_asked && !others.into_iter().flatten().any(|other| has_more(&reference, other)) {
        return Ok(None);
    }
    let gpu = super::device::open(adapter, console)?;
    let samples = match (samples, run) {
        (Some(samples), _) => samples,
        (None, Some(run)) => Model::load(&gpu, run)?.sample(reference.rows(), args.seed ^ SAMPLES)?,
        (None, None) => unreachable!("samples are of a file or of a run"),
    };
    console.notes([Some(&reference), Some(&samples), train.as_ref()].into_iter().flatten());
    let (watch, bar) = watch(console);
    let mut evaluator = Evaluator::new(&gpu).standardize(args.standardize).seed(args.seed).pair_rows(args.pair_rows).watch(watch);
    if let Some(train) = &train {
        evaluator = evaluator.train(train);
    }
    if let Some(target) = &args.target {
        evaluator = evaluator.target(target);
    }
    let found = evaluator.evaluate(&reference, &samples);
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(Some((found?, [reference.rows(), samples.rows()])))
}

/// Whether a table has missing cells, or levels that the reference does not have.
fn has_more(reference: &Table, other: &Table) -> bool {
    (0..reference.cols()).any(|j| {
        let Ok(at) = other.index_of(&reference.columns()[j]) else { return false };
        let unknown = |known: &[String]| other.levels(at).is_some_and(|levels| levels.iter().any(|level| !known.contains(level)));
        other.missing(at).is_some() || reference.levels(j).is_some_and(unknown)
    })
}

fn shown(args: &Evaluate, asked: &Asked, (found, rows): &(Evaluation, [usize; 2]), console: Console) -> anyhow::Result<()> {
    if args.json {
        return print_object(found);
    }
    console.message(&format!("{} rows of {} against {} rows of {}", rows[1], asked.samples, rows[0], asked.reference));
    let advice = hints::of_verdict(&found.verdict).map_or(String::new(), |advice| format!("{advice}\n"));
    Ok(print(&format!("{found}\n{advice}"))?)
}

/// Names each score as its turn comes: a bar on a terminal, a line elsewhere.
fn watch(console: Console) -> (Watch, Option<ProgressBar>) {
    let said = |stage: &Stage| format!("{}, {} rows of each set", stage.name, number(stage.rows as f64, 12));
    if console.quiet() {
        return (Watch::default(), None);
    }
    if !console.has_bar() {
        return (
            Watch::new(move |stage| console.message(&format!("score {} of {}: {}", stage.done + 1, stage.of, said(stage)))),
            None,
        );
    }
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {wide_msg}").expect("a template of known keys");
    let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(10)).with_style(style);
    let shown = bar.clone();
    let watch = Watch::new(move |stage| {
        shown.set_length(stage.of as u64);
        shown.set_position(stage.done as u64);
        shown.set_message(said(stage));
    });
    (watch, Some(bar))
}
