//! Reference for `likelihood`: ln p(x | θ) of a decoder's distribution, summed over columns.

use super::Exact;
use statrs::function::gamma::ln_gamma;

/// The distributions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Family {
    Gaussian,
    Student { degrees: f64 },
    Bernoulli,
}

/// s² of a column: floor² + e^{2r}.
pub fn variance(raw: f64, floor: f64) -> f64 {
    floor * floor + (2.0 * raw).exp()
}

/// The terms of one column's log-density at x, of location m and raw scale r.
fn terms(family: Family, x: f64, m: f64, raw: f64, floor: f64) -> [f64; 3] {
    match family {
        Family::Bernoulli => [x * m, -(m.max(0.0) + (-m.abs()).exp().ln_1p()), 0.0],
        Family::Gaussian => {
            let s2 = variance(raw, floor);
            [-0.5 * std::f64::consts::TAU.ln(), -0.5 * s2.ln(), -0.5 * (x - m).powi(2) / s2]
        }
        Family::Student { degrees: nu } => {
            let s2 = variance(raw, floor);
            let constant = ln_gamma(0.5 * (nu + 1.0)) - ln_gamma(0.5 * nu) - 0.5 * (nu * std::f64::consts::PI).ln();
            [constant, -0.5 * s2.ln(), -0.5 * (nu + 1.0) * ((x - m).powi(2) / (nu * s2)).ln_1p()]
        }
    }
}

/// Raw scales: none or shared (d), or each row's own, behind its locations.
fn raw_scale(theta: &[f64], shared: &[f64], i: usize, j: usize, d: usize) -> f64 {
    match shared.len() {
        0 => theta[2 * i * d + d + j],
        _ => shared[j],
    }
}

/// ln p(x_{⌊i/K⌋} | θ_i) for every row of θ. `shared` are the raw scales of columns, or empty where θ has 2d columns.
pub fn log_likelihood(family: Family, x: &[f64], theta: &[f64], shared: &[f64], floor: f64, d: usize, copies: usize) -> Exact {
    let width = if shared.is_empty() { 2 * d } else { d };
    let mut reference = Exact::new(3 * d);
    for i in 0..theta.len() / width {
        let (mut value, mut scale) = (0.0, 0.0);
        for j in 0..d {
            let (x, m) = (x[i / copies * d + j], theta[i * width + j]);
            let raw = raw_scale(theta, shared, i, j, d);
            let terms = terms(family, x, m, raw, floor);
            value += terms.iter().sum::<f64>();
            // A difference carries the size of its terms, squared; the exponential that of its argument.
            let carried = match family {
                Family::Bernoulli => 0.0,
                _ => {
                    let s2 = variance(raw, floor);
                    ((x.abs() + m.abs()) * (x - m).abs() + raw.abs() * (x - m).powi(2)) / s2 + raw.abs()
                }
            };
            scale += terms.iter().map(|t| t.abs()).sum::<f64>() + carried;
        }
        reference.push_scaled(value, scale);
    }
    reference
}
