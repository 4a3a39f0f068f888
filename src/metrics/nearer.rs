//! Which of two sets of samples is nearer to reference rows, with a p-value by permutation.
//!
//! For sets A and B of n rows each and reference rows H, the difference of energy distances is linear in the labels w_i = ±1 of the pooled rows s_i:
//! with h_i the mean distance of s_i to H and r_i the sum of its distances to all pooled rows,
//!
//!   E(H, A) − E(H, B) = Σ_i w_i g_i,   g_i = 2h_i/n − r_i/(n(n − 1)),
//!
//! since Σ_{i,j∈A} − Σ_{i,j∈B} d(s_i, s_j) = ½Σ_ij (w_i + w_j) d(s_i, s_j). If A and B have one distribution, every permutation of the labels with n of each is equally likely: the
//! p-value is the share of permutations that give a difference as large, either way (Phipson & Smyth 2010: the one seen counts). Log-densities
//! of the same rows under two models are compared by the signs of their differences, which are equally likely either way if no model is better
//! (Good 2005, §3.2).

use super::pairs::RowMeans;
use super::{Points, comparable};
use crate::gpu::Gpu;
use crate::ops::pairwise::RadialKernel;
use crate::{Error, Result};
use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// Labelings that are tried.
pub const PERMUTATIONS: usize = 9_999;

/// A difference of two, and the chance of one as large if there were none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    pub value: f64,
    pub p_value: f64,
}

/// E(H, A) − E(H, B): below zero where A is nearer to H. Of the larger set as many rows are used as the smaller has.
///
/// # Errors
/// Sets of fewer than two rows, or of different columns.
pub fn energy(gpu: &Gpu, reference: Points, a: Points, b: Points, permutations: usize, seed: u64) -> Result<Difference> {
    comparable(reference, a, 2)?;
    comparable(reference, b, 2)?;
    let n = a.rows().min(b.rows());
    let pooled = [a.subsample(n, seed), b.subsample(n, seed)].concat();
    // In an order that is not the file's: sums are then the same to the last bit.
    let reference = reference.subsample(reference.rows(), seed);
    let reference = Points::new(&reference, reference.len() / a.columns(), a.columns())?;
    let means = RowMeans::on(gpu, reference, Points::new(&pooled, 2 * n, a.columns())?, &RadialKernel::Energy { beta: 1.0 })?;
    Ok(permuted(&weights(&means, n), permutations, seed))
}

/// g_i of the pooled rows, from means of −d.
fn weights(means: &RowMeans, n: usize) -> Vec<f64> {
    let (n, others) = (n as f64, (2 * n - 1) as f64);
    let each = means.y_to_x.iter().zip(&means.y_to_y);
    each.map(|(to_reference, to_pooled)| -2.0 * to_reference / n + to_pooled * others / (n * (n - 1.0))).collect()
}

/// Σ over the first half less Σ over the second.
fn permuted(weights: &[f64], permutations: usize, seed: u64) -> Difference {
    let n = weights.len() / 2;
    let total: f64 = weights.iter().sum();
    let difference = |first: f64| 2.0 * first - total;
    let value = difference(weights[..n].iter().sum());
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut order = weights.to_vec();
    let extreme = (0..permutations).filter(|_| {
        let (first, _) = order.partial_shuffle(&mut random, n);
        difference(first.iter().sum()).abs() >= value.abs() * (1.0 - 1e-12)
    });
    Difference { value, p_value: (1 + extreme.count()) as f64 / (1 + permutations) as f64 }
}

