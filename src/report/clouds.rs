//! Samples against data: a histogram for one column, two scatters for two, a pair plot up to six, histograms of every column beyond.

use plotters::prelude::*;

use super::panel::{Area, Axis, Panel, legend, picture};
use super::style::{DATA, SAMPLES, WIDE, number, px, stroke};
use crate::metrics::Points;
use crate::{Error, Result};

/// Dots a scatter shows of each set.
const SCATTER: usize = 2_000;
/// Dots of each set in a panel of a pair plot.
const PAIRS: usize = 400;
/// Columns that a grid of histograms shows.
pub const COLUMNS: usize = 64;

/// The picture that suits the number of columns; `names` has one name a column.
///
/// # Errors
/// When the columns of the two sets and the names do not agree in number.
pub fn comparison(data: Points, samples: Points, names: &[String]) -> Result<String> {
    let columns = data.columns();
    if samples.columns() != columns || names.len() != columns {
        let problem = format!("{columns} columns of data, {} of samples and {} names", samples.columns(), names.len());
        return Err(Error::shape("report", problem));
    }
    match columns {
        1 => histogram(data, samples, &names[0]),
        2 => scatter(data, samples, names),
        3..=6 => pairs(data, samples, names),
        _ => histograms(data, samples, names),
    }
}

fn histogram(data: Points, samples: Points, name: &str) -> Result<String> {
    picture(560.0, 340.0, "Histograms of data and samples", |area| {
        let (top, body) = area.split_vertically(px(30.0));
        legend(&top, &[("data", DATA), ("samples", SAMPLES)], 16.0)?;
        let (ours, theirs) = (data.column(0), samples.column(0));
        density_panel(&body, &body, &ours, &theirs, "", shown(&ours, &theirs, name).with_ticks(8))
    })
}

fn scatter(data: Points, samples: Points, names: &[String]) -> Result<String> {
    let axes: Vec<Axis> = (0..2).map(|j| shown(&data.column(j), &samples.column(j), &names[j])).collect();
    let rows =
        |set: Points| set.subsample(SCATTER, 0).chunks_exact(2).map(|r| (f64::from(r[0]), f64::from(r[1]))).collect::<Vec<_>>();
    picture(WIDE, 425.0, "Data and samples", |area| {
        let sides = area.split_evenly((1, 2));
        for (side, (set, name, color)) in sides.iter().zip([(data, "data", DATA), (samples, "samples", SAMPLES)]) {
            let dots = rows(set);
            let count = |rows: usize| number(rows as f64, 12);
            let shown = if dots.len() < set.rows() { format!("{} of ", count(dots.len())) } else { String::new() };
            let noun = if set.rows() == 1 { "row" } else { "rows" };
            let title = format!("{name} ({shown}{} {noun})", count(set.rows()));
            let panel = Panel::new(side, &title, axes[0].clone(), axes[1].clone())?;
            panel.dots(dots.into_iter(), 1.4, color.mix(0.55))?;
        }
        Ok(())
    })
}

fn pairs(data: Points, samples: Points, names: &[String]) -> Result<String> {
    let d = data.columns();
    let (left, bottom, cell) = (52.0, 40.0, ((WIDE - 52.0) / d as f64).floor());
    let ticks = if d <= 4 { 3 } else { 2 };
    // Panels share their spaces and so line up; the outer ones write their numbers and names into the margin.
    let axis = |j: usize, outer: bool| {
        let axis =
            shown(&data.column(j), &samples.column(j), if outer { &names[j] } else { "" }).with_ticks(ticks).with_space(4.0);
        if outer { axis } else { axis.without_numbers() }
    };
    let sets = [(data.subsample(PAIRS, 0), DATA), (samples.subsample(PAIRS, 0), SAMPLES)];
    let (width, height) = (left + cell * d as f64, bottom + cell * d as f64);
    picture(width, height, "Pairs of columns of data and samples", |area| {
        let (top, _) = area.split_vertically(px(24.0));
        legend(&top, &[("data", DATA), ("samples", SAMPLES)], width - 175.0)?;
        let cells = area.margin(0, px(bottom), px(left), 0).split_evenly((d, d));
        for row in 0..d {
            for column in 0..=row {
                let at = &cells[row * d + column];
                let x = axis(column, row + 1 == d);
                if row == column {
                    density_panel(
                        area,
                        at,
                        &data.column(row),
                        &samples.column(row),
                        if row + 1 == d { "" } else { &names[row] },
                        x,
                    )?;
                    continue;
                }
                let panel = Panel::within(area, at, "", x, axis(row, column == 0))?;
                // In turns, so that neither set hides the other.
                let dots = |set: &[f32], turn: usize| -> Vec<(f64, f64)> {
                    let pick = set.chunks_exact(d).skip(turn).step_by(8);
                    pick.map(|r| (f64::from(r[column]), f64::from(r[row]))).collect()
                };
                for turn in 0..8 {
                    for (set, color) in &sets {
                        panel.dots(dots(set, turn).into_iter(), 1.3, color.mix(0.5))?;
                    }
                }
            }
        }
        Ok(())
    })
}

