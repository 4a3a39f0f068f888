//! Tables of numbers: reading and writing files, toy targets, standardization and splits.
//!
//! ```
//! use pushforward::data::{LoadOptions, Source, Standardization, split};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("people.csv");
//! std::fs::write(&path, "name,age,height\nAda,36,1.65\nAlan,41,1.78\nEmmy,53,1.60\n")?;
//! let source: Source = format!("{}#age,height", path.display()).parse()?;
//! let people = source.load(0, &LoadOptions::default())?;
//! people.check_trainable()?;
//! assert_eq!((people.rows(), people.columns()), (3, &["age".to_string(), "height".to_string()][..]));
//! assert!(people.kinds()[0].integer);
//!
//! let (train, test) = split(&people, 0.3, 7)?;
//! let standard = Standardization::fit(&train);
//! let z: Vec<f32> = standard.apply(train.values())?; // mean 0 and standard deviation 1 in each column
//! let x: Vec<f64> = standard.undo(&z)?;
//! test.write(folder.path().join("test.parquet"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod choice;
mod column;
mod dates;
mod density;
mod describe;
mod encoding;
mod file;
mod file_form;
mod formats;
mod formula;
mod levels;
mod missing;
mod mixture;
mod nearest;
mod noise;
mod number_form;
#[cfg(not(feature = "unstable"))]
pub(crate) mod random;
#[cfg(feature = "unstable")]
pub mod random;
mod source;
mod split;
mod spread;
mod standardize;
mod table;
mod target;
pub mod toy;
mod typed_table;
mod types;

pub(crate) use density::dequantized;
pub(crate) use noise::{Noise, STANDARD_DEVIATION};

pub use column::Column;
pub use dates::DateForm;
pub use encoding::Encoding;
pub(crate) use encoding::Unseen;
pub use file::FileFormat;
pub use source::{DEFAULT_TOY_ROWS, LoadOptions, MAX_TOY_ROWS, Origin, Source};
pub use standardize::Standardization;
pub use table::{ColumnKind, Number, Table};
pub use target::Target;
pub use types::{ColumnType, TypeOptions};

/// What the other modules use, and with the feature `unstable` the tests and the other packages.
mod internal {
    pub use super::density::{density_warnings, dependent_column};
    pub use super::describe::ColumnSummary;
    pub use super::file::{file_hash, write_atomically};
    pub use super::formula::{Formulas, Function, Node};
    pub use super::levels::{Group, groups, in_words};
    pub use super::mixture::Mixture;
    pub use super::nearest::nearest;
    pub use super::split::{Purpose, by_weight, rows_aside, set_aside, split, subset, subset_of};
    pub use super::spread::outlier_warnings;
    pub use super::standardize::{ColumnRounding, Rounding};
    pub use super::target::Form;
    pub use super::typed_table::as_numbers;
}
#[cfg(not(feature = "unstable"))]
pub(crate) use internal::*;
#[cfg(feature = "unstable")]
#[doc(hidden)]
pub use internal::*;
