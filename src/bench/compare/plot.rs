//! A comparison as a picture.

use super::{Comparison, Verdict};
use crate::Result;
use crate::report::ratios::{Bar, Ratios, ratios};
use crate::report::themed;

impl Comparison {
    /// The ratios of every later file to the baseline as horizontal bars on a logarithmic axis: a self-contained SVG that follows the
    /// reader's light or dark theme.
    ///
    /// A whisker reaches from (lower quartile over the baseline's upper one) to (upper over lower): it leaves out 1 where the
    /// difference is beyond the noise, and the bar is then full.
    pub fn svg(&self) -> Result<String> {
        let mut plot = Ratios {
            x: format!("time over that of {} (below 1 is faster; faint: within the noise)", self.files[0].name),
            names: self.files[1..].iter().map(|file| file.name.clone()).collect(),
            ..Ratios::default()
        };
        for row in self.cases.iter().filter(|row| row.results.iter().flatten().any(|cell| cell.ratio.is_some())) {
            let group = plot.groups.len();
            plot.groups.push(row.case.clone());
            let baseline = row.results[0].map(|cell| cell.time);
            for (name, cell) in row.results[1..].iter().enumerate() {
                let (Some(cell), Some(baseline)) = (cell, baseline) else { continue };
                let Some(value) = cell.ratio else { continue };
                plot.bars.push(Bar {
                    group,
                    name,
                    value,
                    whisker: Some([cell.time.lower_ms / baseline.upper_ms, cell.time.upper_ms / baseline.lower_ms]),
                    certain: cell.verdict != Some(Verdict::WithinNoise),
                });
            }
        }
        if self.geometric_mean.cases > 1 {
            let group = plot.groups.len();
            plot.groups.push("geometric mean".into());
            let means = self.geometric_mean.ratios[1..].iter().enumerate();
            plot.bars
                .extend(means.filter_map(|(name, &mean)| Some(Bar { group, name, value: mean?, whisker: None, certain: true })));
        }
        ratios(&plot, "Times beside the baseline").map(|svg| themed(&svg))
    }
}
