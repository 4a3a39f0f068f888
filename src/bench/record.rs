//! One measured case as `pushforward bench --json` writes it: one JSON object a line. `docs/benchmarks/schema.md` describes the fields.

use super::setup::Setup;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// Version of the format. It grows when a field is renamed or removed, or changes its meaning or unit; not when one is added.
pub const SCHEMA: u64 = 1;

/// One measured case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The case's stable name.
    pub case: String,
    /// [`SCHEMA`] of the program that wrote the record.
    pub schema: u64,
    /// Median time of one step over `runs` measurements, in milliseconds.
    pub median_ms: f64,
    /// Least time, in milliseconds.
    pub min_ms: f64,
    /// Lower quartile of the times, in milliseconds.
    pub q25_ms: f64,
    /// Upper quartile of the times, in milliseconds.
    pub q75_ms: f64,
    /// How many measurements were made, each the mean over some replays.
    pub runs: usize,
    /// Work per second at the median time, in `unit`.
    pub rate: f64,
    pub unit: String,
    /// Time of the case's multiply-adds, exponentials and sines at this adapter's measured best, over the median time.
    pub ceiling_share: Option<f64>,
    #[serde(flatten)]
    pub setup: Setup,
    /// When the case was measured: seconds since 1970-01-01 00:00 UTC, where the clock tells it.
    pub unix_time: Option<u64>,
}

impl Record {
    /// The record as one line of JSON, without the line's end.
    pub fn to_line(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| Error::data(e.to_string()))
    }

    /// Reads one line. The error says what was found and what to do.
    fn from_line(line: &str) -> Result<Self, String> {
        let plain = |e: &serde_json::Error| {
            let text = e.to_string();
            text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
        };
        let value: Value = serde_json::from_str(line)
            .map_err(|e| format!("column {}: this is not JSON ({}); {EXPECTED}", e.column(), plain(&e)))?;
        match value.get("schema") {
            Some(found) if *found == SCHEMA => {}
            Some(found) => {
                return Err(format!(
                    "its schema is {found}, and this program reads schema {SCHEMA}: use the version that wrote it, or measure again"
                ));
            }
            None => return Err(format!("it has no `schema`, so it was not written by this version or a later one; {EXPECTED}")),
        }
        let record: Self =
            serde_json::from_value(value).map_err(|e| format!("it is not a measured case ({}); {EXPECTED}", plain(&e)))?;
        record.check()?;
        Ok(record)
    }

    fn check(&self) -> Result<(), String> {
        let Self { case, min_ms, q25_ms, median_ms, q75_ms, .. } = self;
        let times = [*min_ms, *q25_ms, *median_ms, *q75_ms];
        if times.is_sorted() && times[0] > 0.0 {
            return Ok(());
        }
        Err(format!(
            "the times of `{case}` are {min_ms}, {q25_ms}, {median_ms} and {q75_ms} ms, and must be above 0 with \
             min_ms ≤ q25_ms ≤ median_ms ≤ q75_ms: measure the case again"
        ))
    }
}

const EXPECTED: &str = "a line must be one object as `pushforward bench --json` prints it";

/// The records of a text, one a line; empty lines are skipped. `path` names the text in errors.
///
/// # Errors
/// [`Error::Format`] with the line's number, when a line is not a record of [`SCHEMA`] or there is none.
pub fn parse(path: &Path, text: &str) -> Result<Vec<Record>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let records: Vec<Record> = lines
        .map(|(i, line)| Record::from_line(line).map_err(|problem| Error::format(path, format!("line {}: {problem}", i + 1))))
        .collect::<Result<_>>()?;
    if records.is_empty() {
        return Err(Error::format(path, "it holds no measured case: write it with `pushforward bench --out FILE`"));
    }
    Ok(records)
}

/// The records of a file.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read, and those of [`parse`].
pub fn read(path: &Path) -> Result<Vec<Record>> {
    parse(path, &std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?)
}
