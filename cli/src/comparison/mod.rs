//! `reproduce statistics` and `flows`: methods side by side, as a page.

mod page;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use pushforward::Error;
use pushforward::data::toy::Toy;
use pushforward::data::write_atomically;
use pushforward::gpu::Gpu;
use pushforward::metrics::Score;
use pushforward::report::grid::{DOTS, Ink, Line, Scatter, Shown, grid};
use pushforward::report::{Figure, Sheet, number};
use pushforward::reproduce::comparison::{self, Cell, Comparison, FRESH, GAUSSIAN, Record, SAMPLE, Standing, Subject};
use pushforward::words::{count, duration, plain, table};

use super::arguments::Reproduce;
use super::console::{Console, print};
use super::progress::Watches;
use super::reproduce::{settings, write};
use super::train::{command, stop_on_signals};

/// A comparison whose runs are made, and what they were made with.
pub struct Made<'a> {
    pub gpu: &'a Gpu,
    pub out: &'a Path,
    pub found: &'a Comparison,
    pub watch: &'a mut Watches,
    pub stop: &'a AtomicBool,
}

/// What a page has beside the parts of every comparison.
#[derive(Default)]
pub struct More {
    pub headline: String,
    pub figures: Vec<Figure>,
    pub sheets: Vec<Sheet>,
    /// The files that hold it.
    pub paths: Vec<(&'static str, PathBuf)>,
    /// What is said of it on standard output, and in the JSON object.
    pub text: String,
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// Whether Ctrl-C ended it.
    pub interrupted: bool,
}

/// What `--json` prints.
#[derive(serde::Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    found: &'a Comparison,
    #[serde(flatten)]
    more: serde_json::Map<String, serde_json::Value>,
}

pub fn comparison(
    subject: &Subject,
    args: &Reproduce,
    adapter: &str,
    console: Console,
    more: impl FnOnce(Made) -> Result<More, Error>,
) -> anyhow::Result<()> {
    let settings: comparison::Settings = settings(&args.set)?;
    // Before a device is opened, so that a mistake is told at once.
    settings.check(subject)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(subject.name));
    let gpu = crate::device::open(adapter, console)?;
    std::fs::create_dir_all(&out).map_err(|e| Error::io("make the folder", &out, e))?;
    console.message(&format!(
        "comparing {} on {}, {}, {} of training each, on {}",
        count(settings.entries(subject)?.len(), "method"),
        count(settings.toys()?.len(), "target"),
        count(settings.seeds as usize, "seed"),
        duration(settings.seconds.into()),
        gpu.summary().name
    ));
    let stop = stop_on_signals()?;
    let mut watch = Watches::new(console);
    let found = comparison::run(&gpu, subject, &out, args.seed, &settings, &mut watch, &stop);
    watch.clear();
    let found = found?;
    let more = more(Made { gpu: &gpu, out: &out, found: &found, watch: &mut watch, stop: &stop })?;
    let csv = out.join(format!("{}.csv", subject.name));
    let [svg, html] = ["grid.svg", "report.html"].map(|name| out.join(name));
    write_csv(&csv, &found)?;
    let picture = picture(&gpu, &out, &found)?;
    write(&svg, &picture)?;
    let mut page = page::page(subject, &found, picture, &gpu, &command(&out, false));
    page.headline += &more.headline;
    page.figures.extend(more.figures);
    page.sheets.splice(0..0, more.sheets);
    write(&html, &page.html())?;
    if args.json {
        print(&serde_json::to_string(&Printed { found: &found, more: more.fields })?)?;
    } else {
        let paths = [("picture", svg), ("table", csv)].into_iter().chain(more.paths).chain([("report", html)]);
        let paths: String = paths.map(|(name, path)| format!("{name:<9}{}\n", path.display())).collect();
        let gap = if more.text.is_empty() { "" } else { "\n" };
        print(&format!("{}\n{}{gap}{}{paths}", shown(&found), more.text, failed_text(&found)))?;
    }
    match found.interrupted.or(more.interrupted.then_some(0)) {
        Some(step) => Err(anyhow::Error::new(Error::Interrupted { step })
            .context(format!("the page is written of what there is; go on with `{}`", command(&out, false)))),
        None => Ok(()),
    }
}

/// A row a run.
fn write_csv(path: &Path, found: &Comparison) -> Result<(), Error> {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let row = |record: &Record| {
        let of = |value: fn(&comparison::Scores) -> Option<f64>| number(record.scores.as_ref().and_then(value));
        let steps = (record.steps > 0).then_some(record.made as f64);
        let per_step = (record.made > 0 && record.failure.is_none()).then(|| 1000.0 * record.took / record.made as f64);
        let baseline = [GAUSSIAN, FRESH].contains(&record.method.as_str());
        let failed = if baseline { String::new() } else { found.failures(record).join("; ") };
        [
            record.method.clone(),
            record.target.clone(),
            record.seed.to_string(),
            number(found.closed(record)),
            of(|scores| Some(scores.root_energy)),
            of(|scores| Some(scores.sliced_w2)),
            of(|scores| Some(scores.told)),
            of(|scores| Some(scores.astray)),
            of(|scores| scores.least_mode),
            number(steps),
            number(per_step),
            number(steps.map(|_| record.took)),
            failed,
        ]
    };
    write_atomically(path, |file| {
        let mut file = csv::Writer::from_writer(file);
        file.write_record([
            "method",
            "target",
            "seed",
            "closed",
            "root_energy",
            "sliced_w2",
            "told",
            "astray",
            "least_mode",
            "steps",
            "step_ms",
            "seconds",
            "failed",
        ])?;
        found.records.iter().try_for_each(|record| file.write_record(row(record)))?;
        file.flush()
    })
}

