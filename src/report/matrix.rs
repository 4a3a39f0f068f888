//! The trends of all pairs of columns as one picture: the darker a cell, the farther off the samples are, beyond what as many real rows are by chance.

use std::fmt::Write as _;

use super::style::{escape, fit_middle, number, svg_head, text_width};
use crate::metrics::scorecard::{Part, Scorecard};

/// Columns that are drawn at most: those of the worst.
const COLUMNS: usize = 40;
/// How much lower than that of real rows a score is where a cell is as dark as can be.
const DARKEST: f64 = 0.25;
/// Ems of a name at most.
const NAME: f64 = 11.0;
const SIZE: f64 = 11.0;
/// The width of the legend.
const LEGEND: f64 = 260.0;

/// The matrix, columns the worst first; none without pairs. On the diagonal is each column's own shape; a dot marks pairs that depend on each other in real rows.
pub fn matrix(card: &Scorecard) -> Option<String> {
    let names: Vec<&str> = card.columns.iter().take(COLUMNS).map(|column| column.column.as_str()).collect();
    if card.pairs.is_empty() || names.len() < 2 {
        return None;
    }
    let shown: Vec<String> = names.iter().map(|name| fit_middle(name, NAME)).collect();
    let count = names.len() as f64;
    let room = shown.iter().map(|name| text_width(name)).fold(0.0, f64::max) * SIZE + 8.0;
    let cell = ((848.0 - room) / count).clamp(13.0, 34.0);
    let (width, height) = (room + (cell * count).max(LEGEND) + 2.0, room + cell * count + 26.0);
    let mut svg = svg_head("matrix", [width, height], "Agreement of pairs of columns");
    for (at, name) in shown.iter().enumerate() {
        let middle = room + (at as f64 + 0.5) * cell;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{middle:.1}\" dy=\"0.35em\" text-anchor=\"end\" font-size=\"{SIZE}\" class=\"f-muted\">{1}</text>\n\
             <text x=\"{middle:.1}\" y=\"{2:.1}\" dy=\"0.35em\" font-size=\"{SIZE}\" class=\"f-muted\" transform=\"rotate(-90 {middle:.1} {2:.1})\">{1}</text>",
            room - 6.0,
            escape(name),
            room - 6.0
        );
    }
    let place = |name: &str| names.iter().position(|other| *other == name);
    for column in card.columns.iter().take(COLUMNS) {
        if let (Some(shape), Some(at)) = (&column.shape, place(&column.column)) {
            let said = format!("{}: shape {}", column.column, scored(shape));
            square(&mut svg, [at, at], shape, (room, cell), &said, false);
        }
    }
    for pair in &card.pairs {
        let (Some(a), Some(b)) = (place(&pair.columns[0]), place(&pair.columns[1])) else { continue };
        let said = format!("{}, {}: {}", pair.columns[0], pair.columns[1], scored(&pair.trend));
        for at in [[a, b], [b, a]] {
            square(&mut svg, at, &pair.trend, (room, cell), &said, pair.related);
        }
    }
    legend(&mut svg, room, height - 16.0);
    svg.push_str("</svg>\n");
    Some(svg)
}

/// A score beside what as many real rows have.
fn scored(part: &Part) -> String {
    format!("{}, real rows about {}", number(part.score.value, 3), number(part.if_equal, 3))
}

fn shade(lack: f64) -> f64 {
    (lack / DARKEST).clamp(0.0, 1.0)
}

fn square(svg: &mut String, [row, column]: [usize; 2], part: &Part, (room, cell): (f64, f64), said: &str, dot: bool) {
    let (x, y) = (room + column as f64 * cell, room + row as f64 * cell);
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{0:.1}\" height=\"{0:.1}\" class=\"f-samples s-grid\" fill-opacity=\"{1:.2}\"><title>{2}</title></rect>",
        cell - 1.0,
        shade(part.if_equal - part.score.value),
        escape(said)
    );
    if dot {
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.6\" class=\"f-ink\"/>",
            x + 0.5 * cell - 0.5,
            y + 0.5 * cell - 0.5
        );
    }
}

/// What the shades mean.
fn legend(svg: &mut String, left: f64, top: f64) {
    for (at, lack) in [0.0, 0.05, 0.1, 0.15, 0.2, 0.25].into_iter().enumerate() {
        let x = left + 42.0 * at as f64;
        let more = if lack == DARKEST { "≥ " } else { "" };
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"10\" height=\"10\" class=\"f-samples s-grid\" fill-opacity=\"{:.2}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10.5\" class=\"f-muted\">{more}{}</text>",
            shade(lack),
            x + 13.0,
            top + 9.0,
            number(lack, 2)
        );
    }
}
