//! What lets a recorded step of an integration choose the length of the next: see shaders/adaptive.wgsl. Not taped.

use crate::gpu::kernels::adaptive::{self as kernel, Commit, Control, Params, Ratio};
use crate::gpu::{Recorder, Var};
use crate::{Error, Result};

/// Numbers in a control row.
pub const CONTROL: usize = kernel::CONTROL as usize;
/// Places in it.
pub const T: usize = kernel::T as usize;
pub const H: usize = kernel::H as usize;
pub const ONE: usize = kernel::ONE as usize;
pub const TAKEN: usize = kernel::TAKEN as usize;
pub const REFUSED: usize = kernel::REFUSED as usize;
pub const STATE: usize = kernel::STATE as usize;
/// The times of the second to the fifth stage, then t + h, that of the sixth and of the next step.
pub const STAGES: usize = kernel::STAGES as usize;

/// A control row at the start of the way from one time to another, with the length of the first step and the tolerance τ.
pub fn control_row(from: f64, to: f64, h: f64, tolerance: f64) -> [f32; CONTROL] {
    let c = [0.2, 0.3, 0.8, 8.0 / 9.0, 1.0].map(|c| from + c * h);
    let row = [from, h, 1.0, 0.0, 0.0, 0.0, to, 0.0, c[0], c[1], c[2], c[3], c[4], 0.0, to - from, tolerance];
    row.map(|v| v as f32)
}

impl Recorder {
    /// (e/(τ + τ·max(|x|, |x'|)))², element by element, with τ in the control row.
    pub fn error_ratio(&mut self, error: Var, x: Var, moved: Var, control_row: Var) -> Result<Var> {
        if error.shape() != x.shape() || moved.shape() != x.shape() || control_row.len() != CONTROL {
            return Err(Error::shape("error_ratio", "the error and both states are of one shape, and one control row"));
        }
        let out = self.empty(x.rows(), x.cols())?;
        let groups = self.groups(x.len(), Ratio::WIDTH);
        let params = Params { len: x.len() as u32, count: 1.0 };
        self.dispatch(Ratio { params, error, x, moved, row: control_row, out }, groups)?;
        Ok(out)
    }

    /// Judges the step by Σ r = `total` (1 × 1) over `count` numbers, and sets the next in the control row.
    pub fn control_step(&mut self, total: Var, count: usize, control_row: Var) -> Result<()> {
        if total.len() != 1 || control_row.len() != CONTROL {
            return Err(Error::shape("control_step", "one sum and one control row"));
        }
        let params = Params { len: 1, count: count as f32 };
        self.dispatch(Control { params, total, control_row }, [1, 1, 1])
    }

    /// Overwrites `into` with `moved` where the control row says that the step was taken.
    pub fn commit_step(&mut self, moved: Var, control_row: Var, into: Var) -> Result<()> {
        if moved.len() != into.len() || control_row.len() != CONTROL {
            return Err(Error::shape("commit_step", format!("{} numbers into {}", moved.len(), into.len())));
        }
        let params = Params { len: moved.len() as u32, count: 1.0 };
        let groups = self.groups(moved.len(), Commit::WIDTH);
        self.dispatch(Commit { params, moved, row: control_row, out: into }, groups)
    }
}
