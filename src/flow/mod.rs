//! Flows (paper §4): paths between a source law and the data, and solvers that follow a velocity field from one to the other; energies
//! and the SDE that descends them.

mod divergence;
pub mod energy;
pub mod langevin;
pub mod path;
pub mod solver;

pub use divergence::divergence;
pub use energy::Energy;
pub use langevin::{Particles, simulate};
pub use path::{OnPath, Path};
pub use solver::{Solver, integrate, integrate_jointly};
