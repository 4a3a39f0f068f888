//! How well a column is predicted by models that learned from samples, and by models that learned from real rows.

use super::page::Sheet;
use super::style;
use crate::metrics::{Evaluation, Score};
use crate::words::grouped;

impl Sheet {
    /// Of each set its models' scores, and last those of models of real rows; none where no column was predicted.
    pub fn of_efficacy(sets: &[(&str, &Evaluation)]) -> Option<Self> {
        let found: Vec<_> = sets.iter().filter_map(|(name, of)| Some((*name, of.efficacy.as_ref()?))).collect();
        let (_, first) = found.first()?;
        let cell = |score: &Score| {
            let (value, interval) = style::aligned(score.value, score.interval);
            (value, interval.unwrap_or_default())
        };
        let row = |at: usize| {
            let (name, means) = match first.scores[at].score.as_str() {
                "accuracy" => ("accuracy", "share of rows predicted right"),
                "f1" => ("F1", "mean over the classes"),
                "auc" => ("AUC", "how well classes are ranked; 0.5 is chance"),
                _ => ("R²", "share of the variance that is predicted"),
            };
            let of_samples = found.iter().map(|(_, of)| of.scores.get(at).map_or_else(Default::default, |of| cell(&of.samples)));
            let of_real = cell(&first.scores[at].real);
            std::iter::once((name.to_string(), means.to_string())).chain(of_samples).chain([of_real]).collect()
        };
        let names = found.iter().map(|(name, _)| name.to_string());
        Some(Self {
            title: format!("Predicting {}", first.target),
            head: std::iter::once("learned from".to_string()).chain(names).chain(["real rows".into()]).collect(),
            rows: (0..first.scores.len()).map(row).collect(),
            numbers: true,
            note: format!(
                "Models (gradient-boosted trees) that learn to predict `{}` from the other columns, each from {} rows, and are tested on {} real rows that none of them has seen. \
                 Samples are as good as real rows for this purpose where their column is as high as the last. Higher is better; below a number its 95 % confidence interval.",
                first.target,
                grouped(first.training_rows),
                grouped(first.test_rows)
            ),
        })
    }
}
