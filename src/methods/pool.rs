//! Pools of pairs that a teacher makes ahead of the steps that learn from them: where noise began, and the row that it was taken to.

use crate::gpu::{Gpu, Kept, Recorder, Step, Tensor, Var};
use crate::{Error, Result};

/// Rows that one replay makes.
const CHUNK: usize = 8192;
/// Pairs have a counter domain of their own.
const DOMAIN: u32 = 0x9a1f;

/// Rows that steps draw for each pair of a pool whose size is chosen: making one takes 32 to 64 evaluations of a network, a row of a step three.
const DRAWN: usize = 16;

/// How many pairs a pool has: what is asked for, or as many as the steps that learn from it are worth, `most` at most.
pub fn size(asked: Option<usize>, steps: usize, batch: usize, most: usize) -> usize {
    asked.unwrap_or((steps.saturating_mul(batch) / DRAWN).clamp(1, most))
}

/// One batch of pairs, as a recording makes it.
pub struct Pairs {
    /// What noise begins as, and what it ends as: rows × columns each, the columns of the two free.
    pub from: Var,
    pub to: Var,
    /// ∫‖v‖² of each trajectory, rows × 1.
    pub energy: Var,
}

/// A recorded batch of pairs, and the memory that it fills.
pub struct Pool {
    step: Step,
    from: Kept,
    to: Kept,
    energy: Kept,
    tensor: Tensor,
    widths: (usize, usize),
    chunk: usize,
}

impl Pool {
    /// A pool of `rows` pairs, a whole number of chunks at least as large; `record` records how many rows it is asked for.
    pub fn new(gpu: &Gpu, seed: u64, rows: usize, record: impl FnOnce(&mut Recorder, usize) -> Result<Pairs>) -> Result<Self> {
        let chunk = rows.min(CHUNK).next_multiple_of(64);
        let mut rec = Recorder::with_domain(gpu, seed, DOMAIN)?;
        let Pairs { from, to, energy } = record(&mut rec, chunk)?;
        let widths = (from.cols(), to.cols());
        let tensor = gpu.zeros(rows.next_multiple_of(chunk), widths.0 + widths.1);
        let tensor = tensor.map_err(|e| match e {
            Error::Limit { .. } => {
                Error::usage(format!("`pairs` is {rows}, of {} numbers each: give fewer ({e})", widths.0 + widths.1))
            }
            e => e,
        })?;
        let [from, to, energy] = [from, to, energy].map(|v| rec.keep(v));
        Ok(Self { step: rec.finish()?, from, to, energy, tensor, widths, chunk })
    }

    /// The memory of the pairs, side by side.
    pub fn tensor(&self) -> Tensor {
        self.tensor.clone()
    }

    /// Fills the pool with the pairs of one round, the same whenever the teacher is the same; returns their straightness, E∫‖v‖² − E‖x₁ − x₀‖²,
    /// where both ends are of one space.
    pub fn fill(&mut self, round: u64) -> Result<f64> {
        let (a, b) = self.widths;
        let mut values = Vec::with_capacity(self.tensor.len());
        let (mut energy, mut distance) = (0.0, 0.0);
        let rows = self.tensor.rows();
        let chunks = (rows / self.chunk) as u64;
        self.step.set_count(round * chunks)?;
        for _ in 0..chunks {
            self.step.replay(1)?;
            let (from, to) = (self.step.read(self.from)?, self.step.read(self.to)?);
            energy += self.step.read(self.energy)?.iter().map(|&v| f64::from(v)).sum::<f64>();
            for (from, to) in from.chunks_exact(a).zip(to.chunks_exact(b)) {
                values.extend(from.iter().chain(to));
                distance += from.iter().zip(to).map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum::<f64>();
            }
        }
        self.tensor.write(&values)?;
        Ok((energy - distance) / rows as f64)
    }
}

/// `n` pairs of a pool, in shuffled passes: what noise began as, and what it ended as, of the given widths.
pub fn draw(rec: &mut Recorder, pool: &Tensor, n: usize, widths: (usize, usize)) -> Result<(Var, Var)> {
    let pool = rec.tensor(pool);
    let both = rec.batch(pool, n)?;
    Ok((rec.columns(both, 0, widths.0)?, rec.columns(both, widths.0, widths.1)?))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_pool_is_as_large_as_it_is_asked_to_be_or_as_its_steps_are_worth() {
        assert_eq!((size(Some(500), 3000, 1024, 65_536), size(None, 3000, 1024, 65_536)), (500, 65_536));
        assert_eq!((size(None, 300, 1024, 65_536), size(None, 1, 1, 65_536)), (19_200, 1));
    }
}
