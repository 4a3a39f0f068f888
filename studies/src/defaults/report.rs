//! The study's table, as a file and as text.

use super::{Settings, Standing, Study, run};
use crate::workspace::{Made, Prepared, Workspace, json, read};
use pushforward::Result;
use pushforward::data::write_atomically;
use pushforward::words::{plain, table};

pub(crate) fn prepare(assignments: &[String]) -> Result<Prepared> {
    let settings: Settings = read(assignments)?;
    Ok(Box::new(move |workspace| make(&settings, workspace)))
}

fn make(settings: &Settings, workspace: Workspace) -> Result<Made> {
    let Workspace { gpu, out, seed, progress, stop, .. } = workspace;
    let study = run(gpu, out, seed, settings, progress, stop)?;
    let csv = out.join("defaults.csv");
    let rows = rows(&study);
    write_atomically(&csv, |file| {
        let mut file = csv::Writer::from_writer(file);
        rows.iter().try_for_each(|row| file.write_record(row))?;
        file.flush()
    })?;
    Ok(Made {
        text: format!("{}\ntable    {}\n", table(&rows), csv.display()),
        json: json(&study)?,
        interrupted: study.interrupted.then_some(0),
    })
}

fn rows(study: &Study) -> Vec<Vec<String>> {
    let head =
        ["method", "settings", "skill", "against defaults", "C2ST accuracy", "seconds", "runs", "failed"].map(String::from);
    let mut rows = vec![head.into_iter().chain(study.settings.data.iter().cloned()).collect::<Vec<_>>()];
    let number = |value: Option<f64>, decimals| value.map_or_else(|| "–".into(), |value| plain(value, decimals));
    rows.extend(study.standings.iter().map(|standing: &Standing| {
        let against = standing.against_defaults.map_or_else(String::new, |[mean, low, high]| {
            format!("{} ({} to {})", plain(mean, 3), plain(low, 3), plain(high, 3))
        });
        [
            standing.method.clone(),
            standing.changed.clone(),
            number(standing.mean, 3),
            against,
            number(standing.c2st_accuracy, 3),
            plain(standing.seconds, 1),
            standing.runs.to_string(),
            standing.failed.to_string(),
        ]
        .into_iter()
        .chain(standing.each.iter().map(|&share| number(share, 3)))
        .collect()
    }));
    rows
}
