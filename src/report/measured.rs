//! Panels of what was measured at a few values of one quantity, below one legend: colors say one thing, firm and dashed lines another.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::panel::{Area, Axis, Panel, failed, picture};
use super::style::{INK, SERIES, WIDE, font, px, stroke, text_width};
use crate::Result;

/// Heights of the legend and of a panel.
const LEGEND: f64 = 30.0;
const PANEL: f64 = 300.0;
/// Points of one value stand this share of it apart, so that their bars do not overlap.
const APART: f64 = 0.025;
const DASH: f64 = 6.0;

/// A measured point: where, its mean, and the ends of its bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub bar: Option<[f64; 2]>,
}

/// A line of points.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Places in [`Measured::names`] and in [`Measured::kinds`].
    pub name: usize,
    pub kind: usize,
    pub points: Vec<Point>,
}

/// Panels over one pair of axes.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub x: String,
    pub y: String,
    /// The values of the logarithmic horizontal axis.
    pub values: Vec<f64>,
    /// The vertical range: lines are cut where they leave it.
    pub range: [f64; 2],
    /// What the colors say.
    pub names: Vec<String>,
    /// What firm and dashed lines say.
    pub kinds: [String; 2],
    /// Each panel's title and its lines.
    pub panels: Vec<(String, Vec<Trace>)>,
}

/// The panels in rows of two.
pub fn measured(plot: &Measured, title: &str) -> Result<String> {
    let rows = plot.panels.len().div_ceil(2);
    let x = Axis::round(plot.values.iter().map(|v| v.log10()), 0.07, &plot.x).at(plot.values.iter().map(|v| v.log10()));
    let x = Axis { log: true, ..x };
    let y = Axis { low: plot.range[0], high: plot.range[1], ..Axis::round([0.0].into_iter(), 0.0, &plot.y) }.with_space(58.0);
    let count = plot.panels.iter().map(|(_, traces)| traces.len()).max().unwrap_or(0);
    picture(WIDE, LEGEND + PANEL * rows as f64, title, |area| {
        let (top, body) = area.split_vertically(px(LEGEND));
        legend(&top, plot)?;
        for (cell, (title, traces)) in body.split_evenly((rows, 2)).iter().zip(&plot.panels) {
            let cell = cell.margin(0, 0, 0, px(8.0));
            let panel = Panel::new(&cell, title, x.clone(), y.clone())?;
            for (k, trace) in traces.iter().enumerate() {
                let color = SERIES[trace.name % SERIES.len()];
                let beside = 1.0 + APART * (k as f64 - 0.5 * (count as f64 - 1.0));
                let line: Vec<(f64, f64)> = trace.points.iter().map(|point| (point.x * beside, point.y)).collect();
                match trace.kind {
                    0 => panel.cut_line(&line, stroke(color, 1.5))?,
                    _ => panel.cut_dashes(&line, DASH, stroke(color, 1.5))?,
                }
                let marks = trace.points.iter().zip(&line).map(|(point, &(x, y))| {
                    let [low, high] = point.bar.unwrap_or([y; 2]);
                    [x, y, low, high]
                });
                panel.readings(marks, color)?;
            }
        }
        Ok(())
    })
}

/// The names with their colors, and after them the kinds with their lines.
fn legend(area: &Area, plot: &Measured) -> Result<()> {
    let names = plot.names.iter().enumerate().map(|(i, name)| (name, SERIES[i % SERIES.len()], 3.0, false));
    let kinds = plot.kinds.iter().enumerate().map(|(i, kind)| (kind, INK, 1.5, i > 0));
    let (mut x, middle) = (px(64.0) as i32, area.dim_in_pixel().1 as i32 / 2);
    for (name, color, width, dashed) in names.chain(kinds) {
        let end = x + px(24.0) as i32;
        if dashed {
            // Two dashes and the gap between them.
            let third = (end - x) / 5;
            for from in [x, end - 2 * third] {
                let dash = [(from, middle), (from + 2 * third, middle)];
                area.draw(&PathElement::new(dash, stroke(color, width))).map_err(failed)?;
            }
        } else {
            area.draw(&PathElement::new([(x, middle), (end, middle)], stroke(color, width))).map_err(failed)?;
        }
        let label = font(12.0, INK).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(name.clone(), (end + px(6.0) as i32, middle), label)).map_err(failed)?;
        x = end + px(6.0 + text_width(name) * 12.0 + 18.0) as i32;
    }
    Ok(())
}
