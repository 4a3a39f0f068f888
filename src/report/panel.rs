//! One set of axes in a picture: ranges, ticks, labels, and what can be drawn on it.

use std::convert::Infallible;

use glam::{DVec2, dvec2};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{self, AXIS, GRID, INK, MUTED, font, px, stroke};
use super::svg::Svg;
use crate::{Error, Result};

pub(super) type Area<'a> = DrawingArea<Svg<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'b, Svg<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// A range of values and how to show it.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub low: f64,
    pub high: f64,
    pub log: bool,
    pub label: String,
    /// About how many ticks there is room for; none at all at zero.
    pub ticks: usize,
    /// Where the ticks are, where that is not at round numbers.
    pub places: Vec<f64>,
    /// What is written at these places, where that is not numbers.
    pub names: Vec<String>,
    /// Whether the ticks have numbers.
    pub numbers: bool,
    /// Pixels kept for numbers and label; by what they need when absent. Panels that share it line up.
    pub space: Option<f64>,
}

impl Axis {
    /// The range of the finite `values`, widened by `margin` of itself on both sides.
    pub fn round(values: impl Iterator<Item = f64>, margin: f64, label: &str) -> Self {
        let (low, high) =
            values.filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let half = if high > low { (high - low) * margin } else { (0.05 * low.abs()).max(0.5) };
        Self {
            low: low - half,
            high: high + half,
            log: false,
            label: label.to_owned(),
            ticks: 6,
            places: Vec::new(),
            names: Vec::new(),
            numbers: true,
            space: None,
        }
    }

    pub fn with_ticks(mut self, ticks: usize) -> Self {
        self.ticks = ticks;
        self
    }

    /// Ticks at these places.
    pub fn at(mut self, places: impl Iterator<Item = f64>) -> Self {
        self.places = places.collect();
        self
    }

    pub fn without_numbers(mut self) -> Self {
        self.numbers = false;
        self
    }

    pub fn with_space(mut self, space: f64) -> Self {
        self.space = Some(space);
        self
    }

    /// Where a value lies on the axis, held to its range.
    fn place(&self, value: f64) -> f64 {
        self.beyond(value).clamp(self.low, self.high)
    }

    /// Where a value lies on the axis or beyond its ends.
    fn beyond(&self, value: f64) -> f64 {
        if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value }
    }

    fn points(&self) -> Vec<f64> {
        match (self.ticks, self.log) {
            (0, _) => Vec::new(),
            _ if !self.places.is_empty() => self.places.clone(),
            (count, true) => style::log_ticks(self.low, self.high, count),
            (count, false) => style::ticks(self.low, self.high, count),
        }
    }

    fn text(&self, place: f64) -> String {
        if !self.numbers {
            return String::new();
        }
        if let Some(name) = self.places.iter().position(|of| *of == place).and_then(|i| self.names.get(i)) {
            return name.clone();
        }
        style::number(if self.log { 10f64.powf(place) } else { place }, 4)
    }
}

/// Axes drawn on an area.
pub(super) struct Panel<'a, 'b> {
    chart: Chart<'a, 'b>,
    x: Axis,
    y: Axis,
}

impl<'a, 'b> Panel<'a, 'b> {
    /// Draws grid, axes, ticks and labels on `area`, with `title` above when it is not empty.
    pub fn new(area: &'b Area<'a>, title: &str, x: Axis, y: Axis) -> Result<Self> {
        Self::within(area, area, title, x, y)
    }

    /// The same on a part of `canvas`, over whose whole labels and numbers may spread.
    pub fn within(canvas: &Area<'a>, area: &'b Area<'a>, title: &str, x: Axis, y: Axis) -> Result<Self> {
        let (x_points, y_points) = (x.points(), y.points());
        let widest = y_points.iter().map(|&t| style::text_width(&y.text(t))).fold(0.0, f64::max);
        let label = |axis: &Axis| if axis.label.is_empty() { 0.0 } else { 18.0 };
        let y_space = y.space.unwrap_or(if y_points.is_empty() { 4.0 } else { widest * 11.0 + 10.0 } + label(&y));
        let x_space = x.space.unwrap_or(if x_points.is_empty() { 4.0 } else { 20.0 } + label(&x));
        let mut builder = ChartBuilder::on(area);
        builder.margin(px(6.0)).margin_top(px(if title.is_empty() { 8.0 } else { 26.0 })).margin_right(px(12.0));
        builder.x_label_area_size(px(x_space)).y_label_area_size(px(y_space));
        let chart = builder.build_cartesian_2d(x.low..x.high, y.low..y.high).map_err(failed)?;
        let panel = Self { chart, x, y };
        panel.frame(canvas, title, &x_points, &y_points)?;
        Ok(panel)
    }

