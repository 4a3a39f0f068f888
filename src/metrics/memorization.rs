//! Has the sampler memorized its training rows?
//!
//! - **Ratio**: the median over samples s of d(s, x*)/d(x*, its nearest other training row), with x* the training row nearest to s.
//!   About 1 for fresh rows of the same distribution, 0 for copies.
//! - **Authenticity** (Alaa et al. 2022, eq. 4): the share of samples whose ratio is above 1, farther from x* than x* from its own neighbor.
//! - **Data-copying test** (Meehan, Chaudhuri & Dasgupta 2020, one cell): the Mann–Whitney z of distances to the training rows, samples against
//!   rows that were not trained on; far below 0 means that samples lie nearer to the training rows than fresh data do, with a one-sided p-value.
//!
//! Read them beside the same scores of fresh rows: duplicated training rows (distance 0) count as copied only when a sample falls on them.

use statrs::function::erf::erfc;

use super::neighbors::{nearest, nearest_others};
use super::{Backend, Points, Score, comparable, interval};
use crate::Result;

/// Training rows in which copies are looked for, at most.
pub(super) const TRAINING_ROWS: usize = 200_000;
/// Samples that are looked at, at least, where there are so many.
pub(super) const LEAST_ROWS: usize = 1_000;

#[derive(Clone, Debug)]
pub struct Scores {
    /// None where the training rows next to half of the samples or more repeat: they have no distance to divide by.
    pub ratio: Option<Score>,
    pub authenticity: Score,
}

/// The ratio and the authenticity of `samples` given the rows they were trained on.
pub fn scores(on: &Backend, train: Points, samples: Points) -> Result<Scores> {
    comparable(train, samples, 2)?;
    of_nearest(on, train, nearest(on, samples, train)?)
}

/// All three scores of samples, whose nearest training rows are looked for once.
pub(super) fn all(on: &Backend, train: Points, validation: Points, samples: Points) -> Result<(Scores, Score)> {
    comparable(train, samples, 2)?;
    comparable(train, validation, 1)?;
    let (own, others) = (nearest(on, samples, train)?, nearest(on, validation, train)?);
    let test = compared(&distances(&own), &distances(&others));
    Ok((of_nearest(on, train, own)?, test))
}

fn distances(nearest: &[(usize, f32)]) -> Vec<f32> {
    nearest.iter().map(|(_, distance)| *distance).collect()
}

fn of_nearest(on: &Backend, train: Points, nearest: Vec<(usize, f32)>) -> Result<Scores> {
    let places: Vec<usize> = nearest.iter().map(|(at, _)| *at).collect();
    let own = nearest_others(on, train, &places)?;
    let mut ratios: Vec<f64> = nearest
        .into_iter()
        .zip(own)
        .map(|((_, distance), own)| match (distance, own) {
            (0.0, _) => 0.0,
            // A duplicated training row has no neighborhood to be inside of.
            (_, 0.0) => f64::INFINITY,
            (distance, own) => f64::from(distance) / f64::from(own),
        })
        .collect();
    let authentic = ratios.iter().filter(|&&r| r > 1.0).count();
    let total = ratios.len();
    let share = authentic as f64 / total as f64;
    let ratio = interval::median(&mut ratios).filter(|(value, _)| value.is_finite()).map(|(value, [low, high])| Score {
        value,
        interval: high.is_finite().then_some([low, high]),
        ..Score::default()
    });
    Ok(Scores {
        ratio,
        authenticity: Score {
            value: share,
            standard_error: Some((share * (1.0 - share) / total as f64).sqrt()),
            interval: Some(interval::wilson(authentic as u64, total as u64)),
            ..Score::default()
        },
    })
}

/// The z-score of Meehan et al. for `samples` against `validation` rows, both measured by their distance to `train`.
pub fn test(on: &Backend, train: Points, validation: Points, samples: Points) -> Result<Score> {
    comparable(train, samples, 1)?;
    comparable(train, validation, 1)?;
    Ok(compared(&distances(&nearest(on, samples, train)?), &distances(&nearest(on, validation, train)?)))
}

/// z of distances of samples over those of validation rows.
fn compared(samples: &[f32], validation: &[f32]) -> Score {
    let z = mann_whitney(samples, validation);
    Score { value: z, standard_error: Some(1.0), interval: Some(interval::normal(z, 1.0)), ..Score::default() }
        .with_p_value(0.5 * erfc(-z / std::f64::consts::SQRT_2))
}

/// z of the Mann–Whitney U statistic of `a` over `b`, ties at their middle rank and in the variance; negative when `a` is smaller.
pub fn mann_whitney(a: &[f32], b: &[f32]) -> f64 {
    let mut all: Vec<(f32, bool)> = a.iter().map(|&v| (v, true)).chain(b.iter().map(|&v| (v, false))).collect();
    all.sort_unstable_by(|p, q| p.0.total_cmp(&q.0));
    let (mut ranks, mut ties, mut start) = (0.0, 0.0, 0);
    for group in all.chunk_by(|p, q| p.0 == q.0) {
        let (count, of_a) = (group.len() as f64, group.iter().filter(|p| p.1).count() as f64);
        ranks += of_a * (start as f64 + (count + 1.0) / 2.0);
        ties += count * (count * count - 1.0);
        start += group.len();
    }
    let (n, m) = (a.len() as f64, b.len() as f64);
    let total = n + m;
    let u = ranks - n * (n + 1.0) / 2.0;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance > 0.0 { (u - n * m / 2.0) / variance.sqrt() } else { 0.0 }
}
