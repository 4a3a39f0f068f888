//! [`Coupling`]: an invertible layer that moves each of its columns by numbers that a network gives from other columns.
//!
//! In a coupling layer (Dinh, Krueger & Bengio 2015) some columns are kept, and tell how the others are moved. In an autoregressive layer (Papamakarios,
//! Pavlakou & Murray 2017) every column is moved, by numbers from the columns before it: one network gives all of them at once, its weights masked so that no
//! number sees its own column or a later one (MADE; Germain et al. 2015). Forward, towards the latent space, is one pass for both; back is one for a coupling layer and
//! one a column for an autoregressive one.

use super::{Activation, Builder, Head, Mlp, MlpShape, Parameters, Weights};
use crate::Result;
use crate::gpu::{Gpu, Recorder, Tensor, Var};
use crate::ops::coupling::{Bounds, Direction, KEPT};
use crate::ops::spline::Bins;

/// How a column is moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transform {
    /// Scaled within bounds, and shifted.
    Affine(Bounds),
    /// Bent by a monotone rational-quadratic spline.
    Spline(Bins),
}

impl Transform {
    /// Numbers that say how one column is moved.
    pub fn numbers(self) -> usize {
        match self {
            Self::Affine(_) => 2,
            Self::Spline(bins) => bins.numbers(),
        }
    }

    /// Where column k of the moved ones finds its numbers among those of a row, of `moved` columns.
    fn places(self, k: usize, moved: usize) -> Vec<usize> {
        match self {
            Self::Affine(_) => vec![k, moved + k],
            Self::Spline(bins) => (0..bins.numbers()).map(|i| k * bins.numbers() + i).collect(),
        }
    }

    fn apply(self, rec: &mut Recorder, direction: Direction, x: Var, raw: Var, roles: Var, log_det: Var) -> Result<(Var, Var)> {
        match self {
            Self::Affine(bounds) => rec.affine_coupling(direction, x, raw, roles, log_det, bounds),
            Self::Spline(bins) => rec.spline_coupling(direction, x, raw, roles, log_det, bins),
        }
    }
}

/// Sizes of a conditioner: the network that says how columns are moved.
#[derive(Clone, Copy, Debug)]
pub struct ConditionerShape {
    /// Columns of the rows that pass the layer.
    pub columns: usize,
    /// Further columns that the network sees, and that are not moved.
    pub conditions: usize,
    pub width: usize,
    pub depth: usize,
    pub activation: Activation,
    /// See [`MlpShape::input_gain`].
    pub input_gain: f32,
}

enum Sight {
    /// The network sees these columns; none where every column is moved.
    Kept(Option<Tensor>),
    /// The network sees every column, through weights masked by these, layer by layer; its passes back are as many as there are columns.
    Before(Vec<Tensor>),
}

/// One layer; it starts as the identity.
pub struct Coupling {
    transform: Transform,
    /// The number of each column among the moved ones.
    roles: Tensor,
    sight: Sight,
    network: Mlp,
}

impl Coupling {
    /// Columns whose `kept` is true tell how the others, in their order, are moved.
    pub fn new(
        gpu: &Gpu,
        builder: &mut Builder,
        name: &str,
        shape: ConditionerShape,
        transform: Transform,
        kept: &[bool],
    ) -> Result<Self> {
        let seen: Vec<u32> = (0..kept.len()).filter(|&j| kept[j]).map(|j| j as u32).collect();
        let moved = kept.len() - seen.len();
        let mut numbers = 0..;
        let roles: Vec<u32> =
            kept.iter().map(|&kept| if kept { None } else { numbers.next() }).map(|k| k.unwrap_or(KEPT)).collect();
        let inputs = seen.len() + shape.conditions;
        let network = network(builder, name, shape, inputs, moved * transform.numbers());
        let seen = if seen.is_empty() { None } else { Some(gpu.upload_u32(1, seen.len(), &seen)?) };
        Ok(Self { transform, roles: gpu.upload_u32(1, kept.len(), &roles)?, sight: Sight::Kept(seen), network })
    }

