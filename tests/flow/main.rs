//! Paths, solvers and stochastic differential equations against what they are in closed form.

mod density;
mod energy;
mod langevin;
mod network;

use pushforward::flow::{Path, Solver, integrate};
use pushforward::gpu::{Gpu, Recorder, Var};
use std::sync::LazyLock;

static GPU: LazyLock<Gpu> = LazyLock::new(|| Gpu::open("auto").expect("an adapter (the software one will do)"));

/// Rows that are pushed along at once.
const ROWS: usize = 65;

fn starts() -> Vec<f32> {
    (0..ROWS).map(|i| 3.0 * (i as f32 / (ROWS as f32 - 1.0) - 0.5)).collect()
}

/// Where a field takes the starts.
fn ends(
    solver: Solver,
    times: std::ops::RangeInclusive<f64>,
    steps: usize,
    mut field: impl FnMut(&mut Recorder, Var, f64) -> pushforward::Result<Var>,
) -> Vec<f32> {
    let start = GPU.upload(ROWS, 1, &starts()).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.tensor(&start);
    let x = integrate(&mut rec, solver, times, steps, x, &mut field).unwrap();
    let x = rec.keep(x);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    step.read(x).unwrap()
}

#[test]
fn every_solver_multiplies_by_its_stability_function() {
    // dx/dt = −x (closed form 11): a step of h multiplies by 1 − h, 1 − h + h²/2, or the exponential's series up to h⁴/24.
    let (steps, h) = (7, 2.0f64 / 7.0);
    for solver in Solver::ALL {
        let factor = match solver.order() {
            1 => 1.0 - h,
            2 => 1.0 - h + h * h / 2.0,
            _ => 1.0 - h + h * h / 2.0 - h * h * h / 6.0 + h.powi(4) / 24.0,
        };
        let found = ends(solver, 0.0..=2.0, steps, |rec, x, _| rec.scale(x, -1.0));
        for (start, end) in starts().iter().zip(found) {
            let expected = f64::from(*start) * f64::powi(factor, steps as i32);
            assert!((f64::from(end) - expected).abs() < 2e-6, "{solver:?}: {start} went to {end}, and {expected} in theory");
        }
    }
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
        let found = ends(solver, 0.0..=1.0, steps, field);
        starts().into_iter().zip(found).map(|(x, y)| (f64::from(y) - exact(f64::from(x))).abs()).fold(0.0, f64::max)
    };
    (error(steps) / error(2 * steps)).log2()
}

/// Steps that leave f32 room below the error.
fn few(solver: Solver) -> usize {
    if solver.order() == 4 { 10 } else { 40 }
}

#[test]
fn the_error_falls_by_the_order_of_the_solver() {
    // dx/dt = 3 sin(2t)·x takes x to x·exp(3(1 − cos 2)/2).
    let exact = |x: f64| x * (1.5 * (1.0 - 2f64.cos())).exp();
    for solver in Solver::ALL {
        let order = order(solver, few(solver), exact, &|rec, x, t| rec.scale(x, (3.0 * (2.0 * t).sin()) as f32));
        println!("{solver:?}: {order:.2}");
        assert!((order - f64::from(solver.order())).abs() < 0.35, "{solver:?}: order {order}");
    }
}

#[test]
fn the_flow_between_gaussians_is_reached_at_least_by_the_order_of_the_solver() {
    // The flow map is m + s·x₀ for every path; the midpoint rule does better than its order on it.
    let (m, s) = (0.7, 0.15);
    for path in Path::ALL {
        for solver in Solver::ALL {
            let field = |rec: &mut Recorder, x, t| gaussian(path, m, s)(rec, x, t);
            let order = order(solver, few(solver), |x| m + s * x, &field);
            println!("{path:?}, {solver:?}: {order:.2}");
            assert!(order > f64::from(solver.order()) - 0.35, "{path:?}, {solver:?}: order {order}");
        }
    }
}

