//! A learned map of the line against the true one, as in Fig. 1 of Cabannes & Arnal: truth in blue, learned in dashed orange.

use super::panel::{Axis, Panel, legend, picture};
use super::style::{DATA, SAMPLES, px, stroke};
use crate::Result;

/// Two maps at the same arguments: `(x, true, learned)` in increasing order of x.
pub fn map(points: &[(f64, f64, f64)], x_label: &str, y_label: &str, names: [&str; 2]) -> Result<String> {
    let x = Axis::round(points.iter().map(|p| p.0), 0.0, x_label);
    let y = Axis::round(points.iter().flat_map(|p| [p.1, p.2]), 0.04, y_label);
    picture(560.0, 400.0, "A learned map and the true one", |area| {
        let (top, body) = area.split_vertically(px(30.0));
        let panel = Panel::new(&body, "", x, y)?;
        panel.line(&points.iter().map(|p| (p.0, p.1)).collect::<Vec<_>>(), stroke(DATA, 2.5))?;
        panel.dashes(&points.iter().map(|p| (p.0, p.2)).collect::<Vec<_>>(), 8.0, stroke(SAMPLES, 2.5))?;
        legend(&top, &[(names[0], DATA), (names[1], SAMPLES)], 56.0)
    })
}
