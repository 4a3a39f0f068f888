//! Permutation tests: p = (k + 1)/(n + 1), with k of n permuted statistics at least as large as the observed one (Phipson & Smyth 2010).
//!
//! The statistic takes every pair of rows; what is permuted are bins of rows, drawn at random within each set and moved whole. Any group of
//! permutations gives an exact test, so at any size and for any bins P(p ≤ α) ≤ α under equal distributions, with equality when α(n + 1) is an integer
//! and there are no ties; and a thousand bins lose next to no power (Domingo-Enrich, Dwivedi & Mackey 2025, "Cheap permutation testing"). A
//! permutation then costs bins² additions and not rows², and what grows with the rows is one pass over their pairs. Up to
//! [`BINS`] rows in all a bin is a row: the usual test.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use super::neighbors::Columns;
use super::threads::map_rows;
use super::{Backend, Points, comparable, device, pairs};
use crate::Result;
use crate::gpu::{Gpu, Recorder};
use crate::ops::pairwise::RadialKernel;

/// The default number of permutations: the least p-value is then 0.002.
pub const PERMUTATIONS: usize = 499;
/// The default number of bins of both sets together at most: 32 MiB of sums, and permutations in a fraction of a second.
pub const BINS: usize = 2_048;
/// The smaller set gets one bin in this many where it has the rows.
const SHARE: usize = 8;
/// Rows of a bin above which they are whole vectors of columns on the device; on a software adapter narrower bins are summed on the host
/// (3,000 rows a side of 30 columns: 0.2 s against 5.4 s).
const VECTOR: usize = 16;
/// Partial sums of one recording on the device at most (64 MiB).
const PARTIAL: usize = 1 << 24;

/// (k + 1)/(n + 1) for an observed statistic among `null`, its values after permutation; large values are evidence.
pub fn p_value(observed: f64, null: &[f64]) -> f64 {
    let as_large = null.iter().filter(|&&v| v >= observed).count();
    (as_large + 1) as f64 / (null.len() + 1) as f64
}

/// The p-value of the unbiased MMD² of a Gaussian kernel over `permutations` permutations of at most `bins` bins.
pub fn mmd2(on: &Backend, x: Points, y: Points, bandwidth: f64, permutations: usize, bins: usize, seed: u64) -> Result<f64> {
    let statistics = mmd2_statistics(on, x, y, bandwidth, permutations, bins, seed)?;
    Ok(p_value(statistics[0], &statistics[1..]))
}

/// The statistics behind [`mmd2`]: the observed one first, then one a permutation.
pub fn mmd2_statistics(
    on: &Backend,
    x: Points,
    y: Points,
    bandwidth: f64,
    permutations: usize,
    bins: usize,
    seed: u64,
) -> Result<Vec<f64>> {
    comparable(x, y, 2)?;
    let bins = Bins::new(x.rows(), y.rows(), bins);
    // In random order, so that a bin is a random draw however the file was sorted.
    let (of_x, of_y) = (x.subsample(x.rows(), seed), y.subsample(y.rows(), seed.wrapping_add(1)));
    let Sums { between, to_fixed, fixed } = bins.sums(on, of_x, of_y, x.columns(), bandwidth)?;
    // With t the row sums of K: Σ over the second set and Σ across follow from Σ over the first, aᵀKa, and aᵀt alone.
    let row_sums: Vec<f64> =
        between.iter().zip(&to_fixed).map(|(row, fixed)| row.iter().sum::<f64>() + fixed[0] + fixed[1]).collect();
    let (first_fixed, everything) = (fixed[0] + fixed[1], {
        let movable: f64 = row_sums.iter().zip(&to_fixed).map(|(sum, fixed)| sum + fixed[0] + fixed[1]).sum();
        movable + fixed[0] + 2.0 * fixed[1] + fixed[2]
    });
    let from_fixed_x: f64 = to_fixed.iter().map(|fixed| fixed[0]).sum();
    Ok(map_rows(permutations + 1, |b, _: &mut ()| {
        let mut labels: Vec<u32> = (0..(bins.of_x + bins.of_y) as u32).collect();
        if b > 0 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ (b as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            labels.shuffle(&mut random);
        }
        let first = &mut labels[..bins.of_x];
        first.sort_unstable();
        let own: f64 = (0..first.len())
            .map(|p| {
                let (at, row) = (first[p] as usize, &between[first[p] as usize]);
                row[at] + 2.0 * (gathered_sum(row, &first[..p]) + to_fixed[at][0])
            })
            .sum::<f64>()
            + fixed[0];
        let touching = first.iter().map(|&i| row_sums[i as usize]).sum::<f64>() + from_fixed_x + first_fixed;
        let (across, other) = (touching - own, everything - 2.0 * touching + own);
        let (n, m) = (x.rows() as f64, y.rows() as f64);
        own / (n * (n - 1.0)) + other / (m * (m - 1.0)) - 2.0 * across / (n * m)
    }))
}

/// How rows are put into bins of one size; rows that fill none keep their label.
#[derive(Clone, Copy, Debug)]
struct Bins {
    size: usize,
    of_x: usize,
    of_y: usize,
}

/// Σ k over pairs of distinct rows.
struct Sums {
    /// Between the bins.
    between: Vec<Vec<f64>>,
    /// From each bin to the rows of x and to those of y that are in none.
    to_fixed: Vec<[f64; 2]>,
    /// Among the rows of x in no bin, between them and those of y, and among those.
    fixed: [f64; 3],
}

