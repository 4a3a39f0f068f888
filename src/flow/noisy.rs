//! Solvers for paths between noise and data, which know more than a velocity: x = αx₁ + σx₀, and a network that tells x₁ and x₀ apart.
//! Each step from t to t' > t is linear in x, the network's output and fresh noise w of x₀'s distribution, so it is one evaluation and one sum.
//!
//! - `ddim`: x' = α'D + σ'N with D, N the data and noise that the network sees in x (Song, Meng & Ermon 2021, η = 0).
//! - `dpm-solver-2m`: x' = σ'/σ·x + (α' − ασ'/σ)·D̄ with D̄ = D + h/2h₋·(D − D₋), h the step of ln(α/σ) and ₋ the step before (Lu et al.
//!   2022, algorithm 2); the first step and one to σ = 0 are of order 1.
//! - `ancestral`: x' = α'D + √(σ'² − τ²)·N + τw with τ² = η²σ'²(1 − α²σ'²/α'²σ²), for η = 1 the draw of x' given x and D (Ho et al. 2020).
//! - `euler-maruyama`: dx = (v + ½g²s)dt + g dB, whose distributions are those of the flow for every g (Song et al. 2021, eq. 6, run backwards), with the
//!   score s = −N/σ in units of the noise's covariance; no noise in the last step. g² is η² times the path's own where it has one, and 2σ
//!   elsewhere.
//! - `stochastic-heun`: x is first taken back by a share of the step (fresh noise in the right amount), then moved by Heun's rule in
//!   σ/α (Karras et al. 2022, algorithm 2, where α = 1).

use super::solver::{Solver, check};
use crate::gpu::{Recorder, Var};
use crate::ops::path::{Coefficients, Linear, Path, Prediction, Reading};
use crate::{Error, Result};

/// A network on a path of noise and data.
pub struct Denoiser<'a> {
    pub path: Path,
    pub prediction: Prediction,
    /// F(x, t).
    pub output: &'a mut dyn FnMut(&mut Recorder, Var, f64) -> Result<Var>,
    /// Fresh noise of x₀'s distribution, in the shape of its argument.
    pub noise: &'a mut dyn FnMut(&mut Recorder, Var) -> Result<Var>,
    /// η of `ancestral` and `euler-maruyama`: 0 is no noise at all.
    pub eta: f64,
    /// The share of a step that `stochastic-heun` goes back before it.
    pub churn: f64,
}

impl Linear {
    /// s·(this) + t·(other).
    fn and(self, s: f64, other: Self, t: f64) -> Self {
        Self { of_x: s * self.of_x + t * other.of_x, of_output: s * self.of_output + t * other.of_output }
    }

    fn record(self, rec: &mut Recorder, x: Var, output: Var) -> Result<Var> {
        rec.weighted_sum(&[(self.of_x, x), (self.of_output, output)])
    }
}

