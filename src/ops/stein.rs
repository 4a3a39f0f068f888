//! Kernelized Stein discrepancy of a sample to a distribution whose score is known, with its gradients in the same pass and without
//! the n×n matrix (Liu, Lee & Jordan 2016; Chwialkowski, Strathmann & Gretton 2016). No data and no normalizing constant.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::{data::Mixture, ops::{pairwise::Estimator, stein::SteinKernel}};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let x = gpu.upload(1, 1, &[0.0])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let x = rec.tensor(&x);
//! let scores = rec.mixture_score(&Mixture::equal(1, &[0.0], &[1.0]), x)?;
//! let loss = rec.stein_squared(&SteinKernel::gaussian(2.0), x, scores, Estimator::Biased)?;
//! let loss = rec.keep(loss);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(loss)?, [0.25]); // one point at the mode of N(0, 1): 1/ℓ²
//! # Ok(())
//! # }
//! ```

pub use super::kernels::{SteinKernel, stein_kernel};
use super::pairs::{BROADCAST, Launch, Layout, OTHERS, Pairs};
use super::pairwise::{Estimator, WIDTHS, hand_on};
use crate::gpu::kernels::common::stein_kernel::{self, axis::Kernel};
use crate::gpu::kernels::pairwise::finish::{Gradient, Params as FinishParams};
use crate::gpu::kernels::stein::{CHUNK, OWN_WIDTH, Params, Rows, TILE_WIDTH, Variant, axis};
use crate::gpu::{Family, Gpu, Recorder, Var};
use crate::{Error, Result};

/// Largest dimension whose shader is written out for it; beyond, one shader serves all.
const WRITTEN_OUT: usize = axis::D::HIGH;

/// How the pairs are cut up, and the shader's variant.
fn tiling(gpu: &Gpu, kernel: &SteinKernel, n: usize, d: usize) -> Result<(Layout, Variant)> {
    let wide = d > WRITTEN_OUT;
    let few = if d <= 4 { 2 } else { 1 };
    let (family, rows, lanes, subgroup) = match gpu.family() {
        _ if wide => (axis::Family::Wide, 1, OWN_WIDTH, 1),
        Family::Subgroup { width } => (axis::Family::Broadcast, few, width, width),
        Family::Workgroup => (axis::Family::Tile, if n < 8192 { 1 } else { few }, TILE_WIDTH, 1),
        Family::Register => (axis::Family::Register, few, OWN_WIDTH, 1),
    };
    let (kernel, widths) = match kernel {
        SteinKernel::Gaussian { bandwidths } => (Kernel::Gaussian, bandwidths.len()),
        SteinKernel::InverseMultiquadric { .. } => (Kernel::Multiquadric, 1),
    };
    let variant = Variant {
        family,
        d: if wide { 0 } else { d }.try_into()?,
        r: rows.try_into()?,
        sg: (subgroup as usize).try_into()?,
        stein_kernel: stein_kernel::Axes { kernel, b: widths.try_into()? },
    };
    let pairs = Pairs {
        rows: n,
        columns: n,
        pace: if family == axis::Family::Broadcast { BROADCAST } else { OTHERS },
        rows_of_group: rows * lanes as usize,
        columns_of_round: 1,
        chunks: if wide { d.div_ceil(CHUNK as usize) } else { 1 },
        groups: gpu.parallel_groups() as usize,
        partial: d,
        cost: 1.0 + 0.5 * widths as f64 + 0.4 * d as f64,
    };
    Ok((pairs.layout(gpu), variant))
}

