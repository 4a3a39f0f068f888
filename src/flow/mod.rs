//! Flows (paper §4): paths between a source distribution and the data, couplings of the two, what a network on a path says, solvers that follow
//! it, particles that repel each other on the way; energies, and the SDE that descends them.

mod adaptive;
pub mod chain;
pub mod coupling;
mod divergence;
pub mod energy;
pub mod grid;
pub mod langevin;
pub mod noisy;
pub mod repulsion;
pub mod solver;

pub use crate::nn::Time;
pub use crate::ops::path::{self as table, Coefficients, Curve, Gamma, Path, Prediction, TimeLaw, Times};
pub use adaptive::{Adaptive, Effort, LEAST_TOLERANCE, check_tolerance};
pub use coupling::Coupling;
pub use divergence::{divergence, probed_divergence};
pub use energy::Energy;
pub use grid::Grid;
pub use langevin::{Particles, simulate};
pub use noisy::Denoiser;
pub use repulsion::Repulsion;
pub use solver::{Solver, follow, integrate};
