//! Tables, files and toy targets: no device needed.

mod csv;
mod encoding;
mod file;
mod formula;
#[cfg(all(feature = "npy", feature = "parquet"))]
mod fuzz;
mod levels;
#[cfg(feature = "npy")]
mod npy;
mod packed;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_typed;
mod round_trip;
mod source;
mod standardize;
mod table;
mod target;
mod toy;
mod typed;

use std::path::Path;

use pushforward::Result;
use pushforward::data::{LoadOptions, Source, Table};

/// Writes `content` as a file of that name in a fresh folder, and reads it back as the source `NAME#columns`.
fn load(name: &str, content: impl AsRef<[u8]>, options: &LoadOptions) -> Result<Table> {
    let folder = tempfile::tempdir().unwrap();
    let (file, columns) = name.split_once('#').map_or((name, None), |(file, columns)| (file, Some(columns)));
    let path = folder.path().join(file);
    std::fs::write(&path, content).unwrap();
    load_path(&path, columns, options)
}

fn load_path(path: &Path, columns: Option<&str>, options: &LoadOptions) -> Result<Table> {
    let source: Source = match columns {
        Some(columns) => format!("{}#{columns}", path.display()).parse()?,
        None => path.display().to_string().parse()?,
    };
    source.load(0, options)
}

fn read(name: &str, content: impl AsRef<[u8]>) -> Result<Table> {
    load(name, content, &LoadOptions::default())
}

/// The error's sentence without the temporary folder's name.
fn sentence<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    let text = outcome.expect_err("this should have been refused").to_string();
    let folder = std::env::temp_dir();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(&*folder.to_string_lossy()) {
        out.push_str(&rest[..at]);
        // temporary folder, slash, `.tmpXXXXXX`, slash
        let inside = &rest[at + folder.to_string_lossy().trim_end_matches('/').len() + 1..];
        rest = inside.split_once('/').map_or("", |(_, file)| file);
    }
    out + rest
}

fn names(table: &Table) -> Vec<&str> {
    table.columns().iter().map(String::as_str).collect()
}
