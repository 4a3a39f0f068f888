//! `bench`: kernels and whole steps against the clock.

use pushforward::gpu::Gpu;

use super::arguments::Bench;
use super::console::Results;

pub fn bench(args: &Bench, adapter: &str) -> anyhow::Result<()> {
    let gpu = Gpu::open(adapter)?;
    Ok(pushforward::bench::run(&gpu, args.filter.as_deref(), args.json, &mut Results)?)
}
