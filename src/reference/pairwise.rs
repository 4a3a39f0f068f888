//! Pairwise kernel sums in f64, straight from their formulas: the reference for `shaders/pairwise/sums.wgsl`.
//!
//! For points x (n×d) and y (m×d), a radial kernel k and column weights v, the row sums are rᵢ = Σⱼ vⱼ k(xᵢ, yⱼ) and their
//! gradients gᵢ = ∂rᵢ/∂xᵢ (Gretton et al. 2012 for the statistics; Székely & Rizzo 2013 for k = −‖x−y‖^β).
//!
//! ```
//! use pushforward::reference::pairwise::{Kernel, mmd_squared};
//! let same = mmd_squared(&Kernel::gaussian(1.0), &[0.0, 1.0], &[0.0, 1.0], 1, false);
//! assert!(same.value.abs() < 1e-15);
//! ```

pub use crate::ops::pairwise::RadialKernel as Kernel;

/// What a sum of f32 terms may be held to: its value and Σ|terms|, where a term's weight includes how much it moves
/// when the points are rounded to f32 relative to their common center.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// rᵢ, n.
    pub value: Vec<f64>,
    /// Σⱼ|terms| of rᵢ, n.
    pub value_scale: Vec<f64>,
    /// gᵢ, n×d.
    pub gradient: Vec<f64>,
    /// Σⱼ|terms| of gᵢ, n×d.
    pub gradient_scale: Vec<f64>,
}

/// Row sums rᵢ = Σⱼ vⱼ k(xᵢ, yⱼ) and their gradients in x. `weights` v defaults to ones. `exclude_diagonal` leaves out i = j.
pub fn rows(kernel: &Kernel, x: &[f64], y: &[f64], d: usize, weights: Option<&[f64]>, exclude_diagonal: bool) -> Rows {
    let (n, m) = (x.len() / d, y.len() / d);
    let center: Vec<f64> = (0..d).map(|c| y.iter().skip(c).step_by(d).sum::<f64>() / m as f64).collect();
    let from_center = |p: &[f64]| p.iter().zip(&center).map(|(p, c)| (p - c) * (p - c)).sum::<f64>();
    let mut rows =
        Rows { value: vec![0.0; n], value_scale: vec![0.0; n], gradient: vec![0.0; n * d], gradient_scale: vec![0.0; n * d] };
    for (i, xi) in x.chunks_exact(d).enumerate() {
        for (j, yj) in y.chunks_exact(d).enumerate() {
            if exclude_diagonal && i == j {
                continue;
            }
            let r2: f64 = xi.iter().zip(yj).map(|(a, b)| (a - b) * (a - b)).sum();
            let (k, slope) = kernel.value_and_slope(r2);
            let v = weights.map_or(1.0, |v| v[j]);
            // r² is known to a few roundings of ‖x‖² + ‖y‖², whichever way it is formed.
            let spread = from_center(xi) + from_center(yj);
            rows.value[i] += v * k;
            rows.value_scale[i] += v.abs() * (k.abs() + slope.abs() * spread);
            for c in 0..d {
                rows.gradient[i * d + c] -= v * slope * (xi[c] - yj[c]);
                rows.gradient_scale[i * d + c] +=
                    v.abs() * slope.abs() * (xi[c] - center[c]).abs().max((yj[c] - center[c]).abs());
            }
        }
    }
    rows
}

/// Σ k over the pairs of each block of `rows` rows of x with each block of `columns` rows of y, blocks of y × blocks of x, with Σ|terms|.
pub fn blocks(kernel: &Kernel, x: &[f64], y: &[f64], d: usize, rows: usize, columns: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut value, mut scale) = (Vec::new(), Vec::new());
    for y in y.chunks(columns * d) {
        let found = self::rows(kernel, x, y, d, None, false);
        value.extend(found.value.chunks(rows).map(|block| block.iter().sum::<f64>()));
        scale.extend(found.value_scale.chunks(rows).map(|block| block.iter().sum::<f64>()));
    }
    (value, scale)
}

/// A scalar loss with its gradients and what f32 arithmetic may be held to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loss {
    pub value: f64,
    pub scale: f64,
    /// ∂value/∂x, n×d, and ∂value/∂y, m×d.
    pub d_x: Vec<f64>,
    pub d_y: Vec<f64>,
    pub d_x_scale: Vec<f64>,
    pub d_y_scale: Vec<f64>,
}

