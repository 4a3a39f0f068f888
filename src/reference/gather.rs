//! Reference for `gather`: which rows a batch takes.

use super::random::philox;
pub use crate::ops::gather::{Place, batch};

/// The rows that a weighted batch takes.
pub fn weighted(n: u32, thresholds: &[u32], at: Place) -> Vec<u32> {
    (0..n)
        .map(|i| {
            let word = philox([i, at.stream, at.step, at.domain], at.key())[0].min(u32::MAX - 1);
            thresholds.iter().position(|&t| t > word).unwrap_or(thresholds.len() - 1) as u32
        })
        .collect()
}

/// The rows of the block of `n` out of `rows` whose turn it is.
pub fn block(n: u32, rows: u32, step: u32) -> std::ops::Range<u32> {
    let first = step % (rows / n) * n;
    first..first + n
}
