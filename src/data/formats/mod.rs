//! The formats of files: each is read into a [`Raw`], and a [`Table`] is written in each.

mod cell;
pub mod csv;
#[cfg(feature = "npy")]
mod npy;
#[cfg(feature = "parquet")]
mod parquet;
mod text;

use super::choice::{Choice, Raw};
use super::{FileFormat, Table};
use crate::Result;
use std::path::Path;

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
    /// the fewest digits that read back as the same number, `.parquet` with one column of doubles a column. Columns that came in
    /// single precision are written in it (an array where all did). The file is written beside and renamed into place.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        self.write_texts(path, 0)
    }

    /// The same, where the last `behind` columns may hold the indicators of texts (see `groups`): a `.csv` gets the texts
    /// themselves, in one column.
    pub fn write_texts(&self, path: impl AsRef<Path>, behind: usize) -> Result<()> {
        let path = path.as_ref();
        match FileFormat::of(path)? {
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
