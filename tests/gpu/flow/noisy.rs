//! Solvers that know noise from data, on distributions whose denoiser is known.

use super::GPU;
use pushforward::flow::{Curve, Denoiser, Grid, Path, Prediction, Solver};
use pushforward::gpu::{Recorder, Var};

const ROWS: usize = 1 << 14;

/// F for data N(m, s²) and noise N(0, 1): D = m + αs²/(α²s² + σ²)·(x − αm), told as a prediction of the data.
fn denoised(path: Path, m: f64, s: f64) -> impl FnMut(&mut Recorder, Var, f64) -> pushforward::Result<Var> {
    move |rec, x, t| {
        let c = path.at(t);
        let slope = c.alpha * s * s / (c.alpha * c.alpha * s * s + c.sigma * c.sigma);
        rec.affine(x, slope as f32, (m - slope * c.alpha * m) as f32)
    }
}

/// The rows that a solver makes of the distribution at the path's beginning, which is N(αm, α²s² + σ²).
fn ends(solver: Solver, path: Path, grid: Grid, steps: usize, (m, s): (f64, f64), start: Option<&[f32]>) -> Vec<f64> {
    let mut rec = Recorder::new(&GPU, 11);
    let c = path.at(0.0);
    let deviation = (c.alpha * c.alpha * s * s + c.sigma * c.sigma).sqrt();
    let x = match start {
        Some(values) => {
            let tensor = GPU.upload(values.len(), 1, values).unwrap();
            rec.tensor(&tensor)
        }
        None => {
            let z = rec.normal(ROWS, 1).unwrap();
            rec.affine(z, deviation as f32, (c.alpha * m) as f32).unwrap()
        }
    };
    let times = grid.on(&path, 0.0, 1.0, steps).unwrap();
    let (mut output, mut noise) = (denoised(path, m, s), |rec: &mut Recorder, x: Var| rec.normal_like(x));
    let mut denoiser =
        Denoiser { path, prediction: Prediction::Data, output: &mut output, noise: &mut noise, eta: 1.0, churn: 0.5 };
    let states = denoiser.follow(&mut rec, solver, &times, x).unwrap();
    let end = rec.keep(states[states.len() - 1]);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    step.read(end).unwrap().into_iter().map(f64::from).collect()
}

/// Where the probability flow takes x: the map between Gaussians is affine.
fn exact(path: Path, (m, s): (f64, f64), x: f64) -> f64 {
    let (a, b) = (path.at(0.0), path.at(1.0));
    let deviation = |c: pushforward::flow::Coefficients| (c.alpha * c.alpha * s * s + c.sigma * c.sigma).sqrt();
    b.alpha * m + deviation(b) / deviation(a) * (x - a.alpha * m)
}

#[test]
fn exponential_integrators_have_their_orders() {
    let distribution = (0.7, 0.3);
    let starts: Vec<f32> = (0..33).map(|i| 3.0 * (i as f32 / 16.0 - 1.0)).collect();
    for curve in [Curve::Trigonometric, Curve::OrnsteinUhlenbeck, Curve::VpLinear] {
        let path = Path::from(curve);
        for (solver, order) in [(Solver::Ddim, 1.0), (Solver::DpmSolver2m, 2.0), (Solver::StochasticHeun, 2.0)] {
            let error = |steps| {
                // Even steps of the logarithm of the ratio are what the second order is proved for; EDM's grid is near to it.
                let found = if solver == Solver::StochasticHeun {
                    still(path, steps, distribution, &starts)
                } else {
                    ends(solver, path, Grid::Edm, steps, distribution, Some(&starts))
                };
                starts.iter().zip(found).map(|(&x, y)| (y - exact(path, distribution, x.into())).abs()).fold(0.0, f64::max)
            };
            let found = (error(24) / error(48)).log2();
            println!("{curve:?}, {solver:?}: order {found:.2}, error {:.1e}", error(48));
            assert!(found > order - 0.4, "{curve:?}, {solver:?}: order {found}");
        }
    }
}

/// Karras et al.'s Heun without its noise.
fn still(path: Path, steps: usize, distribution: (f64, f64), starts: &[f32]) -> Vec<f64> {
    let mut rec = Recorder::new(&GPU, 1);
    let tensor = GPU.upload(starts.len(), 1, starts).unwrap();
    let x = rec.tensor(&tensor);
    let (mut output, mut noise) =
        (denoised(path, distribution.0, distribution.1), |rec: &mut Recorder, x: Var| rec.normal_like(x));
    let mut denoiser =
        Denoiser { path, prediction: Prediction::Data, output: &mut output, noise: &mut noise, eta: 1.0, churn: 0.0 };
    let states = denoiser.follow(&mut rec, Solver::StochasticHeun, &Grid::Edm.on(&path, 0.0, 1.0, steps).unwrap(), x).unwrap();
    let end = rec.keep(states[states.len() - 1]);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    step.read(end).unwrap().into_iter().map(f64::from).collect()
}

#[test]
fn stochastic_solvers_end_at_the_data() {
    let (m, s) = (0.7, 0.3);
    for curve in Curve::DIFFUSIONS {
        for solver in [Solver::EulerMaruyama, Solver::StochasticHeun, Solver::Ancestral] {
            let path = Path::from(curve);
            let found = ends(solver, path, Grid::Edm, 200, (m, s), None);
            let n = found.len() as f64;
            let mean = found.iter().sum::<f64>() / n;
            let deviation = (found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
            println!("{curve:?}, {solver:?}: mean {mean:.4}, deviation {deviation:.4}");
            // Four standard errors, and the bias of 200 steps of order one.
            let (of_mean, of_deviation) = (4.0 * s / n.sqrt(), 4.0 * s / (2.0 * n).sqrt());
            assert!((mean - m).abs() < of_mean + 0.01 * s, "{curve:?}, {solver:?}: mean {mean}");
            assert!((deviation - s).abs() < of_deviation + 0.03 * s, "{curve:?}, {solver:?}: deviation {deviation}");
        }
    }
}

#[test]
fn one_step_to_the_data_is_the_denoiser() {
    // Closed form 12: from pure noise, whatever the noise was, to the mean.
    for solver in [Solver::Ddim, Solver::DpmSolver2m, Solver::Ancestral] {
        let found = ends(solver, Curve::Straight.into(), Grid::Uniform, 1, (0.7, 0.3), Some(&[-2.0, 0.1, 3.0]));
        assert!(found.iter().all(|x| (x - 0.7).abs() < 1e-6), "{solver:?}: {found:?}");
    }
}

#[test]
fn what_begins_at_data_or_follows_fields_is_refused() {
    let path = Path::from(Curve::Trigonometric);
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.normal(4, 1).unwrap();
    let (mut output, mut noise) = (denoised(path, 0.0, 1.0), |rec: &mut Recorder, x: Var| rec.normal_like(x));
    let mut denoiser =
        Denoiser { path, prediction: Prediction::Data, output: &mut output, noise: &mut noise, eta: 1.0, churn: 0.5 };
    let refused = denoiser.follow(&mut rec, Solver::Ddim, &[1.0, 0.0], x).err().map(|e| e.to_string());
    assert!(refused.as_ref().is_some_and(|e| e.contains("from noise to data only")), "{refused:?}");
    assert!(denoiser.follow(&mut rec, Solver::Heun, &[0.0, 1.0], x).is_err());
}
