//! Permutation tests: p = (k + 1)/(n + 1), with k of n relabelled statistics at least as large as the observed one (Phipson & Smyth 2010).
//!
//! Exact at any size: under equal laws P(p ≤ α) ≤ α, with equality when α(n + 1) is an integer and there are no ties.

use rand::SeedableRng;
use rand::seq::SliceRandom;

use super::neighbours::Columns;
use super::threads::map_rows;
use super::{Points, comparable};
use crate::Result;

/// The default number of relabellings: the least p-value is then 0.002.
pub const PERMUTATIONS: usize = 499;
/// The default cap on rows of each set where the pooled kernel matrix is held in memory (64 MiB).
pub const MOST_ROWS: usize = 2_000;

/// (k + 1)/(n + 1) for an observed statistic among `null`, its values after relabelling; large values are evidence.
pub fn p_value(observed: f64, null: &[f64]) -> f64 {
    let as_large = null.iter().filter(|&&v| v >= observed).count();
    (as_large + 1) as f64 / (null.len() + 1) as f64
}

/// The p-value of MMD² with a `kernel` of the squared distance, over `permutations` relabellings of at most `most` rows of each set.
pub fn mmd2(
    x: Points,
    y: Points,
    kernel: impl Fn(f32) -> f32 + Sync,
    permutations: usize,
    most: usize,
    seed: u64,
) -> Result<f64> {
    let statistics = mmd2_statistics(x, y, kernel, permutations, most, seed)?;
    Ok(p_value(statistics[0], &statistics[1..]))
}

/// The statistics behind [`mmd2`]: the observed one first, then one a relabelling.
pub fn mmd2_statistics(
    x: Points,
    y: Points,
    kernel: impl Fn(f32) -> f32 + Sync,
    permutations: usize,
    most: usize,
    seed: u64,
) -> Result<Vec<f64>> {
    comparable(x, y, 2)?;
    let pooled = [x.subsample(most.max(2), seed), y.subsample(most.max(2), seed.wrapping_add(1))].concat();
    let (n, total) = (x.rows().min(most.max(2)), pooled.len() / x.columns());
    let pooled = Points::new(&pooled, total, x.columns())?;
    let stored = Columns::new(pooled);
    let matrix: Vec<Vec<f32>> = map_rows(total, |i, distances: &mut Vec<f32>| {
        stored.squared_distances(pooled.row(i), distances);
        let mut row: Vec<f32> = distances.iter().map(|&squared| kernel(squared)).collect();
        row[i] = 0.0;
        row
    });
    // With t the row sums of K: Σ over the second set and Σ across follow from Σ over the first, aᵀKa, and aᵀt alone.
    let row_sums: Vec<f64> = matrix.iter().map(|row| row.iter().map(|&k| f64::from(k)).sum()).collect();
    let everything: f64 = row_sums.iter().sum();
    Ok(map_rows(permutations + 1, |b, _: &mut ()| {
        let mut labels: Vec<u32> = (0..total as u32).collect();
        if b > 0 {
            let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed ^ (b as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            labels.shuffle(&mut random);
        }
        let first = &mut labels[..n];
        first.sort_unstable();
        let below = |p: usize| f64::from(gathered_sum(&matrix[first[p] as usize], &first[..p]));
        let own = 2.0 * (0..n).map(below).sum::<f64>();
        let touching: f64 = first.iter().map(|&i| row_sums[i as usize]).sum();
        let (across, other) = (touching - own, everything - 2.0 * touching + own);
        let (n, m) = (n as f64, (total - n) as f64);
        own / (n * (n - 1.0)) + other / (m * (m - 1.0)) - 2.0 * across / (n * m)
    }))
}

/// Σ of `row` at `columns`, in four running sums: one would wait for each addition.
fn gathered_sum(row: &[f32], columns: &[u32]) -> f32 {
    let mut sums = [0.0f32; 4];
    let (fours, rest) = columns.as_chunks::<4>();
    for four in fours {
        sums.iter_mut().zip(four).for_each(|(sum, &j)| *sum += row[j as usize]);
    }
    sums.iter().sum::<f32>() + rest.iter().map(|&j| row[j as usize]).sum::<f32>()
}
