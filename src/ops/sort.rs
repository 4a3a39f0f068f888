//! Sorting the columns of a value, with the rows that the sorted values came from: by a bitonic network in registers, or on
//! software adapters, from 257 rows on, by digits (twice as fast at 4,096 rows, six times at a million). Both give the same bits.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let x = gpu.upload(3, 2, &[3.0, 0.5, 1.0, 0.7, 2.0, 0.6])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let x = rec.tensor(&x);
//! let sorted = rec.sort_columns(x)?;
//! let values = rec.keep(sorted.values);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(values)?, [1.0, 0.5, 2.0, 0.6, 3.0, 0.7]);
//! # Ok(())
//! # }
//! ```

use crate::gpu::kernels::sort::network::{Backward as Scatter, Disperse, Flip, Follow, HELD as HELD_ROWS, Params, Start};
use crate::gpu::kernels::sort::radix::{Histogram, Params as RadixParams, Scan, Scatter as Place};
use crate::gpu::{Backward, Family, Recorder, Var};
use crate::{Error, Result};

/// Rows of a column that one invocation sorts in registers: 8 are slower, and 32 gain little and take long to compile.
const HELD: usize = HELD_ROWS as usize;

/// Rows from which sorting by digits is faster on a software adapter.
const RADIX_ROWS: usize = 256;
/// Lanes that sorting by digits wants for each of the host's threads, fewest rows that one works through, and most blocks of
/// rows in a column. (The answer does not depend on how the rows are divided.)
const RADIX_LANES: usize = 32;
const RADIX_BLOCK: usize = 1024;
const RADIX_BLOCKS: usize = 255;

/// Sorted columns.
#[derive(Clone, Copy, Debug)]
pub struct Sorted {
    /// Each column in ascending order.
    pub values: Var,
    /// u32, of the same shape: the row of x that each value came from.
    pub index: Var,
}

