//! How fast a large mixed table is read, encoded, decoded and written, by processor and by clock. The figures of `docs/benchmarks/performance.md`.
//!
//! `cargo run --release -p pushforward-studies --example table_speed -- [rows] [folder for the files, kept]`

use std::path::{Path, PathBuf};
use std::time::Instant;

use pushforward::data::{Column, DateForm, Encoding, Table};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Twenty columns: ten of numbers, of which one has all its digits and five whole ones, seven of categories of 2 to 1,000 levels and words, three of dates and times.
/// Some have missing cells.
fn mixed(rows: usize) -> Result<Table> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut columns = Vec::new();
    let decimals = [("price", 2), ("height", 1), ("temperature", 3), ("income", 0)];
    for (name, decimals) in decimals {
        let unit = 10f64.powi(decimals);
        let number = |random: &mut Xoshiro256PlusPlus| {
            let z: f64 = StandardNormal.sample(random);
            let value = if decimals % 2 == 0 { (3.0 + z).exp() } else { 100.0 + 20.0 * z };
            (value * unit).round() / unit
        };
        let values: Vec<f64> = (0..rows).map(|_| number(&mut random)).collect();
        let missing = (0..rows).map(|_| decimals < 2 && random.random_range(0..20) == 0).collect();
        columns.push(Column::numbers(name, values).with_missing(missing)?);
    }
    columns.push(Column::numbers("signal", (0..rows).map(|_| StandardNormal.sample(&mut random)).collect()));
    for (name, most) in [("age", 90i64), ("visits", 12), ("population", 1_000_000), ("account", 2_000_000_000), ("score", 1000)] {
        columns.push(Column::integers(name, (0..rows).map(|_| random.random_range(0..most)).collect()));
    }
    for (name, levels) in
        [("sex", 2u32), ("grade", 5), ("region", 12), ("city", 120), ("product", 1000), ("active", 2), ("shop", 40)]
    {
        let words = (0..levels)
            .map(|level| if name == "active" { ["False", "True"][level as usize].into() } else { format!("{name} {level:03}") });
        let codes = (0..rows).map(|_| random.random_range(0..levels)).collect();
        columns.push(Column::categories(name, codes, words.collect::<Vec<String>>())?);
    }
    for (name, pattern, unit, most) in
        [("day", "%Y-%m-%d", 86_400, 5_000i64), ("moment", "%Y-%m-%d %H:%M:%S", 1, 500_000_000), ("opened", "%H:%M", 60, 1_440)]
    {
        let micros = (0..rows).map(|_| random.random_range(0..most) * unit * 1_000_000).collect();
        columns.push(Column::dates(name, micros, DateForm { pattern: pattern.into(), offset: None }));
    }
    Ok(Table::from_columns(columns)?)
}

/// Seconds of the processor that this process has had, on Linux.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().map(|f| f.parse().unwrap_or(0.0)).collect();
    // Ticks of a hundredth: in user mode and in the kernel.
    fields.get(11..13).map_or(0.0, |ticks| ticks.iter().sum::<f64>() / 100.0)
}

fn timed<T>(what: &str, file: Option<&Path>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let (start, before) = (Instant::now(), processor());
    let done = work()?;
    let (seconds, busy) = (start.elapsed().as_secs_f64(), processor() - before);
    let size = file.map(std::fs::metadata).transpose()?.map(|file| file.len() as f64 / 1e6);
    let speed = size.map_or(String::new(), |size| format!(", {:.0} MB at {:.0} MB/s", size, size / seconds));
    println!("{what}: {seconds:.2} s, {busy:.2} s of the processor{speed}");
    Ok(done)
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rows = arguments.next().map_or(Ok(1_000_000), |rows| rows.parse())?;
    let temporary = tempfile::tempdir()?;
    let folder = arguments.next().map_or(temporary.path().to_path_buf(), PathBuf::from);
    let [csv, parquet] = ["mixed.csv", "mixed.parquet"].map(|name| folder.join(name));
    let table = mixed(rows)?;
    timed("write CSV", None, || Ok(table.write(&csv)?))?;
    timed("write Parquet", None, || Ok(table.write(&parquet)?))?;
    let read = timed("read CSV", Some(&csv), || Ok(Table::read(&csv.to_string_lossy())?))?;
    let same = timed("read Parquet", Some(&parquet), || Ok(Table::read(&parquet.to_string_lossy())?))?;
    assert_eq!((read.rows(), read.values().len()), (same.rows(), same.values().len()));
    let encoding = timed("fit the encoding", None, || Ok(Encoding::fit(&read)?))?;
    let numbers = timed("encode", None, || Ok(encoding.encode(&read, 0)?))?;
    println!("{} rows of {} columns, {} columns of numbers", read.rows(), read.cols(), numbers.cols());
    timed("decode", None, || Ok(encoding.decode(&numbers, 0)?))?;
    Ok(())
}
