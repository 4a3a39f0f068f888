//! Ratios as horizontal bars from a line at 1, on a logarithmic axis: groups below each other, and in each a bar a name.

use plotters::style::Color;

use super::panel::{Axis, Panel, legend, picture};
use super::style::{INK, SERIES, WIDE, px, stroke, ticks};
use crate::{Error, Result};

/// Heights of the legend, of the horizontal axis with its label, of a bar, and of the gap between groups, in pixels.
const LEGEND: f64 = 30.0;
const AXIS: f64 = 62.0;
const BAR: f64 = 9.0;
const GAP: f64 = 9.0;
/// Opacity of a bar that is not certain.
const FAINT: f64 = 0.35;

/// One bar, from 1 to `value`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Places in [`Ratios::groups`] and in [`Ratios::names`].
    pub group: usize,
    pub name: usize,
    /// Above 0.
    pub value: f64,
    /// The ends of its whisker.
    pub whisker: Option<[f64; 2]>,
    /// Whether it is drawn full; else it is faint.
    pub certain: bool,
}

/// Groups of bars over one axis.
#[derive(Clone, Debug, Default)]
pub struct Ratios {
    /// The horizontal axis' label.
    pub x: String,
    pub groups: Vec<String>,
    /// What the colors say.
    pub names: Vec<String>,
    pub bars: Vec<Bar>,
}

/// The groups below each other, the first on top.
///
/// # Errors
/// When there is no bar, or a ratio is not above 0.
pub fn ratios(plot: &Ratios, title: &str) -> Result<String> {
    let ends = || plot.bars.iter().flat_map(|bar| bar.whisker.unwrap_or([bar.value; 2]).into_iter().chain([bar.value]));
    if plot.bars.is_empty() || !ends().all(|end| end > 0.0 && end.is_finite()) {
        return Err(Error::data("there are no ratios above 0 to plot"));
    }
    let x = Axis { log: true, ..Axis::round(ends().map(f64::log10).chain([0.0]), 0.04, &plot.x) };
    let places = places(x.low, x.high);
    let x = if places.is_empty() { x.with_ticks(8) } else { x.at(places.into_iter()) };
    // A unit of the vertical axis is a group.
    let (groups, tall) = (plot.groups.len(), BAR * plot.names.len() as f64 + GAP);
    let place = |group: usize| (groups - 1 - group) as f64;
    let y = Axis { low: -0.5, high: groups as f64 - 0.5, ..Axis::round([0.0].into_iter(), 0.0, "") };
    let y = Axis { names: plot.groups.clone(), ..y.at((0..groups).map(place)) };
    picture(WIDE, LEGEND + AXIS + tall * groups as f64, title, |area| {
        let (top, body) = area.split_vertically(px(LEGEND));
        let entries: Vec<_> = plot.names.iter().map(String::as_str).zip(SERIES.into_iter().cycle()).collect();
        legend(&top, &entries, 16.0)?;
        let panel = Panel::new(&body, "", x, y)?;
        for bar in &plot.bars {
            let color = SERIES[bar.name % SERIES.len()];
            let above = place(bar.group) + (0.5 * (tall - GAP) - BAR * bar.name as f64) / tall;
            let below = above - 0.85 * BAR / tall;
            panel.bar([(1.0, below), (bar.value, above)], color.mix(if bar.certain { 1.0 } else { FAINT }))?;
            if let Some([from, to]) = bar.whisker {
                let middle = 0.5 * (above + below);
                panel.line(&[(from, middle), (to, middle)], stroke(INK, 1.2))?;
            }
        }
        panel.line(&[(1.0, -0.5), (1.0, groups as f64 - 0.5)], stroke(INK, 1.2))
    })
}

/// Ticks of an axis given as log₁₀: evenly spaced within a factor of 2, at a few multiples of powers of ten within one of 30, and
/// else none of these.
fn places(low: f64, high: f64) -> Vec<f64> {
    let ends = [low, high].map(|end| 10f64.powf(end));
    if ends[1] < 2.0 * ends[0] {
        return ticks(ends[0], ends[1], 7).into_iter().map(f64::log10).collect();
    }
    if ends[1] > 30.0 * ends[0] {
        return Vec::new();
    }
    let powers = low.floor() as i32..=high.ceil() as i32;
    let all = powers.flat_map(|power| [1.0f64, 1.5, 2.0, 3.0, 5.0, 7.0].map(|multiple| multiple.log10() + f64::from(power)));
    all.filter(|place| (low..=high).contains(place)).collect()
}
