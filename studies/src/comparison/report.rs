//! Methods side by side, as a page.

use super::page::{absent, page, scores_of};
use super::{Comparison, FRESH, Failure, GAUSSIAN, Record, SAMPLE, Scores, Settings, Standing, Subject};
use crate::comparison;
use crate::workspace::{Made, Prepared, Workspace, json, read, write};
use pushforward::data::toy::Toy;
use pushforward::data::write_atomically;
use pushforward::gpu::Gpu;
use pushforward::report::grid::{DOTS, Ink, Line, Scatter, Shown, grid};
use pushforward::report::{Figure, Sheet, number};
use pushforward::train::Progress;
use pushforward::words::{count, duration, plain, table};
use pushforward::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// A comparison whose runs are made, and what they were made with.
pub(crate) struct Runs<'a> {
    pub gpu: &'a Gpu,
    pub out: &'a Path,
    pub found: &'a Comparison,
    pub watch: &'a mut dyn Progress,
    pub stop: &'a AtomicBool,
}

/// What a page has beside the parts of every comparison.
#[derive(Default)]
pub(crate) struct More {
    pub headline: String,
    pub figures: Vec<Figure>,
    pub sheets: Vec<Sheet>,
    /// The files that hold it.
    pub paths: Vec<(&'static str, PathBuf)>,
    /// What is said of it as text, and in the JSON object.
    pub text: String,
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// Whether it was stopped.
    pub interrupted: bool,
}

/// The JSON object.
#[derive(serde::Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    found: &'a Comparison,
    #[serde(flatten)]
    more: serde_json::Map<String, serde_json::Value>,
}

pub(crate) fn prepare(
    subject: &'static Subject,
    assignments: &[String],
    more: impl FnOnce(Runs) -> Result<More> + 'static,
) -> Result<Prepared> {
    let settings: Settings = read(assignments)?;
    settings.check_for(subject)?;
    Ok(Box::new(move |workspace| make(subject, &settings, workspace, more)))
}

fn make(subject: &Subject, settings: &Settings, workspace: Workspace, more: impl FnOnce(Runs) -> Result<More>) -> Result<Made> {
    let Workspace { gpu, out, seed, command, progress, stop } = workspace;
    progress.message(&format!(
        "comparing {} on {}, {}, {} of training each, on {}",
        count(settings.chosen(subject)?.len(), "method"),
        count(settings.toys()?.len(), "target"),
        count(settings.seeds as usize, "seed"),
        duration(settings.seconds.into()),
        gpu.summary().name
    ));
    let found = comparison::run(gpu, subject, out, seed, settings, progress, stop)?;
    let more = more(Runs { gpu, out, found: &found, watch: progress, stop })?;
    let csv = out.join(format!("{}.csv", subject.name));
    let [svg, html] = ["grid.svg", "report.html"].map(|name| out.join(name));
    write_csv(&csv, &found)?;
    let picture = picture(gpu, out, &found)?;
    write(&svg, &picture)?;
    let mut page = page(subject, &found, picture, gpu, command);
    page.headline += &more.headline;
    page.figures.extend(more.figures);
    page.sheets.splice(0..0, more.sheets);
    write(&html, &page.html())?;
    let paths = [("picture", svg), ("table", csv)].into_iter().chain(more.paths).chain([("report", html)]);
    let paths: String = paths.map(|(name, path)| format!("{name:<9}{}\n", path.display())).collect();
    let gap = if more.text.is_empty() { "" } else { "\n" };
    Ok(Made {
        text: format!("{}\n{}{gap}{}{paths}", shown(&found), more.text, failed_text(&found)),
        json: json(&Printed { found: &found, more: more.fields })?,
        interrupted: found.interrupted.or(more.interrupted.then_some(0)),
    })
}

/// A row a run.
fn write_csv(path: &Path, found: &Comparison) -> Result<()> {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let row = |record: &Record| {
        let of = |value: fn(&Scores) -> Option<f64>| number(record.scores.as_ref().and_then(value));
        let steps = (record.steps > 0).then_some(record.steps_made as f64);
        let per_step = (record.steps_made > 0 && record.failure.is_none())
            .then(|| 1000.0 * record.training_seconds / record.steps_made as f64);
        let baseline = [GAUSSIAN, FRESH].contains(&record.method.as_str());
        let failed = if baseline { String::new() } else { found.failures(record).join("; ") };
        [
            record.method.clone(),
            record.target.clone(),
            record.seed.to_string(),
            number(found.skill(record)),
            of(|scores| Some(scores.root_energy)),
            of(|scores| Some(scores.sliced_w2)),
            of(|scores| Some(scores.c2st_accuracy)),
            of(|scores| Some(scores.outlier_rate)),
            of(|scores| scores.smallest_mode_share),
            number(steps),
            number(per_step),
            number(steps.map(|_| record.training_seconds)),
            failed,
        ]
    };
    write_atomically(path, |file| {
        let mut file = csv::Writer::from_writer(file);
        file.write_record([
            "method",
            "target",
            "seed",
            "skill",
            "root_energy",
            "sliced_w2",
            "c2st_accuracy",
            "outlier_rate",
            "smallest_mode_share",
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
fn picture(gpu: &Gpu, out: &Path, found: &Comparison) -> Result<String> {
    let (seed, rows) = (found.seeds[0], found.settings.rows);
    let line = |name: &str, ink: Ink, of: &dyn Fn(Toy) -> Result<Scatter>| {
        let pictures = found.toys.iter().map(|&toy| of(toy)).collect::<Result<Vec<_>>>()?;
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

/// The skill of the first seed's run.
fn caption(found: &Comparison, method: &str, toy: Toy) -> String {
    let skill = found.first(method, toy).and_then(|record| found.skill(record));
    skill.map_or(String::new(), |skill| format!("skill {}", plain(skill, 2)))
}

/// The scores as text.
fn shown(found: &Comparison) -> String {
    let mut rows = vec![
        [
            "target",
            "method",
            "skill",
            "sliced W₂",
            "C2ST accuracy",
            "outlier rate",
            "smallest mode share",
            "steps",
            "per step",
            "per run",
        ]
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
    let line = |(s, failure): (&Standing, &Failure)| {
        format!("failed   {} on {}, {} of {} runs: {}\n", s.method, s.target, failure.runs, failure.of, failure.how)
    };
    let text: String = all.map(line).collect();
    if text.is_empty() { text } else { text + "\n" }
}
