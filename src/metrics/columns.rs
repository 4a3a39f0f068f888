//! How far off each column of the file is, by itself.

use serde::{Deserialize, Serialize};

use super::{Points, Score, interval};
use crate::data::groups;

/// One column of the file; a column of categories is one, whatever its levels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnDifference {
    pub column: String,
    /// The Kolmogorov–Smirnov distance; of categories the total variation distance, half the sum of what their shares differ by.
    pub distance: f64,
    /// Corrected for the number of columns, and of levels (Bonferroni).
    pub p_value: f64,
    /// The samples' mean less the reference's, in standard deviations of the reference; none for categories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<f64>,
}

/// The columns of the file, the farthest off first; `ks` is the score of each numeric column or level.
pub fn differences(reference: Points, samples: Points, ks: &[Score], names: &[String]) -> Vec<ColumnDifference> {
    let mean = |points: Points, j: usize| points.column(j).iter().map(|&v| f64::from(v)).sum::<f64>() / points.rows() as f64;
    let groups = groups(names);
    let mut found: Vec<ColumnDifference> = groups
        .iter()
        .map(|group| {
            let members = group.first..group.first + group.levels.len().max(1);
            let least = members.clone().filter_map(|j| ks[j].p_value).fold(1.0, f64::min);
            let p_value = (least * (members.len() * groups.len()) as f64).min(1.0);
            let (distance, shift) = match group.levels.is_empty() {
                true => {
                    let deviation = interval::variance(reference.column(group.first).iter().map(|&v| f64::from(v))).sqrt();
                    let shift = mean(samples, group.first) - mean(reference, group.first);
                    (ks[group.first].value, (deviation > 0.0).then(|| shift / deviation))
                }
                false => (0.5 * members.map(|j| (mean(samples, j) - mean(reference, j)).abs()).sum::<f64>(), None),
            };
            ColumnDifference { column: group.column.into(), distance, p_value, shift }
        })
        .collect();
    found.sort_by(|a, b| b.distance.total_cmp(&a.distance));
    found
}
