//! Sums and means over everything, over rows or over columns; sums of squares. Two stages in a fixed order.

use crate::gpu::kernels::reduce::{Columns, FinishAll, FinishRows, Params, PartialAll, PartialRows, Variant};
use crate::gpu::{Backward, Recorder, Var};
use crate::{Error, Result};

/// Invocations of stage one of a full sum, so that a loop stays far below 65,535 rounds for any tensor that fits.
const PARTS: usize = 4096;
/// Row blocks of stage one of a sum over rows.
const BLOCKS: usize = 64;

/// Sums of what is there, not of its square.
const PLAIN: Variant = Variant { square: false };

impl Recorder {
    /// Σ of all elements, 1 × 1.
    pub fn sum(&mut self, x: Var) -> Result<Var> {
        self.taped_sum(x, 1.0, false)
    }

    /// Mean of all elements, 1 × 1.
    pub fn mean(&mut self, x: Var) -> Result<Var> {
        self.taped_sum(x, 1.0 / x.len() as f32, false)
    }

    /// Mean of the squares of all elements, 1 × 1.
    pub fn mean_square(&mut self, x: Var) -> Result<Var> {
        self.taped_sum(x, 1.0 / x.len() as f32, true)
    }

    /// Σ over rows, 1 × columns.
    pub fn sum_rows(&mut self, x: Var) -> Result<Var> {
        let out = self.sum_rows_untaped(x)?;
        self.record_with_tangent(&[x], &[out], spread(x, out), move |rec, tangents| {
            Ok(vec![tangents.of(x).map(|d| rec.sum_rows(d)).transpose()?])
        });
        Ok(out)
    }

    /// Σ over columns, rows × 1.
    pub fn sum_cols(&mut self, x: Var) -> Result<Var> {
        let out = self.sum_cols_untaped(x)?;
        self.record_with_tangent(&[x], &[out], spread(x, out), move |rec, tangents| {
            Ok(vec![tangents.of(x).map(|d| rec.sum_cols(d)).transpose()?])
        });
        Ok(out)
    }

    fn taped_sum(&mut self, x: Var, scale: f32, square: bool) -> Result<Var> {
        let out = self.full_sum(x, scale, square)?;
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            if square {
                match (back.known(out), back.of(rec, out)?) {
                    (Some(known), _) => back.pass_scaled(rec, x, x, 2.0 * scale * known),
                    (None, Some(d_out)) => {
                        let product = rec.mul(x, d_out)?;
                        back.pass_scaled(rec, x, product, 2.0 * scale)
                    }
                    (None, None) => Ok(()),
                }
            } else {
                match (back.known(out), back.of(rec, out)?) {
                    (Some(known), _) => back.pass_known(rec, x, scale * known),
                    (None, Some(d_out)) => {
                        let zero = rec.constant(0.0, x.rows(), x.cols())?;
                        let full = rec.add(zero, d_out)?;
                        back.pass_scaled(rec, x, full, scale)
                    }
                    (None, None) => Ok(()),
                }
            }
        };
        self.record_with_tangent(&[x], &[out], vjp, move |rec, tangents| {
            let Some(x_dot) = tangents.of(x) else { return Ok(vec![None]) };
            let (inner, scale) = if square { (rec.mul(x, x_dot)?, 2.0 * scale) } else { (x_dot, scale) };
            Ok(vec![Some(rec.taped_sum(inner, scale, false)?)])
        });
        Ok(out)
    }

    pub(crate) fn sum_untaped(&mut self, x: Var) -> Result<Var> {
        self.full_sum(x, 1.0, false)
    }

    /// scale·Σx or scale·Σx², without a gradient rule.
    pub(crate) fn full_sum(&mut self, x: Var, scale: f32, square: bool) -> Result<Var> {
        if x.is_empty() {
            return Err(Error::shape("sum", "there is nothing to add up"));
        }
        let (rows, cols) = x.shape();
        let variant = Variant { square };
        let out = self.empty(1, 1)?;
        if x.len() <= PARTS {
            let params = Params { rows, cols, parts: x.len() as u32, scale };
            self.dispatch(FinishAll { variant, params, x, out }, [1, 1, 1])?;
            return Ok(out);
        }
        let partial = self.empty(1, PARTS)?;
        let params = Params { rows, cols, parts: PARTS as u32, scale };
        let groups = self.groups(PARTS, PartialAll::WIDTH);
        self.dispatch(PartialAll { variant, params, x, out: partial }, groups)?;
        self.dispatch(FinishAll { variant: PLAIN, params, x: partial, out }, [1, 1, 1])?;
        Ok(out)
    }

    pub(crate) fn sum_rows_untaped(&mut self, x: Var) -> Result<Var> {
        let (rows, cols) = x.shape();
        let out = self.empty(1, x.cols())?;
        let parts = x.rows().min(BLOCKS);
        let params = Params { rows, cols, parts: parts as u32, scale: 1.0 };
        let groups = cols.div_ceil(PartialRows::WIDTH);
        let partial = self.empty(parts, x.cols())?;
        self.dispatch(PartialRows { variant: PLAIN, params, x, out: partial }, [groups, parts as u32, 1])?;
        self.dispatch(FinishRows { variant: PLAIN, params, x: partial, out }, [groups, 1, 1])?;
        Ok(out)
    }

    pub(crate) fn sum_cols_untaped(&mut self, x: Var) -> Result<Var> {
        let (rows, cols) = x.shape();
        let out = self.empty(x.rows(), 1)?;
        let params = Params { rows, cols, parts: 0, scale: 1.0 };
        let groups = self.groups(x.rows(), Columns::WIDTH);
        self.dispatch(Columns { variant: PLAIN, params, x, out }, groups)?;
        Ok(out)
    }
}

/// The cotangent of a sum over one direction is the same along it.
fn spread(x: Var, out: Var) -> impl Fn(&mut Recorder, &mut Backward) -> Result<()> {
    move |rec, back| {
        let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
        let zero = rec.constant(0.0, x.rows(), x.cols())?;
        let full = rec.add(zero, d_out)?;
        back.pass(rec, x, full)
    }
}
