//! `reproduce defaults`: what single settings are worth, over several targets.

use std::path::PathBuf;

use pushforward::Error;
use pushforward::data::write_atomically;
use pushforward::reproduce::defaults::{self, Settings, Standing, Study};
use pushforward::words::{plain, table};

use super::arguments::Reproduce;
use super::console::{Console, print};
use super::progress::Watches;
use super::reproduce::settings;
use super::train::{command, stop_on_signals};

pub fn defaults(args: &Reproduce, adapter: &str, console: Console) -> anyhow::Result<()> {
    let settings: Settings = settings(&args.set)?;
    settings.check()?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs/defaults"));
    let gpu = super::device::open(adapter, console)?;
    std::fs::create_dir_all(&out).map_err(|e| Error::io("make the folder", &out, e))?;
    let stop = stop_on_signals()?;
    let mut watch = Watches::new(console);
    let study = defaults::run(&gpu, &out, args.seed, &settings, &mut watch, &stop);
    watch.clear();
    let study = study?;
    let csv = out.join("defaults.csv");
    let rows = rows(&study);
    write_atomically(&csv, |file| {
        let mut file = csv::Writer::from_writer(file);
        rows.iter().try_for_each(|row| file.write_record(row))?;
        file.flush()
    })?;
    match args.json {
        true => print(&serde_json::to_string(&study)?)?,
        false => print(&format!("{}\ntable    {}\n", table(&rows), csv.display()))?,
    }
    match study.interrupted {
        true => Err(anyhow::Error::new(Error::Interrupted { step: 0 }).context(format!("go on with `{}`", command(&out, false)))),
        false => Ok(()),
    }
}

fn rows(study: &Study) -> Vec<Vec<String>> {
    let head = ["method", "settings", "closed", "against defaults", "told", "seconds", "runs", "failed"].map(String::from);
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
            number(standing.told, 3),
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
