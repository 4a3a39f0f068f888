//! Classifier two-sample test (Lopez-Paz & Oquab 2017): how often a classifier tells samples from reference rows on rows that it has not seen.
//! Its accuracy is ½ when the two distributions are one, and Φ(δ/2) at best for N(0, 1) against N(δ, 1).
//!
//! Two classifiers try, gradient-boosted trees (`metrics::trees`) and a network (`metrics::network`), and the stronger one is reported. Rows of both sets
//! fall into five folds at random, equally many of each set in each; a fold is classified by models of the four others, so that every row is classified
//! once and by models that have not seen it.
//!
//! These counts are no basis for a p-value: a row of one fold trains the models that classify another, so that their errors depend on each other, and the
//! stronger of two is chosen by the very count. The p-value is of other models. Fold k is classified by models of the folds before it, and of the two
//! classifiers by the one that was right more often in the folds before it (trees, in the first). Given all that came before, and the fold's rows
//! without their labels, every permutation of the labels of the fold with m of each set is equally likely if the distributions are equal: of 2m calls, r of them for
//! one set, a number C is right with the hypergeometric mean m and variance r(2m − r)/(2m − 1), whatever the models. C − m are thus differences of a
//! martingale, and Σ(C − m)/√Σ r(2m − r)/(2m − 1) is normal in the limit. Its steps are of 2, and a seeded draw within the step makes p uniform.

use rand::SeedableRng;
use rand::distr::{Distribution, StandardUniform};
use rand::rngs::Xoshiro256PlusPlus;
use statrs::function::erf::erfc;

use super::threads::map_rows;
use super::trees::{Binned, Trees};
use super::{Points, Score, comparable, interval, network, scale};
use crate::gpu::Gpu;
use crate::words::count;
use crate::{Error, Result};

/// Rows of each set, and values of each set, that are used at most.
const ROWS: usize = 20_000;
const VALUES: usize = 400_000;
/// Fewest rows of each set.
pub const LEAST_ROWS: usize = 20;
const FOLDS: usize = 5;
/// The variance of an accuracy over folds that train on each other's rows, over that of independent calls: (1/k + 1/(k − 1))·k (Nadeau & Bengio 2003).
/// Measured, for trees and equal distributions: 1.3 to 2.0.
const DEPENDENCE: f64 = 2.25;

/// How well the sets were distinguished.
#[derive(Clone, Debug)]
pub struct Classified {
    /// The accuracy of the stronger classifier.
    pub score: Score,
    pub accuracies: Accuracies,
}

/// The accuracy of each classifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Accuracies {
    pub trees: f64,
    /// None where the trees made no mistake, or there was no device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<f64>,
}

/// Rows of each set, of so many columns, that both classifiers take in about ten seconds.
pub fn most_rows(columns: usize) -> usize {
    (VALUES / columns.max(1)).clamp(500, ROWS)
}

/// The accuracy of `classify`, with its 95 % interval and p-value.
pub fn test(gpu: &Gpu, reference: Points, samples: Points, seed: u64) -> Result<Score> {
    Ok(classify(Some(gpu), reference, samples, most_rows(reference.columns()), seed)?.score)
}

/// How well rows are distinguished, on equally many of each set, at most `most`; by trees alone without a device.
///
/// # Errors
/// When the columns differ in number, or a set has fewer than 20 rows.
pub fn classify(gpu: Option<&Gpu>, reference: Points, samples: Points, most: usize, seed: u64) -> Result<Classified> {
    comparable(reference, samples, 1)?;
    let cols = reference.columns();
    let n = reference.rows().min(samples.rows()).min(most);
    if n < LEAST_ROWS {
        return Err(Error::data(format!(
            "a set of {} is too small for a classifier test: give at least {LEAST_ROWS} of each",
            count(n, "row")
        )));
    }
    let rows = [reference.subsample(n, seed), samples.subsample(n, seed ^ 1)].concat();
    let all = Points::new(&rows, 2 * n, cols)?;
    let fingerprint = all.fingerprint(&all.sorted());
    let labels: Vec<bool> = (0..2 * n).map(|i| i >= n).collect();
    let jobs: Vec<Job> = (0..FOLDS).flat_map(|fold| [Job::cross(fold, n), Job::progressive(fold, n)]).flatten().collect();

    let binned = Binned::new(all);
    let by_trees = map_rows(jobs.len(), |at, _: &mut ()| {
        let job = &jobs[at];
        let trees = Trees::fit(&binned, &job.train, &labels, seed);
        job.classified.iter().map(|&i| trees.predict(&binned, i as usize)).collect::<Vec<f64>>()
    });
    let trees = Calls::new(&jobs, by_trees, &labels, seed);
    let network = match gpu {
        // Nothing is left for another to find.
        Some(gpu) if trees.right() < 2 * n => {
            let scaled = scale::in_own_units(all);
            let logits = jobs
                .iter()
                .map(|job| network::logits(gpu, &scaled, cols, &labels, &job.train, &job.classified, seed))
                .collect::<Result<Vec<_>>>()?;
            Some(Calls::new(&jobs, logits, &labels, seed))
        }
        _ => None,
    };

    let accuracy = |calls: &Calls| calls.right() as f64 / (2 * n) as f64;
    let within: f64 = StandardUniform.sample(&mut Xoshiro256PlusPlus::seed_from_u64(seed ^ fingerprint));
    let p_value = progressive_p_value(&trees, network.as_ref(), within);
    let right = trees.right().max(network.as_ref().map_or(0, Calls::right));
    let value = right as f64 / (2 * n) as f64;
    // Folds share training rows, so that their errors depend on each other.
    let trials = (2 * n) as f64 / DEPENDENCE;
    let score = Score {
        value,
        standard_error: Some((value * (1.0 - value) / trials).sqrt()),
        interval: Some(interval::clopper_pearson_of(value * trials, trials)),
        p_value: Some(p_value),
        rows_used: (n < reference.rows().max(samples.rows())).then_some(n),
    };
    Ok(Classified { score, accuracies: Accuracies { trees: accuracy(&trees), network: network.as_ref().map(accuracy) } })
}