/// MMD²(x, y) = mean k(x, x′) + mean k(y, y′) − 2 mean k(x, y); `unbiased` leaves the diagonals out of the first two
/// and divides them by n(n−1) and m(m−1) (Gretton et al. 2012, eq. 3 and 5). With [`Kernel::Energy`] it is the energy distance.
pub fn mmd_squared(kernel: &Kernel, x: &[f64], y: &[f64], d: usize, unbiased: bool) -> Loss {
    let (n, m) = ((x.len() / d) as f64, (y.len() / d) as f64);
    let off = if unbiased { 1.0 } else { 0.0 };
    let terms = [
        (rows(kernel, x, x, d, None, unbiased), 1.0 / (n * (n - off))),
        (rows(kernel, y, y, d, None, unbiased), 1.0 / (m * (m - off))),
        (rows(kernel, x, y, d, None, false), -2.0 / (n * m)),
        (rows(kernel, y, x, d, None, false), -2.0 / (n * m)),
    ];
    let sum = |r: &[f64], by: f64| r.iter().sum::<f64>() * by;
    // A point moves both sides of its own set's double sum, hence the 2.
    let pair = |own: &[f64], own_by: f64, cross: &[f64], cross_by: f64| -> Vec<f64> {
        own.iter().zip(cross).map(|(a, b)| 2.0 * own_by * a + cross_by * b).collect()
    };
    let [xx, yy, xy, yx] = &terms;
    Loss {
        value: sum(&xx.0.value, xx.1) + sum(&yy.0.value, yy.1) + sum(&xy.0.value, xy.1),
        scale: sum(&xx.0.value_scale, xx.1) + sum(&yy.0.value_scale, yy.1) + sum(&xy.0.value_scale, -xy.1),
        d_x: pair(&xx.0.gradient, xx.1, &xy.0.gradient, xy.1),
        d_y: pair(&yy.0.gradient, yy.1, &yx.0.gradient, yx.1),
        d_x_scale: pair(&xx.0.gradient_scale, xx.1, &xy.0.gradient_scale, -xy.1),
        d_y_scale: pair(&yy.0.gradient_scale, yy.1, &yx.0.gradient_scale, -yx.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernels() -> Vec<Kernel> {
        vec![
            Kernel::gaussian(0.8),
            Kernel::Gaussian { bandwidths: vec![0.5, 1.0, 3.0] },
            Kernel::Laplace { bandwidth: 1.3 },
            Kernel::InverseMultiquadric { offset: 0.7 },
            Kernel::RationalQuadratic { alphas: vec![0.5, 1.0, 2.0], bandwidth: 0.9 },
            Kernel::Energy { beta: 1.0 },
            Kernel::Energy { beta: 0.5 },
            Kernel::Energy { beta: 1.5 },
        ]
    }

    /// Points without pattern: a Weyl sequence through a sine.
    fn points(n: usize, d: usize, seed: f64) -> Vec<f64> {
        (0..n * d).map(|i| 2.0 * ((i as f64 + 1.0) * 0.754_877_67 + seed).sin() * (i as f64 * 1.3 + seed).cos()).collect()
    }

    #[test]
    fn gradients_match_central_differences() {
        let (n, m, h) = (5, 4, 1e-5);
        for d in [1, 3] {
            let (x, y) = (points(n, d, 0.3), points(m, d, 5.1));
            for kernel in kernels() {
                for unbiased in [false, true] {
                    let loss = mmd_squared(&kernel, &x, &y, d, unbiased);
                    let difference = |which: bool, i: usize| {
                        let at = |by: f64| {
                            let (mut x, mut y) = (x.clone(), y.clone());
                            if which {
                                x[i] += by
                            } else {
                                y[i] += by
                            }
                            mmd_squared(&kernel, &x, &y, d, unbiased).value
                        };
                        (at(h) - at(-h)) / (2.0 * h)
                    };
                    for i in 0..n * d {
                        assert!((difference(true, i) - loss.d_x[i]).abs() < 1e-7, "{kernel:?} d={d} x{i}");
                    }
                    for i in 0..m * d {
                        assert!((difference(false, i) - loss.d_y[i]).abs() < 1e-7, "{kernel:?} d={d} y{i}");
                    }
                }
            }
        }
    }

    #[test]
    fn mmd_of_a_sample_with_itself_is_zero() {
        let x = points(9, 2, 1.0);
        for kernel in kernels() {
            let loss = mmd_squared(&kernel, &x, &x, 2, false);
            assert!(loss.value.abs() < 1e-14 && loss.d_x.iter().all(|g| g.abs() < 1e-14), "{kernel:?}");
        }
    }

    #[test]
    fn energy_distance_of_two_diracs_is_twice_their_distance() {
        let loss = mmd_squared(&Kernel::Energy { beta: 1.0 }, &[0.0, 0.0], &[3.0, 4.0], 2, false);
        assert_eq!(loss.value, 10.0);
        assert_eq!(loss.d_x.iter().map(|g| (g * 1e12).round() / 1e12).collect::<Vec<_>>(), [-1.2, -1.6]);
    }
}
