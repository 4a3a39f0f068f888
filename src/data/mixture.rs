//! [`Mixture`]: Gaussian mixtures with diagonal covariances.

/// Σ_k weight_k N(mean_k, diag(deviation_k²)) on ℝᵈ.
///
/// ```
/// let two = pushforward::data::Mixture::equal(1, &[-1.0, 1.0], &[0.5]);
/// assert_eq!(two.score(&[0.0]), [0.0]); // halfway, neither side pulls
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    d: usize,
    weights: Vec<f64>,
    means: Vec<f64>,
    precisions: Vec<f64>,
}

impl Mixture {
    /// From weights (any scale), means and standard deviations, each K × d, component by component.
    pub fn new(d: usize, weights: &[f64], means: &[f64], deviations: &[f64]) -> Self {
        assert!(
            d > 0 && means.len() == weights.len() * d && deviations.len() == means.len(),
            "K weights, K × d means and standard deviations"
        );
        let total: f64 = weights.iter().sum();
        let precisions = deviations.iter().map(|s| 1.0 / (s * s)).collect();
        Self { d, weights: weights.iter().map(|w| w / total).collect(), means: means.to_vec(), precisions }
    }

    /// Components of equal weight and one standard deviation a coordinate for all (or one for all coordinates).
    pub fn equal(d: usize, means: &[f64], deviation: &[f64]) -> Self {
        let deviations: Vec<f64> = (0..means.len()).map(|i| deviation[i % d % deviation.len()]).collect();
        Self::new(d, &vec![1.0; means.len() / d], means, &deviations)
    }

    pub fn dimension(&self) -> usize {
        self.d
    }

    /// K, how many components there are.
    pub fn components(&self) -> usize {
        self.weights.len()
    }

    /// The weights, K, which sum to one.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The means, K × d.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The reciprocals of the variances, K × d.
    pub fn precisions(&self) -> &[f64] {
        &self.precisions
    }

    /// The distribution of z = (x − mean)/scale, column by column: s_z(z) = scale ⊙ s_x(x).
    pub fn standardized(&self, mean: &[f64], scale: &[f64]) -> Self {
        let column = |i: usize| i % self.d;
        let means = self.means.iter().enumerate().map(|(i, m)| (m - mean[column(i)]) / scale[column(i)]).collect();
        let precisions = self.precisions.iter().enumerate().map(|(i, p)| p * scale[column(i)].powi(2)).collect();
        Self { means, precisions, ..self.clone() }
    }

    /// The means, the precisions and the logarithm of the density's constant of each component, K × (2d + 1), as the shader reads them.
    pub fn table(&self) -> Vec<f32> {
        let row = |k: usize| {
            let range = k * self.d..(k + 1) * self.d;
            let numbers = self.means[range.clone()].iter().chain(&self.precisions[range]).copied().chain([self.offset(k)]);
            numbers.map(|v| v as f32).collect::<Vec<f32>>()
        };
        (0..self.components()).flat_map(row).collect()
    }

    fn offset(&self, k: usize) -> f64 {
        let logs: f64 = self.precisions[k * self.d..(k + 1) * self.d].iter().map(|p| p.ln()).sum();
        self.weights[k].ln() + 0.5 * logs - 0.5 * self.d as f64 * std::f64::consts::TAU.ln()
    }

    /// ln(weight_k · density_k(x)) of each component.
    fn logs(&self, x: &[f64]) -> Vec<f64> {
        let square = |k: usize| -> f64 {
            (0..self.d).map(|c| self.precisions[k * self.d + c] * (x[c] - self.means[k * self.d + c]).powi(2)).sum()
        };
        (0..self.components()).map(|k| self.offset(k) - 0.5 * square(k)).collect()
    }

    /// ln p(x).
    pub fn log_density(&self, x: &[f64]) -> f64 {
        log_sum(&self.logs(x))
    }

    /// ∇ ln p(x), d: the components' pulls P_k (m_k − x), weighted by their shares of the density.
    pub fn score(&self, x: &[f64]) -> Vec<f64> {
        let logs = self.logs(x);
        let all = log_sum(&logs);
        let pull = |k: usize, c: usize| self.precisions[k * self.d + c] * (self.means[k * self.d + c] - x[c]);
        (0..self.d).map(|c| logs.iter().enumerate().map(|(k, log)| (log - all).exp() * pull(k, c)).sum()).collect()
    }
}

/// ln Σ exp.
fn log_sum(logs: &[f64]) -> f64 {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + logs.iter().map(|log| (log - most).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_density_integrates_to_one_and_standardizing_divides_it_by_the_scale() {
        let mixture = Mixture::new(1, &[1.0, 2.0, 0.5], &[1.0, -0.6, 1.3], &[0.7, 0.9, 0.5]);
        let step = 0.001;
        let grid = || (-12_000..12_000).map(|i| f64::from(i) * step);
        let total: f64 = grid().map(|x| mixture.log_density(&[x]).exp() * step).sum();
        assert!((total - 1.0).abs() < 1e-9, "{total}");
        let standard = mixture.standardized(&[0.7], &[1.9]);
        let (z, x) = ([0.4], [0.7 + 1.9 * 0.4]);
        assert!((standard.log_density(&z) - mixture.log_density(&x) - 1.9f64.ln()).abs() < 1e-12);
        assert!((standard.score(&z)[0] - 1.9 * mixture.score(&x)[0]).abs() < 1e-12);
    }
}