/// Models of the rows `train` that classify the rows of a fold.
struct Job {
    train: Vec<u32>,
    classified: Vec<u32>,
    /// Whether its calls count for the accuracy, and for the p-value.
    counts: [bool; 2],
}

impl Job {
    /// Rows of `folds` among n of either set, in random order.
    fn rows(n: usize, folds: impl Fn(usize) -> bool) -> Vec<u32> {
        (0..2 * n).filter(|i| folds(i % n % FOLDS)).map(|i| i as u32).collect()
    }

    fn cross(fold: usize, n: usize) -> Option<Self> {
        let last = fold + 1 == FOLDS;
        Some(Self { train: Self::rows(n, |f| f != fold), classified: Self::rows(n, |f| f == fold), counts: [true, last] })
    }

    /// By the folds before; those of the last fold are the others, too.
    fn progressive(fold: usize, n: usize) -> Option<Self> {
        (fold > 0 && fold + 1 < FOLDS).then(|| Self {
            train: Self::rows(n, |f| f < fold),
            classified: Self::rows(n, |f| f == fold),
            counts: [false, true],
        })
    }
}

/// What a classifier said of the rows of each job.
struct Calls {
    of_jobs: Vec<Fold>,
}

struct Fold {
    right: usize,
    /// Calls for the second set.
    second: usize,
    rows: usize,
    counts: [bool; 2],
}

impl Calls {
    fn new(jobs: &[Job], logits: Vec<Vec<f64>>, labels: &[bool], seed: u64) -> Self {
        let fold = |(job, logits): (&Job, Vec<f64>)| {
            // A row of which a model knows nothing is called by a coin.
            let call = |(&i, logit): (&u32, f64)| if logit == 0.0 { coin(seed, i) } else { logit > 0.0 };
            let calls: Vec<bool> = job.classified.iter().zip(logits).map(call).collect();
            Fold {
                right: calls.iter().zip(&job.classified).filter(|(call, i)| **call == labels[**i as usize]).count(),
                second: calls.iter().filter(|call| **call).count(),
                rows: calls.len(),
                counts: job.counts,
            }
        };
        Self { of_jobs: jobs.iter().zip(logits).map(fold).collect() }
    }

    /// Calls of all folds that were right.
    fn right(&self) -> usize {
        self.of_jobs.iter().filter(|fold| fold.counts[0]).map(|fold| fold.right).sum()
    }

    fn progressive(&self) -> impl Iterator<Item = &Fold> {
        self.of_jobs.iter().filter(|fold| fold.counts[1])
    }
}

/// A fair coin of a row.
fn coin(seed: u64, row: u32) -> bool {
    let mixed = (seed ^ u64::from(row).wrapping_add(1)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 63 == 1
}

/// `within` is where in a step of 2 the count is taken to be, in [0, 1).
fn progressive_p_value(trees: &Calls, network: Option<&Calls>, within: f64) -> f64 {
    let network: Option<Vec<&Fold>> = network.map(|calls| calls.progressive().collect());
    let (mut found, mut variance) = (2.0 * within - 1.0, 0.0);
    // Of each classifier, the right calls so far.
    let mut right = [0, 0];
    for (at, by_trees) in trees.progressive().enumerate() {
        let by_network = network.as_ref().map(|folds| folds[at]);
        let chosen = by_network.filter(|_| right[1] > right[0]).unwrap_or(by_trees);
        let (rows, second) = (chosen.rows as f64, chosen.second as f64);
        found += chosen.right as f64 - 0.5 * rows;
        variance += second * (rows - second) / (rows - 1.0);
        right[0] += by_trees.right;
        right[1] += by_network.map_or(0, |fold| fold.right);
    }
    if variance > 0.0 { 0.5 * erfc(found / (2.0 * variance).sqrt()) } else { 1.0 - within }
}
