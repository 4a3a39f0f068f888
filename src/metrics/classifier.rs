//! Classifier two-sample test (Lopez-Paz & Oquab 2017): the held-out accuracy of a classifier that tells samples from real rows.
//!
//! ½ says that it cannot. Against N(δ,1) from N(0,1) the best there is has Φ(δ/2).

use super::{Points, Score, comparable, interval};
use crate::{Error, Result};

/// The accuracy from `correct` of `total` held-out rows, half of each set: Clopper–Pearson interval, and the exact p-value
/// P(Bin(total, ½) ≥ correct), which needs no permutations because the held-out labels are fair coins when the laws are equal.
///
/// # Errors
/// When `total` is zero or `correct` is larger.
pub fn accuracy(correct: u64, total: u64) -> Result<Score> {
    if total == 0 || correct > total {
        return Err(Error::usage(format!("{correct} of {total} held-out rows were called right: that is no accuracy")));
    }
    let value = correct as f64 / total as f64;
    Ok(Score {
        value,
        standard_error: Some((value * (1.0 - value) / total as f64).sqrt()),
        interval: Some(interval::clopper_pearson(correct, total)),
        p_value: Some(interval::fair_coin_tail(correct, total)),
        rows_used: None,
    })
}

/// Rows to train on and rows to judge by, half of each set in each, so that guessing is right half of the time.
#[derive(Clone, Debug)]
pub struct Task {
    pub columns: usize,
    /// Rows of both sets in turn, each column centred and scaled by the pooled rows.
    pub train: Vec<f32>,
    /// 0 for a real row, 1 for a sample; one a row of `train`.
    pub train_labels: Vec<f32>,
    pub held_out: Vec<f32>,
    pub held_out_labels: Vec<f32>,
}

impl Task {
    /// Takes at most `most` rows of each set, equally many, drawn by `seed`.
    pub fn new(real: Points, samples: Points, most: usize, seed: u64) -> Result<Self> {
        comparable(real, samples, 4)?;
        let (n, d) = (real.rows().min(samples.rows()).min(most.max(4)) / 2 * 2, real.columns());
        // A full-size draw keeps file order, which may be sorted: the halves alternate.
        let rows = [real.subsample(n, seed), samples.subsample(n, seed.wrapping_add(1))];
        let count = (2 * n) as f64;
        let of_column = |j: usize| rows.iter().flat_map(move |set| set.iter().skip(j).step_by(d).map(|&v| f64::from(v)));
        let scales: Vec<(f64, f64)> = (0..d)
            .map(|j| {
                let deviation = interval::variance(of_column(j).collect::<Vec<_>>().into_iter()).sqrt();
                (of_column(j).sum::<f64>() / count, if deviation > 0.0 { deviation } else { 1.0 })
            })
            .collect();
        let mut task =
            Self { columns: d, train: Vec::new(), train_labels: Vec::new(), held_out: Vec::new(), held_out_labels: Vec::new() };
        for i in 0..n {
            for (label, set) in rows.iter().enumerate() {
                let row =
                    set[i * d..(i + 1) * d].iter().zip(&scales).map(|(&v, (mean, scale))| ((f64::from(v) - mean) / scale) as f32);
                let (values, labels) = match i % 2 {
                    0 => (&mut task.train, &mut task.train_labels),
                    _ => (&mut task.held_out, &mut task.held_out_labels),
                };
                values.extend(row);
                labels.push(label as f32);
            }
        }
        Ok(task)
    }
}
