//! A sample of the averaged weights that is drawn again and again during training, from the same latents: two measurements of it differ by the
//! weights alone.

use crate::Result;
use crate::gpu::{Gpu, Recorder, Var};
use crate::methods::Learner;
use crate::methods::dataset::join;
use crate::nn::Weights;

/// Rows of the sample.
pub(super) const SAMPLE: usize = 2048;

/// A recording in a counter domain of its own, and its value: the sample's generated columns and, behind them, its `conditions` (row-major, of so many columns).
pub(super) fn fixed_sample(
    gpu: &Gpu,
    learner: &dyn Learner,
    domain: u32,
    (conditions, columns): (&[f32], usize),
) -> Result<(Recorder, Var)> {
    let mut rec = Recorder::with_domain(gpu, 0, domain)?;
    let z = learner.draw(&mut rec, SAMPLE, Weights::Averaged)?;
    let z = rec.keep(z);
    let mut draw = rec.finish()?;
    draw.replay(1)?;
    let latents = draw.tensor(z)?;
    let mut rec = Recorder::with_domain(gpu, 0, domain)?;
    let z = rec.tensor(&latents);
    let given = match columns {
        0 => None,
        _ => {
            let uploaded = gpu.upload(SAMPLE, columns, conditions)?;
            Some(rec.tensor(&uploaded))
        }
    };
    let inputs = join(&mut rec, z, given)?;
    let samples = learner.push(&mut rec, inputs, Weights::Averaged)?;
    let samples = join(&mut rec, samples, given)?;
    Ok((rec, samples))
}
