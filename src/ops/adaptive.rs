//! What lets a recorded step of an integration choose the length of the next: see shaders/adaptive.wgsl. Not taped.

use crate::gpu::kernels::adaptive::{Commit, Control, Params, Ratio};
use crate::gpu::{Recorder, Var};
use crate::{Error, Result};

/// Numbers in a control row.
pub const CONTROL: usize = 16;
/// Places in it.
pub const T: usize = 0;
pub const H: usize = 1;
pub const ONE: usize = 2;
pub const TAKEN: usize = 3;
pub const REFUSED: usize = 4;
pub const STATE: usize = 5;
/// The times of the second to the fifth stage, then t + h, that of the sixth and of the next step.
pub const STAGES: usize = 8;

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
        let groups = self.groups(x.len(), 256);
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
        let groups = self.groups(moved.len(), 256);
        self.dispatch(Commit { params, moved, row: control_row, out: into }, groups)
    }
}
