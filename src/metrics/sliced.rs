//! Sliced W₂: SW₂² = E_θ W₂²(⟨θ, X⟩, ⟨θ, Y⟩), θ uniform on the sphere (Rabin et al. 2011; Bonneel et al. 2015).
//!
//! On a line the optimal matching is the sorted one, and its dual potential is a running sum; the average of the potentials over θ is the
//! influence function of SW₂², which gives the standard error as in [`super::wasserstein`]. The spread over the projections adds its own part.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

use super::threads::map_rows;
use super::wasserstein::{potentials_error, root};
use super::{Points, Score, comparable, interval};
use crate::Result;

/// The default number of projections.
pub const PROJECTIONS: usize = 256;
const BATCH: usize = 32;

/// SW₂ over `projections` directions drawn by `seed`; the larger set is subsampled to the size of the smaller.
pub fn wasserstein(x: Points, y: Points, projections: usize, seed: u64) -> Result<Score> {
    comparable(x, y, 2)?;
    let (n, d) = (x.rows().min(y.rows()), x.columns());
    let (a, b) = (x.subsample(n, seed), y.subsample(n, seed));
    let projections = if d == 1 { 1 } else { projections.max(1) };
    let (mut u, mut v, mut squares) = (vec![0.0; n], vec![0.0; n], Vec::with_capacity(projections));
    // A few directions at a time, so that memory grows with the rows and not with their product by the directions.
    for first in (0..projections).step_by(BATCH) {
        let slices = map_rows(BATCH.min(projections - first), |p, _: &mut ()| {
            let theta = direction(d, seed, (first + p) as u64);
            slice(&project(&a, &theta), &project(&b, &theta))
        });
        for one in slices {
            u.iter_mut().zip(&one.u).for_each(|(mean, p)| *mean += p / projections as f64);
            v.iter_mut().zip(&one.v).for_each(|(mean, p)| *mean += p / projections as f64);
            squares.push(one.squared);
        }
    }
    let (squared, directions) = interval::mean_and_error(squares.iter().copied());
    let error = potentials_error(&u, &v).hypot(directions);
    let rows_used = (n < x.rows().max(y.rows())).then_some(n);
    Ok(Score { rows_used, ..root(squared, error) })
}

/// W₂² on one line and its dual potentials, in the order of the rows.
struct Slice {
    squared: f64,
    u: Vec<f64>,
    v: Vec<f64>,
}

fn slice(x: &[f64], y: &[f64]) -> Slice {
    // Values travel with their rows: sorting rows by a look-up of their values misses the cache at every comparison.
    let order = |values: &[f64]| {
        let mut order: Vec<(f64, u32)> = values.iter().zip(0..).map(|(&v, i)| (v, i)).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        order
    };
    let (order_x, order_y, n) = (order(x), order(y), x.len());
    let mut out = Slice { squared: 0.0, u: vec![0.0; n], v: vec![0.0; n] };
    let mut potential = 0.0;
    for k in 0..n {
        let ((x, i), (y, j)) = (order_x[k], order_y[k]);
        let cost = (x - y).powi(2);
        if k > 0 {
            // u may rise by anything between c(x_k, y_k) − c(x_{k−1}, y_k) and the same at y_{k−1}: the midpoint is the smoothest.
            let (x0, y0) = (order_x[k - 1].0, order_y[k - 1].0);
            potential += (x - x0) * (x + x0 - y - y0);
        }
        (out.u[i as usize], out.v[j as usize]) = (potential, cost - potential);
        out.squared += cost / n as f64;
    }
    out
}

fn project(points: &[f32], theta: &[f64]) -> Vec<f64> {
    points.chunks_exact(theta.len()).map(|p| p.iter().zip(theta).map(|(a, t)| f64::from(*a) * t).sum()).collect()
}

fn direction(d: usize, seed: u64, index: u64) -> Vec<f64> {
    let mut random =
        rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed ^ index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let theta: Vec<f64> = (0..d).map(|_| StandardNormal.sample(&mut random)).collect();
    let norm = theta.iter().map(|t: &f64| t * t).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    theta.iter().map(|t| t / norm).collect()
}
