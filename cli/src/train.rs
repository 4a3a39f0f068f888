//! `train`: from words to a [`Job`], and from its outcome to what the person sees.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use pushforward::data::{
    Group, LoadOptions, Origin, Source, Table, density_warnings, groups, in_words, outlier_warnings, write_atomically,
};
use pushforward::gpu::Gpu;
use pushforward::methods::{self, Method, Training};
use pushforward::metrics::efficacy;
use pushforward::model::{Description, check_config};
use pushforward::report::run::{self, TestLikelihood, kept_said, outside_said, refit_said, sets_said, test_likelihood};
use pushforward::settings::Values;
use pushforward::train::{Encoded, Job, MOST_OUTSIDE, MOST_TEST, Outcome, Rows};
use pushforward::words::{count, duration};
use pushforward::{Error, train};
use serde_json::json;

use super::INTERRUPTED;
use super::arguments::Train;
use super::console::{Console, print};
use super::progress::Watch;
use super::trained::{asked, step_left};
use super::typed::{self, Found, Typed, Which};

pub fn train(args: &Train, adapter: &str, console: Console) -> anyhow::Result<()> {
    let name = methods::by_name(&args.method)?.name();
    let source: Source = args.data.parse()?;
    let [validation_source, test_source] = [&args.validation, &args.test].map(|set| set.as_deref().map(str::parse).transpose());
    let (validation_source, test_source): (Option<Source>, Option<Source>) = (validation_source?, test_source?);
    let mut out = folder(args, &source)?;
    let Resolved { method, training, seed } = resolve(args, name, &out)?;
    let entry = method.entry();
    if args.resume {
        // Before anything is loaded, so that the mistake is reported at once.
        in_progress(&out)?;
    }
    let options = LoadOptions { weights: args.weights.clone(), header: None, skip_missing: true };
    let given = condition(args, &out)?;
    let types = typed::options(&args.types, Some(&args.levels))?;
    let which = match method.target_score() {
        _ if training.impute => Which::All,
        // The score is one of the columns as they are.
        Some(_) => Which::Mixed,
        None => Which::Encoded,
    };
    let is_given = [validation_source.is_some(), test_source.is_some()];
    let mut encode = |table, conditions| Encoded::of(table, conditions, (method.as_ref(), &training), is_given, seed);
    let sets = [&validation_source, &test_source];
    let typed = typed::read(&source, &given, sets, (&options, &types), (seed, console, which), &mut encode)?;
    let (typed, numbers) = match typed {
        Found::Typed(typed) => (Some(typed), None),
        Found::Numbers(table) => (None, table.map(|table| *table)),
    };
    let (chosen, conditions) = match (&typed, given.as_slice()) {
        (Some(typed), _) => (source.clone(), typed.encoded.conditions),
        (None, []) => (source.clone(), 0),
        (None, given) => source.with_given(given, args.weights.as_deref())?,
    };
    let (table, encoding) = match &typed {
        Some(typed) => (typed.encoded.table.clone(), typed.encoded.encoding.clone()),
        None => (numbers.map_or_else(|| chosen.load(seed, &options), Ok)?, None),
    };
    if let Some(target) = &args.target {
        let types = match &encoding {
            Some(encoding) => encoding.types(),
            None => table.columns().iter().enumerate().map(|(j, name)| (name.as_str(), table.column_type(j))).collect(),
        };
        efficacy::check_type(&types, table.origin(), target)?;
    }
    // A toy target of the same seed would give the very rows that are trained on.
    let load = |set: &Option<Source>, domain: u64| -> Result<Option<(String, Table)>, Error> {
        let Some(set) = set else { return Ok(None) };
        let columns = if conditions > 0 { chosen.columns.clone() } else { set.columns.clone() };
        let rows = Source { origin: set.origin.clone(), columns };
        rows.check_levels()?;
        Ok(Some((set.to_string(), rows.load(seed ^ domain, &options)?)))
    };
    let (learned, words) = match &typed {
        Some(typed) => (typed.learned, typed.given.join(", ")),
        None => (table.cols() - conditions, in_words(&table.columns()[table.cols() - conditions..])),
    };
    let split = typed.as_ref().and_then(|typed| typed.encoded.split.clone());
    let (validation, mut test) = match typed {
        Some(Typed { validation, test, .. }) => (validation, test),
        None => (load(&validation_source, VALIDATION)?, load(&test_source, TEST)?),
    };
    let fresh = |domain: u64| fresh_rows(&chosen, &table, seed ^ domain);
    let is_own = method.target_score().is_none();
    if test.is_none() && is_own && training.test_fraction.is_none() {
        test = fresh(FRESH)?;
    }
    // What no sampler can beat: further rows of the distribution.
    // With an encoding they would have to be encoded, too.
    let beside = if is_own && !training.impute { fresh(BESIDE)? } else { None };
    let sets = [Some(&table), validation.as_ref().map(|(_, rows)| rows), test.as_ref().map(|(_, rows)| rows)];
    console.notes(sets.into_iter().flatten());
    if encoding.is_none() {
        outlier_warnings(&table).iter().for_each(|said| console.message(&format!("warning: {said}")));
    }
    let gpu = super::device::open(adapter, console)?;
    console.message(&format!(
        "training {} on {source}: {}, {}{}, up to {} on {}",
        entry.name,
        count(table.rows(), "row"),
        count(learned, "column"),
        if conditions > 0 { format!(" given {words}") } else { String::new() },
        count(training.steps as usize, "step"),
        gpu.summary().name
    ));
    if entry.density && encoding.is_none() {
        for said in density_warnings(&table, conditions, training.dequantize, training.noise > 0.0) {
            console.message(&format!("warning: {said}"));
        }
    }
    // After the device: a driver reads environment variables that must not change once there are threads.
    let stop = stop_on_signals()?;
    let free = !args.resume && args.out.is_none();
    if free {
        out = take_free(args, &source)?;
    }
    let job = Job {
        method,
        training,
        seed,
        source: source.to_string(),
        source_hash: source.file_hash()?,
        table,
        encoding,
        split,
        conditions,
        validation,
        test,
        out: Some(out.clone()),
        resume: args.resume,
        command: command(&out, false),
    };
    let mut watch = Watch::new(console);
    let outcome = train::train(&gpu, job, &mut watch, &stop);
    watch.clear();
    if outcome.is_err() && free {
        // Only if nothing was written there.
        let _ = std::fs::remove_dir(&out).and_then(|()| std::fs::remove_dir(RUNS));
    }
    let outcome = outcome.map_err(|e| ended(e, &out))?;
    let likelihood = test_likelihood(&outcome)?;
    let beside = beside.map(|(_, rows)| rows);
    let report = report(&gpu, (&outcome, &out), beside.as_ref(), (likelihood.as_ref(), args.target.as_deref()), console)?;
    finished((&outcome, &out), &source, likelihood.as_ref(), report.as_ref(), console)
}

