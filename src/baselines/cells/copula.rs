//! Gaussian copula: columns with the training rows' own distributions, which depend on each other as normal variables do (Sklar 1959; Song 2000).
//!
//!   z_ij = Φ⁻¹(u_ij),   u_ij = (number of cells below + V·number of equal cells) / n,   V uniform on (0, 1),
//!
//! the distributional transform (Rüschendorf 2009): equal cells share the interval of their ranks, at random places of it. Missing cells are the lowest, and
//! categories are ordered by frequency. R is the correlation of the z, shrunk towards the identity by the share that Schäfer & Strimmer (2005, table 2, target
//! D with unit variances) estimate, which keeps it positive definite where columns are many and rows few. A sample is z ~ N(0, R), and in each column the cell at
//! the rank Φ(z_j).

use std::cmp::Ordering;
use std::collections::HashMap;

use nalgebra::DMatrix;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;
use statrs::distribution::{ContinuousCDF, Normal};

use super::key;
use crate::data::Table;

pub(super) struct Copula {
    /// Of each column its rows by rank.
    ranked: Vec<Vec<usize>>,
    /// Cholesky factor of R.
    factor: DMatrix<f64>,
}

impl Copula {
    pub fn fit(table: &Table, seed: u64) -> Self {
        let (n, d) = (table.rows(), table.cols());
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let ranked: Vec<Vec<usize>> = (0..d).map(|j| ranked(table, j)).collect();
        let normal = Normal::standard();
        let mut z = DMatrix::zeros(n, d);
        for (j, order) in ranked.iter().enumerate() {
            let mut from = 0;
            for run in order.chunk_by(|&a, &b| key(table, a, j) == key(table, b, j)) {
                for &row in run {
                    let u = (from as f64 + run.len() as f64 * random.random_range(0.0..1.0f64)) / n as f64;
                    z[(row, j)] = normal.inverse_cdf(u.clamp(1e-9, 1.0 - 1e-9));
                }
                from += run.len();
            }
        }
        Self { ranked, factor: factor(&standardized(z)) }
    }

    /// The rows from which the cells of each column are.
    pub fn sample(&self, rows: usize, random: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
        let d = self.ranked.len();
        let normal = Normal::standard();
        let mut places = vec![Vec::with_capacity(rows); d];
        for _ in 0..rows {
            let noise: Vec<f64> = (0..d).map(|_| random.sample(StandardNormal)).collect();
            for (j, (order, places)) in self.ranked.iter().zip(&mut places).enumerate() {
                let z: f64 = (0..=j).map(|k| self.factor[(j, k)] * noise[k]).sum();
                let rank = (normal.cdf(z) * order.len() as f64) as usize;
                places.push(order[rank.min(order.len() - 1)]);
            }
        }
        places
    }

    pub fn parameters(&self) -> usize {
        let d = self.ranked.len();
        d * (d - 1) / 2
    }
}

/// The rows in the order of a column's cells.
fn ranked(table: &Table, j: usize) -> Vec<usize> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    if table.levels(j).is_some() {
        (0..table.rows()).filter_map(|row| key(table, row, j)).for_each(|code| *counts.entry(code.to_bits()).or_default() += 1);
    }
    let often = |value: f64| counts.get(&value.to_bits()).copied().unwrap_or_default();
    let mut order: Vec<usize> = (0..table.rows()).collect();
    order.sort_by(|&a, &b| match (key(table, a, j), key(table, b, j)) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Less,
        (_, None) => Ordering::Greater,
        (Some(a), Some(b)) => often(b).cmp(&often(a)).then(a.total_cmp(&b)),
    });
    order
}

/// Columns of mean 0 and mean square 1.
fn standardized(mut z: DMatrix<f64>) -> DMatrix<f64> {
    for mut column in z.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
        let size = (column.norm_squared() / column.len() as f64).sqrt();
        column.scale_mut(1.0 / size.max(f64::MIN_POSITIVE));
    }
    z
}

/// The Cholesky factor of the correlation (1 − λ)·C + λ·1 of standardized columns, λ = Σ_{j≠k} Var(c_jk) / Σ_{j≠k} c_jk².
fn factor(z: &DMatrix<f64>) -> DMatrix<f64> {
    let (n, d) = (z.nrows() as f64, z.ncols());
    let c = z.tr_mul(z) / n;
    let (mut variance, mut square) = (0.0, 0.0);
    for j in 0..d {
        for k in 0..j {
            // n/(n − 1)³ Σᵢ (z_ij z_ik − c_jk)²: the variance of a mean of n products.
            let spread: f64 = z.column(j).iter().zip(z.column(k).iter()).map(|(a, b)| (a * b - c[(j, k)]).powi(2)).sum();
            variance += n * spread / (n - 1.0).max(1.0).powi(3);
            square += c[(j, k)].powi(2);
        }
    }
    let shrinkage = if square > 0.0 { (variance / square).clamp(0.0, 1.0) } else { 1.0 };
    // Columns that are the same leave a matrix that is singular up to rounding.
    let mut shrinkage = shrinkage.max(1e-6);
    loop {
        let mut shrunk = &c * (1.0 - shrinkage);
        shrunk.fill_diagonal(1.0);
        match shrunk.cholesky() {
            Some(cholesky) => return cholesky.unpack(),
            None if shrinkage < 1.0 => shrinkage = (shrinkage * 10.0).min(1.0),
            None => return DMatrix::identity(d, d),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_columns_than_rows_leave_a_factor() {
        let noise = crate::data::toy::Toy::Gaussian.sample(200, 1);
        let z = standardized(DMatrix::from_iterator(8, 50, noise.values().iter().copied()));
        let factor = factor(&z);
        let correlation = &factor * factor.transpose();
        assert!((0..50).all(|j| (correlation[(j, j)] - 1.0).abs() < 1e-9));
        // Nothing depends on anything: the shrinkage leaves less than half of the chance correlations.
        let off: f64 = (0..50).flat_map(|j| (0..j).map(move |k| (j, k))).map(|at| correlation[at].powi(2)).sum();
        let raw = z.tr_mul(&z) / 8.0;
        let chance: f64 = (0..50).flat_map(|j| (0..j).map(move |k| (j, k))).map(|at| raw[at].powi(2)).sum();
        assert!(off < 0.25 * chance, "{off} of {chance}");
    }
}
