//! Intervals for ‖δ‖², δ the difference of the mean embeddings of two distributions, from its unbiased estimate U: energy distance and MMD².
//!
//! Means of n and m rows miss δ by a noise G of covariance C = Σ_x/n + Σ_y/m, and U = ‖δ + G‖² − tr C. Its variance is 4⟨δ, Cδ⟩ + 2 tr C². The first
//! part vanishes where the distributions are equal, and *near* equality it is estimated from a δ̂ that is mostly noise, is small just where U is, and
//! the interval U ± 1.96·s covers ‖δ‖² in 81 to 95 % of cases. Here the first part is a function of the unknown ‖δ‖² = θ: 4ρθ, ρ the variance of G along
//! δ. An interval is all θ under which U lies between the 2.5 % and 97.5 % quantiles of a gamma distribution of its mean,
//! variance and third cumulant 8(tr C³ + 3ρ²θ) (Pearson 1895). ρ is
//! that along δ̂, and the largest eigenvalue of C as far as δ̂ is noise. The distance is not negative, and nor are the ends.

use super::{Points, Score, interval};
use crate::Result;

/// Rows of each set from which C is estimated.
const ROWS: usize = 50;
/// Φ⁻¹(0.9).
const DECILE: f64 = 1.281_551_565_544_6;
const POWER_ITERATIONS: usize = 50;

/// Traces of C, and its largest eigenvalue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Noise {
    trace: f64,
    squares: f64,
    cubes: f64,
    largest: f64,
}

impl Noise {
    /// From at most 50 rows of each set, drawn as they weigh, for a kernel of the squared distance.
    pub fn of(x: Points, y: Points, kernel: impl Fn(f32) -> f32) -> Result<Self> {
        let d = x.columns();
        let sets = [drawn(x, 0)?, drawn(y, 1)?];
        let counts = [sets[0].len() / d, sets[1].len() / d];
        let rows: Vec<&[f32]> = sets.iter().flat_map(|set| set.chunks_exact(d)).collect();
        let total = rows.len();
        let set_of = |i: usize| usize::from(i >= counts[0]);
        let members = [0..counts[0], counts[0]..total];
        let squared = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        let mut gram: Vec<Vec<f64>> =
            rows.iter().map(|a| rows.iter().map(|b| f64::from(kernel(squared(a, b)))).collect()).collect();
        // About the mean of each set, in both directions.
        for of_row in &mut gram {
            for members in &members {
                let mean = of_row[members.clone()].iter().sum::<f64>() / members.len() as f64;
                of_row[members.clone()].iter_mut().for_each(|v| *v -= mean);
            }
        }
        for members in &members {
            let mut means = vec![0.0; total];
            for row in &gram[members.clone()] {
                means.iter_mut().zip(row).for_each(|(mean, v)| *mean += v / members.len() as f64);
            }
            for row in &mut gram[members.clone()] {
                row.iter_mut().zip(&means).for_each(|(v, mean)| *v -= mean);
            }
        }
        // The matrix has the eigenvalues of C: each set's part is over its rows here less one, and over all of its rows.
        let all = [x.rows() as f64, y.rows() as f64];
        let scale = |i: usize| 1.0 / ((counts[set_of(i)].max(2) - 1) as f64 * all[set_of(i)]).sqrt();
        for (i, row) in gram.iter_mut().enumerate() {
            row.iter_mut().enumerate().for_each(|(j, v)| *v *= scale(i) * scale(j));
        }
        let product = |v: &[f64]| gram.iter().map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum()).collect::<Vec<f64>>();
        let column = |j: usize| gram.iter().map(|row| row[j]).collect::<Vec<f64>>();
        let cubes = (0..total).map(|j| product(&column(j)).iter().zip(&column(j)).map(|(a, b)| a * b).sum::<f64>()).sum();
        let mut v: Vec<f64> = (0..total).map(|i| 1.0 + (i % 7) as f64).collect();
        let mut largest = 0.0;
        for _ in 0..POWER_ITERATIONS {
            v = product(&v);
            largest = v.iter().map(|v| v * v).sum::<f64>().sqrt();
            if largest == 0.0 {
                break;
            }
            v.iter_mut().for_each(|v| *v /= largest);
        }
        Ok(Self {
            trace: (0..total).map(|i| gram[i][i]).sum(),
            squares: gram.iter().flatten().map(|v| v * v).sum(),
            cubes,
            largest,
        })
    }

    /// The same of rows whose weights differ, where the trace was found to be this: a shape is kept, and a size.
    pub fn with_trace(self, trace: f64) -> Self {
        let by = if self.trace > 0.0 { trace / self.trace } else { 0.0 };
        Self { trace, squares: self.squares * by.powi(2), cubes: self.cubes * by.powi(3), largest: self.largest * by }
    }

    /// The score of an estimate whose first part of the variance was estimated as `plug_in`, from a δ̂ with its noise.
    pub fn score(&self, value: f64, plug_in: f64) -> Score {
        let error = ((plug_in - 4.0 * self.squares).max(0.0) + 2.0 * self.squares).sqrt();
        let length = value.max(0.0) + self.trace;
        if length <= 0.0 {
            return Score { standard_error: Some(error), interval: Some([value.max(0.0); 2]), ..Score::exact(value) };
        }
        let (of_noise, along) = ((self.trace / length).clamp(0.0, 1.0), plug_in / (4.0 * length));
        let along = along.max((1.0 - of_noise) * along + of_noise * self.largest);
        // A quantile of U at a distance θ; `least` is the least of the first part of its variance.
        let quantile = |theta: f64, z: f64, least: f64| {
            let variance = (4.0 * along * theta).max(least) + 2.0 * self.squares;
            let third = 8.0 * (self.cubes + 3.0 * along * along * theta);
            theta + variance.sqrt() * skewed(z, third / variance.powf(1.5).max(f64::MIN_POSITIVE))
        };
        let low = |theta: f64| quantile(theta, interval::Z, plug_in - 4.0 * self.squares) < value;
        // An estimate that no distance explains is bad luck, and no reason to rule all of them out.
        let lifted = value.max(quantile(0.0, -DECILE, 0.0));
        let high = |theta: f64| quantile(theta, -interval::Z, 0.0) <= lifted;
        let start = value.max(0.0);
        let ends = [boundary(0.0, start, low), {
            let mut far = start + length + error;
            while high(far) && far.is_finite() {
                far *= 2.0;
            }
            boundary(0.0, far, high)
        }];
        Score { standard_error: Some(error), interval: Some(ends), ..Score::exact(value) }
    }
}

/// At most 50 rows of equal weight.
fn drawn(points: Points, seed: u64) -> Result<Vec<f32>> {
    let rows = points.thinned(seed);
    // A weight much larger than the others would leave one row, of which nothing varies.
    let rows = if rows.len() < 2 { points.chosen(ROWS, seed) } else { rows };
    let values = points.select(&rows);
    Ok(Points::new(&values, rows.len(), points.columns())?.subsample(ROWS, seed))
}

/// The quantile of a standardized gamma distribution of this skewness whose normal one is z (Wilson & Hilferty 1931).
fn skewed(z: f64, skewness: f64) -> f64 {
    if skewness < 1e-6 {
        return z;
    }
    2.0 / skewness * ((1.0 + skewness * z / 6.0 - skewness * skewness / 36.0).powi(3) - 1.0)
}

/// Where `is_below` turns false between `low` and `high`.
fn boundary(mut low: f64, mut high: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    if !is_below(low) {
        return low;
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if is_below(middle) { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}
