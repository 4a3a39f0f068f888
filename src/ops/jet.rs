//! Jets of first order: a value and its tangents along T directions in one matrix of (1 + T)·n rows, the value first, so that a layer costs one
//! product for all of them; `shaders/jet.wgsl` has the formulas. A perceptron of a jet is [`Recorder::jet`], then products without a bias
//! ([`Recorder::linear`]) and [`Recorder::jet_activation`] in turn; [`Recorder::jet_rates`] ends it with what a continuous flow integrates.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::activation::Activation;
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! // σ(x + b) at x + b = 3, and its tangent along 2.
//! let (x, direction, bias) = (gpu.upload(1, 1, &[1.0])?, gpu.upload(1, 1, &[2.0])?, gpu.upload(1, 1, &[2.0])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let [x, direction, bias] = [&x, &direction, &bias].map(|t| rec.tensor(t));
//! let jet = rec.jet(x, direction)?;
//! let jet = rec.jet_activation(jet, bias, 1, Activation::Relu)?;
//! let jet = rec.keep(jet);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(jet)?, [3.0, 2.0]);
//! # Ok(())
//! # }
//! ```

use super::activation::Activation;
use crate::gpu::kernels::jet::{
    self as kernel, Activate, BackwardActivate, BackwardBegin, BackwardBias, BackwardRates, Begin, Params, Rates, Variant,
    axis::V,
};
use crate::gpu::{Backward, Recorder, Slot, Var};
use crate::{Error, Result};

/// Columns behind a rate's own: the divergence, the squared speed, the squared norm of the Jacobian.
pub const INTEGRALS: usize = kernel::INTEGRALS as usize;

/// Where no activation is.
fn plain() -> Variant {
    Variant { v: V::V1, act: Activation::Identity.axis() }
}

/// The rows of one block, where `jet` has one for the value and each of the tangents.
fn block(op: &'static str, jet: Var, tangents: usize) -> Result<usize> {
    if tangents == 0 || jet.is_empty() || !jet.rows().is_multiple_of(1 + tangents) {
        let problem = format!("{} × {} is no value and {tangents} tangents (at least one)", jet.rows(), jet.cols());
        return Err(Error::shape(op, problem));
    }
    Ok(jet.rows() / (1 + tangents))
}

impl Recorder {
    /// The first s columns of x (n × s or wider) above T·n directions (T·n × s): the jet of x along them. Gradients flow to x.
    ///
    /// # Errors
    /// Directions of more columns than x, or of no whole number of blocks of its rows.
    pub fn jet(&mut self, x: Var, directions: Var) -> Result<Var> {
        let (n, s) = (x.rows(), directions.cols());
        if x.is_empty() || directions.is_empty() || s > x.cols() || !directions.rows().is_multiple_of(n) {
            let problem = format!("directions of {} × {s} for {n} × {}", directions.rows(), x.cols());
            return Err(Error::shape("jet", problem));
        }
        let out = self.empty(n + directions.rows(), s)?;
        let tangents = (directions.rows() / n) as u32;
        let params = Params { n: n as u32, cols: s as u32, d: 0, wide: x.cols() as u32, tangents, accumulate: 0 };
        let groups = self.groups(out.len(), Begin::WIDTH);
        self.dispatch(Begin { variant: plain(), params, x, directions, out }, groups)?;
        self.record(&[x], &[out], move |rec, back| {
            let Some(u) = back.of(rec, out)? else { return Ok(()) };
            let Some(Slot { into, accumulate }) = back.slot(rec, x)? else { return Ok(()) };
            let params = Params { accumulate: accumulate.into(), ..params };
            let groups = rec.groups(x.len(), BackwardBegin::WIDTH);
            rec.dispatch(BackwardBegin { variant: plain(), params, u, out: into }, groups)
        });
        Ok(out)
    }