/// A run that ended before its time: what it left, and how to go on.
fn ended(e: Error, out: &Path) -> anyhow::Error {
    let model = if out.join("model.safetensors").exists() { model_left(out) } else { String::new() };
    match e {
        Error::Interrupted { .. } => {
            let context = format!("the checkpoint is written{model}; resume with `{}`", command(out, true));
            anyhow::Error::new(e).context(context)
        }
        Error::NonFinite { .. } if out.join("checkpoint.safetensors").exists() => {
            anyhow::Error::new(e).context(format!("the last good checkpoint is kept in {}{model}", out.display()))
        }
        e => e.into(),
    }
}

/// The model of a run that has not finished, in words.
fn model_left(out: &Path) -> String {
    let said = Description::read(out).ok().and_then(|description| step_left(&description));
    said.map_or(String::new(), |step| format!(", and {} is the model of {step}", out.join("model.safetensors").display()))
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

/// Counter domains of their own for the rows of toy sets, so that they are not the rows that are trained on.
const VALIDATION: u64 = 0x7465_7374;
pub const TEST: u64 = 0x7363_6f72;
const FRESH: u64 = 0x6672_6573;
const BESIDE: u64 = 0x6265_7369;

/// Rows of the same distribution that nothing was trained on: only a toy target has them without end.
pub fn fresh_rows(source: &Source, table: &Table, seed: u64) -> Result<Option<(String, Table)>, Error> {
    let Origin::Toy(toy, _) = &source.origin else { return Ok(None) };
    let draw = Source { origin: Origin::Toy(*toy, MOST_TEST), columns: source.columns.clone() };
    let rows = draw.load(seed, &LoadOptions::default())?.align(table.columns())?;
    Ok(Some((draw.to_string(), rows)))
}

struct Resolved {
    method: Box<dyn Method>,
    training: Training,
    seed: u64,
}

/// Defaults, then the file, then `--set`, then the flags.
fn resolve(args: &Train, method: &str, out: &Path) -> anyhow::Result<Resolved> {
    let (mut values, mut seed) = (Values::default(), None);
    let own = out.join("config.toml");
    let file = match &args.config {
        Some(path) => Some(path.as_path()),
        // A run goes on with its own settings, so that they need not be said again.
        None if args.resume && own.exists() => Some(own.as_path()),
        None => None,
    };
    if let Some(path) = file {
        (values, seed) = read_config(path, method)?;
        methods::configured(method, &values).map_err(|e| in_file(path, e))?;
    }
    values.extend(Values::of_assignments(args.set.iter().map(String::as_str))?);
    let flags = [("steps", &args.steps), ("batch_size", &args.batch_size)];
    let flags: Vec<String> = flags.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?))).collect();
    values.extend(Values::of_assignments(flags.iter().map(String::as_str))?);
    if let Some(value) = values.take("seed") {
        seed = Some(seed_of(&value)?);
    }
    let (method, training) = methods::configured(method, &values)?;
    Ok(Resolved { method, training, seed: args.seed.or(seed).unwrap_or(0) })
}

