//! Solvers of dx/dt = v(x, t), explicit Runge–Kutta methods of fixed step (Hairer, Nørsett & Wanner 1993, §II.1). A whole integration is
//! recorded: a replay reads nothing back between steps, and memory does not grow with them.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::flow::{Solver, integrate};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let start = gpu.upload(1, 1, &[1.0])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let x = rec.tensor(&start);
//! // dx/dt = −x by two steps of Euler: (1 − ½)².
//! let x = integrate(&mut rec, Solver::Euler, 0.0..=1.0, 2, x, &mut |rec, x, _| rec.scale(x, -1.0))?;
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
use std::ops::RangeInclusive;

/// A method of integration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
}

/// A velocity field v(x, t): records it for rows x at one time.
pub type Field<'a> = dyn FnMut(&mut Recorder, Var, f64) -> Result<Var> + 'a;

/// The same of several values that move together, such as points and the logarithms of their densities.
pub type JointField<'a> = dyn FnMut(&mut Recorder, &[Var], f64) -> Result<Vec<Var>> + 'a;

impl Solver {
    pub const ALL: [Self; 4] = [Self::Euler, Self::Midpoint, Self::Heun, Self::Rk4];

    /// Evaluations of the field that a step takes.
    pub fn evaluations(self) -> usize {
        match self {
            Self::Euler => 1,
            Self::Midpoint | Self::Heun => 2,
            Self::Rk4 => 4,
        }
    }

    /// The power of the step with which the error of an integration falls.
    pub fn order(self) -> u32 {
        match self {
            Self::Euler => 1,
            Self::Midpoint | Self::Heun => 2,
            Self::Rk4 => 4,
        }
    }

    /// The values at t + h.
    fn step(self, rec: &mut Recorder, x: &[Var], t: f64, h: f64, field: &mut JointField) -> Result<Vec<Var>> {
        let along = |rec: &mut Recorder, slopes: &[Var], h: f64| blend(rec, x, slopes, h as f32);
        let first = field(rec, x, t)?;
        match self {
            Self::Euler => along(rec, &first, h),
            Self::Midpoint => {
                let halfway = along(rec, &first, h / 2.0)?;
                let slope = field(rec, &halfway, t + h / 2.0)?;
                along(rec, &slope, h)
            }
            Self::Heun => {
                let there = along(rec, &first, h)?;
                let second = field(rec, &there, t + h)?;
                let sum = blend(rec, &first, &second, 1.0)?;
                along(rec, &sum, h / 2.0)
            }
            Self::Rk4 => {
                let halfway = along(rec, &first, h / 2.0)?;
                let second = field(rec, &halfway, t + h / 2.0)?;
                let halfway = along(rec, &second, h / 2.0)?;
                let third = field(rec, &halfway, t + h / 2.0)?;
                let there = along(rec, &third, h)?;
                let fourth = field(rec, &there, t + h)?;
                let (inner, outer) = (blend(rec, &second, &third, 1.0)?, blend(rec, &first, &fourth, 1.0)?);
                let sum = blend(rec, &outer, &inner, 2.0)?;
                along(rec, &sum, h / 6.0)
            }
        }
    }
}

/// a + s·b, value by value.
fn blend(rec: &mut Recorder, a: &[Var], b: &[Var], s: f32) -> Result<Vec<Var>> {
    a.iter().zip(b).map(|(&a, &b)| rec.blend(a, b, 1.0, s)).collect()
}

/// Follows the field from one end of `times` to the other, in `steps` equal steps; backwards where the end is the smaller.
///
/// # Errors
/// No steps, or times that are not finite.
pub fn integrate(
    rec: &mut Recorder,
    solver: Solver,
    times: RangeInclusive<f64>,
    steps: usize,
    x: Var,
    field: &mut Field,
) -> Result<Var> {
    integrate_jointly(rec, solver, times, steps, &[x], &mut |rec, x, t| Ok(vec![field(rec, x[0], t)?])).map(|x| x[0])
}

/// The same for several values that move together.
///
/// # Errors
/// As [`integrate`].
pub fn integrate_jointly(
    rec: &mut Recorder,
    solver: Solver,
    times: RangeInclusive<f64>,
    steps: usize,
    x: &[Var],
    field: &mut JointField,
) -> Result<Vec<Var>> {
    let (from, to) = times.into_inner();
    if steps == 0 || !from.is_finite() || !to.is_finite() {
        return Err(Error::usage(format!("{steps} steps from t = {from} to {to}: give at least one step, and finite times")));
    }
    let at = |k: usize| from + (to - from) * k as f64 / steps as f64;
    (0..steps).try_fold(x.to_vec(), |x, k| solver.step(rec, &x, at(k), at(k + 1) - at(k), field))
}
