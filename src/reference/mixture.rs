//! Gaussian mixtures with diagonal covariances in f64: the twin of `shaders/mixture.wgsl`.
//!
//! log p(x) = log Σ_k exp l_k; score s = Σ r_k g_k with g_k = P_k (m_k − x) and responsibilities r_k = exp(l_k − log p);
//! ∇² log p·v = Σ r_k [(g_k − s)((g_k − s)·v) − P_k v] (Bishop 2006, §9.2).
//!
//! ```
//! use pushforward::reference::mixture::Mixture;
//! let two = Mixture::equal(1, &[-1.0, 1.0], &[0.5]);
//! assert_eq!(two.score(&[0.0]).value, [0.0]); // halfway, neither side pulls
//! ```

use super::Twin;

/// Σ_k weight_k N(m_k, diag(deviation_k²)) on ℝᵈ.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    d: usize,
    weights: Vec<f64>,
    /// m, K × d.
    means: Vec<f64>,
    /// P, K × d.
    precisions: Vec<f64>,
}

/// What one point needs of every component.
struct At {
    log_density: f64,
    /// r_k, and how far rounding can move it, relatively: the sizes of the numbers in its exponent.
    shares: Vec<(f64, f64)>,
}

impl Mixture {
    /// From weights (any scale), means and deviations, each K × d, component by component.
    pub fn new(d: usize, weights: &[f64], means: &[f64], deviations: &[f64]) -> Self {
        assert!(
            d > 0 && means.len() == weights.len() * d && deviations.len() == means.len(),
            "K weights, K × d means and deviations"
        );
        let total: f64 = weights.iter().sum();
        let precisions = deviations.iter().map(|s| 1.0 / (s * s)).collect();
        Self { d, weights: weights.iter().map(|w| w / total).collect(), means: means.to_vec(), precisions }
    }

    /// Components of equal weight and one deviation a coordinate for all (or one for all coordinates).
    pub fn equal(d: usize, means: &[f64], deviation: &[f64]) -> Self {
        let deviations: Vec<f64> = (0..means.len()).map(|i| deviation[i % d % deviation.len()]).collect();
        Self::new(d, &vec![1.0; means.len() / d], means, &deviations)
    }

    pub fn dimension(&self) -> usize {
        self.d
    }

    /// How many components there are.
    pub fn components(&self) -> usize {
        self.weights.len()
    }

    /// The law of z = (x − mean)/scale, column by column: s_z(z) = scale ⊙ s_x(x).
    pub fn standardised(&self, mean: &[f64], scale: &[f64]) -> Self {
        let column = |i: usize| i % self.d;
        let means = self.means.iter().enumerate().map(|(i, m)| (m - mean[column(i)]) / scale[column(i)]).collect();
        let precisions = self.precisions.iter().enumerate().map(|(i, p)| p * scale[column(i)].powi(2)).collect();
        Self { means, precisions, ..self.clone() }
    }

    /// What the shader reads: m, P and c of each component, K × (2d + 1).
    pub fn table(&self) -> Vec<f32> {
        let row = |k: usize| {
            let range = k * self.d..(k + 1) * self.d;
            let numbers = self.means[range.clone()].iter().chain(&self.precisions[range]).copied().chain([self.offset(k)]);
            numbers.map(|v| v as f32).collect::<Vec<f32>>()
        };
        (0..self.components()).flat_map(row).collect()
    }

    /// c_k.
    fn offset(&self, k: usize) -> f64 {
        let logs: f64 = self.precisions[k * self.d..(k + 1) * self.d].iter().map(|p| p.ln()).sum();
        self.weights[k].ln() + 0.5 * logs - 0.5 * self.d as f64 * std::f64::consts::TAU.ln()
    }

    fn square(&self, k: usize, x: &[f64]) -> f64 {
        (0..self.d).map(|c| self.precisions[k * self.d + c] * (x[c] - self.means[k * self.d + c]).powi(2)).sum()
    }

    fn at(&self, x: &[f64]) -> At {
        let parts: Vec<(f64, f64)> = (0..self.components()).map(|k| (self.offset(k), 0.5 * self.square(k, x))).collect();
        let most = parts.iter().map(|(c, q)| c - q).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = parts.iter().map(|(c, q)| (c - q - most).exp()).sum();
        let log_density = most + sum.ln();
        let size = |&(c, q): &(f64, f64)| c.abs() + q;
        let typical: f64 = parts.iter().map(|p| (p.0 - p.1 - log_density).exp() * size(p)).sum();
        let shares = parts.iter().map(|p| ((p.0 - p.1 - log_density).exp(), 1.0 + size(p) + typical)).collect();
        At { log_density, shares }
    }

