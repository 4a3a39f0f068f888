//! Kernelized Stein discrepancy in f64, straight from its formula: the reference for `shaders/stein.wgsl`.
//!
//! For scores a = s(x), b = s(y) of a target p: u(x, y) = aᵀb k + aᵀ∇_y k + bᵀ∇_x k + tr ∇_x∇_y k, and KSD² = E u(X, X′)
//! (Liu, Lee & Jordan 2016, eq. 3.6; Chwialkowski, Strathmann & Gretton 2016). E u(X, ·) = 0 where X has the distribution p.
//!
//! ```
//! use pushforward::reference::stein::{Kernel, stein_squared};
//! // One point at the mode of N(0, 1): u = −tr ∇_x∇_y k = 1/ℓ².
//! let at_mode = stein_squared(&Kernel::gaussian(2.0), &[0.0], &[0.0], 1, false);
//! assert_eq!(at_mode.value, 0.25);
//! ```

pub use crate::ops::stein::{SteinKernel as Kernel, stein_kernel};

/// What one pair is made of: r², a·b and (a − b)·e, with the sums of their terms' sizes.
struct Pair {
    k: [f64; 4],
    r2: f64,
    dot: f64,
    dot_size: f64,
    cross: f64,
    cross_size: f64,
}

impl Pair {
    fn of(kernel: &Kernel, x: &[f64], y: &[f64], a: &[f64], b: &[f64]) -> Self {
        let mut pair = Self { k: [0.0; 4], r2: 0.0, dot: 0.0, dot_size: 0.0, cross: 0.0, cross_size: 0.0 };
        for c in 0..x.len() {
            let (e, dot) = (x[c] - y[c], a[c] * b[c]);
            let cross = (a[c] - b[c]) * e;
            pair.r2 += e * e;
            pair.dot += dot;
            pair.dot_size += dot.abs();
            pair.cross += cross;
            pair.cross_size += cross.abs();
        }
        pair.k = kernel.derivatives(pair.r2);
        pair
    }
}

/// KSD² with its gradients and what f32 arithmetic may be held to.
#[derive(Clone, Debug, Default)]
pub struct Loss {
    pub value: f64,
    pub scale: f64,
    /// ∂value/∂x at fixed scores, and ∂value/∂scores; n × d.
    pub d_x: Vec<f64>,
    pub d_scores: Vec<f64>,
    pub d_x_scale: Vec<f64>,
    pub d_scores_scale: Vec<f64>,
}

