//! Simple models to compare methods with: a fitted Gaussian, a Gaussian mixture, a kernel density estimate. Each of these has
//! a density. Tables of any column types have three more, which draw cells of training rows: independent columns, a Gaussian copula, autoregressive trees.
//! Rows are expected in units of their columns' standard deviations, as [`crate::data::Standardization`] makes them.
//!
//! ```
//! use pushforward::baselines::{self, GAUSSIAN};
//! # use pushforward::{data::toy::Toy, gpu::Gpu, metrics::Points};
//! # fn main() -> pushforward::Result<()> {
//! let (gpu, moons) = (Gpu::open("auto")?, Toy::Moons.sample(500, 0));
//! let fitted = baselines::fit(GAUSSIAN, &gpu, Points::of(&moons)?, std::time::Duration::from_secs(1), 0)?;
//! assert_eq!((fitted.sample(100, 1)?.len(), fitted.parameters()), (200, 5));
//! # Ok(())
//! # }
//! ```

pub(crate) mod cells;
mod kernel;
mod mixture;

pub use kernel::Kernel;
pub use mixture::Mixture;

use crate::gpu::Gpu;
use crate::metrics::Points;
use crate::metrics::gaussian::Gaussian;
use crate::{Error, Result};
use std::time::Duration;

/// The names.
pub const GAUSSIAN: &str = "fitted Gaussian";
pub const MIXTURE: &str = "Gaussian mixture";
pub const KERNEL: &str = "kernel density";
/// All of them, the simplest first.
pub const ALL: [&str; 3] = [GAUSSIAN, MIXTURE, KERNEL];

/// A fitted distribution.
pub trait Baseline {
    /// Draws, row after row; the same seed gives the same.
    fn sample(&self, rows: usize, seed: u64) -> Result<Vec<f32>>;

    /// ln of the density at each row.
    fn log_density(&self, rows: Points) -> Result<Vec<f64>>;

    /// Numbers that it keeps of the rows.
    fn parameters(&self) -> usize;

    /// What was chosen in fitting, in a few words.
    fn note(&self) -> String {
        String::new()
    }
}

/// Fits a baseline by its name, in about `time` at most.
///
/// # Errors
/// A name that is none; fewer than two rows.
pub fn fit(name: &str, gpu: &Gpu, rows: Points, time: Duration, seed: u64) -> Result<Box<dyn Baseline>> {
    if rows.rows() < 2 {
        return Err(Error::data("a distribution cannot be estimated from one row: give two or more"));
    }
    match name {
        GAUSSIAN => Ok(Box::new(Gaussian::fit(rows))),
        MIXTURE => Ok(Box::new(Mixture::fit(rows, time, seed))),
        KERNEL => Ok(Box::new(Kernel::fit(gpu, rows, seed)?)),
        other => Err(Error::usage(format!("there is no baseline `{other}`; there are {}", ALL.join(", ")))),
    }
}

impl Baseline for Gaussian {
    fn sample(&self, rows: usize, seed: u64) -> Result<Vec<f32>> {
        Ok(Self::sample(self, rows, seed))
    }

    fn log_density(&self, rows: Points) -> Result<Vec<f64>> {
        Ok((0..rows.rows()).map(|i| Self::log_density(self, rows.row(i))).collect())
    }

    fn parameters(&self) -> usize {
        let d = self.mean.len();
        d + d * (d + 1) / 2
    }
}
