//! Fourier and moment-generating statistics in f64, straight from their formulas: the reference for `shaders/fourier`.
//!
//! With a complex frequency t = a + i b, f(x) = exp((a + i b)·x), φ̂_x(t) = (1/n) Σᵢ f(xᵢ), and the loss is
//! Σ_k τ_k |φ̂_x(t_k) − φ̂_y(t_k)|². Real frequencies have a = 0: characteristic functions, |f| = 1.
//! The exponent a·x is clamped to [−40, 40], and its gradient is 0 outside: e⁴⁰ is far past anything to be matched in f32.

/// Frequencies as K×d rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequencies {
    pub d: usize,
    /// b, K×d.
    pub imaginary: Vec<f64>,
    /// a, K×d, or none for characteristic functions.
    pub real: Option<Vec<f64>>,
}

/// The exponent a·x is kept within ±this.
pub const EXPONENT_LIMIT: f64 = 40.0;

impl Frequencies {
    pub fn len(&self) -> usize {
        self.imaginary.len() / self.d
    }

    pub fn is_empty(&self) -> bool {
        self.imaginary.is_empty()
    }

    fn growth(&self, k: usize, x: &[f64]) -> (f64, bool) {
        match &self.real {
            None => (0.0, false),
            Some(a) => {
                let p = dot(&a[k * self.d..][..self.d], x);
                (p.clamp(-EXPONENT_LIMIT, EXPONENT_LIMIT), p.abs() <= EXPONENT_LIMIT)
            }
        }
    }

    fn phase(&self, k: usize, x: &[f64]) -> f64 {
        dot(&self.imaginary[k * self.d..][..self.d], x)
    }

