//! Flows (paper §4): paths between a source law and the data, couplings of the two, solvers that follow a velocity field from
//! one to the other, and particles that repel each other on the way.

pub mod coupling;
mod divergence;
pub mod path;
pub mod repulsion;
pub mod solver;

pub use coupling::Coupling;
pub use divergence::divergence;
pub use path::{OnPath, Path};
pub use repulsion::Repulsion;
pub use solver::{Solver, integrate, integrate_jointly};
