//! Maps, matrix products, and a whole training step of a perceptron.

use super::ceiling::Operations;
use super::{Prepared, agree, normal, wide};
use crate::gpu::{Gpu, Kept, Plan, Recorder};
use crate::nn::{Builder, Head, Mlp, MlpShape, Parameters, Weights};
use crate::ops::activation::Activation;
use crate::ops::adam::Adam;
use crate::reference::{Exact, activation, linear::Layer};
use crate::{Result, loss};

/// y = 2x + 1 over four million numbers: what memory allows.
pub(super) fn map(gpu: &Gpu) -> Result<Prepared> {
    let n = 1 << 22;
    let x = normal(n, 1);
    let mut rec = Recorder::new(gpu, 0);
    let x_tensor = gpu.upload(n / 64, 64, &x)?;
    let x_var = rec.tensor(&x_tensor);
    let y = rec.affine(x_var, 2.0, 1.0)?;
    let y = rec.keep(y);
    let mut step = rec.finish()?;
    step.replay(1)?;
    let mut reference = Exact::new(2);
    x.iter().for_each(|&x| reference.push([2.0 * f64::from(x), 1.0]));
    agree("a map", &reference, &step.read(y)?)?;
    Ok(Prepared { plan: Plan::of(step), work: 8e-9 * n as f64, unit: "GB/s", operations: Operations::default() })
}

/// A product of n × n matrices.
pub(super) fn gemm(gpu: &Gpu, n: usize) -> Result<Prepared> {
    let (x, w) = (normal(n * n, 1), normal(n * n, 2));
    let (x_tensor, w_tensor) = (gpu.upload(n, n, &x)?, gpu.upload(n, n, &w)?);
    let mut rec = Recorder::new(gpu, 0);
    let (x_var, w_var) = (rec.tensor(&x_tensor), rec.tensor(&w_tensor));
    let y = rec.linear(x_var, w_var, None, Activation::Identity)?;
    let y = rec.keep(y);
    let mut step = rec.finish()?;
    step.replay(1)?;
    let rows = 16;
    let layer = Layer { x: &x[..rows * n], w: &w, k: n, m: n, activation: Activation::Identity };
    agree("a matrix product", &layer.forward(&vec![0.0; n]), &step.read(y)?[..rows * n])?;
    let flops = 2.0 * (n as f64).powi(3);
    Ok(Prepared {
        plan: Plan::of(step),
        work: flops * 1e-9,
        unit: "GFLOP/s",
        operations: Operations { flops, ..Default::default() },
    })
}

/// A recorded training step with what a check needs to see.
struct Training {
    rec: Recorder,
    parameters: Parameters,
    x0: Kept,
    t: Kept,
    loss: Kept,
}

const INPUTS: usize = 3;
const OUTPUTS: usize = 2;

/// One step of flow matching with independent coupling (Lipman et al. 2023): noise x0 and times t are drawn, the network
/// sees ((1 − t) x0 + t x1, t) and is held to x1 − x0; forward, backward and Adam.
fn training(gpu: &Gpu, width: usize, batch: usize, x1: &[f32]) -> Result<Training> {
    let mut builder = Builder::new(0);
    let shape = MlpShape {
        inputs: INPUTS,
        outputs: OUTPUTS,
        width,
        depth: 2,
        activation: Activation::Silu,
        head: Head::Free,
        input_gain: 1.0,
        zero_last: false,
    };
    let net = Mlp::new(&mut builder, "velocity", shape);
    let parameters = builder.build(gpu)?;
    let x1 = gpu.upload(batch, OUTPUTS, x1)?;

    let mut rec = Recorder::new(gpu, 0);
    let x1 = rec.tensor(&x1);
    let x0 = rec.normal(batch, OUTPUTS)?;
    let t = rec.uniform(batch, 1)?;
    let velocity = rec.sub(x1, x0)?;
    let way = rec.mul(velocity, t)?;
    let at = rec.add(x0, way)?;
    let input = rec.concat(&[at, t])?;
    let v = net.forward(&mut rec, &parameters, input, Weights::Trained)?;
    let loss = loss::mean_squared(&mut rec, v, velocity)?;
    rec.minimize(loss, &parameters, &Adam { learning_rate: 1e-3, ..Adam::default() })?;
    let (x0, t, loss) = (rec.keep(x0), rec.keep(t), rec.keep(loss));
    Ok(Training { rec, parameters, x0, t, loss })
}

/// The training step of `training` on normal data.
pub(super) fn mlp_step(gpu: &Gpu, width: usize, batch: usize) -> Result<Prepared> {
    check(gpu, width, 300)?;
    let training = training(gpu, width, batch, &normal(batch * OUTPUTS, 1))?;
    let mut step = training.rec.finish()?;
    step.replay(1)?;
    // Two for the multiply-add, three products of training; hidden units pass an exponential forward and one back.
    let flops = 6.0 * batch as f64 * training.parameters.count() as f64;
    let operations = Operations { flops, exponentials: 4.0 * (batch * width) as f64, circles: 0.0 };
    Ok(Prepared { plan: Plan::of(step), work: flops * 1e-9, unit: "GFLOP/s", operations })
}

