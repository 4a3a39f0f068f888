//! All scores of one set of samples against one reference, as `pushforward evaluate` prints them.

use serde::{Deserialize, Serialize};

use super::{
    Backend, Points, Score, comparable, copying, kolmogorov, manifold, pairs, permutation, sinkhorn, sliced, stein, wasserstein,
};
use crate::Result;
use crate::data::Target;
use crate::gpu::Gpu;

/// What to spend, and on how many rows. The defaults take seconds.
#[derive(Clone, Debug)]
pub struct Options {
    /// The device for work over all pairs of rows; the host's cores do it when absent.
    pub gpu: Option<Gpu>,
    /// The law whose score is known and that the samples should have, in their units: adds the Stein discrepancy.
    pub target: Option<Target>,
    /// Seed of subsamples, projections and relabellings.
    pub seed: u64,
    /// Gaussian bandwidth ℓ of MMD²; the median distance when absent.
    pub bandwidth: Option<f64>,
    /// Relabellings of the permutation test, and replicates of the wild bootstrap.
    pub permutations: usize,
    /// Directions of sliced W₂.
    pub projections: usize,
    /// k of precision, recall, density and coverage.
    pub neighbours: usize,
    /// Rows of each set at most for what takes every pair of rows; the rest is left out at random. When absent, as many as the device
    /// or the host works through in about a minute ([`Backend::pair_rows`]).
    pub pair_rows: Option<usize>,
    /// Rows of each set at most for exact W₂.
    pub w2_rows: usize,
    /// Bins of rows that the permutation test relabels, at most.
    pub bins: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gpu: None,
            target: None,
            seed: 0,
            bandwidth: None,
            permutations: permutation::PERMUTATIONS,
            projections: sliced::PROJECTIONS,
            neighbours: manifold::NEIGHBOURS,
            pair_rows: None,
            w2_rows: wasserstein::MOST_ROWS,
            bins: permutation::BINS,
        }
    }
}

/// All scores; as JSON, one object with a field a score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Rows of the reference, of the samples, and columns.
    pub reference_rows: usize,
    pub sample_rows: usize,
    pub columns: usize,
    /// Unbiased MMD² with a Gaussian kernel of `bandwidth`, with a permutation test.
    pub mmd2: Score,
    pub bandwidth: f64,
    /// 2E|X−Y| − E|X−X′| − E|Y−Y′|, unbiased.
    pub energy: Score,
    /// Squared kernelised Stein discrepancy of the samples to a law whose score is known, where there is one; p by the wild bootstrap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ksd2: Option<Score>,
    pub sliced_w2: Score,
    pub w2: Score,
    /// The Sinkhorn divergence, where there is a device to find it on: W₂² of sets of any size, blurred at a tenth of the median
    /// distance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sinkhorn: Option<Score>,
    /// Held-out accuracy of a classifier, where one was trained (see [`super::classifier`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c2st: Option<Score>,
    pub precision: Score,
    pub recall: Score,
    pub density: Score,
    pub coverage: Score,
    pub ks: WorstColumn,
    /// Whether training rows were copied, where they were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copying: Option<Copied>,
}

/// Kolmogorov–Smirnov distances of all columns, summed up by the worst.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorstColumn {
    /// The largest distance; its p-value is corrected for the number of columns (Bonferroni).
    #[serde(flatten)]
    pub worst: Score,
    /// Which column has it, from 0.
    pub column: usize,
    /// The distance of each column, with its own p-value.
    pub columns: Vec<Score>,
}

/// The scores of [`copying`]; `test` compares with the reference as held-out rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    pub ratio: Score,
    pub authenticity: Score,
    pub test: Score,
}

/// Which values of a score are good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Better {
    Lower,
    Higher,
    /// Near this value, as the accuracy of a classifier near ½.
    Near(f64),
}

/// A score with its name and meaning, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedScore {
    pub name: &'static str,
    pub meaning: &'static str,
    pub better: Better,
    pub score: Score,
}

