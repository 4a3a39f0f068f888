//! `evaluate`: one set of rows against another.

use pushforward::data::{LoadOptions, Source, Standardisation, Table, Target, groups};
use pushforward::gpu::Gpu;
use pushforward::metrics::{Better, Evaluation, Options, Points, Score, c2st, evaluate as score};
use pushforward::report::number;

use super::arguments::Evaluate;
use super::console::{Console, print, table};

/// Toy targets draw the reference and the samples from seeds of their own, so that neither is the training set of the same seed.
const REFERENCE: u64 = 0x7265_6665;
const SAMPLES: u64 = 0x7361_6d70;
/// Fewest rows of each set for a classifier that is trained on half of them.
const CLASSIFIER_ROWS: usize = 20;

pub fn evaluate(args: &Evaluate, adapter: &str, console: Console) -> anyhow::Result<()> {
    // Texts are compared by the reference's levels.
    let source = args.reference.parse::<Source>()?.with_levels()?;
    let texts = source.columns.as_ref().is_some_and(|chosen| groups(chosen).iter().any(|group| !group.levels.is_empty()));
    let mut reference = source.load(args.seed ^ REFERENCE, &LoadOptions::default())?;
    let load = |text: &str, seed: u64| -> pushforward::Result<Table> {
        let mut other: Source = text.parse()?;
        if texts {
            other.columns = Some(reference.columns().to_vec());
        }
        other.load(seed, &LoadOptions::default())?.align(reference.columns())
    };
    let mut samples = load(&args.samples, args.seed ^ SAMPLES)?;
    let mut train = args.train.as_ref().map(|text| load(text, args.seed)).transpose()?;
    console.notes([Some(&reference), Some(&samples), train.as_ref()].into_iter().flatten());
    let scale = match args.standardise {
        true => Standardisation::fit(&reference),
        false => Standardisation::identity(reference.cols()),
    };
    let target = match args.score.as_slice() {
        [] => Target::of(&source, &scale),
        score => Some(Target::given(score, &reference, &scale)?),
    };
    if args.standardise {
        for set in [Some(&mut reference), Some(&mut samples), train.as_mut()].into_iter().flatten() {
            *set = standardised(set, &scale)?;
        }
    }
    let gpu = super::device::open(adapter, console)?;
    let options = Options { gpu: Some(gpu.clone()), target, seed: args.seed, pair_rows: args.pair_rows, ..Options::default() };
    let train = train.as_ref().map(Points::of).transpose()?;
    let found = scores(&gpu, Points::of(&reference)?, Points::of(&samples)?, train, &options)?;
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
    let mut text = shown(&found);
    if found.columns > 1 {
        text += &format!("Kolmogorov–Smirnov is of column `{}`, the worst\n", reference.columns()[found.ks.column]);
    }
    text += &subsampled(&found);
    Ok(print(&text)?)
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

/// The rows in units of `scale`.
pub fn standardised(table: &Table, scale: &Standardisation) -> pushforward::Result<Table> {
    Ok(Table::new(table.columns().iter().cloned(), scale.apply(table.values())?)?.from_origin(table.origin()))
}

/// Every score, with the classifier's where there are rows enough to train one.
pub fn scores(
    gpu: &Gpu,
    reference: Points,
    samples: Points,
    train: Option<Points>,
    options: &Options,
) -> pushforward::Result<Evaluation> {
    let mut found = score(reference, samples, train, options)?;
    if reference.rows().min(samples.rows()) >= CLASSIFIER_ROWS {
        found.c2st = Some(c2st::test(gpu, reference, samples, options.seed)?);
    }
    Ok(found)
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
        let p = p_value.map(|p| if p < 1e-4 { "< 0.0001".into() } else { number(p, 2) }).unwrap_or_default();
        rows.push(vec![score.name.into(), number(value, 4), interval, p, best, score.meaning.into()]);
    }
    table(&rows)
}
