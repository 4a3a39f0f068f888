//! How close one set of rows is to another: two-sample scores, each with its uncertainty.
//!
//! [`evaluate`] and [`Evaluator`] compute all that apply to two tables. One at a time:
//!
//! | score | function | uncertainty |
//! |---|---|---|
//! | exact W₂ | [`wasserstein`](fn@wasserstein) | dual potentials (del Barrio & Loubes 2019), delta method |
//! | Sinkhorn divergence | [`sinkhorn_divergence`] | potentials, as for W₂ |
//! | sliced W₂ | [`sliced_wasserstein`] | averaged one-dimensional potentials, delta method |
//! | energy distance, MMD² | [`energy_distance`], [`mmd_squared`] | quantiles of the U-statistic at each distance; permutation test in [`mmd_permutation_test`] |
//! | Kolmogorov–Smirnov | [`kolmogorov_smirnov`] | Dvoretzky–Kiefer–Wolfowitz band, asymptotic p-value |
//! | precision, recall, density, coverage | [`precision_recall`] | Wilson interval, or standard error of a mean |
//! | classifier two-sample test | [`classifier_test`] | Clopper–Pearson interval; p-value of predictions on rows not yet seen |
//! | Stein discrepancy to a known score | [`stein_discrepancy`] | U-statistic variance; wild bootstrap |
//! | nearest distance and Vendi score of one set | [`diversity`](fn@diversity) | standard error of a mean; none |
//! | shapes, trends, missing cells and coverage of columns of any type | the field `scorecard` of an [`Evaluation`] | delta method |
//! | machine-learning efficacy of samples for predicting a column | [`Evaluator::target`] | bootstrap of test rows |
//! | distance to the closest record, membership inference | [`Evaluator::train`] | order statistics, DeLong |
//! | log-likelihood | [`LogLikelihood`] | standard error of a mean |
//! | nearer of two to a third | [`nearer`](fn@nearer) | permutation |
//! | memorization of training rows | [`memorization`](fn@memorization), [`memorization_test`] | order statistics, Wilson, Mann–Whitney |
//!
//! Every interval is two-sided and covers 95 %. What takes all pairs of rows runs on a [`Backend`]: a GPU, or
//! the host's cores, in blocks of rows with the same bits for any number of cores.
//!
//! ```
//! use pushforward::metrics::{Points, kolmogorov_smirnov};
//! let a: Vec<f32> = (0..100).map(|i| i as f32).collect();
//! let b: Vec<f32> = (0..100).map(|i| i as f32 + 50.0).collect();
//! let score = &kolmogorov_smirnov(Points::new(&a, 100, 1)?, Points::new(&b, 100, 1)?)?[0];
//! assert_eq!(score.value, 0.5);
//! # Ok::<(), pushforward::Error>(())
//! ```

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::data::Table;
use crate::words::count;
use crate::{Error, Result};

mod agreement;
#[cfg(not(feature = "unstable"))]
pub(crate) mod assignment;
#[cfg(feature = "unstable")]
pub mod assignment;
#[cfg(not(feature = "unstable"))]
pub(crate) mod c2st;
#[cfg(feature = "unstable")]
pub mod c2st;
#[cfg(not(feature = "unstable"))]
pub(crate) mod chains;
#[cfg(feature = "unstable")]
pub mod chains;
#[cfg(not(feature = "unstable"))]
pub(crate) mod closest;
#[cfg(feature = "unstable")]
pub mod closest;
mod closest_shown;
#[cfg(not(feature = "unstable"))]
pub(crate) mod columns;
#[cfg(feature = "unstable")]
pub mod columns;
mod coverage;
mod device;
#[cfg(not(feature = "unstable"))]
pub(crate) mod diversity;
#[cfg(feature = "unstable")]
pub mod diversity;
#[cfg(not(feature = "unstable"))]
pub(crate) mod efficacy;
#[cfg(feature = "unstable")]
pub mod efficacy;
mod efficacy_shown;
mod evaluate;
mod evaluation;
#[cfg(not(feature = "unstable"))]
pub(crate) mod gaussian;
#[cfg(feature = "unstable")]
pub mod gaussian;
#[cfg(not(feature = "unstable"))]
pub(crate) mod interval;
#[cfg(feature = "unstable")]
pub mod interval;
#[cfg(not(feature = "unstable"))]
pub(crate) mod kolmogorov;
#[cfg(feature = "unstable")]
pub mod kolmogorov;
#[cfg(not(feature = "unstable"))]
pub(crate) mod likelihood;
#[cfg(feature = "unstable")]
pub mod likelihood;
#[cfg(not(feature = "unstable"))]
pub(crate) mod manifold;
#[cfg(feature = "unstable")]
pub mod manifold;
#[cfg(not(feature = "unstable"))]
pub(crate) mod memorization;
#[cfg(feature = "unstable")]
pub mod memorization;
pub(crate) mod mixed;
#[cfg(not(feature = "unstable"))]
pub(crate) mod nearer;
#[cfg(feature = "unstable")]
pub mod nearer;
#[cfg(not(feature = "unstable"))]
pub(crate) mod neighbors;
#[cfg(feature = "unstable")]
pub mod neighbors;
mod network;
mod noise;
mod options;
#[cfg(not(feature = "unstable"))]
pub(crate) mod pairs;
#[cfg(feature = "unstable")]
pub mod pairs;
#[cfg(not(feature = "unstable"))]
pub(crate) mod permutation;
#[cfg(feature = "unstable")]
pub mod permutation;
#[cfg(not(feature = "unstable"))]
pub(crate) mod ranking;
#[cfg(feature = "unstable")]
pub mod ranking;
#[cfg(not(feature = "unstable"))]
pub(crate) mod scale;
#[cfg(feature = "unstable")]
pub mod scale;
#[cfg(not(feature = "unstable"))]
pub(crate) mod scorecard;
#[cfg(feature = "unstable")]
pub mod scorecard;
mod scorecard_shown;
mod sets;
mod shapes;
mod shown;
#[cfg(not(feature = "unstable"))]
pub(crate) mod sinkhorn;
#[cfg(feature = "unstable")]
pub mod sinkhorn;
#[cfg(not(feature = "unstable"))]
pub(crate) mod sliced;
#[cfg(feature = "unstable")]
pub mod sliced;
#[cfg(not(feature = "unstable"))]
pub(crate) mod stein;
#[cfg(feature = "unstable")]
pub mod stein;
mod tables;
pub(crate) mod threads;
#[cfg(not(feature = "unstable"))]
pub(crate) mod trees;
#[cfg(feature = "unstable")]
pub mod trees;
mod trends;
mod typed;
mod verdict;
#[cfg(not(feature = "unstable"))]
pub(crate) mod wasserstein;
#[cfg(feature = "unstable")]
pub mod wasserstein;
mod watch;

