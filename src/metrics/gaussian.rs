//! The fitted Gaussian: the baseline that a sampler has to beat. Mean and covariance of the data, and draws x = μ + Lz, Σ = LLᵀ.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

use super::Points;

/// N(μ, Σ) with the sample's mean and covariance (divisor n − 1).
#[derive(Clone, Debug)]
pub struct Gaussian {
    /// μ, one value a column.
    pub mean: Vec<f64>,
    /// L: lower triangular, `columns × columns`, with LLᵀ = Σ.
    pub factor: Vec<f64>,
}

impl Gaussian {
    /// Of rows that count by their weights, where they have any.
    pub fn fit(points: Points) -> Self {
        Self::fit_weighted(points, points.weights())
    }

    /// The same as rows weigh: the divisor is 1 − Σ s² of their shares s of the whole weight.
    pub fn fit_weighted(points: Points, weights: Option<&[f32]>) -> Self {
        let (n, d) = (points.rows(), points.columns());
        let total = weights.map_or(n as f64, |weights| weights.iter().map(|&w| f64::from(w)).sum());
        let share = |i: usize| weights.map_or(1.0, |weights| f64::from(weights[i])) / total;
        let mut mean = vec![0.0; d];
        for (i, row) in points.values().chunks_exact(d).enumerate() {
            mean.iter_mut().zip(row).for_each(|(sum, &v)| *sum += share(i) * f64::from(v));
        }
        let mut covariance = vec![0.0; d * d];
        for (k, row) in points.values().chunks_exact(d).enumerate() {
            let centerd: Vec<f64> = row.iter().zip(&mean).map(|(&v, m)| f64::from(v) - m).collect();
            for (i, a) in centerd.iter().enumerate() {
                covariance[i * d..=i * d + i].iter_mut().zip(&centerd).for_each(|(sum, b)| *sum += share(k) * a * b);
            }
        }
        let distinct = 1.0 - (0..n).map(|i| share(i).powi(2)).sum::<f64>();
        let divisor = if distinct > 0.0 { distinct } else { 1.0 };
        covariance.iter_mut().for_each(|v| *v /= divisor);
        Self { mean, factor: cholesky(covariance, d) }
    }

    /// ln of the density at a row; −∞ off the space that it lives in, where a direction has no variance.
    pub fn log_density(&self, row: &[f32]) -> f64 {
        self.log_density_given(row, 0)
    }

    /// ln of the density of the columns from `first` on given those before, which may depend on each other.
    pub fn log_density_given(&self, row: &[f32], first: usize) -> f64 {
        let d = self.mean.len();
        let mut z = vec![0.0; d];
        let mut sum = -0.5 * (d - first) as f64 * std::f64::consts::TAU.ln();
        for i in 0..d {
            let factor = &self.factor[i * d..=i * d + i];
            let rest = f64::from(row[i]) - self.mean[i] - factor.iter().zip(&z).map(|(l, z): (&f64, &f64)| l * z).sum::<f64>();
            match factor[i] == 0.0 {
                // A condition that follows from those before adds nothing.
                true if i < first => continue,
                true => return f64::NEG_INFINITY,
                false => z[i] = rest / factor[i],
            }
            if i >= first {
                sum -= factor[i].ln() + 0.5 * z[i] * z[i];
            }
        }
        sum
    }

    /// `rows` draws, row after row; the same seed gives the same draws.
    pub fn sample(&self, rows: usize, seed: u64) -> Vec<f32> {
        let d = self.mean.len();
        let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut z = vec![0.0; d];
        let mut out = Vec::with_capacity(rows * d);
        for _ in 0..rows {
            z.iter_mut().for_each(|z| *z = StandardNormal.sample(&mut random));
            for (i, mean) in self.mean.iter().enumerate() {
                let row = &self.factor[i * d..=i * d + i];
                out.push((mean + row.iter().zip(&z).map(|(l, z): (&f64, &f64)| l * z).sum::<f64>()) as f32);
            }
        }
        out
    }
}

/// The Cholesky factor from the lower triangle; a direction without variance (a constant or dependent column) gets a zero column,
/// so that a semi-definite matrix has a factor too.
fn cholesky(mut a: Vec<f64>, d: usize) -> Vec<f64> {
    for j in 0..d {
        let norm = |a: &[f64]| a[j * d..j * d + j].iter().map(|l| l * l).sum::<f64>();
        let pivot = a[j * d + j] - norm(&a);
        let kept = pivot > 1e-12 * a[j * d + j];
        let root = if kept { pivot.sqrt() } else { 0.0 };
        for i in j + 1..d {
            let dot: f64 = (0..j).map(|k| a[i * d + k] * a[j * d + k]).sum();
            a[i * d + j] = if kept { (a[i * d + j] - dot) / root } else { 0.0 };
            a[j * d + i] = 0.0;
        }
        a[j * d + j] = root;
    }
    a
}
