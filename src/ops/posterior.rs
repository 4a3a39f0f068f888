//! A diagonal Gaussian encoder: reparameterized samples, their ln p(z)/q(z | x), and its divergence from the prior; `shaders/posterior.wgsl` has the
//! formulas.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::posterior::Estimator;
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! // One row of one dimension: mean 2, standard deviation 1; one sample, of noise ½.
//! let (code, noise) = (gpu.upload(1, 2, &[2.0, 0.0])?, gpu.upload(1, 1, &[0.5])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let [code, noise] = [&code, &noise].map(|t| rec.tensor(t));
//! let (z, _) = rec.posterior_sample(code, noise, Estimator::Plain)?;
//! let k = rec.posterior_divergence(code)?;
//! let (z, k) = (rec.keep(z), rec.keep(k));
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!((step.read(z)?, step.read(k)?), (vec![2.5], vec![2.0]));
//! # Ok(())
//! # }
//! ```

use super::coupling::arrived;
use crate::gpu::kernels::posterior::{Divergence, DivergenceBackward, Params, Sample, SampleBackward};
use crate::gpu::{Backward, Recorder, Var};
use crate::{Error, Result};

/// How gradients reach the encoder from its samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Estimator {
    /// By everything that depends on its numbers.
    Plain,
    /// By way of the samples alone, each way times a number of its own (as many as samples; what these hold when the gradient is taken counts).
    Doubly { weights: Var },
}

impl Recorder {
    /// Samples z = m + e^s·ε (nK × q) of an encoder whose `code` (n × 2q) holds the means m and then the log standard deviations s of each row, for
    /// noise ε (nK × q), K rows in turn for each row; and ln N(z; 0, I) − ln q(z) (nK × 1).
    ///
    /// # Errors
    /// Shapes that do not belong together.
    pub fn posterior_sample(&mut self, code: Var, noise: Var, estimator: Estimator) -> Result<(Var, Var)> {
        let (n, q, rows) = (code.rows(), noise.cols(), noise.rows());
        let weighed = matches!(estimator, Estimator::Doubly { weights } if weights.len() != rows);
        if n == 0 || q == 0 || code.cols() != 2 * q || rows == 0 || !rows.is_multiple_of(n) || weighed {
            let problem = format!("a code of {n} × {} and noise of {rows} × {q}", code.cols());
            return Err(Error::shape("posterior_sample", problem));
        }
        let (z, ratio) = (self.empty(rows, q)?, self.empty(rows, 1)?);
        let (doubly, weights) = match estimator {
            Estimator::Plain => (0, noise),
            Estimator::Doubly { weights } => (1, weights),
        };
        let params = Params { n: n as u32, q: q as u32, copies: (rows / n) as u32, doubly, accumulate: 0 };
        let groups = self.groups(rows, Sample::WIDTH);
        self.dispatch(Sample { params, code, noise, z, ratio }, groups)?;
        self.record(&[code], &[z, ratio], move |rec: &mut Recorder, back: &mut Backward| {
            let Some((d_z, d_ratio)) = arrived(rec, back, z, ratio)? else { return Ok(()) };
            let Some(slot) = back.slot(rec, code)? else { return Ok(()) };
            let params = Params { accumulate: slot.accumulate.into(), ..params };
            let groups = rec.groups(n * q, SampleBackward::WIDTH);
            rec.dispatch(SampleBackward { params, code, noise, d_z, d_ratio, weights, d_code: slot.into }, groups)
        });
        Ok((z, ratio))
    }

    /// KL(q_j ‖ N(0, 1)) of every row and dimension (n × q), in nats, of an encoder whose `code` is n × 2q.
    ///
    /// # Errors
    /// A code of an odd number of columns, or of none.
    pub fn posterior_divergence(&mut self, code: Var) -> Result<Var> {
        if code.is_empty() || !code.cols().is_multiple_of(2) {
            return Err(Error::shape("posterior_divergence", format!("a code of {} × {}", code.rows(), code.cols())));
        }
        let (n, q) = (code.rows(), code.cols() / 2);
        let out = self.empty(n, q)?;
        let params = Params { n: n as u32, q: q as u32, copies: 1, doubly: 0, accumulate: 0 };
        let groups = self.groups(n * q, Divergence::WIDTH);
        self.dispatch(Divergence { params, code, divergences: out }, groups)?;
        self.record(&[code], &[out], move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_divergences) = back.of(rec, out)? else { return Ok(()) };
            let Some(slot) = back.slot(rec, code)? else { return Ok(()) };
            let params = Params { accumulate: slot.accumulate.into(), ..params };
            rec.dispatch(DivergenceBackward { params, code, d_code: slot.into, d_divergences }, groups)
        });
        Ok(out)
    }
}
