//! The statistic that stops training in time: the energy distance between held-out rows and a fixed generated sample.

use crate::Result;
use crate::gpu::{Gpu, Kept, Recorder, Step};
use crate::methods::Method;
use crate::nn::Weights;
use crate::ops::pairwise::{Estimator, RadialKernel};

/// Generated rows that held-out rows are compared with.
const SAMPLE: usize = 2048;
/// Held-out rows that are used at most.
const ROWS: usize = 8192;
/// A counter domain of its own.
const DOMAIN: u32 = 0x4e1d;

/// A recorded step that measures the averaged weights against held-out rows.
pub(super) struct HeldOut {
    step: Step,
    value: Kept,
}

impl HeldOut {
    /// `rows` are standardised, row-major.
    pub fn new(gpu: &Gpu, method: &dyn Method, rows: &[f32], cols: usize) -> Result<Self> {
        let count = (rows.len() / cols).min(ROWS);
        let test = gpu.upload(count, cols, &rows[..count * cols])?;
        // The same latents at every evaluation: two evaluations then differ by the weights alone.
        let mut rec = Recorder::with_domain(gpu, 0, DOMAIN)?;
        let z = rec.normal(SAMPLE, method.latent())?;
        let z = rec.keep(z);
        let mut draw = rec.finish()?;
        draw.replay(1)?;
        let latents = draw.tensor(z)?;
        let mut rec = Recorder::with_domain(gpu, 0, DOMAIN)?;
        let (z, test) = (rec.tensor(&latents), rec.tensor(&test));
        let y = method.push(&mut rec, z, Weights::Averaged)?;
        let estimator = if count > 1 { Estimator::Unbiased } else { Estimator::Biased };
        let value = rec.mmd_squared_value(&RadialKernel::Energy { beta: 1.0 }, y, test, estimator)?;
        let value = rec.keep(value);
        Ok(Self { step: rec.finish()?, value })
    }

    /// The unbiased energy distance, lower is better; waits for the device.
    pub fn measure(&mut self) -> Result<f32> {
        self.step.replay(1)?;
        Ok(self.step.read(self.value)?[0])
    }
}
