//! Goodness of fit to a distribution whose score is known: the kernelized Stein discrepancy, with no sample of the distribution.
//!
//! KSD² as the U-statistic of u (see [`ops::stein`](crate::ops::stein)); its standard error is Hoeffding's, with
//! both terms: Var = [4(n−2) ζ₁ + 2 ζ₂]/(n(n−1)), ζ₁ the variance of the row means and ζ₂ of u itself, so that it holds at
//! the distribution too, where ζ₁ = 0. The p-value is the wild bootstrap's: Σ wᵢwⱼ u(xᵢ, xⱼ) with random signs w has the statistic's
//! distribution at the target (Chwialkowski, Strathmann & Gretton 2016).
//!
//! What it cannot see: how mass is shared between modes with nothing between them, for the score there is the same whatever the shares.

use rand::{RngExt, SeedableRng};

use super::permutation::p_value;
use super::threads::map_rows;
use super::{Points, Score, interval, pairs};
use crate::data::Target;
use crate::ops::stein::{SteinKernel as Kernel, stein_kernel};
use crate::{Error, Result};

/// The most rows that an evaluation takes: every pair is formed on the host, once.
pub const MOST_ROWS: usize = 2_000;

/// KSD² of `points` to the distribution with this score, on at most `most` rows, with `replicates` of the wild bootstrap.
pub fn squared(
    points: Points,
    score: impl Fn(&[f64]) -> Vec<f64>,
    kernel: &Kernel,
    replicates: usize,
    most: usize,
    seed: u64,
) -> Result<Score> {
    let d = points.columns();
    let chosen = points.subsample(most.max(2), seed);
    let n = chosen.len() / d;
    if n < 2 {
        return Err(Error::data("there is 1 row, and the Stein discrepancy needs 2 or more"));
    }
    let x: Vec<f64> = chosen.iter().map(|&v| f64::from(v)).collect();
    let s: Vec<f64> = x.chunks_exact(d).flat_map(&score).collect();
    if let Some(at) = s.iter().position(|s| !s.is_finite()) {
        let (row, column) = (at / d * d, at % d + 1);
        return Err(Error::data(format!(
            "the score in column {column} at the row {:?} is {}: scores need finite numbers; remove the row, or mend the expression",
            &chosen[row..row + d],
            s[at]
        )));
    }
    let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed);
    let signs: Vec<f64> = (0..n * replicates).map(|_| if random.random::<bool>() { 1.0 } else { -1.0 }).collect();
    let of = |values: &[f64], i: usize| -> Vec<f64> { values[i * d..(i + 1) * d].to_vec() };
    // One row of u at a time: its sum, its sum of squares, and its part of every replicate.
    let rows = map_rows(n, |i, _: &mut ()| {
        let (xi, a) = (of(&x, i), of(&s, i));
        let (mut sum, mut squares, mut parts) = (0.0, 0.0, vec![0.0; replicates]);
        for j in (0..n).filter(|&j| j != i) {
            let u = stein_kernel(kernel, &xi, &x[j * d..(j + 1) * d], &a, &s[j * d..(j + 1) * d]);
            sum += u;
            squares += u * u;
            parts.iter_mut().zip(&signs[j * replicates..]).for_each(|(part, sign)| *part += sign * u);
        }
        parts.iter_mut().zip(&signs[i * replicates..]).for_each(|(part, sign)| *part *= sign);
        (sum, squares, parts)
    });
    let (count, pairs) = (n as f64, n as f64 * (n as f64 - 1.0));
    let value = rows.iter().map(|row| row.0).sum::<f64>() / pairs;
    let zeta_2 = (rows.iter().map(|row| row.1).sum::<f64>() / pairs - value * value).max(0.0);
    let of_means = interval::variance(rows.iter().map(|row| row.0 / (count - 1.0)));
    // A row mean varies by its own pairs, too.
    let zeta_1 = (of_means - zeta_2 / (count - 1.0)).max(0.0);
    let error = ((4.0 * (count - 2.0) * zeta_1 + 2.0 * zeta_2) / pairs).sqrt();
    let null: Vec<f64> = (0..replicates).map(|b| rows.iter().map(|row| row.2[b]).sum::<f64>() / pairs).collect();
    let mut found = Score::normal(value, error).with_p_value(p_value(value, &null));
    found.rows_used = (n < points.rows()).then_some(n);
    Ok(found)
}

/// KSD² to a known distribution by the inverse multiquadric (c² + r²)^(−½), c the median distance of the points, on at most `most` rows.
///
/// # Errors
/// A score that is not finite at one of them.
pub fn to_target(points: Points, target: &Target, replicates: usize, most: usize, seed: u64) -> Result<Score> {
    let (d, of) = (points.columns(), target.units().cols());
    if d != of {
        return Err(Error::shape(
            "stein",
            format!("rows of {d} columns and a score on {of}: it needs one expression per column"),
        ));
    }
    let offset = pairs::median_distance(points, points, seed)? as f32;
    let kernel = Kernel::InverseMultiquadric { offset, beta: -0.5 };
    squared(points, |x| target.score(x), &kernel, replicates, most, seed)
}