pub use c2st::test as classifier_test;
pub use device::Backend;
pub use diversity::{Diversity, scores as diversity};
pub use evaluate::evaluate_points;
pub use evaluation::{Better, DistanceRatio, Evaluation, Memorization, NamedScore, WorstColumn};
pub use kolmogorov::columns as kolmogorov_smirnov;
pub use likelihood::LogLikelihood;
pub use manifold::{Manifold, scores as precision_recall};
pub use memorization::{Scores as MemorizationScores, scores as memorization, test as memorization_test};
pub use nearer::{Difference, energy as nearer};
pub use options::Options;
pub use pairs::{energy as energy_distance, mmd2 as mmd_squared};
pub use permutation::mmd2 as mmd_permutation_test;
pub use sinkhorn::divergence as sinkhorn_divergence;
pub use sliced::wasserstein as sliced_wasserstein;
pub use stein::to_target as stein_discrepancy;
pub use tables::{Evaluator, evaluate};
pub use wasserstein::exact as wasserstein;
pub use watch::{Stage, Watch};

/// A score and its uncertainty; fields that do not apply are absent, in JSON too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub value: f64,
    /// Standard deviation of `value` over new draws of both sets, estimated from these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
    /// A 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Probability of a value at least as extreme when both sets have one distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// Rows taken from each set, where that is fewer than were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_used: Option<usize>,
}

impl Score {
    /// A score with no statement of uncertainty.
    pub fn exact(value: f64) -> Self {
        Self { value, ..Self::default() }
    }

    /// A score whose 95 % interval is normal: `value ± 1.96 · standard_error`.
    pub fn normal(value: f64, standard_error: f64) -> Self {
        Self {
            value,
            standard_error: Some(standard_error),
            interval: Some(interval::normal(value, standard_error)),
            ..Self::default()
        }
    }

    pub fn with_p_value(mut self, p_value: f64) -> Self {
        self.p_value = Some(p_value);
        self
    }
}

/// A borrowed set of rows: `rows × columns` finite numbers, row after row.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    weights: Option<&'a [f32]>,
}

