//! The statistic that stops training in time: the energy distance between held-out rows and a fixed generated sample.
//!
//! A few held-out rows measure it poorly, and the least of many poor measurements is mostly luck. Two evaluations share their
//! rows, though, and differ by the mean over rows of 2(E‖xᵢ − Y‖ − E‖xᵢ − Y′‖) (and by a term of Y and Y′ alone), of which the
//! rows tell the standard error: weights are better than the best so far where the difference is beyond it.

use crate::Result;
use crate::gpu::{Gpu, Kept, Recorder, Step};
use crate::methods::Method;
use crate::metrics::interval;
use crate::nn::Weights;
use crate::ops::pairwise::{Estimator, RadialKernel};

/// Generated rows that held-out rows are compared with.
const SAMPLE: usize = 2048;
/// Held-out rows that are used at most.
const ROWS: usize = 8192;
/// A counter domain of its own.
const DOMAIN: u32 = 0x4e1d;

/// One evaluation.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    /// The unbiased energy distance: lower is better.
    pub value: f32,
    /// 2E‖xᵢ − Y‖ of each held-out row.
    pub rows: Vec<f32>,
}

impl Measured {
    /// The standard error, over the draw of the held-out rows, of the difference of two evaluations.
    pub fn error_against(&self, other: &Self) -> f32 {
        let n = self.rows.len();
        let differences = self.rows.iter().zip(&other.rows).map(|(a, b)| f64::from(a - b));
        if n < 2 { 0.0 } else { (interval::variance(differences) / n as f64).sqrt() as f32 }
    }
}

/// A recorded step that measures the averaged weights against held-out rows.
pub(super) struct HeldOut {
    step: Step,
    value: Kept,
    rows: Kept,
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
        let kernel = RadialKernel::Energy { beta: 1.0 };
        let value = rec.mmd_squared_value(&kernel, y, test, estimator)?;
        // The kernel is −‖x − y‖.
        let rows = rec.kernel_rows(&kernel, test, y)?;
        let rows = rec.scale(rows, -2.0 / SAMPLE as f32)?;
        let (value, rows) = (rec.keep(value), rec.keep(rows));
        Ok(Self { step: rec.finish()?, value, rows })
    }

    /// Waits for the device.
    pub fn measure(&mut self) -> Result<Measured> {
        self.step.replay(1)?;
        Ok(Measured { value: self.step.read(self.value)?[0], rows: self.step.read(self.rows)? })
    }
}
