//! `evaluate`: one set of rows against another.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pushforward::Error;
use pushforward::data::{LoadOptions, Source, Table, TypeOptions};
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
    let sets = match typed(args, &asked)? {
        Some(sets) => sets,
        None => numbers(args, &asked)?,
    };
    let gpu = super::device::open(adapter, console)?;
    let Sets { source, reference, samples, train } = sets;
    let samples = match (samples, asked.run()) {
        (Some(samples), _) => samples,
        (None, Some(run)) => Model::load(&gpu, run)?.sample(reference.rows(), args.seed ^ SAMPLES)?,
        (None, None) => unreachable!("samples are of a file or of a run"),
    };
    console.notes([Some(&reference), Some(&samples), train.as_ref()].into_iter().flatten());
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
    if let Some(target) = &args.target {
        evaluator = evaluator.target(target);
    }
    let found = evaluator.evaluate(&reference, &samples);
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    shown(args, &asked, &(found?, [reference.rows(), samples.rows()]), console)
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

/// The tables that are compared.
struct Sets {
    /// What the reference was read from.
    source: Source,
    reference: Table,
    /// None where they are drawn from a run.
    samples: Option<Table>,
    train: Option<Table>,
}

/// Tables of numbers, whose rows with missing cells are left out.
fn numbers(args: &Evaluate, asked: &Asked) -> pushforward::Result<Sets> {
    let mut source = asked.reference.parse::<Source>()?;
    if let (Some(columns), Some(weights)) = (&mut source.columns, &args.weights) {
        columns.retain(|column| column != weights);
    }
    let weighted =
        |weights: &Option<String>| LoadOptions { skip_missing: true, weights: weights.clone(), ..LoadOptions::default() };
    let reference = source.load(args.seed ^ REFERENCE, &weighted(&args.weights))?;
    let load = |text: &str, seed: u64, weights: &Option<String>| -> pushforward::Result<Table> {
        text.parse::<Source>()?.load(seed, &weighted(weights))?.align(reference.columns())
    };
    let samples = Some(load(&asked.samples, args.seed ^ SAMPLES, &args.sample_weights)?);
    let train = args.train.as_ref().map(|text| load(text, args.seed, &None)).transpose()?;
    Ok(Sets { source, reference, samples, train })
}

/// The types as the reference has them: a sample may not show what a column is.
fn types_of(reference: &Table, asked: TypeOptions) -> TypeOptions {
    let known = (0..reference.cols()).map(|j| (reference.columns()[j].clone(), reference.column_type(j)));
    TypeOptions { types: known.filter(|(_, ty)| ty.is_learned()).collect(), ..asked }
}

/// Tables with the types of their columns: of a reference that is not all numbers, whatever is compared with it, so that all samples are scored in one encoding of it, and
/// beside samples of a run. None where the reference is all numbers.
fn typed(args: &Evaluate, asked: &Asked) -> anyhow::Result<Option<Sets>> {
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
    let types = types_of(&reference, given);
    let load = |text: &str, weights: &Option<String>| text.parse::<Source>()?.load_typed(0, &options(weights), &types);
    let samples = if run.is_some() { None } else { Some(load(&asked.samples, &args.sample_weights)?) };
    let train = args.train.as_ref().map(|text| load(text, &None)).transpose()?;
    Ok(Some(Sets { source, reference, samples, train }))
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
