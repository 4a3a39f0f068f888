//! Several line plots side by side in one picture.

use super::panel::{Axis, Panel, legend, picture};
use super::style::{SERIES, WIDE, px, stroke};
use crate::Result;

/// Curves that share a name, a color and an entry in the legend.
pub type Family = (String, Vec<Vec<(f64, f64)>>);

/// Curves over one pair of axes.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    pub title: String,
    pub x: String,
    pub y: String,
    /// The vertical range, where it is not the curves' own.
    pub range: Option<[f64; 2]>,
    /// Whether the vertical axis is logarithmic.
    pub log: bool,
    pub families: Vec<Family>,
    /// What was measured, family by family: dots at (x, y) with bars of their error, left out where y is outside the axes.
    pub marks: Vec<Vec<[f64; 3]>>,
}

/// The plots in rows of two.
pub fn panels(plots: &[Plot], title: &str) -> Result<String> {
    let rows = plots.len().div_ceil(2);
    picture(WIDE, 300.0 * rows as f64, title, |area| {
        for (cell, plot) in area.split_evenly((rows, 2)).iter().zip(plots) {
            // Room for the last number of the horizontal axis, half of which stands beyond it.
            let (top, body) = cell.margin(0, 0, 0, px(8.0)).split_vertically(px(24.0));
            let points = || plot.families.iter().flat_map(|(_, curves)| curves.iter().flatten());
            let x = Axis::round(points().map(|p| p.0), 0.0, &plot.x);
            let scaled = |y: f64| if plot.log { y.log10() } else { y };
            let y = match plot.range {
                Some(range) => Axis::round(range.into_iter().map(scaled), 0.02, &plot.y),
                None => Axis::round(points().map(|p| scaled(p.1)), 0.06, &plot.y),
            };
            let y = Axis { log: plot.log, ..y };
            let panel = Panel::new(&body, &plot.title, x, y.with_space(58.0))?;
            let colors = || SERIES.iter().copied().cycle();
            for ((_, curves), color) in plot.families.iter().zip(colors()) {
                curves.iter().try_for_each(|curve| panel.line(curve, stroke(color, 1.6)))?;
            }
            for (marks, color) in plot.marks.iter().zip(colors()) {
                panel.marks(marks, color)?;
            }
            let entries: Vec<_> = plot.families.iter().map(|(name, _)| name.as_str()).zip(colors()).collect();
            legend(&top, &entries, 64.0)?;
        }
        Ok(())
    })
}
