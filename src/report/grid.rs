//! A grid of scatter pictures, or of the trajectories of samples: a line a sampler, a column a target.

use glam::DVec2;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::panel::{Area, Axis, Panel, failed, picture};
use super::style::{DATA, INK, MUTED, SAMPLES, WIDE, font, number, px, stroke, text_width};
use crate::{Error, Result};

/// Dots of a picture at most.
pub const DOTS: usize = 1_500;
/// Pixels for the names of lines and of columns, and for the numbers below the last line.
const LEFT: f64 = 104.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 22.0;
/// A panel's margins beside its square of dots, and above and below it.
const BESIDE: f64 = 22.0;
const ABOVE: f64 = 36.0;
/// Points of a trajectory that lie nearer than this, in pixels, are drawn as one.
const LEAST_APART: f64 = 1.0;

/// What a line of a grid shows, by which it is colored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Data,
    Baseline,
    Samples,
}

/// A picture of rows in the plane, of trajectories to them, or words in its place.
#[derive(Clone, Debug)]
pub enum Shown {
    Rows(Vec<f32>),
    /// Lines over a cloud of rows, their beginnings and ends marked.
    Trajectories {
        cloud: Vec<f32>,
        trajectories: Vec<Vec<DVec2>>,
    },
    /// ln of a density over a [`window`] of the cloud, in square cells row by row from its lower left corner, under the cloud.
    Heat {
        cloud: Vec<f32>,
        log_density: Vec<f64>,
    },
    Words(String),
}

/// A picture with its caption.
#[derive(Clone, Debug)]
pub struct Scatter {
    pub caption: String,
    pub shown: Shown,
}

/// Pictures side by side, one a column.
#[derive(Clone, Debug)]
pub struct Line {
    pub name: String,
    pub ink: Ink,
    pub pictures: Vec<Scatter>,
}

/// The pictures of every line below each other. A column's axes are those of its first picture of rows or trajectories, to one scale in both
/// directions; a caption has the share of rows that lie beyond them.
///
/// # Errors
/// When lines and columns do not agree in number.
pub fn grid(columns: &[String], lines: &[Line], title: &str) -> Result<String> {
    if columns.is_empty() || lines.iter().any(|line| line.pictures.len() != columns.len()) {
        return Err(Error::shape("grid", format!("{} columns, and lines of another number of pictures", columns.len())));
    }
    let cell = ((WIDE - LEFT) / columns.len() as f64).clamp(140.0, 187.0);
    let square = cell - BESIDE;
    let high = square + ABOVE;
    let width = LEFT + cell * columns.len() as f64;
    // Where the first pictures have no captions, the columns' names take their place.
    let bare = lines.first().is_some_and(|line| line.pictures.iter().all(|scatter| scatter.caption.is_empty()));
    let top = if bare { TOP - 16.0 } else { TOP };
    picture(width, top + high * lines.len() as f64 + BOTTOM, title, |area| {
        let at = |column: usize, line: usize| (px(LEFT + cell * column as f64), px(top + high * line as f64));
        let axes: Vec<[Axis; 2]> = (0..columns.len()).map(|j| square_axes(lines.iter().map(|line| &line.pictures[j]))).collect();
        for (j, name) in columns.iter().enumerate() {
            // Above the left edge of the squares.
            let corner = (at(j, 0).0 as i32 + px(10.0) as i32, px(TOP - 8.0) as i32);
            text(area, name, corner, 13.0, INK, HPos::Left, VPos::Bottom)?;
        }
        for (i, line) in lines.iter().enumerate() {
            let middle = at(0, i).1 as f64 + f64::from(px(26.0 + square / 2.0));
            paragraph(area, &line.name, (px(2.0) as i32, middle as i32), LEFT - 8.0, 12.5, INK, HPos::Left)?;
            for (j, scatter) in line.pictures.iter().enumerate() {
                let (x, y) = at(j, i);
                let part = area.clone().shrink((x, y), (px(cell), px(high)));
                let last = i + 1 == lines.len();
                draw(area, &part, scatter, &axes[j], line.ink, last)?;
            }
        }
        Ok(())
    })
}

