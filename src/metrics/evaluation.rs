//! The scores of one set of samples, and how people read them.

use serde::{Deserialize, Serialize};

use super::closest::Closest;
use super::columns::ColumnDifference;
use super::efficacy::Efficacy;
use super::scorecard::Scorecard;
use super::{Options, Score, c2st};
use crate::words::count;

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
    /// Squared kernelized Stein discrepancy of the samples to a distribution whose score is known, where there is one; p by the wild bootstrap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ksd2: Option<Score>,
    pub sliced_w2: Score,
    pub w2: Score,
    /// The Sinkhorn divergence, where there is a device to find it on: W₂² of sets of any size, blurred at a tenth of the median
    /// distance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sinkhorn: Option<Score>,
    /// Accuracy of the stronger of two classifiers on rows that it has not seen, where they were trained (see `super::c2st`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c2st: Option<Score>,
    /// The accuracy of each classifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifiers: Option<c2st::Accuracies>,
    pub precision: Score,
    pub recall: Score,
    pub density: Score,
    pub coverage: Score,
    pub ks: WorstColumn,
    /// Whether training rows were copied, where they were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memorization: Option<Memorization>,
    /// Distances to the closest record, and what they give away of the training rows, where those and the types of the columns were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closest: Option<Closest>,
    /// The columns of the file, the farthest off first, where their names were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_column: Vec<ColumnDifference>,
    /// Column by column and pair by pair, where tables with the types of their columns were scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorecard: Option<Scorecard>,
    /// How well models of samples predict a column, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub efficacy: Option<Efficacy>,
    /// The result in a sentence or two.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub verdict: String,
    /// What was found in the two sets, and done about it (shared conditions, repeated rows, weights), and which scores are missing, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Kolmogorov–Smirnov distances of all columns, summed up by the worst.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorstColumn {
    /// The largest distance; its p-value and interval are corrected for the number of columns (Bonferroni).
    #[serde(flatten)]
    pub worst: Score,
    /// Which column has it, from 0.
    pub column: usize,
    /// The distance of each column, with its own p-value.
    pub columns: Vec<Score>,
}

/// The scores of [`memorization`](super::memorization()); `test` compares with the reference as rows that were not trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memorization {
    pub ratio: DistanceRatio,
    pub authenticity: Score,
    pub test: Score,
}

/// The nearest-neighbor distance ratio, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DistanceRatio {
    #[serde(flatten)]
    pub score: Option<Score>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<String>,
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

impl Evaluation {
    /// Distances found in units of `unit`, in those of the columns.
    pub(super) fn rescale(&mut self, unit: f64) {
        let scale = |score: &mut Score, by: f64| {
            score.value *= by;
            score.standard_error = score.standard_error.map(|error| error * by);
            score.interval = score.interval.map(|ends| ends.map(|end| end * by));
        };
        self.bandwidth *= unit;
        for score in [&mut self.energy, &mut self.sliced_w2, &mut self.w2] {
            scale(score, unit);
        }
        self.sinkhorn.iter_mut().for_each(|score| scale(score, unit * unit));
    }

    /// Which scores, intervals and shifts there are none of though they were asked for, and why: a sentence each; `fewest` are the rows of the smaller
    /// set of equal weight.
    pub(super) fn absent(&self, options: &Options, fewest: usize) -> Vec<String> {
        let mut notes = Vec::new();
        if options.classifier && self.c2st.is_none() {
            notes.push(format!(
                "There is no C2ST accuracy: the smaller set has {}, and a classifier needs {} or more of each.",
                count(fewest, "row"),
                c2st::LEAST_ROWS
            ));
        }
        if options.gpu.is_some() && self.classifiers.is_some_and(|found| found.network.is_none()) {
            notes.push("There is no accuracy of a neural network: the gradient-boosted trees made no mistake.".into());
        }
        if let Some(copied) = &self.memorization {
            match &copied.ratio.score {
                None => notes.push(
                    "There is no memorization ratio: the training rows nearest to the samples are duplicates, at distance 0 from each other."
                        .into(),
                ),
                Some(ratio) if ratio.interval.is_none() => notes.push(
                    "The memorization ratio has no confidence interval: training rows nearest to samples are duplicates, and its upper end is infinite."
                        .into(),
                ),
                Some(_) => (),
            }
        }
        let constant: Vec<String> = self
            .by_column
            .iter()
            .filter(|column| !column.is_categorical() && column.shift.is_none())
            .map(|column| format!("`{}`", column.column))
            .collect();
        if !constant.is_empty() {
            notes.push(format!(
                "The shift of the mean has no unit in columns that are constant in the reference: {}.",
                constant.join(", ")
            ));
        }
        notes
    }

