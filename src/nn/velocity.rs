//! [`Velocity`]: a perceptron of a point and a time.
//!
//! v(x, t) is a perceptron whose first layer is xW + e(t)E + b with e the [`TimeEmbedding`]. At a time that all rows share
//! the last two are one row: an integration pays for the embedding once an evaluation, not once a row.

use super::{Activation, Builder, Head, Id, Mlp, MlpShape, Parameters, TimeEmbedding, Weights};
use crate::Result;
use crate::gpu::{Recorder, Var};

/// Sizes of a velocity network.
#[derive(Clone, Copy, Debug)]
pub struct VelocityShape {
    pub columns: usize,
    pub width: usize,
    pub depth: usize,
    pub activation: Activation,
    /// See [`MlpShape::input_gain`].
    pub input_gain: f32,
    pub time: TimeEmbedding,
}

/// A field that starts at zero.
#[derive(Clone, Debug)]
pub struct Velocity {
    time: TimeEmbedding,
    of_time: Id,
    mlp: Mlp,
}

impl Velocity {
    /// Adds the network's weights to `builder`.
    pub fn new(builder: &mut Builder, name: &str, shape: VelocityShape) -> Self {
        let inputs = 2 * shape.time.count;
        let of_time = builder.uniform(format!("{name}.time"), inputs, shape.width, (3.0 / inputs as f32).sqrt());
        let mlp = MlpShape {
            inputs: shape.columns,
            outputs: shape.columns,
            width: shape.width,
            depth: shape.depth,
            activation: shape.activation,
            head: Head::Free,
            input_gain: shape.input_gain,
            zero_last: true,
        };
        Self { time: shape.time, of_time, mlp: Mlp::new(builder, name, mlp) }
    }

    /// v(x, t) for rows x, each with its own time (rows × 1).
    pub fn forward(&self, rec: &mut Recorder, parameters: &Parameters, x: Var, t: Var, weights: Weights) -> Result<Var> {
        let layers = self.mlp.layers(rec, parameters, weights)?;
        let of_time = parameters.var(rec, self.of_time, weights)?;
        let embedded = self.time.forward(rec, t)?;
        let shift = rec.linear(embedded, of_time, Some(layers[0].1), Activation::Identity)?;
        let straight = rec.linear(x, layers[0].0, None, Activation::Identity)?;
        let first = rec.add(straight, shift)?;
        self.mlp.apply_after(rec, &layers[1..], first)
    }

    /// The same at one time for all rows, as a field to integrate.
    pub fn field<'a>(
        &'a self,
        rec: &mut Recorder,
        parameters: &'a Parameters,
        weights: Weights,
    ) -> Result<impl FnMut(&mut Recorder, Var, f64) -> Result<Var> + use<'a>> {
        let layers = self.mlp.layers(rec, parameters, weights)?;
        let of_time = parameters.var(rec, self.of_time, weights)?;
        Ok(move |rec: &mut Recorder, x: Var, t: f64| {
            let embedded = rec.gpu().upload(1, 2 * self.time.count, &self.time.at(t))?;
            let embedded = rec.tensor(&embedded);
            let shift = rec.linear(embedded, of_time, Some(layers[0].1), Activation::Identity)?;
            let first = rec.linear(x, layers[0].0, Some(shift), Activation::Identity)?;
            self.mlp.apply_after(rec, &layers[1..], first)
        })
    }
}
