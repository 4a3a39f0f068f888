//! Flows (paper §4): paths between a source law and the data, what a network on a path says, and solvers that follow it.

mod adaptive;
mod divergence;
pub mod grid;
pub mod noisy;
pub mod path;
pub mod prediction;
pub mod solver;
pub mod table;

pub use crate::nn::Time;
pub use adaptive::{Adaptive, Effort};
pub use divergence::{divergence, probed_divergence};
pub use grid::Grid;
pub use noisy::Denoiser;
pub use path::{Curve, Gamma, Path};
pub use prediction::Prediction;
pub use solver::{Solver, follow, integrate};
pub use table::{TimeLaw, Times};
