//! `sample`, `push` and `log-density`: what a trained map can do.

use std::path::Path;

use pushforward::Error;
use pushforward::data::{FileFormat, LoadOptions, Origin, Source, Standardisation, Table};
use pushforward::gpu::Gpu;
use pushforward::methods::Meaning;
use pushforward::metrics::{Backend, LogLikelihood, Points, diversity};
use pushforward::model::{LogDensity, Mixing, Model};
use pushforward::report::number;
use pushforward::settings::parse_assignment;
use serde_json::json;

use super::arguments::{self, Integration, Push, Sample};
use super::console::{Console, print};
use super::likelihood::with_error;

/// Bandwidth of the Vendi score, in deviations of a column.
const BANDWIDTH: f64 = 0.1;
/// Values that one call may draw: 4 GiB of them.
const MOST_VALUES: usize = 1 << 30;

pub fn sample(args: &Sample, adapter: &str, console: Console) -> anyhow::Result<()> {
    FileFormat::of(&args.out)?;
    if let Some(file) = &args.trajectories {
        FileFormat::of(file)?;
    }
    let model = with_integration(load(&args.run, adapter)?, &args.integration)?;
    let cols = model.description().columns.len();
    let given = if args.given.is_empty() { None } else { Some(given(&model, &args.given)?) };
    let n = match (args.n, &given) {
        (Some(n), _) => n,
        (None, Some(_)) => 1,
        (None, None) => return Err(Error::usage("say how many rows to draw: -n 1000").into()),
    };
    let values = n.saturating_mul(given.as_ref().map_or(1, Table::rows)).saturating_mul(cols);
    if values > MOST_VALUES {
        return Err(Error::usage(format!(
            "-n {n} asks for {values} values at once, and {MOST_VALUES} is the most: draw fewer rows a file, with another --seed for each"
        ))
        .into());
    }
    let draw = |model: &Model| match &given {
        Some(given) => model.sample_given(given, n, args.seed),
        None => model.sample(n, args.seed),
    };
    let rows = draw(&model)?;
    rows.write(&args.out)?;
    console.message(&format!("wrote {} rows of {cols} columns to {}", rows.rows(), args.out.display()));
    if let Some(mixing) = model.mixing(args.seed)? {
        console.message(&said_of(&mixing));
    }
    if model.repels() {
        let alone =
            with_integration(load(&args.run, adapter)?, &args.integration)?.with_sampling([("repulsion".into(), 0.0.into())])?;
        console.message(&diversity_of(&draw(&alone)?, &rows, adapter)?);
    }
    if let Some(file) = &args.trajectories {
        let ways = model.trajectories(n, args.seed)?;
        ways.write(file)?;
        console.message(&format!("wrote the ways of {} rows, {} points, to {}", n, ways.rows(), file.display()));
    }
    Ok(())
}

/// How the chains behind a sample mix, in one line.
fn said_of(mixing: &Mixing) -> String {
    let Mixing { acceptance, autocorrelation_time, moves, traced } = *mixing;
    // A sum over lags wants many times its length to be seen (Sokal 1997).
    let short = if autocorrelation_time > traced as f64 / 10.0 {
        "; that is at least: its chains are too short to tell, train with more sample_steps"
    } else {
        ""
    };
    format!(
        "its chains accepted {} % of their moves; their autocorrelation time is {} moves (the slowest column), so that the {moves} moves of a row are an effective          sample of {}{short}",
        number(100.0 * acceptance, 3),
        number(autocorrelation_time, 3),
        number(mixing.effective_sample_size(), 3)
    )
}

/// What `sample` has to be told for `n` rows of this model.
pub fn asked(model: &Model, n: usize) -> String {
    match model.description().conditions {
        0 => format!("-n {n}"),
        _ => "--given rows.csv".into(),
    }
}

