//! [`Velocity`]: a perceptron of a point and a time.
//!
//! v(x, t) is a perceptron whose first layer is xW + e(t)E + b with e the [`TimeEmbedding`]. At a time that all rows share
//! the last two are one row: an integration pays for the embedding once an evaluation, not once a row.

use super::{Activation, Builder, Head, Id, Mlp, MlpShape, Parameters, Time, TimeEmbedding, Weights};
use crate::Result;
use crate::gpu::{Recorder, Var};

/// Sizes of a velocity network.
#[derive(Clone, Copy, Debug)]
pub struct VelocityShape {
    /// Columns of a point, given ones included.
    pub columns: usize,
    /// Columns of the answer: as many as a point moves in, or twice as many for a network of two heads.
    pub outputs: usize,
    pub width: usize,
    pub depth: usize,
    pub activation: Activation,
    /// See [`MlpShape::input_gain`].
    pub input_gain: f32,
    pub time: TimeEmbedding,
}

impl VelocityShape {
    /// Of the perceptron behind the times.
    pub(super) fn mlp(&self) -> MlpShape {
        MlpShape {
            inputs: self.columns,
            outputs: self.outputs,
            width: self.width,
            depth: self.depth,
            activation: self.activation,
            head: Head::Free,
            input_gain: self.input_gain,
            zero_last: true,
        }
    }
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
        Self { time: shape.time, of_time, mlp: Mlp::new(builder, name, shape.mlp()) }
    }

    /// v(x, t) for rows x, each with its own time (rows × 1), or all with one (1 × 1).
    pub fn forward(&self, rec: &mut Recorder, parameters: &Parameters, x: Var, t: Var, weights: Weights) -> Result<Var> {
        let embedded = self.time.forward(rec, t)?;
        self.embedded(rec, parameters, x, embedded, weights)
    }

    /// v(x, t) at one time for all rows.
    pub fn at(&self, rec: &mut Recorder, parameters: &Parameters, x: Var, time: Time, weights: Weights) -> Result<Var> {
        let embedded = self.time_embedding(rec, time)?;
        self.embedded(rec, parameters, x, embedded, weights)
    }

    fn time_embedding(&self, rec: &mut Recorder, time: Time) -> Result<Var> {
        match time {
            Time::Held(t) => self.time.forward(rec, t),
            Time::Known(t) => {
                let embedded = rec.gpu().upload(1, 2 * self.time.count, &self.time.at(t))?;
                Ok(rec.tensor(&embedded))
            }
        }
    }

    /// v(x, t) at one time for all rows, its divergence along the directions, ‖v‖² and the squared norm of its Jacobian: what a continuous
    /// normalizing flow integrates ([`Recorder::jet_rates`]). The first columns of x, as many as the directions have, are the point.
    pub fn rates(
        &self,
        rec: &mut Recorder,
        parameters: &Parameters,
        x: Var,
        directions: Var,
        time: Time,
        weights: Weights,
    ) -> Result<Var> {
        let layers = self.mlp.layers(rec, parameters, weights)?;
        let tangents = directions.rows() / x.rows();
        let embedded = self.time_embedding(rec, time)?;
        let of_time = parameters.var(rec, self.of_time, weights)?;
        let mut shift = rec.linear(embedded, of_time, Some(layers[0].1), Activation::Identity)?;
        let mut jet = rec.jet(x, directions)?;
        for (layer, &(weight, _)) in layers.iter().enumerate() {
            if layer > 0 {
                jet = rec.jet_activation(jet, shift, tangents, self.mlp.shape().activation)?;
                shift = layers[layer].1;
            }
            jet = rec.linear(jet, weight, None, Activation::Identity)?;
        }
        rec.jet_rates(jet, shift, directions)
    }

    fn embedded(&self, rec: &mut Recorder, parameters: &Parameters, x: Var, embedded: Var, weights: Weights) -> Result<Var> {
        let layers = self.mlp.layers(rec, parameters, weights)?;
        let of_time = parameters.var(rec, self.of_time, weights)?;
        let (weight, bias) = layers[0];
        if embedded.rows() == 1 {
            let shift = rec.linear(embedded, of_time, Some(bias), Activation::Identity)?;
            let shifted: Vec<(Var, Var)> = std::iter::once((weight, shift)).chain(layers[1..].iter().copied()).collect();
            return rec.perceptron(x, &shifted, self.mlp.shape().activation);
        }
        let first = rec.linear_sum(&[(embedded, of_time), (x, weight)], bias)?;
        self.mlp.apply_after(rec, &layers[1..], first)
    }
}
