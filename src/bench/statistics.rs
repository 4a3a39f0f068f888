//! Statistics that compare samples: value and gradient of MMD² and of the Fourier statistic.

use super::ceiling::Operations;
use super::{Prepared, agree, normal, wide};
use crate::Result;
use crate::gpu::{Gpu, Kept, Plan, Recorder};
use crate::ops::fourier::Frequencies;
use crate::ops::pairwise::{Estimator, RadialKernel};
use crate::ops::sinkhorn::Sinkhorn;
use crate::reference::{Exact, fourier as fourier_reference, pairwise, sinkhorn as sinkhorn_reference};

/// Rows whose gradient is checked at the full size.
const CHECKED: usize = 16;

/// Two samples of n points: one standard normal, one wider and moved.
fn samples(n: usize, d: usize) -> (Vec<f32>, Vec<f32>) {
    let mut y = normal(n * d, 2);
    y.iter_mut().for_each(|y| *y = 1.2 * *y + 0.3);
    (normal(n * d, 1), y)
}

fn record(gpu: &Gpu, kernel: &RadialKernel, d: usize, x: &[f32], y: &[f32]) -> Result<(Recorder, Kept, Kept)> {
    let mut rec = Recorder::new(gpu, 0);
    let (x, y) = (gpu.upload(x.len() / d, d, x)?, gpu.upload(y.len() / d, d, y)?);
    let (x, y) = (rec.tensor(&x), rec.tensor(&y));
    let loss = rec.mmd_squared(kernel, x, y, Estimator::Biased)?;
    let d_x = rec.backward(loss, &[x])?[0];
    let (loss, d_x) = (rec.keep(loss), rec.keep(d_x));
    Ok((rec, loss, d_x))
}

/// Gaussian MMD² between two samples of n points, biased, with its gradient in the first. Bandwidths are √d, or powers of
/// two around it; pairs are counted as 3n², as if no symmetry were used.
pub(super) fn mmd(gpu: &Gpu, n: usize, d: usize, widths: usize) -> Result<Prepared> {
    let width = |k: usize| (d as f32).sqrt() * 2f32.powi(k as i32 - widths as i32 / 2);
    let kernel = RadialKernel::Gaussian { bandwidths: (0..widths).map(width).collect() };

    // The whole of a small problem, then some rows of the one that is timed.
    let (few, fewer) = (331, 257);
    let (x, y) = samples(few, d);
    let expected = pairwise::mmd_squared(&kernel, &wide(&x), &wide(&y[..fewer * d]), d, false);
    let (rec, loss, d_x) = record(gpu, &kernel, d, &x, &y[..fewer * d])?;
    let mut step = rec.finish()?;
    step.replay(1)?;
    agree("MMD²", &Exact { value: vec![expected.value], scale: vec![expected.scale], terms: few }, &step.read(loss)?)?;
    agree("its gradient", &Exact { value: expected.d_x, scale: expected.d_x_scale, terms: few }, &step.read(d_x)?)?;

    let (x, y) = samples(n, d);
    let (rec, _, d_x) = record(gpu, &kernel, d, &x, &y)?;
    let mut step = rec.finish()?;
    step.replay(1)?;
    let (x, y) = (wide(&x), wide(&y));
    let own = pairwise::rows(&kernel, &x[..CHECKED * d], &x, d, None, false);
    let cross = pairwise::rows(&kernel, &x[..CHECKED * d], &y, d, None, false);
    let by = 2.0 / (n * n) as f64;
    let value = own.gradient.iter().zip(&cross.gradient).map(|(a, b)| by * (a - b)).collect();
    let scale = own.gradient_scale.iter().zip(&cross.gradient_scale).map(|(a, b)| by * (a + b)).collect();
    agree("the gradient of MMD²", &Exact { value, scale, terms: n }, &step.read(d_x)?[..CHECKED * d])?;

    // Differences, squares and their sum; the gradient's products and sums; the kernels' own. Two of the three sums need a
    // gradient, and half of the third follows by symmetry.
    let (pairs, d, widths) = ((n * n) as f64, d as f64, widths as f64);
    let value = 3.0 * d + 2.0 * widths;
    let gradient = 2.0 * d + if widths > 1.0 { 2.0 * widths } else { 0.0 };
    let operations =
        Operations { flops: pairs * (2.5 * value + 2.0 * gradient), exponentials: 2.5 * pairs * widths, circles: 0.0 };
    Ok(Prepared { plan: Plan::of(step), work: 3.0 * pairs * 1e-6, unit: "Mpairs/s", operations })
}

