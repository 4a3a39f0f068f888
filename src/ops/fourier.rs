//! Fourier and moment-generating statistics: Σ_k τ_k |φ̂_x(t_k) − φ̂_y(t_k)|² over K frequencies, with its gradient, and nothing
//! of size n×K stored. Real frequencies compare characteristic functions; complex ones, moment-generating functions.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::fourier::Frequencies;
//! # use pushforward::ops::pairwise::Estimator;
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let (x, y) = (gpu.upload(1, 1, &[0.0])?, gpu.upload(1, 1, &[1.0])?);
//! let (t, tau) = (gpu.upload(1, 1, &[std::f32::consts::PI])?, gpu.upload(1, 1, &[1.0])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (x, y, t, tau) = (rec.tensor(&x), rec.tensor(&y), rec.tensor(&t), rec.tensor(&tau));
//! let frequencies = Frequencies::real(t);
//! let target = rec.fourier_statistics(frequencies, y)?;
//! let loss = rec.fourier_loss(frequencies, x, target, tau, Estimator::Biased)?;
//! let loss = rec.keep(loss);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert!((step.read(loss)?[0] - 4.0).abs() < 1e-6); // |1 − e^{iπ}|²
//! # Ok(())
//! # }
//! ```

use super::pairs::{BROADCAST, Launch, Layout, OTHERS, Pairs};
use super::pairwise::{Estimator, hand_on};
use crate::gpu::kernels::fourier::finish::{Coefficients, Gradient, Mean, Params as FinishParams};
use crate::gpu::kernels::fourier::walk::{
    Backward, CHUNK, ComplexBackward, ComplexStatistics, OWN_WIDTH, Params, Statistics as RealStatistics, Variant, axis,
};
use crate::gpu::{Family, Gpu, Recorder, Var};
use crate::{Error, Result};

/// Largest dimension whose shader is written out for it.
const WRITTEN_OUT: usize = axis::D::HIGH;
/// Most frequencies.
const MOST: usize = 32_768;

/// K frequencies of dimension d, as K×d rows: t = a + i b.
#[derive(Clone, Copy, Debug)]
pub struct Frequencies {
    b: Var,
    a: Option<Var>,
}

impl Frequencies {
    /// f(x) = exp(i b·x).
    pub fn real(b: Var) -> Self {
        Self { b, a: None }
    }

    /// f(x) = exp((a + i b)·x), with a·x kept within ±40.
    pub fn complex(a: Var, b: Var) -> Self {
        Self { b, a: Some(a) }
    }

    /// K.
    pub fn count(&self) -> usize {
        self.b.rows()
    }
}

/// The empirical statistics of a sample: means of Re f, Im f and |f|², 3×K, and how many rows they are of.
#[derive(Clone, Copy, Debug)]
pub struct Statistics {
    pub means: Var,
    pub rows: usize,
}

/// How one walk is cut up, and its variant of the shader: rows are owned by threads, columns are walked, and each leaves `partial` numbers.
fn tiling(
    gpu: &Gpu,
    frequencies: Frequencies,
    (rows, columns): (usize, usize),
    partial: usize,
    chunks: usize,
) -> Result<(Layout, Variant)> {
    let d = frequencies.b.cols();
    let complex = frequencies.a.is_some();
    let (at_once, own, lanes, family) = match gpu.family() {
        _ if d > WRITTEN_OUT => (1, 1, OWN_WIDTH as usize, axis::Family::Wide),
        // Measured on llvmpipe.
        Family::Subgroup { width } => {
            let (own, at_once) = match d {
                _ if complex => (2, 4),
                0..=8 => (4, 4),
                9..=32 => (2, 8),
                _ => (1, 16),
            };
            (at_once.min(width as usize), own, width as usize, axis::Family::Broadcast)
        }
        _ => (1, 1, OWN_WIDTH as usize, axis::Family::Register),
    };
    let shared = family == axis::Family::Broadcast;
    let variant = Variant {
        family,
        complex,
        d: if d > WRITTEN_OUT { 0 } else { d }.try_into()?,
        r: own.try_into()?,
        j: at_once.try_into()?,
        sg: if shared { lanes } else { 1 }.try_into()?,
    };
    let pairs = Pairs {
        rows,
        columns,
        pace: if shared { BROADCAST } else { OTHERS },
        rows_of_group: own * lanes,
        columns_of_round: 1,
        chunks,
        groups: gpu.parallel_groups() as usize,
        partial,
        cost: if complex { 1.5 } else { 0.5 } + 0.06 * d as f64,
    };
    Ok((pairs.layout(gpu), variant))
}

impl Recorder {
    /// The statistics of x (n×d), without a gradient rule: for a target that is computed once or once a step.
    pub fn fourier_statistics(&mut self, frequencies: Frequencies, x: Var) -> Result<Statistics> {
        check(frequencies, x)?;
        let (sums, splits) = self.fourier_sums(frequencies, x)?;
        let count = frequencies.count();
        let means = self.empty(3, count)?;
        let params =
            FinishParams { count: count as u32, splits, inverse_n: (1.0 / x.rows() as f64) as f32, ..Default::default() };
        let groups = self.groups(3 * count, Mean::WIDTH);
        self.dispatch(Mean { params, sums, out: means }, groups)?;
        Ok(Statistics { means, rows: x.rows() })
    }

