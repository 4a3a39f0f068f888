//! Gaussian mixture with full covariances, fitted by expectation and maximization (Dempster, Laird & Rubin 1977):
//!
//!   r_ik ∝ π_k N(x_i; m_k, S_k),   π_k = Σ_i r_ik/n,   m_k = Σ_i r_ik x_i/Σ_i r_ik,   S_k = Σ_i r_ik (x_i − m_k)(x_i − m_k)ᵀ/Σ_i r_ik + λI,
//!
//! from centers that are drawn as greedy k-means++ draws them (Arthur & Vassilvitskii 2007), for 1, 2, 4, … 32 components, of which Schwarz's (1978)
//! criterion 2 ln L − p ln n chooses. In f64 on the host's cores, on 20,000 rows at most. λ keeps a component from
//! shrinking onto one value that many rows share.

use super::Baseline;
use crate::Result;
use crate::metrics::Points;
use crate::metrics::threads::map_rows;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use std::time::{Duration, Instant};

const MOST_ROWS: usize = 20_000;
const MOST_COMPONENTS: usize = 32;
/// Rows that there must be for each number that is fitted.
const ROWS_A_PARAMETER: usize = 2;
/// λ, in squared standard deviations: a component is at least a hundredth of one wide.
const LEAST_VARIANCE: f64 = 1e-4;
const ROUNDS: usize = 100;
/// Growth of the mean log-likelihood at which rounds end.
const CONVERGED: f64 = 1e-5;
/// Blocks of rows whose sums are added in order, whatever the number of cores.
const BLOCKS: usize = 32;

#[derive(Clone, Debug)]
struct Component {
    /// ln π.
    log_weight: f64,
    mean: Vec<f64>,
    /// Cholesky factor of S, lower.
    factor: Vec<f64>,
}

/// A fitted mixture.
#[derive(Clone, Debug)]
pub struct Mixture {
    components: Vec<Component>,
    columns: usize,
}

/// Σ r, Σ r x, Σ r x xᵀ (lower half) of every component, and the log-likelihood.
struct Sums {
    components: Vec<(f64, Vec<f64>, Vec<f64>)>,
    log_likelihood: f64,
}

impl Mixture {
    /// Fits mixtures of more and more components until the criterion falls or `time` is over; one component is always fitted.
    pub fn fit(rows: Points, time: Duration, seed: u64) -> Self {
        let (started, d) = (Instant::now(), rows.columns());
        let some = rows.subsample(MOST_ROWS, seed);
        let n = some.len() / d;
        let numbers = |k: usize| k * (1 + d + d * (d + 1) / 2) - 1;
        let mut best: Option<(f64, Self)> = None;
        for k in (0..).map(|power| 1 << power).take_while(|&k| k <= MOST_COMPONENTS) {
            let over = started.elapsed() > time.mul_f64(0.7) || numbers(k) * ROWS_A_PARAMETER > n;
            if k > 1 && over {
                break;
            }
            let (found, log_likelihood) = Self::of(k, &some, d, started + time, seed);
            let criterion = 2.0 * log_likelihood - numbers(k) as f64 * (n as f64).ln();
            if best.as_ref().is_some_and(|(least, _)| criterion < *least) {
                break;
            }
            best = Some((criterion, found));
        }
        best.map_or_else(|| Self { components: Vec::new(), columns: d }, |found| found.1)
    }

