//! Logs of many runs: a line a run as JSON, on terms that are the same for all of them.

use crate::data::write_atomically;
use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The version of the lines. It grows when a field is renamed or removed, or when its meaning or unit changes.
pub const SCHEMA: u64 = 1;

/// A line as it is written.
#[derive(Serialize)]
struct Line<'a, T> {
    schema: u64,
    #[serde(flatten)]
    record: &'a T,
}

/// What runs must share to be compared.
pub trait Shared {
    /// Each term's name and value.
    fn named(&self) -> Vec<(&'static str, String)>;
}

/// A line of a log.
pub trait Logged: Serialize + DeserializeOwned {
    type Terms: Shared;

    fn terms(&self) -> &Self::Terms;
}

/// The runs of a folder, or what was measured of them. Each is on the disk as soon as it is made.
pub struct Log<T> {
    path: PathBuf,
    records: Vec<T>,
}

impl<T: Logged> Log<T> {
    /// The lines that are there.
    ///
    /// # Errors
    /// Runs on other terms or of another schema, or a line that is none.
    pub fn open(path: &Path, terms: &T::Terms) -> Result<Self> {
        let mut records: Vec<T> = Vec::new();
        if path.exists() {
            let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
            for (i, line) in text.lines().enumerate() {
                let broken =
                    |e: serde_json::Error| Error::format(path, format!("line {} is not a run ({e}): remove the line", i + 1));
                let value: serde_json::Value = serde_json::from_str(line).map_err(broken)?;
                let schema = value.get("schema").and_then(serde_json::Value::as_u64);
                if value.is_object() && schema != Some(SCHEMA) {
                    let found = schema.map_or("no schema".into(), |schema| format!("schema {schema}"));
                    return Err(Error::format(
                        path,
                        format!(
                            "was written by another version of pushforward ({found}, this one reads schema {SCHEMA}): \
                             choose another folder, or use that version"
                        ),
                    ));
                }
                let record: T = serde_json::from_value(value).map_err(broken)?;
                if let Some((what, there, asked)) = differs(record.terms(), terms) {
                    return Err(Error::usage(format!(
                        "{} holds runs with {what} = {there}, and {asked} was asked for: use the same, or choose another folder",
                        path.display()
                    )));
                }
                records.push(record);
            }
        }
        Ok(Self { path: path.into(), records })
    }

    /// Adds a line; the file is replaced as a whole, so that it never ends in half of one.
    pub fn push(&mut self, record: T) -> Result<()> {
        self.records.push(record);
        write_atomically(&self.path, |file| {
            for record in &self.records {
                serde_json::to_writer(&mut *file, &Line { schema: SCHEMA, record })?;
                file.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.records.iter()
    }

    pub fn records(self) -> Vec<T> {
        self.records
    }
}

/// The first term that differs, with both values.
fn differs(there: &impl Shared, asked: &impl Shared) -> Option<(&'static str, String, String)> {
    let pairs = there.named().into_iter().zip(asked.named());
    pairs.into_iter().find(|(a, b)| a.1 != b.1).map(|(a, b)| (a.0, a.1, b.1))
}
