//! [`Lock`]: one process at a time in a folder.

use crate::{Error, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// Holds a folder until it is dropped. The lock is the system's, on a file that stays: it ends with its process, however that ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// # Errors
    /// Another process holds the folder, or a file in it cannot be made.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(".lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|e| Error::io("make", &path, e))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Error::usage(format!(
                "another process is using {}: wait until it ends, or choose another folder",
                folder.display()
            ))),
            // Some file systems have no locks.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { _file: file }),
        }
    }
}
