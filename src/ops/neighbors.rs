//! Nearest rows and balls round rows, by brute force over pairs that are never stored. No gradient: these are for scores.

use crate::gpu::kernels::neighbors::{Add, Balls, Merge, Nearest, Params, Variant, axis};
use crate::gpu::{Recorder, Var};
use crate::{Error, Result};

/// Columns up to which a row is held in registers.
const REGISTERS: usize = axis::D::HIGH;
/// Rows of a workgroup, one an invocation.
const ROWS: usize = Nearest::WIDTH as usize;
/// Neighbors at most.
const MOST: usize = axis::K::HIGH;
/// Rows of y in a split at most: some drivers end loops silently after 65,535 rounds.
const LONGEST: usize = 32_768;
/// Pairs × columns in a dispatch at most, far below a second on any device.
const WORK: usize = 1 << 29;
/// Whole numbers are exact in f32 below this.
const EXACT: usize = 1 << 24;

struct Plan {
    params: Params,
    variant: Variant,
    splits: usize,
    rows_at_once: usize,
}

impl Recorder {
    /// For each row of `x` (n × d) the `k` least squared distances to rows of `y` (m × d), ascending, n × k; and the index of the
    /// nearest row as a number, n × 1. With `same`, row i of `y` is no neighbor of row i of `x`. Where there are fewer than `k`
    /// rows, 3·10³⁸ stands for those that are missing.
    pub fn nearest(&mut self, x: Var, y: Var, k: usize, same: bool) -> Result<(Var, Var)> {
        if k == 0 || k > MOST {
            return Err(Error::shape("nearest", format!("{k} neighbors were asked for: 1 to {MOST} are possible")));
        }
        let plan = self.neighbors("nearest", x, y, k, same)?;
        let (n, variant) = (x.rows(), plan.variant);
        let (least, place) = (self.empty(plan.splits * n, k)?, self.empty(plan.splits * n, 1)?);
        for (params, groups) in plan.dispatches(n) {
            self.dispatch(Nearest { variant, params, x, y, least, place }, groups)?;
        }
        if plan.splits == 1 {
            return Ok((least, place));
        }
        let (parts, places) = (least, place);
        let (least, place) = (self.empty(n, k)?, self.empty(n, 1)?);
        let groups = self.groups(n, Merge::WIDTH);
        self.dispatch(Merge { variant, params: plan.params, parts, places, least, place }, groups)?;
        Ok((least, place))
    }

    /// For each row of `x` (n × d), how many rows j of `y` (m × d) have |xᵢ − yⱼ|² ≤ `radius`ⱼ (m × 1): n × 1.
    pub fn balls(&mut self, x: Var, y: Var, radius: Var) -> Result<Var> {
        if radius.len() != y.rows() {
            return Err(Error::shape("balls", format!("{} radii for {} centers", radius.len(), y.rows())));
        }
        let plan = self.neighbors("balls", x, y, 1, false)?;
        let (n, variant) = (x.rows(), plan.variant);
        let count = self.empty(plan.splits * n, 1)?;
        for (params, groups) in plan.dispatches(n) {
            self.dispatch(Balls { variant, params, x, y, radius, count }, groups)?;
        }
        if plan.splits == 1 {
            return Ok(count);
        }
        let parts = count;
        let count = self.empty(n, 1)?;
        let groups = self.groups(n, Add::WIDTH);
        self.dispatch(Add { variant, params: plan.params, parts, count }, groups)?;
        Ok(count)
    }

    fn neighbors(&self, op: &'static str, x: Var, y: Var, k: usize, same: bool) -> Result<Plan> {
        let (n, m, d) = (x.rows(), y.rows(), x.cols());
        if y.cols() != d || x.is_empty() || y.is_empty() || same && n != m {
            return Err(Error::shape(
                op,
                format!("{n} × {d} against {m} × {}: the columns must agree, and no side be empty", y.cols()),
            ));
        }
        if n.max(m) > EXACT {
            let advice = "score a random part of the rows";
            let (needed, allowed) = (n.max(m) as u64, EXACT as u64);
            return Err(Error::Limit { what: op.into(), limit: "range of exact whole numbers in f32", needed, allowed, advice });
        }
        // Enough groups to fill the device, and no split longer than a loop may be; whole numbers of eight rows.
        let row_groups = n.div_ceil(ROWS);
        let wanted =
            (4 * self.gpu().parallel_groups() as usize).div_ceil(row_groups).min(m.div_ceil(256)).max(m.div_ceil(LONGEST)).max(1);
        let columns = m.div_ceil(wanted).next_multiple_of(8);
        let splits = m.div_ceil(columns);
        let rows_at_once = (WORK / (m * (d + 4))).clamp(ROWS, 65_535 * ROWS) / ROWS * ROWS;
        let params = Params {
            n: n as u32,
            m: m as u32,
            d: d as u32,
            columns: columns as u32,
            row_begin: 0,
            row_end: n as u32,
            splits: splits as u32,
            same: u32::from(same),
        };
        let variant = Variant { k: k.try_into()?, d: if d <= REGISTERS { d } else { 0 }.try_into()? };
        Ok(Plan { params, variant, splits, rows_at_once })
    }
}

impl Plan {
    /// The uniforms and groups of each block of rows.
    fn dispatches(&self, n: usize) -> Vec<(Params, [u32; 3])> {
        let one = |begin: usize| {
            let end = (begin + self.rows_at_once).min(n);
            let params = Params { row_begin: begin as u32, row_end: end as u32, ..self.params };
            (params, [(end - begin).div_ceil(ROWS) as u32, self.splits as u32, 1])
        };
        (0..n).step_by(self.rows_at_once).map(one).collect()
    }
}
