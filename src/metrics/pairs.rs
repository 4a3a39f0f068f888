//! Energy distance and MMD² by their unbiased two-sample U-statistics, with the standard error of a U-statistic.
//!
//! For a kernel k: MMD² = E k(X,X′) + E k(Y,Y′) − 2 E k(X,Y), the diagonal left out (Gretton et al. 2012, lemma 6); the energy distance is the same
//! with k(x,y) = −|x−y| (Székely & Rizzo 2013). Both may be negative; their means are not. The variance has two parts: that of the Hájek projection,
//! 4 Var(a_i − b_i)/n + 4 Var(c_j − e_j)/m with a, b (c, e) the row means to the own and to the other set (Sutherland et al. 2017), which vanishes where
//! the distributions are equal, and a rest that does not. `metrics::noise` makes an interval of both that covers near equality too.
//!
//! Of rows with weights, s_i their shares of the whole, the mean embedding μ̂ = Σ s_i φ(x_i) misses the distribution's by a noise of trace
//! Σ s_i² E|φ(x_i) − μ|², which |φ(x_i) − μ̂|²/(1 − s_i) estimates (MacKinnon & White 1985, HC2), and MMD² is |μ̂_x − μ̂_y|² less both traces: the
//! U-statistic, where all have equal weights. (The U-statistic with s_i s_j for each pair is biased where weights depend on the rows, near equality by a third of what it varies by.)

use super::neighbors::Columns;
use super::noise::Noise;
use super::threads::map_rows;
use super::{Backend, Points, Score, comparable, device, interval};
use crate::gpu::Gpu;
use crate::ops::pairwise::RadialKernel;
use crate::{Error, Result};

/// Means over rows of a symmetric function of pairs: everything that the statistic and its standard error need.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowMeans {
    /// a_i = mean over j ≠ i of k(x_i, x_j).
    pub x_to_x: Vec<f64>,
    /// b_i = mean over j of k(x_i, y_j).
    pub x_to_y: Vec<f64>,
    /// c_j = mean over i ≠ j of k(y_j, y_i).
    pub y_to_y: Vec<f64>,
    /// e_j = mean over i of k(y_j, x_i).
    pub y_to_x: Vec<f64>,
}

impl RowMeans {
    /// Row means of `kernel`, a function of the squared distance.
    pub fn new(x: Points, y: Points, kernel: impl Fn(f32) -> f32 + Sync) -> Result<Self> {
        comparable(x, y, 2)?;
        Ok(Self {
            x_to_x: means(x, x, true, &kernel),
            x_to_y: means(x, y, false, &kernel),
            y_to_y: means(y, y, true, &kernel),
            y_to_x: means(y, x, false, &kernel),
        })
    }

    /// The same on the device, in f32 sums.
    pub fn on(gpu: &Gpu, x: Points, y: Points, kernel: &RadialKernel) -> Result<Self> {
        comparable(x, y, 2)?;
        let means = |from: Points, to: Points, own: Option<f64>| -> Result<Vec<f64>> {
            let others = (to.rows() - usize::from(own.is_some())) as f64;
            Ok(sums_on(gpu, from, to, kernel)?.into_iter().map(|sum| (sum - own.unwrap_or(0.0)) / others).collect())
        };
        let own = Some(kernel.diagonal());
        Ok(Self { x_to_x: means(x, x, own)?, x_to_y: means(x, y, None)?, y_to_y: means(y, y, own)?, y_to_x: means(y, x, None)? })
    }

    /// E k(X,X′) + E k(Y,Y′) − 2 E k(X,Y), with its standard error and interval.
    fn score(&self, noise: Noise) -> Score {
        let side = |own: &[f64], other: &[f64]| {
            let (mean, error) = interval::mean_and_error(own.iter().zip(other).map(|(a, b)| a - b));
            (mean, 2.0 * error)
        };
        let (x, x_error) = side(&self.x_to_x, &self.x_to_y);
        let (y, y_error) = side(&self.y_to_y, &self.y_to_x);
        noise.score(x + y, x_error.powi(2) + y_error.powi(2))
    }
}