    /// So many components on all of the rows, and the log-likelihood.
    fn of(k: usize, rows: &[f32], d: usize, until: Instant, seed: u64) -> (Self, f64) {
        let n = rows.len() / d;
        let centers = centers(k, rows, d, seed);
        let nearest = |row: &[f32]| {
            let all = centers.chunks_exact(d).map(|center| squared(row, center)).enumerate();
            all.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |found| found.0)
        };
        let hard = |row: &[f32], shares: &mut [f64]| {
            shares.fill(0.0);
            shares[nearest(row)] = 1.0;
            0.0
        };
        let mut mixture = Self::from_sums(&sums(rows, d, k, hard), n, d);
        let mut before = f64::NEG_INFINITY;
        for round in 0.. {
            let found = sums(rows, d, k, |row, shares| mixture.responsibilities(row, shares));
            let log_likelihood = found.log_likelihood;
            let still = log_likelihood - before < CONVERGED * n as f64;
            if round >= ROUNDS || still || Instant::now() > until {
                return (mixture, log_likelihood);
            }
            before = log_likelihood;
            mixture = Self::from_sums(&found, n, d);
        }
        unreachable!("rounds end")
    }

    fn from_sums(sums: &Sums, n: usize, d: usize) -> Self {
        let component = |(share, first, second): &(f64, Vec<f64>, Vec<f64>)| {
            // A component that nobody is of is left as a round one in the middle, of next to no weight.
            let total = share.max(1e-9);
            let mean: Vec<f64> = first.iter().map(|v| v / total).collect();
            let mut covariance = vec![0.0; d * d];
            for i in 0..d {
                for j in 0..=i {
                    let ridge = if i == j { LEAST_VARIANCE } else { 0.0 };
                    covariance[i * d + j] = second[i * d + j] / total - mean[i] * mean[j] + ridge;
                }
            }
            Component { log_weight: (total / n as f64).ln(), mean, factor: cholesky(covariance, d) }
        };
        Self { components: sums.components.iter().map(component).collect(), columns: d }
    }

    /// r of a row, and ln of its density.
    fn responsibilities(&self, row: &[f32], shares: &mut [f64]) -> f64 {
        let mut z = vec![0.0; self.columns];
        for (share, component) in shares.iter_mut().zip(&self.components) {
            *share = component.log_weight + component.log_density(row, &mut z);
        }
        let most = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = shares.iter().map(|v| (v - most).exp()).sum();
        shares.iter_mut().for_each(|v| *v = (*v - most).exp() / sum);
        most + sum.ln()
    }

    /// The number of components.
    pub fn components(&self) -> usize {
        self.components.len()
    }
}

impl Component {
    fn log_density(&self, row: &[f32], z: &mut [f64]) -> f64 {
        let d = row.len();
        let mut sum = -0.5 * d as f64 * std::f64::consts::TAU.ln();
        for i in 0..d {
            let factor = &self.factor[i * d..=i * d + i];
            let before = factor.iter().zip(&z[..i]).map(|(l, z): (&f64, &f64)| l * z).sum::<f64>();
            z[i] = (f64::from(row[i]) - self.mean[i] - before) / factor[i];
            sum -= factor[i].ln() + 0.5 * z[i] * z[i];
        }
        sum
    }
}

/// Sums over rows, a block a core, added in the blocks' order.
fn sums(rows: &[f32], d: usize, k: usize, of: impl Fn(&[f32], &mut [f64]) -> f64 + Sync) -> Sums {
    let n = rows.len() / d;
    let block = n.div_ceil(BLOCKS).max(1);
    let parts = map_rows(n.div_ceil(block), |b, shares: &mut Vec<f64>| {
        shares.resize(k, 0.0);
        let mut part = Sums { components: vec![(0.0, vec![0.0; d], vec![0.0; d * d]); k], log_likelihood: 0.0 };
        for row in rows[b * block * d..((b + 1) * block).min(n) * d].chunks_exact(d) {
            part.log_likelihood += of(row, shares);
            for (share, (total, first, second)) in shares.iter().zip(&mut part.components) {
                if *share < 1e-12 {
                    continue;
                }
                *total += share;
                for i in 0..d {
                    let weighted = share * f64::from(row[i]);
                    first[i] += weighted;
                    second[i * d..=i * d + i].iter_mut().zip(row).for_each(|(sum, &x)| *sum += weighted * f64::from(x));
                }
            }
        }
        part
    });
    let mut whole = Sums { components: vec![(0.0, vec![0.0; d], vec![0.0; d * d]); k], log_likelihood: 0.0 };
    for part in parts {
        whole.log_likelihood += part.log_likelihood;
        for (all, of_part) in whole.components.iter_mut().zip(part.components) {
            all.0 += of_part.0;
            all.1.iter_mut().zip(&of_part.1).for_each(|(a, b)| *a += b);
            all.2.iter_mut().zip(&of_part.2).for_each(|(a, b)| *a += b);
        }
    }
    whole
}

