//! Integration by Dormand and Prince's pair of orders 5 and 4, whose steps are as long as a tolerance allows (Hairer, Nørsett & Wanner
//! 1993, §II.4–5). One attempt at a step is recorded and replayed; time, step and whether it is taken live on the device, so that the host
//! looks at a handful of numbers every few attempts and never at the values. The error is that of the batch: the root mean square over all
//! its numbers.

use super::solver::{DOPRI5, check};
use crate::gpu::{Gpu, Recorder, Step, Tensor, Var};
use crate::nn::Time;
use crate::ops::adaptive::{H, ONE, REFUSED, STAGES, STATE, T, TAKEN, control_row};
use crate::ops::combine::Term;
use crate::{Error, Result};

/// Fields of values that move together, at a time on the device or known.
pub type TimedField<'a> = dyn FnMut(&mut Recorder, &[Var], Time) -> Result<Vec<Var>> + 'a;

/// b − b̂, by stage: the difference between the orders (ibid., table II.5.2).
const ERROR: [f64; 7] = [71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339_200.0, 22.0 / 525.0, -1.0 / 40.0];
/// Attempts between two looks.
const LOOK: usize = 8;
/// Attempts at most.
const MOST: usize = 5_000;
/// The smallest tolerance: eight times the spacing of single precision at 1. Below it the rounding of a step is as large as the error that is asked
/// for, and no step is short enough.
pub const LEAST_TOLERANCE: f64 = 1e-6;

/// What an integration took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effort {
    pub taken: usize,
    pub refused: usize,
}

impl Effort {
    /// Evaluations of the field.
    pub fn evaluations(&self) -> usize {
        1 + 6 * (self.taken + self.refused)
    }
}

/// A recorded attempt at a step.
pub struct Adaptive {
    begin: Step,
    attempt: Step,
    control: Tensor,
    from: f64,
    to: f64,
    tolerance: f64,
}

impl Adaptive {
    /// Records the way from one time to another for values that lie, and are moved, in this memory.
    ///
    /// # Errors
    /// Times that are equal or not finite, a tolerance out of range ([`check_tolerance`]).
    pub fn record(gpu: &Gpu, values: &[Tensor], (from, to): (f64, f64), tolerance: f64, field: &mut TimedField) -> Result<Self> {
        check(&[from, to])?;
        check_tolerance(tolerance)?;
        let slopes = values.iter().map(|v| gpu.zeros(v.rows(), v.cols())).collect::<Result<Vec<_>>>()?;
        let start = control_row(from, to, 0.0, tolerance);
        let control = gpu.upload(1, start.len(), &start)?;

        let mut rec = Recorder::new(gpu, 0);
        let x: Vec<Var> = values.iter().map(|v| rec.tensor(v)).collect();
        for (found, slope) in field(&mut rec, &x, Time::Known(from))?.into_iter().zip(&slopes) {
            let slope = rec.tensor(slope);
            rec.copy_into(found, slope)?;
        }
        let begin = rec.finish()?;

        let mut rec = Recorder::new(gpu, 0);
        let x: Vec<Var> = values.iter().map(|v| rec.tensor(v)).collect();
        let row = rec.tensor(&control);
        let first: Vec<Var> = slopes.iter().map(|v| rec.tensor(v)).collect();
        let mut stages = vec![first.clone()];
        for (stage, weights) in DOPRI5.a.iter().enumerate() {
            let there = along(&mut rec, row, Some(&x), weights, &stages)?;
            // The sixth stage is at the step's end, as the seventh is.
            let time = rec.columns(row, STAGES + stage, 1)?;
            stages.push(field(&mut rec, &there, Time::Held(time))?);
        }
        let moved = along(&mut rec, row, Some(&x), DOPRI5.b, &stages)?;
        let end = rec.columns(row, STAGES + 4, 1)?;
        stages.push(field(&mut rec, &moved, Time::Held(end))?);
        let error = along(&mut rec, row, None, &ERROR, &stages)?;
        let mut total: Option<Var> = None;
        for ((&e, &x), &moved) in error.iter().zip(&x).zip(&moved) {
            let ratio = rec.error_ratio(e, x, moved, row)?;
            let sum = rec.sum(ratio)?;
            total = Some(match total {
                Some(total) => rec.add(total, sum)?,
                None => sum,
            });
        }
        let count = values.iter().map(Tensor::len).sum();
        let total = total.ok_or_else(|| Error::usage("there is nothing to integrate"))?;
        rec.control_step(total, count, row)?;
        let last = &stages[stages.len() - 1];
        for ((&moved, &x), (&slope, &into)) in moved.iter().zip(&x).zip(last.iter().zip(&first)) {
            rec.commit_step(moved, row, x)?;
            rec.commit_step(slope, row, into)?;
        }
        for (name, place) in [("state", STATE), ("t", T), ("taken", TAKEN), ("refused", REFUSED)] {
            let value = rec.columns(row, place, 1)?;
            rec.report(name, value)?;
        }
        Ok(Self { begin, attempt: rec.finish()?, control, from, to, tolerance })
    }