/// The energy distance 2 E|X−Y| − E|X−X′| − E|Y−Y′|, as rows weigh.
pub fn energy(x: Points, y: Points) -> Result<Score> {
    if has_weights(x, y) {
        return weighted(x, y, distance);
    }
    Ok(RowMeans::new(x, y, distance)?.score(Noise::of(x, y, distance)?))
}

/// MMD² of the Gaussian kernel exp(−|x−y|²/2ℓ²), ℓ = `bandwidth`, as rows weigh.
pub fn mmd2(x: Points, y: Points, bandwidth: f64) -> Result<Score> {
    if has_weights(x, y) {
        return weighted(x, y, gaussian(bandwidth)?);
    }
    Ok(RowMeans::new(x, y, gaussian(bandwidth)?)?.score(Noise::of(x, y, gaussian(bandwidth)?)?))
}

/// [`energy`] on the device, where that is faster; that of rows with weights on the host.
pub fn energy_on(gpu: &Gpu, x: Points, y: Points) -> Result<Score> {
    match Backend::for_sums(gpu, x.columns()) {
        Backend::Gpu(gpu) if !has_weights(x, y) => {
            let noise = Noise::of(x, y, distance)?;
            Ok(RowMeans::on(&gpu, x, y, &RadialKernel::Energy { beta: 1.0 })?.score(noise))
        }
        _ => energy(x, y),
    }
}

/// [`mmd2`] on the device, where that is faster; that of rows with weights on the host.
pub fn mmd2_on(gpu: &Gpu, x: Points, y: Points, bandwidth: f64) -> Result<Score> {
    match Backend::for_sums(gpu, x.columns()) {
        Backend::Gpu(gpu) if !has_weights(x, y) => {
            // Refuses a bandwidth that is none.
            let noise = Noise::of(x, y, gaussian(bandwidth)?)?;
            Ok(RowMeans::on(&gpu, x, y, &RadialKernel::gaussian(bandwidth as f32))?.score(noise))
        }
        _ => mmd2(x, y, bandwidth),
    }
}

fn has_weights(x: Points, y: Points) -> bool {
    x.weights().is_some() || y.weights().is_some()
}

/// |μ̂_x − μ̂_y|² less the traces of both sets' noise, with its standard error and interval, for rows that count by their weights.
fn weighted(x: Points, y: Points, kernel: impl Fn(f32) -> f32 + Sync) -> Result<Score> {
    comparable(x, y, 2)?;
    let own = f64::from(kernel(0.0));
    // |μ̂_x|² less the trace, the trace, and the first part of the variance.
    let side = |from: Points, to: Points, of_from: &[f64], of_to: &[f64]| {
        let (inner, across) = (weighted_sums(from, from, of_from, &kernel), weighted_sums(from, to, of_to, &kernel));
        let mean = |values: &[f64]| of_from.iter().zip(values).map(|(s, v)| s * v).sum::<f64>();
        let squared = mean(&inner);
        // A row without weight says nothing, and one with all of it has no noise to be seen.
        let counted = || of_from.iter().zip(&inner).zip(&across).filter(|((s, _), _)| (0.0..1.0).contains(*s) && **s > 0.0);
        let trace: f64 = counted().map(|((s, inner), _)| s * s * (own - 2.0 * inner + squared) / (1.0 - s)).sum();
        let apart = |s: f64, inner: f64, across: f64| (inner - s * own) / (1.0 - s) - across;
        let middle: f64 = counted().map(|((s, inner), across)| s * apart(*s, *inner, *across)).sum();
        let error: f64 =
            counted().map(|((s, inner), across)| (s * (apart(*s, *inner, *across) - middle)).powi(2) / (1.0 - s)).sum();
        (squared - trace, trace, 4.0 * error, mean(&across))
    };
    let (of_x, of_y) = (x.shares(), y.shares());
    let (in_x, trace_x, error_x, across) = side(x, y, &of_x, &of_y);
    let (in_y, trace_y, error_y, _) = side(y, x, &of_y, &of_x);
    let noise = Noise::of(x, y, &kernel)?.with_trace(trace_x + trace_y);
    Ok(noise.score(in_x + in_y - 2.0 * across, error_x + error_y))
}