fn squared(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}

/// Rows drawn one after the other, each by its squared distance to the nearest so far; of several drawn the one that leaves the rows nearest is kept.
fn centers(k: usize, rows: &[f32], d: usize, seed: u64) -> Vec<f32> {
    let n = rows.len() / d;
    let row = |i: usize| &rows[i * d..(i + 1) * d];
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let nearer = |distances: &[f64], to: usize| -> Vec<f64> {
        distances.iter().enumerate().map(|(i, least)| least.min(squared(row(i), row(to)))).collect()
    };
    let first = random.random_range(0..n);
    let mut centers = row(first).to_vec();
    let mut distances = nearer(&vec![f64::INFINITY; n], first);
    let tries = 2 + k.ilog2() as usize;
    while centers.len() < k * d {
        let total: f64 = distances.iter().sum();
        let mut draw = || {
            let mut at = random.random::<f64>() * total;
            let chosen = distances.iter().position(|v| {
                at -= v;
                at <= 0.0
            });
            let chosen = chosen.unwrap_or(n - 1);
            let left = nearer(&distances, chosen);
            (left.iter().sum::<f64>(), chosen, left)
        };
        let Some((_, chosen, left)) = (0..tries).map(|_| draw()).min_by(|a, b| a.0.total_cmp(&b.0)) else { break };
        centers.extend_from_slice(row(chosen));
        distances = left;
    }
    centers
}

/// The Cholesky factor from the lower half, with pivots held above [`LEAST_VARIANCE`].
fn cholesky(mut a: Vec<f64>, d: usize) -> Vec<f64> {
    for j in 0..d {
        let dot = |a: &[f64], i: usize| (0..j).map(|k| a[i * d + k] * a[j * d + k]).sum::<f64>();
        let pivot = (a[j * d + j] - dot(&a, j)).max(LEAST_VARIANCE).sqrt();
        a[j * d + j] = pivot;
        for i in j + 1..d {
            a[i * d + j] = (a[i * d + j] - dot(&a, i)) / pivot;
            a[j * d + i] = 0.0;
        }
    }
    a
}

impl Baseline for Mixture {
    fn sample(&self, rows: usize, seed: u64) -> Result<Vec<f32>> {
        let d = self.columns;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (mut out, mut z) = (Vec::with_capacity(rows * d), vec![0.0; d]);
        for _ in 0..rows {
            let mut at: f64 = random.random();
            let chosen = self.components.iter().position(|component| {
                at -= component.log_weight.exp();
                at <= 0.0
            });
            let component = &self.components[chosen.unwrap_or(self.components.len() - 1)];
            z.iter_mut().for_each(|z| *z = StandardNormal.sample(&mut random));
            for (i, mean) in component.mean.iter().enumerate() {
                let factor = &component.factor[i * d..=i * d + i];
                out.push((mean + factor.iter().zip(&z).map(|(l, z): (&f64, &f64)| l * z).sum::<f64>()) as f32);
            }
        }
        Ok(out)
    }

    fn log_density(&self, rows: Points) -> Result<Vec<f64>> {
        Ok(map_rows(rows.rows(), |i, shares: &mut Vec<f64>| {
            shares.resize(self.components.len(), 0.0);
            self.responsibilities(rows.row(i), shares)
        }))
    }

    fn parameters(&self) -> usize {
        let d = self.columns;
        self.components.len() * (1 + d + d * (d + 1) / 2) - 1
    }

    fn note(&self) -> String {
        match self.components.len() {
            1 => "1 component".into(),
            k => format!("{k} components"),
        }
    }
}
