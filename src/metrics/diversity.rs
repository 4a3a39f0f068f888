//! How diverse a set of rows is, on its own and without a reference:
//!
//! - **Nearest**: the mean distance of a row to the nearest other one.
//! - **Vendi score** (Friedman & Dieng 2023): exp of the entropy −Σ λ ln λ of the eigenvalues of K/n, with Kᵢⱼ = exp(−|xᵢ − xⱼ|²/2ℓ²). It is
//!   the effective number of different rows: 1 where all are equal, n where all are farther apart than a few ℓ.
//!
//! Both depend on n (and the second on ℓ), so they compare sets of equal size under one ℓ: for instance a sample and the data.
//!
//! ```
//! use pushforward::metrics::{Backend, Points, diversity};
//! let pairs = [0.0, 0.0, 100.0, 100.0];
//! let found = diversity::scores(&Backend::Host, Points::new(&pairs, 4, 1)?, 1.0, 0)?;
//! assert!(found.nearest.value == 0.0 && (found.vendi.value - 2.0).abs() < 1e-12); // two different rows, each twice
//! # Ok::<(), pushforward::Error>(())
//! ```

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::neighbors::{Columns, radii};
use super::threads::map_rows;
use super::{Backend, Points, Score, interval, pairs};
use crate::{Error, Result};

/// Rows of the Vendi score at most: the eigenvalues of 1,000 take half a second.
pub const MOST_ROWS: usize = 1_000;

/// Both scores; as JSON, one object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diversity {
    /// In units of the columns.
    pub nearest: Score,
    /// Between 1 and the number of rows used.
    pub vendi: Score,
    /// ℓ of the Vendi score.
    pub bandwidth: f64,
}

/// Both scores of `x`, which has two rows or more; the Vendi score on at most `MOST_ROWS` rows, drawn by `seed`.
///
/// # Errors
/// A single row, or a bandwidth that is not positive.
pub fn scores(on: &Backend, x: Points, bandwidth: f64, seed: u64) -> Result<Diversity> {
    Ok(Diversity { nearest: nearest(on, x)?, vendi: vendi(x, bandwidth, MOST_ROWS, seed)?, bandwidth })
}

/// The mean distance of a row to the nearest other one, over all rows.
///
/// # Errors
/// A single row.
pub fn nearest(on: &Backend, x: Points) -> Result<Score> {
    if x.rows() < 2 {
        return Err(Error::data("there is one row: the distance to the nearest other row needs two or more"));
    }
    let distances = radii(on, x, 1)?;
    let n = distances.len() as f64;
    let mean = distances.iter().map(|&d| f64::from(d)).sum::<f64>() / n;
    // Two rows that are nearest to each other have one distance between them: as if half of the rows were independent.
    let error = (2.0 * interval::variance(distances.iter().map(|&d| f64::from(d))) / n).sqrt();
    Ok(Score::normal(mean, error))
}

/// The Vendi score with the Gaussian kernel of this bandwidth, on at most `most` rows.
///
/// # Errors
/// A bandwidth that is not positive.
pub fn vendi(x: Points, bandwidth: f64, most: usize, seed: u64) -> Result<Score> {
    let kernel = pairs::gaussian(bandwidth)?;
    let n = x.rows().min(most.max(1));
    let values = x.subsample(n, seed);
    let rows = Points::new(&values, n, x.columns())?;
    let stored = Columns::new(rows);
    let similarity = map_rows(n, |i, distances: &mut Vec<f32>| {
        stored.squared_distances(rows.row(i), distances);
        distances.iter().map(|&squared| f64::from(kernel(squared)) / n as f64).collect::<Vec<f64>>()
    })
    .concat();
    let eigenvalues = DMatrix::from_vec(n, n, similarity).symmetric_eigenvalues();
    // Rounding leaves eigenvalues a little below 0, where −λ ln λ is 0.
    let entropy: f64 = eigenvalues.iter().filter(|&&l| l > 0.0).map(|l| -l * l.ln()).sum();
    let rows_used = (n < x.rows()).then_some(n);
    Ok(Score { rows_used, ..Score::exact(entropy.exp()) })
}
