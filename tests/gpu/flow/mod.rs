//! Paths, solvers and stochastic differential equations against what they are in closed form.

mod adaptive;
mod chain;
mod coupling;
mod density;
mod distributions;
mod energy;
mod langevin;
mod network;
mod noisy;
mod path;
mod properties;
mod repulsion;

use crate::shared::Devices;
use pushforward::flow::{Curve, Grid, Path, Solver, integrate};
use pushforward::gpu::{Recorder, Var};

/// The devices of all tests: shader checks on, values filled with NaN before they are written.
static GPU: Devices = Devices::CHECKED;

/// Rows that are pushed along at once.
const ROWS: usize = 65;

fn starts() -> Vec<f32> {
    (0..ROWS).map(|i| 3.0 * (i as f32 / (ROWS as f32 - 1.0) - 0.5)).collect()
}

/// Where a field takes the starts.
fn ends(
    solver: Solver,
    times: (f64, f64),
    steps: usize,
    field: impl FnMut(&mut Recorder, Var, f64) -> pushforward::Result<Var>,
) -> Vec<f32> {
    ends_from(&starts(), solver, times, steps, field)
}

/// Where a field takes these rows.
fn ends_from(
    starts: &[f32],
    solver: Solver,
    (from, to): (f64, f64),
    steps: usize,
    mut field: impl FnMut(&mut Recorder, Var, f64) -> pushforward::Result<Var>,
) -> Vec<f32> {
    let start = GPU.upload(starts.len(), 1, starts).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.tensor(&start);
    let x = integrate(&mut rec, solver, &Grid::Uniform.times(from, to, steps).unwrap(), x, &mut field).unwrap();
    let x = rec.keep(x);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    step.read(x).unwrap()
}

#[test]
fn every_solver_multiplies_by_its_stability_function() {
    // dx/dt = −x (closed form 11): a step of h multiplies by 1 − h, 1 − h + h²/2, or the exponential's series up to h⁴/24.
    let (steps, h) = (7, 2.0f64 / 7.0);
    for solver in Solver::RUNGE_KUTTA {
        let series = |order: i32| (0..=order).map(|k| (-h).powi(k) / (1..=k).map(f64::from).product::<f64>()).sum::<f64>();
        let factor = match solver {
            // Its six stages leave a term of order six (Hairer & Wanner 1996, table IV.2.1).
            Solver::Dopri5 => series(5) + h.powi(6) / 600.0,
            _ => series(order_of(solver) as i32),
        };
        let found = ends(solver, (0.0, 2.0), steps, |rec, x, _| rec.scale(x, -1.0));
        for (start, end) in starts().iter().zip(found) {
            let expected = f64::from(*start) * f64::powi(factor, steps as i32);
            assert!((f64::from(end) - expected).abs() < 2e-6, "{solver:?}: {start} went to {end}, and {expected} in theory");
        }
    }
}

fn order_of(solver: Solver) -> u32 {
    solver.tableau().expect("a Runge–Kutta method").order
}

/// The velocity of the flow between N(0, 1) and N(m, s²) along a path (closed form 12): given x_t, x₁ and x₀ are normal, and
/// v = α̇m + (α̇αs² + σ̇σ)/(α²s² + σ²)·(x − αm).
fn gaussian(path: Path, m: f64, s: f64) -> impl FnMut(&mut Recorder, Var, f64) -> pushforward::Result<Var> {
    move |rec, x, t| {
        let c = path.at(t);
        let slope = (c.alpha_rate * c.alpha * s * s + c.sigma_rate * c.sigma) / (c.alpha * c.alpha * s * s + c.sigma * c.sigma);
        rec.affine(x, slope as f32, (c.alpha_rate * m - slope * c.alpha * m) as f32)
    }
}

/// The largest error at twice as many steps, as a power of two below that at `steps`.
fn order(
    solver: Solver,
    steps: usize,
    exact: impl Fn(f64) -> f64,
    field: &dyn Fn(&mut Recorder, Var, f64) -> pushforward::Result<Var>,
) -> f64 {
    let error = |steps| {
        let found = ends(solver, (0.0, 1.0), steps, field);
        starts().into_iter().zip(found).map(|(x, y)| (f64::from(y) - exact(f64::from(x))).abs()).fold(0.0, f64::max)
    };
    (error(steps) / error(2 * steps)).log2()
}