/// Scores `samples` against `reference`, and against the `train` rows they were learned from where those are given.
///
/// # Errors
/// When the columns differ in number, or a set has fewer rows than neighbours are asked for.
pub fn evaluate(reference: Points, samples: Points, train: Option<Points>, options: &Options) -> Result<Evaluation> {
    comparable(reference, samples, options.neighbours + 1)?;
    let (gpu, seed) = (options.gpu.as_ref(), options.seed);
    let on = &gpu.map_or(Backend::Host, Backend::best);
    let on_sums = &gpu.map_or(Backend::Host, |gpu| Backend::for_sums(gpu, reference.columns()));
    let d = reference.columns();
    let most = options.pair_rows.unwrap_or_else(|| on.pair_rows(d)).max(options.neighbours + 1);
    let kept = [reference.subsample(most, seed), samples.subsample(most, seed.wrapping_add(1))];
    let real = Points::new(&kept[0], kept[0].len() / d, d)?;
    let fake = Points::new(&kept[1], kept[1].len() / d, d)?;
    let bandwidth = match options.bandwidth {
        Some(bandwidth) => bandwidth,
        None => pairs::median_distance(reference, samples, seed)?,
    };
    let used = (most < reference.rows().max(samples.rows())).then_some(most);
    let on_pairs = |score: Score| Score { rows_used: used, ..score };

    let p_value = permutation::mmd2(on_sums, real, fake, bandwidth, options.permutations, options.bins, seed)?;
    let (mmd2, energy) = match gpu {
        Some(gpu) => (pairs::mmd2_on(gpu, real, fake, bandwidth)?, pairs::energy_on(gpu, real, fake)?),
        None => (pairs::mmd2(real, fake, bandwidth)?, pairs::energy(real, fake)?),
    };
    let manifold = manifold::scores(on, real, fake, options.neighbours)?;
    let copying = match train {
        Some(train) => {
            let copied = copying::scores(on, train, samples)?;
            let test = copying::test(on, train, reference, samples)?;
            Some(Copied { ratio: copied.ratio, authenticity: copied.authenticity, test })
        }
        None => None,
    };
    Ok(Evaluation {
        reference_rows: reference.rows(),
        sample_rows: samples.rows(),
        columns: d,
        mmd2: on_pairs(mmd2).with_p_value(p_value),
        bandwidth,
        energy: on_pairs(energy),
        ksd2: match &options.target {
            Some(target) => {
                let most = options.pair_rows.unwrap_or(stein::MOST_ROWS).min(stein::MOST_ROWS);
                Some(stein::to_target(samples, target, options.permutations, most, seed)?)
            }
            None => None,
        },
        sliced_w2: sliced::wasserstein(on, reference, samples, options.projections, seed)?,
        sinkhorn: match gpu {
            Some(gpu) => Some(sinkhorn::divergence(gpu, reference, samples, sinkhorn::BLUR * bandwidth, seed)?),
            None => None,
        },
        w2: wasserstein::exact(reference, samples, options.w2_rows, seed)?,
        c2st: None,
        precision: on_pairs(manifold.precision),
        recall: on_pairs(manifold.recall),
        density: on_pairs(manifold.density),
        coverage: on_pairs(manifold.coverage),
        ks: WorstColumn::of(kolmogorov::columns(reference, samples)?),
        copying,
    })
}

impl WorstColumn {
    fn of(columns: Vec<Score>) -> Self {
        let column = (0..columns.len()).max_by(|&a, &b| columns[a].value.total_cmp(&columns[b].value)).unwrap_or_default();
        let mut worst = columns.get(column).cloned().unwrap_or_default();
        worst.p_value = worst.p_value.map(|p| (p * columns.len() as f64).min(1.0));
        Self { worst, column, columns }
    }
}

impl Evaluation {
    /// The scores in the order in which people read them.
    pub fn scores(&self) -> Vec<NamedScore> {
        use Better::{Higher, Lower, Near};
        let named = |name, meaning, better, score: &Score| NamedScore { name, meaning, better, score: score.clone() };
        let mut scores = vec![
            named("Energy distance", "2E|X−Y| − E|X−X′| − E|Y−Y′|", Lower, &self.energy),
            named("MMD²", "Gaussian kernel; p by permutation", Lower, &self.mmd2),
        ];
        scores.extend(self.ksd2.as_ref().map(|s| named("KSD²", "to the known score; p by wild bootstrap", Lower, s)));
        scores.extend([
            named("Sliced W₂", "mean over directions", Lower, &self.sliced_w2),
            named("W₂", "exact matching", Lower, &self.w2),
        ]);
        scores.extend(self.sinkhorn.as_ref().map(|s| named("Sinkhorn divergence", "W₂² with entropy, debiased", Lower, s)));
        scores.extend(self.c2st.as_ref().map(|s| named("Classifier accuracy", "told from real rows, held out", Near(0.5), s)));
        scores.extend([
            named("Kolmogorov–Smirnov", "the worst column; p corrected", Lower, &self.ks.worst),
            named("Precision", "samples among real rows", Higher, &self.precision),
            named("Recall", "real rows among samples", Higher, &self.recall),
            named("Density", "real neighbourhoods round a sample", Near(1.0), &self.density),
            named("Coverage", "real rows with a sample nearby", Higher, &self.coverage),
        ]);
        if let Some(copied) = &self.copying {
            scores.extend([
                named("Copying ratio", "distance to the training rows over theirs", Near(1.0), &copied.ratio),
                named("Authenticity", "samples beyond a training row's neighbour", Higher, &copied.authenticity),
                named("Copying test", "z against held-out rows; below 0 is nearer", Near(0.0), &copied.test),
            ]);
        }
        scores
    }
}
