//! Does it help to train on data whose noise falls? As a page, a table and text.

use super::{Arm, Change, DRAWN, Effect, Key, Settings, Study, Target, page, run, words};
use crate::workspace::{Made, Prepared, Workspace, json, read, write};
use pushforward::Result;
use pushforward::data::{LoadOptions, Source, write_atomically};
use pushforward::report::grid::{Ink, Line, Scatter, Shown, grid};
use pushforward::report::number;
use pushforward::words::{count, plain, table};
use std::path::Path;

/// The JSON object.
#[derive(serde::Serialize)]
struct Printed<'a> {
    headline: String,
    findings: Vec<String>,
    #[serde(flatten)]
    study: &'a Study,
}

pub(crate) fn prepare(assignments: &[String]) -> Result<Prepared> {
    let settings: Settings = read(assignments)?;
    Ok(Box::new(move |workspace| make(&settings, workspace)))
}

fn make(settings: &Settings, workspace: Workspace) -> Result<Made> {
    let Workspace { gpu, out, seed, command, progress, stop } = workspace;
    progress.message(&format!(
        "{} on {}, direct and in {}, {}, {} each, on {}",
        count(settings.objectives()?.len(), "objective"),
        count(settings.targets()?.len(), "target"),
        count(settings.arms().len() - 1, "noise schedule"),
        count(settings.seeds as usize, "seed"),
        count(settings.steps as usize, "step"),
        gpu.summary().name
    ));
    let study = run(gpu, out, seed, settings, progress, stop)?;
    let csv = out.join("anneal.csv");
    write_csv(&csv, &study)?;
    let mut paths = vec![("table", csv)];
    let mut figures = page::changes(&study)?;
    if let Some(svg) = picture(out, &study)? {
        figures.push(("samples.svg", page::samples(&study, svg)));
    }
    for (name, figure) in &figures {
        let path = out.join(name);
        write(&path, &figure.svg)?;
        paths.push(("picture", path));
    }
    let html = out.join("report.html");
    let figures = figures.into_iter().map(|(_, figure)| figure).collect();
    write(&html, &page::page(&study, figures, command).html())?;
    paths.push(("report", html));
    let (headline, findings) = (words::headline(&study), words::findings(&study));
    let paths: String = paths.iter().map(|(name, path)| format!("{name:<9}{}\n", path.display())).collect();
    Ok(Made {
        text: format!("{}\n{headline}\n{}\n\n{paths}", shown(&study), findings.join("\n")),
        json: json(&Printed { headline, findings, study: &study })?,
        interrupted: study.interrupted,
    })
}

/// A row a comparison of an annealed arm with the direct one.
fn write_csv(path: &Path, study: &Study) -> Result<()> {
    let text = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let change = |change: Option<&Change>| {
        let of = |value: fn(&Change) -> Option<f64>| text(change.and_then(value));
        [
            of(|c| Some(c.pairs as f64)),
            of(|c| Some(c.nearer as f64)),
            of(|c| Some(c.mean)),
            of(|c| c.interval.map(|ends| ends[0])),
            of(|c| c.interval.map(|ends| ends[1])),
            of(|c| Some(c.p_value)),
            of(|c| Some(c.corrected_p_value)),
            change.map_or(String::new(), |c| c.verdict.words().into()),
        ]
    };
    let row = |effect: &Effect| {
        let level = |arm: Arm| study.level(&effect.target, &effect.objective, arm);
        let mut cells = vec![effect.target.clone(), effect.objective.clone(), effect.arm.name().to_string()];
        for arm in [Arm::Direct, effect.arm] {
            let of = |score: Option<&pushforward::metrics::Score>| text(score.map(|score| score.value));
            let level = level(arm);
            cells.push(of(level.and_then(|level| level.root_energy.as_ref())));
            cells.push(of(level.and_then(|level| level.skill.as_ref())));
            cells.push(of(level.and_then(|level| level.share_error.as_ref())));
            cells.push(of(level.and_then(|level| level.outlier_rate.as_ref())));
            cells.push(text(level.and_then(|level| level.step_ms)));
        }
        cells.extend(change(effect.root_energy.as_ref()));
        cells.extend(change(effect.share_error.as_ref()));
        let ends = effect.ratio.as_ref().and_then(|ratio| ratio.interval);
        cells.push(text(effect.ratio.as_ref().map(|ratio| ratio.value)));
        cells.extend([0, 1].map(|end| text(ends.map(|ends| ends[end]))));
        cells.extend(effect.failed.map(|failed| failed.to_string()));
        cells.extend([text(effect.step_time_ratio), text(effect.floor_time_share)]);
        cells
    };
    let of_level = ["root_energy", "skill", "share_error", "outlier_rate", "step_ms"];
    let of_change = ["pairs", "nearer", "difference", "low", "high", "p_value", "corrected_p_value", "verdict"];
    let mut head = ["target", "objective", "noise_schedule"].map(String::from).to_vec();
    head.extend(["direct", "annealed"].iter().flat_map(|arm| of_level.map(|name| format!("{arm}_{name}"))));
    head.extend(["root_energy", "share_error"].iter().flat_map(|of| of_change.map(|name| format!("{of}_{name}"))));
    head.extend(
        ["ratio", "ratio_low", "ratio_high", "direct_failed", "annealed_failed", "step_time_ratio", "floor_time_share"]
            .map(String::from),
    );
    write_atomically(path, |file| {
        let mut file = csv::Writer::from_writer(file);
        file.write_record(&head)?;
        study.effects.iter().try_for_each(|effect| file.write_record(row(effect)))?;
        file.flush()
    })
}

