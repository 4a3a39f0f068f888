//! Each column by itself, real rows beside samples: a small picture a column, which a page sets in as many rows as it needs.

use std::fmt::Write as _;

use super::matrix::matrix;
use super::page::Many;
use super::style::{escape, fit_middle, number, svg_head};
use crate::Result;
use crate::data::{ColumnType, Table};
use crate::metrics::mixed::{Mixed, MixedColumn};
use crate::metrics::scorecard::{ColumnScores, Scorecard};

/// Columns that are drawn at most: the worst.
pub const COLUMNS: usize = 60;
/// The picture in pixels.
const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 158.0;
/// Where bars stand.
const TOP: f64 = 38.0;
const BOTTOM: f64 = 138.0;
/// Bins of numbers, and the share of rows at either end that the outermost ones take in.
const BINS: usize = 24;
const TAIL: f64 = 0.01;
/// Levels that have a bar of their own.
const LEVELS: usize = 5;

/// A picture of each column, the worst first.
///
/// # Errors
/// A column that the samples do not have, or have with another type.
pub fn marginals(reference: &Table, samples: &Table, card: &Scorecard) -> Result<Vec<String>> {
    let tables = Mixed::of(&[reference, samples], 0)?;
    let drawn = card.columns.iter().take(COLUMNS).filter_map(|scores| {
        let column = tables.columns.iter().find(|column| column.name == scores.column)?;
        let form = reference.index_of(&column.name).ok().and_then(|j| reference.date_form(j));
        let written = |value: f64| form.map_or_else(|| number(value, 3), |form| form.write(value as i64));
        Some(picture(column, scores, &written))
    });
    Ok(drawn.collect())
}

impl Many {
    /// Each column of a scorecard's tables by itself, and their pairs; `what` is what the reference's rows are.
    ///
    /// # Errors
    /// As [`marginals`].
    pub fn of_columns(reference: &Table, samples: &Table, card: &Scorecard, what: &str) -> Result<Self> {
        let svgs = marginals(reference, samples, card)?;
        let more = match card.columns.len().saturating_sub(svgs.len()) {
            0 => String::new(),
            more => format!(" {more} columns that are nearer are not drawn."),
        };
        let caption = format!(
            "{what} in blue, samples in orange: shares of rows in which the column is not missing, the most different column first. The outermost bins of numbers hold what lies beyond.{more}"
        );
        let of_pairs = "How two columns depend on each other: the darker, the less samples agree with real rows, beyond what as many real rows would differ by chance (by so much of 1). A dot marks pairs that depend on each other in real rows; on the diagonal is the column by itself.";
        let wide = matrix(card).map(|svg| (svg, of_pairs.to_string()));
        Ok(Self { title: "Each column by itself".into(), caption, svgs, wide })
    }
}

fn picture(column: &MixedColumn, scores: &ColumnScores, written: &dyn Fn(f64) -> String) -> String {
    let score = scores.shape.as_ref().map_or(String::new(), |shape| format!("shape {}", number(shape.score.value, 2)));
    let differs = if scores.difference.is_empty() { "as real rows" } else { &scores.difference };
    let mut svg = svg_head("plot", [WIDTH, HEIGHT], &format!("{}: {differs}", column.name));
    text(&mut svg, [0.0, 12.0], "start", 12.0, "ink", &fit_middle(&column.name, (WIDTH - 82.0) / 12.0));
    text(&mut svg, [WIDTH, 12.0], "end", 10.5, "muted", &score);
    if scores.missing_shares != [0.0; 2] {
        let [real, new] = scores.missing_shares.map(|share| number(100.0 * share, 2));
        text(&mut svg, [0.0, 27.0], "start", 10.5, "muted", &format!("missing: {real} % real, {new} % samples"));
    }
    match &column.levels {
        Some(levels) => bars(&mut svg, column, levels),
        None => histogram(&mut svg, column, written),
    }
    svg.push_str("</svg>\n");
    svg
}

fn text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, size: f64, ink: &str, text: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" class=\"f-{ink}\">{}</text>",
        escape(text)
    );
}

