//! What a run leaves for people to look at: plots as SVG, and one self-contained page.
//!
//! | function | draws |
//! |---|---|
//! | [`comparison`] | samples against data: histogram, scatter, pair plot or grid of histograms, by the number of columns |
//! | [`curves`] | losses over steps, linear or logarithmic, smoothed |
//! | [`map`] | a learned map of the line against the true one (the paper's Fig. 1) |
//! | [`panels`] | several line plots in one picture |
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
#[cfg(not(feature = "unstable"))]
pub(crate) mod contrasts;
#[cfg(feature = "unstable")]
pub mod contrasts;
mod curves;
#[cfg(not(feature = "unstable"))]
pub(crate) mod gallery;
#[cfg(feature = "unstable")]
pub mod gallery;
#[cfg(not(feature = "unstable"))]
pub(crate) mod grid;
#[cfg(feature = "unstable")]
pub mod grid;
mod map;
mod marginals;
mod matrix;
#[cfg(not(feature = "unstable"))]
pub(crate) mod measured;
#[cfg(feature = "unstable")]
pub mod measured;
mod moved;
mod page;
mod panel;
mod panels;
mod predicted;
#[cfg(not(feature = "unstable"))]
pub(crate) mod ratios;
#[cfg(feature = "unstable")]
pub mod ratios;
pub mod run;
mod style;
mod svg;
pub mod tour;

pub use clouds::comparison;
pub use curves::{Curve, Scale, curves};
pub use map::map;
pub use page::{Figure, Page, ScoreRow, ScoreTable, Sheet};
pub use panels::{Plot, panels};

/// What the other modules use, and with the feature `unstable` the tests and the other packages.
mod internal {
    pub use super::clouds::COLUMNS as DRAWN_COLUMNS;
    pub use super::contrasts::contrasts;
    pub use super::gallery::gallery;
    pub use super::grid::grid;
    pub use super::marginals::marginals;
    pub use super::matrix::matrix;
    pub use super::measured::measured;
    pub use super::moved::moved;
    pub use super::page::Many;
    pub use super::panels::Family;
    pub use super::ratios::ratios;
    pub use super::svg::themed;
    pub use crate::words::number;
}
#[cfg(not(feature = "unstable"))]
pub(crate) use internal::*;
#[cfg(feature = "unstable")]
#[doc(hidden)]
pub use internal::*;
