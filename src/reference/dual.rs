//! Kantorovich's dual with a soft constraint in f64, straight from its formulas: the reference for `shaders/dual.wgsl`.
//!
//! ```
//! use pushforward::reference::dual::{Problem, Softness, dual};
//! let problem = Problem { f: &[4.0], g: &[5.0], x: &[0.0], y: &[3.0], d: 1, p: 2.0, epsilon: 0.5, softness: Softness::Quadratic };
//! assert_eq!(dual(&problem).value.value, [9.0]); // f + g = c: nothing is violated
//! ```

use super::Exact;

pub use crate::ops::dual::{KNEE, Softness};

/// P and P' at t.
pub fn penalty(softness: Softness, t: f64, epsilon: f64) -> (f64, f64) {
    match softness {
        Softness::Entropic => {
            let z = t / epsilon;
            let slope = z.min(KNEE).exp();
            (epsilon * (slope * (1.0 + (z - KNEE).max(0.0)) - 1.0), slope)
        }
        Softness::Quadratic => (t.max(0.0).powi(2) / (4.0 * epsilon), t.max(0.0) / (2.0 * epsilon)),
    }
}

/// Points with their potentials.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// Potentials of the rows of x and of y.
    pub f: &'a [f64],
    pub g: &'a [f64],
    pub x: &'a [f64],
    pub y: &'a [f64],
    pub d: usize,
    /// The cost's exponent p.
    pub p: f64,
    pub epsilon: f64,
    pub softness: Softness,
}

/// V = mean f + mean g − mean P(f + g − c) and its gradients.
#[derive(Clone, Debug)]
pub struct Dual {
    pub value: Exact,
    pub d_f: Exact,
    pub d_g: Exact,
    pub d_x: Exact,
    pub d_y: Exact,
}

/// The dual's value and all its gradients.
pub fn dual(problem: &Problem) -> Dual {
    let Problem { f, g, x, y, .. } = *problem;
    let (value, d_f, d_x) = rows(problem);
    let (_, d_g, d_y) = rows(&Problem { f: g, g: f, x: y, y: x, ..*problem });
    Dual { value, d_f, d_g, d_x, d_y }
}

/// V with its gradients in f and x.
fn rows(problem: &Problem) -> (Exact, Exact, Exact) {
    let Problem { f, g, x, y, d, p, epsilon, softness } = *problem;
    let (n, m) = (f.len(), g.len());
    let terms = n.max(m) + d;
    let by = 1.0 / (n as f64 * m as f64);
    let [mut value, mut d_f, mut d_x] = [0; 3].map(|_| Exact::new(terms));
    let (mut sum, mut scale) = (0.0, 0.0);
    for (of, at) in [(f, 1.0 / n as f64), (g, 1.0 / m as f64)] {
        sum += at * of.iter().sum::<f64>();
        scale += at * of.iter().map(|v| v.abs()).sum::<f64>();
    }
    for (f, x) in f.iter().zip(x.chunks_exact(d)) {
        let (mut weights, mut weights_scale) = (0.0, 0.0);
        let (mut pull, mut pull_scale) = (vec![0.0; d], vec![0.0; d]);
        for (g, y) in g.iter().zip(y.chunks_exact(d)) {
            let r2: f64 = x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).sum();
            let c = r2.powf(p / 2.0);
            let slope = if r2 > 0.0 { p * r2.powf(p / 2.0 - 1.0) } else { 0.0 };
            let t = f + g - c;
            let (value, weight) = penalty(softness, t, epsilon);
            // t is known to a few roundings of its terms: what they do to P' and to P.
            let size = f.abs() + g.abs() + c;
            let (weight_scale, penalty_scale) = match softness {
                Softness::Entropic => (weight * (1.0 + size / epsilon), weight * (epsilon + size) + epsilon),
                // At the kink, rounding decides whether a pair counts at all.
                Softness::Quadratic if t > -1e-6 * size => (0.5 * size / epsilon, weight * size),
                Softness::Quadratic => (0.0, 0.0),
            };
            sum -= by * value;
            scale += by * penalty_scale;
            weights += weight;
            weights_scale += weight_scale;
            for k in 0..d {
                pull[k] += by * weight * slope * (x[k] - y[k]);
                pull_scale[k] += by * weight_scale * slope * (x[k] - y[k]).abs();
            }
        }
        d_f.push_scaled(1.0 / n as f64 - by * weights, 1.0 / n as f64 + by * weights_scale);
        pull.iter().zip(&pull_scale).for_each(|(v, s)| d_x.push_scaled(*v, *s));
    }
    value.push_scaled(sum, scale);
    (value, d_f, d_x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{check_gradient, differences};

    fn points(n: usize, seed: f64) -> Vec<f64> {
        (0..n).map(|i| 2.0 * ((i as f64 + 1.0) * 0.754_877_67 + seed).sin() * (i as f64 * 1.3 + seed).cos()).collect()
    }

    #[test]
    fn the_penalties_slope_is_its_derivative_on_both_sides_of_the_knee() {
        for softness in [Softness::Entropic, Softness::Quadratic] {
            for t in [-30.0, -1.0, -0.2, 0.3, 2.0, 9.9, 10.1, 300.0] {
                let by_t = differences(&[t], |t| penalty(softness, t[0], 0.5).0);
                check_gradient(&format!("{softness:?} at {t}"), &[penalty(softness, t, 0.5).1], &by_t, 1e-8);
            }
        }
        // It is continuous there, and so is its slope.
        let [below, above] = [KNEE * 0.5 - 1e-12, KNEE * 0.5 + 1e-12].map(|t| penalty(Softness::Entropic, t, 0.5));
        assert!((above.0 / below.0 - 1.0).abs() < 1e-9 && (above.1 / below.1 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn gradients_match_central_differences() {
        let (n, m) = (4, 5);
        for d in [1, 3] {
            let (f, g, x, y) = (points(n, 0.2), points(m, 0.9), points(n * d, 0.3), points(m * d, 5.1));
            for softness in [Softness::Entropic, Softness::Quadratic] {
                for p in [0.5, 1.0, 1.5, 2.0] {
                    let at = Problem { f: &f, g: &g, x: &x, y: &y, d, p, epsilon: 0.8, softness };
                    let value = |problem: Problem| dual(&problem).value.value[0];
                    let found = dual(&at);
                    let what = |name| format!("{softness:?} p={p} d={d} {name}");
                    for (name, found, expected) in [
                        ("∂f", found.d_f, differences(&f, |f| value(Problem { f, ..at }))),
                        ("∂g", found.d_g, differences(&g, |g| value(Problem { g, ..at }))),
                        ("∂x", found.d_x, differences(&x, |x| value(Problem { x, ..at }))),
                        ("∂y", found.d_y, differences(&y, |y| value(Problem { y, ..at }))),
                    ] {
                        check_gradient(&what(name), &found.value, &expected, 1e-7);
                    }
                }
            }
        }
    }
}
