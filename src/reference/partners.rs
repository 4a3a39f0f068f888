//! Reference for `partners`: the score of every pair, whose greatest in a row is the partner that is drawn.

use super::Exact;
use super::gather::Place;
use super::random::{philox, unit};

/// (hⱼ − c(xᵢ, yⱼ))/ε + ln bⱼ + Gᵢⱼ in units of ln 2, n × m, and what its rounding errors are proportional to.
#[allow(clippy::too_many_arguments)]
pub fn scores(x: &[f32], y: &[f32], h: &[f32], b: &[f64], d: usize, p: f64, epsilon: f64, at: Place) -> Exact {
    let (m, scale) = (h.len(), std::f64::consts::LOG2_E / epsilon);
    let mut reference = Exact::new(d);
    for (i, x) in x.chunks_exact(d).enumerate() {
        for (j, y) in y.chunks_exact(d).enumerate() {
            let r2: f64 = x.iter().zip(y).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
            let counter = [(i * m.div_ceil(4) + j / 4) as u32, at.stream, at.step, at.domain];
            let gumbel = gumbel(philox(counter, [at.seed as u32, (at.seed >> 32) as u32])[j % 4]);
            reference.push([scale * f64::from(h[j]), -scale * r2.powf(p / 2.0), b[j].log2(), gumbel]);
        }
    }
    reference
}

/// −log₂ of the exponential number −ln(1 − u), which is 2⁻²⁵ at least.
pub fn gumbel(bits: u32) -> f64 {
    -(-(1.0 - unit(bits)).ln()).max(2f64.powi(-25)).log2()
}
