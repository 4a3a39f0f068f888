//! Reference for `repulsion`: Riesz forces and energies over all pairs.

use super::Exact;

/// k and −2 dk/d(r²) of a squared distance, for exponent s and softening δ.
pub fn potential_and_slope(r2: f64, s: f64, softening: f64) -> (f64, f64) {
    let rho = r2 + softening * softening;
    match s {
        0.0 => (-0.5 * rho.ln(), 1.0 / rho),
        _ => (s.signum() * rho.powf(-0.5 * s), s.abs() * rho.powf(-0.5 * s - 1.0)),
    }
}

/// Of each pair: the difference of the rows, k and its slope, and how much the rounding of the exponent −(s/2) ln ρ multiplies errors.
fn pairs<'a>(
    x: &'a [f64],
    d: usize,
    i: usize,
    s: f64,
    softening: f64,
) -> impl Iterator<Item = (usize, Vec<f64>, f64, f64, f64)> + 'a {
    let own = &x[i * d..(i + 1) * d];
    x.chunks_exact(d).enumerate().map(move |(j, other)| {
        let difference: Vec<f64> = own.iter().zip(other).map(|(a, b)| a - b).collect();
        let r2 = difference.iter().map(|e| e * e).sum();
        let (k, slope) = potential_and_slope(r2, s, softening);
        let log = (r2 + softening * softening).ln().abs();
        (j, difference, k, slope, 1.0 + 0.5 * s.abs() * (1.0 + log))
    })
}

/// −∂/∂xᵢ Σⱼ k(‖xᵢ − xⱼ‖), n × d.
pub fn forces(x: &[f64], d: usize, s: f64, softening: f64) -> Exact {
    let n = x.len() / d;
    let mut reference = Exact::new(n);
    for i in 0..n {
        let (mut sum, mut scale) = (vec![0.0; d], vec![0.0; d]);
        for (_, difference, _, slope, moved) in pairs(x, d, i, s, softening) {
            for c in 0..d {
                sum[c] += slope * difference[c];
                scale[c] += slope * difference[c].abs() * moved;
            }
        }
        (0..d).for_each(|c| reference.push_scaled(sum[c], scale[c]));
    }
    reference
}

/// ½ Σ_{i≠j} k(‖xᵢ − xⱼ‖), and what its rounding errors are proportional to.
pub fn energy(x: &[f64], d: usize, s: f64, softening: f64) -> (f64, f64) {
    let each = (0..x.len() / d).flat_map(|i| pairs(x, d, i, s, softening).filter(move |pair| pair.0 != i));
    each.fold((0.0, 0.0), |(sum, scale), (_, _, k, _, moved)| {
        // A logarithm near 0 is known to a rounding of its argument.
        let size = if s == 0.0 { k.abs() + 0.5 } else { k.abs() };
        (sum + 0.5 * k, scale + 0.5 * size * moved)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{check_gradient, differences};

    #[test]
    fn forces_are_down_the_energy() {
        let x: Vec<f64> = (0..12).map(|i| 2.0 * ((i as f64 + 1.0) * 0.754_877_67).sin() * (i as f64 * 1.3).cos()).collect();
        for d in [1, 2, 3] {
            for s in [-1.5, -1.0, 0.0, 1.0, 4.0] {
                let forces: Vec<f64> = forces(&x, d, s, 0.4).value.iter().map(|f| -f).collect();
                check_gradient(&format!("d = {d}, s = {s}"), &forces, &differences(&x, |x| energy(x, d, s, 0.4).0), 1e-8);
            }
        }
    }
}
