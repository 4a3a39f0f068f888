//! Classifier two-sample test (Lopez-Paz & Oquab 2017): the held-out accuracy of a classifier that tells samples from real rows.
//!
//! ½ says that it cannot. Against N(δ,1) from N(0,1) the best there is has Φ(δ/2).

use super::{Score, interval};
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
