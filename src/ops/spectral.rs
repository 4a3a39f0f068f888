//! Spectral normalization W/σ(W), the largest singular value by one round of power iteration a step (Miyato et al. 2018).
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let (w, u) = (gpu.upload(2, 2, &[3.0, 0.0, 0.0, 0.0])?, gpu.upload(1, 2, &[0.6, 0.8])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (w, u) = (rec.tensor(&w), rec.tensor(&u));
//! let found = rec.spectral_normalize(w, u)?;
//! let sigma = rec.keep(found.sigma);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert!((step.read(sigma)?[0] - 3.0).abs() < 1e-6);
//! # Ok(())
//! # }
//! ```

use crate::gpu::kernels::spectral::{Backward as Gradient, Finish, Left, Normalize, Params, Right};
use crate::gpu::{Backward, Recorder, Var};
use crate::{Error, Result};

/// Longest side of a weight: software adapters end an invocation's loops after 65,535 rounds.
const LONGEST: usize = 32_768;

/// A weight of spectral norm about one, and where the power iteration stands.
#[derive(Clone, Copy, Debug)]
pub struct Spectral {
    /// W/σ, k × m.
    pub weight: Var,
    /// The right singular vector u⁺, 1 × m: what the next round starts from.
    pub u: Var,
    /// σ = vᵀ W u⁺, 1 × 1: at most the largest singular value, and near it after some rounds.
    pub sigma: Var,
}

impl Recorder {
    /// `w` (k × m) over its largest singular value, found by one round of power iteration from `u` (1 × m, not all zero). The
    /// gradient in `w` holds the singular vectors fixed; `u` gets none.
    pub fn spectral_normalize(&mut self, w: Var, u: Var) -> Result<Spectral> {
        if w.is_empty() || u.len() != w.cols() || w.rows().max(w.cols()) > LONGEST {
            let problem =
                format!("a vector of {} for a weight of {} × {} (sides of at most {LONGEST})", u.len(), w.rows(), w.cols());
            return Err(Error::shape("spectral_normalize", problem));
        }
        let (k, m) = w.shape();
        let params = Params { k, m, accumulate: 0 };
        let (v, next) = (self.empty(1, w.rows())?, self.empty(1, w.cols())?);
        let (sigma, weight) = (self.empty(1, 1)?, self.empty(w.rows(), w.cols())?);
        let (raw_v, raw_u) = (self.empty(1, w.rows())?, self.empty(1, w.cols())?);
        self.dispatch(Left { params, w, u, raw_v }, [k.div_ceil(Left::WIDTH), 1, 1])?;
        self.dispatch(Right { params, w, to_v: raw_v, raw_u }, [m.div_ceil(Right::WIDTH), 1, 1])?;
        self.dispatch(Finish { params, u, to_v: raw_v, to_u: raw_u, v, next, sigma }, [1, 1, 1])?;
        let groups = self.groups(w.len(), Normalize::WIDTH);
        self.dispatch(Normalize { params, w, norm: sigma, out: weight }, groups)?;
        self.record(&[w], &[weight], move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_out) = back.of(rec, weight)? else { return Ok(()) };
            let Some(slot) = back.slot(rec, w)? else { return Ok(()) };
            let product = rec.mul(d_out, weight)?;
            let inner = rec.sum_untaped(product)?;
            let params = Params { accumulate: slot.accumulate.into(), ..params };
            let gradient = Gradient { params, left_vector: v, right_vector: next, norm: sigma, d_out, inner, d_w: slot.into };
            rec.dispatch(gradient, groups)
        });
        Ok(Spectral { weight, u: next, sigma })
    }
}
