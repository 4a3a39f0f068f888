//! Solvers of dx/dt = v(x, t): explicit Runge–Kutta methods, each of them its tableau (Hairer, Nørsett & Wanner 1993, §II.1). A whole
//! integration is recorded: a replay reads nothing back between steps, and memory does not grow with them.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::flow::{Grid, Solver, integrate};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let start = gpu.upload(1, 1, &[1.0])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let x = rec.tensor(&start);
//! // dx/dt = −x by two steps of Euler: (1 − ½)².
//! let times = Grid::Uniform.times(0.0, 1.0, 2)?;
//! let x = integrate(&mut rec, Solver::Euler, &times, x, &mut |rec, x, _| rec.scale(x, -1.0))?;
//! let x = rec.keep(x);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(x)?, [0.25]);
//! # Ok(())
//! # }
//! ```

use crate::gpu::{Recorder, Var};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// A solver from noise to data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Solver {
    /// Order 1.
    Euler,
    /// Order 2: the slope halfway.
    Midpoint,
    /// Order 2: the mean of the slopes at both ends.
    #[default]
    Heun,
    /// Order 4: the classical one of Runge and Kutta.
    Rk4,
    /// Order 5 with an error estimate of order 4 (Dormand & Prince 1980): steps as the error allows, for each batch.
    Dopri5,
    /// The exponential integrator of order 1 in the data that a network predicts: DDIM (Song, Meng & Ermon 2021).
    Ddim,
    /// The same of order 2 by the step before: DPM-Solver++(2M) (Lu et al. 2022).
    #[serde(rename = "dpm-solver-2m")]
    DpmSolver2m,
    /// The reverse stochastic equation by steps of Euler and Maruyama.
    EulerMaruyama,
    /// Heun's steps, each begun a little nearer to noise: Karras et al. (2022), algorithm 2.
    StochasticHeun,
    /// Each step a draw given the predicted data (Ho et al. 2020).
    Ancestral,
}

/// Coefficients of a Runge–Kutta method: stage i is taken at t + c_i·h and x + h·Σ_j a_ij k_j, and the step is h·Σ b_i k_i.
#[derive(Debug)]
pub struct Tableau {
    pub order: u32,
    /// Row i − 1 has a_ij for j < i; the first stage needs none.
    pub a: &'static [&'static [f64]],
    pub b: &'static [f64],
    pub c: &'static [f64],
}

const EULER: Tableau = Tableau { order: 1, a: &[], b: &[1.0], c: &[0.0] };
const MIDPOINT: Tableau = Tableau { order: 2, a: &[&[0.5]], b: &[0.0, 1.0], c: &[0.0, 0.5] };
const HEUN: Tableau = Tableau { order: 2, a: &[&[1.0]], b: &[0.5, 0.5], c: &[0.0, 1.0] };
const RK4: Tableau = Tableau {
    order: 4,
    a: &[&[0.5], &[0.0, 0.5], &[0.0, 0.0, 1.0]],
    b: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
    c: &[0.0, 0.5, 0.5, 1.0],
};
/// Hairer, Nørsett & Wanner 1993, table II.5.2, without the last stage, which is the first of the next step.
pub(super) const DOPRI5: Tableau = Tableau {
    order: 5,
    a: &[
        &[1.0 / 5.0],
        &[3.0 / 40.0, 9.0 / 40.0],
        &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
        &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
        &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
    ],
    b: &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
    c: &[0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0],
};

/// A velocity field v(x, t): records it for rows x at one time.
pub type Field<'a> = dyn FnMut(&mut Recorder, Var, f64) -> Result<Var> + 'a;

/// The same of several values that move together, such as points and the logarithms of their densities.
pub type JointField<'a> = dyn FnMut(&mut Recorder, &[Var], f64) -> Result<Vec<Var>> + 'a;

impl Solver {
    pub const ALL: [Self; 10] = [
        Self::Euler,
        Self::Midpoint,
        Self::Heun,
        Self::Rk4,
        Self::Dopri5,
        Self::Ddim,
        Self::DpmSolver2m,
        Self::EulerMaruyama,
        Self::StochasticHeun,
        Self::Ancestral,
    ];