    /// Σ_k τ_k |φ̂_x(t_k) − φ̂_y(t_k)|², 1×1, with its gradient in x. `target` holds the statistics of y and τ is 1×K. The
    /// unbiased estimator replaces |φ̂|² of either sample by the mean over its distinct pairs.
    pub fn fourier_loss(
        &mut self,
        frequencies: Frequencies,
        x: Var,
        target: Statistics,
        tau: Var,
        estimator: Estimator,
    ) -> Result<Var> {
        check(frequencies, x)?;
        let (count, n, d) = (frequencies.count(), x.rows(), x.cols());
        if tau.len() != count || target.means.len() != 3 * count {
            let problem = format!("{count} frequencies, {} weights and {} statistics", tau.len(), target.means.cols());
            return Err(Error::shape("fourier_loss", problem));
        }
        let rho = |rows: usize| match estimator {
            Estimator::Biased => Ok(0.0),
            Estimator::Unbiased if rows < 2 => {
                Err(Error::shape("fourier_loss", format!("a sample has {rows} rows; the unbiased estimator needs 2")))
            }
            Estimator::Unbiased => Ok((1.0 / (rows as f64 - 1.0)) as f32),
        };
        let (rho, rho_other) = (rho(n)?, rho(target.rows)?);

        let (sums, splits) = self.fourier_sums(frequencies, x)?;
        let (coefficient, loss) = (self.empty(3, count)?, self.empty(1, 1)?);
        let params = FinishParams { count: count as u32, splits, inverse_n: (1.0 / n as f64) as f32, rho, rho_other, len: 0 };
        let finish = Coefficients { params, sums, other: target.means, tau, coefficient, out: loss };
        self.dispatch(finish, [1, 1, 1])?;

        let chunks = if d > WRITTEN_OUT { d.div_ceil(CHUNK as usize) } else { 1 };
        let (layout, variant) = tiling(self.gpu(), frequencies, (n, count), d, chunks)?;
        let partial = self.empty(layout.splits, n * d)?;
        for Launch { row_begin: begin, row_end: end, groups } in self.launches(layout) {
            let params = walk(frequencies, x, &layout, begin, end);
            let (b, gradient) = (frequencies.b, partial);
            match frequencies.a {
                None => self.dispatch(Backward { variant, params, x, b, coefficient, gradient }, groups)?,
                Some(a) => self.dispatch(ComplexBackward { variant, params, x, b, a, coefficient, gradient }, groups)?,
            }
        }
        let d_x = if layout.splits == 1 {
            self.view(partial, n, d)
        } else {
            let d_x = self.empty(n, d)?;
            let params = FinishParams { splits: layout.splits as u32, len: x.len() as u32, ..Default::default() };
            let groups = self.groups(x.len(), Gradient::WIDTH);
            self.dispatch(Gradient { params, partial, out: d_x }, groups)?;
            d_x
        };
        self.record(&[x], &[loss], move |rec, back| hand_on(rec, back, loss, x, d_x));
        Ok(loss)
    }

    /// Σ f over x, splits × 3 × K, and the number of splits.
    fn fourier_sums(&mut self, frequencies: Frequencies, x: Var) -> Result<(Var, u32)> {
        let count = frequencies.count();
        let (layout, variant) = tiling(self.gpu(), frequencies, (count, x.rows()), 3, 1)?;
        let sums = self.empty(layout.splits, 3 * count)?;
        for Launch { row_begin: begin, row_end: end, groups } in self.launches(layout) {
            let params = walk(frequencies, x, &layout, begin, end);
            let b = frequencies.b;
            match frequencies.a {
                None => self.dispatch(RealStatistics { variant, params, x, b, sums }, groups)?,
                Some(a) => self.dispatch(ComplexStatistics { variant, params, x, b, a, sums }, groups)?,
            }
        }
        Ok((sums, layout.splits as u32))
    }
}

fn walk(frequencies: Frequencies, x: Var, layout: &Layout, begin: u32, end: u32) -> Params {
    Params {
        n: x.rows() as u32,
        count: frequencies.count() as u32,
        d: x.cols() as u32,
        block: layout.columns as u32,
        begin,
        end,
        splits: layout.splits as u32,
        accumulate: 0,
    }
}

fn check(frequencies: Frequencies, x: Var) -> Result<()> {
    let (count, d) = (frequencies.count(), frequencies.b.cols());
    if d != x.cols() || d == 0 || frequencies.a.is_some_and(|a| a.shape() != frequencies.b.shape()) {
        let problem = format!("frequencies of {d} coordinates for points of {}", x.cols());
        return Err(Error::shape("fourier", problem));
    }
    if x.rows() == 0 || count == 0 || count > MOST {
        let problem = format!("{} rows and {count} frequencies; at least 1 row, and 1 to {MOST} frequencies", x.rows());
        return Err(Error::shape("fourier", problem));
    }
    Ok(())
}
