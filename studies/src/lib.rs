//! What `pushforward reproduce` runs: the paper's figures and claims made again and measured, and studies of what its methods are worth.
//!
//! ```no_run
//! use pushforward_studies::{Workspace, find};
//! # struct Quiet;
//! # impl pushforward::train::Progress for Quiet {
//! #     fn message(&mut self, _: &str) {}
//! #     fn update(&mut self, _: &pushforward::train::Status) {}
//! # }
//! let study = find("figure1")?.prepare(&["steps=500".to_string()])?;
//! let gpu = pushforward::gpu::Gpu::open("auto")?;
//! let (out, stop) = (std::path::Path::new("figure1"), std::sync::atomic::AtomicBool::new(false));
//! let made = study(Workspace { gpu: &gpu, out, seed: 0, command: "", progress: &mut Quiet, stop: &stop })?;
//! println!("{}", made.text);
//! # Ok::<(), pushforward::Error>(())
//! ```

pub mod anneal;
mod catalog;
pub mod comparison;
pub mod defaults;
pub mod densities;
pub mod figure1;
pub mod flows;
pub mod saddle;
pub mod spectrum;
pub mod statistics;
mod workspace;

pub use catalog::{ALL, Entry, find};
pub use workspace::{Made, Prepared, Workspace};
