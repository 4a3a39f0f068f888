//! Markov chains by Langevin dynamics with a Metropolis correction (MALA; Roberts & Tweedie 1996) in any density known up to its constant, recorded:
//! proposals, energies, slopes and decisions stay on the device.
//!
//! With the correction e^{−E} is left exactly as it is, whatever the step; without it (ULA), of a Gaussian of variance s² the stationary variance is
//! s²/(1 − h/2s²), off by order h.

use crate::gpu::{Recorder, Var};
use crate::ops::metropolis::{Judging, TALLY, Walkers};
use crate::{Error, Result};

/// The share of accepted moves at which MALA moves fastest in many dimensions (Roberts & Rosenthal 1998).
pub const WANTED: f32 = 0.574;
/// Moves of one recording at most.
pub const MOST_MOVES: usize = 10_000;

/// How chains move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walk {
    pub moves: usize,
    /// Whether moves are accepted by Metropolis' rule.
    pub corrected: bool,
    /// Moves from the first on in which steps follow the acceptance, and how fast: ln h by this times how far it is off.
    pub adapting: usize,
    pub rate: f32,
}

/// What a walk records besides moving rows.
pub struct Walked {
    /// Accepted moves of each chain, n × 1.
    pub accepted: Var,
    /// ln of each chain's step, n × 1.
    pub log_step: Var,
    /// E where each chain ended, n × 1.
    pub energy: Var,
}

/// Moves the chains in the memory of `rows` (n × cols), of which the first `moved` numbers move; `log_step` (n × 1) is ln of each chain's step.
/// `energy` records E of each row (n × 1), which must depend on that row alone; `visit` is told the rows after every move. Not taped.
///
/// # Errors
/// No moves, or more than [`MOST_MOVES`].
pub fn walk(
    rec: &mut Recorder,
    rows: Var,
    moved: usize,
    log_step: Var,
    walk: Walk,
    energy: &mut dyn FnMut(&mut Recorder, Var) -> Result<Var>,
    visit: &mut dyn FnMut(&mut Recorder, Var) -> Result<()>,
) -> Result<Walked> {
    if !(1..=MOST_MOVES).contains(&walk.moves) {
        return Err(Error::usage(format!(
            "the number of moves of a chain is {}: it must be between 1 and {MOST_MOVES}",
            walk.moves
        )));
    }
    let mut slopes_of = |rec: &mut Recorder, x: Var| -> Result<(Var, Var)> {
        let e = energy(rec, x)?;
        let slope = rec.backward_from(&[(e, None)], &[x])?[0];
        Ok((e, slope))
    };
    // Another name for the same memory: nothing that is recorded later flows back to here.
    let x = rec.detach(rows);
    let (e, slope) = slopes_of(rec, x)?;
    // Memory of their own, since moves write to it.
    let slopes = rec.empty(slope.rows(), slope.cols())?;
    rec.copy_into(slope, slopes)?;
    let zero = rec.constant(0.0, rows.rows(), 1)?;
    let tally = rec.concat(&[e, zero, log_step])?;
    let tally = rec.detach(tally);
    let chains = Walkers { x, slopes, tally, moved };
    for k in 0..walk.moves {
        let proposal = rec.langevin_proposal(chains)?;
        let (e, slope) = slopes_of(rec, proposal)?;
        let rate = if k < walk.adapting { walk.rate } else { 0.0 };
        let judging = Judging { corrected: walk.corrected, rate, wanted: WANTED };
        rec.metropolis(chains, proposal, slope, e, judging)?;
        visit(rec, x)?;
    }
    debug_assert_eq!(tally.cols(), TALLY);
    let mut column = |k: usize| rec.columns(tally, k, 1);
    Ok(Walked { energy: column(0)?, accepted: column(1)?, log_step: column(2)? })
}