impl Denoiser<'_> {
    /// From x at the first time to the last, with the values at every one.
    ///
    /// # Errors
    /// Times that do not rise; a solver that follows any field.
    pub fn follow(&mut self, rec: &mut Recorder, solver: Solver, times: &[f64], x: Var) -> Result<Vec<Var>> {
        check(times)?;
        if times[1] < times[0] {
            return Err(Error::usage(format!(
                "`{}` integrates from noise to data only: for the inverse choose a solver of ordinary differential equations, such as heun",
                solver.name()
            )));
        }
        let mut states = vec![x];
        let mut before: Option<(Var, f64)> = None;
        for (k, pair) in times.windows(2).enumerate() {
            let (x, last) = (states[k], k + 2 == times.len());
            let next = match solver {
                Solver::Ddim => self.ancestral(rec, x, pair[0], pair[1], 0.0)?,
                Solver::Ancestral => self.ancestral(rec, x, pair[0], pair[1], self.eta)?,
                Solver::DpmSolver2m => self.multistep(rec, x, pair[0], pair[1], &mut before)?,
                Solver::EulerMaruyama => self.euler_maruyama(rec, x, pair[0], pair[1], last)?,
                Solver::StochasticHeun => self.churned(rec, x, pair[0], pair[1])?,
                _ => return Err(Error::usage(format!("`{}` integrates a velocity field", solver.name()))),
            };
            states.push(next);
        }
        Ok(states)
    }

    fn at(&self, t: f64) -> (Coefficients, Reading) {
        let c = self.path.at(t);
        (c, self.prediction.read(c))
    }

    fn ancestral(&mut self, rec: &mut Recorder, x: Var, t: f64, next: f64, eta: f64) -> Result<Var> {
        let ((from, seen), to) = (self.at(t), self.path.at(next));
        let output = (self.output)(rec, x, t)?;
        let kept = from.alpha * to.sigma / (to.alpha * from.sigma);
        let fresh = eta * to.sigma * (1.0 - kept * kept).max(0.0).sqrt();
        let moved = seen.data.and(to.alpha, seen.noise, (to.sigma * to.sigma - fresh * fresh).max(0.0).sqrt());
        if fresh == 0.0 {
            return moved.record(rec, x, output);
        }
        let w = (self.noise)(rec, x)?;
        rec.weighted_sum(&[(moved.of_x, x), (moved.of_output, output), (fresh, w)])
    }

    fn multistep(&mut self, rec: &mut Recorder, x: Var, t: f64, next: f64, before: &mut Option<(Var, f64)>) -> Result<Var> {
        let ((from, seen), to) = (self.at(t), self.path.at(next));
        let output = (self.output)(rec, x, t)?;
        let data = seen.data.record(rec, x, output)?;
        let log_ratio = |c: Coefficients| (c.alpha / c.sigma).ln();
        let (kept, gained) = (to.sigma / from.sigma, to.alpha - from.alpha * to.sigma / from.sigma);
        let slope = before.and_then(|(earlier, at)| {
            let (h, h_before) = (log_ratio(to) - log_ratio(from), log_ratio(from) - log_ratio(self.path.at(at)));
            let share = 0.5 * h / h_before;
            (share.is_finite() && share > 0.0).then_some((earlier, share))
        });
        *before = Some((data, t));
        match slope {
            Some((earlier, share)) => rec.weighted_sum(&[(kept, x), (gained * (1.0 + share), data), (-gained * share, earlier)]),
            None => rec.weighted_sum(&[(kept, x), (gained, data)]),
        }
    }

    fn euler_maruyama(&mut self, rec: &mut Recorder, x: Var, t: f64, next: f64, last: bool) -> Result<Var> {
        let (from, seen) = self.at(t);
        let output = (self.output)(rec, x, t)?;
        let h = next - t;
        let g2 = self.eta * self.eta * self.path.diffusion(t).unwrap_or(2.0 * from.sigma);
        let moved = seen.velocity.and(h, seen.noise, if g2 == 0.0 { 0.0 } else { -0.5 * h * g2 / from.sigma });
        let moved = Linear { of_x: 1.0 + moved.of_x, ..moved };
        if last || g2 == 0.0 {
            return moved.record(rec, x, output);
        }
        let w = (self.noise)(rec, x)?;
        rec.weighted_sum(&[(moved.of_x, x), (moved.of_output, output), ((h * g2).sqrt(), w)])
    }

    fn churned(&mut self, rec: &mut Recorder, x: Var, t: f64, next: f64) -> Result<Var> {
        let from = self.path.at(t);
        let back = (t - self.churn * (next - t)).max(0.0);
        let (mut x, mut begin) = (x, t);
        if back < t && from.alpha > 0.0 {
            let earlier = self.path.at(back);
            let kept = earlier.alpha / from.alpha;
            let fresh = (earlier.sigma * earlier.sigma - (kept * from.sigma).powi(2)).max(0.0).sqrt();
            let w = (self.noise)(rec, x)?;
            (x, begin) = (rec.weighted_sum(&[(kept, x), (fresh, w)])?, back);
        }
        let ((from, seen), (to, there)) = (self.at(begin), self.at(next));
        let output = (self.output)(rec, x, begin)?;
        let predicted = seen.data.and(to.alpha, seen.noise, to.sigma).record(rec, x, output)?;
        // Noise is no longer told from the data at the data's end, nor the data from noise at the other.
        if to.sigma <= 1e-3 || from.alpha <= 1e-3 {
            return Ok(predicted);
        }
        let second = (self.output)(rec, predicted, next)?;
        // x'/α' = x/α + (σ'/α' − σ/α)·½(N + N').
        let kept = to.alpha / from.alpha;
        let half = 0.5 * (to.sigma - kept * from.sigma);
        rec.weighted_sum(&[
            (kept + half * seen.noise.of_x, x),
            (half * seen.noise.of_output, output),
            (half * there.noise.of_x, predicted),
            (half * there.noise.of_output, second),
        ])
    }
}
