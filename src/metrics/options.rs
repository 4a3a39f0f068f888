//! What an evaluation may spend.

use super::watch::Watch;
use super::{manifold, permutation, sliced, wasserstein};
use crate::data::Target;
use crate::gpu::Gpu;

/// What to spend, and on how many rows. The defaults take a minute at most, on any number of rows.
#[derive(Clone, Debug)]
pub struct Options {
    /// The device for work over all pairs of rows; the host's cores do it when absent.
    pub gpu: Option<Gpu>,
    /// The distribution whose score is known and that the samples should have, in their units: adds the Stein discrepancy.
    pub target: Option<Target>,
    /// Names of the columns, which say which are levels of one column of categories (see `groups`); adds
    /// [`Evaluation::by_column`](super::Evaluation::by_column).
    pub names: Vec<String>,
    /// Whether values beyond ten units are brought near logarithmically (`scale::squashed`), so that one outlier decides no distance: for columns in
    /// units of their standard deviation.
    pub squash: bool,
    /// Whether a classifier is trained, where both sets have rows enough.
    pub classifier: bool,
    /// Called with what is being done.
    pub watch: Watch,
    /// Seed of subsamples, projections, folds and permutations.
    pub seed: u64,
    /// Gaussian bandwidth ℓ of MMD²; the median distance when absent.
    pub bandwidth: Option<f64>,
    /// Permutations of the permutation test, and replicates of the wild bootstrap.
    pub permutations: usize,
    /// Directions of sliced W₂.
    pub projections: usize,
    /// k of precision, recall, density and coverage.
    pub neighbors: usize,
    /// Rows of each set at most for what takes every pair of rows; the rest is left out at random. When absent, as many as the device
    /// or the host works through in about five seconds ([`Backend::pair_rows`](super::Backend::pair_rows)).
    pub pair_rows: Option<usize>,
    /// Rows of each set at most for exact W₂.
    pub w2_rows: usize,
    /// Bins of rows that the permutation test permutes, at most.
    pub bins: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gpu: None,
            target: None,
            names: Vec::new(),
            squash: false,
            classifier: false,
            watch: Watch::default(),
            seed: 0,
            bandwidth: None,
            permutations: permutation::PERMUTATIONS,
            projections: sliced::PROJECTIONS,
            neighbors: manifold::NEIGHBORS,
            pair_rows: None,
            w2_rows: wasserstein::MOST_ROWS,
            bins: permutation::BINS,
        }
    }
}