impl Bins {
    /// As few rows a bin as `most` bins allow, and few enough that a small set has bins to swap with a large one.
    fn new(n: usize, m: usize, most: usize) -> Self {
        let most = most.max(4);
        let size = (n + m).div_ceil(most).min(SHARE * n.min(m) / most).max(1);
        let size = if size > VECTOR / 2 { size.next_multiple_of(VECTOR) } else { size };
        let small = (n.min(m) / size).min(most / 2);
        let large = (n.max(m) / size).min(most - small);
        let (of_x, of_y) = if n <= m { (small, large) } else { (large, small) };
        Self { size, of_x, of_y }
    }

    /// x and y are rows in an order that says nothing of them.
    fn sums(self, on: &Backend, x: Vec<f32>, y: Vec<f32>, d: usize, bandwidth: f64) -> Result<Sums> {
        let ((x_in, x_out), (y_in, y_out)) = (x.split_at(self.of_x * self.size * d), y.split_at(self.of_y * self.size * d));
        let binned = [x_in, y_in].concat();
        let bins = binned.chunks_exact(self.size * d).len();
        let mut between = match on {
            Backend::Gpu(gpu) if self.size >= VECTOR || !gpu.is_software() => {
                self.between_on(gpu, &binned, d, &RadialKernel::gaussian(bandwidth as f32))?
            }
            _ => self.between(&binned, d, pairs::gaussian(bandwidth)?)?,
        };
        // k(x, x) = 1, once a row.
        between.iter_mut().enumerate().for_each(|(bin, row)| row[bin] -= self.size as f64);
        let to = |from: &[f32], to: &[f32]| -> Result<Vec<f64>> {
            if from.is_empty() || to.is_empty() {
                return Ok(vec![0.0; from.len() / d]);
            }
            pairs::kernel_sums(on, Points::new(from, from.len() / d, d)?, Points::new(to, to.len() / d, d)?, bandwidth)
        };
        let (to_x, to_y) = (to(&binned, x_out)?, to(&binned, y_out)?);
        let of_bin = |sums: &[f64], bin: usize| sums[bin * self.size..(bin + 1) * self.size].iter().sum::<f64>();
        let total = |from: &[f32], other: &[f32], own: bool| -> Result<f64> {
            Ok(to(from, other)?.into_iter().map(|sum| if own { sum - 1.0 } else { sum }).sum())
        };
        Ok(Sums {
            between,
            to_fixed: (0..bins).map(|bin| [of_bin(&to_x, bin), of_bin(&to_y, bin)]).collect(),
            fixed: [total(x_out, x_out, true)?, total(x_out, y_out, false)?, total(y_out, y_out, true)?],
        })
    }

    fn between(self, binned: &[f32], d: usize, kernel: impl Fn(f32) -> f32 + Sync) -> Result<Vec<Vec<f64>>> {
        let rows = binned.len() / d;
        let stored = Columns::new(Points::new(binned, rows, d)?);
        Ok(map_rows(rows / self.size, |bin, distances: &mut Vec<f32>| {
            let mut sums = vec![0.0; rows / self.size];
            for row in binned[bin * self.size * d..(bin + 1) * self.size * d].chunks_exact(d) {
                stored.squared_distances(row, distances);
                for (sum, squared) in sums.iter_mut().zip(distances.chunks_exact(self.size)) {
                    *sum += squared.iter().map(|&squared| f64::from(kernel(squared))).sum::<f64>();
                }
            }
            sums
        }))
    }

    /// The same on the device: rows of bins at a time, against the bins from there on; what lies before is known by symmetry.
    fn between_on(self, gpu: &Gpu, binned: &[f32], d: usize, kernel: &RadialKernel) -> Result<Vec<Vec<f64>>> {
        let bins = binned.len() / (self.size * d);
        let mut between = vec![vec![0.0; bins]; bins];
        let at_once = (PARTIAL / (bins * self.size)).min(device::rows_at_once(bins * self.size, d) / self.size).max(1);
        for first in (0..bins).step_by(at_once) {
            let taken = at_once.min(bins - first);
            let from = &binned[first * self.size * d..];
            let (rows, columns) = (taken * self.size, from.len() / d);
            let (x, y) = (gpu.upload(rows, d, &from[..rows * d])?, gpu.upload(columns, d, from)?);
            let mut rec = Recorder::new(gpu, 0);
            let (x, y) = (rec.tensor(&x), rec.tensor(&y));
            let sums = rec.kernel_blocks(kernel, x, y, self.size, self.size)?;
            let sums = rec.keep(sums);
            let mut step = rec.finish()?;
            step.replay(1)?;
            for (column, of_rows) in (first..).zip(step.read(sums)?.chunks_exact(taken)) {
                for (row, &sum) in (first..).zip(of_rows) {
                    (between[row][column], between[column][row]) = (sum.into(), sum.into());
                }
            }
        }
        Ok(between)
    }
}

/// Σ of `row` at `columns`, in four running sums: one would wait for each addition.
fn gathered_sum(row: &[f64], columns: &[u32]) -> f64 {
    let mut sums = [0.0; 4];
    let (fours, rest) = columns.as_chunks::<4>();
    for four in fours {
        sums.iter_mut().zip(four).for_each(|(sum, &j)| *sum += row[j as usize]);
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&j| row[j as usize]).sum::<f64>()
}
