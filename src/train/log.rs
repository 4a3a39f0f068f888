//! Logs of many runs: a line a run as JSON, on terms that are the same for all of them.

use crate::data::write_atomically;
use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::{Path, PathBuf};

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
    /// Runs on other terms, or a line that is none.
    pub fn open(path: &Path, terms: &T::Terms) -> Result<Self> {
        let mut records: Vec<T> = Vec::new();
        if path.exists() {
            let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
            for (i, line) in text.lines().enumerate() {
                let record: T = serde_json::from_str(line)
                    .map_err(|e| Error::format(path, format!("line {} is no run ({e}): remove the line", i + 1)))?;
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
                serde_json::to_writer(&mut *file, record)?;
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
