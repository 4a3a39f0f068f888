//! Reference for `posterior`: samples z = m + e^s·ε of a diagonal Gaussian encoder, ln N(z; 0, I) − ln q(z), and KL(q ‖ N(0, I)).

use super::Exact;

/// Means and log standard deviations of one row of a code.
fn halves(code: &[f64], i: usize, q: usize) -> (&[f64], &[f64]) {
    code[2 * i * q..2 * (i + 1) * q].split_at(q)
}

/// Samples (nK × q), and the logarithms of the ratio (nK).
pub fn sample(code: &[f64], noise: &[f64], q: usize, copies: usize) -> (Exact, Exact) {
    let (mut samples, mut ratios) = (Exact::new(2), Exact::new(q));
    for (r, noise) in noise.chunks_exact(q).enumerate() {
        let (m, s) = halves(code, r / copies, q);
        let mut terms = (0.0, 0.0);
        for j in 0..q {
            let z = m[j] + s[j].exp() * noise[j];
            samples.push_scaled(z, m[j].abs() + (1.0 + s[j].abs()) * (s[j].exp() * noise[j]).abs());
            // ln N(z; 0, 1) − ln N(z; m, e^{2s}), of which the normal constants are equal.
            let ratio = -0.5 * z * z + 0.5 * ((z - m[j]) / s[j].exp()).powi(2) + s[j];
            let size = m[j].abs() + (1.0 + s[j].abs()) * (s[j].exp() * noise[j]).abs() + noise[j].abs();
            terms = (terms.0 + ratio, terms.1 + size * size + s[j].abs());
        }
        ratios.push_scaled(terms.0, terms.1);
    }
    (samples, ratios)
}

/// KL(q_j ‖ N(0, 1)) of every row and dimension.
pub fn divergence(code: &[f64], q: usize) -> Exact {
    let mut reference = Exact::new(4);
    for i in 0..code.len() / (2 * q) {
        let (m, s) = halves(code, i, q);
        for j in 0..q {
            let v = (2.0 * s[j]).exp();
            let value = 0.5 * (m[j] * m[j] + v - 1.0) - s[j];
            reference.push_scaled(value, 0.5 * (m[j] * m[j] + v * (1.0 + 2.0 * s[j].abs()) + 1.0) + s[j].abs());
        }
    }
    reference
}

/// The gradient by the code of ⟨u, samples⟩ + ⟨v, ratios⟩ by way of the samples alone, each times its weight: of those the ratio's density q has
/// numbers held fixed.
pub fn doubly(code: &[f64], noise: &[f64], q: usize, copies: usize, weights: &[f64], u: &[f64], v: &[f64]) -> Vec<f64> {
    let mut found = vec![0.0; code.len()];
    for (r, noise) in noise.chunks_exact(q).enumerate() {
        let i = r / copies;
        let (m, s) = halves(code, i, q);
        for j in 0..q {
            let deviation = s[j].exp();
            let z = m[j] + deviation * noise[j];
            // ∂/∂z of u·z + v·(−½z² + ½((z − m)/e^s)²).
            let slope = weights[r] * (u[r * q + j] + v[r] * (-z + (z - m[j]) / (deviation * deviation)));
            found[2 * i * q + j] += slope;
            found[(2 * i + 1) * q + j] += slope * deviation * noise[j];
        }
    }
    found
}
