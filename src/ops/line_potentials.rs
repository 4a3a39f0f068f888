//! Dual potentials of W₂² between the projections of two samples on lines: what gives sliced W₂ its standard error. No gradient: these
//! are for scores.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let (x, y) = (gpu.upload(3, 1, &[0.0, 1.0, 2.0])?, gpu.upload(3, 1, &[5.0, 3.0, 4.0])?);
//! let theta = gpu.upload(1, 1, &[1.0])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let (x, y, theta) = (rec.tensor(&x), rec.tensor(&y), rec.tensor(&theta));
//! let found = rec.line_potentials(x, y, theta)?;
//! let (squares, u) = (rec.keep(found.squares), rec.keep(found.u));
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(squares)?, [9.0]);
//! assert_eq!(step.read(u)?, [0.0, -6.0, -12.0]);
//! # Ok(())
//! # }
//! ```

use crate::gpu::kernels::line_potentials::{self as kernel, Params, Rise, Scan, Walk};
use crate::gpu::{Recorder, Var};
use crate::{Error, Result};

/// Ranks that one invocation walks through, as the shader has it.
const BLOCK: usize = kernel::BLOCK as usize;
/// Most rows: a block more, and the scan's loop would be longer than software adapters finish.
const MOST: usize = 65_535 * BLOCK;

/// W₂² on lines, with its dual potentials.
#[derive(Clone, Copy, Debug)]
pub struct Potentials {
    /// W₂² on each line, 1 × P.
    pub squares: Var,
    /// Sums over the lines of the potentials of each row of x and of each row of y, 1 × n.
    pub u: Var,
    pub v: Var,
}

impl Recorder {
    /// W₂² between the projections of x and y (both n×d) on each column of `theta` (d × P), and the sums of its dual potentials over
    /// the columns. The memory that it takes grows with n·P.
    pub fn line_potentials(&mut self, x: Var, y: Var, theta: Var) -> Result<Potentials> {
        const OP: &str = "line_potentials";
        let (n, lines) = (x.rows(), theta.cols());
        if y.rows() != n {
            return Err(Error::shape(OP, format!("{n} and {} rows; they are matched one by one", y.rows())));
        }
        if n > MOST {
            let (needed, allowed, advice) = (n as u64, MOST as u64, "score a random part of the rows");
            return Err(Error::Limit {
                what: OP.into(),
                limit: "rounds of a loop on software adapters",
                needed,
                allowed,
                advice,
            });
        }
        let (of_x, of_y) = self.sorted_projections(OP, x, y, theta)?;
        let blocks = n.div_ceil(BLOCK);
        let params = Params {
            n: n as u32,
            lines: lines as u32,
            blocks: blocks as u32,
            stride_x: of_x.stride as u32,
            at_x: of_x.at as u32,
            stride_y: of_y.stride as u32,
            at_y: of_y.at as u32,
            spare: 0,
        };
        let (sorted, other) = (of_x.values, of_y.values);
        let (rises, costs) = (self.empty(blocks, lines)?, self.empty(blocks, lines)?);
        let (u, v) = (self.empty(lines, n)?, self.empty(lines, n)?);
        let (groups, scan_groups) = (self.groups(blocks * lines, Rise::WIDTH), self.groups(lines, Scan::WIDTH));
        self.dispatch(Rise { params, sorted, other, rises }, groups)?;
        self.dispatch(Scan { params, rises }, scan_groups)?;
        let walk = Walk { params, sorted, other, index: of_x.index, other_index: of_y.index, rises, costs, u, v };
        self.dispatch(walk, groups)?;
        let squares = self.sum_rows_untaped(costs)?;
        let squares = self.scale(squares, 1.0 / n as f32)?;
        Ok(Potentials { squares, u: self.sum_rows_untaped(u)?, v: self.sum_rows_untaped(v)? })
    }
}
