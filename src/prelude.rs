//! What most programs need: `use pushforward::prelude::*;`.

pub use crate::data::{Column, Table};
pub use crate::flow::Solver;
pub use crate::flow::coupling::Coupling;
pub use crate::gpu::Gpu;
pub use crate::methods::registry::*;
pub use crate::methods::{CriticSettings, LatentSettings, MapSettings, PathSettings, Sampling};
pub use crate::metrics;
pub use crate::model::Model;
pub use crate::train::{Run, Trainer};
pub use crate::{Error, Result};
