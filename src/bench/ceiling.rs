//! What this adapter can do at best, measured: the denominator of every `ceiling_share`.

use super::time;
use crate::Result;
use crate::gpu::kernels::probe::axis::Op;
use crate::gpu::kernels::probe::{Measure, Params, Variant};
use crate::gpu::{Gpu, Plan, Recorder};
use std::time::Duration;

/// Arithmetic of one step, as its formula needs it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Operations {
    /// Additions and multiplications.
    pub flops: f64,
    pub exponentials: f64,
    /// Evaluations of a sine together with its cosine.
    pub circles: f64,
}

/// Operations a second of chains that touch no memory.
#[derive(Clone, Copy, Debug)]
pub struct Ceiling {
    /// Additions and multiplications: two a multiply-add, whether the adapter fuses them or not.
    pub flops: f64,
    pub exponentials: f64,
    pub circles: f64,
}

/// Chains an invocation, and links of each a round.
const CHAINS: usize = 16;
const LINKS: usize = 16;
const WIDTH: usize = 64;

impl Ceiling {
    /// Takes about a second.
    pub fn measure(gpu: &Gpu) -> Result<Self> {
        Ok(Self {
            flops: 2.0 * links(gpu, Op::Fma, 2048)?,
            exponentials: links(gpu, Op::Exp, 256)?,
            circles: links(gpu, Op::Circle, 256)?,
        })
    }

    /// The least time in which these operations can be done, or none where nothing was counted.
    pub(super) fn time(&self, operations: &Operations) -> Option<f64> {
        let Operations { flops, exponentials, circles } = *operations;
        let time = flops / self.flops + exponentials / self.exponentials + circles / self.circles;
        (time > 0.0).then_some(time)
    }
}

impl std::fmt::Display for Ceiling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (flops, exponentials, circles) = (self.flops * 1e-9, self.exponentials * 1e-9, self.circles * 1e-9);
        write!(f, "ceilings: {flops:.0} GFLOP/s, {exponentials:.1} G exponentials/s, {circles:.1} G sines with cosines/s")
    }
}

/// Links a second of one operation.
fn links(gpu: &Gpu, op: Op, rounds: u32) -> Result<f64> {
    let groups = if gpu.is_software() { 16 } else { 8192 };
    let mut rec = Recorder::new(gpu, 0);
    let out = rec.empty(groups, WIDTH)?;
    let params = Params { rounds, scale: 0.999, offset: 0.001 };
    rec.dispatch(Measure { variant: Variant { op }, params, out }, [groups as u32, 1, 1])?;
    let times = time(&mut Plan::of(rec.finish()?), Duration::from_millis(300))?;
    Ok((rounds as usize * groups * WIDTH * CHAINS * LINKS) as f64 / times[times.len() / 2])
}