/// The rows that a model generates from: those of a file, or one of values said one by one.
fn given(model: &Model, said: &[String]) -> anyhow::Result<Table> {
    let names = model.description().parted().1;
    if let [one] = said
        && let Ok(source) = one.parse::<Source>()
        && (!one.contains('=') || matches!(&source.origin, Origin::File(path) if path.exists()))
    {
        if names.is_empty() {
            return Ok(source.load(0, &LoadOptions::default())?);
        }
        let columns = Some(names.to_vec());
        // A file whose columns have no names is read as it stands.
        let plain = source.load(0, &LoadOptions::default()).ok().filter(|table| !table.has_header());
        return Ok(match plain {
            Some(table) => table,
            None => Source { origin: source.origin, columns }.load(0, &LoadOptions::default())?,
        });
    }
    let mut values = vec![None; names.len()];
    for text in said {
        let (column, value) =
            text.split_once('=').ok_or_else(|| Error::usage(format!("--given {text}: write COLUMN=VALUE, or name one file")))?;
        let levels: Vec<usize> =
            (0..names.len()).filter(|&j| names[j].split_once('=').is_some_and(|pair| pair.0 == column)).collect();
        match (names.iter().position(|name| name == column), names.iter().position(|name| name == text)) {
            (Some(j), _) => {
                let number: f32 = value
                    .parse()
                    .ok()
                    .filter(|v: &f32| v.is_finite())
                    .ok_or_else(|| Error::usage(format!("--given {text}: `{column}` is a number, and `{value}` is none")))?;
                values[j] = Some(number);
            }
            (None, Some(chosen)) => levels.iter().for_each(|&j| values[j] = Some(f32::from(u8::from(j == chosen)))),
            (None, None) => {
                let known = match levels.is_empty() {
                    true => format!("the model generates from {}", names.join(", ")),
                    false => {
                        let texts: Vec<&str> = levels.iter().map(|&j| &names[j][column.len() + 1..]).collect();
                        format!("the levels of `{column}` in training were {}", texts.join(", "))
                    }
                };
                return Err(Error::usage(format!("--given {text}: {known}")).into());
            }
        }
    }
    if let Some(missing) = values.iter().position(Option::is_none) {
        let column = names[missing].split_once('=').map_or(names[missing].as_str(), |pair| pair.0);
        return Err(Error::usage(format!("--given: `{column}` is missing; the model generates from {}", names.join(", "))).into());
    }
    Ok(Table::new(names.iter().cloned(), values.into_iter().flatten().collect())?)
}

/// How diverse rows are with repulsion and without, in one line.
fn diversity_of(before: &Table, after: &Table, adapter: &str) -> anyhow::Result<String> {
    if before.rows() < 2 {
        return Ok("one row repels no other".into());
    }
    // Each column in its own deviation, as the repulsion had it.
    let units = Standardisation::fit(before);
    let on = Backend::Gpu(Gpu::open(adapter)?);
    let scores = |table: &Table| -> Result<_, Error> {
        let mut values = table.values().to_vec();
        units.apply(&mut values)?;
        diversity::scores(&on, Points::new(&values, table.rows(), table.cols())?, BANDWIDTH, 0)
    };
    let (before, after) = (scores(before)?, scores(after)?);
    Ok(format!(
        "with repulsion the nearest other row is {} deviations away on average, and {} without; different rows (Vendi score of up to 1,000, \
         bandwidth {BANDWIDTH}): {} and {}",
        number(after.nearest.value, 3),
        number(before.nearest.value, 3),
        number(after.vendi.value, 4),
        number(before.vendi.value, 4)
    ))
}

/// The model with its equation solved as the flags say.
fn with_integration(model: Model, flags: &Integration) -> Result<Model, Error> {
    let solver = flags.solver.as_ref().map(|name| ("solver".to_string(), toml::Value::from(name.as_str())));
    let steps = flags.steps.map(|steps| ("solver_steps".to_string(), toml::Value::from(steps as i64)));
    let others = flags.set.iter().map(|text| parse_assignment(text)).collect::<Result<Vec<_>, _>>()?;
    let asked: Vec<(String, toml::Value)> = solver.into_iter().chain(steps).chain(others).collect();
    if asked.is_empty() { Ok(model) } else { model.with_sampling(asked) }
}

