//! Twin of `gather`: which rows a batch takes.

use super::random::philox;
use crate::ops::gather::half_bits;

/// Who asks: the words of the step's state, and the op's stream.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub step: u32,
    pub seed: u64,
    pub domain: u32,
    pub stream: u32,
}

impl Place {
    fn key(self) -> [u32; 2] {
        [self.seed as u32, (self.seed >> 32) as u32]
    }
}

fn feistel(value: u32, epoch: u32, half: u32, at: Place) -> u32 {
    let mask = (1 << half) - 1;
    let (mut left, mut right) = (value >> half, value & mask);
    for round in 0..6 {
        let word = philox([right, at.stream + (round << 24), epoch, at.domain], at.key())[0];
        (left, right) = (right, left ^ (word & mask));
    }
    left << half | right
}

/// The rows that a shuffled batch of `n` out of `rows` takes.
pub fn batch(n: u32, rows: u32, at: Place) -> Vec<u32> {
    let half = half_bits(rows);
    (0..n)
        .map(|i| {
            let position = u64::from(at.step) * u64::from(n) + u64::from(i);
            let (epoch, place) = ((position / u64::from(rows)) as u32, (position % u64::from(rows)) as u32);
            let mut value = feistel(place, epoch, half, at);
            while value >= rows {
                value = feistel(value, epoch, half, at);
            }
            value
        })
        .collect()
}

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