/// The first seed's samples of every method on every target.
fn picture(gpu: &Gpu, out: &Path, found: &Comparison) -> Result<String, Error> {
    let (seed, rows) = (found.seeds[0], found.settings.rows);
    let line = |name: &str, ink: Ink, of: &dyn Fn(Toy) -> Result<Scatter, Error>| {
        let pictures = found.toys.iter().map(|&toy| of(toy)).collect::<Result<Vec<_>, Error>>()?;
        Ok::<Line, Error>(Line { name: name.into(), ink, pictures })
    };
    let scatter = |caption: String, rows: Vec<f32>| Scatter { caption, shown: Shown::Rows(rows) };
    let mut lines = vec![
        line("data", Ink::Data, &|toy| Ok(scatter(String::new(), toy.sample(DOTS, seed).into_single())))?,
        line(GAUSSIAN, Ink::Baseline, &|toy| {
            Ok(scatter(caption(found, GAUSSIAN, toy), comparison::gaussian(toy, seed, rows, DOTS)?))
        })?,
    ];
    for method in &found.methods {
        lines.push(line(method, Ink::Samples, &|toy| {
            let words = |words: &str| Scatter { caption: String::new(), shown: Shown::Words(words.into()) };
            if !comparison::applies(method, toy) {
                return Ok(words("no known score"));
            }
            let Some(record) = found.first(method, toy) else { return Ok(words("not run")) };
            if let Some(failure) = &record.failure {
                return Ok(Scatter { caption: "failed".into(), ..words(failure) });
            }
            let caption = caption(found, method, toy);
            match comparison::model(gpu, out, method, toy, seed)? {
                Some(model) => Ok(scatter(caption, model.sample(DOTS, SAMPLE)?.into_single())),
                // The scores are known, and the run's folder has been cleared away.
                None => Ok(Scatter { caption, ..words("its model is gone") }),
            }
        })?);
    }
    let columns: Vec<String> = found.toys.iter().map(|toy| toy.name().to_string()).collect();
    grid(&columns, &lines, "Samples of every method on every target")
}

/// The share that the first seed's run closes.
fn caption(found: &Comparison, method: &str, toy: Toy) -> String {
    let closed = found.first(method, toy).and_then(|record| found.closed(record));
    closed.map_or(String::new(), |closed| format!("closed {}", plain(closed, 2)))
}

/// The scores of a standing with their names and decimals.
fn scores_of(standing: &Standing) -> [(&'static str, &Option<Score>, usize); 5] {
    [
        ("closed", &standing.closed, 2),
        ("sliced W₂", &standing.sliced_w2, 3),
        ("told", &standing.told, 3),
        ("astray", &standing.astray, 3),
        ("least mode", &standing.least_mode, 2),
    ]
}

/// What a cell without runs says.
fn absent(standing: &Standing) -> Option<&'static str> {
    match standing.cell {
        Cell::Made => None,
        Cell::NoKnownScore => Some("no known score"),
        Cell::NotRun => Some("not run"),
    }
}

/// The scores on standard output.
fn shown(found: &Comparison) -> String {
    let mut rows = vec![
        ["target", "method", "closed", "sliced W₂", "told", "astray", "least mode", "steps", "a step", "a run"]
            .map(String::from)
            .to_vec(),
    ];
    for standing in &found.standings {
        let measure = |value: Option<f64>, say: &dyn Fn(f64) -> String| value.map_or_else(|| "–".into(), say);
        let mut row = vec![standing.target.clone(), standing.method.clone()];
        row.extend(
            scores_of(standing).map(|(_, score, decimals)| measure(score.as_ref().map(|s| s.value), &|v| plain(v, decimals))),
        );
        if let Some(absent) = absent(standing) {
            row[2] = absent.into();
        }
        row.push(measure(standing.steps, &|steps| number(steps.round(), 12)));
        row.push(measure(standing.step_ms, &|ms| format!("{} ms", number(ms, 3))));
        row.push(measure(standing.seconds, &duration));
        rows.push(row);
    }
    table(&rows)
}

fn failed_text(found: &Comparison) -> String {
    let all = found.standings.iter().flat_map(|s| s.failures.iter().map(move |failure| (s, failure)));
    let line = |(s, failure): (&Standing, &comparison::Failure)| {
        format!("failed   {} on {}, {} of {} runs: {}\n", s.method, s.target, failure.runs, failure.of, failure.how)
    };
    let text: String = all.map(line).collect();
    if text.is_empty() { text } else { text + "\n" }
}