    /// σ(p + b) and σ'(p + b)·ṗ of a jet of a value p and `tangents` ṗ, with b a row (1 × columns).
    ///
    /// # Errors
    /// Rows that are no such jet, a bias of another length.
    pub fn jet_activation(&mut self, p: Var, bias: Var, tangents: usize, activation: Activation) -> Result<Var> {
        let n = block("jet_activation", p, tangents)?;
        if bias.len() != p.cols() {
            let problem = format!("a bias of {} × {} for {} columns", bias.rows(), bias.cols(), p.cols());
            return Err(Error::shape("jet_activation", problem));
        }
        let (v, wide) = if p.cols().is_multiple_of(4) { (V::V4, 4) } else { (V::V1, 1) };
        let variant = Variant { v, act: activation.axis() };
        let h = self.empty(p.rows(), p.cols())?;
        let lanes = p.cols() / wide;
        let params = Params { n: n as u32, cols: lanes as u32, d: 0, wide: 0, tangents: tangents as u32, accumulate: 0 };
        let groups = self.groups(n * lanes, Activate::WIDTH);
        self.dispatch(Activate { variant, params, p, bias, h }, groups)?;
        self.record(&[p, bias], &[h], move |rec, back| {
            let Some(d_out) = back.of(rec, h)? else { return Ok(()) };
            // Layers below add nothing to p, which has no other use: where it has, its bias wants this part alone.
            let into = rec.empty(p.rows(), p.cols())?;
            rec.dispatch(BackwardActivate { variant, params, p, bias, d_out, h: into }, groups)?;
            rec.jet_bias(back, bias, into, n)?;
            back.pass(rec, p, into)
        });
        Ok(h)
    }

    /// What a continuous normalizing flow integrates where v = y₀ + b is its field at n rows and y_k its tangents along the directions (T·n × s):
    /// n × (s + 3), a row of v (d columns), zeros up to s columns, Σ⟨e, ẏ⟩, ‖v‖², Σ‖ẏ‖².
    ///
    /// # Errors
    /// Shapes that do not belong together.
    pub fn jet_rates(&mut self, y: Var, b: Var, directions: Var) -> Result<Var> {
        let (d, s) = (y.cols(), directions.cols());
        let n = y.rows().saturating_sub(directions.rows());
        if d == 0 || n == 0 || b.len() != d || s < d || directions.is_empty() || !directions.rows().is_multiple_of(n) {
            let problem = format!(
                "a jet of {} × {d} with a bias of {} × {} and directions of {} × {s}",
                y.rows(),
                b.rows(),
                b.cols(),
                directions.rows()
            );
            return Err(Error::shape("jet_rates", problem));
        }
        let tangents = (directions.rows() / n) as u32;
        let out = self.empty(n, s + INTEGRALS)?;
        let params = Params { n: n as u32, cols: s as u32, d: d as u32, wide: 0, tangents, accumulate: 0 };
        let groups = self.groups(n, Rates::WIDTH);
        self.dispatch(Rates { variant: plain(), params, y, b, directions, out }, groups)?;
        self.record(&[y, b], &[out], move |rec, back| {
            let Some(u) = back.of(rec, out)? else { return Ok(()) };
            let into = rec.empty(y.rows(), d)?;
            let groups = rec.groups(y.len(), BackwardRates::WIDTH);
            rec.dispatch(BackwardRates { variant: plain(), params, y, b, directions, u, out: into }, groups)?;
            rec.jet_bias(back, b, into, n)?;
            back.pass(rec, y, into)
        });
        Ok(out)
    }

    /// Adds the sum of the first n rows of `d_p` to the cotangent of a bias.
    fn jet_bias(&mut self, back: &mut Backward, bias: Var, d_p: Var, n: usize) -> Result<()> {
        let Some(Slot { into, accumulate }) = back.slot(self, bias)? else { return Ok(()) };
        let cols = d_p.cols() as u32;
        let params = Params { n: n as u32, cols, d: 0, wide: 0, tangents: 0, accumulate: accumulate.into() };
        self.dispatch(BackwardBias { variant: plain(), params, u: d_p, out: into }, [cols.div_ceil(kernel::COLUMNS), 1, 1])
    }
}
