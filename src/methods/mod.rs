//! One file a method: the paper's sections as code. A new method is one file here and one line in `registry.rs`.
//!
//! A method is a struct of its settings. Those that several methods have are groups in it: [`CriticSettings`], [`LatentSettings`],
//! [`PathSettings`], [`Sampling`], [`MapSettings`]; those that all methods have are [`Training`], and the [`Trainer`](crate::train::Trainer)'s.
//!
//! ```
//! use pushforward::prelude::*;
//!
//! let sampling = Sampling { solver: Solver::Rk4, solver_steps: 8, ..Default::default() };
//! let method = FlowMatching { coupling: Coupling::Sinkhorn, sampling, ..Default::default() };
//! ```

pub mod anneal;
pub mod characteristic;
pub mod cnf;
#[cfg(not(feature = "unstable"))]
pub(crate) mod critic;
#[cfg(feature = "unstable")]
pub mod critic;
#[cfg(not(feature = "unstable"))]
pub(crate) mod dataset;
#[cfg(feature = "unstable")]
pub mod dataset;
mod density;
pub mod diffusion;
pub mod distill;
pub mod distributional;
#[cfg(test)]
mod documented;
pub mod drift;
pub mod ebm;
pub mod energy;
mod few_step;
pub mod fgan;
mod find;
mod fitted;
pub mod flow_map;
pub mod flow_matching;
pub mod gan;
pub mod imm;
pub mod interpolant;
pub mod iwae;
pub mod kantorovich;
mod latent;
mod learner;
pub mod maf;
#[cfg(not(feature = "unstable"))]
pub(crate) mod many_step;
#[cfg(feature = "unstable")]
pub mod many_step;
mod method;
pub mod mmd;
mod noised;
mod normalizing;
pub mod objective;
pub mod one_step;
mod pool;
pub mod realnvp;
pub mod rectified_flow;
pub(crate) mod registry;
pub mod score;
pub mod sinkhorn;
pub mod spline;
pub mod stein;
mod target;
mod training;
pub mod vae;
pub mod wgan;

pub use critic::CriticSettings;
pub use dataset::Dataset;
pub use density::{Density, Meaning};
pub use few_step::MapSettings;
pub use find::{all, by_name, configure, configured, register};
pub use latent::{LatentSettings, Likelihood as LatentLikelihood, Variance};
pub use learner::{Learner, Setup, Traced};
pub use many_step::{Dynamics, PathSettings, Sampling};
pub use method::{Boxed, Drawing, Entry, LearnsFrom, Method, Summary};
pub use objective::Objective;
pub use registry::*;
pub use training::Training;

use crate::ops::pairwise::Estimator;
use learner::descend;
use noised::Noised;

/// The estimator that a method's `unbiased` setting asks for.
fn estimator(unbiased: bool) -> Estimator {
    if unbiased { Estimator::Unbiased } else { Estimator::Biased }
}
