//! Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020), from balls of k-th-neighbour radius.
//!
//! With B(x) the closed ball round x that reaches its k-th nearest neighbour in its own set (k = 5):
//! precision = share of samples in some B(real); recall = share of real rows in some B(sample);
//! density = mean number of B(real) that hold a sample, over k (1 when the laws agree, above 1 when samples crowd the middle);
//! coverage = share of real rows whose ball holds a sample (1 − ∏_{i=1..k}(N−i)/(M+N−i) for equal laws).
//! The intervals treat rows as independent with the balls held fixed.

use super::neighbours::{balls_round, squared_radii};
use super::{Backend, Points, Score, comparable, interval};
use crate::Result;

/// The usual number of neighbours.
pub const NEIGHBOURS: usize = 5;

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

/// The four scores of `samples` against `real` with balls of `k` neighbours.
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
    let share = |yes: usize, of: usize| {
        let (yes, of) = (yes as u64, of as u64);
        let value = yes as f64 / of as f64;
        let standard_error = Some((value * (1.0 - value) / of as f64).sqrt());
        Score { value, standard_error, interval: Some(interval::wilson(yes, of)), ..Score::default() }
    };
    let held = |counts: &[u32]| share(counts.iter().filter(|&&c| c > 0).count(), counts.len());
    let (density, error) = interval::mean_and_error(counts.real_balls_round_sample.iter().map(|&c| f64::from(c) / k as f64));
    Manifold {
        precision: held(&counts.real_balls_round_sample),
        recall: held(&counts.sample_balls_round_real),
        density: Score::normal(density, error),
        coverage: share(counts.covered.iter().filter(|&&c| c).count(), counts.covered.len()),
    }
}