/// Steps that leave f32 room below the error.
fn few(solver: Solver) -> usize {
    if order_of(solver) == 4 { 10 } else { 40 }
}

/// The same solver in f64, straight from its tableau.
fn reference(solver: Solver, steps: usize, x: f64, slope: impl Fn(f64, f64) -> f64) -> f64 {
    let tableau = solver.tableau().expect("a Runge–Kutta method");
    let h = 1.0 / steps as f64;
    (0..steps).fold(x, |x, k| {
        let mut slopes = vec![slope(x, k as f64 * h)];
        let dot = |weights: &[f64], slopes: &[f64]| weights.iter().zip(slopes).map(|(w, k)| w * k).sum::<f64>();
        for (weights, c) in tableau.a.iter().zip(&tableau.c[1..]) {
            slopes.push(slope(x + h * dot(weights, &slopes), (k as f64 + c) * h));
        }
        x + h * dot(tableau.b, &slopes)
    })
}

#[test]
fn the_error_falls_by_the_order_of_the_solver() {
    // dx/dt = 3 sin(2t)·x takes x to x·exp(3(1 − cos 2)/2). In f64 there is room for the order of every tableau, and in f32 the device's
    // answer is the same to rounding.
    let growth = (1.5 * (1.0 - 2f64.cos())).exp();
    let slope = |x: f64, t: f64| 3.0 * (2.0 * t).sin() * x;
    for solver in Solver::RUNGE_KUTTA {
        let error = |steps| (reference(solver, steps, 1.0, slope) - growth).abs();
        let order = (error(60) / error(120)).log2();
        println!("{solver:?}: {order:.2}");
        assert!((order - f64::from(order_of(solver))).abs() < 0.1, "{solver:?}: order {order}");
        let found = ends(solver, (0.0, 1.0), 10, |rec, x, t| rec.scale(x, (3.0 * (2.0 * t).sin()) as f32));
        for (start, end) in starts().into_iter().zip(found) {
            let expected = reference(solver, 10, start.into(), slope);
            assert!((f64::from(end) - expected).abs() < 1e-5, "{solver:?}: {start} went to {end}, and {expected} in f64");
        }
    }
}

#[test]
fn the_flow_between_gaussians_is_reached_at_least_by_the_order_of_the_solver() {
    // The flow map is m + s·x₀ for every path; the midpoint rule does better than its order on it.
    let (m, s) = (0.7, 0.15);
    for path in [Curve::Straight, Curve::Trigonometric].map(Path::from) {
        for solver in [Solver::Euler, Solver::Midpoint, Solver::Heun, Solver::Rk4] {
            let field = |rec: &mut Recorder, x, t| gaussian(path, m, s)(rec, x, t);
            let order = order(solver, few(solver), |x| m + s * x, &field);
            println!("{path:?}, {solver:?}: {order:.2}");
            assert!(order > f64::from(order_of(solver)) - 0.35, "{path:?}, {solver:?}: order {order}");
        }
    }
}

#[test]
fn one_straight_euler_step_ends_at_the_mean() {
    let (m, s) = (0.7, 0.4);
    for end in ends(Solver::Euler, (0.0, 1.0), 1, gaussian(Curve::Straight.into(), m, s)) {
        assert!((f64::from(end) - m).abs() < 1e-6, "{end}");
    }
}

#[test]
fn a_flow_run_back_ends_where_it_began() {
    let there = |rec: &mut Recorder, x, t| gaussian(Curve::Trigonometric.into(), 0.7, 0.4)(rec, x, t);
    let start = GPU.upload(ROWS, 1, &starts()).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.tensor(&start);
    let x = integrate(&mut rec, Solver::Rk4, &Grid::Uniform.times(0.0, 1.0, 20).unwrap(), x, &mut { there }).unwrap();
    let x = integrate(&mut rec, Solver::Rk4, &Grid::Uniform.times(1.0, 0.0, 20).unwrap(), x, &mut { there }).unwrap();
    let x = rec.keep(x);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    for (start, end) in starts().iter().zip(step.read(x).unwrap()) {
        assert!((start - end).abs() < 5e-6, "{start} came back as {end}");
    }
}

