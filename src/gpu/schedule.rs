//! What a recording is made of: the schedule of dispatches and the memory that it names. Plain data.

use super::Tensor;
use super::kernel::Compiled;
use std::sync::Arc;

/// Words of the step's state on the GPU: `[step, seed (low), seed (high), domain]`.
pub(super) const STATE_WORDS: usize = 4;
/// Most scalars that one step reports.
pub(super) const REPORTS: usize = 6;

/// Where a value's memory comes from.
pub(super) enum Storage {
    /// Memory that existed before the recording.
    External(Tensor),
    /// Memory that the step allocates; `kept` memory is shared with no other value.
    Transient { bytes: u64, kept: bool },
}

/// A range of a storage.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub storage: usize,
    pub offset: u64,
    pub bytes: u64,
}

/// One entry of the schedule.
pub(super) struct Dispatch {
    pub compiled: Arc<Compiled>,
    pub params: Vec<u8>,
    /// (binding index, place, written).
    pub operands: Vec<(u32, Place, bool)>,
    pub groups: [u32; 3],
}
