//! The logarithm of a row's mean exponential: importance-weighted bounds and estimates of densities; `shaders/log_mean_exp.wgsl` has the formulas.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let x = gpu.upload(1, 2, &[1000.0, 1000.0])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let x = rec.tensor(&x);
//! let y = rec.log_mean_exp(x)?;
//! let y = rec.keep(y);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(y)?, [1000.0]);
//! # Ok(())
//! # }
//! ```

use crate::gpu::kernels::log_mean_exp::{Backward as BackwardKernel, Forward, Params, Shares};
use crate::gpu::{Backward, Recorder, Var};
use crate::{Error, Result};

impl Recorder {
    /// ln (1/K) Σ_k e^{x_ik} of each row of x (n × K), n × 1, stable for numbers of any size.
    ///
    /// # Errors
    /// Nothing to average.
    pub fn log_mean_exp(&mut self, x: Var) -> Result<Var> {
        if x.is_empty() {
            return Err(Error::shape("log_mean_exp", "there is nothing to average"));
        }
        let (n, k) = x.shape();
        let out = self.empty(x.rows(), 1)?;
        let params = Params { n, k, accumulate: 0 };
        let groups = self.groups(x.rows(), Forward::WIDTH);
        self.dispatch(Forward { params, x, out }, groups)?;
        self.record(&[x], &[out], move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
            let Some(slot) = back.slot(rec, x)? else { return Ok(()) };
            let params = Params { accumulate: slot.accumulate.into(), ..params };
            let groups = rec.groups(x.len(), BackwardKernel::WIDTH);
            rec.dispatch(BackwardKernel { params, x, value: out, d_out, d_x: slot.into }, groups)
        });
        Ok(out)
    }

    /// Each number's share e^{x_ik}/Σ_k e^{x_ik} of its row, written to `into` (n × K), for x whose [`Recorder::log_mean_exp`] is `value`. Not taped.
    ///
    /// # Errors
    /// Shapes that do not belong together.
    pub fn shares_into(&mut self, x: Var, value: Var, into: Var) -> Result<()> {
        if value.len() != x.rows() || into.len() != x.len() {
            let problem = format!("{} × {} with {} values, into {} numbers", x.rows(), x.cols(), value.len(), into.len());
            return Err(Error::shape("shares_into", problem));
        }
        let (n, k) = x.shape();
        let groups = self.groups(x.len(), Shares::WIDTH);
        self.dispatch(Shares { params: Params { n, k, accumulate: 0 }, x, value, d_x: into }, groups)
    }
}
