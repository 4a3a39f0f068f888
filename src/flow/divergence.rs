//! The divergence of a field, ∇·v = Σ_c ∂v_c/∂x_c: exactly, one recorded tangent a column, or by random probes.

use crate::gpu::{Recorder, Var};
use crate::{Error, Result};

/// ∇·v of each row (rows × 1), where v was recorded from x and each row of v depends on its own row of x.
///
/// # Errors
/// Where v is not of x's shape, or something on the way has no tangent rule.
pub fn divergence(rec: &mut Recorder, v: Var, x: Var) -> Result<Var> {
    fit(v, x)?;
    let mut sum: Option<Var> = None;
    for column in 0..x.cols() {
        let unit: Vec<f32> = (0..x.cols()).map(|c| f32::from(u8::from(c == column))).collect();
        let unit = rec.gpu().upload(1, x.cols(), &unit)?;
        let unit = rec.tensor(&unit);
        let zero = rec.constant(0.0, x.rows(), x.cols())?;
        let along = rec.add(zero, unit)?;
        let Some(tangent) = rec.tangent(v, &[(x, along)])? else { continue };
        let own = rec.columns(tangent, column, 1)?;
        sum = Some(match sum {
            Some(sum) => rec.add(sum, own)?,
            None => own,
        });
    }
    match sum {
        Some(sum) => Ok(sum),
        None => rec.constant(0.0, x.rows(), 1),
    }
}

/// εᵀ(∂v/∂x)ε of each row for probes ε of x's shape: unbiased for ∇·v where E εεᵀ = I (Hutchinson 1989), with a variance of 2Σ_{i≠j} A²_ij
/// for signs, A being the symmetric part of the Jacobian.
///
/// # Errors
/// As [`divergence`].
pub fn probed_divergence(rec: &mut Recorder, v: Var, x: Var, probe: Var) -> Result<Var> {
    fit(v, x)?;
    match rec.tangent(v, &[(x, probe)])? {
        Some(tangent) => {
            let product = rec.mul(tangent, probe)?;
            rec.sum_cols(product)
        }
        None => rec.constant(0.0, x.rows(), 1),
    }
}

fn fit(v: Var, x: Var) -> Result<()> {
    if v.shape() == x.shape() {
        return Ok(());
    }
    Err(Error::shape("divergence", format!("{} × {} of {} × {}", v.rows(), v.cols(), x.rows(), x.cols())))
}
