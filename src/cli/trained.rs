//! `sample`, `push` and `log-density`: what a trained map can do.

use std::path::Path;

use pushforward::Error;
use pushforward::data::{FileFormat, LoadOptions, Source, Table};
use pushforward::gpu::Gpu;
use pushforward::model::Model;
use pushforward::report::number;
use serde_json::json;

use super::arguments::{LogDensity, Push, Sample};
use super::console::{Console, print};

/// Values that one call may draw: 4 GiB of them.
const MOST_VALUES: usize = 1 << 30;

pub fn sample(args: &Sample, adapter: &str, console: Console) -> anyhow::Result<()> {
    FileFormat::of(&args.out)?;
    let mut model = load(&args.run, adapter)?;
    let solver = args.solver.as_ref().map(|name| ("--solver", "solver", toml::Value::from(name.as_str())));
    let steps = args.steps.map(|steps| ("--steps", "solver_steps", toml::Value::from(steps as i64)));
    for (flag, key, value) in [solver, steps].into_iter().flatten() {
        let method = &model.description().method;
        if !model.description().settings.contains_key(key) {
            return Err(Error::usage(format!(
                "{flag} is for methods that integrate an equation; `{method}` samples in one step: leave it out"
            ))
            .into());
        }
        model = model.with_setting(key, value)?;
    }
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
    Ok(())
}

pub fn push(args: &Push, adapter: &str, console: Console) -> anyhow::Result<()> {
    FileFormat::of(&args.out)?;
    let source: Source = args.input.parse()?;
    let points = source.load(0, &LoadOptions::default())?;
    let model = load(&args.run, adapter)?;
    let rows = match args.inverse {
        true => model.pull(&points)?.ok_or_else(|| lacks(&model, "inverse map", "--inverse"))?,
        false => model.push(&points)?,
    };
    rows.write(&args.out)?;
    let way = if args.inverse { "back " } else { "" };
    console.message(&format!("pushed {} points {way}to {}", rows.rows(), args.out.display()));
    Ok(())
}

pub fn log_density(args: &LogDensity, adapter: &str, console: Console) -> anyhow::Result<()> {
    let source: Source = args.data.parse()?;
    let rows = source.load(0, &LoadOptions::default())?;
    if let Some(out) = &args.out {
        FileFormat::of(out)?;
    }
    let model = load(&args.run, adapter)?;
    let found = model.log_density(&rows)?.ok_or_else(|| lacks(&model, "density", "log-density"))?;
    if let Some(out) = &args.out {
        Table::new(["log_density"], found.clone())?.write(out)?;
        console.message(&format!("wrote the log-density of {} rows to {}", found.len(), out.display()));
    }
    let n = found.len() as f64;
    let mean = found.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = found.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / (n - 1.0);
    // One row has no spread.
    let error = (found.len() > 1).then(|| (variance / n).sqrt());
    if args.json {
        return Ok(print(&json!({ "rows": found.len(), "mean": mean, "standard_error": error }).to_string())?);
    }
    let spread = error.map_or(String::new(), |error| format!(" ± {}", number(error, 2)));
    Ok(print(&format!("mean log-density of {} rows: {mean:.4}{spread} nats\n", found.len()))?)
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
