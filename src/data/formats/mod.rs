//! The formats of files: each is read into a [`Raw`], and a [`Table`] is written in each.

mod blocks;
mod cell;
pub mod csv;
mod filled;
#[cfg(feature = "npy")]
mod npy;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_stored;
#[cfg(feature = "parquet")]
mod parquet_typed;
mod records;
mod stream;
mod text;
pub mod typed;

pub(super) use stream::standard_input;

use super::choice::{Choice, Raw};
use super::{FileFormat, Table, TypeOptions};
use crate::{Error, Result};
use std::path::Path;

/// Reads the chosen columns of a file with their types; none of a format that holds numbers alone.
pub(super) fn read_typed(path: &Path, choice: &Choice, header: Option<bool>, types: &TypeOptions) -> Option<Result<Table>> {
    match FileFormat::of(path) {
        Ok(FileFormat::Csv) => Some(typed::read(path, choice, header, types)),
        #[cfg(feature = "parquet")]
        Ok(FileFormat::Parquet) => Some(parquet_typed::read(path, choice, types)),
        _ => None,
    }
}

/// Reads the chosen columns of a file. `header` says whether the first row of a CSV file is one.
pub(super) fn read(path: &Path, choice: &Choice, header: Option<bool>) -> Result<Raw> {
    match FileFormat::of(path)? {
        FileFormat::Csv => csv::read(path, choice, header),
        #[cfg(feature = "npy")]
        FileFormat::Npy => npy::read(path, choice),
        #[cfg(feature = "parquet")]
        FileFormat::Parquet => parquet::read(path, choice),
        #[cfg(not(all(feature = "npy", feature = "parquet")))]
        other => Err(other.left_out(path)),
    }
}

impl Table {
    /// Writes columns and values (not weights) in the format of the path's ending: `.npy` as f64 in C order, `.csv` with a header and
    /// the fewest digits that read back as the same number, `.parquet` with columns of doubles, 64-bit integers, dates, timestamps, booleans and texts, by the columns' types. A `.npy` holds neither
    /// categories nor missing cells. Columns that came in single precision are written in it (an array where all did). The file is written beside and renamed into place.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        self.write_texts(path, 0)
    }

    /// The same, where the last `behind` columns may hold the indicators of texts (see `groups`): a `.csv` gets the texts
    /// themselves, in one column.
    pub fn write_texts(&self, path: impl AsRef<Path>, behind: usize) -> Result<()> {
        let path = path.as_ref();
        let format = FileFormat::of(path)?;
        let beyond = |j: &usize| self.levels(*j).is_some() || self.missing(*j).is_some();
        if let Some(column) = (0..self.cols()).find(beyond).filter(|_| format == FileFormat::Npy) {
            let what = if self.levels(column).is_some() { "categories" } else { "missing cells" };
            let name = &self.columns()[column];
            return Err(Error::usage(format!(
                "column `{name}` has {what}, which an array such as {} cannot hold: write a .csv or .parquet",
                path.display()
            )));
        }
        match format {
            FileFormat::Csv => csv::write(self, behind, path),
            #[cfg(feature = "npy")]
            FileFormat::Npy => npy::write(self, path),
            #[cfg(feature = "parquet")]
            FileFormat::Parquet => parquet::write(self, path),
            #[cfg(not(all(feature = "npy", feature = "parquet")))]
            other => Err(other.left_out(path)),
        }
    }
}
