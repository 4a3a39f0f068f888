//! Panels of differences with their intervals about a line of no difference: names along the horizontal axis, series beside each other in colors.

use super::panel::{Axis, Panel, legend, picture};
use super::style::{AXIS, SERIES, WIDE, px, stroke};
use crate::Result;

/// Heights of the legend and of a panel.
const LEGEND: f64 = 30.0;
const PANEL: f64 = 210.0;
/// Series of one name lie this far apart, names being 1 apart.
const APART: f64 = 0.16;
/// Bars are cut at this many times the largest difference: a wide one would hide all others.
const REACH: f64 = 1.6;

/// A measured difference: of which name and series, and the ends of its bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// Places in [`Contrasts::names`] and [`Contrasts::series`].
    pub name: usize,
    pub series: usize,
    pub y: f64,
    pub bar: Option<[f64; 2]>,
    /// Whether it is shown as certain: a full dot, not a ring.
    pub certain: bool,
}

/// Panels below one legend, each with a vertical range of its own.
#[derive(Clone, Debug, Default)]
pub struct Contrasts {
    pub y: String,
    pub names: Vec<String>,
    pub series: Vec<String>,
    /// Each panel's title and what it shows.
    pub panels: Vec<(String, Vec<Contrast>)>,
}

/// The panels below each other.
pub fn contrasts(plot: &Contrasts, title: &str) -> Result<String> {
    let rows = plot.panels.len();
    let places = (0..plot.names.len()).map(|i| i as f64);
    let x = Axis { low: -0.5, high: plot.names.len() as f64 - 0.5, ..Axis::round([0.0].into_iter(), 0.0, "") }.at(places);
    let x = Axis { names: plot.names.clone(), ..x };
    picture(WIDE, LEGEND + PANEL * rows as f64, title, |area| {
        let (top, body) = area.split_vertically(px(LEGEND));
        let entries: Vec<_> = plot.series.iter().map(String::as_str).zip(SERIES.into_iter().cycle()).collect();
        legend(&top, &entries, 64.0)?;
        for (cell, (title, of)) in body.split_evenly((rows, 1)).iter().zip(&plot.panels) {
            let most = of.iter().map(|c| c.y.abs()).filter(|y| y.is_finite()).fold(0.0, f64::max);
            let ends = of.iter().flat_map(|c| c.bar.unwrap_or([c.y; 2]));
            let ends = ends.map(|end| if most > 0.0 { end.clamp(-REACH * most, REACH * most) } else { end });
            let y = Axis::round(ends.chain([0.0]), 0.06, &plot.y).with_ticks(5).with_space(64.0);
            let panel = Panel::new(cell, title, x.clone(), y)?;
            panel.line(&[(-0.5, 0.0), (plot.names.len() as f64 - 0.5, 0.0)], stroke(AXIS, 1.4))?;
            for contrast in of {
                let color = SERIES[contrast.series % SERIES.len()];
                let at = contrast.name as f64 + APART * (contrast.series as f64 - 0.5 * (plot.series.len() as f64 - 1.0));
                if let Some([low, high]) = contrast.bar {
                    panel.cut_line(&[(at, low), (at, high)], stroke(color, 1.6))?;
                }
                if contrast.certain {
                    panel.dots([(at, contrast.y)].into_iter(), 3.4, plotters::style::Color::to_rgba(&color))?;
                } else {
                    panel.ring((at, contrast.y), 3.1, stroke(color, 1.4))?;
                }
            }
        }
        Ok(())
    })
}
