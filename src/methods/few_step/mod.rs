//! What maps between any two times of a flow share: the straight path from the fitted Gaussian to the data, a network u(x, s, t) whose map is
//!
//!   X_{s,t}(x) = x + (t − s)·u(x, s, t),   X_{s,s} = id,   u(x, s, s) the flow's own velocity (Boffi, Albergo & Vanden-Eijnden 2025),
//!
//! and samples in as many steps as are asked for: X_{0,1}, or X_{½,1} ∘ X_{0,½}, ….
//!
//! Time runs from noise (0) to data (1), in centred units; noise is ξ(z) = zA with the data's covariance, so that u = 0 leaves the fitted Gaussian as it is.

mod core;

pub use core::{Ends, FewStep};

use super::Training;
use crate::{Error, Result, settings};

settings! {
    /// How samples are drawn from a map between times; `sample` can replace it.
    pub struct Steps {
        /// Steps in which samples are drawn: 1, 2, 4, ….
        map_steps: usize = 1,
        /// Frequencies of the time embedding, in octaves from ½: few, for the map is differentiated along its times.
        time_frequencies: usize = 3,
    }
}

impl Steps {
    pub fn check(&self) -> Result<()> {
        for (key, value, most) in [("map_steps", self.map_steps, 1000), ("time_frequencies", self.time_frequencies, 16)] {
            if !(1..=most).contains(&value) {
                return Err(Error::usage(format!("`{key}` is {value}: it must be between 1 and {most}")));
            }
        }
        Ok(())
    }
}

/// Refuses a latent space that is not the data's, in which no path lies.
pub fn check_latent(training: &Training, columns: usize) -> Result<()> {
    if training.latent == 0 || training.latent == columns {
        return Ok(());
    }
    Err(Error::usage(format!(
        "`latent` is {}: a map between times moves within the data's {columns} columns; leave it at 0",
        training.latent
    )))
}
