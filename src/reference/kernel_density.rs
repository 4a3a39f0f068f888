//! Reference for `kernel_density`: logarithms of Gaussian kernel sums, and the means that a kernel weighs.

use super::Exact;
use crate::ops::kernel_density::Shape;

/// For each row of `x` and each width h, ln Σ_j exp(−‖x − yⱼ‖²/2h²); with `same`, without j = i.
pub fn log_kernel_sums(x: &[f32], y: &[f32], d: usize, widths: &[f32], same: bool) -> Exact {
    // The exponent's own rounding is what an error comes from, and the sum's.
    let mut reference = Exact::new(d + y.len() / d);
    for (i, row) in x.chunks(d).enumerate() {
        let others = y.chunks(d).enumerate().filter(|(j, _)| !(same && *j == i));
        let squares: Vec<f64> =
            others.map(|(_, other)| row.iter().zip(other).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()).collect();
        let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
        for &h in widths {
            let rate = 0.5 / f64::from(h).powi(2);
            let sum: f64 = squares.iter().map(|s| (-rate * (s - least)).exp()).sum();
            reference.push_scaled(-rate * least + sum.ln(), rate * least + sum.ln().abs() + 1.0);
        }
    }
    reference
}

/// For each row of `x` the mean of the rows of `y` that the kernel of width h weighs; with `same`, without j = i.
pub fn kernel_means(x: &[f32], y: &[f32], d: usize, shape: Shape, h: f32, same: bool) -> Exact {
    let mut reference = Exact::new(d + y.len() / d);
    let h = f64::from(h);
    for (i, row) in x.chunks(d).enumerate() {
        let others: Vec<(&[f32], f64)> = y
            .chunks(d)
            .enumerate()
            .filter(|(j, _)| !(same && *j == i))
            .map(|(_, other)| {
                let square: f64 = row.iter().zip(other).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
                let cost = if shape == Shape::Gaussian { square / (2.0 * h * h) } else { square.sqrt() / h };
                (other, cost)
            })
            .collect();
        let least = others.iter().map(|other| other.1).fold(f64::INFINITY, f64::min);
        let weight = |cost: f64| (least - cost).exp();
        let total: f64 = others.iter().map(|other| weight(other.1)).sum();
        for c in 0..d {
            let value = others.iter().map(|(other, cost)| weight(*cost) / total * f64::from(other[c])).sum();
            // An exponent of size e is rounded to e times the unit, and so is the weight.
            let scale = others.iter().map(|(other, cost)| weight(*cost) / total * f64::from(other[c]).abs() * (1.0 + cost)).sum();
            reference.push_scaled(value, scale);
        }
    }
    reference
}