    /// g_kc.
    fn pull(&self, k: usize, c: usize, x: &[f64]) -> f64 {
        self.precisions[k * self.d + c] * (self.means[k * self.d + c] - x[c])
    }

    /// log p(x).
    pub fn log_density(&self, x: &[f64]) -> Twin {
        let at = self.at(x);
        let mut twin = Twin::new(self.components().max(self.d));
        twin.push_scaled(at.log_density, at.shares.iter().map(|(r, size)| r * size).sum());
        twin
    }

    /// ∇ log p(x), d.
    pub fn score(&self, x: &[f64]) -> Twin {
        let at = self.at(x);
        let mut twin = Twin::new(self.components().max(self.d));
        for c in 0..self.d {
            let terms = || at.shares.iter().enumerate().map(|(k, share)| (share, self.pull(k, c, x)));
            twin.push_scaled(terms().map(|((r, _), g)| r * g).sum(), terms().map(|((r, size), g)| r * size * g.abs()).sum());
        }
        twin
    }

    /// ∇² log p(x)·v, d.
    pub fn hessian_vector(&self, x: &[f64], v: &[f64]) -> Twin {
        let (at, score) = (self.at(x), self.score(x));
        let mut twin = Twin::new(self.components().max(self.d));
        let (mut value, mut scale) = (vec![0.0; self.d], vec![0.0; self.d]);
        for (k, &(r, size)) in at.shares.iter().enumerate() {
            let from_mean: Vec<f64> = (0..self.d).map(|c| self.pull(k, c, x) - score.value[c]).collect();
            let reach: Vec<f64> = (0..self.d).map(|c| self.pull(k, c, x).abs() + score.scale[c]).collect();
            let along: f64 = from_mean.iter().zip(v).map(|(e, v)| e * v).sum();
            let longest: f64 = reach.iter().zip(v).map(|(e, v)| e * v.abs()).sum();
            for c in 0..self.d {
                let p = self.precisions[k * self.d + c];
                value[c] += r * (from_mean[c] * along - p * v[c]);
                scale[c] += r * size * (reach[c] * longest + p * v[c].abs());
            }
        }
        value.into_iter().zip(scale).for_each(|(value, scale)| twin.push_scaled(value, scale));
        twin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{check_gradient, differences};

    fn mixture(d: usize) -> Mixture {
        let number = |i: usize| ((i as f64 + 1.0) * 0.754_877_67).sin() * 1.5;
        let means: Vec<f64> = (0..3 * d).map(number).collect();
        let deviations: Vec<f64> = (0..3 * d).map(|i| 0.4 + number(i + 7).abs()).collect();
        Mixture::new(d, &[1.0, 2.0, 0.5], &means, &deviations)
    }

    #[test]
    fn scores_and_hessians_are_derivatives() {
        for d in [1, 3] {
            let mixture = mixture(d);
            let x: Vec<f64> = (0..d).map(|c| 0.3 - 0.4 * c as f64).collect();
            let v: Vec<f64> = (0..d).map(|c| 1.0 - 0.7 * c as f64).collect();
            let slopes = differences(&x, |x| mixture.log_density(x).value[0]);
            check_gradient("score", &mixture.score(&x).value, &slopes, 1e-8);
            let along = |x: &[f64]| mixture.score(x).value.iter().zip(&v).map(|(s, v)| s * v).sum();
            check_gradient("hessian", &mixture.hessian_vector(&x, &v).value, &differences(&x, along), 1e-8);
        }
    }

    #[test]
    fn the_density_integrates_to_one_and_standardising_divides_it_by_the_scale() {
        let mixture = mixture(1);
        let step = 0.001;
        let grid = || (-12_000..12_000).map(|i| f64::from(i) * step);
        let total: f64 = grid().map(|x| mixture.log_density(&[x]).value[0].exp() * step).sum();
        assert!((total - 1.0).abs() < 1e-9, "{total}");
        let standard = mixture.standardised(&[0.7], &[1.9]);
        let (z, x) = ([0.4], [0.7 + 1.9 * 0.4]);
        assert!((standard.log_density(&z).value[0] - mixture.log_density(&x).value[0] - 1.9f64.ln()).abs() < 1e-12);
        assert!((standard.score(&z).value[0] - 1.9 * mixture.score(&x).value[0]).abs() < 1e-12);
    }
}
