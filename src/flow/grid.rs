//! Where the steps of an integration lie.

use super::Path;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How times are spaced between two ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grid {
    /// Evenly.
    #[default]
    Uniform,
    /// As 1 − (1 − u)²: closer together towards the data.
    Quadratic,
    /// Such that (σ/α)^{1/7} is evenly spaced (Karras et al. 2022, eq. 5), between 80 and 0.002 where the path goes beyond.
    Edm,
}

/// σ/α at the ends of an EDM grid, where the path has zero or no end itself.
const RATIOS: (f64, f64) = (80.0, 0.002);

impl Grid {
    /// `steps` + 1 times from one end to the other, both in [0, 1]; backwards where `to` is the smaller. An EDM grid without a path is the
    /// straight one's.
    ///
    /// # Errors
    /// No steps, or ends that are equal or not finite.
    pub fn times(self, from: f64, to: f64, steps: usize) -> Result<Vec<f64>> {
        self.on(&Path::from(super::Curve::Straight), from, to, steps)
    }

    /// The same on a path.
    ///
    /// # Errors
    /// As [`Grid::times`].
    pub fn on(self, path: &Path, from: f64, to: f64, steps: usize) -> Result<Vec<f64>> {
        if steps == 0 || !from.is_finite() || !to.is_finite() || from == to {
            return Err(Error::usage(format!(
                "{steps} steps from t = {from} to {to}: give at least one step, and two different finite times"
            )));
        }
        let (low, high) = (from.min(to), from.max(to));
        let share = |k: usize| k as f64 / steps as f64;
        let mut times: Vec<f64> = (0..=steps)
            .map(|k| match self {
                Self::Uniform => low + (high - low) * share(k),
                Self::Quadratic => high - (high - low) * (1.0 - share(k)).powi(2),
                Self::Edm => {
                    let root = |t: f64| {
                        let c = path.at(t);
                        (c.sigma / c.alpha.max(1e-12)).clamp(RATIOS.1, RATIOS.0).powf(1.0 / 7.0)
                    };
                    path.time_of_ratio((root(low) + (root(high) - root(low)) * share(k)).powi(7)).clamp(low, high)
                }
            })
            .collect();
        (times[0], times[steps]) = (low, high);
        if to < from {
            times.reverse();
        }
        // Where a path hardly moves neighbors can fall together.
        times.dedup();
        Ok(times)
    }
}
