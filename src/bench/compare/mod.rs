//! Files of records side by side: the first is the baseline, and every later one is compared with it.
//!
//! ```
//! use pushforward::bench::compare::{File, compare};
//! let record = |median: f64| {
//!     let times = format!(r#""min_ms":{median},"q25_ms":{median},"median_ms":{median},"q75_ms":{median}"#);
//!     let setup = r#""adapter":"a","driver":"d","backend":"vulkan","kernel_family":"tile","version":"0.1.0""#;
//!     format!(r#"{{"case":"gemm/1024","schema":1,{times},"runs":9,"rate":1,"unit":"GFLOP/s",{setup}}}"#)
//! };
//! let files = [("old", 10.0), ("new", 12.0)].map(|(name, median)| {
//!     let records = pushforward::bench::parse(name.as_ref(), &record(median)).expect("a record");
//!     File { name: name.into(), records }
//! });
//! let found = compare(&files, 0.05, None)?;
//! assert_eq!(found.regressions().len(), 1);
//! assert!(found.text().contains("1.20  regression"));
//! # Ok::<(), pushforward::Error>(())
//! ```

mod plot;
mod text;

#[cfg(test)]
mod tests;

use super::quantile;
use super::record::{Record, SCHEMA, read};
use crate::{Error, Result};
use serde::Serialize;
use std::path::Path;

/// The records of one file, under the name by which a comparison shows it.
#[derive(Clone, Debug)]
pub struct File {
    pub name: String,
    pub records: Vec<Record>,
}

/// Reads files and names them by their stems, or by their paths where stems are equal.
///
/// # Errors
/// When a file cannot be read or is no file of records; the file and the line are named.
pub fn files<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<File>> {
    let stem = |path: &P| path.as_ref().file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let distinct = paths.iter().enumerate().all(|(i, path)| paths[..i].iter().all(|other| stem(other) != stem(path)));
    let name = |path: &P| stem(path).filter(|_| distinct).unwrap_or_else(|| path.as_ref().display().to_string());
    paths.iter().map(|path| Ok(File { name: name(path), records: read(path.as_ref())? })).collect()
}

/// The records of one case in one file as one time with its noise.
///
/// A single record keeps its median and quartiles. Of several, `median_ms` is the median of the medians, `lower_ms` the lower
/// quartile of the lower quartiles and `upper_ms` the upper quartile of the upper quartiles, each rounded outward to a value of a
/// record: the interval holds the noise within runs and the spread between them. Of up to four records it holds all quartiles; of
/// five or more, one odd record does not move it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pooled {
    pub median_ms: f64,
    pub lower_ms: f64,
    pub upper_ms: f64,
    /// 100 · (upper − lower) / (2 · median): a half interquartile range in percent.
    pub noise_percent: f64,
    /// How many records were pooled.
    pub records: usize,
}

impl Pooled {
    /// Pools the records of one case; none when there are none.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Option<Self> {
        let times: Vec<[f64; 3]> = records.into_iter().map(|r| [r.q25_ms, r.median_ms, r.q75_ms]).collect();
        let sorted = |which: usize| {
            let mut of: Vec<f64> = times.iter().map(|quartiles| quartiles[which]).collect();
            of.sort_by(f64::total_cmp);
            of
        };
        // Records below the lower quartile, and as many above the upper one.
        let outside = times.len().checked_sub(1)? / 4;
        let (lower_ms, median_ms) = (sorted(0)[outside], quantile(&sorted(1), 0.5));
        let upper_ms = sorted(2)[times.len() - 1 - outside];
        let noise_percent = 50.0 * (upper_ms - lower_ms) / median_ms;
        Some(Self { median_ms, lower_ms, upper_ms, noise_percent, records: times.len() })
    }
}

/// How a time differs from the baseline's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The intervals from lower to upper quartile overlap.
    WithinNoise,
    /// The upper quartile is below the baseline's lower one.
    Faster,
    /// The lower quartile is above the baseline's upper one.
    Slower,
    /// The same, and the median is slower by the threshold or more.
    Regression,
}

impl Verdict {
    /// The rule. `threshold` is a share: 0.05 for 5 %; with infinity nothing is a regression.
    pub fn of(time: &Pooled, baseline: &Pooled, threshold: f64) -> Self {
        if time.upper_ms < baseline.lower_ms {
            Self::Faster
        } else if time.lower_ms <= baseline.upper_ms {
            Self::WithinNoise
        } else if time.median_ms >= baseline.median_ms * (1.0 + threshold) {
            Self::Regression
        } else {
            Self::Slower
        }
    }
}

/// A case's time in one file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cell {
    #[serde(flatten)]
    pub time: Pooled,
    /// The median over the baseline's; none in the baseline, and where it lacks the case.
    pub ratio: Option<f64>,
    pub verdict: Option<Verdict>,
}

/// A case in every file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub case: String,
    /// In the order of the files; none where a file lacks the case.
    pub results: Vec<Option<Cell>>,
}

/// A field of [`Setup`](super::Setup) and its distinct values in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    /// None for a value that was not known.
    pub values: Vec<Option<String>>,
}

/// A compared file: its name and what its records were measured with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    pub name: String,
    #[serde(serialize_with = "as_map")]
    pub setup: Vec<Field>,
}

fn as_map<S: serde::Serializer>(setup: &[Field], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(setup.iter().map(|field| (field.name, &field.values)))
}