    /// Σ|terms| of the phase: an f32 phase is known to a few roundings of this.
    fn phase_scale(&self, k: usize, x: &[f64]) -> f64 {
        let absolute = |w: &[f64]| w[k * self.d..][..self.d].iter().zip(x).map(|(w, x)| (w * x).abs()).sum::<f64>();
        absolute(&self.imaginary) + self.real.as_deref().map_or(0.0, absolute)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Per frequency: mean Re f, mean Im f, mean |f|², and Σ|terms| of the first two (with their phases' rounding).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    pub n: usize,
    pub cos: Vec<f64>,
    pub sin: Vec<f64>,
    pub square: Vec<f64>,
    pub scale: Vec<f64>,
    pub square_scale: Vec<f64>,
}

/// The empirical statistics of x, n×d.
pub fn statistics(frequencies: &Frequencies, x: &[f64]) -> Statistics {
    let (d, count) = (frequencies.d, frequencies.len());
    let n = x.len() / d;
    let zero = || vec![0.0; count];
    let mut s = Statistics { n, cos: zero(), sin: zero(), square: zero(), scale: zero(), square_scale: zero() };
    for k in 0..count {
        for xi in x.chunks_exact(d) {
            let p = frequencies.phase(k, xi);
            let e = frequencies.growth(k, xi).0.exp();
            let conditioning = 1.0 + frequencies.phase_scale(k, xi);
            s.cos[k] += e * p.cos() / n as f64;
            s.sin[k] += e * p.sin() / n as f64;
            s.square[k] += e * e / n as f64;
            s.scale[k] += e * conditioning / n as f64;
            s.square_scale[k] += e * e * conditioning / n as f64;
        }
    }
    s
}

/// The loss with its gradient in x, n×d, and what f32 arithmetic may be held to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loss {
    pub value: f64,
    pub scale: f64,
    pub d_x: Vec<f64>,
    pub d_x_scale: Vec<f64>,
}

/// Σ_k τ_k |φ̂_x − φ̂_y|² and its gradient. `unbiased` replaces |φ̂|² of each sample by (|Σf|² − Σ|f|²)/(n(n−1)), the mean over
/// pairs i ≠ i′.
pub fn loss(frequencies: &Frequencies, x: &[f64], target: &Statistics, tau: &[f64], unbiased: bool) -> Loss {
    let d = frequencies.d;
    let own = statistics(frequencies, x);
    let n = own.n as f64;
    let mut out = Loss { d_x: vec![0.0; x.len()], d_x_scale: vec![0.0; x.len()], ..Loss::default() };
    // mean over pairs of f f̄′ = shrink·|φ̂|² − rest·mean|f|²
    let shares = |n: f64| if unbiased { (n / (n - 1.0), 1.0 / (n - 1.0)) } else { (1.0, 0.0) };
    let ((shrink, rest), (target_shrink, target_rest)) = (shares(n), shares(target.n as f64));
    for k in 0..frequencies.len() {
        let square = |s: &Statistics, (shrink, rest): (f64, f64)| {
            shrink * (s.cos[k] * s.cos[k] + s.sin[k] * s.sin[k]) - rest * s.square[k]
        };
        out.value += tau[k]
            * (square(&own, (shrink, rest)) + square(target, (target_shrink, target_rest))
                - 2.0 * (own.cos[k] * target.cos[k] + own.sin[k] * target.sin[k]));
        let (ours, theirs) = (own.scale[k], target.scale[k]);
        let reach = |s: &Statistics| s.cos[k].hypot(s.sin[k]) + if unbiased { 1.0 / (s.n as f64) * s.scale[k] } else { 0.0 };
        out.scale += tau[k] * (ours + theirs) * (reach(&own) + reach(target))
            + tau[k] * (rest * own.square_scale[k] + target_rest * target.square_scale[k]);
        // ∂/∂Re f and ∂/∂Im f, each for one sample's share 1/n.
        let (p, q) = (2.0 * (shrink * own.cos[k] - target.cos[k]) / n, 2.0 * (shrink * own.sin[k] - target.sin[k]) / n);
        let size = 2.0 * (shrink * ours + theirs) / n;
        for (i, xi) in x.chunks_exact(d).enumerate() {
            let phase = frequencies.phase(k, xi);
            let (growth, free) = frequencies.growth(k, xi);
            let e = growth.exp();
            let (c, s) = (e * phase.cos(), e * phase.sin());
            let spread = 1.0 + frequencies.phase_scale(k, xi);
            for j in 0..d {
                let b = frequencies.imaginary[k * d + j];
                let a = if free { frequencies.real.as_ref().map_or(0.0, |a| a[k * d + j]) } else { 0.0 };
                let g = p * (a * c - b * s) + q * (a * s + b * c) - 2.0 * rest / n * a * e * e;
                out.d_x[i * d + j] += tau[k] * g;
                // The means carry an error of their own scale; the phases one of theirs times the means.
                let bound = e * (a.abs() + b.abs()) * (size + p.hypot(q) * spread) + 2.0 * rest / n * a.abs() * e * e * spread;
                out.d_x_scale[i * d + j] += tau[k].abs() * bound;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(n: usize, seed: f64) -> Vec<f64> {
        (0..n).map(|i| 1.5 * ((i as f64 + 1.0) * 0.754_877_67 + seed).sin() * (i as f64 * 1.3 + seed).cos()).collect()
    }

    #[test]
    fn gradient_matches_central_differences() {
        let (d, count, n, m, h) = (2, 4, 5, 3, 1e-5);
        let (x, y, tau) =
            (points(n * d, 0.2), points(m * d, 3.0), points(count, 9.0).iter().map(|t| t.abs()).collect::<Vec<_>>());
        for real in [None, Some(points(count * d, 2.0))] {
            let frequencies = Frequencies { d, imaginary: points(count * d, 7.0), real };
            let target = statistics(&frequencies, &y);
            for unbiased in [false, true] {
                let out = loss(&frequencies, &x, &target, &tau, unbiased);
                for i in 0..n * d {
                    let at = |by: f64| {
                        let mut x = x.clone();
                        x[i] += by;
                        loss(&frequencies, &x, &target, &tau, unbiased).value
                    };
                    let difference = (at(h) - at(-h)) / (2.0 * h);
                    assert!((difference - out.d_x[i]).abs() < 1e-8, "{i}: {difference} {}", out.d_x[i]);
                }
            }
        }
    }

    #[test]
    fn unbiased_square_is_the_mean_over_distinct_pairs() {
        let frequencies = Frequencies { d: 1, imaginary: vec![1.7], real: None };
        let x = points(6, 0.4);
        let nothing =
            Statistics { n: 2, cos: vec![0.0], sin: vec![0.0], square: vec![0.0], scale: vec![0.0], square_scale: vec![0.0] };
        let value = loss(&frequencies, &x, &nothing, &[1.0], true).value;
        let mut sum = 0.0;
        for (i, a) in x.iter().enumerate() {
            for (j, b) in x.iter().enumerate() {
                if i != j {
                    sum += (1.7 * (a - b)).cos() / 30.0;
                }
            }
        }
        assert!((value - sum).abs() < 1e-14);
    }
}