/// Holds loss and gradient of a small batch to the same arithmetic in f64, written out.
fn check(gpu: &Gpu, width: usize, batch: usize) -> Result<()> {
    let x1 = normal(batch * OUTPUTS, 1);
    let training = training(gpu, width, batch, &x1)?;
    let layers: Vec<(usize, usize, Vec<f64>)> =
        training.parameters.averaged()?.into_iter().map(|(_, rows, cols, values)| (rows, cols, wide(&values))).collect();
    let mut step = training.rec.finish()?;
    step.replay(1)?;
    let (x0, t) = (wide(&step.read(training.x0)?), wide(&step.read(training.t)?));
    let target: Vec<f64> = wide(&x1).iter().zip(&x0).map(|(x1, x0)| x1 - x0).collect();

    // Forward: the input of every layer before its activation, and the network's answer.
    let act = |layer: usize, x: f64| if layer == 0 { x } else { activation::value(Activation::Silu, x) };
    let slope = |layer: usize, x: f64| if layer == 0 { 1.0 } else { activation::slope(Activation::Silu, x) };
    let input = (0..batch).flat_map(|i| {
        let at = |j: usize| x0[i * OUTPUTS + j] + t[i] * target[i * OUTPUTS + j];
        [at(0), at(1), t[i]]
    });
    let mut inputs: Vec<Vec<f64>> = vec![input.collect()];
    for (layer, pair) in layers.chunks_exact(2).enumerate() {
        let ((k, m, w), (_, _, b)) = (&pair[0], &pair[1]);
        let next = inputs[layer].chunks_exact(*k).flat_map(|x| {
            let mut y = b.clone();
            for (x, w) in x.iter().zip(w.chunks_exact(*m)) {
                let a = act(layer, *x);
                y.iter_mut().zip(w).for_each(|(y, w)| *y += a * w);
            }
            y
        });
        inputs.push(next.collect());
    }
    let answer = inputs.pop().unwrap_or_default();
    let difference: Vec<f64> = answer.iter().zip(&target).map(|(v, u)| v - u).collect();
    let share = 1.0 / difference.len() as f64;
    let expected: f64 = difference.iter().map(|d| d * d * share).sum();
    let scale: f64 = answer.iter().zip(&target).map(|(v, u)| (v.abs() + u.abs()).powi(2) * share).sum();
    // Every sum on the way: over the batch and through the layers.
    let terms = batch + 2 * width;
    agree(
        "the loss of a training step",
        &Exact { value: vec![expected], scale: vec![scale], terms },
        &step.read(training.loss)?,
    )?;

    // Backward, by layers from the last.
    let mut d_y: Vec<f64> = difference.iter().map(|d| 2.0 * d * share).collect();
    let mut gradients: Vec<Vec<f64>> = Vec::new();
    for (layer, pair) in layers.chunks_exact(2).enumerate().rev() {
        let (k, m, w) = (pair[0].0, pair[0].1, &pair[0].2);
        let (mut d_w, mut d_b, mut d_x) = (vec![0.0; k * m], vec![0.0; m], Vec::with_capacity(batch * k));
        for (x, d) in inputs[layer].chunks_exact(k).zip(d_y.chunks_exact(m)) {
            d_b.iter_mut().zip(d).for_each(|(b, d)| *b += d);
            for (q, &x) in x.iter().enumerate() {
                let (a, row) = (act(layer, x), q * m..(q + 1) * m);
                d_w[row.clone()].iter_mut().zip(d).for_each(|(w, d)| *w += a * d);
                d_x.push(slope(layer, x) * w[row].iter().zip(d).map(|(w, d)| w * d).sum::<f64>());
            }
        }
        gradients.extend([d_b, d_w]);
        d_y = d_x;
    }
    gradients.reverse();

    // After one step of Adam from zero the first moment is (1 − β₁) times the gradient; slices begin at multiples of 64.
    let state = training.parameters.state()?;
    let first = &state[1].1;
    let kept = 1.0 - f64::from(Adam::default().beta1);
    let mut begin = 0;
    for gradient in gradients {
        let value: Vec<f64> = gradient.iter().map(|g| kept * g).collect();
        let largest = value.iter().fold(0.0f64, |most, g| most.max(g.abs()));
        let reference = Exact { scale: vec![largest; value.len()], value, terms };
        agree("the gradient of a training step", &reference, &first[begin..begin + gradient.len()])?;
        begin += gradient.len().next_multiple_of(64);
    }
    Ok(())
}
