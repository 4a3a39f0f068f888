//! Classifier two-sample test (Lopez-Paz & Oquab 2017): a perceptron is trained to tell samples from reference rows; its
//! accuracy on rows that it has not seen is ½ when the two laws are one, and Φ(δ/2) at best for N(0, 1) against N(δ, 1).

use super::{Points, Score, classifier};
use crate::gpu::{Gpu, Recorder};
use crate::loss;
use crate::nn::{Activation, Adam, Builder, Head, Mlp, MlpShape, Schedule, Weights};
use crate::{Error, Result};

/// Rows of each set that are used at most.
const ROWS: usize = 20_000;
const STEPS: u32 = 800;
const BATCH: usize = 512;
const DOMAIN: u32 = 0xc257;

/// Held-out accuracy with its 95 % interval, and the chance of one as large under equal laws.
///
/// Half of each set trains the classifier and half judges it; both sets are cut to the smaller one's size, so that guessing
/// scores ½.
pub fn test(gpu: &Gpu, reference: Points, samples: Points, seed: u64) -> Result<Score> {
    let cols = reference.columns();
    if samples.columns() != cols {
        return Err(Error::data(format!("{} columns against {cols} cannot be compared", samples.columns())));
    }
    let rows = reference.rows().min(samples.rows()).min(ROWS);
    if rows < 20 {
        return Err(Error::data(format!("{rows} rows are too few for a classifier test: give at least 20 of each")));
    }
    let half = rows / 2;
    let (reference, samples) = (reference.subsample(rows, seed), samples.subsample(rows, seed ^ 1));
    let scale = Scale::fit(&[&reference[..half * cols], &samples[..half * cols]], cols);
    let labelled = |from: usize, to: usize| {
        let mut all = Vec::with_capacity(2 * (to - from) * (cols + 1));
        for (label, set) in [(0.0, &reference), (1.0, &samples)] {
            for row in set[from * cols..to * cols].chunks_exact(cols) {
                all.extend(scale.apply(row));
                all.push(label);
            }
        }
        all
    };
    let (train, judge) = (labelled(0, half), labelled(half, rows));
    let shape = MlpShape {
        inputs: cols,
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
    let adam = Adam { rate: 3e-3, decay: 1e-3, steps: STEPS, schedule: Schedule::Cosine, average: 0.99, ..Adam::default() };

    let mut rec = Recorder::with_domain(gpu, seed, DOMAIN)?;
    let data = gpu.upload(2 * half, cols + 1, &train)?;
    let data = rec.tensor(&data);
    let batch = rec.batch(data, BATCH.min(2 * half))?;
    let (x, label) = (rec.columns(batch, 0, cols)?, rec.columns(batch, cols, 1)?);
    let logits = mlp.forward(&mut rec, &parameters, x, Weights::Trained)?;
    let loss = loss::binary_cross_entropy(&mut rec, logits, label)?;
    rec.minimize(loss, &parameters, &adam)?;
    rec.finish()?.replay(STEPS as usize)?;

    let total = 2 * (rows - half);
    let data = gpu.upload(total, cols + 1, &judge)?;
    let mut rec = Recorder::with_domain(gpu, seed, DOMAIN)?;
    let data = rec.tensor(&data);
    let x = rec.columns(data, 0, cols)?;
    let logits = mlp.forward(&mut rec, &parameters, x, Weights::Averaged)?;
    let logits = rec.keep(logits);
    let mut step = rec.finish()?;
    step.replay(1)?;
    let found = step.read(logits)?;
    let labels = judge.iter().skip(cols).step_by(cols + 1);
    let correct = found.iter().zip(labels).filter(|(logit, label)| (**logit > 0.0) == (**label > 0.5)).count();
    classifier::accuracy(correct as u64, total as u64)
}

/// Means and deviations of the training half.
struct Scale {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Scale {
    fn fit(sets: &[&[f32]], cols: usize) -> Self {
        let count = sets.iter().map(|s| s.len() / cols).sum::<usize>() as f64;
        let column = |j: usize| sets.iter().flat_map(move |s| s.iter().skip(j).step_by(cols)).map(|&x| f64::from(x));
        let mean: Vec<f64> = (0..cols).map(|j| column(j).sum::<f64>() / count).collect();
        let deviation = (0..cols)
            .map(|j| (column(j).map(|x| (x - mean[j]).powi(2)).sum::<f64>() / count).sqrt())
            .map(|s| if s > 0.0 { s } else { 1.0 })
            .collect();
        Self { mean, deviation }
    }

    fn apply<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        row.iter().zip(&self.mean).zip(&self.deviation).map(|((&x, m), s)| ((f64::from(x) - m) / s) as f32)
    }
}