fn in_file(path: &Path, e: Error) -> Error {
    match e {
        Error::Usage(problem) => Error::Usage(format!("{}: {problem}", path.display())),
        e => e,
    }
}

fn seed_of(value: &toml::Value) -> Result<u64, Error> {
    let seed = value.as_integer().and_then(|s| u64::try_from(s).ok());
    seed.ok_or_else(|| Error::usage(format!("`seed` is {value}: it must be an integer of 0 or above")))
}

/// The keys of a file of settings, or of a run's own `config.toml`, which has them in two tables; and its seed.
fn read_config(path: &Path, own: &str) -> Result<(Values, Option<u64>), Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    let mut table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        let line = e.span().map(|span| text[..span.start].matches('\n').count() + 1);
        let at = line.map(|line| format!("line {line} ")).unwrap_or_default();
        Error::format(path, format!("{at}is not TOML ({}): write key = value, one per line", e.message()))
    })?;
    let seed = table.remove("seed").map(|value| seed_of(&value)).transpose().map_err(|e| in_file(path, e))?;
    if let Some(method) = table.remove("method")
        && method.as_str() != Some(own)
    {
        return Err(Error::usage(format!("{} is for method {method}, not \"{}\"", path.display(), own)));
    }
    if let (Some(toml::Value::Table(training)), Some(toml::Value::Table(own))) = (table.get("training"), table.get("settings")) {
        check_config(path, &text)?;
        table = training.iter().chain(own).map(|(key, value)| (key.clone(), value.clone())).collect();
    }
    Ok((table.into(), seed))
}

/// Where runs go that are given no folder.
const RUNS: &str = "runs";

/// The k-th name of a run that is given no folder.
fn numbered(args: &Train, source: &Source, k: usize) -> PathBuf {
    let suffix = if k == 1 { String::new() } else { format!("-{k}") };
    PathBuf::from(RUNS).join(format!("{}-{}{suffix}", args.method, name_of(source)))
}

/// Where the run goes: as asked, or a name that is free now; a resumed one is the newest of those names.
fn folder(args: &Train, source: &Source) -> Result<PathBuf, Error> {
    if let Some(out) = &args.out {
        return Ok(out.clone());
    }
    let free = (1..).find(|&k| !numbered(args, source, k).exists()).unwrap_or(1);
    match (args.resume, free) {
        (false, _) => Ok(numbered(args, source, free)),
        (true, 1) => {
            let first = numbered(args, source, 1);
            Err(Error::usage(format!("there is no run {} to resume: name its folder by --out", first.display())))
        }
        (true, _) => Ok(numbered(args, source, free - 1)),
    }
}