pub(super) fn draw<'a>(
    canvas: &Area<'a>,
    part: &Area<'a>,
    scatter: &Scatter,
    axes: &[Axis; 2],
    ink: Ink,
    numbers: bool,
) -> Result<()> {
    let [x, y] = axes.clone();
    // One scale in both directions: numbers below the last line say it for both.
    let (x, y) = (if numbers { x } else { x.without_numbers() }, y.without_numbers());
    match &scatter.shown {
        Shown::Rows(rows) => {
            let points: Vec<(f64, f64)> = pairs(rows).collect();
            let inside = |v: f64, axis: &Axis| (axis.low..=axis.high).contains(&v);
            let beyond = points.iter().filter(|p| !(inside(p.0, &x) && inside(p.1, &y))).count() as f64;
            let share = 100.0 * beyond / points.len().max(1) as f64;
            let mut caption = scatter.caption.clone();
            if share >= 1.0 {
                let gap = if caption.is_empty() { "" } else { ", " };
                caption += &format!("{gap}{} % beyond", number(share, 2));
            }
            let color = match ink {
                Ink::Data => DATA,
                Ink::Baseline => MUTED,
                Ink::Samples => SAMPLES,
            };
            let panel = Panel::within(canvas, part, &titled(&caption), x, y)?;
            panel.dots(points.into_iter().take(DOTS), 0.95, color.mix(0.6))
        }
        Shown::Trajectories { cloud, trajectories } => {
            let panel = Panel::within(canvas, part, &titled(&scatter.caption), x, y)?;
            panel.dots(pairs(cloud).take(DOTS), 0.95, DATA.mix(0.25))?;
            let apart = LEAST_APART * (axes[0].high - axes[0].low) / f64::from(part.dim_in_pixel().0) * f64::from(px(1.0));
            trajectories.iter().try_for_each(|points| panel.cut_line(&thinned(points, apart), stroke(INK.mix(0.45), 0.7)))?;
            let (starts, ends) = (trajectories.iter().filter_map(|p| p.first()), trajectories.iter().filter_map(|p| p.last()));
            panel.dots(starts.map(|&at| at.into()), 1.4, MUTED.to_rgba())?;
            panel.dots(ends.map(|&at| at.into()), 1.4, SAMPLES.to_rgba())
        }
        Shown::Heat { cloud, log_density } => {
            let color = if ink == Ink::Data { DATA } else { SAMPLES };
            let panel = Panel::within(canvas, part, &titled(&scatter.caption), x, y)?;
            panel.cells(&window(cloud), &shades(log_density), color)?;
            panel.dots(pairs(cloud).take(DOTS / 5), 0.7, INK.mix(0.3))
        }
        Shown::Words(words) => {
            Panel::within(canvas, part, &titled(&scatter.caption), x.with_ticks(if numbers { 3 } else { 0 }), y.with_ticks(0))?;
            let (width, height) = part.dim_in_pixel();
            let room = f64::from(width) / f64::from(px(1.0)) - BESIDE - 12.0;
            let middle = ((width as i32 - px(2.0) as i32) / 2, (height as i32 + px(16.0) as i32) / 2);
            paragraph(part, words, middle, room, 11.5, MUTED, HPos::Center)
        }
    }
}

/// Shades of a heat map, so that what is a hundredth as dense as the densest is still seen.
const SHADES: f64 = 12.0;

/// √(density over its highest), in steps.
fn shades(log_density: &[f64]) -> Vec<f64> {
    let most = log_density.iter().copied().filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    let shade = |v: &f64| if v.is_finite() { ((0.5 * (v - most)).exp() * SHADES).round() / SHADES } else { 0.0 };
    log_density.iter().map(shade).collect()
}

/// The lower left corner and the side of the square that a column with this cloud at its head shows.
pub fn window(cloud: &[f32]) -> ([f64; 2], f64) {
    let head = Scatter { caption: String::new(), shown: Shown::Rows(cloud.to_vec()) };
    let [x, y] = square_axes(std::iter::once(&head));
    ([x.low, y.low], x.high - x.low)
}

/// A panel without a title is higher than one with it, and pictures are to line up.
fn titled(caption: &str) -> String {
    if caption.is_empty() { " ".into() } else { caption.into() }
}

fn pairs(rows: &[f32]) -> impl Iterator<Item = (f64, f64)> {
    rows.chunks_exact(2).map(|row| (f64::from(row[0]), f64::from(row[1])))
}

/// A trajectory without the points nearer than `apart` to the last one before them, but with its end.
fn thinned(points: &[DVec2], apart: f64) -> Vec<(f64, f64)> {
    let mut kept: Vec<DVec2> = Vec::new();
    for (i, &at) in points.iter().enumerate() {
        if i + 1 == points.len() || kept.last().is_none_or(|last| last.distance(at) >= apart) {
            kept.push(at);
        }
    }
    kept.into_iter().map(Into::into).collect()
}

/// The range of the rows, or of a cloud and the starts of the trajectories to it, and a little more, as wide in one direction as in the other.
pub(super) fn square_axes<'a>(mut column: impl Iterator<Item = &'a Scatter>) -> [Axis; 2] {
    let of = |scatter: &Scatter| match &scatter.shown {
        Shown::Rows(rows) => Some(pairs(rows).collect::<Vec<_>>()),
        Shown::Trajectories { cloud, trajectories } => {
            Some(pairs(cloud).chain(trajectories.iter().filter_map(|points| points.first()).map(|&at| at.into())).collect())
        }
        Shown::Heat { cloud, .. } => Some(pairs(cloud).collect()),
        Shown::Words(_) => None,
    };
    let points = column.find_map(of).unwrap_or_default();
    let axis = |j: usize| Axis::round(points.iter().map(|point| [point.0, point.1][j]), 0.0, "").with_space(4.0).with_ticks(3);
    let [x, y] = [axis(0), axis(1)];
    let half = 0.56 * (x.high - x.low).max(y.high - y.low);
    [x, y].map(|axis| {
        let middle = 0.5 * (axis.low + axis.high);
        Axis { low: middle - half, high: middle + half, ..axis }
    })
}

fn text(area: &Area, text: &str, at: (i32, i32), size: f64, color: RGBColor, h: HPos, v: VPos) -> Result<()> {
    area.draw(&Text::new(text.to_string(), at, font(size, color).pos(Pos::new(h, v)))).map_err(failed)
}

/// Text broken at its blanks to `width` pixels, its lines centered about `at` from above to below.
fn paragraph(area: &Area, words: &str, at: (i32, i32), width: f64, size: f64, color: RGBColor, h: HPos) -> Result<()> {
    let lines = wrapped(words, width / size);
    let step = f64::from(px(1.35 * size));
    let first = f64::from(at.1) - step * (lines.len() as f64 - 1.0) / 2.0;
    for (i, line) in lines.iter().enumerate() {
        text(area, line, (at.0, (first + step * i as f64) as i32), size, color, h, VPos::Center)?;
    }
    Ok(())
}

/// Words in lines of at most `ems`.
fn wrapped(words: &str, ems: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line) + 0.32 + text_width(word) <= ems => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}
