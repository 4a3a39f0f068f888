//! How the chains that make samples mix.

use super::Model;
use super::apply::SAMPLE_DOMAIN;
use crate::Result;
use crate::gpu::{Kept, Recorder};
use crate::methods::Traced;
use crate::metrics::chains::autocorrelation_time;

/// Chains that are looked at for how they mix.
const TRACED: usize = 256;

/// How the chains that make samples mix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixing {
    /// The share of proposed moves that was accepted.
    pub acceptance: f64,
    /// The integrated autocorrelation time of the slowest column, in moves.
    pub autocorrelation_time: f64,
    /// Moves that a row makes.
    pub moves: usize,
    /// Of these the last, which were looked at.
    pub traced: usize,
}

impl Mixing {
    /// Independent draws that a row's moves are worth.
    pub fn effective_sample_size(&self) -> f64 {
        self.moves as f64 / self.autocorrelation_time
    }
}

impl Model {
    /// How the chains that make samples mix; none where samples are made by a map.
    pub fn mixing(&self, seed: u64) -> Result<Option<Mixing>> {
        if self.description.conditions > 0 {
            return Ok(None);
        }
        let mut rec = Recorder::with_domain(&self.gpu, seed, SAMPLE_DOMAIN)?;
        let Some(Traced { states, accepted, moves }) = self.learner.mixing(&mut rec, TRACED)? else { return Ok(None) };
        let cols = states.first().map_or(0, |state| state.cols());
        let (states, accepted): (Vec<Kept>, Kept) = (states.into_iter().map(|v| rec.keep(v)).collect(), rec.keep(accepted));
        let mut step = rec.finish()?;
        step.replay(1)?;
        let states = states.into_iter().map(|kept| step.read(kept)).collect::<Result<Vec<_>>>()?;
        let accepted = step.read(accepted)?;
        let of_column = |j: usize| {
            let traces: Vec<Vec<f32>> =
                states.iter().map(|state| state.iter().skip(j).step_by(cols).copied().collect()).collect();
            autocorrelation_time(&traces)
        };
        let time = (0..cols).map(of_column).fold(1.0, f64::max);
        Ok(Some(Mixing {
            acceptance: accepted.iter().map(|&a| f64::from(a)).sum::<f64>() / (accepted.len() * moves) as f64,
            autocorrelation_time: time,
            moves,
            traced: states.len(),
        }))
    }
}
