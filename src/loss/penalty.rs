//! Penalties on a network's slope, E h(‖∇ₓD(x)‖), with their gradient in the network's weights.
//!
//! Second order by one tangent: with v = ∂P/∂g at g = ∇ₓD(x) held fixed,
//!
//!   ∇_θ P = ∇_θ⟨v, ∇ₓD⟩ = ∇_θ Σᵢ JVP_v(D)(xᵢ),
//!
//! since ⟨v, ∇ₓD⟩ is the derivative of D along v. So P's rule hands its cotangent to the sum of recorded tangents, and no reverse
//! pass is ever differentiated.

use crate::Result;
use crate::gpu::{Recorder, Var};
use crate::ops::activation::Activation;

/// h of a slope's length r.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Penalty {
    /// r²: R₁ at data rows (Mescheder, Geiger & Nowozin 2018).
    Square,
    /// (r − 1)² (Gulrajani et al. 2017).
    TwoSided,
    /// max(0, r − 1)²: slopes below one are free (Petzka, Fischer & Lukovnikov 2018).
    OneSided,
}

/// What [`slope_penalty`] finds.
#[derive(Clone, Copy, Debug)]
pub struct Slopes {
    /// E h(‖∇ₓD‖), 1 × 1, whose gradient flows to what D is made of.
    pub penalty: Var,
    /// ‖∇ₓD‖² of each row, rows × 1, a constant of the reverse pass.
    pub squares: Var,
}

/// Below this a slope has no direction.
const LEAST: f32 = 1e-12;

/// The mean over rows of h(‖∇ₓD(x)‖) for d = D(x), rows × 1, of which each row depends on its own row of x alone. No gradient flows
/// to x.
pub fn slope_penalty(rec: &mut Recorder, x: Var, d: Var, penalty: Penalty) -> Result<Slopes> {
    let rows = x.rows() as f32;
    let slope = rec.backward_from(&[(d, None)], &[x])?[0];
    let slope = rec.detach(slope);
    let squares = rec.square(slope)?;
    let squares = rec.sum_cols(squares)?;
    let (value, v) = if penalty == Penalty::Square {
        (rec.mean(squares)?, rec.scale(slope, 2.0 / rows)?)
    } else {
        let above = rec.affine(squares, 1.0, LEAST)?;
        let length = rec.sqrt(above)?;
        let mut excess = rec.affine(length, 1.0, -1.0)?;
        if penalty == Penalty::OneSided {
            excess = rec.activation(excess, Activation::Relu)?;
        }
        let share = rec.div(excess, length)?;
        let v = rec.mul(slope, share)?;
        (rec.mean_square(excess)?, rec.scale(v, 2.0 / rows)?)
    };
    let squares = rec.detach(squares);
    let (value, v) = (rec.detach(value), rec.detach(v));
    let Some(along) = rec.tangent(d, &[(x, v)])? else { return Ok(Slopes { penalty: value, squares }) };
    let carrier = rec.sum(along)?;
    rec.record(&[carrier], &[value], move |rec, back| match back.of(rec, value)? {
        Some(d_value) => back.pass(rec, carrier, d_value),
        None => Ok(()),
    });
    Ok(Slopes { penalty: value, squares })
}
