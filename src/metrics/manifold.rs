//! Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020), from balls of k-th-neighbor radius.
//!
//! With B(x) the closed ball round x that reaches its k-th nearest neighbor in its own set (k = 5):
//! precision = share of samples in some B(real); recall = share of real rows in some B(sample);
//! density = mean number of B(real) that hold a sample, over k (1 when the distributions agree, above 1 when samples crowd the middle);
//! coverage = share of real rows whose ball holds a sample (1 − ∏_{i=1..k}(N−i)/(M+N−i) for equal distributions).
//!
//! Rows that share balls are not independent, and other balls would come with other rows: the scores vary more than as many independent rows would. For equal
//! distributions of 1 to 20 columns and n real rows and m samples between 150 and 600, the variance over draws of both sets is that of independent rows
//! times about 1 + m/n for precision, 1 + n/m for recall, 1 + 1.5 m/n for density and 1 + 1.5 √(n/m) for coverage (measured: precision 1.1 to 1.7, 1.9 to 3.1
//! in one column, and 2.5 to 6.6 for m = 4n). The intervals are Wilson's of as many fewer rows, and ± 1.96 such errors for density.

use super::neighbors::{balls_round, squared_radii};
use super::{Backend, Points, Score, comparable, interval};
use crate::Result;

/// The usual number of neighbors.
pub const NEIGHBORS: usize = 5;

#[derive(Clone, Debug)]
pub struct Manifold {
    pub precision: Score,
    pub recall: Score,
    pub density: Score,
    pub coverage: Score,
}

/// How the points of one set meet the balls of the other: all that the four scores need.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// For each sample, how many real balls hold it.
    pub real_balls_round_sample: Vec<u32>,
    /// For each real row, how many sample balls hold it.
    pub sample_balls_round_real: Vec<u32>,
    /// For each real row, whether its own ball holds a sample.
    pub covered: Vec<bool>,
}

/// The four scores of `samples` against `real` with balls of `k` neighbors.
pub fn scores(on: &Backend, real: Points, samples: Points, k: usize) -> Result<Manifold> {
    comparable(real, samples, k + 1)?;
    let (real_radii, sample_radii) = (squared_radii(on, real, k)?, squared_radii(on, samples, k)?);
    let held = balls_round(on, samples, real, &real_radii)?;
    let other = balls_round(on, real, samples, &sample_radii)?;
    let covered = other.iter().zip(&real_radii).map(|((_, nearest), radius)| nearest <= radius).collect();
    let counts = |held: Vec<(u32, f32)>| held.into_iter().map(|(count, _)| count).collect();
    let counts = Counts { real_balls_round_sample: counts(held), sample_balls_round_real: counts(other), covered };
    Ok(from_counts(&counts, k))
}

/// The four scores from the counts.
pub fn from_counts(counts: &Counts, k: usize) -> Manifold {
    let (n, m) = (counts.covered.len() as f64, counts.real_balls_round_sample.len() as f64);
    // `dependence` is the variance over that of independent rows.
    let share = |yes: usize, of: usize, dependence: f64| {
        let (yes, of) = (yes as f64 / dependence, of as f64 / dependence);
        let value = yes / of;
        let standard_error = Some((value * (1.0 - value) / of).sqrt());
        Score { value, standard_error, interval: Some(interval::wilson_of(yes, of)), ..Score::default() }
    };
    let held = |counts: &[u32], dependence| share(counts.iter().filter(|&&c| c > 0).count(), counts.len(), dependence);
    let (density, error) = interval::mean_and_error(counts.real_balls_round_sample.iter().map(|&c| f64::from(c) / k as f64));
    Manifold {
        precision: held(&counts.real_balls_round_sample, 1.0 + m / n),
        recall: held(&counts.sample_balls_round_real, 1.0 + n / m),
        density: Score::normal(density, error * (1.0 + 1.5 * m / n).sqrt()),
        coverage: share(counts.covered.iter().filter(|&&c| c).count(), counts.covered.len(), 1.0 + 1.5 * (n / m).sqrt()),
    }
}
