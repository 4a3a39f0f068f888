//! Choosing rows and columns: shuffled and weighted batches, rows by index, slices and joins of columns.

use super::random::philox;
use crate::gpu::kernels::gather::{Batch, Block, Columns, Params, Pick, Put, Rows, Weighted};
use crate::gpu::{Backward, Recorder, Var};
use crate::{Error, Result};

/// Half the bits of the smallest even power of two that holds `rows`.
pub fn half_bits(rows: u32) -> u32 {
    (32 - rows.saturating_sub(1).leading_zeros()).div_ceil(2).max(1)
}

/// Running sums of weights (0 or above, not all 0) over their total, in units of 2⁻³²; from the last row with a weight on, 2³² − 1.
pub fn thresholds(weights: &[f32]) -> Vec<u32> {
    let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
    let last = weights.iter().rposition(|&w| w > 0.0).unwrap_or(0);
    let mut sum = 0.0;
    let threshold = |(i, &w): (usize, &f32)| {
        sum += f64::from(w);
        // A float beyond the range becomes the range's end.
        if i >= last { u32::MAX } else { (sum / total * 4_294_967_296.0).round() as u32 }
    };
    weights.iter().enumerate().map(threshold).collect()
}

/// Who asks: the words of the step's state, and the op's stream.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub step: u32,
    pub seed: u64,
    pub domain: u32,
    pub stream: u32,
}

impl Place {
    pub(crate) fn key(self) -> [u32; 2] {
        [self.seed as u32, (self.seed >> 32) as u32]
    }
}

fn feistel(value: u32, epoch: u32, half: u32, at: Place) -> u32 {
    let mask = (1 << half) - 1;
    let (mut left, mut right) = (value >> half, value & mask);
    for round in 0..6 {
        let word = philox([right, at.stream + (round << 24), epoch, at.domain], at.key())[0];
        (left, right) = (right, left ^ (word & mask));
    }
    left << half | right
}

/// The rows that [`Recorder::batch`] takes of `rows`, `n` at a step, as the shader finds them.
pub fn batch(n: u32, rows: u32, at: Place) -> Vec<u32> {
    let half = half_bits(rows);
    (0..n)
        .map(|i| {
            let position = u64::from(at.step) * u64::from(n) + u64::from(i);
            let (epoch, place) = ((position / u64::from(rows)) as u32, (position % u64::from(rows)) as u32);
            let mut value = feistel(place, epoch, half, at);
            while value >= rows {
                value = feistel(value, epoch, half, at);
            }
            value
        })
        .collect()
}

impl Recorder {
    /// `n` rows of `data`, the next of a shuffled pass at every replay: each epoch visits every row once, in an order of
    /// its own that follows from the seed. No gradient flows into the data.
    pub fn batch(&mut self, data: Var, n: usize) -> Result<Var> {
        self.batch_of_blocks(&[data], n)
    }

    /// The same where the columns stand in several blocks, each with all rows: those of one row side by side.
    pub fn batch_of_blocks(&mut self, blocks: &[Var], n: usize) -> Result<Var> {
        let first = first_block("batch", blocks, n)?;
        let (rows, half_bits) = (first.rows() as u32, half_bits(first.rows() as u32));
        let shared = Params { n: n as u32, rows, stream: self.next_stream(), half_bits, ..Default::default() };
        let state = self.state();
        let groups = self.groups(n, Batch::WIDTH);
        self.each_block(blocks, n, |rec, x, out| {
            rec.dispatch(Batch { params: Params { cols: x.cols() as u32, ..shared }, state, x, out }, groups)
        })
    }

    /// `n` independent rows of `data`, each with the chance that its weight gives it, to within 2⁻³². `thresholds` (rows × 1, whole
    /// numbers) are those of `thresholds`.
    pub fn batch_weighted(&mut self, data: Var, thresholds: Var, n: usize) -> Result<Var> {
        self.batch_of_weighted_blocks(&[data], thresholds, n)
    }