/// The mean of a − b over rows, such as log-densities of the same rows under two models: above zero where a is larger.
///
/// # Errors
/// No rows, or different numbers of them.
pub fn paired(a: &[f64], b: &[f64], permutations: usize, seed: u64) -> Result<Difference> {
    if a.is_empty() || a.len() != b.len() {
        return Err(Error::shape("metrics", format!("{} values beside {}", a.len(), b.len())));
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let mean = |sum: f64| sum / differences.len() as f64;
    let value = mean(differences.iter().sum());
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let extreme = (0..permutations).filter(|_| {
        let signed = differences.chunks(64).map(|chunk| {
            let signs: u64 = random.random();
            chunk.iter().enumerate().map(|(i, d)| if signs >> i & 1 == 0 { *d } else { -d }).sum::<f64>()
        });
        mean(signed.sum()).abs() >= value.abs() * (1.0 - 1e-12)
    });
    Ok(Difference { value, p_value: (1 + extreme.count()) as f64 / (1 + permutations) as f64 })
}

/// The most differences of which [`signs`] tries every signing.
const SIGNED: usize = 16;

/// The p-value of a mean of paired differences: the share of their 2ⁿ signings whose mean is as far from zero, all of them counted up to 16 differences
/// (Fisher 1935, §21) and 9,999 at random beyond. The least that it can be is 2¹⁻ⁿ.
///
/// # Errors
/// No differences.
pub fn signs(differences: &[f64]) -> Result<f64> {
    let n = differences.len();
    if n == 0 || n > SIGNED {
        return Ok(paired(differences, &vec![0.0; n], PERMUTATIONS, 0)?.p_value);
    }
    let seen = differences.iter().sum::<f64>().abs() * (1.0 - 1e-12);
    let signed = |signs: u32| differences.iter().enumerate().map(|(i, d)| if signs >> i & 1 == 0 { *d } else { -d }).sum::<f64>();
    let extreme = (0..1u32 << n).filter(|&signs| signed(signs).abs() >= seen).count();
    Ok(extreme as f64 / f64::from(1u32 << n))
}

/// p-values corrected for their number (Holm 1979): the chance that any is as small if nothing differs.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&i, &j| p_values[i].total_cmp(&p_values[j]));
    let (mut corrected, mut least) = (vec![1.0; p_values.len()], 0.0f64);
    for (rank, &i) in order.iter().enumerate() {
        least = least.max(((p_values.len() - rank) as f64 * p_values[i]).min(1.0));
        corrected[i] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(v: &[f32]) -> Points<'_> {
        Points::new(v, v.len() / 2, 2).unwrap()
    }

    fn rows(n: usize, seed: u64, shift: f32) -> Vec<f32> {
        crate::data::toy::Toy::Gaussian.sample(n, seed).into_single().iter().map(|v| v + shift).collect()
    }

    #[test]
    fn the_difference_is_that_of_the_two_energy_distances() {
        let gpu = Gpu::open("auto").unwrap();
        let [h, a, b] = [(90, 1, 0.0), (40, 2, 0.3), (40, 3, 0.0)].map(|(n, seed, shift)| rows(n, seed, shift));
        let of = |v: &[f32]| super::super::pairs::energy(points(&h), points(v)).unwrap().value;
        let found = energy(&gpu, points(&h), points(&a), points(&b), 99, 0).unwrap();
        assert!((found.value - (of(&a) - of(&b))).abs() < 1e-5, "{found:?} for {}", of(&a) - of(&b));
    }

    #[test]
    fn p_values_are_uniform_for_one_distribution_and_small_for_a_nearer_one() {
        let gpu = Gpu::open("auto").unwrap();
        let h = rows(300, 1, 0.0);
        let p = |shift: f32, seed: u64| {
            let (a, b) = (rows(60, 2 * seed + 10, 0.0), rows(60, 2 * seed + 11, shift));
            energy(&gpu, points(&h), points(&a), points(&b), 199, seed).unwrap()
        };
        let ranks: Vec<f64> = (0..60).map(|seed| p(0.0, seed).p_value).collect();
        // Kolmogorov–Smirnov of 60 uniform numbers: 0.17 is exceeded in one of twenty.
        let mut sorted = ranks.clone();
        sorted.sort_by(f64::total_cmp);
        let distance = sorted.iter().enumerate().map(|(i, p)| (p - (i as f64 + 0.5) / 60.0).abs()).fold(0.0, f64::max);
        assert!(distance < 0.2, "{sorted:?}");
        let far = p(1.0, 3);
        assert!(far.p_value <= 0.01 && far.value < 0.0, "{far:?}");
    }

    #[test]
    fn signs_and_holm_by_hand() {
        // Three differences of one sign: of eight signings two are as far out.
        let found = paired(&[2.0, 3.0, 4.0], &[1.0, 1.0, 1.0], 20_000, 1).unwrap();
        assert!((found.value - 2.0).abs() < 1e-12 && (found.p_value - 0.25).abs() < 0.02, "{found:?}");
        assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
        assert!(paired(&[], &[], 9, 0).is_err() && signs(&[]).is_err());
        assert_eq!((signs(&[1.0, 2.0, 3.0]).unwrap(), signs(&[0.0]).unwrap()), (0.25, 1.0));
        // Of ±3 ± 1 ± 1: 5, 3, 3, 1 and their negatives; 3 is reached by six of eight.
        assert_eq!(signs(&[3.0, 1.0, -1.0]).unwrap(), 0.75);
        let many = signs(&[0.5; 20]).unwrap();
        assert!(many < 2e-3, "{many}");
    }
}