fn histograms(data: Points, samples: Points, names: &[String]) -> Result<String> {
    let count = data.columns().min(COLUMNS);
    let across = if count <= 12 { 4 } else { 6 };
    let rows = count.div_ceil(across);
    let (width, height) = (WIDE / across as f64, if across == 4 { 150.0 } else { 118.0 });
    picture(WIDE, 30.0 + height * rows as f64, "Histograms of data and samples", |area| {
        let (top, body) = area.split_vertically(px(30.0));
        legend(&top, &[("data", DATA), ("samples", SAMPLES)], 16.0)?;
        let cells = body.split_evenly((rows, across));
        for (j, cell) in cells.iter().take(count).enumerate() {
            let (ours, theirs) = (data.column(j), samples.column(j));
            density_panel(
                cell,
                cell,
                &ours,
                &theirs,
                &names[j],
                shown(&ours, &theirs, "").with_ticks(if width > 180.0 { 4 } else { 2 }),
            )?;
        }
        Ok(())
    })
}

/// Densities of one column on shared bins: data filled, samples outlined.
fn density_panel<'a>(canvas: &Area<'a>, area: &Area<'a>, data: &[f32], samples: &[f32], title: &str, x: Axis) -> Result<()> {
    let bins = bin_count(data, x.high - x.low).min((f64::from(area.dim_in_pixel().0) / f64::from(px(5.0))) as usize).max(6);
    let (ours, theirs) = (density(data, &x, bins), density(samples, &x, bins));
    let most = ours.iter().chain(&theirs).copied().fold(0.0, f64::max);
    let y = Axis {
        low: 0.0,
        high: if most > 0.0 { 1.08 * most } else { 1.0 },
        ..Axis::round([0.0].into_iter(), 0.0, "").with_ticks(0)
    };
    let width = (x.high - x.low) / bins as f64;
    let steps = |heights: &[f64]| -> Vec<(f64, f64)> {
        let edge = |i: usize| x.low + i as f64 * width;
        heights.iter().enumerate().flat_map(|(i, &h)| [(edge(i), h), (edge(i + 1), h)]).collect()
    };
    let (ours, theirs) = (steps(&ours), steps(&theirs));
    let panel = Panel::within(canvas, area, title, x, y)?;
    panel.fill(&ours, DATA.mix(0.28))?;
    panel.line(&ours, stroke(DATA.mix(0.6), 1.0))?;
    panel.line(&theirs, stroke(SAMPLES, 1.7))
}

/// The range of a column: all of the data, and the samples but for their farthest 2 in 1,000 on each side, never more than half as
/// wide again as the data; a stray sample does not squeeze the picture.
fn shown(data: &[f32], samples: &[f32], label: &str) -> Axis {
    let mut sorted: Vec<f32> = samples.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let cut = sorted.len() / 500;
    let ends = [sorted.get(cut), sorted.len().checked_sub(cut + 1).and_then(|i| sorted.get(i))];
    let of_data = Axis::round(data.iter().map(|&v| f64::from(v)), 0.0, label);
    let quarter = 0.25 * (of_data.high - of_data.low);
    let held = ends.into_iter().flatten().map(|&v| f64::from(v).clamp(of_data.low - quarter, of_data.high + quarter));
    Axis::round([of_data.low, of_data.high].into_iter().chain(held), 0.03, label)
}

/// Freedman & Diaconis's (1981) number of bins over a range: width 2·IQR/∛n, between 12 and 60.
fn bin_count(values: &[f32], range: f64) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let n = sorted.len();
    let spread = f64::from(sorted[3 * n / 4] - sorted[n / 4]);
    let width = 2.0 * spread / (n as f64).cbrt();
    if width > 0.0 { ((range / width).ceil() as usize).clamp(12, 60) } else { 30 }
}

fn density(values: &[f32], axis: &Axis, bins: usize) -> Vec<f64> {
    let width = (axis.high - axis.low) / bins as f64;
    let mut heights = vec![0.0; bins];
    for &v in values {
        let place = ((f64::from(v) - axis.low) / width).floor();
        if (0.0..bins as f64).contains(&place) {
            heights[place as usize] += 1.0 / (values.len() as f64 * width);
        }
    }
    heights
}
