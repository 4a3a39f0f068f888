//! How likely rows are under a decoder's distribution, column by column, and rows of that distribution; `shaders/likelihood.wgsl` has the formulas.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::likelihood::{Family, Spread};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! // A pixel of 1 under the logit 0: a chance of ½.
//! let (x, logit) = (gpu.upload(1, 1, &[1.0])?, gpu.zeros(1, 1)?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let [x, logit] = [&x, &logit].map(|t| rec.tensor(t));
//! let l = rec.log_likelihood(Family::Bernoulli, x, logit, Spread::None)?;
//! let l = rec.keep(l);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert!((step.read(l)?[0] - 0.5f32.ln()).abs() < 1e-6);
//! # Ok(())
//! # }
//! ```

use crate::gpu::kernels::likelihood::{self as kernel, Backward as BackwardKernel, Forward, Params, Sample};
use crate::gpu::{Backward, Recorder, Slot, Var};
use crate::{Error, Result};

/// A distribution of one column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Family {
    Gaussian,
    /// Student's, of so many degrees of freedom (above 0).
    Student {
        degrees: f32,
    },
    /// Of 0 and 1; a number between counts as that share of a 1 (a cross-entropy).
    Bernoulli,
}

/// Where the raw scales r of a distribution are: s² = floor² + e^{2r}.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// The distribution has none.
    None,
    /// One a column, 1 × d.
    Shared { raw: Var, floor: f32 },
    /// Each row's own, in the d columns behind its locations.
    Own { floor: f32 },
}

impl Family {
    /// The constant of one column's log-density.
    fn offset(self) -> f64 {
        match self {
            Self::Gaussian => -0.5 * std::f64::consts::TAU.ln(),
            Self::Student { degrees } => {
                let nu = f64::from(degrees);
                let ln_gamma = statrs::function::gamma::ln_gamma;
                ln_gamma(0.5 * (nu + 1.0)) - ln_gamma(0.5 * nu) - 0.5 * (nu * std::f64::consts::PI).ln()
            }
            Self::Bernoulli => 0.0,
        }
    }
}

/// The constants, and the raw scales or something in their place.
fn prepared(family: Family, theta: Var, columns: usize, copies: usize, spread: Spread) -> Result<(Params, Var)> {
    let wrong = |problem: String| Err(Error::shape("likelihood", problem));
    let (width, floor, raw) = match spread {
        Spread::None => (columns, 0.0, theta),
        Spread::Shared { raw, floor } => (columns, floor, raw),
        Spread::Own { floor } => (2 * columns, floor, theta),
    };
    let (number, degrees) = match family {
        Family::Gaussian => (0, 1.0),
        Family::Student { degrees } => (kernel::STUDENT, degrees),
        Family::Bernoulli => (kernel::BERNOULLI, 1.0),
    };
    if (family == Family::Bernoulli) != (spread == Spread::None) || !(degrees > 0.0 && floor >= 0.0) {
        return wrong(format!("{family:?} with {spread:?}"));
    }
    let unshared = matches!(spread, Spread::Shared { .. }) && raw.len() != columns;
    if columns == 0 || copies == 0 || theta.is_empty() || theta.cols() != width || unshared {
        return wrong(format!("{columns} columns, {} × {} numbers of a decoder, {spread:?}", theta.rows(), theta.cols()));
    }
    let params = Params {
        n: theta.rows() as u32,
        d: columns as u32,
        width: width as u32,
        copies: copies as u32,
        family: number,
        degrees,
        floor2: floor * floor,
        offset: family.offset() as f32,
        accumulate: 0,
    };
    Ok((params, raw))
}

impl Recorder {
    /// ln p(x | θ) of rows (nK × 1), summed over columns: of x (n × d) under θ, nK × d, or nK × 2d where scales are rows' own, K rows in turn for
    /// each row of x. No gradient flows to x.
    ///
    /// # Errors
    /// Shapes that do not belong together; a distribution with scales without any, or the other way round.
    pub fn log_likelihood(&mut self, family: Family, x: Var, theta: Var, spread: Spread) -> Result<Var> {
        if x.is_empty() || !theta.rows().is_multiple_of(x.rows()) {
            return Err(Error::shape("likelihood", format!("{} rows of a decoder for {} of data", theta.rows(), x.rows())));
        }
        let (params, raw) = prepared(family, theta, x.cols(), theta.rows() / x.rows(), spread)?;
        let out = self.empty(theta.rows(), 1)?;
        let groups = self.groups(theta.rows(), Forward::WIDTH);
        self.dispatch(Forward { params, x, theta, raw, out }, groups)?;
        let shared = matches!(spread, Spread::Shared { .. });
        let inputs = if shared { vec![theta, raw] } else { vec![theta] };
        self.record(&inputs, &[out], move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
            // Both at once, wanted or not.
            let slot = match back.slot(rec, theta)? {
                Some(slot) => slot,
                None => Slot { into: rec.empty(theta.rows(), theta.cols())?, accumulate: false },
            };
            let all = theta.rows() * x.cols();
            let d_raw = rec.empty(theta.rows(), x.cols())?;
            let params = Params { accumulate: slot.accumulate.into(), ..params };
            let groups = rec.groups(all, BackwardKernel::WIDTH);
            rec.dispatch(BackwardKernel { params, x, theta, raw, d_out, d_theta: slot.into, d_raw }, groups)?;
            if shared && back.wants(raw) {
                let summed = rec.sum_rows_untaped(d_raw)?;
                back.pass(rec, raw, summed)?;
            }
            Ok(())
        });
        Ok(out)
    }

    /// Rows (n × d) of the distribution with θ (n × d, or n × 2d): location + scale·noise, or for `Family::Bernoulli` 1 where noise, uniform on
    /// [0, 1), is below the chance. Not taped.
    ///
    /// # Errors
    /// As [`Recorder::log_likelihood`].
    pub fn likelihood_sample(&mut self, family: Family, theta: Var, spread: Spread, noise: Var) -> Result<Var> {
        if noise.rows() != theta.rows() {
            return Err(Error::shape("likelihood", format!("{} rows of noise for {}", noise.rows(), theta.rows())));
        }
        let (params, raw) = prepared(family, theta, noise.cols(), 1, spread)?;
        let out = self.empty(theta.rows(), noise.cols())?;
        let groups = self.groups(out.len(), Sample::WIDTH);
        self.dispatch(Sample { params, x: noise, theta, raw, out }, groups)?;
        Ok(out)
    }
}
