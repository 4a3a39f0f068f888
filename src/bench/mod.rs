//! Kernels and whole training steps against the clock: what `pushforward bench` runs. Every case is held to its f64 reference
//! before its time is taken.
//!
//! ```
//! # fn main() -> pushforward::Result<()> {
//! let gpu = pushforward::gpu::Gpu::open("auto")?;
//! let mut lines = Vec::new();
//! pushforward::bench::run(&gpu, Some("gemm/1024"), true, &mut lines)?;
//! assert!(lines.starts_with(br#"{"case":"gemm/1024","#));
//! # Ok(())
//! # }
//! ```

mod ceiling;
mod chains;
pub mod compare;
mod flows;
mod games;
mod kernels;
mod layers;
mod record;
mod setup;
mod statistics;

pub use ceiling::Ceiling;
pub use record::{Record, SCHEMA, parse, read};
pub use setup::Setup;

use crate::gpu::{Gpu, Plan};
use crate::reference::Exact;
use crate::{Error, Result};
use ceiling::Operations;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use rand_distr::StandardNormal;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A case that is ready to be timed.
pub struct Prepared {
    pub plan: Plan,
    /// What one step does, in millions or billions of the unit.
    work: f64,
    unit: &'static str,
    operations: Operations,
}

/// A case by its name, which is stable.
pub struct Case {
    pub name: &'static str,
    prepare: fn(&Gpu) -> Result<Prepared>,
}

/// Every case, in the order in which they run.
pub const CASES: &[Case] = &[
    Case { name: "map/n4194304", prepare: layers::map },
    Case { name: "gemm/1024", prepare: |gpu| layers::gemm(gpu, 1024) },
    Case { name: "mmd/n2048-d2", prepare: |gpu| statistics::mmd(gpu, 2048, 2, 1) },
    Case { name: "mmd/n8192-d2", prepare: |gpu| statistics::mmd(gpu, 8192, 2, 1) },
    Case { name: "mmd/n8192-d16", prepare: |gpu| statistics::mmd(gpu, 8192, 16, 1) },
    Case { name: "mmd/n2048-d64", prepare: |gpu| statistics::mmd(gpu, 2048, 64, 1) },
    Case { name: "mmd5/n8192-d2", prepare: |gpu| statistics::mmd(gpu, 8192, 2, 5) },
    Case { name: "fourier/n8192-k1024-d2", prepare: |gpu| statistics::fourier(gpu, 8192, 1024, 2) },
    Case { name: "sinkhorn/n2048-d2", prepare: |gpu| statistics::sinkhorn(gpu, 2048, 2) },
    Case { name: "mlp-step/w128-b1024", prepare: |gpu| layers::mlp_step(gpu, 128, 1024) },
    Case { name: "mlp-step/w256-b8192", prepare: |gpu| layers::mlp_step(gpu, 256, 8192) },
    Case { name: "ode/b65536-s100", prepare: |gpu| flows::ode(gpu, 65_536) },
    Case { name: "realnvp-step/d2", prepare: |gpu| chains::realnvp_step(gpu, 2, 4096) },
    Case { name: "realnvp-step/d64", prepare: |gpu| chains::realnvp_step(gpu, 64, 4096) },
    Case { name: "kde8/n8192-d2", prepare: |gpu| kernels::kde(gpu, 8192, 2) },
    Case { name: "drift/n2048-d2", prepare: |gpu| kernels::drift(gpu, 2048, 2) },
    Case { name: "drift/n2048-d64", prepare: |gpu| kernels::drift(gpu, 2048, 64) },
    Case { name: "wgan-step/w128-b1024", prepare: |gpu| games::wgan_step(gpu, 128, 1024) },
];

impl Case {
    /// Records the case's step, checks its answer, and compiles all that it needs.
    ///
    /// # Errors
    /// When the answer is not that of the f64 reference: no time is worth taking then.
    pub fn prepare(&self, gpu: &Gpu) -> Result<Prepared> {
        (self.prepare)(gpu)
    }

