//! Twin of `kernel_density`: logarithms of Gaussian kernel sums.

use super::Twin;

/// For each row of `x` and each width h, ln Σ_j exp(−‖x − yⱼ‖²/2h²); with `same`, without j = i.
pub fn log_kernel_sums(x: &[f32], y: &[f32], d: usize, widths: &[f32], same: bool) -> Twin {
    // The exponent's own rounding is what an error comes from, and the sum's.
    let mut twin = Twin::new(d + y.len() / d);
    for (i, row) in x.chunks(d).enumerate() {
        let others = y.chunks(d).enumerate().filter(|(j, _)| !(same && *j == i));
        let squares: Vec<f64> =
            others.map(|(_, other)| row.iter().zip(other).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()).collect();
        let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
        for &h in widths {
            let rate = 0.5 / f64::from(h).powi(2);
            let sum: f64 = squares.iter().map(|s| (-rate * (s - least)).exp()).sum();
            twin.push_scaled(-rate * least + sum.ln(), rate * least + sum.ln().abs() + 1.0);
        }
    }
    twin
}
