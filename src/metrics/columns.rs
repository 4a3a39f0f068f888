//! How much each column of the file differs, by itself.

use serde::{Deserialize, Serialize};

use super::{Points, Score};
use crate::Result;
use crate::data::groups;

/// One column of the file; a column of categories is one, whatever its levels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnDifference {
    pub column: String,
    /// The Kolmogorov–Smirnov distance; of categories the total variation distance, half the sum of what their shares differ by.
    pub distance: f64,
    /// Corrected for the number of columns, and of levels (Bonferroni).
    pub p_value: f64,
    /// The samples' mean minus the reference's, in standard deviations of the reference; none for categories, and where the reference is constant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<f64>,
    /// The share of rows whose value another row has too, of the reference and of the samples, as many rows of each; none for categories.
    /// Whole numbers repeat and samples of a density do not: a classifier sees that, and distances of distribution functions hardly do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<[f64; 2]>,
}

impl ColumnDifference {
    /// Whether it is a column of categories.
    pub fn is_categorical(&self) -> bool {
        self.repeated.is_none()
    }

    /// Whether most values repeat in the reference and few in the samples.
    pub fn is_rounded_in_the_reference_alone(&self) -> bool {
        self.repeated.is_some_and(|[reference, samples]| reference > 0.5 && samples < 0.5 * reference)
    }
}

/// The columns of two sets by themselves, the farthest off first, with names as [`groups`] reads them.
pub fn by_column(reference: Points, samples: Points, names: &[String]) -> Result<Vec<ColumnDifference>> {
    let ks = super::kolmogorov::columns(reference, samples)?;
    Ok(differences([reference, samples], [reference, samples], &ks, names))
}

/// The share of values that are there more than once.
fn repeated(mut values: Vec<f32>) -> f64 {
    values.sort_by(f32::total_cmp);
    let again = values.chunk_by(|a, b| a == b).filter(|run| run.len() > 1).map(<[f32]>::len).sum::<usize>();
    again as f64 / values.len().max(1) as f64
}

/// The columns of the file, the farthest off first; `ks` is the score of each numeric column or level. The sets are weighted rows; `unweighted` are
/// rows of both with equal weights, in which repeated values are counted.
pub fn differences(sets: [Points; 2], unweighted: [Points; 2], ks: &[Score], names: &[String]) -> Vec<ColumnDifference> {
    let shares = sets.map(|points| points.shares());
    let mean = |set: usize, j: usize| shares[set].iter().zip(sets[set].column(j)).map(|(s, v)| s * f64::from(v)).sum::<f64>();
    // Of the reference: Σ s (x − mean)², over 1 − Σ s².
    let deviation = |j: usize| {
        let (column, middle) = (sets[0].column(j), mean(0, j));
        // Shares add up to one but for rounding, which would make a constant column vary.
        if column.iter().all(|v| *v == column[0]) {
            return 0.0;
        }
        let squares = shares[0].iter().zip(&column).map(|(s, &v)| s * (f64::from(v) - middle).powi(2)).sum::<f64>();
        let left = 1.0 - shares[0].iter().map(|s| s * s).sum::<f64>();
        if left > 0.0 { (squares / left).sqrt() } else { 0.0 }
    };
    let groups = groups(names);
    // The more rows, the more of them meet by chance.
    let rows = unweighted[0].rows().min(unweighted[1].rows());
    let [few_real, few_drawn] = unweighted.map(|points| points.subsample(rows, 0));
    let every = |values: &[f32], j: usize| values.iter().skip(j).step_by(names.len()).copied().collect::<Vec<f32>>();
    let mut found: Vec<ColumnDifference> = groups
        .iter()
        .map(|group| {
            let members = group.first..group.first + group.levels.len().max(1);
            let least = members.clone().filter_map(|j| ks[j].p_value).fold(1.0, f64::min);
            let p_value = (least * (members.len() * groups.len()) as f64).min(1.0);
            let (distance, shift, repeated) = match group.levels.is_empty() {
                true => {
                    let repeated = [&few_real, &few_drawn].map(|values| repeated(every(values, group.first)));
                    let (deviation, shift) = (deviation(group.first), mean(1, group.first) - mean(0, group.first));
                    (ks[group.first].value, (deviation > 0.0).then(|| shift / deviation), Some(repeated))
                }
                false => (0.5 * members.map(|j| (mean(1, j) - mean(0, j)).abs()).sum::<f64>(), None, None),
            };
            ColumnDifference { column: group.column.into(), distance, p_value, shift, repeated }
        })
        .collect();
    found.sort_by(|a, b| b.distance.total_cmp(&a.distance));
    found
}
