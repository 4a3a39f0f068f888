//! Scores of tables with columns of any type: no device needed.

mod closest;
mod efficacy;
mod pictures;
mod scorecard;

use std::path::Path;

use pushforward::data::{LoadOptions, Source, Table, TypeOptions};

/// A table of this folder: `real`, `synthetic` or `train`. They have columns of all types, missing cells, and levels that one of them lacks.
fn table(name: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/metrics").join(name).with_extension("csv");
    let source: Source = path.display().to_string().parse().unwrap();
    source.load_typed(0, &LoadOptions::default(), &TypeOptions::default()).unwrap()
}

fn shuffled(table: &Table, step: usize) -> Table {
    let rows = table.rows();
    table.select_rows(&(0..rows).map(|i| i * step % rows).collect::<Vec<_>>())
}
