//! A perceptron that classifies rows of two sets: it sees smooth differences across many columns, where trees need many cuts.

use crate::Result;
use crate::gpu::{Gpu, Recorder};
use crate::loss;
use crate::nn::{Activation, Adam, Builder, Head, Mlp, MlpShape, Schedule, Weights};

const BATCH: usize = 512;
/// Passes over the training rows, within these numbers of steps.
const EPOCHS: usize = 40;
const STEPS: [usize; 2] = [200, 800];
const DOMAIN: u32 = 0xc257;

/// Logits of the rows `classified` after training on the rows `train`: rows of `columns` values of order one, labeled 0 or 1.
pub fn logits(
    gpu: &Gpu,
    rows: &[f32],
    columns: usize,
    labels: &[bool],
    train: &[u32],
    classified: &[u32],
    seed: u64,
) -> Result<Vec<f64>> {
    let row = |&i: &u32| &rows[i as usize * columns..(i as usize + 1) * columns];
    let labeled: Vec<f32> =
        train.iter().flat_map(|i| row(i).iter().copied().chain([f32::from(u8::from(labels[*i as usize]))])).collect();
    let shape = MlpShape {
        inputs: columns,
        outputs: 1,
        width: 64,
        depth: 2,
        activation: Activation::Silu,
        head: Head::Free,
        input_gain: 1.0,
        zero_last: true,
    };
    let mut builder = Builder::new(seed);
    let mlp = Mlp::new(&mut builder, "classifier", shape);
    let parameters = builder.build(gpu)?;
    let size = BATCH.min(train.len());
    let steps = (EPOCHS * train.len() / size).clamp(STEPS[0], STEPS[1]);
    let adam = Adam {
        learning_rate: 3e-3,
        weight_decay: 1e-3,
        steps: steps as u32,
        schedule: Schedule::Cosine,
        ema: 0.99,
        ..Adam::default()
    };

    let mut rec = Recorder::with_domain(gpu, seed, DOMAIN)?;
    let data = gpu.upload(train.len(), columns + 1, &labeled)?;
    let data = rec.tensor(&data);
    let batch = rec.batch(data, size)?;
    let (x, label) = (rec.columns(batch, 0, columns)?, rec.columns(batch, columns, 1)?);
    let logits = mlp.forward(&mut rec, &parameters, x, Weights::Trained)?;
    let loss = loss::binary_cross_entropy(&mut rec, logits, label)?;
    rec.minimize(loss, &parameters, &adam)?;
    rec.finish()?.replay(steps)?;

    let values: Vec<f32> = classified.iter().flat_map(row).copied().collect();
    let mut rec = Recorder::with_domain(gpu, seed, DOMAIN)?;
    let x = gpu.upload(classified.len(), columns, &values)?;
    let x = rec.tensor(&x);
    let logits = mlp.forward(&mut rec, &parameters, x, Weights::Averaged)?;
    let logits = rec.keep(logits);
    let mut step = rec.finish()?;
    step.replay(1)?;
    Ok(step.read(logits)?.into_iter().map(f64::from).collect())
}