/// Σ_k |φ̂_x − φ̂_y|²/K over K normal frequencies and its gradient, the statistics of y being known.
pub(super) fn fourier(gpu: &Gpu, n: usize, count: usize, d: usize) -> Result<Prepared> {
    let (x, y) = samples(n, d);
    let (b, tau) = (normal(count * d, 3), vec![1.0 / count as f32; count]);

    let mut rec = Recorder::new(gpu, 0);
    let (y_tensor, b_tensor) = (gpu.upload(n, d, &y)?, gpu.upload(count, d, &b)?);
    let (y_var, b_var) = (rec.tensor(&y_tensor), rec.tensor(&b_tensor));
    let target = rec.fourier_statistics(Frequencies::real(b_var), y_var)?;
    let kept = rec.keep(target.means);
    let mut step = rec.finish()?;
    step.replay(1)?;
    let means = step.tensor(kept)?;

    let mut rec = Recorder::new(gpu, 0);
    let (x_tensor, tau_tensor) = (gpu.upload(n, d, &x)?, gpu.upload(1, count, &tau)?);
    let (x_var, tau_var, b_var) = (rec.tensor(&x_tensor), rec.tensor(&tau_tensor), rec.tensor(&b_tensor));
    let target = crate::ops::fourier::Statistics { means: rec.tensor(&means), rows: n };
    let loss = rec.fourier_loss(Frequencies::real(b_var), x_var, target, tau_var, Estimator::Biased)?;
    let d_x = rec.backward(loss, &[x_var])?[0];
    let (loss, d_x) = (rec.keep(loss), rec.keep(d_x));
    let mut step = rec.finish()?;
    step.replay(1)?;

    let frequencies = fourier_reference::Frequencies { d, imaginary: wide(&b), real: None };
    let target = fourier_reference::statistics(&frequencies, &wide(&y));
    let expected = fourier_reference::loss(&frequencies, &wide(&x), &target, &wide(&tau), false);
    let terms = n.max(count);
    agree(
        "the Fourier statistic",
        &Exact { value: vec![expected.value], scale: vec![expected.scale], terms },
        &step.read(loss)?,
    )?;
    agree("its gradient", &Exact { value: expected.d_x, scale: expected.d_x_scale, terms }, &step.read(d_x)?)?;

    // Sine and cosine of each phase for the statistics, one of the two for the gradient.
    let (phases, d) = ((n * count) as f64, d as f64);
    let operations = Operations { flops: phases * (2.0 * d + 2.0 + 4.0 * d), exponentials: 0.0, circles: 1.5 * phases };
    Ok(Prepared { plan: Plan::of(step), work: phases * 1e-6, unit: "Mphases/s", operations })
}

/// The debiased Sinkhorn divergence of n points against n and its gradient in the first, as `w4_ot.py` asks geomloss for it: cost
/// |x − y|²/2 with ε = 0.05, which is |x − y|² with ε = 0.1, scaling 0.5. Pairs are counted once for every soft minimum.
pub(super) fn sinkhorn(gpu: &Gpu, n: usize, d: usize) -> Result<Prepared> {
    let clouds = |n: usize| {
        let y: Vec<f32> = normal(n * d, 2).iter().map(|y| 0.7 * y + 0.5).collect();
        (normal(n * d, 1), y)
    };
    let record = |x: &[f32], y: &[f32]| -> Result<(Recorder, Kept, Kept, Sinkhorn)> {
        // The diameter as geomloss takes it: the diagonal of the box round both clouds.
        let side = |k: usize| {
            let column = || x.iter().chain(y).skip(k).step_by(d);
            column().fold(f32::MIN, |a, &b| a.max(b)) - column().fold(f32::MAX, |a, &b| a.min(b))
        };
        let diameter = (0..d).map(|k| side(k).powi(2)).sum::<f32>().sqrt();
        let settings = Sinkhorn { epsilon: 0.1, diameter, ..Sinkhorn::default() };
        let mut rec = Recorder::new(gpu, 0);
        let (x, y) = (gpu.upload(x.len() / d, d, x)?, gpu.upload(y.len() / d, d, y)?);
        let (x, y) = (rec.tensor(&x), rec.tensor(&y));
        let loss = rec.sinkhorn_divergence(x, y, None, None, &settings)?;
        let d_x = rec.backward(loss, &[x])?[0];
        let (loss, d_x) = (rec.keep(loss), rec.keep(d_x));
        Ok((rec, loss, d_x, settings))
    };
    let few = 150;
    let (x, y) = clouds(few);
    let (rec, loss, d_x, settings) = record(&x, &y)?;
    let mut step = rec.finish()?;
    step.replay(1)?;
    let schedule: Vec<f64> = settings.schedule().iter().map(|&e| f64::from(e)).collect();
    let (a, x, y) = (vec![1.0 / few as f64; few], wide(&x), wide(&y));
    let problem = sinkhorn_reference::Problem { x: &x, y: &y, a: &a, b: &a, d, p: 2.0, reach: None };
    let expected = sinkhorn_reference::divergence(&problem, &schedule);
    // A difference of potentials of about the largest cost; gradients are of size |x − y|/n.
    let largest = f64::from(settings.diameter).powi(2);
    let updates = schedule.len() + 2;
    let reference = |value: Vec<f64>, scale: f64| Exact { scale: vec![scale; value.len()], value, terms: updates };
    agree("the Sinkhorn divergence", &reference(vec![expected.value], largest), &step.read(loss)?)?;
    let pull = f64::from(settings.diameter) / few as f64 * (largest / 0.1);
    agree("its gradient", &reference(expected.d_x, pull), &step.read(d_x)?)?;

    let (x, y) = clouds(n);
    let (rec, _, _, settings) = record(&x, &y)?;
    let mut step = rec.finish()?;
    step.replay(1)?;
    let minima = 4.0 * (settings.schedule().len() + 2) as f64;
    let (pairs, d) = ((n * n) as f64, d as f64);
    let operations = Operations {
        flops: pairs * (minima * (3.0 * d + 6.0) + 2.0 * (5.0 * d + 6.0)),
        exponentials: pairs * (minima + 2.0),
        circles: 0.0,
    };
    Ok(Prepared { plan: Plan::of(step), work: minima * pairs * 1e-6, unit: "Mpairs/s", operations })
}