/// Samples of the first seed on targets in the plane, direct beside the best annealed; none where there is no such target.
fn picture(out: &Path, study: &Study) -> Result<Option<String>> {
    let targets: Vec<&Target> = study.targets.iter().filter(|target| target.columns() == 2).collect();
    if targets.is_empty() {
        return Ok(None);
    }
    let columns: Vec<String> =
        targets.iter().flat_map(|target| ["direct", "annealed"].map(|arm| format!("{}, {arm}", target.name))).collect();
    let seed = study.seeds[0];
    let mut data = Vec::new();
    for target in &targets {
        let rows = target.sample(DRAWN, seed)?.into_single();
        data.extend([rows.clone(), rows].map(|rows| Scatter { caption: String::new(), shown: Shown::Rows(rows) }));
    }
    let mut lines = vec![Line { name: "data".into(), ink: Ink::Data, pictures: data }];
    for objective in &study.objectives {
        let mut pictures = Vec::new();
        for target in &targets {
            for arm in [Some(Arm::Direct), study.best(target.name, objective)] {
                pictures.push(scatter(out, study, target, objective, arm)?);
            }
        }
        lines.push(Line { name: objective.clone(), ink: Ink::Samples, pictures });
    }
    grid(&columns, &lines, "Samples of every objective, direct and annealed").map(Some)
}

fn scatter(out: &Path, study: &Study, target: &Target, objective: &str, arm: Option<Arm>) -> Result<Scatter> {
    let words = |words: &str| Shown::Words(words.into());
    let Some(arm) = arm else { return Ok(Scatter { caption: String::new(), shown: words("not run") }) };
    let key = Key::new(target.name, objective, arm, study.seeds[0]);
    let Some(record) = study.records.iter().find(|record| record.key == key) else {
        return Ok(Scatter { caption: String::new(), shown: words("not run") });
    };
    if let Some(failure) = &record.failure {
        return Ok(Scatter { caption: "failed".into(), shown: words(failure) });
    }
    let skill = record.scores.as_ref().and_then(|scores| study.skill(target.name, scores.root_energy));
    let skill = skill.map_or(String::new(), |skill| plain(skill, 2));
    let caption = if arm == Arm::Direct { skill } else { format!("{} {skill}", arm.name()) };
    let path = super::picture(out, &key);
    // The scores are known, and the rows are in another folder or gone.
    if !path.exists() {
        return Ok(Scatter { caption, shown: words("its rows are gone") });
    }
    let source: Source = path.display().to_string().parse()?;
    Ok(Scatter { caption, shown: Shown::Rows(source.load(0, &LoadOptions::default())?.into_single()) })
}

/// The comparisons as text.
fn shown(study: &Study) -> String {
    let head =
        ["target", "objective", "noise", "direct", "annealed", "change", "95 %", "p", "Holm", "nearer", "ratio", "cost", ""];
    let mut rows = vec![head.map(String::from).to_vec()];
    let dash = || "–".to_string();
    for effect in &study.effects {
        let level = |arm: Arm| {
            let score = study.level(&effect.target, &effect.objective, arm).and_then(|level| level.root_energy.as_ref());
            score.map_or_else(dash, |score| number(score.value, 3))
        };
        let mut row = vec![effect.target.clone(), effect.objective.clone(), effect.arm.name().into()];
        row.extend([level(Arm::Direct), level(effect.arm)]);
        match &effect.root_energy {
            Some(change) => row.extend([
                words::signed(change.mean),
                words::between(change.interval, 2),
                number(change.p_value, 2),
                number(change.corrected_p_value, 2),
                format!("{} of {}", change.nearer, change.pairs),
            ]),
            None => row.extend(std::array::from_fn::<_, 5, _>(|_| dash())),
        }
        row.push(effect.ratio.as_ref().map_or_else(dash, |ratio| number(ratio.value, 3)));
        row.push(effect.step_time_ratio.map_or_else(dash, |cost| format!("×{}", number(cost, 3))));
        row.push(effect.root_energy.as_ref().map_or_else(dash, words::verdict));
        rows.push(row);
    }
    table(&rows)
}
