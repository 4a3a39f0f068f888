//! `evaluate`: one set of rows against another.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pushforward::data::{LoadOptions, Source, Standardisation, Table, Target, groups};
use pushforward::metrics::{Better, Evaluation, Options, Points, Score, Stage, Watch, evaluate as score, scale};
use pushforward::words::{number, table};

use super::arguments::Evaluate;
use super::console::{Console, print};

/// Toy targets draw the reference and the samples from seeds of their own, so that neither is the training set of the same seed.
const REFERENCE: u64 = 0x7265_6665;
const SAMPLES: u64 = 0x7361_6d70;
/// Columns that are listed.
const COLUMNS: usize = 12;

pub fn evaluate(args: &Evaluate, adapter: &str, console: Console) -> anyhow::Result<()> {
    // Categories are compared by the reference's levels.
    let mut source = args.reference.parse::<Source>()?.with_levels()?;
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
    let samples = load(&args.samples, args.seed ^ SAMPLES, &args.sample_weights)?;
    let train = args.train.as_ref().map(|text| load(text, args.seed, &None)).transpose()?;
    console.notes([Some(&reference), Some(&samples), train.as_ref()].into_iter().flatten());
    let (scaled, tails) = scale::of_table(&reference);
    let scale = match args.standardize {
        true => scaled,
        // Differences alone count, and these are exact in f32 about a common center. A score of the distribution has an origin of its own.
        false if args.score.is_empty() => Standardisation { scale: vec![1.0; reference.cols()], ..scaled },
        false => Standardisation::identity(reference.cols()),
    };
    let target = match args.score.as_slice() {
        [] => Target::of(&source, &scale),
        score => Some(Target::given(score, &reference, &scale)?),
    };
    let standard = |table: &Table| scale.table(table);
    let (given, drawn) = (standard(&reference)?, standard(&samples)?);
    let train = train.as_ref().map(standard).transpose()?;
    let gpu = super::device::open(adapter, console)?;
    let (watch, bar) = watch(console);
    let options = Options {
        gpu: Some(gpu.clone()),
        target,
        names: reference.columns().to_vec(),
        squash: args.standardize,
        classifier: true,
        watch,
        seed: args.seed,
        pair_rows: args.pair_rows,
        ..Options::default()
    };
    let train = train.as_ref().map(Points::of).transpose()?;
    let found = score(Points::of(&given)?, Points::of(&drawn)?, train, &options);
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let found = found?;
    if args.json {
        return Ok(print(&serde_json::to_string(&found)?)?);
    }
    console.message(&format!(
        "{} rows of {} against {} rows of {}",
        samples.rows(),
        args.samples,
        reference.rows(),
        args.reference
    ));
    let mut text = format!("{}\n\n", found.verdict);
    if !found.by_column.is_empty() {
        text += &format!("{}\n", by_column(&found));
    }
    text += &shown(&found);
    text += "\n";
    if found.columns > 1 {
        text += &format!("Kolmogorov–Smirnov is of column `{}`, the worst\n", reference.columns()[found.ks.column]);
    }
    text += &subsampled(&found);
    text += match args.standardize {
        true => {
            "Distances are in standard deviations of the reference, and beyond ten of them logarithmic (--standardize=false: the columns' own units)\n"
        }
        false => "Distances are in the columns' own units\n",
    };
    if args.standardize && !tails.is_empty() {
        text += &format!(
            "Scaled without the outermost 2 % of their rows, which make most of their deviation: {}\n",
            tails.join(", ")
        );
    }
    for note in &found.notes {
        text += &format!("{note}\n");
    }
    Ok(print(&text)?)
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

/// The columns of the file, the farthest off first.
fn by_column(found: &Evaluation) -> String {
    let mut rows = vec![["column", "off by", "p", "mean off by"].map(String::from).to_vec()];
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

fn shown(found: &Evaluation) -> String {
    let mut rows = vec![["score", "value", "95 % interval", "p", "best", "what it is"].map(String::from).to_vec()];
    for score in found.scores() {
        let best = match score.better {
            Better::Lower => "low".into(),
            Better::Higher => "high".into(),
            Better::Near(value) => format!("near {}", number(value, 2)),
        };
        let Score { value, interval, p_value, .. } = score.score;
        let interval = interval.map(|[low, high]| format!("[{}, {}]", number(low, 3), number(high, 3))).unwrap_or_default();
        let p = p_value.map(probability).unwrap_or_default();
        rows.push(vec![score.name.into(), number(value, 4), interval, p, best, score.meaning.into()]);
    }
    table(&rows)
}
