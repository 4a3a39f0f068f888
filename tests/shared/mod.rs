//! What the tests of several modules use.

mod devices;
mod numbers;
mod record;
mod silent;

pub use devices::{Devices, prepare};
pub use numbers::{numbers, wide};
pub use record::{families, input, on_all_families, run, run_on};
pub use silent::Silent;
