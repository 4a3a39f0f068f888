//! Activations with gradient and tangent, to second order.

use crate::gpu::kernels::activation::{CurvatureProduct, Forward, Params, SlopeProduct, Variant, axis::V};
use crate::gpu::kernels::common::activation::axis::Act;
use crate::gpu::{Backward, Recorder, Var};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// An activation σ, applied element by element; the formulas stand in `shaders/common/activation.wgsl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    Identity,
    /// x/(1 + e⁻ˣ).
    #[default]
    Silu,
    Relu,
    /// The tanh form of Hendrycks & Gimpel (2016).
    Gelu,
    Tanh,
    Elu,
    /// ln(1 + eˣ).
    Softplus,
    /// 1/(1 + e⁻ˣ).
    Sigmoid,
}

impl Activation {
    pub const ALL: [Self; 8] =
        [Self::Identity, Self::Silu, Self::Relu, Self::Gelu, Self::Tanh, Self::Elu, Self::Softplus, Self::Sigmoid];

    /// The name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Silu => "silu",
            Self::Relu => "relu",
            Self::Gelu => "gelu",
            Self::Tanh => "tanh",
            Self::Elu => "elu",
            Self::Softplus => "softplus",
            Self::Sigmoid => "sigmoid",
        }
    }

    /// What shaders call it.
    pub(super) fn axis(self) -> Act {
        match self {
            Self::Identity => Act::Identity,
            Self::Silu => Act::Silu,
            Self::Relu => Act::Relu,
            Self::Gelu => Act::Gelu,
            Self::Tanh => Act::Tanh,
            Self::Elu => Act::Elu,
            Self::Softplus => Act::Softplus,
            Self::Sigmoid => Act::Sigmoid,
        }
    }

    /// The variant for this many elements, and how many lanes they fill.
    fn lanes(self, elements: usize) -> (Variant, usize) {
        let (v, wide) = if elements.is_multiple_of(4) { (V::V4, 4) } else { (V::V1, 1) };
        (Variant { v, act: self.axis() }, elements / wide)
    }
}

impl Recorder {
    /// σ(x), element by element.
    pub fn activation(&mut self, x: Var, activation: Activation) -> Result<Var> {
        if activation == Activation::Identity {
            return Ok(x);
        }
        let out = self.empty(x.rows(), x.cols())?;
        let (variant, lanes) = activation.lanes(x.len());
        let groups = self.groups(lanes, Forward::WIDTH);
        self.dispatch(Forward { variant, params: Params { len: lanes as u32, accumulate: 0 }, x, out }, groups)?;
        let vjp = move |rec: &mut Recorder, back: &mut Backward| rec.slope_backward(back, activation, x, out, x);
        self.record_with_tangent(&[x], &[out], vjp, move |rec, tangents| {
            Ok(vec![tangents.of(x).map(|x_dot| rec.activation_tangent(x, x_dot, activation)).transpose()?])
        });
        Ok(out)
    }

    /// σ'(x)·ẋ: the tangent of [`Recorder::activation`], with its own gradient rule, so that second order is an ordinary
    /// reverse pass.
    pub fn activation_tangent(&mut self, x: Var, x_dot: Var, activation: Activation) -> Result<Var> {
        if x.shape() != x_dot.shape() {
            let problem = format!("a tangent of {} × {} for {} × {}", x_dot.rows(), x_dot.cols(), x.rows(), x.cols());
            return Err(Error::shape("activation_tangent", problem));
        }
        if activation == Activation::Identity {
            return Ok(x_dot);
        }
        let out = self.empty(x.rows(), x.cols())?;
        let (variant, lanes) = activation.lanes(x.len());
        let groups = self.groups(lanes, SlopeProduct::WIDTH);
        let params = Params { len: lanes as u32, accumulate: 0 };
        self.dispatch(SlopeProduct { variant, params, x, v: x_dot, out }, groups)?;
        self.record(&[x, x_dot], &[out], move |rec, back| {
            rec.slope_backward(back, activation, x, out, x_dot)?;
            let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
            let Some(slot) = back.slot(rec, x)? else { return Ok(()) };
            let params = Params { accumulate: slot.accumulate.into(), ..params };
            rec.dispatch(CurvatureProduct { variant, params, x, v: x_dot, w: d_out, out: slot.into }, groups)
        });
        Ok(out)
    }

    /// d_into += σ'(x)·d_out.
    fn slope_backward(&mut self, back: &mut Backward, act: Activation, x: Var, out: Var, into: Var) -> Result<()> {
        let Some(d_out) = back.of(self, out)? else { return Ok(()) };
        let Some(slot) = back.slot(self, into)? else { return Ok(()) };
        let (variant, lanes) = act.lanes(x.len());
        let params = Params { len: lanes as u32, accumulate: slot.accumulate.into() };
        let groups = self.groups(lanes, SlopeProduct::WIDTH);
        self.dispatch(SlopeProduct { variant, params, x, v: d_out, out: slot.into }, groups)
    }
}
