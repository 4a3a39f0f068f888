//! The library's one error type. Every message says what was asked, what was found and what to do.

use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong for a reason outside the library; a panic is always a bug of ours.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, read, written or renamed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },

    /// A file was opened, and what it holds is not what it should be.
    #[error("{}: {problem}", path.display())]
    Format { path: PathBuf, problem: String },

    /// A setting, argument or name that is not valid; the message names the valid choices.
    #[error("{0}")]
    Usage(String),

    /// Data that cannot be learned from or compared.
    #[error("{0}")]
    Data(String),

    /// Shapes that do not fit together.
    #[error("{op}: {problem}")]
    Shape { op: &'static str, problem: String },

    /// No adapter, or none that matches.
    #[error("{0}")]
    Adapter(String),

    /// A size beyond what the adapter allows.
    #[error("{what} needs {needed}, and this adapter's {limit} is {allowed}: {advice}")]
    Limit { what: String, limit: &'static str, needed: u64, allowed: u64, advice: &'static str },

    /// The device was lost, or does not answer.
    #[error("the device failed: {0}")]
    Device(String),

    /// The device refused one operation, and goes on.
    #[error("the device refused an operation: {0}")]
    Refused(String),

    /// Out of device memory.
    #[error("the device is out of memory ({0}): use a smaller batch or a smaller network")]
    OutOfMemory(String),

    /// A loss that is no longer a number.
    #[error("{name} became {value} at step {step}: the run is stopped; lower the learning rate or look at the data")]
    NonFinite { name: String, value: f32, step: u64 },

    /// The person pressed Ctrl-C, or the system asked the run to end.
    #[error("interrupted at step {step}")]
    Interrupted { step: u64 },
}

impl Error {
    /// Whether it says something of one run; the others (a lost device, a full disk, Ctrl-C) would meet every run alike.
    pub fn is_of_one_run(&self) -> bool {
        !matches!(self, Self::Interrupted { .. } | Self::Io { .. } | Self::Device(_) | Self::Adapter(_) | Self::Format { .. })
    }

    pub fn io(action: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.as_ref().into(), source }
    }

    pub fn format(path: impl AsRef<Path>, problem: impl Into<String>) -> Self {
        Self::Format { path: path.as_ref().into(), problem: problem.into() }
    }

    pub fn usage(problem: impl Into<String>) -> Self {
        Self::Usage(problem.into())
    }

    pub fn data(problem: impl Into<String>) -> Self {
        Self::Data(problem.into())
    }

    pub fn shape(op: &'static str, problem: impl Into<String>) -> Self {
        Self::Shape { op, problem: problem.into() }
    }
}