/// Mean of u over all n² pairs, or, with `distinct`, over the n(n−1) pairs of distinct rows.
pub fn stein_squared(kernel: &Kernel, x: &[f64], scores: &[f64], d: usize, distinct: bool) -> Loss {
    let n = x.len() / d;
    let by = 1.0 / (n as f64 * (n as f64 - if distinct { 1.0 } else { 0.0 }));
    let zeros = || vec![0.0; n * d];
    let mut loss = Loss { d_x: zeros(), d_scores: zeros(), d_x_scale: zeros(), d_scores_scale: zeros(), ..Loss::default() };
    let row = |of: &[f64], i: usize| of[i * d..(i + 1) * d].to_vec();
    let dimension = d as f64;
    for i in 0..n {
        let (xi, a) = (row(x, i), row(scores, i));
        for j in (0..n).filter(|&j| !(distinct && i == j)) {
            let (xj, b) = (row(x, j), row(scores, j));
            let pair = Pair::of(kernel, &xi, &xj, &a, &b);
            let [k, q, w, t] = pair.k;
            loss.value += by * (k * pair.dot + q * (pair.cross + dimension) - w * pair.r2);
            // The exponent is known to a few roundings of itself, and of the logarithm of its base.
            let blur = 1.0 + pair.r2 * q / k.max(f64::MIN_POSITIVE);
            loss.scale += by * blur * (k * pair.dot_size + q * (pair.cross_size + dimension) + w * pair.r2);
            let along = t * pair.r2 - (dimension + 2.0) * w - q * pair.dot - w * pair.cross;
            let along_size = blur * (t * pair.r2 + (dimension + 2.0) * w + q * pair.dot_size + w * pair.cross_size);
            for c in 0..d {
                let (at, e, difference) = (i * d + c, xi[c] - xj[c], a[c] - b[c]);
                // u is symmetric: a row moves both sides.
                loss.d_x[at] += 2.0 * by * (along * e + q * difference);
                loss.d_x_scale[at] += 2.0 * by * (along_size * e.abs() + blur * q * difference.abs());
                loss.d_scores[at] += 2.0 * by * (k * b[c] + q * e);
                loss.d_scores_scale[at] += 2.0 * by * blur * (k * b[c].abs() + q * e.abs());
            }
        }
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Mixture;
    use crate::reference::{check_gradient, differences};

    fn kernels() -> Vec<Kernel> {
        vec![
            Kernel::gaussian(0.8),
            Kernel::Gaussian { bandwidths: vec![0.5, 1.0, 3.0] },
            Kernel::InverseMultiquadric { offset: 0.7, beta: -0.5 },
            Kernel::InverseMultiquadric { offset: 1.3, beta: -0.9 },
        ]
    }

    fn points(n: usize, seed: f64) -> Vec<f64> {
        (0..n).map(|i| 2.0 * ((i as f64 + 1.0) * 0.754_877_67 + seed).sin() * (i as f64 * 1.3 + seed).cos()).collect()
    }

    #[test]
    fn the_four_terms_of_the_stein_kernel_are_derivatives_of_the_kernel() {
        for kernel in kernels() {
            let (x, y, a, b) = (points(3, 0.3), points(3, 1.9), points(3, 4.0), points(3, 5.5));
            let k = |x: &[f64], y: &[f64]| kernel.derivatives(x.iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum())[0];
            let d_x = differences(&x, |x| k(x, &y));
            let d_y = differences(&y, |y| k(&x, y));
            let trace: f64 = (0..3).map(|c| differences(&x, |x| differences(&y, |y| k(x, y))[c])[c]).sum();
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let expected = dot(&a, &b) * k(&x, &y) + dot(&a, &d_y) + dot(&b, &d_x) + trace;
            let found = stein_kernel(&kernel, &x, &y, &a, &b);
            // Differences of differences lose digits.
            assert!((found - expected).abs() < 1e-5, "{kernel:?}: {found} {expected}");
        }
    }

    #[test]
    fn gradients_match_central_differences() {
        for d in [1, 3] {
            let (x, s) = (points(5 * d, 0.3), points(5 * d, 5.1));
            for kernel in kernels() {
                for distinct in [false, true] {
                    let loss = stein_squared(&kernel, &x, &s, d, distinct);
                    let by_x = differences(&x, |x| stein_squared(&kernel, x, &s, d, distinct).value);
                    let by_s = differences(&s, |s| stein_squared(&kernel, &x, s, d, distinct).value);
                    check_gradient("x", &loss.d_x, &by_x, 1e-8);
                    check_gradient("scores", &loss.d_scores, &by_s, 1e-8);
                }
            }
        }
    }

    /// Nodes and weights of the distribution N(shift, 1) on an even grid: its sums converge faster than any power of the step.
    fn normal(shift: f64) -> Vec<(f64, f64)> {
        let weight = |x: f64| (-0.5 * (x - shift).powi(2)).exp() / std::f64::consts::TAU.sqrt();
        (-160..=160).map(|i| shift + f64::from(i) * 0.0625).map(|x| (x, 0.0625 * weight(x))).collect()
    }

    #[test]
    fn ksd_of_a_shifted_normal_distribution_is_its_closed_form_by_quadrature() {
        // p = N(0, 1), q = N(δ, 1), Gaussian kernel: δ² (ℓ²/(ℓ² + 2))^(1/2).
        for (delta, l) in [(0.0, 1.0), (0.7, 0.5), (1.0, 1.0), (2.0, 1.7)] {
            let nodes = normal(delta);
            let mut total = 0.0;
            for &(x, v) in &nodes {
                total +=
                    nodes.iter().map(|&(y, w)| v * w * stein_kernel(&Kernel::gaussian(l), &[x], &[y], &[-x], &[-y])).sum::<f64>();
            }
            let l2 = f64::from(l).powi(2);
            let expected = delta * delta * (l2 / (l2 + 2.0)).sqrt();
            assert!((total - expected).abs() < 1e-9, "δ = {delta}, ℓ = {l}: {total} and not {expected}");
        }
    }

    #[test]
    fn the_stein_identity_holds_for_a_mixture() {
        // E_p [f s + f′] = 0 for f(x) = u(x, y)-like test functions, here f = sin(2x) e^(−x²/20), and E_p u(X, y) = 0 for every y.
        let distribution = Mixture::new(1, &[1.0, 3.0], &[-1.5, 1.0], &[0.6, 1.1]);
        let grid: Vec<f64> = (-400..=400).map(|i| f64::from(i) * 0.03).collect();
        let mean = |f: &dyn Fn(f64, f64) -> f64| {
            let at = |x: f64| 0.03 * distribution.log_density(&[x]).exp() * f(x, distribution.score(&[x])[0]);
            grid.iter().map(|&x| at(x)).sum::<f64>()
        };
        let f = |x: f64| (2.0 * x).sin() * (-x * x / 20.0).exp();
        let slope = |x: f64| (2.0 * (2.0 * x).cos() - x / 10.0 * (2.0 * x).sin()) * (-x * x / 20.0).exp();
        assert!(mean(&|x, s| f(x) * s + slope(x)).abs() < 1e-10);
        for kernel in kernels() {
            for y in [-2.0, 0.1, 3.0] {
                let b = distribution.score(&[y]);
                let found = mean(&|x, s| stein_kernel(&kernel, &[x], &[y], &[s], &b));
                assert!(found.abs() < 1e-9, "{kernel:?} at {y}: {found}");
            }
        }
    }
}
