//! Reference for `jet`: a value and its tangents, stacked.

use super::{Exact, activation};
use crate::ops::activation::Activation;

/// σ(p + b) and σ'(p + b)·ṗ of `tangents` tangents, each block of n rows of `b.len()` columns.
pub fn activated(p: &[f64], b: &[f64], tangents: usize, act: Activation) -> Exact {
    let block = p.len() / (1 + tangents);
    let mut reference = Exact::new(1);
    for (i, &v) in p.iter().enumerate() {
        let at = p[i % block] + b[i % b.len()];
        // What rounds is p + b, and σ and σ' are of its size or of one.
        let scale = 1.0 + p[i % block].abs() + b[i % b.len()].abs();
        let (value, scale) = match i < block {
            true => (activation::value(act, at), scale),
            false => (activation::slope(act, at) * v, scale * v.abs()),
        };
        reference.push_scaled(value, scale);
    }
    reference
}

/// Gradients of ⟨u, out⟩ of [`activated`] in p and b.
pub fn activated_backward(p: &[f64], b: &[f64], tangents: usize, act: Activation, u: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let block = p.len() / (1 + tangents);
    let (mut d_p, mut d_b) = (vec![0.0; p.len()], vec![0.0; b.len()]);
    for i in 0..block {
        let at = p[i] + b[i % b.len()];
        let (slope, curvature) = (activation::slope(act, at), activation::curvature(act, at));
        d_p[i] = slope * u[i];
        for k in (1..=tangents).map(|k| k * block + i) {
            d_p[i] += curvature * p[k] * u[k];
            d_p[k] = slope * u[k];
        }
        d_b[i % b.len()] += d_p[i];
    }
    (d_p, d_b)
}

/// Of each of n rows: v = y₀ + b, zeros up to `s` columns, Σ⟨e_k, y_k⟩, ‖v‖², Σ‖y_k‖², for directions e (T·n × s).
pub fn rates(y: &[f64], b: &[f64], directions: &[f64], s: usize) -> Exact {
    let d = b.len();
    let n = y.len() / d - directions.len() / s;
    let tangents = directions.len() / s / n;
    let mut reference = Exact::new(d * tangents);
    for i in 0..n {
        let v: Vec<f64> = (0..d).map(|c| y[i * d + c] + b[c]).collect();
        (0..s).for_each(|c| if c < d { reference.push([y[i * d + c], b[c]]) } else { reference.push([0.0]) });
        let each: Vec<(f64, f64)> = (0..tangents)
            .flat_map(|k| (0..d).map(move |c| (k * n + i, c)))
            .map(|(row, c)| (directions[row * s + c], y[(n + row) * d + c]))
            .collect();
        reference.push(each.iter().map(|(e, t)| e * t));
        reference.push_scaled(v.iter().map(|v| v * v).sum(), (0..d).map(|c| (y[i * d + c].abs() + b[c].abs()).powi(2)).sum());
        reference.push(each.iter().map(|(_, t)| t * t));
    }
    reference
}

/// Gradients of ⟨u, out⟩ of [`rates`] in y and b.
pub fn rates_backward(y: &[f64], b: &[f64], directions: &[f64], s: usize, u: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let d = b.len();
    let n = y.len() / d - directions.len() / s;
    let (mut d_y, mut d_b) = (vec![0.0; y.len()], vec![0.0; d]);
    for (e, d_y) in d_y.iter_mut().enumerate() {
        let (row, c) = (e / d, e % d);
        let u = &u[row % n * (s + 3)..][..s + 3];
        if row < n {
            *d_y = u[c] + 2.0 * (y[e] + b[c]) * u[s + 1];
            d_b[c] += *d_y;
        } else {
            *d_y = directions[(row - n) * s + c] * u[s] + 2.0 * y[e] * u[s + 2];
        }
    }
    (d_y, d_b)
}