    /// Those that follow any velocity field.
    pub const RUNGE_KUTTA: [Self; 5] = [Self::Euler, Self::Midpoint, Self::Heun, Self::Rk4, Self::Dopri5];

    /// The method's coefficients; none where it is no Runge–Kutta method.
    pub fn tableau(self) -> Option<&'static Tableau> {
        match self {
            Self::Euler => Some(&EULER),
            Self::Midpoint => Some(&MIDPOINT),
            Self::Heun => Some(&HEUN),
            Self::Rk4 => Some(&RK4),
            Self::Dopri5 => Some(&DOPRI5),
            _ => None,
        }
    }

    /// Whether it adds noise at every step: what comes out is then no function of where it began.
    pub fn is_stochastic(self) -> bool {
        matches!(self, Self::EulerMaruyama | Self::StochasticHeun | Self::Ancestral)
    }

    /// Evaluations of the network that a step takes.
    pub fn evaluations(self) -> usize {
        match self {
            Self::StochasticHeun => 2,
            _ => self.tableau().map_or(1, |tableau| tableau.b.len()),
        }
    }

    /// The name, as settings have it.
    pub fn name(self) -> String {
        crate::settings::shown(&self).trim_matches('"').into()
    }
}

impl Tableau {
    /// The values at t + h.
    fn step(&self, rec: &mut Recorder, x: &[Var], t: f64, h: f64, field: &mut JointField) -> Result<Vec<Var>> {
        let mut slopes: Vec<Vec<Var>> = vec![field(rec, x, t)?];
        let along = |rec: &mut Recorder, weights: &[f64], slopes: &[Vec<Var>]| -> Result<Vec<Var>> {
            let value = |(k, &x): (usize, &Var)| {
                let moved = weights.iter().zip(slopes).map(|(w, slope)| (h * w, slope[k]));
                rec.weighted_sum(&std::iter::once((1.0, x)).chain(moved).collect::<Vec<_>>())
            };
            x.iter().enumerate().map(value).collect()
        };
        for (weights, c) in self.a.iter().zip(&self.c[1..]) {
            let there = along(rec, weights, &slopes)?;
            slopes.push(field(rec, &there, t + c * h)?);
        }
        along(rec, self.b, &slopes)
    }
}

/// Follows the field through `times`, one step from each to the next, and gives the values at every one of them; forwards or backwards.
///
/// # Errors
/// Fewer than two times, times that are not finite or turn round, a solver that follows no field.
pub fn follow(rec: &mut Recorder, solver: Solver, times: &[f64], x: &[Var], field: &mut JointField) -> Result<Vec<Vec<Var>>> {
    check(times)?;
    let Some(tableau) = solver.tableau() else {
        return Err(Error::usage(format!(
            "`{}` needs a path from noise to data: it cannot integrate another field",
            solver.name()
        )));
    };
    let mut states = vec![x.to_vec()];
    for pair in times.windows(2) {
        let next = tableau.step(rec, &states[states.len() - 1], pair[0], pair[1] - pair[0], field)?;
        states.push(next);
    }
    Ok(states)
}

/// Refuses times that no integration can go through.
pub(super) fn check(times: &[f64]) -> Result<()> {
    if times.len() < 2 || times.iter().any(|t| !t.is_finite()) {
        return Err(Error::usage(format!("the times {times:?}: give at least one step, and finite times")));
    }
    let forwards = times[1] > times[0];
    if times.windows(2).any(|pair| pair[1] == pair[0] || (pair[1] > pair[0]) != forwards) {
        return Err(Error::usage(format!("the times {times:?} are not monotonic: give them in one direction")));
    }
    Ok(())
}

/// Where the field takes x.
///
/// # Errors
/// As [`follow`].
pub fn integrate(rec: &mut Recorder, solver: Solver, times: &[f64], x: Var, field: &mut Field) -> Result<Var> {
    let states = follow(rec, solver, times, &[x], &mut |rec, x, t| Ok(vec![field(rec, x[0], t)?]))?;
    Ok(states[states.len() - 1][0])
}
