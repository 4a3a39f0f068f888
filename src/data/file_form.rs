//! [`FileForm`]: how the file of a table is read and written, beside the forms of its columns.

use serde::{Deserialize, Serialize};

/// How the file of a table is read and written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FileForm {
    /// What parts the fields of a CSV file, where its ending does not say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    #[serde(skip_serializing_if = "Quotes::is_default")]
    pub quotes: Quotes,
    /// How a missing cell is written, where it is not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_word: Option<String>,
    /// The words that are read as missing cells, where they are not the usual ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_words: Option<Vec<String>>,
    /// Rows of which a level is a state of its own; those of fewer are pooled.
    #[serde(skip_serializing_if = "is_one")]
    pub min_count: usize,
}

fn is_one(number: &usize) -> bool {
    *number <= 1
}

/// Which cells of a CSV file stand in quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Quotes {
    /// Those that need them.
    #[default]
    Needed,
    /// All but numbers and missing cells.
    Texts,
    All,
}

impl Quotes {
    fn is_default(&self) -> bool {
        *self == Self::Needed
    }
}
