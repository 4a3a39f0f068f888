//! The forward SDE (5), dX = −∇E(X) dt + √2 dB (paper §4; overdamped Langevin dynamics), simulated with nothing read back between steps.
//!
//! A step of h is a Strang splitting (Strang 1968; for drifts that grow like x³, Bréhier & Goudenège 2019): half a step of the drift
//! alone, √(2h) times a normal number, and the other half of the drift,
//!
//!   x ← D_{h/2}(D_{h/2}(x) + √(2h) ξ),   D_t the exact solution of dx/dt = −∇E(x).
//!
//! Its distribution is right to order h² (Euler–Maruyama's to order h), it needs one draw a step, and it cannot blow up: D draws in whatever ran
//! away, where an explicit step along −x³ would overshoot. Of the Ornstein–Uhlenbeck process the means are exact, and the stationary
//! variance is h/sinh h ≈ 1 − h²/6.
//!
//! [`simulate`] records a stretch of steps in a recording of its own or of others; [`Particles`] replays one recorded piece in memory
//! that lasts, for simulations whose length is not known or is great.

use super::Energy;
use crate::gpu::{Gpu, Recorder, Step, Tensor, Var};
use crate::{Error, Result};

/// Steps in one recording at most: more are for [`Particles`], whose recording does not grow.
pub const MOST_RECORDED: usize = 4096;

/// Rows x after a time `duration` of (5), in `steps` equal steps; differentiable along the drawn noise. Memory does not grow with steps.
///
/// # Errors
/// A duration that is not above 0, no steps, or more than [`MOST_RECORDED`].
pub fn simulate(rec: &mut Recorder, energy: Energy, x: Var, duration: f64, steps: usize) -> Result<Var> {
    if !(1..=MOST_RECORDED).contains(&steps) {
        return Err(Error::usage(format!(
            "{steps} steps were asked for in one recording: give 1 to {MOST_RECORDED}, and replay it (`Particles`) for more"
        )));
    }
    if !(duration > 0.0 && duration.is_finite()) {
        return Err(Error::usage(format!("a simulation of duration {duration} was asked for: give a finite one above 0")));
    }
    let h = duration / steps as f64;
    let mut x = energy.descend(rec, x, h / 2.0)?;
    for left in (0..steps).rev() {
        let noise = rec.normal_like(x)?;
        let stirred = rec.blend(x, noise, 1.0, (2.0 * h).sqrt() as f32)?;
        // The second half of one step and the first of the next are one.
        x = energy.descend(rec, stirred, if left > 0 { h } else { h / 2.0 })?;
    }
    Ok(x)
}

/// Rows that follow (5) in memory that lasts, piece after piece of the same recording.
pub struct Particles {
    rows: Tensor,
    piece: Step,
    steps: usize,
}

impl Particles {
    /// Rows that start where `rows` are and move in its memory: a piece is `steps` steps of `h`. Their noise is that of `seed` and
    /// `domain` ([`Recorder::with_domain`]).
    ///
    /// # Errors
    /// As [`simulate`].
    pub fn new(gpu: &Gpu, seed: u64, domain: u32, energy: Energy, rows: &Tensor, h: f64, steps: usize) -> Result<Self> {
        let mut rec = Recorder::with_domain(gpu, seed, domain)?;
        let x = rec.tensor(rows);
        let moved = simulate(&mut rec, energy, x, h * steps as f64, steps)?;
        rec.copy_into(moved, x)?;
        Ok(Self { rows: rows.clone(), piece: rec.finish()?, steps })
    }

    /// Goes on for `steps` steps, which must be whole pieces, without waiting for the device.
    ///
    /// # Errors
    /// A part of a piece.
    pub fn advance(&mut self, steps: usize) -> Result<()> {
        if !steps.is_multiple_of(self.steps) {
            return Err(Error::usage(format!("{steps} steps were asked for, and a piece has {}: give a multiple", self.steps)));
        }
        self.piece.replay(steps / self.steps)
    }

    /// Where the rows are: waits for the device.
    pub fn read(&self) -> Result<Vec<f32>> {
        self.rows.read()
    }
}