#[test]
fn one_straight_euler_step_ends_at_the_mean() {
    let (m, s) = (0.7, 0.4);
    for end in ends(Solver::Euler, 0.0..=1.0, 1, gaussian(Path::Straight, m, s)) {
        assert!((f64::from(end) - m).abs() < 1e-6, "{end}");
    }
}

#[test]
fn a_flow_run_back_ends_where_it_began() {
    let there = |rec: &mut Recorder, x, t| gaussian(Path::Trigonometric, 0.7, 0.4)(rec, x, t);
    let start = GPU.upload(ROWS, 1, &starts()).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.tensor(&start);
    let x = integrate(&mut rec, Solver::Rk4, 0.0..=1.0, 20, x, &mut { there }).unwrap();
    let x = integrate(&mut rec, Solver::Rk4, 1.0..=0.0, 20, x, &mut { there }).unwrap();
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
        let x = integrate(&mut rec, Solver::Heun, 0.0..=1.0, steps, x, &mut |rec, x, _| rec.scale(x, -1.0)).unwrap();
        rec.keep(x);
        rec.finish().unwrap().memory_bytes()
    };
    assert_eq!(bytes(4), bytes(64));
}

#[test]
fn paths_begin_and_end_at_their_laws_and_their_rates_are_slopes() {
    for path in Path::ALL {
        let (first, last) = (path.at(0.0), path.at(1.0));
        assert!(
            (first.alpha, first.sigma) == (0.0, 1.0) && (last.alpha - 1.0).abs() < 1e-15 && last.sigma.abs() < 1e-15,
            "{path:?}"
        );
        for t in [0.1, 0.5, 0.93] {
            let h = 1e-5;
            let (below, above, here) = (path.at(t - h), path.at(t + h), path.at(t));
            assert!(((above.alpha - below.alpha) / (2.0 * h) - here.alpha_rate).abs() < 1e-8, "{path:?}");
            assert!(((above.sigma - below.sigma) / (2.0 * h) - here.sigma_rate).abs() < 1e-8, "{path:?}");
        }
    }
}

#[test]
fn a_batch_on_its_way_is_what_the_coefficients_say() {
    let (x0, x1) = (starts(), starts().iter().map(|x| x * x - 1.0).collect::<Vec<_>>());
    let t: Vec<f32> = (0..ROWS).map(|i| i as f32 / (ROWS as f32 - 1.0)).collect();
    for path in Path::ALL {
        let mut rec = Recorder::new(&GPU, 0);
        let [a, b, c] = [&x0, &x1, &t].map(|v| GPU.upload(ROWS, 1, v).unwrap());
        let (a, b, c) = (rec.tensor(&a), rec.tensor(&b), rec.tensor(&c));
        let at = path.sample(&mut rec, a, b, c).unwrap();
        let (x, velocity) = (rec.keep(at.x), rec.keep(at.velocity));
        let mut step = rec.finish().unwrap();
        step.replay(1).unwrap();
        let (x, velocity) = (step.read(x).unwrap(), step.read(velocity).unwrap());
        for i in 0..ROWS {
            let (from, to, at) = (f64::from(x0[i]), f64::from(x1[i]), path.at(f64::from(t[i])));
            assert!((f64::from(x[i]) - (at.alpha * to + at.sigma * from)).abs() < 1e-6, "{path:?} at {}", t[i]);
            assert!((f64::from(velocity[i]) - (at.alpha_rate * to + at.sigma_rate * from)).abs() < 5e-6, "{path:?} at {}", t[i]);
        }
    }
}

#[test]
fn no_steps_and_endless_times_are_refused() {
    let start = GPU.upload(ROWS, 1, &starts()).unwrap();
    for (times, steps) in [(0.0..=1.0, 0), (0.0..=f64::INFINITY, 4), (f64::NAN..=1.0, 4)] {
        let mut rec = Recorder::new(&GPU, 0);
        let x = rec.tensor(&start);
        let refused = integrate(&mut rec, Solver::Euler, times, steps, x, &mut |_, x, _| Ok(x));
        assert!(refused.err().is_some_and(|e| e.to_string().contains("at least one step")));
    }
}