impl Recorder {
    /// Every column of x in ascending order. Equal values keep the order of their rows, −0 comes before +0, and NaNs go to the
    /// ends. The gradient goes back to the rows that the values came from.
    pub fn sort_columns(&mut self, x: Var) -> Result<Sorted> {
        let sorted = self.sort_columns_untaped(x)?;
        let Sorted { values, index } = sorted;
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_out) = back.of(rec, values)? else { return Ok(()) };
            let Some(slot) = back.slot(rec, x)? else { return Ok(()) };
            let params = Params { accumulate: slot.accumulate.into(), ..params(x, 0, false) };
            let groups = rec.groups(x.len(), Scatter::WIDTH);
            rec.dispatch(Scatter { params, index, values: d_out, out: slot.into }, groups)
        };
        self.record_with_tangent(&[x], &[values], vjp, move |rec, tangents| {
            let Some(x_dot) = tangents.of(x) else { return Ok(vec![None]) };
            Ok(vec![Some(rec.follow(x_dot, index)?)])
        });
        Ok(sorted)
    }

    /// out_kj = x at (index_kj, j): columns put into the order that another value's columns were sorted to.
    fn follow(&mut self, x: Var, index: Var) -> Result<Var> {
        let out = self.empty(x.rows(), x.cols())?;
        let groups = self.groups(x.len(), Follow::WIDTH);
        self.dispatch(Follow { params: params(x, 0, false), index, values: x, out }, groups)?;
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
            let Some(slot) = back.slot(rec, x)? else { return Ok(()) };
            let params = Params { accumulate: slot.accumulate.into(), ..params(x, 0, false) };
            rec.dispatch(Scatter { params, index, values: d_out, out: slot.into }, groups)
        };
        self.record_with_tangent(&[x], &[out], vjp, move |rec, tangents| {
            Ok(vec![tangents.of(x).map(|x_dot| rec.follow(x_dot, index)).transpose()?])
        });
        Ok(out)
    }

    /// The same without a gradient rule.
    pub(super) fn sort_columns_untaped(&mut self, x: Var) -> Result<Sorted> {
        if x.is_empty() {
            return Err(Error::shape("sort_columns", format!("{} × {} has nothing to sort", x.rows(), x.cols())));
        }
        if self.gpu().family() != Family::Workgroup && x.rows() > RADIX_ROWS {
            return self.sort_by_digits(x);
        }
        let (keys, origin) = (self.empty(x.rows(), x.cols())?, self.empty(x.rows(), x.cols())?);
        let passes = passes(x.rows());
        // Invocations: one for HELD rows of a column, at every distance.
        let groups = |rec: &Recorder, distance: usize| {
            let blocks = x.rows().div_ceil(HELD * distance);
            rec.groups(blocks * distance * x.cols(), Start::WIDTH)
        };
        let start = Start { params: params(x, 1, passes.is_empty()), x, keys, origin };
        self.dispatch(start, groups(self, 1))?;
        for (i, pass) in passes.iter().enumerate() {
            let last = i + 1 == passes.len();
            match *pass {
                Pass::Flip(distance) => {
                    let flip = Flip { params: params(x, distance, last), keys, origin };
                    self.dispatch(flip, groups(self, distance))?;
                }
                Pass::Disperse(distance) => {
                    let disperse = Disperse { params: params(x, distance, last), keys, origin };
                    self.dispatch(disperse, groups(self, distance))?;
                }
            }
        }
        Ok(Sorted { values: keys, index: origin })
    }

    fn sort_by_digits(&mut self, x: Var) -> Result<Sorted> {
        let (rows, cols) = (x.rows(), x.cols());
        let lanes = RADIX_LANES * std::thread::available_parallelism().map_or(1, usize::from);
        let blocks = lanes.div_ceil(cols).min(rows.div_ceil(RADIX_BLOCK)).clamp(1, RADIX_BLOCKS);
        let block_rows = rows.div_ceil(blocks);
        if block_rows > 65_535 {
            return Err(Error::shape("sort_columns", format!("{rows} rows; at most {} are sorted", 65_535 * blocks)));
        }
        // Three longer digits are faster than four where a block's rows outweigh its 2,048 counts.
        let bits: usize = if block_rows >= 4096 && blocks < 32 { 11 } else { 8 };
        let places = self.empty(blocks << bits, cols)?;
        let mut pair = || -> Result<(Var, Var)> { Ok((self.empty(rows, cols)?, self.empty(rows, cols)?)) };
        let (mut to, mut spare) = (pair()?, pair()?);
        let mut source = (x, x);
        for shift in (0..32).step_by(bits) {
            let params = RadixParams {
                rows: rows as u32,
                cols: cols as u32,
                blocks: blocks as u32,
                block_rows: block_rows as u32,
                shift: shift as u32,
                digits: 1 << bits,
                first: u32::from(shift == 0),
                last: u32::from(shift + bits >= 32),
            };
            let (groups, scan_groups) = (self.groups(blocks * cols, Histogram::WIDTH), self.groups(cols, Scan::WIDTH));
            self.dispatch(Histogram { params, x: source.0, places }, groups)?;
            self.dispatch(Scan { params, places }, scan_groups)?;
            let place = Place { params, x: source.0, x_origin: source.1, places, keys: to.0, origin: to.1 };
            self.dispatch(place, groups)?;
            source = to;
            std::mem::swap(&mut to, &mut spare);
        }
        Ok(Sorted { values: source.0, index: source.1 })
    }
}

fn params(x: Var, distance: usize, last: bool) -> Params {
    let (rows, cols) = x.shape();
    Params { rows, cols, distance: distance as u32, last: last.into(), accumulate: 0 }
}

/// A dispatch after the first, with the distance between the rows that an invocation holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pass {
    Flip(usize),
    Disperse(usize),
}

/// The dispatches that sort `rows` rows whose blocks of HELD are in order.
fn passes(rows: usize) -> Vec<Pass> {
    let mut all = Vec::new();
    let mut block = HELD;
    while block < rows {
        block *= 2;
        let mut distance = block / HELD;
        all.push(Pass::Flip(distance));
        while distance > 1 {
            // The last pass may repeat levels: they find their rows in order.
            distance = (distance / HELD).max(1);
            all.push(Pass::Disperse(distance));
        }
    }
    all
}
