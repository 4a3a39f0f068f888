//! Networks: flat parameters, multi-layer perceptrons, the generator φ = ξ + ψ, time embedding, and optimization.

#[cfg(not(feature = "unstable"))]
pub(crate) mod coupling;
#[cfg(feature = "unstable")]
pub mod coupling;
#[cfg(not(feature = "unstable"))]
pub(crate) mod generator;
#[cfg(feature = "unstable")]
pub mod generator;
#[cfg(not(feature = "unstable"))]
pub(crate) mod mlp;
#[cfg(feature = "unstable")]
pub mod mlp;
#[cfg(not(feature = "unstable"))]
pub(crate) mod normalizing;
#[cfg(feature = "unstable")]
pub mod normalizing;
#[cfg(not(feature = "unstable"))]
pub(crate) mod parameters;
#[cfg(feature = "unstable")]
pub mod parameters;
#[cfg(not(feature = "unstable"))]
pub(crate) mod time;
#[cfg(feature = "unstable")]
pub mod time;
#[cfg(not(feature = "unstable"))]
pub(crate) mod two_times;
#[cfg(feature = "unstable")]
pub mod two_times;
#[cfg(not(feature = "unstable"))]
pub(crate) mod velocity;
#[cfg(feature = "unstable")]
pub mod velocity;

pub use crate::ops::activation::Activation;
pub use crate::ops::adam::{Adam, Schedule};
pub use coupling::{ConditionerShape, Transform};
pub use generator::{Generator, GeneratorShape};
pub use mlp::{Head, Mlp, MlpShape};
pub use normalizing::{Masks, Mixing, Normalizing, NormalizingShape, Structure};
pub use parameters::{Builder, Id, Parameters, Weights};
pub use time::{Time, TimeEmbedding};
pub use two_times::TwoTimes;
pub use velocity::{Velocity, VelocityShape};