#[test]
fn memory_does_not_grow_with_steps() {
    let bytes = |steps| {
        let start = GPU.upload(ROWS, 1, &starts()).unwrap();
        let mut rec = Recorder::new(&GPU, 0);
        let x = rec.tensor(&start);
        let x = integrate(&mut rec, Solver::Heun, &Grid::Uniform.times(0.0, 1.0, steps).unwrap(), x, &mut |rec, x, _| {
            rec.scale(x, -1.0)
        })
        .unwrap();
        rec.keep(x);
        rec.finish().unwrap().memory_bytes()
    };
    assert_eq!(bytes(4), bytes(64));
}

#[test]
fn no_steps_endless_times_and_times_that_turn_round_are_refused() {
    for (from, to, steps) in [(0.0, 1.0, 0), (0.0, f64::INFINITY, 4), (f64::NAN, 1.0, 4), (0.5, 0.5, 3)] {
        let refused = Grid::Uniform.times(from, to, steps).err().map(|e| e.to_string());
        assert!(refused.as_ref().is_some_and(|e| e.contains("at least one step")), "{refused:?}");
    }
    let start = GPU.upload(ROWS, 1, &starts()).unwrap();
    for (times, said) in [
        (vec![0.5], "at least one step"),
        (vec![0.0, f64::NAN], "finite"),
        (vec![0.0, 0.5, 0.4], "not monotonic"),
        (vec![0.0, 0.5, 0.5], "not monotonic"),
    ] {
        let mut rec = Recorder::new(&GPU, 0);
        let x = rec.tensor(&start);
        let refused = integrate(&mut rec, Solver::Euler, &times, x, &mut |_, x, _| Ok(x)).err().map(|e| e.to_string());
        assert!(refused.as_ref().is_some_and(|e| e.contains(said)), "{refused:?}");
    }
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.tensor(&start);
    let refused = integrate(&mut rec, Solver::Ancestral, &[0.0, 1.0], x, &mut |_, x, _| Ok(x)).err().map(|e| e.to_string());
    assert!(refused.as_ref().is_some_and(|e| e.contains("`ancestral` needs a path from noise to data")), "{refused:?}");
}

#[test]
fn grids_reach_from_end_to_end_and_lie_where_they_should() {
    for curve in Curve::DIFFUSIONS {
        let path = Path::from(curve);
        for grid in [Grid::Uniform, Grid::Quadratic, Grid::Edm] {
            let forwards = grid.on(&path, 0.0, 1.0, 12).unwrap();
            let mut backwards = grid.on(&path, 1.0, 0.0, 12).unwrap();
            backwards.reverse();
            assert_eq!(forwards, backwards);
            assert!(forwards[0] == 0.0 && forwards[forwards.len() - 1] == 1.0 && forwards.is_sorted(), "{curve:?}, {grid:?}");
        }
    }
    // EDM's steps are even on its own path (Karras et al. 2022, eq. 5), and even in (σ/α)^(1/7) on any.
    let even = Grid::Edm.on(&Curve::Edm.into(), 0.0, 1.0, 10).unwrap();
    assert!(even.iter().enumerate().all(|(k, t)| (t - k as f64 / 10.0).abs() < 1e-9), "{even:?}");
    let path = Path::from(Curve::Trigonometric);
    let times = Grid::Edm.on(&path, 0.0, 1.0, 10).unwrap();
    let roots: Vec<f64> = times[1..10].iter().map(|&t| (path.at(t).sigma / path.at(t).alpha).powf(1.0 / 7.0)).collect();
    assert!(roots.windows(3).all(|w| (w[0] - 2.0 * w[1] + w[2]).abs() < 1e-9), "{roots:?}");
}
