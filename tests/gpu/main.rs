//! What computes on a device: kernels, the engine, flows, methods, metrics. One process, a device a thread.

mod baselines;
mod compile;
mod engine;
mod flow;
mod methods;
mod metrics;
mod ops;
#[path = "../shared/mod.rs"]
mod shared;
