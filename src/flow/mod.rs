//! Flows (paper §4): paths between a source distribution and the data, couplings of the two, what a network on a path says, solvers that follow
//! it, particles that repel each other on the way; energies, and the SDE that descends them.

mod adaptive;
#[cfg(not(feature = "unstable"))]
pub(crate) mod chain;
#[cfg(feature = "unstable")]
pub mod chain;
#[cfg(not(feature = "unstable"))]
pub(crate) mod coupling;
#[cfg(feature = "unstable")]
pub mod coupling;
mod divergence;
#[cfg(not(feature = "unstable"))]
pub(crate) mod energy;
#[cfg(feature = "unstable")]
pub mod energy;
#[cfg(not(feature = "unstable"))]
pub(crate) mod grid;
#[cfg(feature = "unstable")]
pub mod grid;
#[cfg(not(feature = "unstable"))]
pub(crate) mod langevin;
#[cfg(feature = "unstable")]
pub mod langevin;
#[cfg(not(feature = "unstable"))]
pub(crate) mod noisy;
#[cfg(feature = "unstable")]
pub mod noisy;
#[cfg(not(feature = "unstable"))]
pub(crate) mod repulsion;
#[cfg(feature = "unstable")]
pub mod repulsion;
#[cfg(not(feature = "unstable"))]
pub(crate) mod solver;
#[cfg(feature = "unstable")]
pub mod solver;

pub use crate::nn::Time;
pub use crate::ops::path::{Curve, Gamma, Path, Prediction, TimeDistribution, Times};
pub use coupling::Coupling;
pub use energy::Energy;
pub use grid::Grid;
pub use repulsion::Repulsion;
pub use solver::Solver;

/// What the other modules use, and with the feature `unstable` the tests and the other packages.
mod internal {
    pub use super::adaptive::{Adaptive, Effort, LEAST_TOLERANCE, check_tolerance};
    pub use super::divergence::{divergence, probed_divergence};
    pub use super::langevin::{Particles, simulate};
    pub use super::noisy::Denoiser;
    pub use super::solver::{follow, integrate};
    pub use crate::ops::path::{self as table, Coefficients};
}
#[cfg(not(feature = "unstable"))]
pub(crate) use internal::*;
#[cfg(feature = "unstable")]
#[doc(hidden)]
pub use internal::*;