impl<'a> Points<'a> {
    /// # Errors
    /// When the length is not `rows × columns`, either is zero, or a value is not finite.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Result<Self> {
        if rows == 0 || columns == 0 || rows.checked_mul(columns) != Some(values.len()) {
            let problem = format!("{rows} rows of {columns} columns need as many values, and there are {}", values.len());
            return Err(Error::shape("metrics", problem));
        }
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            let (row, column) = (at / columns + 1, at % columns + 1);
            return Err(Error::data(format!(
                "row {row}, column {column} is {}: scores need finite numbers; remove the row",
                values[at]
            )));
        }
        Ok(Self { values, rows, columns, weights: None })
    }

    /// The rows of a table, with their weights and in single precision: those of columns that lie far from zero are to be centered and scaled first.
    pub fn of(table: &'a Table) -> Result<Self> {
        Ok(Self { weights: table.weights(), ..Self::new(table.single(), table.rows(), table.cols())? })
    }

    /// The same rows with a weight each, as a table has them: finite, not negative, not all zero. [`evaluate`](fn@evaluate), [`pairs::energy`],
    /// [`pairs::mmd2`], [`sinkhorn::divergence`], [`kolmogorov::columns`], [`LogLikelihood`] and `Gaussian` follow them; other
    /// scores do not.
    ///
    /// # Panics
    /// When there is not one weight a row.
    pub fn with_weights(self, weights: Option<&'a [f32]>) -> Self {
        assert!(weights.is_none_or(|weights| weights.len() == self.rows), "one weight a row");
        Self { weights, ..self }
    }

    pub fn weights(&self) -> Option<&'a [f32]> {
        self.weights
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// Row `i`, `columns` long.
    pub fn row(&self, i: usize) -> &'a [f32] {
        &self.values[i * self.columns..(i + 1) * self.columns]
    }

    /// Column `j`, `rows` long.
    pub fn column(&self, j: usize) -> Vec<f32> {
        self.values.iter().skip(j).step_by(self.columns).copied().collect()
    }

    /// The rows at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Vec<f32> {
        indices.iter().flat_map(|&i| self.row(i)).copied().collect()
    }

    /// At most `count` rows, drawn without replacement by `seed` and in random order. They depend on which rows there are, and not on the order in
    /// which they come.
    pub fn subsample(&self, count: usize, seed: u64) -> Vec<f32> {
        self.select(&self.chosen(count, seed))
    }

    /// The indices of these rows.
    pub(crate) fn chosen(&self, count: usize, seed: u64) -> Vec<usize> {
        let mut order = self.sorted();
        let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed ^ self.fingerprint(&order));
        order.partial_shuffle(&mut random, count.min(self.rows)).0.to_vec()
    }

    /// Indices of rows that have equal weight and the distribution of all weighted rows, in the order of their values: each row is kept with the probability
    /// weight/(largest weight). All of them where weights do not differ.
    pub(crate) fn thinned(&self, seed: u64) -> Vec<usize> {
        let order = self.sorted();
        let Some(weights) = self.weights else { return order };
        let largest = weights.iter().copied().fold(0.0, f32::max);
        let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed ^ self.fingerprint(&order));
        order.into_iter().filter(|&i| random.random::<f32>() * largest < weights[i]).collect()
    }

    /// Each row's share of the whole weight.
    pub(crate) fn shares(&self) -> Vec<f64> {
        let total = self.weights.map_or(self.rows as f64, |weights| weights.iter().map(|&w| f64::from(w)).sum());
        (0..self.rows).map(|i| self.weights.map_or(1.0, |weights| f64::from(weights[i])) / total).collect()
    }

    /// Indices of rows that represent all of them, and the weight of each: all rows with their weights if they are no more than `count`; else `count`
    /// rows drawn without replacement, or by their weights if they have any. They depend on the rows, and not on their order.
    pub(crate) fn draws(&self, count: usize, seed: u64) -> Vec<(usize, f64)> {
        let Some(weights) = self.weights else { return self.chosen(count, seed).into_iter().map(|i| (i, 1.0)).collect() };
        let order = self.sorted();
        if self.rows <= count {
            return order.into_iter().filter(|&i| weights[i] > 0.0).map(|i| (i, weights[i].into())).collect();
        }
        let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed ^ self.fingerprint(&order));
        let mut sum = 0.0;
        let sums: Vec<f64> = order.iter().map(|&i| (sum += f64::from(weights[i]), sum).1).collect();
        let mut drawn: Vec<usize> = (0..count)
            .map(|_| {
                let at = random.random::<f64>() * sum;
                sums.partition_point(|&below| below <= at).min(self.rows - 1)
            })
            .collect();
        drawn.sort_unstable();
        drawn.chunk_by(|a, b| a == b).map(|same| (order[same[0]], same.len() as f64)).collect()
    }

    /// A hash of the rows. With a seed alone, a draw from sorted rows would take the same ranks of every table, and
    /// miss the same ones.
    pub(crate) fn fingerprint(&self, order: &[usize]) -> u64 {
        let mix = |hash: u64, v: &f32| (hash ^ u64::from(v.to_bits())).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        order.iter().flat_map(|&i| self.row(i)).fold(self.rows as u64, mix)
    }

    /// The rows' indices in the order of their values, column by column; equal rows in the order of their weights.
    pub(crate) fn sorted(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows).collect();
        let compare = |&i: &usize, &j: &usize| {
            let pairs = self.row(i).iter().zip(self.row(j));
            let by_weight = || self.weights.map_or(std::cmp::Ordering::Equal, |weights| weights[i].total_cmp(&weights[j]));
            pairs.map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or_else(by_weight)
        };
        order.sort_by(compare);
        order
    }
}

/// Two sets can be compared when their columns agree and each has `least` rows or more.
pub(crate) fn comparable(x: Points, y: Points, least: usize) -> Result<()> {
    if x.columns != y.columns {
        let problem =
            format!("the reference has {} columns and the samples {}: choose the same columns of both", x.columns, y.columns);
        return Err(Error::shape("metrics", problem));
    }
    let fewest = x.rows.min(y.rows);
    if fewest < least {
        return Err(Error::data(format!("a set has {}, and this score needs {least} or more in each", count(fewest, "row"))));
    }
    Ok(())
}
