//! What a run leaves for people to look at: plots as SVG, and one self-contained page.
//!
//! | function | draws |
//! |---|---|
//! | [`comparison`] | samples against data: histogram, scatter, pair plot or grid of histograms, by the number of columns |
//! | [`curves`] | losses over steps, linear or logarithmic, smoothed |
//! | [`map`] | a learned map of the line against the true one (the paper's Fig. 1) |
//! | [`panels`] | several line plots in one picture |
//! | [`moved`](moved()) | nothing: it brings columns near zero for pictures |
//! | [`measured`](measured()) | what was measured at a few values, with intervals, in panels |
//! | [`contrasts`](contrasts()) | differences with intervals, of several things in several ways, in panels |
//! | [`ratios`](ratios()) | ratios as horizontal bars on a logarithmic axis |
//! | [`grid`](grid()) | scatter pictures in lines and columns, or the trajectories of samples |
//! | [`wall`](wall()) | many samplers of one distribution |
//! | [`Page`] | `report.html`: headline, facts, scores, plots, settings, commands |
//! | [`run::page`] | nothing: it makes the page of a run |
//! | [`tour::page`] | nothing: it makes the page of a tour |
//!
//! ```
//! use pushforward::report::{Curve, Figure, Page, Scale, curves};
//! let loss = Curve { name: "loss".into(), points: (1..100).map(|i| (i as f64, 1.0 / i as f64)).collect() };
//! let figure = Figure::new("Training", "The loss over the steps.", curves(&[loss], "loss", Scale::Auto, 0.02)?);
//! let page = Page { title: "energy on moons".into(), figures: vec![figure], ..Page::default() };
//! assert!(page.html().starts_with("<!doctype html>"));
//! # Ok::<(), pushforward::Error>(())
//! ```

mod clouds;
pub mod contrasts;
mod curves;
pub mod grid;
mod map;
pub mod measured;
mod moved;
mod page;
mod panel;
mod panels;
pub mod ratios;
pub mod run;
mod style;
mod svg;
pub mod tour;
pub mod wall;

pub use crate::words::number;
pub use clouds::{COLUMNS as DRAWN_COLUMNS, comparison};
pub use contrasts::contrasts;
pub use curves::{Curve, Scale, curves};
pub use grid::grid;
pub use map::map;
pub use measured::measured;
pub use moved::moved;
pub use page::{Figure, Page, ScoreRow, ScoreTable, Sheet};
pub use panels::{Family, Plot, panels};
pub use ratios::ratios;
pub use svg::themed;
pub use wall::wall;