    /// The same where the columns stand in several blocks, each with all rows.
    pub fn batch_of_weighted_blocks(&mut self, blocks: &[Var], thresholds: Var, n: usize) -> Result<Var> {
        let first = first_block("batch_weighted", blocks, n)?;
        if thresholds.len() != first.rows() {
            let problem = format!("{} rows by {} weights", first.rows(), thresholds.len());
            return Err(Error::shape("batch_weighted", problem));
        }
        let shared = Params { n: n as u32, rows: first.rows() as u32, stream: self.next_stream(), ..Default::default() };
        let state = self.state();
        let groups = self.groups(n, Weighted::WIDTH);
        self.each_block(blocks, n, |rec, x, out| {
            rec.dispatch(Weighted { params: Params { cols: x.cols() as u32, ..shared }, state, x, thresholds, out }, groups)
        })
    }

    /// What `take` writes of each block, side by side.
    fn each_block(&mut self, blocks: &[Var], n: usize, take: impl Fn(&mut Self, Var, Var) -> Result<()>) -> Result<Var> {
        let mut parts = Vec::with_capacity(blocks.len());
        for &x in blocks {
            let out = self.empty(n, x.cols())?;
            take(self, x, out)?;
            parts.push(out);
        }
        if let [all] = parts[..] { Ok(all) } else { self.concat(&parts) }
    }

    /// Rows of `x` by number (`index` holds integers, one a row of the result). No gradient flows into `x`.
    pub fn rows(&mut self, x: Var, index: Var) -> Result<Var> {
        if x.is_empty() || index.is_empty() {
            return Err(Error::shape("rows", "there is nothing to choose from, or nothing to choose"));
        }
        let out = self.empty(index.len(), x.cols())?;
        let (rows, cols) = x.shape();
        let params = Params { n: index.len() as u32, rows, cols, ..Default::default() };
        let groups = self.groups(out.len(), Rows::WIDTH);
        self.dispatch(Rows { params, x, index, out }, groups)?;
        Ok(out)
    }

    /// The next block of `n` rows of `x` at every replay, over and over: rows n·(step mod rows/n) and on. No gradient flows into `x`.
    pub fn block(&mut self, x: Var, n: usize) -> Result<Var> {
        if x.is_empty() || n == 0 || !x.rows().is_multiple_of(n) {
            let problem = format!("{} × {} is no whole number of blocks of {n} rows", x.rows(), x.cols());
            return Err(Error::shape("block", problem));
        }
        let out = self.empty(n, x.cols())?;
        let (rows, cols) = x.shape();
        let params = Params { n: n as u32, rows, cols, ..Default::default() };
        let state = self.state();
        let groups = self.groups(out.len(), Block::WIDTH);
        self.dispatch(Block { params, state, x, out }, groups)?;
        Ok(out)
    }

