//! References for `mixture`, of a [`Mixture`] Σ_k w_k N(m_k, P_k⁻¹):
//!
//! log p(x) = log Σ_k exp l_k; score s = Σ r_k g_k with g_k = P_k (m_k − x) and responsibilities r_k = exp(l_k − log p);
//! ∇² log p·v = Σ r_k [(g_k − s)((g_k − s)·v) − P_k v] (Bishop 2006, §9.2).
//!
//! ```
//! use pushforward::{data::Mixture, reference::mixture::score};
//! let two = Mixture::equal(1, &[-1.0, 1.0], &[0.5]);
//! assert_eq!(score(&two, &[0.0]).value, [0.0]); // halfway, neither side pulls
//! ```

use super::Exact;
use crate::data::Mixture;

/// What one point needs of every component.
struct At {
    log_density: f64,
    /// r_k, and how far rounding can move it, relatively: the sizes of the numbers in its exponent.
    shares: Vec<(f64, f64)>,
}

/// c_k.
fn offset(distribution: &Mixture, k: usize) -> f64 {
    let d = distribution.dimension();
    let logs: f64 = distribution.precisions()[k * d..(k + 1) * d].iter().map(|p| p.ln()).sum();
    distribution.weights()[k].ln() + 0.5 * logs - 0.5 * d as f64 * std::f64::consts::TAU.ln()
}

fn square(distribution: &Mixture, k: usize, x: &[f64]) -> f64 {
    let at = k * distribution.dimension();
    (0..distribution.dimension()).map(|c| distribution.precisions()[at + c] * (x[c] - distribution.means()[at + c]).powi(2)).sum()
}

impl At {
    fn new(distribution: &Mixture, x: &[f64]) -> Self {
        let parts: Vec<(f64, f64)> =
            (0..distribution.components()).map(|k| (offset(distribution, k), 0.5 * square(distribution, k, x))).collect();
        let most = parts.iter().map(|(c, q)| c - q).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = parts.iter().map(|(c, q)| (c - q - most).exp()).sum();
        let log_density = most + sum.ln();
        let size = |&(c, q): &(f64, f64)| c.abs() + q;
        let typical: f64 = parts.iter().map(|p| (p.0 - p.1 - log_density).exp() * size(p)).sum();
        let shares = parts.iter().map(|p| ((p.0 - p.1 - log_density).exp(), 1.0 + size(p) + typical)).collect();
        Self { log_density, shares }
    }
}

fn reference(distribution: &Mixture) -> Exact {
    Exact::new(distribution.components().max(distribution.dimension()))
}

/// g_kc.
fn pull(distribution: &Mixture, k: usize, c: usize, x: &[f64]) -> f64 {
    let at = k * distribution.dimension() + c;
    distribution.precisions()[at] * (distribution.means()[at] - x[c])
}

/// log p(x).
pub fn log_density(distribution: &Mixture, x: &[f64]) -> Exact {
    let at = At::new(distribution, x);
    let mut reference = reference(distribution);
    reference.push_scaled(at.log_density, at.shares.iter().map(|(r, size)| r * size).sum());
    reference
}

/// ∇ log p(x), d.
pub fn score(distribution: &Mixture, x: &[f64]) -> Exact {
    let at = At::new(distribution, x);
    let mut reference = reference(distribution);
    for c in 0..distribution.dimension() {
        let terms = || at.shares.iter().enumerate().map(|(k, share)| (share, pull(distribution, k, c, x)));
        reference.push_scaled(terms().map(|((r, _), g)| r * g).sum(), terms().map(|((r, size), g)| r * size * g.abs()).sum());
    }
    reference
}

/// ∇² log p(x)·v, d.
pub fn hessian_vector(distribution: &Mixture, x: &[f64], v: &[f64]) -> Exact {
    let (at, score, d) = (At::new(distribution, x), score(distribution, x), distribution.dimension());
    let mut reference = reference(distribution);
    let (mut value, mut scale) = (vec![0.0; d], vec![0.0; d]);
    for (k, &(r, size)) in at.shares.iter().enumerate() {
        let from_mean: Vec<f64> = (0..d).map(|c| pull(distribution, k, c, x) - score.value[c]).collect();
        let reach: Vec<f64> = (0..d).map(|c| pull(distribution, k, c, x).abs() + score.scale[c]).collect();
        let along: f64 = from_mean.iter().zip(v).map(|(e, v)| e * v).sum();
        let longest: f64 = reach.iter().zip(v).map(|(e, v)| e * v.abs()).sum();
        for c in 0..d {
            let p = distribution.precisions()[k * d + c];
            value[c] += r * (from_mean[c] * along - p * v[c]);
            scale[c] += r * size * (reach[c] * longest + p * v[c].abs());
        }
    }
    value.into_iter().zip(scale).for_each(|(value, scale)| reference.push_scaled(value, scale));
    reference
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{check_gradient, differences};

    #[test]
    fn scores_and_hessians_are_derivatives() {
        let number = |i: usize| ((i as f64 + 1.0) * 0.754_877_67).sin() * 1.5;
        for d in [1, 3] {
            let means: Vec<f64> = (0..3 * d).map(number).collect();
            let deviations: Vec<f64> = (0..3 * d).map(|i| 0.4 + number(i + 7).abs()).collect();
            let distribution = Mixture::new(d, &[1.0, 2.0, 0.5], &means, &deviations);
            let x: Vec<f64> = (0..d).map(|c| 0.3 - 0.4 * c as f64).collect();
            let v: Vec<f64> = (0..d).map(|c| 1.0 - 0.7 * c as f64).collect();
            let slopes = differences(&x, |x| log_density(&distribution, x).value[0]);
            check_gradient("score", &score(&distribution, &x).value, &slopes, 1e-8);
            let along = |x: &[f64]| score(&distribution, x).value.iter().zip(&v).map(|(s, v)| s * v).sum();
            check_gradient("hessian", &hessian_vector(&distribution, &x, &v).value, &differences(&x, along), 1e-8);
            // The library's own, by another formula.
            assert!((distribution.log_density(&x) - log_density(&distribution, &x).value[0]).abs() < 1e-12);
            check_gradient("the library's score", &distribution.score(&x), &slopes, 1e-8);
        }
    }
}
