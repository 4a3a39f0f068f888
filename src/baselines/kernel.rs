//! Kernel density estimate (Rosenblatt 1956; Parzen 1962) with a Gaussian kernel of the data's own shape:
//!
//!   p(x) = 1/n Σ_j N(x; x_j, h²Σ),   Σ the rows' covariance,
//!
//! so that on rows whitened by Σ the kernel is round (Fukunaga 1972). The width h maximizes the leave-one-out likelihood
//! Σ_i ln p_{−i}(x_i) (Habbema et al. 1974) over a geometric grid about Scott's n^{−1/(d+4)}, refined once, by the kernel sums of
//! [`log_kernel_sums`](crate::gpu::Recorder::log_kernel_sums). The grid has a lower end: rows that are there twice would have h → 0.

use super::Baseline;
use crate::gpu::{Gpu, Recorder};
use crate::metrics::Points;
use crate::metrics::gaussian::Gaussian;
use crate::ops::kernel_density::WIDTHS;
use crate::words::number;
use crate::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

/// Rows that the width is chosen on at most; that of more rows follows by Scott's rate.
const CHOSEN_ON: usize = 5_000;
/// The grid's ends as multiples of Scott's width.
const GRID: [f64; 2] = [1.0 / 16.0, 2.0];

/// A kernel on each row.
pub struct Kernel {
    gpu: Gpu,
    /// Mean and Cholesky factor L of the rows.
    shape: Gaussian,
    /// L⁻¹(x − μ), row after row.
    whitened: Vec<f32>,
    rows: usize,
    /// In units of the whitened rows.
    pub width: f64,
}

impl Kernel {
    /// # Errors
    /// A device that fails.
    pub fn fit(gpu: &Gpu, rows: Points, seed: u64) -> Result<Self> {
        let (n, d) = (rows.rows(), rows.columns());
        let mut shape = Gaussian::fit(rows);
        // A direction without variance has a kernel of no width: one that is thin instead.
        for j in 0..d {
            let pivot = &mut shape.factor[j * d + j];
            *pivot = pivot.max(1e-3);
        }
        let whitened = whiten(&shape, rows);
        let some = Points::new(&whitened, n, d)?.subsample(CHOSEN_ON, seed);
        let m = some.len() / d;
        let scott = |n: usize| (n as f64).powf(-1.0 / (d as f64 + 4.0));
        let mut width = scott(m);
        if m > 1 {
            let [low, high] = GRID.map(|end| end * scott(m));
            let ratio = (high / low).powf(1.0 / (WIDTHS - 1) as f64);
            width = best(gpu, &some, d, low, ratio)?;
            // Between its neighbors.
            width = best(gpu, &some, d, (width / ratio).max(low), ratio.powf(2.0 / (WIDTHS - 1) as f64))?;
        }
        Ok(Self { gpu: gpu.clone(), shape, whitened, rows: n, width: width * scott(n) / scott(m) })
    }
}

/// L⁻¹(x − μ) of every row.
fn whiten(shape: &Gaussian, rows: Points) -> Vec<f32> {
    let d = rows.columns();
    let mut out = Vec::with_capacity(rows.values().len());
    let mut z = vec![0.0; d];
    for row in rows.values().chunks_exact(d) {
        for i in 0..d {
            let factor = &shape.factor[i * d..=i * d + i];
            let before = factor.iter().zip(&z[..i]).map(|(l, z): (&f64, &f64)| l * z).sum::<f64>();
            z[i] = (f64::from(row[i]) - shape.mean[i] - before) / factor[i];
        }
        out.extend(z.iter().map(|&v| v as f32));
    }
    out
}

/// Of the widths low, low·ratio, … the one with the largest leave-one-out likelihood.
fn best(gpu: &Gpu, rows: &[f32], d: usize, low: f64, ratio: f64) -> Result<f64> {
    let widths: Vec<f32> = (0..WIDTHS).map(|k| (low * ratio.powi(k as i32)) as f32).collect();
    let n = rows.len() / d;
    let sums = kernel_sums(gpu, rows, None, d, &widths)?;
    let likelihood = |k: usize| {
        let total: f64 = sums.iter().skip(k).step_by(WIDTHS).map(|&v| f64::from(v)).sum();
        total - n as f64 * d as f64 * f64::from(widths[k]).ln()
    };
    let best = (0..WIDTHS).max_by(|&a, &b| likelihood(a).total_cmp(&likelihood(b))).unwrap_or_default();
    Ok(f64::from(widths[best]))
}

/// ln Σ_j exp(−‖x_i − y_j‖²/2h²); without `others` y is x itself, row i left out.
fn kernel_sums(gpu: &Gpu, rows: &[f32], others: Option<&[f32]>, d: usize, widths: &[f32]) -> Result<Vec<f32>> {
    let x = gpu.upload(rows.len() / d, d, rows)?;
    let y = others.map(|others| gpu.upload(others.len() / d, d, others)).transpose()?;
    let mut rec = Recorder::new(gpu, 0);
    let x = rec.tensor(&x);
    let y = y.map(|y| rec.tensor(&y));
    let sums = rec.log_kernel_sums(x, y.unwrap_or(x), widths, y.is_none())?;
    let sums = rec.keep(sums);
    let mut step = rec.finish()?;
    step.replay(1)?;
    step.read(sums)
}

impl Baseline for Kernel {
    fn sample(&self, rows: usize, seed: u64) -> Result<Vec<f32>> {
        let d = self.shape.mean.len();
        let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut out = Vec::with_capacity(rows * d);
        let mut z = vec![0.0; d];
        for _ in 0..rows {
            let from = random.random_range(0..self.rows) * d;
            for (z, &at) in z.iter_mut().zip(&self.whitened[from..from + d]) {
                let noise: f64 = StandardNormal.sample(&mut random);
                *z = f64::from(at) + self.width * noise;
            }
            for (i, mean) in self.shape.mean.iter().enumerate() {
                let factor = &self.shape.factor[i * d..=i * d + i];
                out.push((mean + factor.iter().zip(&z).map(|(l, z)| l * z).sum::<f64>()) as f32);
            }
        }
        Ok(out)
    }

    fn log_density(&self, rows: Points) -> Result<Vec<f64>> {
        let d = self.shape.mean.len();
        if rows.columns() != d {
            return Err(Error::shape("kernel density", format!("{} columns for {d}", rows.columns())));
        }
        let whitened = whiten(&self.shape, rows);
        let sums = kernel_sums(&self.gpu, &whitened, Some(&self.whitened), d, &[self.width as f32])?;
        let log_det: f64 = (0..d).map(|j| self.shape.factor[j * d + j].ln()).sum();
        let constant = (self.rows as f64).ln() + d as f64 * (self.width.ln() + 0.5 * std::f64::consts::TAU.ln()) + log_det;
        Ok(sums.into_iter().map(|sum| f64::from(sum) - constant).collect())
    }

    fn parameters(&self) -> usize {
        self.whitened.len()
    }

    fn note(&self) -> String {
        format!("bandwidth {}, by leave-one-out likelihood", number(self.width, 2))
    }
}
