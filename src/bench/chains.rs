//! A training step of a chain of coupling layers (RealNVP), by likelihood.

use super::ceiling::Operations;
use super::{Prepared, agree, normal, wide};
use crate::Result;
use crate::gpu::{Gpu, Recorder};
use crate::methods::{Dataset, Learner, Method, RealNvp, Setup, Training};
use crate::nn::parameters::NamedValues;
use crate::nn::{Activation, Weights};
use crate::ops::coupling::KEPT;
use crate::reference::perceptron::Perceptron;
use crate::reference::{Exact, coupling};

const LAYERS: usize = 8;
const WIDTH: usize = 128;
/// The bound on the logarithm of a scale.
const BOUND: f64 = 1.0;
/// The bound over the layers that move a column, half of them: the same for each.
const STRETCH: f64 = 4.0;

/// One step: eight couplings of `d` columns whose conditioners have two hidden layers of 128 units, log-scales bounded by tanh, the mean
/// log-likelihood of fresh rows, and Adam.
pub(super) fn realnvp_step(gpu: &Gpu, d: usize, batch: usize) -> Result<Prepared> {
    check(gpu, d)?;
    let settings = settings(batch);
    let data = Dataset::new(gpu, &normal((1 << 16) * d, 1), d, None)?;
    let method = build(gpu, d, &settings, Some(&data))?;
    let mut plan = method.plan(gpu, 1, &data)?;
    plan.replay(1)?;
    // Forward, and back to inputs and to weights.
    let flops = 6.0 * batch as f64 * method.parameters().count() as f64;
    Ok(Prepared { plan, work: flops * 1e-9, unit: "GFLOP/s", operations: Operations { flops, ..Operations::default() } })
}

fn settings(batch: usize) -> (RealNvp, Training) {
    let method = RealNvp { layers: LAYERS, max_log_scale: BOUND as f32, stretch: Some(STRETCH as f32), ..RealNvp::default() };
    let training =
        Training { hidden_width: WIDTH, hidden_layers: 2, activation: Activation::Relu, batch_size: batch, ..method.training() };
    (method, training)
}

fn build(gpu: &Gpu, d: usize, (method, training): &(RealNvp, Training), data: Option<&Dataset>) -> Result<Box<dyn Learner>> {
    let setup = Setup { gpu, training, columns: d, conditions: 0, seed: 1, data, teacher: None };
    method.build(&setup)
}

/// Holds the log-likelihood of a few rows, by weights that are none of them zero, to f64.
fn check(gpu: &Gpu, d: usize) -> Result<()> {
    let settings = settings(64);
    let rows = 37;
    let data = Dataset::new(gpu, &normal(200 * d, 2), d, None)?;
    let method = build(gpu, d, &settings, Some(&data))?;
    let drawn: Vec<NamedValues> = method
        .parameters()
        .averaged()?
        .into_iter()
        .enumerate()
        .map(|(i, (name, rows, cols, values))| {
            let layer = !name.starts_with("whitening");
            let noise = normal(values.len(), 10 + i as u64).into_iter().map(|v| v / (rows as f32).sqrt());
            (name, rows, cols, if layer { noise.collect() } else { values })
        })
        .collect();
    let of = |name: &str| drawn.iter().find(|slice| slice.0 == name).map(|slice| slice.3.clone());
    method.parameters().load(of)?;
    let x = normal(rows * d, 3);
    let mut rec = Recorder::new(gpu, 0);
    let given = gpu.upload(rows, d, &x)?;
    let given = rec.tensor(&given);
    let density = method.log_density(&mut rec, given, Weights::Averaged)?.map(|density| rec.keep(density.value));
    let mut step = rec.finish()?;
    step.replay(1)?;
    let found = density.map(|kept| step.read(kept)).transpose()?.unwrap_or_default();
    let slice = |name: String| wide(&of(&name).unwrap_or_default());

    let (mean, matrix) = (slice("whitening.mean".into()), slice("whitening.forward".into()));
    let mut z: Vec<f64> = wide(&x)
        .chunks_exact(d)
        .flat_map(|row| (0..d).map(|j| (0..d).map(|i| (row[i] - mean[i]) * matrix[i * d + j]).sum::<f64>()).collect::<Vec<_>>())
        .collect();
    let mut log_det = vec![slice("whitening.log_det".into())[0]; rows];
    for layer in 0..LAYERS {
        let part = |k: usize, what: &str| slice(format!("layer.{layer}.{k}.{what}"));
        let layers = (0..3).map(|k| (part(k, "weight"), part(k, "bias"))).collect();
        let network = Perceptron { layers, activation: Activation::Relu };
        let kept = |j: usize| j % 2 == layer % 2;
        let seen: Vec<f64> =
            z.chunks_exact(d).flat_map(|row| (0..d).filter(|&j| kept(j)).map(|j| row[j]).collect::<Vec<_>>()).collect();
        let raw = network.outputs(&seen, seen.len() / rows).value;
        let mut numbers = 0..;
        let roles: Vec<u32> = (0..d).map(|j| if kept(j) { KEPT } else { numbers.next().unwrap_or(KEPT) }).collect();
        let (moved, sums) = coupling::apply(&z, &raw, &roles, &log_det, [BOUND, STRETCH / (LAYERS / 2) as f64], false);
        (z, log_det) = (moved.value, sums.value);
    }
    let mut reference = Exact::new(LAYERS * 3 * WIDTH);
    for (row, log_det) in z.chunks_exact(d).zip(&log_det) {
        let squares: f64 = row.iter().map(|v| v * v).sum();
        let normal = 0.5 * d as f64 * std::f64::consts::TAU.ln();
        reference.push([-0.5 * squares, *log_det, -normal]);
    }
    agree("a log-likelihood", &reference, &found)
}
