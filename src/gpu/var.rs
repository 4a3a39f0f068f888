//! [`Var`] and [`Kept`]: what stands for values while a step is recorded, and after.

/// A handle to a value inside one recording: rows × columns. Handed to another recording it is an error there, never another value's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Var {
    pub(super) recording: u32,
    pub(super) id: u32,
    pub(super) rows: u32,
    pub(super) cols: u32,
}

impl Var {
    pub fn rows(self) -> usize {
        self.rows as usize
    }

    pub fn cols(self) -> usize {
        self.cols as usize
    }

    pub fn len(self) -> usize {
        self.rows() * self.cols()
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// (rows, columns), as the uniforms of kernels want them.
    pub fn shape(self) -> (u32, u32) {
        (self.rows, self.cols)
    }
}

/// A value that outlives the step and can be read after a replay.
#[derive(Clone, Copy, Debug)]
pub struct Kept(pub(super) Var);
