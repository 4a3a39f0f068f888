//! Distances to the closest record in words, and among the other scores.

use super::closest::Closest;
use super::{Better, NamedScore, Score};
use crate::words::number;

impl Closest {
    pub(super) fn scores(&self) -> Vec<NamedScore> {
        let named = |name, meaning, better, score: &Score| NamedScore { name, meaning, better, score: score.clone() };
        let ratio = self.ratio.as_ref().map(|score| {
            named(
                "Closest record",
                "median distance of samples to the closest training row, over that of real rows",
                Better::Near(1.0),
                score,
            )
        });
        // Rows of the data are nearer to training rows than random ones.
        let real = (self.reference.value / self.random).min(1.0);
        let baseline = self.baseline.as_ref().map(|score| {
            named("Closest record, baseline", "the same over that of random rows; best as real rows", Better::Near(real), score)
        });
        let others = [
            named(
                "Closest record, overfitting",
                "twice the share of samples no nearer to training rows than to other real rows",
                Better::Higher,
                &self.overfitting,
            ),
            named(
                "Membership inference",
                "AUC of telling training rows by their distance to samples",
                Better::Near(0.5),
                &self.membership,
            ),
        ];
        ratio.into_iter().chain(baseline).chain(others).collect()
    }

    /// Whether training rows are given away, in a sentence.
    pub(super) fn said(&self) -> String {
        let auc = number(self.membership.value, 2);
        match self.membership.interval {
            Some([low, _]) if low > 0.5 => format!(
                "Training rows lie nearer to the samples than other real rows do: who has the samples can tell them apart with an AUC of {auc} (0.5 is chance)."
            ),
            _ => format!(
                "Training rows cannot be told from other real rows by their distance to the samples (AUC {auc}, 0.5 is chance)."
            ),
        }
    }
}