/// Makes the first folder whose name is free: of several processes that ask at once, each gets its own.
fn take_free(args: &Train, source: &Source) -> Result<PathBuf, Error> {
    std::fs::create_dir_all(RUNS).map_err(|e| Error::io("make the folder", RUNS, e))?;
    let mut k = 1;
    loop {
        let path = numbered(args, source, k);
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => k += 1,
            Err(e) => return Err(Error::io("make the folder", &path, e)),
        }
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

/// A page that was written, and its first sentences.
struct Report {
    path: PathBuf,
    /// What the page scores, for programs.
    scores: PathBuf,
    verdict: String,
}

/// Writes `report.html` and `scores.json`; what cannot be plotted or scored is left out with a message, for the model is there all the same.
fn report(
    gpu: &Gpu,
    (outcome, folder): (&Outcome, &Path),
    more: Option<&Table>,
    (likelihood, target): (Option<&TestLikelihood>, Option<&str>),
    console: Console,
) -> anyhow::Result<Option<Report>> {
    let path = folder.join("report.html");
    let rows = asked(&outcome.model, run::ROWS);
    let sample =
        format!("pushforward sample {} {rows} --seed {} --out samples.csv", quote(&folder.display().to_string()), run::SEED);
    let page = match run::page(gpu, outcome, more, likelihood, target, vec![command(folder, false), sample]) {
        Ok(page) => page,
        Err(e @ (Error::Data(_) | Error::Shape { .. })) => {
            console.message(&format!("no report was written: {e}"));
            return Ok(None);
        }
        Err(e) => return Err(e.into()),
    };
    write_atomically(&path, |file| page.write(file))?;
    let scores = folder.join("scores.json");
    write_atomically(&scores, |file| writeln!(file, "{}", page.json))?;
    Ok(Some(Report { path, scores, verdict: page.headline }))
}

fn finished(
    (outcome, path): (&Outcome, &Path),
    source: &Source,
    likelihood: Option<&TestLikelihood>,
    report: Option<&Report>,
    console: Console,
) -> anyhow::Result<()> {
    let model = path.join("model.safetensors");
    let asked = asked(&outcome.model, 1000);
    let next = format!("pushforward sample {} {asked} --out samples.csv", quote(&path.display().to_string()));
    if console.quiet() {
        return Ok(());
    }
    if console.is_json() {
        let rows = |set: &Option<Rows>| set.as_ref().map_or(0, |set| set.rows.rows());
        let value = json!({
            "event": "finished",
            "run": path, "model": model, "report": report.map(|report| &report.path), "scores": report.map(|report| &report.scores), "verdict": report.map(|report| &report.verdict),
            "steps": outcome.steps, "kept_step": outcome.kept, "stopped_early": outcome.stopped_early, "refit": outcome.before_refit.is_some(),
            "training_rows": outcome.sets.train.rows(), "validation_rows": rows(&outcome.sets.validation), "test_rows": rows(&outcome.sets.test),
            "outside_range": outcome.outside, "seconds": outcome.seconds, "likelihood": likelihood.map(TestLikelihood::json),
        });
        return Ok(print(&value.to_string())?);
    }
    let mut text = format!("{} learned {source} in {}\n", outcome.model.description().method.name(), duration(outcome.seconds));
    text += &format!("rows     {}\n", sets_said(outcome));
    text += &format!("kept     {}\n", kept_said(outcome));
    if let Some(said) = refit_said(outcome) {
        text += &format!("refit    {said}\n");
    }
    if let Some(likelihood) = likelihood {
        text += &format!("nats     {}\n", likelihood.said());
    }
    if let Some(share) = outcome.outside.filter(|share| *share > MOST_OUTSIDE) {
        text += &format!("warning  {}: another seed, fewer steps or a lower learning rate may do better\n", outside_said(share));
    }
    if let Some(Report { verdict, .. }) = report.filter(|report| !report.verdict.is_empty()) {
        text += &format!("verdict  {verdict}\n");
    }
    text += &format!("model    {}\n", model.display());
    if let Some(Report { path, .. }) = report {
        text += &format!("report   {}\n", path.display());
    }
    text += &format!("next     {next}\n");
    Ok(print(&text)?)
}
