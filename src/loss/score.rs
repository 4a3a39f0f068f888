//! Energy scores: proper losses of a conditional distribution that is known by its draws (Gneiting & Raftery 2007, eq. 21).

use crate::gpu::{Recorder, Var};
use crate::{Error, Result};

/// Below this a difference has no direction, and its power no slope.
const LEAST: f32 = 1e-12;

/// ‖a − b‖^β of each row, rows × 1.
pub fn distances(rec: &mut Recorder, a: Var, b: Var, beta: f32) -> Result<Var> {
    let difference = rec.sub(a, b)?;
    let square = rec.square(difference)?;
    let square = rec.sum_cols(square)?;
    let square = rec.affine(square, 1.0, LEAST)?;
    if beta == 1.0 {
        return rec.sqrt(square);
    }
    let log = rec.log(square)?;
    let log = rec.scale(log, 0.5 * beta)?;
    rec.exp(log)
}

/// The energy score E‖X − Y‖^β − (λ/2)E‖Y − Y'‖^β over rows, 1 × 1: of each row of x (n × d) and draws Y of its own distribution, n × d each, two or more, by all
/// pairs of draws. For λ = 1 and β in (0, 2) it is least where Y has X's conditional distribution (Shen & Meinshausen 2024); λ < 1 asks for less spread
/// (De Bortoli et al. 2025).
///
/// # Errors
/// Fewer than two draws, shapes that differ.
pub fn energy_score(rec: &mut Recorder, draws: &[Var], x: Var, beta: f32, lambda: f32) -> Result<Var> {
    let m = draws.len();
    if m < 2 {
        return Err(Error::shape("energy_score", format!("{m} draws: two are needed to know their spread")));
    }
    let mut terms = Vec::new();
    for (i, &draw) in draws.iter().enumerate() {
        let off = distances(rec, draw, x, beta)?;
        terms.push((1.0 / m as f64, rec.mean(off)?));
        for &other in &draws[..i] {
            let apart = distances(rec, draw, other, beta)?;
            terms.push((-f64::from(lambda) / (m * (m - 1)) as f64, rec.mean(apart)?));
        }
    }
    let mut sum = None;
    for chunk in terms.chunks(6) {
        let part = rec.weighted_sum(chunk)?;
        sum = Some(match sum {
            None => part,
            Some(sum) => rec.add(sum, part)?,
        });
    }
    sum.ok_or_else(|| Error::shape("energy_score", "there is nothing to add"))
}