    /// The notes of evaluations of several sets, each once; those that are not of all begin with whose they are.
    pub fn notes_of(all: &[(&str, &Self)]) -> Vec<String> {
        let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
        for (name, note) in all.iter().flat_map(|(name, of)| of.notes.iter().map(move |note| (*name, note.as_str()))) {
            match found.iter_mut().find(|(known, _)| *known == note) {
                Some((_, names)) => names.push(name),
                None => found.push((note, vec![name])),
            }
        }
        let said = |(note, names): (&str, Vec<&str>)| match names.len() == all.len() {
            true => note.to_string(),
            false => format!("Of {}: {note}", names.join(", ")),
        };
        found.into_iter().map(said).collect()
    }

    /// The scores in the order in which people read them.
    pub fn scores(&self) -> Vec<NamedScore> {
        use Better::{Higher, Lower, Near};
        let named = |name, meaning, better, score: &Score| NamedScore { name, meaning, better, score: score.clone() };
        let mut scores = self.scorecard.as_ref().map_or_else(Vec::new, Scorecard::scores);
        scores.extend(self.efficacy.as_ref().map_or_else(Vec::new, Efficacy::scores));
        scores.extend([
            named("Energy distance", "between the distributions; about 0 if they are equal", Lower, &self.energy),
            named("MMD²", "the same by Gaussian kernels; p by permutation", Lower, &self.mmd2),
        ]);
        scores.extend(
            self.ksd2.as_ref().map(|s| named("KSD²", "to the target whose score is known; p by wild bootstrap", Lower, s)),
        );
        scores.extend([
            named("Sliced W₂", "Wasserstein distance on random lines; above 0 for any two sets", Lower, &self.sliced_w2),
            named("W₂", "Wasserstein distance; above 0 for any two sets of rows", Lower, &self.w2),
        ]);
        scores.extend(
            self.sinkhorn
                .as_ref()
                .map(|s| named("Sinkhorn divergence", "W₂² with entropic regularization; above 0 in many columns", Lower, s)),
        );
        scores.extend(
            self.c2st
                .as_ref()
                .map(|s| named("C2ST accuracy", "how often a classifier tells samples from real rows", Near(0.5), s)),
        );
        scores.extend([
            named("Kolmogorov–Smirnov", "distance of the worst column, 0 to 1; p by Bonferroni", Lower, &self.ks.worst),
            named("Precision", "share of samples that lie among real rows", Higher, &self.precision),
            named("Recall", "share of real rows that lie among samples", Higher, &self.recall),
            named("Density", "how densely real rows surround a sample", Near(1.0), &self.density),
            named("Coverage", "share of real rows with a sample nearby", Higher, &self.coverage),
        ]);
        if let Some(copied) = &self.memorization {
            let ratio = copied.ratio.score.as_ref();
            scores.extend(ratio.map(|s| {
                named("Memorization ratio", "distance to the nearest training row, over that among them", Near(1.0), s)
            }));
            scores.extend([
                named("Authenticity", "share of samples that are no near copy of a training row", Higher, &copied.authenticity),
                named(
                    "Memorization test",
                    "z-score; far below 0: nearer to training rows than real rows are",
                    Near(0.0),
                    &copied.test,
                ),
            ]);
        }
        scores.extend(self.closest.as_ref().map_or_else(Vec::new, Closest::scores));
        scores
    }
}
