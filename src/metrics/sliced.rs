//! Sliced W₂: SW₂² = E_θ W₂²(⟨θ, X⟩, ⟨θ, Y⟩), θ uniform on the sphere (Rabin et al. 2011; Bonneel et al. 2015).
//!
//! On a line the optimal matching is the sorted one, and its dual potential is a running sum; the average of the potentials over θ is the
//! influence function of SW₂², which gives the standard error as in [`super::wasserstein()`]. The spread over the projections adds its own part.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

use super::threads::map_rows;
use super::wasserstein::{potentials_error, root};
use super::{Backend, Points, Score, comparable, interval};
use crate::Result;
use crate::gpu::{Gpu, Recorder, Tensor};

/// The default number of projections.
pub const PROJECTIONS: usize = 256;
const BATCH: usize = 32;

/// Rows × directions of one recording on the device at most.
const AT_ONCE: usize = 1 << 22;

/// Rows of each set at most: 256 directions take about three seconds on two cores.
pub(super) const ROWS: usize = 200_000;

/// SW₂ over `projections` directions drawn by `seed`, on 200,000 rows of each set at most and as many as the smaller has.
pub fn wasserstein(on: &Backend, x: Points, y: Points, projections: usize, seed: u64) -> Result<Score> {
    comparable(x, y, 2)?;
    let (n, d) = (x.rows().min(y.rows()).min(ROWS), x.columns());
    let (mut a, mut b) = (x.subsample(n, seed), y.subsample(n, seed.wrapping_add(1)));
    let projections = if d == 1 { 1 } else { projections.max(1) };
    let lines: Vec<Vec<f64>> = (0..projections).map(|p| direction(d, seed, p as u64)).collect();
    let mut sums = Sums { squares: Vec::with_capacity(projections), u: vec![0.0; n], v: vec![0.0; n] };
    match on {
        Backend::Host => lines.chunks(BATCH).for_each(|lines| sums.add(&a, &b, lines)),
        Backend::Gpu(gpu) => {
            center(&mut a, &mut b, d);
            let (a, b) = (gpu.upload(n, d, &a)?, gpu.upload(n, d, &b)?);
            lines.chunks((AT_ONCE / n).clamp(1, BATCH)).try_for_each(|lines| sums.add_on(gpu, &a, &b, lines))?;
        }
    }
    let mean = |sums: &[f64]| sums.iter().map(|sum| sum / projections as f64).collect::<Vec<f64>>();
    let (squared, directions) = interval::mean_and_error(sums.squares.iter().copied());
    let error = potentials_error(&mean(&sums.u), &mean(&sums.v)).hypot(directions);
    let rows_used = (n < x.rows().max(y.rows())).then_some(n);
    Ok(Score { rows_used, ..root(squared, error) })
}

/// W₂² of each direction so far, and the sums of its dual potentials over them, in the order of the rows.
struct Sums {
    squares: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
}

impl Sums {
    /// A few directions at a time, so that memory grows with the rows and not with their product by the directions.
    fn add(&mut self, a: &[f32], b: &[f32], lines: &[Vec<f64>]) {
        for one in map_rows(lines.len(), |p, _: &mut ()| slice(&project(a, &lines[p]), &project(b, &lines[p]))) {
            self.add_potentials(one.u, one.v);
            self.squares.push(one.squared);
        }
    }

    fn add_on(&mut self, gpu: &Gpu, a: &Tensor, b: &Tensor, lines: &[Vec<f64>]) -> Result<()> {
        let theta: Vec<f32> = (0..a.cols()).flat_map(|k| lines.iter().map(move |line| line[k] as f32)).collect();
        let theta = gpu.upload(a.cols(), lines.len(), &theta)?;
        let mut rec = Recorder::new(gpu, 0);
        let (a, b, theta) = (rec.tensor(a), rec.tensor(b), rec.tensor(&theta));
        let found = rec.line_potentials(a, b, theta)?;
        let [squares, u, v] = [found.squares, found.u, found.v].map(|var| rec.keep(var));
        let mut step = rec.finish()?;
        step.replay(1)?;
        self.squares.extend(step.read(squares)?.into_iter().map(f64::from));
        self.add_potentials(step.read(u)?.into_iter().map(f64::from), step.read(v)?.into_iter().map(f64::from));
        Ok(())
    }

    fn add_potentials(&mut self, u: impl IntoIterator<Item = f64>, v: impl IntoIterator<Item = f64>) {
        self.u.iter_mut().zip(u).for_each(|(sum, p)| *sum += p);
        self.v.iter_mut().zip(v).for_each(|(sum, p)| *sum += p);
    }
}

/// Takes the common mean of both sets from both: projections in f32 then lose nothing to a distant origin.
fn center(a: &mut [f32], b: &mut [f32], d: usize) {
    let rows = (a.len() + b.len()) / d;
    for j in 0..d {
        let column = |set: &[f32]| set.iter().skip(j).step_by(d).map(|&v| f64::from(v)).sum::<f64>();
        let mean = (column(a) + column(b)) / rows as f64;
        for set in [&mut *a, &mut *b] {
            set.iter_mut().skip(j).step_by(d).for_each(|v| *v = (f64::from(*v) - mean) as f32);
        }
    }
}

/// W₂² on one line and its dual potentials, in the order of the rows.
struct Slice {
    squared: f64,
    u: Vec<f64>,
    v: Vec<f64>,
}

fn slice(x: &[f64], y: &[f64]) -> Slice {
    // Values travel with their rows: sorting rows by a look-up of their values misses the cache at every comparison.
    let order = |values: &[f64]| {
        let mut order: Vec<(f64, u32)> = values.iter().zip(0..).map(|(&v, i)| (v, i)).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        order
    };
    let (order_x, order_y, n) = (order(x), order(y), x.len());
    let mut out = Slice { squared: 0.0, u: vec![0.0; n], v: vec![0.0; n] };
    let mut potential = 0.0;
    for k in 0..n {
        let ((x, i), (y, j)) = (order_x[k], order_y[k]);
        let cost = (x - y).powi(2);
        if k > 0 {
            // u may rise by anything between c(x_k, y_k) − c(x_{k−1}, y_k) and the same at y_{k−1}: the midpoint is the smoothest.
            let (x0, y0) = (order_x[k - 1].0, order_y[k - 1].0);
            potential += (x - x0) * (x + x0 - y - y0);
        }
        (out.u[i as usize], out.v[j as usize]) = (potential, cost - potential);
        out.squared += cost / n as f64;
    }
    out
}

fn project(points: &[f32], theta: &[f64]) -> Vec<f64> {
    points.chunks_exact(theta.len()).map(|p| p.iter().zip(theta).map(|(a, t)| f64::from(*a) * t).sum()).collect()
}

fn direction(d: usize, seed: u64, index: u64) -> Vec<f64> {
    let mut random =
        rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed ^ index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let theta: Vec<f64> = (0..d).map(|_| StandardNormal.sample(&mut random)).collect();
    let norm = theta.iter().map(|t: &f64| t * t).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    theta.iter().map(|t| t / norm).collect()
}