/// Σⱼ tⱼ k(xᵢ, yⱼ), for each row of x.
fn weighted_sums(x: Points, y: Points, shares: &[f64], kernel: &(impl Fn(f32) -> f32 + Sync)) -> Vec<f64> {
    let stored = Columns::new(y);
    map_rows(x.rows(), |i, distances: &mut Vec<f32>| {
        stored.squared_distances(x.row(i), distances);
        distances.iter().zip(shares).map(|(&squared, share)| share * f64::from(kernel(squared))).sum()
    })
}

/// −√s of a squared distance s.
fn distance(squared: f32) -> f32 {
    -squared.sqrt()
}

/// exp(−s/2ℓ²) of a squared distance s.
pub fn gaussian(bandwidth: f64) -> Result<impl Fn(f32) -> f32 + Sync> {
    if !(bandwidth.is_finite() && bandwidth > 0.0) {
        return Err(Error::usage(format!("the bandwidth is {bandwidth}: it has to be a positive number")));
    }
    let rate = (-0.5 / (bandwidth * bandwidth)) as f32;
    Ok(move |squared: f32| (rate * squared).exp())
}

/// The median distance between rows of the pooled sets, on at most 1,000 of them drawn by `seed`; where more than half of the
/// rows coincide, the mean distance; 1 where all do.
pub fn median_distance(x: Points, y: Points, seed: u64) -> Result<f64> {
    comparable(x, y, 1)?;
    let pooled = [x.subsample(500, seed), y.subsample(500, seed.wrapping_add(1))].concat();
    let pooled = Points::new(&pooled, pooled.len() / x.columns(), x.columns())?;
    let stored = Columns::new(pooled);
    let mut distances: Vec<f32> = map_rows(pooled.rows(), |i, row: &mut Vec<f32>| {
        stored.squared_distances(pooled.row(i), row);
        row[..i].to_vec()
    })
    .concat();
    let middle = distances.len() / 2;
    let median = distances.select_nth_unstable_by(middle, f32::total_cmp).1.sqrt();
    let mean = distances.iter().map(|d| f64::from(d.sqrt())).sum::<f64>() / distances.len() as f64;
    Ok(if median > 0.0 {
        f64::from(median)
    } else if mean > 0.0 {
        mean
    } else {
        1.0
    })
}

/// Σⱼ k(xᵢ, yⱼ) of a Gaussian kernel, for each row of x.
pub(super) fn kernel_sums(on: &Backend, x: Points, y: Points, bandwidth: f64) -> Result<Vec<f64>> {
    match on {
        Backend::Gpu(gpu) => sums_on(gpu, x, y, &RadialKernel::gaussian(bandwidth as f32)),
        Backend::Host => Ok(sums(x, y, &gaussian(bandwidth)?)),
    }
}

fn sums_on(gpu: &Gpu, x: Points, y: Points, kernel: &RadialKernel) -> Result<Vec<f64>> {
    let sums = device::by_rows(gpu, x, y, |rec, x, y| Ok(vec![rec.kernel_rows(kernel, x, y)?]))?;
    Ok(sums[0].iter().map(|&sum| f64::from(sum)).collect())
}

fn sums(x: Points, y: Points, kernel: &(impl Fn(f32) -> f32 + Sync)) -> Vec<f64> {
    let stored = Columns::new(y);
    map_rows(x.rows(), |i, distances: &mut Vec<f32>| {
        stored.squared_distances(x.row(i), distances);
        distances.iter().map(|&squared| f64::from(kernel(squared))).sum()
    })
}

/// With `same`, a row's pair with itself is left out.
fn means(from: Points, to: Points, same: bool, kernel: &(impl Fn(f32) -> f32 + Sync)) -> Vec<f64> {
    let (own, others) = if same { (f64::from(kernel(0.0)), to.rows() - 1) } else { (0.0, to.rows()) };
    sums(from, to, kernel).into_iter().map(|sum| (sum - own) / others as f64).collect()
}
