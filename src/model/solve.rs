//! Densities and inverses whose error is estimated and made small: the equation is solved at two tolerances, the second a tenth of the first, until what
//! they find differs by little, and the difference is said.

use super::Model;
use super::integrate::Journey;
use crate::Result;
use crate::data::random::{Stream, generator_at};
use crate::flow::LEAST_TOLERANCE;
use crate::gpu::{Recorder, Var};
use crate::methods::Dynamics;
use rand::seq::index;
use serde::Serialize;

/// The largest difference between two tolerances at which the smaller is small enough: nats of a log-density, standard deviations of a place.
pub const SMALL: f64 = 1e-2;
/// Rows whose error is estimated at most, drawn at random.
const ESTIMATED: usize = 1024;
/// Seed of their draw.
const SEED: u64 = 0;

/// How an equation was solved, and how far off it is: what changed when the tolerance was divided by ten, over some rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Solved {
    pub tolerance: f64,
    /// Evaluations of the field.
    pub evaluations: usize,
    /// Rows over which the change was measured.
    pub rows: usize,
    /// Its mean and its largest absolute value, in nats of a log-density or standard deviations of a place.
    pub mean: f64,
    pub most: f64,
}

impl Model {
    /// Keeps how an equation was solved, for [`Model::solved`].
    pub(super) fn keep_solved(&self, solved: Option<Solved>) {
        *self.solved.lock().expect("no holder of this lock panics") = solved;
    }

    /// How the last `push`, `pull` or `log_density` solved its equation; none where it solved none, or in fixed steps.
    pub fn solved(&self) -> Option<Solved> {
        *self.solved.lock().expect("no holder of this lock panics")
    }

    /// The integration to solve until its error is small.
    pub(super) fn accurate(&self) -> Option<&dyn Dynamics> {
        self.learner.equation().filter(|_| self.accurate)
    }

    /// What journeys make of rows, at the tolerance of the settings or the first below it at which the change is [`SMALL`].
    pub(super) fn solve(
        &self,
        values: &[f32],
        cols: usize,
        dynamics: &dyn Dynamics,
        record: impl Fn(Recorder, Var) -> Result<Journey>,
    ) -> Result<Vec<f32>> {
        let rows = values.len() / cols;
        if rows == 0 {
            return Ok(Vec::new());
        }
        let chosen: Vec<usize> = match rows {
            0..=ESTIMATED => (0..rows).collect(),
            _ => index::sample(&mut generator_at(SEED, Stream::Estimate, 0), rows, ESTIMATED).into_vec(),
        };
        let some: Vec<f32> = chosen.iter().flat_map(|&i| &values[i * cols..(i + 1) * cols]).copied().collect();
        let first = dynamics.sampling().tolerance.max(LEAST_TOLERANCE);
        let solved = std::cell::Cell::new(None);
        let found = self.in_chunks(&some, cols, &record, |journey, watch| {
            let mut tolerance = first;
            let mut coarse = journey.run_again((10.0 * tolerance).min(1.0), watch)?;
            loop {
                let fine = journey.run_again(tolerance, watch)?;
                let off = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).abs();
                let (mut mean, mut most) = (0.0, 0.0f64);
                for off in coarse.iter().zip(&fine).map(off) {
                    mean += off / fine.len() as f64;
                    most = most.max(off);
                }
                if most <= SMALL || tolerance < 10.0 * LEAST_TOLERANCE {
                    solved.set(Some(Solved { tolerance, evaluations: journey.evaluations, rows: chosen.len(), mean, most }));
                    return Ok(fine);
                }
                (coarse, tolerance) = (fine, (0.1 * tolerance).max(LEAST_TOLERANCE));
            }
        })?;
        self.keep_solved(solved.get());
        let Some(Solved { tolerance, .. }) = solved.get().filter(|_| rows > ESTIMATED) else { return Ok(found) };
        let prepare = |rec: Recorder, x| {
            let mut journey = record(rec, x)?;
            journey.set_tolerance(tolerance)?;
            Ok(journey)
        };
        self.in_chunks(values, cols, prepare, Journey::run)
    }
}
