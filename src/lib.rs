//! `pushforward` learns *samplers*: maps φ that turn noise into new data of the same law as the samples they were shown.

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
pub mod ops;
pub mod prelude;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod reference;
pub mod report;
pub mod settings;
pub mod tour;
pub mod train;
pub mod words;

#[cfg(test)]
mod layers;

pub use error::{Error, Result};
