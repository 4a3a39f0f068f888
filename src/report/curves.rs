//! Curves over training steps.

use plotters::prelude::*;

use super::panel::{Axis, Panel, legend, picture};
use super::style::{SERIES, WIDE, px, stroke};
use crate::{Error, Result};

/// One named curve: `(step, value)` pairs in order of steps.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// The vertical scale of curves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    Linear,
    Log,
    /// Logarithmic when every value is positive and they span more than a factor of twenty.
    #[default]
    Auto,
}

/// Curves over steps, each faint as measured and firm as smoothed over a window of `smoothing` × its length (0 for none; 0.02 is usual).
///
/// # Errors
/// When no curve has a finite value.
pub fn curves(curves: &[Curve], label: &str, scale: Scale, smoothing: f64) -> Result<String> {
    let finite = |c: &Curve| c.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect::<Vec<_>>();
    let measured: Vec<(&str, Vec<(f64, f64)>)> =
        curves.iter().map(|c| (c.name.as_str(), finite(c))).filter(|(_, p)| !p.is_empty()).collect();
    if measured.is_empty() {
        return Err(Error::data("there is no finite loss to plot"));
    }
    let smoothed: Vec<Vec<(f64, f64)>> = measured.iter().map(|(_, points)| smooth(points, smoothing)).collect();
    let values = || measured.iter().flat_map(|(_, points)| points.iter().map(|p| p.1));
    let (least, most) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let log = scale == Scale::Log && most > 0.0 || scale == Scale::Auto && least > 0.0 && most > 20.0 * least;
    let x = Axis::round(measured.iter().flat_map(|(_, points)| points.iter().map(|p| p.0)), 0.0, "step").with_ticks(8);
    let y = if log {
        let positive = values().filter(|v| *v > 0.0).map(f64::log10);
        Axis { log, ..Axis::round(positive, 0.05, label) }
    } else {
        Axis::round(typical(&measured, &smoothed).into_iter(), 0.05, label)
    };
    picture(WIDE, 330.0, label, |area| {
        let (top, body) = area.split_vertically(px(if measured.len() > 1 { 28.0 } else { 2.0 }));
        let panel = Panel::new(&body, "", x, y)?;
        let colors = || SERIES.iter().copied().cycle();
        for (((_, raw), smooth), color) in measured.iter().zip(&smoothed).zip(colors()) {
            let many = raw.len() > 60 && smoothing > 0.0;
            if many {
                panel.line(&thin(raw, 1200), stroke(color.mix(0.25), 1.0))?;
            }
            panel.line(&thin(if many { smooth } else { raw }, 600), stroke(color, 2.0))?;
        }
        if measured.len() > 1 {
            let entries: Vec<_> = measured.iter().map(|(name, _)| *name).zip(colors()).collect();
            legend(&top, &entries, 60.0)?;
        }
        Ok(())
    })
}

/// The values that a linear axis has to show: all smoothed ones, and the measured ones but the highest and lowest hundredth,
/// so that a single spike does not flatten the rest. What lies beyond is drawn at the edge.
fn typical(measured: &[(&str, Vec<(f64, f64)>)], smoothed: &[Vec<(f64, f64)>]) -> Vec<f64> {
    let mut values: Vec<f64> = measured.iter().flat_map(|(_, points)| points.iter().map(|p| p.1)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let cut = values.len() / 100;
    let middle = &values[cut..values.len() - cut];
    smoothed.iter().flatten().map(|p| p.1).chain(middle.iter().copied()).collect()
}

/// A centered moving mean over `share` of the points: narrower towards the start, where losses fall steeply, and trailing at the end.
fn smooth(points: &[(f64, f64)], share: f64) -> Vec<(f64, f64)> {
    let reach = (points.len() as f64 * share.clamp(0.0, 1.0) / 2.0).round() as usize;
    let sums: Vec<f64> = std::iter::once(0.0).chain(points.iter().scan(0.0, |sum, p| (*sum += p.1, Some(*sum)).1)).collect();
    let one = |i: usize| {
        let reach = reach.min(i);
        let (from, to) = (i - reach, (i + reach + 1).min(points.len()));
        (points[i].0, (sums[to] - sums[from]) / (to - from) as f64)
    };
    (0..points.len()).map(one).collect()
}

/// At most about `most` points that keep the lowest and highest of every stretch, so that a thinned curve looks like the whole.
fn thin(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    if points.len() <= most {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil(most / 2);
    let extremes = |piece: &[(f64, f64)]| {
        let low = piece.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
        let high = piece.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
        if low.0 <= high.0 { [low, high] } else { [high, low] }
    };
    points.chunks(stretch).flat_map(extremes).collect()
}