    /// Every column is moved, by numbers from those that stand before it in `order` (a permutation of the columns' numbers).
    pub fn autoregressive(
        gpu: &Gpu,
        builder: &mut Builder,
        name: &str,
        shape: ConditionerShape,
        transform: Transform,
        order: &[usize],
    ) -> Result<Self> {
        let columns = order.len();
        // Degrees: a unit of degree g sees columns of place g and below, counted from 1; given columns have place 0.
        let mut places = vec![0; columns];
        order.iter().enumerate().for_each(|(place, &column)| places[column] = place + 1);
        let inputs: Vec<usize> = places.iter().copied().chain(vec![0; shape.conditions]).collect();
        let lowest = usize::from(shape.conditions == 0 && columns > 1);
        let hidden: Vec<usize> = (0..shape.width).map(|unit| lowest + unit % (columns - lowest).max(1)).collect();
        let mut outputs = vec![0; columns * transform.numbers()];
        for (k, &place) in places.iter().enumerate() {
            transform.places(k, columns).into_iter().for_each(|i| outputs[i] = place);
        }
        let mask = |from: &[usize], to: &[usize], sees: fn(usize, usize) -> bool| {
            let values: Vec<f32> = from.iter().flat_map(|&g| to.iter().map(move |&h| f32::from(u8::from(sees(h, g))))).collect();
            gpu.upload(from.len(), to.len(), &values)
        };
        let mut masks = Vec::new();
        for layer in 0..=shape.depth {
            let from = if layer == 0 { &inputs } else { &hidden };
            masks.push(if layer == shape.depth {
                mask(from, &outputs, |to, from| to > from)?
            } else {
                mask(from, &hidden, |to, from| to >= from)?
            });
        }
        let roles: Vec<u32> = (0..columns as u32).collect();
        let network = network(builder, name, shape, inputs.len(), outputs.len());
        Ok(Self { transform, roles: gpu.upload_u32(1, columns, &roles)?, sight: Sight::Before(masks), network })
    }

    /// Rows (n × columns) through the layer, with their running ln|det| (n × 1); `given` are their conditions (n × conditions).
    #[allow(clippy::too_many_arguments)]
    pub fn pass(
        &self,
        rec: &mut Recorder,
        parameters: &Parameters,
        direction: Direction,
        x: Var,
        log_det: Var,
        given: Option<Var>,
        weights: Weights,
    ) -> Result<(Var, Var)> {
        let roles = rec.tensor(&self.roles);
        let layers = self.layers(rec, parameters, weights)?;
        let columns = x.cols();
        let mut seen = x;
        let passes = match (&self.sight, direction) {
            (Sight::Before(_), Direction::Inverse) => columns,
            _ => 1,
        };
        let mut passed = (x, log_det);
        // Each pass back sets one more column right, and what depends on it alone.
        for _ in 0..passes {
            let raw = self.numbers(rec, &layers, seen, given)?;
            passed = self.transform.apply(rec, direction, x, raw, roles, log_det)?;
            seen = passed.0;
        }
        Ok(passed)
    }

    fn layers(&self, rec: &mut Recorder, parameters: &Parameters, weights: Weights) -> Result<Vec<(Var, Var)>> {
        let layers = self.network.layers(rec, parameters, weights)?;
        let Sight::Before(masks) = &self.sight else { return Ok(layers) };
        let masked = layers.into_iter().zip(masks).map(|((weight, bias), mask)| {
            let mask = rec.tensor(mask);
            Ok((rec.mul(weight, mask)?, bias))
        });
        masked.collect()
    }

    /// What the network says of rows that it may see.
    fn numbers(&self, rec: &mut Recorder, layers: &[(Var, Var)], x: Var, given: Option<Var>) -> Result<Var> {
        let own = match &self.sight {
            Sight::Kept(None) => None,
            Sight::Kept(Some(index)) => {
                let index = rec.tensor(index);
                Some(rec.pick(x, index)?)
            }
            Sight::Before(_) => Some(x),
        };
        let input = match (own, given) {
            (Some(own), Some(given)) => rec.concat(&[own, given])?,
            (Some(one), None) | (None, Some(one)) => one,
            // Nothing to see: the network's biases say how all rows are moved alike.
            (None, None) => rec.constant(0.0, x.rows(), 1)?,
        };
        self.network.apply(rec, layers, input)
    }
}

fn network(builder: &mut Builder, name: &str, shape: ConditionerShape, inputs: usize, outputs: usize) -> Mlp {
    let shape = MlpShape {
        inputs: inputs.max(1),
        outputs,
        width: shape.width,
        depth: shape.depth,
        activation: shape.activation,
        head: Head::Free,
        input_gain: shape.input_gain,
        zero_last: true,
    };
    Mlp::new(builder, name, shape)
}
