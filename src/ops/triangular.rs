//! Rows solved against a triangular matrix; `shaders/triangular.wgsl` has the formulas.

use super::linear::PRODUCT;
use crate::gpu::kernels::triangular::{Params, Solve, Variant, axis};
use crate::gpu::{Recorder, Var};
use crate::{Error, Result};

/// Which half of a matrix holds its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// On and below the diagonal, which is taken to be one.
    UnitLower,
    /// On and above the diagonal.
    Upper,
}

impl Recorder {
    /// X with X·T = B, for rows B (n × d) and the triangular T (d × d), whose other half is not read. No gradient.
    ///
    /// # Errors
    /// A matrix that is not d × d.
    pub fn solve_triangular(&mut self, side: Side, b: Var, t: Var) -> Result<Var> {
        let (n, d) = (b.rows(), b.cols());
        if b.is_empty() || t.shape() != (d as u32, d as u32) {
            return Err(Error::shape("solve_triangular", format!("{n} × {d} by {} × {}", t.rows(), t.cols())));
        }
        self.add_cost(PRODUCT * (n * d * d) as f64);
        let x = self.empty(n, d)?;
        let variant = match side {
            Side::UnitLower => Variant { side: axis::Side::Lower, unit: true },
            Side::Upper => Variant { side: axis::Side::Upper, unit: false },
        };
        let groups = self.groups(n, Solve::WIDTH);
        let params = Params { n: n as u32, d: d as u32 };
        self.dispatch(Solve { variant, params, b, t, x }, groups)?;
        Ok(x)
    }
}
