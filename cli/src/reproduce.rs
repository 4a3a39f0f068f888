//! `reproduce`: the paper's figures and claims, made again and measured.

use std::path::PathBuf;
use std::sync::Arc;

use pushforward::Error;
use pushforward_studies::{Desk, find};

use super::arguments::Reproduce;
use super::console::{Console, print};
use super::progress::Watches;
use super::train::{command, stop_on_signals};

pub fn reproduce(args: &Reproduce, adapter: &str, console: Console) -> anyhow::Result<()> {
    let entry = find(&args.what)?;
    // Before a device is opened, so that a mistake is told at once.
    let study = entry.prepare(&args.set)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(entry.name));
    let gpu = super::device::open(adapter, console)?;
    std::fs::create_dir_all(&out).map_err(|e| Error::io("make the folder", &out, e))?;
    // One that cannot be stopped ends with the program.
    let stop = if entry.resumes { stop_on_signals()? } else { Arc::default() };
    let command = command(&out, false);
    let mut watch = Watches::new(console);
    let made = study(Desk { gpu: &gpu, out: &out, seed: args.seed, command: &command, progress: &mut watch, stop: &stop });
    watch.clear();
    let made = made?;
    print(if args.json { &made.json } else { &made.text })?;
    let Some(step) = made.interrupted else { return Ok(()) };
    let left = if out.join("report.html").exists() { "the page shows what is finished; " } else { "" };
    Err(anyhow::Error::new(Error::Interrupted { step }).context(format!("{left}resume with `{command}`")))
}
