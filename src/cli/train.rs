//! `train`: from words to a [`Job`], and from its outcome to what the person sees.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use pushforward::data::{Group, LoadOptions, Origin, Source, Table, density_warnings, groups, in_words};
use pushforward::methods::{self, Entry, Training};
use pushforward::settings::parse_assignment;
use pushforward::train::{Job, Outcome};
use pushforward::{Error, train};
use serde_json::json;

use super::INTERRUPTED;
use super::arguments::Train;
use super::console::{Console, print};
use super::likelihood::{self, Judged};
use super::page;
use super::progress::{Watch, duration};

pub fn train(args: &Train, adapter: &str, console: Console) -> anyhow::Result<()> {
    let entry = methods::find(&args.method)?;
    let source: Source = args.data.parse()?;
    let test_source = args.test.as_deref().map(str::parse::<Source>).transpose()?;
    let out = folder(args, &source)?;
    let Resolved { training, settings, seed } = resolve(args, entry, &out)?;
    if args.resume {
        // Before anything is loaded, so that the mistake is told at once.
        in_progress(&out)?;
    }
    let options = LoadOptions { weights: args.weights.clone(), header: None };
    let (chosen, conditions) = match condition(args, &out)?.as_slice() {
        [] => (source.clone(), 0),
        given => source.with_given(given, args.weights.as_deref())?,
    };
    let table = chosen.load(seed, &options)?;
    let test = match &test_source {
        // A toy target of the same seed would give the very rows that are trained on.
        Some(test) => {
            let columns = if conditions > 0 { chosen.columns.clone() } else { test.columns.clone() };
            let test_rows = Source { origin: test.origin.clone(), columns };
            test_rows.check_levels()?;
            let rows = test_rows.load(seed ^ TEST, &options)?;
            Some((test.to_string(), rows))
        }
        None => None,
    };
    let (rows, fresh) = (table.rows(), fresh_rows(&chosen, &table, seed)?);
    let gpu = super::device::open(adapter, console)?;
    console.message(&format!(
        "training {} on {source}: {rows} rows, {} columns{}, up to {} steps on {}",
        entry.name,
        table.cols() - conditions,
        match conditions {
            0 => String::new(),
            k => format!(" given {}", in_words(&table.columns()[table.cols() - k..])),
        },
        training.steps,
        gpu.summary().name
    ));
    if entry.density {
        for said in density_warnings(&table, conditions, training.dequantise, training.noise > 0.0) {
            console.message(&format!("warning: {said}"));
        }
    }
    // After the device: a driver reads environment variables that must not change once there are threads.
    let stop = stop_on_signals()?;
    let job = Job {
        entry,
        training,
        settings,
        seed,
        source: source.to_string(),
        source_hash: source.file_hash()?,
        table,
        conditions,
        test,
        out: out.clone(),
        resume: args.resume,
        command: command(&out, false),
    };
    let mut watch = Watch::new(console);
    let outcome = train::train(&gpu, job, &mut watch, &stop);
    watch.clear();
    let outcome = outcome.map_err(|e| match e {
        Error::Interrupted { step } => anyhow::Error::new(Error::Interrupted { step })
            .context(format!("the checkpoint is written; go on with `{}`", command(&out, true))),
        Error::NonFinite { .. } if out.join("checkpoint.safetensors").exists() => {
            anyhow::Error::new(e).context(format!("the last good checkpoint is kept in {}", out.display()))
        }
        e => e.into(),
    })?;
    let judged = likelihood::judged(&outcome, fresh.as_ref())?;
    let report = page::write(&gpu, &outcome, entry, fresh.as_ref(), judged.as_ref(), &command(&out, false), console)?;
    finished(&outcome, entry, &source, rows, judged.as_ref(), report.as_deref(), console)
}