    /// Prepares the case and takes its time.
    pub fn measure(&self, gpu: &Gpu, ceiling: &Ceiling) -> Result<Record> {
        let mut prepared = self.prepare(gpu)?;
        let times = time(&mut prepared.plan, Duration::from_secs(2))?;
        let [min, q25, median, q75] = [0.0, 0.25, 0.5, 0.75].map(|share| quantile(&times, share));
        Ok(Record {
            case: self.name.into(),
            schema: SCHEMA,
            median_ms: rounded(median * 1e3),
            min_ms: rounded(min * 1e3),
            q25_ms: rounded(q25 * 1e3),
            q75_ms: rounded(q75 * 1e3),
            runs: times.len(),
            rate: rounded(prepared.work / median),
            unit: prepared.unit.into(),
            ceiling_share: ceiling.time(&prepared.operations).map(|best| rounded(best / median)),
            setup: Setup::of(gpu),
            unix_time: SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs()),
        })
    }
}

/// Runs every case whose name contains `filter`, writes one line each to `out` (JSON objects, or a table), and returns the records.
///
/// # Errors
/// When no case has that name, the device fails, or an answer is wrong.
pub fn run(gpu: &Gpu, filter: Option<&str>, json: bool, out: &mut dyn Write) -> Result<Vec<Record>> {
    let chosen: Vec<&Case> = CASES.iter().filter(|case| filter.is_none_or(|part| case.name.contains(part))).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        return Err(Error::usage(format!("no benchmark's name contains `{}`: {}", filter.unwrap_or(""), names.join(", "))));
    }
    let written = |e| Error::io("write", "standard output", e);
    let ceiling = Ceiling::measure(gpu)?;
    if !json {
        writeln!(out, "{} ({})\n{ceiling}\n", gpu.summary().name, gpu.summary().driver).map_err(written)?;
        let header = format!("{:<24} {:>11} {:>11} {:>6} {:>22}  of ceiling", "case", "median ms", "min ms", "runs", "rate");
        writeln!(out, "{header}").map_err(written)?;
    }
    let mut records = Vec::new();
    for case in chosen {
        let record = case.measure(gpu, &ceiling)?;
        if json {
            writeln!(out, "{}", record.to_line()?).map_err(written)?;
        } else {
            let Record { median_ms, min_ms, runs, rate, unit, ceiling_share, .. } = &record;
            let share = ceiling_share.map_or("–".into(), |s| format!("{:.0} %", 100.0 * s));
            writeln!(out, "{:<24} {median_ms:>11.3} {min_ms:>11.3} {runs:>6} {rate:>11.1} {unit:<10}  {share:>10}", case.name)
                .map_err(written)?;
        }
        out.flush().map_err(written)?;
        records.push(record);
    }
    Ok(records)
}

/// Seconds a step, sorted: at least five measurements of as many replays as take about a twentieth of a second, or three of one that takes
/// longer than the budget.
fn time(plan: &mut Plan, budget: Duration) -> Result<Vec<f64>> {
    let gpu = plan.gpu().clone();
    let measure = |plan: &mut Plan, replays: usize| {
        gpu.synchronize()?;
        let start = Instant::now();
        plan.replay(replays)?;
        gpu.synchronize()?;
        Ok::<f64, Error>(start.elapsed().as_secs_f64() / replays as f64)
    };
    // The first replay compiles, the second fills caches.
    measure(plan, 1)?;
    let once = measure(plan, 1)?;
    let long = once > budget.as_secs_f64();
    let replays = (0.05 / once).ceil().clamp(1.0, 1000.0) as usize;
    let (start, mut times) = (Instant::now(), if long { vec![once] } else { Vec::new() });
    while times.len() < if long { 3 } else { 5 } || (start.elapsed() < budget && times.len() < 200) {
        times.push(measure(plan, replays)?);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// The quantile of sorted values by linear interpolation between neighbors.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + place.fract() * (high - low)
}

/// To four significant digits.
fn rounded(x: f64) -> f64 {
    let digits = 3 - x.abs().max(1e-12).log10().floor() as i32;
    let scale = 10f64.powi(digits);
    (x * scale).round() / scale
}

/// Fails unless `found` agrees with its reference.
fn agree(what: &str, reference: &Exact, found: &[f32]) -> Result<()> {
    match reference.disagreement(found) {
        None => Ok(()),
        Some(problem) => Err(Error::Device(format!("{what} is wrong on this adapter, and was not timed: {problem}"))),
    }
}

/// `count` normal numbers.
fn normal(count: usize, seed: u64) -> Vec<f32> {
    ChaCha8Rng::seed_from_u64(seed).sample_iter(StandardNormal).take(count).collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}
