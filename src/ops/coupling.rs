//! The affine transform of coupling and autoregressive layers, with its running log-determinant; `shaders/coupling.wgsl` has the formulas.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::coupling::{Bounds, Direction, KEPT};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! // One row of two columns: the first is kept, the second gets scale 1 (from 0) and shift 3.
//! let (x, raw, zero) = (gpu.upload(1, 2, &[5.0, 7.0])?, gpu.upload(1, 2, &[0.0, 3.0])?, gpu.zeros(1, 1)?);
//! let roles = gpu.upload_u32(1, 2, &[KEPT, 0])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let [x, raw, roles, zero] = [&x, &raw, &roles, &zero].map(|t| rec.tensor(t));
//! let (y, _) = rec.affine_coupling(Direction::Forward, x, raw, roles, zero, Bounds::both(2.0))?;
//! let y = rec.keep(y);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(y)?, [5.0, 10.0]);
//! # Ok(())
//! # }
//! ```

use crate::gpu::kernels::common::direction::axis;
use crate::gpu::kernels::coupling::{Apply, Backward as BackwardKernel, Params, Variant};
use crate::gpu::{Backward, Recorder, Slot, Var};
use crate::{Error, Result};

/// The role of a column that passes as it is.
pub const KEPT: u32 = u32::MAX;

/// Bounds on the logarithm s of a layer's scale towards the latent space: −down < s < up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// By how much data may be pulled apart: ridges of the density e^up times thinner than what they come from.
    pub up: f32,
    /// By how much samples may be: no layer blows a distance between latents up by more than e^down.
    pub down: f32,
}

impl Bounds {
    /// |s| < bound.
    pub fn both(bound: f32) -> Self {
        Self { up: bound, down: bound }
    }
}

/// Which way a row passes an invertible layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From data towards the latent space, as densities take it.
    Forward,
    /// From the latent space towards data.
    Inverse,
}

impl Direction {
    /// What shaders call it.
    pub(super) fn axis(self) -> axis::Direction {
        match self {
            Self::Forward => axis::Direction::Forward,
            Self::Inverse => axis::Direction::Inverse,
        }
    }
}

/// Refuses shapes that do not belong together: `raw` has `numbers` for each transformed column.
pub(super) fn check(op: &'static str, x: Var, raw: Var, roles: Var, log_det: Var, numbers: usize) -> Result<()> {
    let (n, d) = (x.rows(), x.cols());
    let fits = raw.rows() == n && raw.cols().is_multiple_of(numbers) && raw.cols() <= numbers * d;
    if n == 0 || d == 0 || raw.cols() == 0 || !fits || roles.len() != d || log_det.len() != n {
        let problem = format!(
            "rows of {n} × {d}, numbers of {} × {} ({numbers} a transformed column), {} roles, {} log-determinants",
            raw.rows(),
            raw.cols(),
            roles.len(),
            log_det.len()
        );
        return Err(Error::shape(op, problem));
    }
    Ok(())
}

impl Recorder {
    /// Scales and shifts those columns of x (n × d) whose role is a number k below m, by columns k and m + k of `raw` (n × 2m); `roles` are
    /// d whole numbers, each below m once and the others `KEPT`. The logarithm of a scale is c·tanh(raw/c), with c one of the bounds by the sign of raw. Returns the rows and `log_det`
    /// (n × 1) with the logarithms of the scales added: in the inverse direction taken off.
    ///
    /// # Errors
    /// Shapes that do not belong together, bounds that are not above zero.
    pub fn affine_coupling(
        &mut self,
        direction: Direction,
        x: Var,
        raw: Var,
        roles: Var,
        log_det: Var,
        Bounds { up, down }: Bounds,
    ) -> Result<(Var, Var)> {
        check("affine_coupling", x, raw, roles, log_det, 2)?;
        if let Some(wrong) = [up, down].into_iter().find(|c| !(*c > 0.0 && c.is_finite())) {
            return Err(Error::shape("affine_coupling", format!("a bound of {wrong} on the logarithm of a scale")));
        }
        let (n, d) = (x.rows(), x.cols());
        let (y, sum) = (self.empty(n, d)?, self.empty(n, 1)?);
        let params = Params { n: n as u32, d: d as u32, m: raw.cols() as u32 / 2, up, down, accumulate_in: 0, accumulate_raw: 0 };
        let groups = self.groups(n, Apply::WIDTH);
        let variant = Variant { direction: direction.axis() };
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
            let groups = rec.groups(n, BackwardKernel::WIDTH);
            rec.dispatch(kernel, groups)
        };
        self.record(&[x, raw, log_det], &[y, sum], vjp);
        Ok((y, sum))
    }
}

/// The cotangents of a layer's rows and log-determinants; zeros for one of them where only the other has one.
pub(super) fn arrived(rec: &mut Recorder, back: &mut Backward, y: Var, log_det: Var) -> Result<Option<(Var, Var)>> {
    let zero = |rec: &mut Recorder, of: Var| rec.constant(0.0, of.rows(), of.cols());
    Ok(match (back.of(rec, y)?, back.of(rec, log_det)?) {
        (None, None) => None,
        (Some(d_y), Some(d_log_det)) => Some((d_y, d_log_det)),
        (Some(d_y), None) => Some((d_y, zero(rec, log_det)?)),
        (None, Some(d_log_det)) => Some((zero(rec, y)?, d_log_det)),
    })
}

/// Where a fused rule writes the cotangent of `x`, wanted or not: it forms all of them at once.
pub(super) fn destination(rec: &mut Recorder, back: &mut Backward, x: Var) -> Result<Slot> {
    match back.slot(rec, x)? {
        Some(slot) => Ok(slot),
        None => Ok(Slot { into: rec.empty(x.rows(), x.cols())?, accumulate: false }),
    }
}