/// The given columns; a run goes on with its own, so that they need not be said again.
fn condition(args: &Train, out: &Path) -> Result<Vec<String>, Error> {
    let own = out.join("config.toml");
    if !args.condition.is_empty() || !args.resume || !own.exists() {
        return Ok(args.condition.clone());
    }
    let text = std::fs::read_to_string(&own).map_err(|e| Error::io("read", &own, e))?;
    let config: toml::Table = text.parse().unwrap_or_default();
    let given = config.get("data").and_then(|data| data.get("given")).and_then(toml::Value::as_array);
    let names: Vec<String> = given.into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_string())).collect();
    let said = |group: &Group| match group.levels.is_empty() {
        true => group.column.to_string(),
        false => format!("{}:levels", group.column),
    };
    Ok(groups(&names).iter().map(said).collect())
}

/// A counter domain of its own for the rows of a toy `--test`.
const TEST: u64 = 0x7465_7374;
const FRESH: u64 = 0x6672_6573;

/// Rows of the same law that nothing was trained on: only a toy target has them without end.
fn fresh_rows(source: &Source, table: &Table, seed: u64) -> anyhow::Result<Option<Table>> {
    let Origin::Toy(toy, _) = &source.origin else { return Ok(None) };
    let draw = Source { origin: Origin::Toy(*toy, 2 * page::ROWS), columns: source.columns.clone() };
    Ok(Some(draw.load(seed ^ FRESH, &LoadOptions::default())?.align(table.columns())?))
}

struct Resolved {
    training: Training,
    settings: toml::Table,
    seed: u64,
}

/// Defaults, then the file, then `--set`, then the flags.
fn resolve(args: &Train, entry: &Entry, out: &Path) -> anyhow::Result<Resolved> {
    let mut table = toml::Table::new();
    let mut seed = None;
    let own = out.join("config.toml");
    let file = match &args.config {
        Some(path) => Some(path.as_path()),
        // A run goes on with its own settings, so that they need not be said again.
        None if args.resume && own.exists() => Some(own.as_path()),
        None => None,
    };
    if let Some(path) = file {
        (table, seed) = read_config(path, entry)?;
        entry.settings(table.clone()).map_err(|e| in_file(path, e))?;
    }
    for text in &args.set {
        let (key, value) = parse_assignment(text)?;
        table.insert(key, value);
    }
    for (key, value) in [("steps", &args.steps), ("batch", &args.batch)] {
        if let Some(value) = value {
            table.insert(key.into(), parse_assignment(&format!("{key}={value}"))?.1);
        }
    }
    if let Some(value) = table.remove("seed") {
        seed = Some(seed_of(&value)?);
    }
    let (training, settings) = entry.settings(table)?;
    Ok(Resolved { training, settings, seed: args.seed.or(seed).unwrap_or(0) })
}

fn in_file(path: &Path, e: Error) -> Error {
    match e {
        Error::Usage(problem) => Error::Usage(format!("{}: {problem}", path.display())),
        e => e,
    }
}

fn seed_of(value: &toml::Value) -> Result<u64, Error> {
    let seed = value.as_integer().and_then(|s| u64::try_from(s).ok());
    seed.ok_or_else(|| Error::usage(format!("`seed` is {value}: it must be a whole number of 0 or above")))
}

/// The keys of a file of settings, or of a run's own `config.toml`, which has them in two tables; and its seed.
fn read_config(path: &Path, entry: &Entry) -> Result<(toml::Table, Option<u64>), Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    let mut table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        let line = e.span().map(|span| text[..span.start].matches('\n').count() + 1);
        let at = line.map(|line| format!("line {line} ")).unwrap_or_default();
        Error::format(path, format!("{at}is not TOML ({}): write key = value, one a line", e.message()))
    })?;
    let seed = table.remove("seed").map(|value| seed_of(&value)).transpose().map_err(|e| in_file(path, e))?;
    if let Some(method) = table.remove("method")
        && method.as_str() != Some(entry.name)
    {
        return Err(Error::usage(format!("{} is for method {method}, not \"{}\"", path.display(), entry.name)));
    }
    if let (Some(toml::Value::Table(training)), Some(toml::Value::Table(own))) = (table.get("training"), table.get("settings")) {
        table = training.iter().chain(own).map(|(key, value)| (key.clone(), value.clone())).collect();
    }
    Ok((table, seed))
}

