//! Reference for `coupling`: y_j = x_j·e^{s_k} + t_k with s_k = c·tanh(a_k/c), l = l₀ + Σ_k s_k, and back. The bounds c are two: of s above 0, and below.

use super::Exact;

/// s and the slope ds/da.
fn bounded(a: f64, [up, down]: [f64; 2]) -> (f64, f64) {
    let c = if a > 0.0 { up } else { down };
    let u = (a / c).tanh();
    (c * u, 1.0 - u * u)
}

/// What one row becomes: its d numbers and the log-determinant.
fn row(x: &[f64], raw: &[f64], roles: &[u32], before: f64, bounds: [f64; 2], inverse: bool) -> (Vec<f64>, f64) {
    let m = raw.len() / 2;
    let mut log_det = before;
    let moved = x.iter().zip(roles).map(|(&x, &role)| {
        let k = role as usize;
        if k >= m {
            return x;
        }
        let s = bounded(raw[k], bounds).0;
        log_det += if inverse { -s } else { s };
        if inverse { (x - raw[m + k]) * (-s).exp() } else { x * s.exp() + raw[m + k] }
    });
    let moved = moved.collect();
    (moved, log_det)
}

/// Rows (n × d) and log-determinants (n) after the layer.
pub fn apply(x: &[f64], raw: &[f64], roles: &[u32], before: &[f64], bounds: [f64; 2], inverse: bool) -> (Exact, Exact) {
    let (n, d) = (before.len(), roles.len());
    let width = raw.len() / n;
    // The exponential carries the error of its argument; in the inverse direction the difference carries the size of its terms.
    let (mut rows, mut sums) = (Exact::new(16), Exact::new(width.max(16)));
    for i in 0..n {
        let raw = &raw[i * width..(i + 1) * width];
        let (moved, log_det) = row(&x[i * d..(i + 1) * d], raw, roles, before[i], bounds, inverse);
        for (j, value) in moved.into_iter().enumerate() {
            let m = width / 2;
            let k = roles[j] as usize;
            let scale = if k >= m {
                value.abs()
            } else {
                let s = bounded(raw[k], bounds).0;
                let stretch = if inverse { (-s).exp() } else { s.exp() };
                (x[i * d + j].abs() + if inverse { raw[m + k].abs() } else { 0.0 }) * stretch * (1.0 + s.abs())
                    + if inverse { 0.0 } else { raw[m + k].abs() }
            };
            rows.push_scaled(value, scale);
        }
        sums.push_scaled(log_det, before[i].abs() + bounds[0].max(bounds[1]));
    }
    (rows, sums)
}

/// Gradients of ⟨u, rows⟩ + ⟨v, log-determinants⟩ by x and by raw.
#[allow(clippy::too_many_arguments)]
pub fn backward(
    x: &[f64],
    raw: &[f64],
    roles: &[u32],
    bounds: [f64; 2],
    inverse: bool,
    u: &[f64],
    v: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let (n, d) = (v.len(), roles.len());
    let (width, m) = (raw.len() / n, raw.len() / n / 2);
    let (mut d_x, mut d_raw) = (u.to_vec(), vec![0.0; raw.len()]);
    for i in 0..n {
        for j in 0..d {
            let k = roles[j] as usize;
            if k >= m {
                continue;
            }
            let (a, t, g) = (raw[i * width + k], raw[i * width + m + k], u[i * d + j]);
            let (s, bend) = bounded(a, bounds);
            let e = if inverse { (-s).exp() } else { s.exp() };
            d_x[i * d + j] = g * e;
            let (d_s, d_t) =
                if inverse { (-g * (x[i * d + j] - t) * e - v[i], -g * e) } else { (g * x[i * d + j] * e + v[i], g) };
            d_raw[i * width + k] = d_s * bend;
            d_raw[i * width + m + k] = d_t;
        }
    }
    (d_x, d_raw)
}

/// ⟨u, rows⟩ + ⟨v, log-determinants⟩, for differences.
#[allow(clippy::too_many_arguments)]
pub fn weighed(x: &[f64], raw: &[f64], roles: &[u32], bounds: [f64; 2], inverse: bool, u: &[f64], v: &[f64]) -> f64 {
    let (rows, sums) = apply(x, raw, roles, &vec![0.0; v.len()], bounds, inverse);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(u, &rows.value) + dot(v, &sums.value)
}