    /// The tolerance of the next run.
    ///
    /// # Errors
    /// A tolerance out of range ([`check_tolerance`]).
    pub fn set_tolerance(&mut self, tolerance: f64) -> Result<()> {
        check_tolerance(tolerance)?;
        self.tolerance = tolerance;
        Ok(())
    }

    /// Moves the values from where they are, and says what it took.
    ///
    /// # Errors
    /// As [`Adaptive::run_watched`].
    pub fn run(&mut self) -> Result<Effort> {
        self.run_watched(&mut |_| {})
    }

    /// The same; `watch` is told every few attempts what share of the time between the ends is behind.
    ///
    /// # Errors
    /// A field that cannot be followed to the end: the message says how far it went.
    pub fn run_watched(&mut self, watch: &mut dyn FnMut(f64)) -> Result<Effort> {
        // A first guess; a step that is too long is refused and cut by up to five.
        self.control.write(&control_row(self.from, self.to, 0.02 * (self.to - self.from), self.tolerance))?;
        self.begin.replay(1)?;
        for made in (0..MOST).step_by(LOOK) {
            self.attempt.replay(LOOK)?;
            let reports = self.attempt.final_reports()?;
            let Some(report) = reports.last() else { continue };
            let [state, t, taken, refused] = [0, 1, 2, 3].map(|i| report.values[i]);
            match state {
                0.0 => watch((f64::from(t) - self.from) / (self.to - self.from)),
                1.0 => return Ok(Effort { taken: taken as usize, refused: refused as usize }),
                _ => {
                    return Err(Error::data(format!(
                        "the solver cannot integrate beyond t = {t} (step {taken}, of {} attempts): the velocity field diverges there, or is non-finite",
                        made + LOOK
                    )));
                }
            }
        }
        Err(Error::data(format!(
            "the solver did not reach the end after {MOST} attempts at a step: set a tolerance above {:e}, or a solver of fixed steps",
            self.tolerance
        )))
    }
}

/// Refuses a tolerance that single precision cannot keep, or that is none.
///
/// # Errors
/// A tolerance that is not finite or is below [`LEAST_TOLERANCE`].
pub fn check_tolerance(tolerance: f64) -> Result<()> {
    if tolerance >= LEAST_TOLERANCE && tolerance.is_finite() {
        return Ok(());
    }
    Err(Error::usage(format!(
        "`tolerance` is {tolerance:e}: it must be at least {LEAST_TOLERANCE:e}, the rounding error of single precision"
    )))
}

/// x + h·Σ w_j k_j of every value, with h in the control row; without x the sum alone.
fn along(rec: &mut Recorder, row: Var, x: Option<&[Var]>, weights: &[f64], stages: &[Vec<Var>]) -> Result<Vec<Var>> {
    let value = |k: usize| {
        let moved = weights.iter().zip(stages).filter(|(w, _)| **w != 0.0).map(|(&w, slopes)| (H, w as f32, slopes[k]));
        let terms: Vec<Term> = x.map(|x| (ONE, 1.0, x[k])).into_iter().chain(moved).collect();
        rec.combine(row, &terms)
    };
    (0..stages[0].len()).map(value).collect()
}