/// The geometric mean of ratios over the cases that every file has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GeometricMean {
    /// How many cases that are.
    pub cases: usize,
    /// In the order of the files; none in the baseline, and where there is no such case.
    pub ratios: Vec<Option<f64>>,
}

/// A case of a later file that is slower than the baseline beyond the noise and by the threshold or more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Regression {
    pub case: String,
    pub file: String,
    pub ratio: f64,
}

/// Files side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    pub schema: u64,
    /// The smallest relative slowdown that is a regression, as a share; infinite (in JSON null) where nothing is one.
    pub threshold: f64,
    /// The first is the baseline.
    pub files: Vec<Measured>,
    /// In the order of the baseline, and then of the files that add cases.
    pub cases: Vec<Row>,
    pub geometric_mean: GeometricMean,
}

/// Compares files case by case; the first is the baseline. Only cases whose name contains `filter` count; `threshold` is a share,
/// 0.05 for 5 %.
///
/// # Errors
/// [`Error::Usage`] when there are fewer than two files, or a later file shares no such case with the baseline.
pub fn compare(files: &[File], threshold: f64, filter: Option<&str>) -> Result<Comparison> {
    let [baseline, later @ ..] = files else { return Err(too_few(files)) };
    if later.is_empty() {
        return Err(too_few(files));
    }
    let kept: Vec<Vec<&Record>> = files
        .iter()
        .map(|file| file.records.iter().filter(|record| filter.is_none_or(|part| record.case.contains(part))).collect())
        .collect();
    for (file, records) in later.iter().zip(&kept[1..]) {
        if !records.iter().any(|record| kept[0].iter().any(|other| other.case == record.case)) {
            return Err(nothing_shared(baseline, file, filter));
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for record in kept.iter().flatten() {
        if !names.contains(&record.case.as_str()) {
            names.push(&record.case);
        }
    }
    let cases: Vec<Row> = names.into_iter().map(|case| row(case, &kept, threshold)).collect();
    let geometric_mean = geometric_mean(&cases, files.len());
    let files = files.iter().zip(&kept).map(|(file, records)| Measured { name: file.name.clone(), setup: setup(records) });
    Ok(Comparison { schema: SCHEMA, threshold, files: files.collect(), cases, geometric_mean })
}

impl Comparison {
    /// Every regression, in the order of the cases.
    pub fn regressions(&self) -> Vec<Regression> {
        let of = |row: &Row| -> Vec<Regression> {
            let cells = self.files.iter().zip(&row.results).filter_map(|(file, cell)| cell.map(|cell| (file, cell)));
            let slow = cells.filter(|(_, cell)| cell.verdict == Some(Verdict::Regression));
            slow.filter_map(|(file, cell)| {
                Some(Regression { case: row.case.clone(), file: file.name.clone(), ratio: cell.ratio? })
            })
            .collect()
        };
        self.cases.iter().flat_map(of).collect()
    }
}

fn row(case: &str, kept: &[Vec<&Record>], threshold: f64) -> Row {
    let pooled = |records: &Vec<&Record>| Pooled::of(records.iter().copied().filter(|record| record.case == case));
    let baseline = pooled(&kept[0]);
    let cell = |(i, records): (usize, &Vec<&Record>)| {
        let time = pooled(records)?;
        let against = baseline.filter(|_| i > 0);
        Some(Cell {
            time,
            ratio: against.map(|baseline| time.median_ms / baseline.median_ms),
            verdict: against.map(|baseline| Verdict::of(&time, &baseline, threshold)),
        })
    };
    Row { case: case.into(), results: kept.iter().enumerate().map(cell).collect() }
}

fn geometric_mean(cases: &[Row], files: usize) -> GeometricMean {
    let common: Vec<&Row> = cases.iter().filter(|row| row.results.iter().all(Option::is_some)).collect();
    let mean = |file: usize| {
        let logs: Vec<f64> = common.iter().filter_map(|row| Some(row.results[file]?.ratio?.ln())).collect();
        (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
    };
    GeometricMean { cases: common.len(), ratios: (0..files).map(mean).collect() }
}

/// The distinct values of every field, in the order of the records.
fn setup(records: &[&Record]) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for (i, (name, value)) in records.iter().flat_map(|record| record.setup.fields().into_iter().enumerate()) {
        if fields.len() <= i {
            fields.push(Field { name, values: Vec::new() });
        }
        if !fields[i].values.contains(&value) {
            fields[i].values.push(value);
        }
    }
    fields
}

fn too_few(files: &[File]) -> Error {
    let found = files.first().map_or("none was".into(), |file| format!("only `{}` was", file.name));
    Error::usage(format!(
        "a comparison takes two files or more, and {found} given: name the baseline first, then the files to compare"
    ))
}

fn nothing_shared(baseline: &File, file: &File, filter: Option<&str>) -> Error {
    let cases = |file: &File| {
        let mut names: Vec<&str> = file.records.iter().map(|record| record.case.as_str()).collect();
        names.dedup();
        match names.len() {
            0..=4 => names.join(", "),
            count => format!("{} and {} more", names[..3].join(", "), count - 3),
        }
    };
    let (named, other) = match filter {
        Some(part) => (format!(" whose name contains `{part}`"), "use another --filter, or "),
        None => (String::new(), ""),
    };
    Error::usage(format!(
        "`{}` and `{}` have no common case{named} ({}; {}): {other}measure the same cases for both",
        baseline.name,
        file.name,
        cases(baseline),
        cases(file)
    ))
}
