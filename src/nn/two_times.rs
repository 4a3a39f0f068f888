//! [`TwoTimes`]: a perceptron of a point and two times, which a flow map's mean velocity u(x, s, t) is.
//!
//! Its first layer is xW + e(s)E + e(t)F + b with e the [`TimeEmbedding`]. At times that all rows share the last three are one row.

use super::{Activation, Builder, Id, Mlp, Parameters, TimeEmbedding, VelocityShape, Weights};
use crate::Result;
use crate::gpu::{Recorder, Var};

/// A network that starts at zero.
#[derive(Clone, Debug)]
pub struct TwoTimes {
    time: TimeEmbedding,
    of_first: Id,
    of_second: Id,
    mlp: Mlp,
}

impl TwoTimes {
    /// Adds the network's weights to `builder`.
    pub fn new(builder: &mut Builder, name: &str, shape: VelocityShape) -> Self {
        let inputs = 2 * shape.time.count;
        let mut weight =
            |what: &str| builder.uniform(format!("{name}.{what}"), inputs, shape.width, (3.0 / inputs as f32).sqrt());
        let (of_first, of_second) = (weight("from"), weight("to"));
        Self { time: shape.time, of_first, of_second, mlp: Mlp::new(builder, name, shape.mlp()) }
    }

    /// u(x, s, t) for rows x, each with its own times (rows × 1). Its tangents along x, s and t can be recorded ([`Recorder::tangent`]).
    pub fn forward(
        &self,
        rec: &mut Recorder,
        parameters: &Parameters,
        x: Var,
        [s, t]: [Var; 2],
        weights: Weights,
    ) -> Result<Var> {
        let (from, to) = (self.time.forward(rec, s)?, self.time.forward(rec, t)?);
        let layers = self.mlp.layers(rec, parameters, weights)?;
        let of_first = parameters.var(rec, self.of_first, weights)?;
        let of_second = parameters.var(rec, self.of_second, weights)?;
        let (weight, bias) = layers[0];
        let first = rec.linear_sum(&[(from, of_first), (to, of_second), (x, weight)], bias)?;
        self.mlp.apply_after(rec, &layers[1..], first)
    }

    /// u(x, s, t) at times that all rows share. No gradient flows to the times' weights in one piece with the perceptron: for samples.
    pub fn at(&self, rec: &mut Recorder, parameters: &Parameters, x: Var, [s, t]: [f64; 2], weights: Weights) -> Result<Var> {
        let embedded = |rec: &mut Recorder, time: f64| {
            let row = rec.gpu().upload(1, 2 * self.time.count, &self.time.at(time))?;
            Ok::<_, crate::Error>(rec.tensor(&row))
        };
        let (from, to) = (embedded(rec, s)?, embedded(rec, t)?);
        let layers = self.mlp.layers(rec, parameters, weights)?;
        let of_first = parameters.var(rec, self.of_first, weights)?;
        let of_second = parameters.var(rec, self.of_second, weights)?;
        let (weight, bias) = layers[0];
        let shift = rec.linear_sum(&[(from, of_first), (to, of_second)], bias)?;
        let shifted: Vec<(Var, Var)> = std::iter::once((weight, shift)).chain(layers[1..].iter().copied()).collect();
        rec.perceptron(x, &shifted, self.activation())
    }

    fn activation(&self) -> Activation {
        self.mlp.shape().activation
    }
}
