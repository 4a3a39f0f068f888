//! A sum of matrices, each with a coefficient a row: αx₁ + σx₀ where every row has a time of its own, in one dispatch.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! // Two rows with the coefficients (1, 2) and (3, 4).
//! let (table, x) = (gpu.upload(2, 2, &[1.0, 2.0, 3.0, 4.0])?, gpu.upload(2, 1, &[10.0, 100.0])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (table, x) = (rec.tensor(&table), rec.tensor(&x));
//! let y = rec.combine(table, &[(0, 1.0, x), (1, -0.5, x)])?;
//! let y = rec.keep(y);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(y)?, [0.0, 100.0]);
//! # Ok(())
//! # }
//! ```

use crate::gpu::kernels::combine::{Params, Sum};
use crate::gpu::{Backward, Recorder, Var};
use crate::{Error, Result};

/// Operands of one sum: as many as default limits bind.
const MOST: usize = 6;

/// A term s·T\[·, c\]·V: the table's column c, the scale s, the matrix V.
pub type Term = (usize, f32, Var);

impl Recorder {
    /// Σ s·T\[i, c\]·V\[i, ·\] over up to six terms (c, s, V) of one shape; the table T has a row for each of theirs, or one for all.
    /// Gradients flow to the matrices, not to the table.
    ///
    /// # Errors
    /// No term or more than six, shapes that differ, a column that the table does not have.
    pub fn combine(&mut self, table: Var, terms: &[Term]) -> Result<Var> {
        let Some(&(_, _, first)) = terms.first() else { return Err(Error::shape("combine", "there is nothing to add")) };
        if terms.len() > MOST {
            return Err(Error::shape("combine", format!("{} terms; at most {MOST} are added at once", terms.len())));
        }
        if let Some((_, _, other)) = terms.iter().find(|t| t.2.shape() != first.shape()) {
            let (a, b) = (first.shape(), other.shape());
            return Err(Error::shape("combine", format!("{} × {} beside {} × {}", a.0, a.1, b.0, b.1)));
        }
        if table.rows() != 1 && table.rows() != first.rows() {
            return Err(Error::shape("combine", format!("a table of {} rows for {} rows", table.rows(), first.rows())));
        }
        if let Some((column, ..)) = terms.iter().find(|t| t.0 >= table.cols()) {
            return Err(Error::shape("combine", format!("column {column} of a table of {}", table.cols())));
        }
        let out = self.empty(first.rows(), first.cols())?;
        self.add_terms(table, terms, out, false)?;
        let inputs: Vec<Var> = terms.iter().map(|t| t.2).collect();
        let (of_rule, of_tangent) = (terms.to_vec(), terms.to_vec());
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
            for &(column, scale, v) in &of_rule {
                if let Some(slot) = back.slot(rec, v)? {
                    rec.add_terms(table, &[(column, scale, d_out)], slot.into, slot.accumulate)?;
                }
            }
            Ok(())
        };
        self.record_with_tangent(&inputs, &[out], vjp, move |rec, tangents| {
            let moving: Vec<Term> = of_tangent.iter().filter_map(|&(c, s, v)| Some((c, s, tangents.of(v)?))).collect();
            if moving.is_empty() { Ok(vec![None]) } else { Ok(vec![Some(rec.combine(table, &moving)?)]) }
        });
        Ok(out)
    }

    /// Σ s·V with coefficients known while recording, in one dispatch; terms of no weight are left out.
    ///
    /// # Errors
    /// As [`Recorder::combine`].
    pub fn weighted_sum(&mut self, terms: &[(f64, Var)]) -> Result<Var> {
        let one = self.constant(1.0, 1, 1)?;
        let weighing: Vec<Term> = terms.iter().filter(|(s, _)| *s != 0.0).map(|&(s, v)| (0, s as f32, v)).collect();
        match (weighing.is_empty(), terms.first()) {
            (true, Some((_, v))) => self.constant(0.0, v.rows(), v.cols()),
            _ => self.combine(one, &weighing),
        }
    }

    fn add_terms(&mut self, table: Var, terms: &[Term], out: Var, accumulate: bool) -> Result<()> {
        let spread = table.rows() == 1;
        let term = |k: usize| terms.get(k).copied().unwrap_or((0, 0.0, terms[0].2));
        let [(c0, s0, v0), (c1, s1, v1), (c2, s2, v2), (c3, s3, v3), (c4, s4, v4), (c5, s5, v5)] = [0, 1, 2, 3, 4, 5].map(term);
        let [c0, c1, c2, c3, c4, c5] = [c0, c1, c2, c3, c4, c5].map(|c| c as u32);
        let params = Params {
            len: out.len() as u32,
            cols: out.cols() as u32,
            stride: if spread { 0 } else { table.cols() as u32 },
            count: terms.len() as u32,
            accumulate: accumulate.into(),
            c0,
            c1,
            c2,
            c3,
            c4,
            c5,
            s0,
            s1,
            s2,
            s3,
            s4,
            s5,
        };
        let groups = self.groups(out.len(), Sum::WIDTH);
        self.dispatch(Sum { params, coefficients: table, v0, v1, v2, v3, v4, v5, out }, groups)
    }
}
