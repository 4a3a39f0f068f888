//! Learn a *sampler* from a table: a map φ that turns noise into new rows of the same distribution, on any GPU or none.
#![doc = ""]
#![doc = include_str!(concat!(env!("OUT_DIR"), "/picture.html"))]
//!
//! *The data, samples of three methods, and the density that `spline` learned.*
//!
//! ```
//! use pushforward::prelude::*;
//!
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let data = Table::read("toy:moons:1000")?; // or "people.csv#age,income"
//! let (train, test) = data.split(0.2, 0)?;
//! let run = Trainer::new(Energy::default()).steps(30).batch_size(128).hidden_layers(2).fit(&gpu, &train)?;
//! let samples = run.model.sampler().seed(1).draw(200)?;
//! println!("{}", metrics::evaluate(&gpu, &test, &samples)?);
//! # Ok(())
//! # }
//! ```
//!
//! | step | type |
//! |---|---|
//! | open a device | [`Gpu`](gpu::Gpu) |
//! | read, select, split rows | [`Table`](data::Table) |
//! | choose a method and its settings | a struct of [`methods`], such as [`FlowMatching`](methods::FlowMatching), or [`methods::by_name`] |
//! | train | [`Trainer`](train::Trainer), which returns a [`Run`](train::Run) |
//! | draw samples | [`Model::sampler`](model::Model::sampler) |
//! | log-densities, latents | [`Model::log_density`](model::Model::log_density), [`Model::push`](model::Model::push), [`Model::pull`](model::Model::pull) |
//! | score | [`metrics::evaluate`], [`Evaluator`](metrics::Evaluator) |
//! | keep and load | [`Model::save`](model::Model::save), [`Model::load`](model::Model::load) |
//!
//! One's own loss or method is a struct of [`settings!`] that is a [`Method`](methods::Method); one's own kernel is a
//! [`Shader`](gpu::Shader). The folder `examples/` has a program for each.
//!
//! On Linux, a program calls [`gpu::prepare_environment`] first: it chooses the vector width of Mesa's software adapter.

// Without the feature `unstable`, what only the tests and the other packages of this repository use is not reached.
#![cfg_attr(not(feature = "unstable"), allow(dead_code, unused_imports))]

pub mod baselines;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod bench;
pub mod data;
pub mod error;
pub mod flow;
pub mod gpu;
pub mod loss;
pub mod methods;
pub mod metrics;
pub mod model;
pub mod nn;
#[cfg(not(feature = "unstable"))]
mod ops;
#[cfg(feature = "unstable")]
pub mod ops;
pub mod prelude;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod reference;
pub mod report;
pub mod settings;
pub mod tour;
pub mod train;
#[cfg(not(feature = "unstable"))]
mod words;
#[cfg(feature = "unstable")]
pub mod words;

#[cfg(test)]
mod layers;

pub use error::{Error, Result};

/// The README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