    /// Columns `first` to `first + count` of `x`.
    pub fn columns(&mut self, x: Var, first: usize, count: usize) -> Result<Var> {
        if count == 0 || first + count > x.cols() {
            return Err(Error::shape("columns", format!("{count} from {first} on, of {}", x.cols())));
        }
        let out = self.empty(x.rows(), count)?;
        self.move_columns(x, first, out, 0, count, false)?;
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
            if !back.wants(x) {
                return Ok(());
            }
            let into = begun(rec, back, x)?;
            rec.move_columns(d_out, 0, into, first, count, true)
        };
        self.record_with_tangent(&[x], &[out], vjp, move |rec, tangents| {
            Ok(vec![tangents.of(x).map(|x_dot| rec.columns(x_dot, first, count)).transpose()?])
        });
        Ok(out)
    }

    /// Columns of `x` by number, in the order of `index`: a tensor of whole numbers below the columns of `x`, none of them twice.
    ///
    /// # Errors
    /// Nothing to pick, or more than there are columns.
    pub fn pick(&mut self, x: Var, index: Var) -> Result<Var> {
        let count = index.len();
        if x.is_empty() || count == 0 || count > x.cols() {
            return Err(Error::shape("pick", format!("{count} of {} columns", x.cols())));
        }
        let out = self.empty(x.rows(), count)?;
        let params = Params {
            n: x.rows() as u32,
            cols: x.cols() as u32,
            out_cols: x.cols() as u32,
            count: count as u32,
            ..Default::default()
        };
        let groups = self.groups(out.len(), Pick::WIDTH);
        self.dispatch(Pick { params, x, index, out }, groups)?;
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
            if !back.wants(x) {
                return Ok(());
            }
            let into = begun(rec, back, x)?;
            rec.dispatch(Put { params, x: d_out, index, out: into }, groups)
        };
        self.record_with_tangent(&[x], &[out], vjp, move |rec, tangents| {
            Ok(vec![tangents.of(x).map(|x_dot| rec.pick(x_dot, index)).transpose()?])
        });
        Ok(out)
    }

    /// The columns of several values of as many rows, side by side.
    pub fn concat(&mut self, parts: &[Var]) -> Result<Var> {
        let Some(first) = parts.first() else { return Err(Error::shape("concat", "there is nothing to join")) };
        if let Some(other) = parts.iter().find(|p| p.rows() != first.rows()) {
            return Err(Error::shape("concat", format!("{} rows beside {}", other.rows(), first.rows())));
        }
        let out = self.empty(first.rows(), parts.iter().map(|p| p.cols()).sum())?;
        let mut at = 0;
        let mut places = Vec::new();
        for &part in parts {
            self.move_columns(part, 0, out, at, part.cols(), false)?;
            places.push((part, at));
            at += part.cols();
        }
        let of_rule = places.clone();
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
            for &(part, at) in &of_rule {
                if let Some(slot) = back.slot(rec, part)? {
                    rec.move_columns(d_out, at, slot.into, 0, part.cols(), slot.accumulate)?;
                }
            }
            Ok(())
        };
        let inputs = parts.to_vec();
        self.record_with_tangent(&inputs, &[out], vjp, move |rec, tangents| {
            if places.iter().all(|(part, _)| tangents.of(*part).is_none()) {
                return Ok(vec![None]);
            }
            let mut dots = Vec::with_capacity(places.len());
            for (part, _) in &places {
                dots.push(match tangents.of(*part) {
                    Some(dot) => dot,
                    None => rec.constant(0.0, part.rows(), part.cols())?,
                });
            }
            Ok(vec![Some(rec.concat(&dots)?)])
        });
        Ok(out)
    }

    fn move_columns(&mut self, x: Var, first: usize, out: Var, to: usize, count: usize, accumulate: bool) -> Result<()> {
        let params = Params {
            n: x.rows() as u32,
            rows: x.rows() as u32,
            cols: x.cols() as u32,
            out_cols: out.cols() as u32,
            first: first as u32,
            to: to as u32,
            count: count as u32,
            accumulate: accumulate.into(),
            ..Default::default()
        };
        let groups = self.groups(x.rows() * count, Columns::WIDTH);
        self.dispatch(Columns { params, x, out }, groups)
    }
}

/// The first of the blocks that a batch of `n` rows is taken from.
fn first_block(op: &'static str, blocks: &[Var], n: usize) -> Result<Var> {
    match blocks {
        [first, rest @ ..] if n > 0 && !first.is_empty() && rest.iter().all(|x| !x.is_empty() && x.rows() == first.rows()) => {
            Ok(*first)
        }
        _ => {
            let shapes: Vec<String> = blocks.iter().map(|x| format!("{} × {}", x.rows(), x.cols())).collect();
            Err(Error::shape(op, format!("{n} rows of {}", shapes.join(" and "))))
        }
    }
}

/// The cotangent of `x`, to be added to: where this is its first contribution it starts at zero, for columns that get nothing.
fn begun(rec: &mut Recorder, back: &mut Backward, x: Var) -> Result<Var> {
    let slot = back.slot(rec, x)?.ok_or_else(|| Error::shape("columns", "a gradient that is not wanted"))?;
    if !slot.accumulate {
        let zero = rec.constant(0.0, x.rows(), x.cols())?;
        rec.copy_into(zero, slot.into)?;
    }
    Ok(slot.into)
}
