//! The rational-quadratic transform of coupling and autoregressive layers, with its running log-determinant; `shaders/spline.wgsl` has the formulas.

use super::coupling::{Direction, arrived, check, destination};
use crate::gpu::kernels::spline::{Apply, Backward as BackwardKernel, Params, Variant, axis};
use crate::gpu::{Backward, Recorder, Var};
use crate::{Error, Result};

/// Bins at most: what an invocation keeps of a column.
pub const MOST_BINS: usize = axis::K::HIGH;

/// Nanoseconds of one number of a bin on two cores of software, about: 0.32 ms for 1,024 rows of two columns and 8 bins, there and back.
const BIN: f64 = 2.0;

/// A spline's bins, and half the width of the square that it bends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bins {
    pub count: usize,
    pub reach: f32,
}

impl Bins {
    /// Numbers that say how one column is bent.
    pub fn numbers(self) -> usize {
        3 * self.count - 1
    }
}

impl Recorder {
    /// Bends those columns of x (n × d) whose role is a number k below m, each by the 3K − 1 numbers of `raw` (n × (3K − 1)m) from
    /// k·(3K − 1) on: K widths, K heights and K − 1 slopes of its bins, all zero for the identity. `roles` are d whole numbers, each below m once and the others
    /// `KEPT`. Rows pass unchanged beyond ±reach. Returns the rows and `log_det` (n × 1) with the logarithms of the
    /// slopes added: in the inverse direction taken off.
    ///
    /// # Errors
    /// Shapes that do not belong together, fewer than 2 bins or more than `MOST_BINS`, a reach that is not above zero.
    pub fn spline_coupling(
        &mut self,
        direction: Direction,
        x: Var,
        raw: Var,
        roles: Var,
        log_det: Var,
        bins: Bins,
    ) -> Result<(Var, Var)> {
        if !((2..=MOST_BINS).contains(&bins.count) && bins.reach > 0.0 && bins.reach.is_finite()) {
            let problem = format!("{} bins (2 to {MOST_BINS}) on ±{}", bins.count, bins.reach);
            return Err(Error::shape("spline_coupling", problem));
        }
        check("spline_coupling", x, raw, roles, log_det, bins.numbers())?;
        let (n, d) = (x.rows(), x.cols());
        let (y, sum) = (self.empty(n, d)?, self.empty(n, 1)?);
        let params = Params {
            n: n as u32,
            d: d as u32,
            m: (raw.cols() / bins.numbers()) as u32,
            reach: bins.reach,
            accumulate_in: 0,
            accumulate_raw: 0,
        };
        self.add_cost(BIN * raw.len() as f64);
        let groups = self.groups(n, Apply::WIDTH);
        let variant = Variant { k: bins.count.try_into()?, direction: direction.axis() };
        self.dispatch(Apply { variant, params, given: x, raw, roles, before: log_det, out: y, log_det: sum }, groups)?;
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            let Some((d_out, d_log_det)) = arrived(rec, back, y, sum)? else { return Ok(()) };
            back.pass(rec, log_det, d_log_det)?;
            let (into, raw_into) = (destination(rec, back, x)?, destination(rec, back, raw)?);
            let params = Params { accumulate_in: into.accumulate.into(), accumulate_raw: raw_into.accumulate.into(), ..params };
            let kernel = BackwardKernel {
                variant,
                params,
                given: x,
                raw,
                roles,
                d_out,
                d_log_det,
                d_given: into.into,
                d_raw: raw_into.into,
            };
            rec.add_cost(2.0 * BIN * raw.len() as f64);
            let groups = rec.groups(n, BackwardKernel::WIDTH);
            rec.dispatch(kernel, groups)
        };
        self.record(&[x, raw, log_det], &[y, sum], vjp);
        Ok((y, sum))
    }
}
