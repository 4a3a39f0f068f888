//! Exact W₂² = min over matchings of (1/n) Σ |x_i − y_π(i)|² between two sets of equal size.
//!
//! The standard error is the plug-in of the central limit theorem of del Barrio & Loubes (2019): Var W₂² ≈ Var(u)/n + Var(v)/m for the dual
//! potentials u, v; W₂'s own follows by the delta method. W₂ between finite sets of one distribution is positive (of order n^{−1/d}), so it is read beside
//! that of two fresh sets, never beside zero.

use super::{Points, Score, assignment, comparable, interval};
use crate::Result;

/// The default cap on rows: 2,000 take about a second.
pub const MOST_ROWS: usize = 2_000;

/// W₂ on min(n, m, `most`) rows of each set, drawn by `seed` where that is fewer than all.
pub fn exact(x: Points, y: Points, most: usize, seed: u64) -> Result<Score> {
    comparable(x, y, 1)?;
    let (n, d) = (x.rows().min(y.rows()).min(most.max(1)), x.columns());
    let (a, b) = (x.subsample(n, seed), y.subsample(n, seed.wrapping_add(1)));
    let cost: Vec<f64> = a.chunks_exact(d).flat_map(|p| b.chunks_exact(d).map(move |q| squared_distance(p, q))).collect();
    let matched = assignment::solve(&cost, n);
    let squared = matched.column_of_row.iter().enumerate().map(|(i, &j)| cost[i * n + j]).sum::<f64>() / n as f64;
    let error = potentials_error(&matched.row_potential, &matched.column_potential);
    let rows_used = (n < x.rows().max(y.rows())).then_some(n);
    Ok(Score { rows_used, ..root(squared, error) })
}

/// √(Var(u)/n + Var(v)/m): the standard error of W₂² from its dual potentials.
pub(super) fn potentials_error(u: &[f64], v: &[f64]) -> f64 {
    let share = |p: &[f64]| interval::variance(p.iter().copied()) / p.len() as f64;
    (share(u) + share(v)).sqrt()
}

/// The score of a distance from its square and the square's standard error.
pub(super) fn root(squared: f64, error: f64) -> Score {
    let [low, high] = interval::normal(squared, error).map(|end| end.max(0.0).sqrt());
    let value = squared.max(0.0).sqrt();
    // Near zero the delta method divides by the value itself; half the interval's width over 1.96 stays finite there.
    let standard_error = if squared > error { error / (2.0 * value) } else { (high - low) / (2.0 * interval::Z) };
    Score { value, standard_error: Some(standard_error), interval: Some([low, high]), ..Score::default() }
}

fn squared_distance(p: &[f32], q: &[f32]) -> f64 {
    p.iter().zip(q).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}