pub fn push(args: &Push, adapter: &str, console: Console) -> anyhow::Result<()> {
    FileFormat::of(&args.out)?;
    let model = with_integration(load(&args.run, adapter)?, &args.integration)?;
    let points = match args.inverse {
        true => rows_of(&model, &args.input)?,
        false => args.input.parse::<Source>()?.load(0, &LoadOptions::default())?,
    };
    let rows = match args.inverse {
        true => model.pull(&points)?.ok_or_else(|| lacks(&model, "inverse map", "--inverse"))?,
        false => model.push(&points)?,
    };
    rows.write(&args.out)?;
    let way = if args.inverse { "back " } else { "" };
    console.message(&format!("pushed {} points {way}to {}", rows.rows(), args.out.display()));
    Ok(())
}

pub fn log_density(args: &arguments::LogDensity, adapter: &str, console: Console) -> anyhow::Result<()> {
    if let Some(out) = &args.out {
        FileFormat::of(out)?;
    }
    let model = with_integration(load(&args.run, adapter)?, &args.integration)?;
    let rows = rows_of(&model, &args.data)?;
    let LogDensity { values, errors } = model.log_density(&rows)?.ok_or_else(|| lacks(&model, "density", "log-density"))?;
    if let Some(out) = &args.out {
        let table = match &errors {
            None => Table::new(["log_density"], values.clone())?,
            Some(errors) => {
                let pairs = values.iter().zip(errors).flat_map(|(&value, &error)| [value, error]).collect();
                Table::new(["log_density", "standard_error"], pairs)?
            }
        };
        table.write(out)?;
        console.message(&format!("wrote the log-density of {} rows to {}", values.len(), out.display()));
    }
    let found = LogLikelihood::of(values.iter().map(|&v| f64::from(v)), model.description().parted().0.len());
    // The error of the probes alone, which is part of the spread.
    let means = model.method().density_means();
    let of_all = |errors: Vec<f32>| match means {
        // One error that all rows share does not average out.
        Meaning::Normalised { .. } => mean_of(&errors),
        _ => errors.iter().map(|&e| f64::from(e).powi(2)).sum::<f64>().sqrt() / values.len() as f64,
    };
    let probes = errors.map(of_all);
    let lower_bound = matches!(means, Meaning::LowerBound { .. });
    // What training maximised, such as the evidence lower bound.
    let trained = if lower_bound { model.trained_bound(&rows)?.map(|bound| mean_of(&bound)) } else { None };
    if args.json {
        let said = json!({
            "rows": found.rows, "mean": found.mean, "standard_error": found.standard_error, "probe_error": probes,
            "bits_per_dimension": found.bits_per_dimension, "lower_bound": lower_bound, "trained_bound": trained,
        });
        return Ok(print(&said.to_string())?);
    }
    let of_probes = probes.map_or(String::new(), |e| format!(" (± {} of it from random estimates)", number(e, 2)));
    let bits = number(found.bits_per_dimension, 4);
    let of_training = trained.map_or(String::new(), |bound| format!("; the bound that training maximises: {bound:.4}"));
    Ok(print(&format!(
        "mean log-density of {} rows: {} nats{of_probes}, {bits} bits a dimension{}{of_training}\n",
        found.rows,
        with_error(&found),
        means.said()
    ))?)
}

fn mean_of(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64
}

/// Rows to judge: of a model with given columns, the columns that it knows, indicators included.
fn rows_of(model: &Model, text: &str) -> Result<Table, Error> {
    let mut source: Source = text.parse()?;
    let description = model.description();
    if description.columns.iter().any(|name| name.contains('=')) && source.columns.is_none() {
        source.columns = Some(description.columns.clone());
    }
    source.load(0, &LoadOptions::default())
}

fn load(run: &Path, adapter: &str) -> Result<Model, Error> {
    Model::load(&Gpu::open(adapter)?, run)
}

fn lacks(model: &Model, what: &str, asked: &str) -> Error {
    let method = &model.description().method;
    Error::usage(format!(
        "{asked}: a model of method `{method}` has no {what}; `pushforward methods` shows which methods have one"
    ))
}
