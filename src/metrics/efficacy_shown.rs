//! Efficacy in words, and among the other scores.

use super::efficacy::{Efficacy, EfficacyScore};
use super::{Better, NamedScore};
use crate::words::{grouped, number};

impl Efficacy {
    /// The ratios of its scores.
    pub(super) fn scores(&self) -> Vec<NamedScore> {
        let name = |score: &str| match score {
            "accuracy" => "Efficacy, accuracy",
            "f1" => "Efficacy, F1",
            "auc" => "Efficacy, AUC",
            _ => "Efficacy, R²",
        };
        let named = |of: &EfficacyScore| {
            of.ratio.as_ref().map(|ratio| NamedScore {
                name: name(&of.score),
                meaning: "on test rows, of a model of samples over that of a model of real rows",
                better: Better::Near(1.0),
                score: ratio.clone(),
            })
        };
        self.scores.iter().filter_map(named).collect()
    }

    /// In a sentence or two.
    pub(super) fn said(&self) -> String {
        let of = |of: &EfficacyScore| {
            let [samples, real] = [&of.samples, &of.real].map(|score| number(score.value, 3));
            let ratio = of.ratio.as_ref().map_or(String::new(), |ratio| format!(" (ratio {})", number(ratio.value, 3)));
            let name = match of.score.as_str() {
                "f1" => "F1",
                "auc" => "AUC",
                "r2" => "R²",
                name => name,
            };
            format!("{name} {samples} of samples, {real} of real rows{ratio}")
        };
        let scores: Vec<String> = self.scores.iter().map(of).collect();
        format!(
            "Predicting `{}` on {} test rows by models of {} rows each: {}.",
            self.target,
            grouped(self.test_rows),
            grouped(self.training_rows),
            scores.join("; ")
        )
    }
}
