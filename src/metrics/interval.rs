//! Intervals for a proportion, a mean and a median; all two-sided at 95 %.

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::beta::inv_beta_reg;

/// The share of repetitions in which an interval covers what it estimates.
pub const LEVEL: f64 = 0.95;
/// Φ⁻¹(0.975).
pub const Z: f64 = 1.959_963_984_540_054;

/// `value ± 1.96 · standard_error`.
pub fn normal(value: f64, standard_error: f64) -> [f64; 2] {
    [value - Z * standard_error, value + Z * standard_error]
}

/// Wilson's score interval for `successes` of `trials` (Wilson 1927); never leaves [0, 1], sound near its ends.
pub fn wilson(successes: u64, trials: u64) -> [f64; 2] {
    if trials == 0 {
        return [0.0, 1.0];
    }
    wilson_of(successes as f64, trials as f64)
}

/// The same for numbers that need not be whole, as of trials that depend on each other and count for fewer.
pub fn wilson_of(k: f64, n: f64) -> [f64; 2] {
    let p = k / n;
    let scale = 1.0 / (1.0 + Z * Z / n);
    let center = (p + Z * Z / (2.0 * n)) * scale;
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() * scale;
    [if k <= 0.0 { 0.0 } else { center - half }, if k >= n { 1.0 } else { center + half }]
}

/// The exact interval for `successes` of `trials` (Clopper & Pearson 1934): covers at least 95 % at every true share.
pub fn clopper_pearson(successes: u64, trials: u64) -> [f64; 2] {
    clopper_pearson_of(successes as f64, trials as f64)
}

/// The same for numbers that need not be whole, as of trials that depend on each other and count for fewer.
pub fn clopper_pearson_of(k: f64, n: f64) -> [f64; 2] {
    let tail = (1.0 - LEVEL) / 2.0;
    let low = if k <= 0.0 { 0.0 } else { inv_beta_reg(k, n - k + 1.0, tail) };
    let high = if k >= n { 1.0 } else { inv_beta_reg(k + 1.0, n - k, 1.0 - tail) };
    [low, high]
}

/// The median and its distribution-free interval from two order statistics; `values` is sorted in place.
pub fn median(values: &mut [f64]) -> Option<(f64, [f64; 2])> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let middle = 0.5 * (values[(n - 1) / 2] + values[n / 2]);
    let reach = Z * (n as f64).sqrt() / 2.0;
    let low = (n as f64 / 2.0 - reach).floor().max(0.0) as usize;
    let high = ((n as f64 / 2.0 + reach).ceil() as usize).min(n - 1);
    Some((middle, [values[low], values[high]]))
}

/// Mean and standard error of the mean.
pub fn mean_and_error(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    (mean, (variance(values) / n).sqrt())
}

/// The mean of a few values and Student's interval for it (1908): exact for normal values, and none for a single one.
pub fn student(values: &[f64]) -> Option<(f64, Option<[f64; 2]>)> {
    let n = values.len() as f64;
    let (mean, error) = mean_and_error(values.iter().copied());
    let quantile = StudentsT::new(0.0, 1.0, n - 1.0).ok().map(|student| student.inverse_cdf((1.0 + LEVEL) / 2.0));
    (n > 0.0).then(|| (mean, quantile.map(|t| [mean - t * error, mean + t * error])))
}

/// Sample variance (divisor n − 1); zero for fewer than two values.
pub fn variance(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let mean = values.clone().sum::<f64>() / n;
    values.map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0)
}