/// Where the run goes: as asked, or a name that is free; a resumed one is the newest of those names.
fn folder(args: &Train, source: &Source) -> Result<PathBuf, Error> {
    if let Some(out) = &args.out {
        return Ok(out.clone());
    }
    let name = name_of(source);
    let numbered = |k: usize| {
        let suffix = if k == 1 { String::new() } else { format!("-{k}") };
        PathBuf::from("runs").join(format!("{}-{name}{suffix}", args.method))
    };
    let free = (1..).find(|&k| !numbered(k).exists()).unwrap_or(1);
    match (args.resume, free) {
        (false, _) => Ok(numbered(free)),
        (true, 1) => Err(Error::usage(format!("there is no run {} to resume: name its folder by --out", numbered(1).display()))),
        (true, _) => Ok(numbered(free - 1)),
    }
}

/// What a folder calls a source.
pub fn name_of(source: &Source) -> String {
    let name: String = match &source.origin {
        Origin::Toy(toy, _) => toy.name().into(),
        Origin::File(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
    };
    name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

/// Refuses to resume where there is nothing to go on from.
fn in_progress(out: &Path) -> Result<(), Error> {
    let problem = if !out.is_dir() {
        "does not exist"
    } else if !out.join("config.toml").exists() {
        "holds no run"
    } else {
        return Ok(());
    };
    Err(Error::usage(format!("{} {problem}: to start a new run, leave out --resume", out.display())))
}

/// Ctrl-C and SIGTERM ask the run to stop after its step; a second one ends the program at once.
pub fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(INTERRUPTED.into());
        }
    })
    .context("Ctrl-C cannot be caught")?;
    Ok(stop)
}

/// The command that this process was given, with its folder spelt out, for a new run or to go on.
pub fn command(out: &Path, resume: bool) -> String {
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--resume").collect();
    if !words.iter().any(|word| word == "--out" || word.starts_with("--out=")) {
        words.extend(["--out".into(), out.display().to_string()]);
    }
    if resume {
        words.push("--resume".into());
    }
    let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
    format!("pushforward {}", quoted.join(" "))
}

/// A word as a POSIX shell reads it back.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && (word.chars().all(plain) || !word.starts_with('#') && word.chars().all(|c| plain(c) || c == '#')) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn finished(
    outcome: &Outcome,
    entry: &Entry,
    source: &Source,
    rows: usize,
    judged: Option<&Judged>,
    report: Option<&Path>,
    console: Console,
) -> anyhow::Result<()> {
    let (model, path) = (outcome.folder.model(), outcome.folder.path());
    let asked = super::trained::asked(&outcome.model, 1000);
    let next = format!("pushforward sample {} {asked} --out samples.csv", quote(&path.display().to_string()));
    if console.quiet() {
        return Ok(());
    }
    if console.is_json() {
        let value = json!({
            "event": "finished",
            "run": path, "model": model, "report": report,
            "steps": outcome.steps, "kept_step": outcome.kept, "stopped_early": outcome.stopped_early, "refit": outcome.judged.is_some(),
            "seconds": outcome.seconds, "likelihood": judged.map(Judged::json),
        });
        return Ok(print(&value.to_string())?);
    }
    let held = match &outcome.test {
        Some(test) => format!("{} rows to learn from, {} held out", outcome.train.rows(), test.rows()),
        None => format!("{rows} rows"),
    };
    let why = match (outcome.stopped_early, outcome.kept < outcome.steps) {
        (true, _) => format!(", best on the held-out rows; stopped early, at step {}", outcome.steps),
        (false, true) => ", best on the held-out rows".into(),
        (false, false) => String::new(),
    };
    let mut text = format!("{} learned {source} ({held}) in {}\n", entry.name, duration(outcome.seconds));
    text += &format!("kept     step {} of {}{why}\n", outcome.kept, outcome.model.description().training.steps);
    if outcome.judged.is_some() {
        text += &format!("refit    anew on all {rows} rows, for as many steps\n");
    }
    if let Some(judged) = judged {
        text += &format!("nats     {}\n", judged.said());
    }
    text += &format!("model    {}\n", model.display());
    if let Some(report) = report {
        text += &format!("report   {}\n", report.display());
    }
    text += &format!("next     {next}\n");
    Ok(print(&text)?)
}