impl Recorder {
    /// KSD² of the sample `x` (n × d) to the distribution whose score at x is `scores` (n × d): the mean of the Stein kernel over pairs
    /// of rows, 1 × 1. Gradients flow to x at fixed scores, and to the scores, from which the score's own rule carries on to x.
    pub fn stein_squared(&mut self, kernel: &SteinKernel, x: Var, scores: Var, estimator: Estimator) -> Result<Var> {
        let shape = shape_of(kernel, x, scores, estimator)?;
        let (n, d) = (x.rows(), x.cols());
        let (layout, variant) = tiling(self.gpu(), kernel, n, d)?;
        let value = self.empty(layout.splits, n)?;
        let (g_x, g_scores) = (self.empty(layout.splits, n * d)?, self.empty(layout.splits, n * d)?);
        for Launch { row_begin, row_end, groups } in self.launches(layout) {
            let params = Params {
                n: n as u32,
                d: d as u32,
                columns: layout.columns as u32,
                distinct: u32::from(estimator == Estimator::Unbiased),
                row_begin,
                row_end,
                shape,
                ..Params::default()
            };
            self.dispatch(Rows { variant, params, x, scores, value, d_x: g_x, d_scores: g_scores }, groups)?;
        }
        let pairs = estimator.pairs(n);
        let loss = self.full_sum(value, (1.0 / pairs) as f32, false)?;
        // u is symmetric: a row moves both sides.
        let d_x = self.stein_gradient(g_x, x, 2.0 / pairs)?;
        let d_scores = self.stein_gradient(g_scores, x, 2.0 / pairs)?;
        self.record(&[x, scores], &[loss], move |rec, back| {
            hand_on(rec, back, loss, x, d_x)?;
            hand_on(rec, back, loss, scores, d_scores)
        });
        Ok(loss)
    }

    /// The splits' partial sums added in a fixed order, and scaled.
    fn stein_gradient(&mut self, partial: Var, x: Var, scale: f64) -> Result<Var> {
        let out = self.empty(x.rows(), x.cols())?;
        let params =
            FinishParams { len: x.len() as u32, splits_xx: partial.rows() as u32, c_xx: scale as f32, ..FinishParams::default() };
        let groups = self.groups(x.len(), Gradient::WIDTH);
        self.dispatch(Gradient { params, xx: partial, xy: partial, out }, groups)?;
        Ok(out)
    }
}

/// The kernel's numbers as the shader wants them; refuses what makes no sense.
fn shape_of(kernel: &SteinKernel, x: Var, scores: Var, estimator: Estimator) -> Result<[[f32; 4]; 4]> {
    if x.shape() != scores.shape() || x.cols() == 0 {
        let ((n, d), (m, e)) = (x.shape(), scores.shape());
        return Err(Error::shape("stein", format!("{n} × {d} points with {m} × {e} scores: each point has one")));
    }
    let least = if estimator == Estimator::Unbiased { 2 } else { 1 };
    if x.rows() < least {
        return Err(Error::shape("stein", format!("a sample has {} rows; this estimator needs at least {least}", x.rows())));
    }
    if x.len() > u32::MAX as usize / 64 {
        return Err(Error::shape("stein", format!("{} × {} elements are beyond 32-bit sizes", x.rows(), x.cols())));
    }
    let mut shape = [[0.0; 4]; 4];
    let positive = |what: &str, v: f32| match v.is_finite() && v > 0.0 {
        true => Ok(()),
        false => Err(Error::usage(format!("stein: a {what} of {v}; it must be a positive number"))),
    };
    match kernel {
        SteinKernel::Gaussian { bandwidths } => {
            if bandwidths.is_empty() || bandwidths.len() > WIDTHS {
                return Err(Error::shape("stein", format!("{} bandwidths; a kernel has 1 to {WIDTHS}", bandwidths.len())));
            }
            for (b, &l) in bandwidths.iter().enumerate() {
                positive("bandwidth", l)?;
                shape[b / 4][b % 4] = (std::f64::consts::LOG2_E / (2.0 * f64::from(l) * f64::from(l))) as f32;
            }
        }
        SteinKernel::InverseMultiquadric { offset, beta } => {
            positive("offset", *offset)?;
            if !(*beta > -1.0 && *beta < 0.0) {
                return Err(Error::usage(format!("stein: an exponent of {beta}; it lies between −1 and 0")));
            }
            shape[0] = [(f64::from(*offset) * f64::from(*offset)) as f32, *beta, 0.0, 0.0];
        }
    }
    Ok(shape)
}