    fn frame(&self, area: &Area<'a>, title: &str, x_points: &[f64], y_points: &[f64]) -> Result<()> {
        let plot = self.chart.plotting_area();
        let (columns, rows) = plot.get_pixel_range();
        let (base_x, base_y) = area.get_base_pixel();
        // Coordinates of `area` count from its own corner.
        let (left, right, top, bottom) = (columns.start - base_x, columns.end - base_x, rows.start - base_y, rows.end - base_y);
        let line = |from: (i32, i32), to: (i32, i32), color| {
            area.draw(&PathElement::new([from, to], stroke(color, 1.0))).map_err(failed)
        };
        let text = |text: String, at: (i32, i32), size, color, h, v| {
            area.draw(&Text::new(text, at, font(size, color).pos(Pos::new(h, v)))).map_err(failed)
        };
        for &t in x_points {
            let at = plot.map_coordinate(&(t, self.y.low)).0 - base_x;
            line((at, top), (at, bottom), GRID)?;
            if self.x.numbers {
                text(self.x.text(t), (at, bottom + px(6.0) as i32), 11.0, MUTED, HPos::Center, VPos::Top)?;
            }
        }
        for &t in y_points {
            let at = plot.map_coordinate(&(self.x.low, t)).1 - base_y;
            line((left, at), (right, at), GRID)?;
            if self.y.numbers {
                text(self.y.text(t), (left - px(6.0) as i32, at), 11.0, MUTED, HPos::Right, VPos::Center)?;
            }
        }
        line((left, bottom), (right, bottom), AXIS)?;
        if !y_points.is_empty() {
            line((left, top), (left, bottom), AXIS)?;
        }
        let room = f64::from(right - left) / f64::from(px(1.0));
        if !self.x.label.is_empty() {
            let below = bottom + px(if x_points.is_empty() { 6.0 } else { 23.0 }) as i32;
            text(style::fit_text(&self.x.label, room / 12.0), ((left + right) / 2, below), 12.0, INK, HPos::Center, VPos::Top)?;
        }
        if !self.y.label.is_empty() {
            let tall = f64::from(bottom - top) / f64::from(px(1.0));
            let label = style::fit_text(&self.y.label, tall / 12.0);
            let turned = font(12.0, INK).pos(Pos::new(HPos::Center, VPos::Top)).transform(FontTransform::Rotate270);
            let widest = y_points.iter().map(|&t| style::text_width(&self.y.text(t))).fold(0.0, f64::max);
            let at = (left - px(widest * 11.0 + 26.0) as i32, (top + bottom) / 2);
            area.draw(&Text::new(label, at, turned)).map_err(failed)?;
        }
        if !title.is_empty() {
            let size = if room < 180.0 { 11.0 } else { 12.5 };
            text(style::fit_text(title, room / size), (left, top - px(5.0) as i32), size, INK, HPos::Left, VPos::Bottom)?;
        }
        Ok(())
    }

