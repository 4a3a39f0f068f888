//! Flows (paper §4): paths between a source law and the data, couplings of the two, and solvers that follow a velocity field from one to the other.

pub mod coupling;
mod divergence;
pub mod path;
pub mod solver;

pub use coupling::Coupling;
pub use divergence::divergence;
pub use path::{OnPath, Path};
pub use solver::{Solver, integrate, integrate_jointly};
