//! Times as cosines and sines, in one dispatch; `shaders/time.wgsl` has the formulas.

use crate::gpu::kernels::time::{Backward as BackwardKernel, Forward, Params};
use crate::gpu::{Backward, Recorder, Var};
use crate::{Error, Result};

/// A time of an integration.
#[derive(Clone, Copy, Debug)]
pub enum Time {
    /// Known while recording, the same for all rows.
    Known(f64),
    /// On the device: 1 × 1 for all rows, or one a row (rows × 1).
    Held(Var),
}

impl Recorder {
    /// (cos 2πf_k t, …, sin 2πf_k t, …) for the frequencies f (1 × K): n × 1 → n × 2K, all cosines first.
    ///
    /// # Errors
    /// When t is no column or f no row.
    pub fn time_embedding(&mut self, t: Var, frequencies: Var) -> Result<Var> {
        if t.cols() != 1 || frequencies.rows() != 1 || t.is_empty() || frequencies.is_empty() {
            let (t, f) = (t.shape(), frequencies.shape());
            let problem =
                format!("times of {} × {} (one column is expected) and frequencies of {} × {} (one row)", t.0, t.1, f.0, f.1);
            return Err(Error::shape("time embedding", problem));
        }
        let (n, count) = (t.rows(), frequencies.cols());
        let e = self.empty(n, 2 * count)?;
        let params = Params { n: n as u32, count: count as u32, accumulate: 0 };
        let groups = self.groups(n * count, Forward::WIDTH);
        self.dispatch(Forward { params, t, frequencies, e }, groups)?;
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_e) = back.of(rec, e)? else { return Ok(()) };
            let Some(slot) = back.slot(rec, t)? else { return Ok(()) };
            let params = Params { accumulate: slot.accumulate.into(), ..params };
            let groups = rec.groups(n, BackwardKernel::WIDTH);
            rec.dispatch(BackwardKernel { params, t, frequencies, d_e, d_t: slot.into }, groups)
        };
        self.record_with_tangent(&[t], &[e], vjp, move |rec, tangents| {
            // d/dt (cos, sin) = 2πf·(−sin, cos).
            let Some(t_dot) = tangents.of(t) else { return Ok(vec![None]) };
            let rates = rec.scale(frequencies, std::f32::consts::TAU)?;
            let (cos, sin) = (rec.columns(e, 0, count)?, rec.columns(e, count, count)?);
            let (down, up) = (rec.mul(sin, rates)?, rec.mul(cos, rates)?);
            let down = rec.scale(down, -1.0)?;
            let slope = rec.concat(&[down, up])?;
            Ok(vec![Some(rec.mul(slope, t_dot)?)])
        });
        Ok(e)
    }
}