/// Shares of equal bins of real rows, filled, and of samples, a line.
fn histogram(svg: &mut String, column: &MixedColumn, written: &dyn Fn(f64) -> String) {
    let sets = [0, 1].map(|set| {
        let mut values = column.present(set);
        values.sort_unstable_by(f64::total_cmp);
        values
    });
    let at = |values: &[f64], share: f64| values.get((share * values.len().saturating_sub(1) as f64).round() as usize).copied();
    let ends = |share: f64| sets.iter().filter_map(move |values| at(values, share));
    let (low, high) = (ends(TAIL).fold(f64::INFINITY, f64::min), ends(1.0 - TAIL).fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return;
    }
    // Whole numbers that are few have a bin each.
    let whole = matches!(column.ty, ColumnType::Integer) && high - low < BINS as f64;
    let (low, bins, width) = match whole {
        true => (low - 0.5, (high - low) as usize + 1, 1.0),
        false if high > low => (low, BINS, (high - low) / BINS as f64),
        false => (low - 0.5, 1, 1.0),
    };
    let shares = sets.each_ref().map(|values| {
        let mut shares = vec![0.0; bins];
        for value in values {
            shares[(((value - low) / width).max(0.0) as usize).min(bins - 1)] += 1.0 / values.len() as f64;
        }
        shares
    });
    let most = shares.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
    let step = |shares: &[f64]| {
        let x = |bin: usize| bin as f64 / bins as f64 * WIDTH;
        shares.iter().enumerate().fold(String::new(), |mut path, (bin, share)| {
            let y = BOTTOM - share / most * (BOTTOM - TOP);
            let _ = write!(path, "{}{:.1},{y:.1} {:.1},{y:.1}", if bin == 0 { "" } else { " " }, x(bin), x(bin + 1));
            path
        })
    };
    let _ = writeln!(
        svg,
        "<polygon points=\"0,{BOTTOM} {} {WIDTH},{BOTTOM}\" class=\"f-data\" fill-opacity=\"0.35\"/>\n\
         <polyline points=\"{}\" fill=\"none\" class=\"s-samples\" stroke-width=\"1.6\"/>\n\
         <polyline points=\"0,{BOTTOM} {WIDTH},{BOTTOM}\" fill=\"none\" class=\"s-axis\" stroke-width=\"1\"/>",
        step(&shares[0]),
        step(&shares[1])
    );
    let below = BOTTOM + 14.0;
    match whole || high > low {
        true => {
            text(svg, [0.0, below], "start", 10.5, "muted", &written(if whole { low + 0.5 } else { low }));
            text(svg, [WIDTH, below], "end", 10.5, "muted", &written(high));
        }
        false => text(svg, [WIDTH / 2.0, below], "middle", 10.5, "muted", &written(high)),
    }
}

/// The most frequent levels of the real rows, and all others: a bar of each set.
fn bars(svg: &mut String, column: &MixedColumn, levels: &[String]) {
    let shares = [0, 1].map(|set| {
        let mut shares = vec![0.0; levels.len()];
        let present = column.present(set).len().max(1) as f64;
        column.codes(set).flatten().for_each(|code| shares[code] += 1.0 / present);
        shares
    });
    let mut order: Vec<usize> = (0..levels.len()).collect();
    order.sort_by(|&a, &b| (shares[0][b] + shares[1][b]).total_cmp(&(shares[0][a] + shares[1][a])).then(a.cmp(&b)));
    let own = if levels.len() <= LEVELS + 1 { levels.len() } else { LEVELS };
    let (named, others) = order.split_at(own);
    let mut rows: Vec<(String, [f64; 2])> =
        named.iter().map(|&level| (levels[level].clone(), [shares[0][level], shares[1][level]])).collect();
    if !others.is_empty() {
        let sum = |set: usize| others.iter().map(|&level| shares[set][level]).sum();
        rows.push((format!("{} others", others.len()), [sum(0), sum(1)]));
    }
    let most = rows.iter().flat_map(|(_, shares)| *shares).fold(f64::MIN_POSITIVE, f64::max);
    let (left, pitch) = (82.0, (BOTTOM - TOP) / (LEVELS + 1) as f64);
    for (at, (name, shares)) in rows.iter().enumerate() {
        let y = TOP + at as f64 * pitch;
        text(svg, [left - 6.0, y + 0.5 * pitch + 2.0], "end", 10.5, "muted", &fit_middle(name, (left - 8.0) / 10.5));
        for (set, (share, color)) in shares.iter().zip(["data", "samples"]).enumerate() {
            let _ = writeln!(
                svg,
                "<rect x=\"{left}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" class=\"f-{color}\"/>",
                y + set as f64 * (0.42 * pitch),
                share / most * (WIDTH - left),
                0.38 * pitch
            );
        }
    }
}
