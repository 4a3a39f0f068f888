//! Networks: flat parameters, multi-layer perceptrons, the generator φ = ξ + ψ, time embedding, and optimization.

pub mod coupling;
pub mod generator;
pub mod mlp;
pub mod normalizing;
pub mod parameters;
pub mod time;
pub mod two_times;
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
