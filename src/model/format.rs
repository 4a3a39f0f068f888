//! The version of the format of a run's files: `config.toml`, `checkpoint.safetensors`, `model.safetensors`. A file of another is refused, never misread.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The version that this crate writes and reads. It changes with the name or the meaning of anything in those files.
pub const FORMAT: u64 = 3;

/// What a file holds, with its format.
#[derive(Serialize)]
pub(super) struct Formatted<'a, T> {
    pub format: u64,
    #[serde(flatten)]
    pub content: &'a T,
}

/// The format that a file says it has. Format 1 said nothing.
#[derive(Deserialize)]
pub(super) struct Said {
    #[serde(default = "first")]
    pub format: u64,
}

fn first() -> u64 {
    1
}

/// Refuses the `config.toml` of a run that has another format.
///
/// # Errors
/// The format that it has, and what to do.
pub fn check_config(path: &Path, config: &str) -> Result<()> {
    let config: toml::Table = config.parse().map_err(|e| Error::format(path, format!("is damaged: {e}")))?;
    let found = config.get("format").map_or(Some(1), |format| u64::try_from(format.as_integer()?).ok());
    check_format(path, found.ok_or_else(|| Error::format(path, "is damaged: its `format` is no version"))?)
}

/// Refuses a file of another format.
pub(super) fn check_format(path: &Path, found: u64) -> Result<()> {
    let (which, remedy) = match found {
        FORMAT => return Ok(()),
        ..FORMAT => ("an earlier", "train again, or use that version"),
        _ => ("a later", "use that version"),
    };
    Err(Error::format(
        path,
        format!("was written by {which} version of pushforward (format {found}, this one reads {FORMAT}): {remedy}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_format_is_refused_with_what_to_do() {
        let said = |config: &str| check_config(Path::new("c.toml"), config).map_err(|e| e.to_string());
        assert_eq!(said("format = 3"), Ok(()));
        let earlier = "c.toml: was written by an earlier version of pushforward (format 2, this one reads 3): train again, or use that version";
        assert_eq!(said("format = 2"), Err(earlier.into()));
        // The first format said nothing of itself.
        assert_eq!(said("seed = 0"), said("format = 1"));
        assert!(said("seed = 0").is_err_and(|said| said.contains("(format 1, this one reads 3)")));
        let later = "c.toml: was written by a later version of pushforward (format 4, this one reads 3): use that version";
        assert_eq!(said("format = 4"), Err(later.into()));
        for damaged in ["format = -1", "format = 'two'"] {
            assert_eq!(said(damaged), Err("c.toml: is damaged: its `format` is no version".into()));
        }
    }
}
