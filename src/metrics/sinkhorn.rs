//! The debiased Sinkhorn divergence S_ε with the squared distance for cost, in the squared unit of the columns: what optimal transport
//! says of sets too large to be matched exactly (Feydy et al. 2019).
//!
//! The potentials f_xy − f_xx and g_xy − f_yy are the influence functions of S_ε, so its standard error is √(Var(u)/n + Var(v)/m) as for
//! [`super::wasserstein()`] (Goldfeld et al. 2024). S_ε of two sets of one distribution is about zero at any size of set that resolves
//! `blur`, unlike W₂.

use super::{Points, Score, comparable, interval};
use crate::Result;
use crate::gpu::{Gpu, Recorder};
use crate::ops::sinkhorn::Sinkhorn;

/// The length √ε below which transport is blurred, over the median distance of rows.
pub const BLUR: f64 = 0.1;
/// Rows of each set on a software adapter at most: of 40 columns they take three seconds on two cores, and the time grows with their square.
const SOFTWARE_ROWS: usize = 5_000;
const ROWS: usize = 200_000;

/// Rows of each set that are used at most.
pub(super) fn most_rows(gpu: &Gpu) -> usize {
    if gpu.is_software() { SOFTWARE_ROWS } else { ROWS }
}

/// S_ε with ε = `blur`², on at most 5,000 rows of each set (200,000 on a GPU) drawn by `seed`, as they weigh.
///
/// # Errors
/// When the columns differ in number or the device fails.
pub fn divergence(gpu: &Gpu, x: Points, y: Points, blur: f64, seed: u64) -> Result<Score> {
    comparable(x, y, 2)?;
    let (d, most) = (x.columns(), most_rows(gpu));
    let chosen = [x.chosen(most, seed), y.chosen(most, seed.wrapping_add(1))];
    let (mut a, mut b) = (x.select(&chosen[0]), y.select(&chosen[1]));
    let shares = [shares(x, &chosen[0]), shares(y, &chosen[1])];
    // Both clouds about one center: costs are differences, and stay exact in f32.
    let mut squared = 0.0;
    for k in 0..d {
        let column = || a.iter().chain(&b).skip(k).step_by(d);
        let (low, high) = column().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
        let middle = low + 0.5 * (high - low);
        squared += f64::from(high - low).powi(2);
        a.iter_mut().skip(k).step_by(d).for_each(|v| *v -= middle);
        b.iter_mut().skip(k).step_by(d).for_each(|v| *v -= middle);
    }
    if squared == 0.0 {
        return Ok(Score::normal(0.0, 0.0));
    }
    let diameter = squared.sqrt();
    // Potentials in f32 resolve 1e-5 of the largest cost.
    let blur = blur.max(4e-3 * diameter);
    let settings =
        Sinkhorn { epsilon: (blur * blur) as f32, diameter: diameter as f32, scaling: 0.7, extra: 5, ..Sinkhorn::default() };
    let (n, m) = (a.len() / d, b.len() / d);
    let (a, b) = (gpu.upload(n, d, &a)?, gpu.upload(m, d, &b)?);
    let mut rec = Recorder::new(gpu, 0);
    let (a, b) = (rec.tensor(&a), rec.tensor(&b));
    let mut weights = [None, None];
    for (weights, shares) in weights.iter_mut().zip(&shares) {
        if let Some(shares) = shares {
            let values: Vec<f32> = shares.iter().map(|&share| share as f32).collect();
            let tensor = gpu.upload(values.len(), 1, &values)?;
            *weights = Some(rec.tensor(&tensor));
        }
    }
    let (cross, own_a, own_b) = rec.sinkhorn_triple(a, b, weights[0], weights[1], &settings)?;
    let kept = [cross.f, own_a.f, cross.g, own_b.f].map(|potential| rec.keep(potential));
    let mut step = rec.finish()?;
    step.replay(1)?;
    let difference = |i: usize| -> Result<Vec<f64>> {
        let (cross, own) = (step.read(kept[i])?, step.read(kept[i + 1])?);
        Ok(cross.iter().zip(&own).map(|(c, o)| f64::from(*c) - f64::from(*o)).collect())
    };
    let (u, v) = (difference(0)?, difference(2)?);
    let rows_used = (most < x.rows().max(y.rows())).then_some(most);
    let [u, v] = [(&u, &shares[0]), (&v, &shares[1])].map(|(potential, shares)| mean(potential, shares.as_deref()));
    Ok(Score { rows_used, ..Score::normal(u.0 + v.0, (u.1 + v.1).sqrt()) })
}

/// The chosen rows' shares of their whole weight, where they have weights.
fn shares(points: Points, chosen: &[usize]) -> Option<Vec<f64>> {
    let weights = points.weights()?;
    let total: f64 = chosen.iter().map(|&i| f64::from(weights[i])).sum();
    Some(chosen.iter().map(|&i| f64::from(weights[i]) / total).collect())
}

/// The mean of a potential as rows weigh, and the square of its standard error: Σ s²(u − mean)²/(1 − s) of shares s.
fn mean(potential: &[f64], shares: Option<&[f64]>) -> (f64, f64) {
    let n = potential.len() as f64;
    let Some(shares) = shares else {
        return (potential.iter().sum::<f64>() / n, interval::variance(potential.iter().copied()) / n);
    };
    let each = || potential.iter().zip(shares).filter(|(_, s)| (0.0..1.0).contains(*s));
    let mean = each().map(|(u, s)| s * u).sum::<f64>();
    (mean, each().map(|(u, s)| (s * (u - mean)).powi(2) / (1.0 - s)).sum())
}