    /// A line through the points; a value that is not finite breaks it.
    pub fn line(&self, points: &[(f64, f64)], style: ShapeStyle) -> Result<()> {
        for piece in points.split(|(x, y)| !(x.is_finite() && y.is_finite())) {
            let placed: Vec<_> = piece.iter().map(|&(x, y)| (self.x.place(x), self.y.place(y))).collect();
            if placed.len() > 1 {
                self.chart.plotting_area().draw(&PathElement::new(placed, style)).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// A line through the points, cut where it leaves the axes.
    pub fn cut_line(&self, points: &[(f64, f64)], style: ShapeStyle) -> Result<()> {
        let area = self.chart.plotting_area();
        self.cut(points).into_iter().try_for_each(|piece| area.draw(&PathElement::new(piece, style)).map_err(failed))
    }

    /// The same in dashes.
    pub fn cut_dashes(&self, points: &[(f64, f64)], dash: f64, style: ShapeStyle) -> Result<()> {
        self.cut(points).into_iter().try_for_each(|piece| self.dashed(piece, dash, style))
    }

    /// The lower left and the upper right corner of the axes.
    fn corners(&self) -> [DVec2; 2] {
        [dvec2(self.x.low, self.y.low), dvec2(self.x.high, self.y.high)]
    }

    /// The pieces of a line that lie within the axes.
    fn cut(&self, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let placed: Vec<_> = points.iter().map(|&(x, y)| (self.x.beyond(x), self.y.beyond(y))).collect();
        let mut pieces: Vec<Vec<(f64, f64)>> = Vec::new();
        for pair in placed.windows(2) {
            let Some([from, to]) = inside([pair[0], pair[1]], self.corners()) else { continue };
            // What touches an edge in a point is no line.
            if from == to {
                continue;
            }
            match pieces.last_mut() {
                Some(piece) if piece.last() == Some(&from) => piece.push(to),
                _ => pieces.push(vec![from, to]),
            }
        }
        pieces
    }

    /// A line of dashes, `dash` pixels long and as far apart.
    pub fn dashes(&self, points: &[(f64, f64)], dash: f64, style: ShapeStyle) -> Result<()> {
        self.dashed(points.iter().map(|&(x, y)| (self.x.place(x), self.y.place(y))).collect(), dash, style)
    }

    fn dashed(&self, placed: Vec<(f64, f64)>, dash: f64, style: ShapeStyle) -> Result<()> {
        let area = self.chart.plotting_area();
        let series = DashedLineSeries::new(placed, px(dash), px(0.7 * dash), style);
        series.into_iter().try_for_each(|piece| area.draw(&piece)).map_err(failed)
    }

    /// The area between the points and the bottom of the panel.
    pub fn fill(&self, points: &[(f64, f64)], color: RGBAColor) -> Result<()> {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(()) };
        let floor = [(last.0, self.y.low), (first.0, self.y.low)];
        let outline: Vec<_> = points.iter().chain(&floor).map(|&(x, y)| (self.x.place(x), self.y.place(y))).collect();
        self.chart.plotting_area().draw(&Polygon::new(outline, color)).map_err(failed)
    }

    /// A rectangle between two corners.
    pub fn bar(&self, corners: [(f64, f64); 2], color: RGBAColor) -> Result<()> {
        let corners = corners.map(|(x, y)| (self.x.place(x), self.y.place(y)));
        self.chart.plotting_area().draw(&Rectangle::new(corners, color.filled())).map_err(failed)
    }

    /// Square cells of a square with this lower left corner and side, row by row from below, as dense in `color` as their shades (0 to 1)
    /// say; neighbors of one shade are one rectangle.
    pub fn cells(&self, (corner, side): &([f64; 2], f64), shades: &[f64], color: RGBColor) -> Result<()> {
        let count = (shades.len() as f64).sqrt().round() as usize;
        let area = self.chart.plotting_area();
        let at = |axis: usize, k: usize| corner[axis] + side * k as f64 / count as f64;
        for (j, row) in shades.chunks_exact(count.max(1)).enumerate() {
            let mut from = 0;
            for run in row.chunk_by(|a, b| a == b) {
                let to = from + run.len();
                if run[0] > 0.0 {
                    let cell = [(at(0, from), at(1, j)), (at(0, to), at(1, j + 1))];
                    area.draw(&Rectangle::new(cell, color.mix(run[0]).filled())).map_err(failed)?;
                }
                from = to;
            }
        }
        Ok(())
    }

    /// Dots of `radius` pixels; those outside the axes are left out.
    pub fn dots(&self, points: impl Iterator<Item = (f64, f64)>, radius: f64, color: RGBAColor) -> Result<()> {
        let area = self.chart.plotting_area();
        let inside = |&(x, y): &(f64, f64)| (self.x.low..=self.x.high).contains(&x) && (self.y.low..=self.y.high).contains(&y);
        points.filter(inside).try_for_each(|at| area.draw(&Circle::new(at, px(radius), color.filled())).map_err(failed))
    }

    /// Dots with bars from y − error to y + error; those outside the axes are left out, and of bars what is outside them.
    pub fn marks(&self, marks: &[[f64; 3]], color: RGBColor) -> Result<()> {
        let area = self.chart.plotting_area();
        for &[x, y, error] in marks {
            let at = (self.x.place(x), self.y.place(y));
            let shown = if self.y.log { y.log10() } else { y };
            if at != (x, shown) {
                continue;
            }
            let bar = [y - error, y + error].map(|end| (at.0, self.y.place(end)));
            area.draw(&PathElement::new(bar, stroke(color, 1.2))).map_err(failed)?;
            area.draw(&Circle::new(at, px(2.2), color.filled())).map_err(failed)?;
        }
        Ok(())
    }

    /// A ring about (x, y); none outside the axes.
    pub fn ring(&self, at: (f64, f64), radius: f64, style: ShapeStyle) -> Result<()> {
        let inside = (self.x.low..=self.x.high).contains(&at.0) && (self.y.low..=self.y.high).contains(&at.1);
        let area = self.chart.plotting_area();
        if inside { area.draw(&Circle::new(at, px(radius), style)).map_err(failed) } else { Ok(()) }
    }

    /// Dots at (x, y) with thin bars from `low` to `high`; those outside the axes are left out, and of bars what is
    /// outside them.
    pub fn readings(&self, readings: impl Iterator<Item = [f64; 4]>, color: RGBColor) -> Result<()> {
        let area = self.chart.plotting_area();
        for [x, y, low, high] in readings {
            let at = self.x.beyond(x);
            let bar = [low, high].map(|end| (at, self.y.beyond(end)));
            if let Some(bar) = inside(bar, self.corners()) {
                area.draw(&PathElement::new(bar, stroke(color.mix(0.5), 1.0))).map_err(failed)?;
            }
            self.dots([(at, self.y.beyond(y))].into_iter(), 2.0, color.to_rgba())?;
        }
        Ok(())
    }
}

/// The part of a segment that lies in the rectangle between two corners (Liang & Barsky 1984); none where it passes by.
fn inside([a, b]: [(f64, f64); 2], [low, high]: [DVec2; 2]) -> Option<[(f64, f64); 2]> {
    let [from, to] = [a, b].map(DVec2::from);
    if !(from.is_finite() && to.is_finite()) {
        return None;
    }
    let along = to - from;
    let (mut enters, mut leaves) = (0.0f64, 1.0f64);
    // Each edge as the half plane step·t ≤ room of the points a + t(b − a).
    let edges = [(-along, from - low), (along, high - from)];
    for (step, room) in edges.into_iter().flat_map(|(step, room)| [(step.x, room.x), (step.y, room.y)]) {
        if step == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if step < 0.0 {
            enters = enters.max(room / step);
        } else {
            leaves = leaves.min(room / step);
        }
    }
    let at = |t: f64| match t {
        0.0 => a,
        1.0 => b,
        t => (from + t * along).clamp(low, high).into(),
    };
    (enters <= leaves).then(|| [at(enters), at(leaves)])
}

/// Names with a mark of their color, side by side from the left edge of `area`.
pub(super) fn legend(area: &Area, entries: &[(&str, RGBColor)], left: f64) -> Result<()> {
    let (mut x, middle) = (px(left) as i32, area.dim_in_pixel().1 as i32 / 2);
    for (name, color) in entries {
        let mark = [(x, middle), (x + px(18.0) as i32, middle)];
        area.draw(&PathElement::new(mark, stroke(*color, 3.0))).map_err(failed)?;
        let label = font(12.0, INK).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(name.to_string(), (x + px(24.0) as i32, middle), label)).map_err(failed)?;
        x += px(24.0 + style::text_width(name) * 12.0 + 22.0) as i32;
    }
    Ok(())
}

/// Draws on a fresh picture of `width × height` pixels and returns its SVG.
pub(super) fn picture(width: f64, height: f64, title: &str, draw: impl FnOnce(&Area) -> Result<()>) -> Result<String> {
    let mut out = String::new();
    {
        let area = Svg::new(&mut out, width as u32, height as u32, title).into_drawing_area();
        draw(&area)?;
        area.present().map_err(failed)?;
    }
    Ok(out)
}

/// plotters' backend cannot fail here; what remains is its own refusal of a layout.
pub(super) fn failed(error: DrawingAreaErrorKind<Infallible>) -> Error {
    Error::data(format!("the plot could not be laid out: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{DVec2, dvec2, inside};

    #[test]
    fn segments_are_cut_at_the_edges_that_they_cross() {
        let cut = |a, b| inside([a, b], [DVec2::ZERO, dvec2(2.0, 1.0)]);
        assert_eq!(cut((0.5, 0.5), (1.0, 0.25)), Some([(0.5, 0.5), (1.0, 0.25)]));
        assert_eq!(cut((-1.0, 0.5), (3.0, 0.5)), Some([(0.0, 0.5), (2.0, 0.5)]));
        assert_eq!(cut((1.0, 0.5), (1.0, 2.5)), Some([(1.0, 0.5), (1.0, 1.0)]));
        assert_eq!(cut((-1.0, 0.5), (1.0, 2.5)), None);
        assert_eq!(cut((-1.0, 0.5), (-1.0, 0.8)), None);
        assert_eq!(cut((0.5, 0.5), (f64::NAN, 0.5)), None);
        assert_eq!(cut((0.5, 0.5), (0.5, 0.5)), Some([(0.5, 0.5), (0.5, 0.5)]));
    }
}
