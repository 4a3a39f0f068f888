//! `bench`: kernels and whole steps against the clock, and measured files side by side.

use std::io::Write;
use std::path::Path;

use pushforward::bench::compare::{Comparison, compare, files};
use pushforward::bench::{Record, run};
use pushforward::data::write_atomically;
use pushforward::{Error, Result};

use super::arguments::Bench;
use super::console::{Console, Results, print};

pub fn bench(args: &Bench, adapter: &str, console: Console) -> anyhow::Result<()> {
    if args.compare {
        return Ok(compared(args)?);
    }
    if let Some(path) = &args.out {
        writable(path)?;
    }
    let gpu = super::device::open(adapter, console)?;
    let records = run(&gpu, args.filter.as_deref(), args.json, &mut Results)?;
    if let Some(path) = &args.out {
        let lines = records.iter().map(Record::to_line).collect::<Result<Vec<_>>>()?;
        write_atomically(path, |file| lines.iter().try_for_each(|line| writeln!(file, "{line}")))?;
    }
    Ok(())
}

/// Measuring takes minutes: a file that cannot be written is refused before.
fn writable(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (path.is_dir(), folder.is_dir()) {
        (true, _) => Err(Error::usage(format!("--out {} is a folder: name a file", path.display()))),
        (_, false) => {
            Err(Error::usage(format!("--out {}: the folder {} does not exist: make it first", path.display(), folder.display())))
        }
        _ => Ok(()),
    }
}

/// As with `diff`, status 1 says that something is slower, and 2 that the files could not be compared.
fn compared(args: &Bench) -> Result<()> {
    let files = files(&args.files).map_err(|e| Error::usage(e.to_string()))?;
    let found = compare(&files, 0.01 * args.threshold, args.filter.as_deref())?;
    if let Some(path) = &args.svg {
        let svg = found.svg()?;
        write_atomically(path, |file| file.write_all(svg.as_bytes())).map_err(|e| Error::usage(e.to_string()))?;
    }
    match (args.json, args.markdown) {
        (true, _) => print(&serde_json::to_string(&found).map_err(|e| Error::data(e.to_string()))?)?,
        (_, true) => print(&found.markdown())?,
        _ => print(&found.text())?,
    }
    verdict(&found)
}

/// Regressions that an error names.
const NAMED: usize = 5;

/// An error that names the largest regressions.
fn verdict(found: &Comparison) -> Result<()> {
    let mut regressions = found.regressions();
    if regressions.is_empty() {
        return Ok(());
    }
    regressions.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    let mut each: Vec<String> =
        regressions.iter().take(NAMED).map(|r| format!("{} in {} ({:.2}×)", r.case, r.file, r.ratio)).collect();
    if regressions.len() > NAMED {
        each.push(format!("and {} more", regressions.len() - NAMED));
    }
    let count = if regressions.len() == 1 { "1 time is".to_owned() } else { format!("{} times are", regressions.len()) };
    Err(Error::data(format!("{count} slower than in {} beyond the noise: {}", found.files[0].name, each.join(", "))))
}
