//! `reproduce`: the paper's figures and claims, made again and measured.

use std::path::PathBuf;
use std::sync::Arc;

use pushforward::Error;
use pushforward::words::table;
use pushforward_studies::{ALL, Workspace, find};

use super::arguments::Reproduce;
use super::console::{Console, print};
use super::list::listed;
use super::progress::Watches;
use super::train::{command, stop_on_signals};

pub fn reproduce(args: &Reproduce, adapter: &str, console: Console) -> anyhow::Result<()> {
    let Some(what) = &args.what else { return Ok(print(&studies())?) };
    let entry = find(what)?;
    if args.settings {
        let title = format!("{}: {}\n\nSettings (--set key=value)\n", entry.name, entry.summary);
        return Ok(print(&(title + &listed(&entry.keys())))?);
    }
    // Before a device is opened, so that a mistake is reported at once.
    let study = entry.prepare(&args.set)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(entry.name));
    let gpu = super::device::open(adapter, console)?;
    std::fs::create_dir_all(&out).map_err(|e| Error::io("make the folder", &out, e))?;
    // One that cannot be stopped ends with the program.
    let stop = if entry.resumes { stop_on_signals()? } else { Arc::default() };
    let command = command(&out, false);
    let mut watch = Watches::new(console);
    let made = study(Workspace { gpu: &gpu, out: &out, seed: args.seed, command: &command, progress: &mut watch, stop: &stop });
    watch.clear();
    let made = made?;
    print(if args.json { &made.json } else { &made.text })?;
    let Some(step) = made.interrupted else { return Ok(()) };
    let left = if out.join("report.html").exists() { "the page shows what is finished; " } else { "" };
    Err(anyhow::Error::new(Error::Interrupted { step }).context(format!("{left}resume with `{command}`")))
}

/// The studies that there are.
fn studies() -> String {
    let rows: Vec<Vec<String>> = ALL.iter().map(|entry| vec![entry.name.into(), entry.summary.into()]).collect();
    format!(
        "{}\n`pushforward reproduce WHAT` makes one, `pushforward reproduce WHAT --settings` shows its settings.\n",
        table(&rows)
    )
}
