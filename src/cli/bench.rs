//! `bench`: kernels and whole steps against the clock.

use std::io::Write;
use std::path::Path;

use pushforward::Error;
use pushforward::bench::run;
use pushforward::data::write_atomically;
use pushforward::gpu::Gpu;

use super::arguments::Bench;
use super::console::Results;

pub fn bench(args: &Bench, adapter: &str) -> anyhow::Result<()> {
    if let Some(path) = &args.out {
        writable(path)?;
    }
    let gpu = Gpu::open(adapter)?;
    let records = run(&gpu, args.filter.as_deref(), args.json, &mut Results)?;
    if let Some(path) = &args.out {
        let lines = records.iter().map(|record| record.to_line()).collect::<pushforward::Result<Vec<_>>>()?;
        write_atomically(path, |file| lines.iter().try_for_each(|line| writeln!(file, "{line}")))?;
    }
    Ok(())
}

/// Measuring takes minutes: a file that cannot be written is refused before.
fn writable(path: &Path) -> pushforward::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (path.is_dir(), folder.is_dir()) {
        (true, _) => Err(Error::usage(format!("--out {} is a folder: name a file", path.display()))),
        (_, false) => {
            Err(Error::usage(format!("--out {}: the folder {} does not exist: make it first", path.display(), folder.display())))
        }
        _ => Ok(()),
    }
}
