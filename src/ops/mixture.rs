//! Log-density, score and Hessian-vector product of a Gaussian mixture with diagonal covariances.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::data::Mixture;
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let x = gpu.upload(2, 1, &[-1.0, 2.0])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let x = rec.tensor(&x);
//! let s = rec.mixture_score(&Mixture::equal(1, &[0.0], &[1.0]), x)?;
//! let s = rec.keep(s);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(s)?, [1.0, -2.0]); // of the standard normal distribution: −x
//! # Ok(())
//! # }
//! ```

use crate::data::Mixture;
use crate::gpu::kernels::mixture::{Density, Hessian, Params, Score, Variant, axis};
use crate::gpu::{Recorder, Slot, Var};
use crate::{Error, Result};

/// Largest dimension: the shader is written out for each.
const WRITTEN_OUT: usize = axis::D::HIGH;
/// Most components, so that loops stay far below 65,535 rounds.
const MOST: usize = 32_768;

impl Recorder {
    /// log p of each row of `x`, n × 1. Its gradient is the score.
    pub fn mixture_log_density(&mut self, mixture: &Mixture, x: Var) -> Result<Var> {
        let (params, table, variant) = self.mixture(mixture, x)?;
        let out = self.empty(x.rows(), 1)?;
        let groups = self.groups(x.rows(), Density::WIDTH);
        self.dispatch(Density { variant, params, table, x, out }, groups)?;
        let distribution = mixture.clone();
        self.record(&[x], &[out], move |rec, back| {
            let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
            let score = rec.mixture_score(&distribution, x)?;
            let d_x = rec.mul(score, d_out)?;
            back.pass(rec, x, d_x)
        });
        Ok(out)
    }

    /// ∇ log p of each row of `x`, n × d. Its gradient is a Hessian-vector product, formed where the reverse pass wants it.
    pub fn mixture_score(&mut self, mixture: &Mixture, x: Var) -> Result<Var> {
        let (params, table, variant) = self.mixture(mixture, x)?;
        let out = self.empty(x.rows(), x.cols())?;
        let groups = self.groups(x.rows(), Score::WIDTH);
        self.dispatch(Score { variant, params, table, x, out }, groups)?;
        let vjp = move |rec: &mut Recorder, back: &mut crate::gpu::Backward| {
            let Some(v) = back.of(rec, out)? else { return Ok(()) };
            let Some(Slot { into, accumulate }) = back.slot(rec, x)? else { return Ok(()) };
            let params = Params { accumulate: accumulate.into(), ..params };
            rec.dispatch(Hessian { variant, params, table, x, v, out: into }, groups)
        };
        self.record_with_tangent(&[x], &[out], vjp, move |rec, tangents| {
            // Of first order only: the tangent is not differentiated again in x.
            let Some(v) = tangents.of(x) else { return Ok(vec![None]) };
            let out = rec.empty(x.rows(), x.cols())?;
            rec.dispatch(Hessian { variant, params, table, x, v, out }, groups)?;
            Ok(vec![Some(out)])
        });
        Ok(out)
    }

    fn mixture(&mut self, mixture: &Mixture, x: Var) -> Result<(Params, Var, Variant)> {
        let (d, components) = (mixture.dimension(), mixture.components());
        if x.cols() != d || x.is_empty() {
            let problem = format!("points of {} coordinates and a mixture on {d}, or no points at all", x.cols());
            return Err(Error::shape("mixture", problem));
        }
        for (limit, needed, allowed, advice) in [
            ("largest dimension", d, WRITTEN_OUT, "use fewer columns"),
            ("most components", components, MOST, "use fewer components"),
        ] {
            if needed > allowed {
                let (needed, allowed) = (needed as u64, allowed as u64);
                return Err(Error::Limit { what: "a Gaussian mixture".into(), limit, needed, allowed, advice });
            }
        }
        let table = self.gpu().upload(components, 2 * d + 1, &mixture.table())?;
        let table = self.tensor(&table);
        let params = Params { n: x.rows() as u32, components: components as u32, ..Params::default() };
        Ok((params, table, Variant { d: d.try_into()? }))
    }
}
