//! Reference for `spline`: the monotone rational-quadratic transform (Durkan et al. 2019), its slope, and its inverse.

use super::Exact;

const LEAST: f64 = 1e-3;

/// Knots and slopes of one column from its 3K − 1 numbers.
fn knots(raw: &[f64], bins: usize, reach: f64) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let softmax = |a: &[f64]| {
        let top = a.iter().fold(f64::NEG_INFINITY, |m, &v| m.max(v));
        let e: Vec<f64> = a.iter().map(|v| (v - top).exp()).collect();
        let sum: f64 = e.iter().sum();
        let mut at = -reach;
        std::iter::once(-reach)
            .chain(e.into_iter().map(|e| {
                at += 2.0 * reach * (LEAST + (1.0 - bins as f64 * LEAST) * e / sum);
                at
            }))
            .collect::<Vec<f64>>()
    };
    let flat = ((1.0 - LEAST).exp() - 1.0).ln();
    let inner = raw[2 * bins..].iter().map(|a| LEAST + (a + flat).max(0.0) + (-(a + flat).abs()).exp().ln_1p());
    let slopes = std::iter::once(1.0).chain(inner).chain([1.0]).collect();
    (softmax(&raw[..bins]), softmax(&raw[bins..2 * bins]), slopes)
}

/// y and ln f'(x) of one number, or x and ln f'(x) from y.
pub fn bend(value: f64, raw: &[f64], reach: f64, inverse: bool) -> (f64, f64) {
    if value.abs() >= reach {
        return (value, 0.0);
    }
    let bins = raw.len().div_ceil(3);
    let (x, y, d) = knots(raw, bins, reach);
    let along = if inverse { &y } else { &x };
    let i = (1..bins).take_while(|&i| value >= along[i]).count();
    let (w, h) = (x[i + 1] - x[i], y[i + 1] - y[i]);
    let (s, beta) = (h / w, d[i] + d[i + 1] - 2.0 * h / w);
    let xi = if inverse {
        let rise = value - y[i];
        let (a, b, c) = (h * (s - d[i]) + rise * beta, h * d[i] - rise * beta, -s * rise);
        2.0 * c / (-b - (b * b - 4.0 * a * c).max(0.0).sqrt())
    } else {
        (value - x[i]) / w
    };
    let q = xi * (1.0 - xi);
    let below = s + beta * q;
    let above = d[i + 1] * xi * xi + 2.0 * s * q + d[i] * (1.0 - xi).powi(2);
    let moved = if inverse { x[i] + w * xi } else { y[i] + h * (s * xi * xi + d[i] * q) / below };
    (moved, (s * s * above / (below * below)).ln())
}

/// Rows (n × d) and log-determinants (n) after the layer.
pub fn apply(x: &[f64], raw: &[f64], roles: &[u32], before: &[f64], bins: usize, reach: f64, inverse: bool) -> (Exact, Exact) {
    let (n, d, numbers) = (before.len(), roles.len(), 3 * bins - 1);
    let m = raw.len() / n / numbers;
    let (mut rows, mut sums) = (Exact::new(64), Exact::new(64 * m));
    for i in 0..n {
        let (mut log_det, mut size) = (before[i], before[i].abs());
        for j in 0..d {
            let (value, k) = (x[i * d + j], roles[j] as usize);
            if k >= m {
                rows.push_scaled(value, value.abs());
                continue;
            }
            let raw = &raw[(i * m + k) * numbers..][..numbers];
            let (moved, slope) = bend(value, raw, reach, inverse);
            // A knot is a sum of widths of size `reach`, and its error passes with the slope; ln f' bends most in the narrowest bins.
            let steep = if inverse { (-slope).exp() } else { slope.exp() };
            rows.push_scaled(moved, reach * (1.0 + steep));
            log_det += if inverse { -slope } else { slope };
            let (x, y, d) = knots(raw, bins, reach);
            let narrow = x.windows(2).chain(y.windows(2)).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
            let most = d.iter().fold(1.0f64, |m, &d| m.max(d).max(1.0 / d));
            size += 1.0 + slope.abs() + if value.abs() < reach { most * reach / narrow } else { 0.0 };
        }
        sums.push_scaled(log_det, size);
    }
    (rows, sums)
}

/// ⟨u, rows⟩ + ⟨v, log-determinants⟩, for differences.
#[allow(clippy::too_many_arguments)]
pub fn weighed(x: &[f64], raw: &[f64], roles: &[u32], bins: usize, reach: f64, inverse: bool, u: &[f64], v: &[f64]) -> f64 {
    let (rows, sums) = apply(x, raw, roles, &vec![0.0; v.len()], bins, reach, inverse);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(u, &rows.value) + dot(v, &sums.value)
}
