//! `sample`, `push` and `log-density`: what a trained map can do.

use std::path::Path;

use pushforward::Error;
use pushforward::data::{FileFormat, LoadOptions, Source, Standardisation, Table};
use pushforward::gpu::Gpu;
use pushforward::metrics::{Backend, LogLikelihood, Points, diversity};
use pushforward::model::{LogDensity, Model};
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
    if args.n.saturating_mul(cols) > MOST_VALUES {
        return Err(Error::usage(format!(
            "-n {} asks for {} values at once, and {MOST_VALUES} is the most: draw fewer rows a file, with another --seed for each",
            args.n,
            args.n.saturating_mul(cols)
        ))
        .into());
    }
    let rows = model.sample(args.n, args.seed)?;
    rows.write(&args.out)?;
    console.message(&format!("wrote {} rows of {cols} columns to {}", rows.rows(), args.out.display()));
    if model.repels() {
        let alone =
            with_integration(load(&args.run, adapter)?, &args.integration)?.with_sampling([("repulsion".into(), 0.0.into())])?;
        console.message(&diversity_of(&alone.sample(args.n, args.seed)?, &rows, adapter)?);
    }
    if let Some(file) = &args.trajectories {
        let ways = model.trajectories(args.n, args.seed)?;
        ways.write(file)?;
        console.message(&format!("wrote the ways of {} rows, {} points, to {}", args.n, ways.rows(), file.display()));
    }
    Ok(())
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
    let source: Source = args.input.parse()?;
    let points = source.load(0, &LoadOptions::default())?;
    let model = with_integration(load(&args.run, adapter)?, &args.integration)?;
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
    let source: Source = args.data.parse()?;
    let rows = source.load(0, &LoadOptions::default())?;
    if let Some(out) = &args.out {
        FileFormat::of(out)?;
    }
    let model = with_integration(load(&args.run, adapter)?, &args.integration)?;
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
    let found = LogLikelihood::of(values.iter().map(|&v| f64::from(v)), model.description().columns.len());
    // The error of the probes alone, which is part of the spread.
    let probes = errors.map(|errors| errors.iter().map(|&e| f64::from(e).powi(2)).sum::<f64>().sqrt() / values.len() as f64);
    if args.json {
        let said = json!({
            "rows": found.rows, "mean": found.mean, "standard_error": found.standard_error, "probe_error": probes,
            "bits_per_dimension": found.bits_per_dimension,
        });
        return Ok(print(&said.to_string())?);
    }
    let of_probes = probes.map_or(String::new(), |e| format!(" (± {} of it from random estimates)", number(e, 2)));
    let bits = number(found.bits_per_dimension, 4);
    Ok(print(&format!(
        "mean log-density of {} rows: {} nats{of_probes}, {bits} bits a dimension\n",
        found.rows,
        with_error(&found)
    ))?)
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
