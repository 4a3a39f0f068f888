//! [`Mlp`]: a multi-layer perceptron with a bounded or free head.

use super::{Builder, Id, Parameters, Weights};
use crate::Result;
use crate::gpu::{Recorder, Var};
use crate::ops::activation::Activation;

/// What the last layer's output goes through.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Head {
    /// Nothing: any real number.
    #[default]
    Free,
    /// low + (high − low)·s(x): between two bounds.
    Bounded { low: f32, high: f32 },
}

/// Sizes and activations of a perceptron.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MlpShape {
    pub inputs: usize,
    pub outputs: usize,
    /// Units of a hidden layer.
    pub width: usize,
    /// Hidden layers.
    pub depth: usize,
    pub activation: Activation,
    pub head: Head,
    /// What the first layer's initial weights are multiplied by: above 1, the network's first guesses bend more often, and
    /// sharp features of a map from few dimensions are learned sooner (the spectral bias; Tancik et al. 2020).
    pub input_gain: f32,
    /// Whether the last layer starts at zero, so that the network starts as the constant zero.
    pub zero_last: bool,
}

/// A multi-layer perceptron; its weights live in [`Parameters`].
#[derive(Clone, Debug)]
pub struct Mlp {
    shape: MlpShape,
    layers: Vec<(Id, Id)>,
}

impl Mlp {
    /// Adds the layers' weights (in × out) and biases to `builder`, uniform on ±√(3/in)·gain: variance 1/in for smooth
    /// activations, 2/in for ReLU (LeCun et al. 1998; He et al. 2015). Biases start uniform on ±1/√in, so that kinks and
    /// slopes are spread over the inputs.
    pub fn new(builder: &mut Builder, name: &str, shape: MlpShape) -> Self {
        let mut layers = Vec::new();
        for layer in 0..=shape.depth {
            let inputs = if layer == 0 { shape.inputs } else { shape.width };
            let outputs = if layer == shape.depth { shape.outputs } else { shape.width };
            let (weight, bias) = (format!("{name}.{layer}.weight"), format!("{name}.{layer}.bias"));
            layers.push(if layer == shape.depth && shape.zero_last {
                (builder.zeros(weight, inputs, outputs), builder.zeros(bias, 1, outputs))
            } else {
                let gain = if shape.activation == Activation::Relu && layer < shape.depth { 6.0 } else { 3.0 };
                let fan = inputs as f32;
                let sharp = if layer == 0 { shape.input_gain } else { 1.0 };
                let weight = builder.uniform(weight, inputs, outputs, sharp * (gain / fan).sqrt());
                (weight, builder.uniform(bias, 1, outputs, 1.0 / fan.sqrt()))
            });
        }
        Self { shape, layers }
    }

    pub fn shape(&self) -> &MlpShape {
        &self.shape
    }

    /// rows × inputs → rows × outputs.
    pub fn forward(&self, rec: &mut Recorder, parameters: &Parameters, x: Var, weights: Weights) -> Result<Var> {
        let layers = self.layers(rec, parameters, weights)?;
        self.apply(rec, &layers, x)
    }

    /// Weight and bias of each layer, for [`Mlp::apply`].
    pub fn layers(&self, rec: &mut Recorder, parameters: &Parameters, weights: Weights) -> Result<Vec<(Var, Var)>> {
        let layer = |&(weight, bias): &(Id, Id)| Ok((parameters.var(rec, weight, weights)?, parameters.var(rec, bias, weights)?));
        self.layers.iter().map(layer).collect()
    }

    /// The perceptron with these weights and biases, which may be functions of the learned ones (a spectral norm, say).
    pub fn apply(&self, rec: &mut Recorder, layers: &[(Var, Var)], x: Var) -> Result<Var> {
        // A linear layer applies the activation to what it is given: hidden units pass it, the network's input does not.
        let (weight, bias) = layers[0];
        let h = rec.linear(x, weight, Some(bias), Activation::Identity)?;
        self.apply_after(rec, &layers[1..], h)
    }

    /// The layers after the first, from what the first gave.
    pub fn apply_after(&self, rec: &mut Recorder, layers: &[(Var, Var)], first: Var) -> Result<Var> {
        let mut h = first;
        for &(weight, bias) in layers {
            h = rec.linear(h, weight, Some(bias), self.shape.activation)?;
        }
        match self.shape.head {
            Head::Free => Ok(h),
            Head::Bounded { low, high } => {
                let s = rec.activation(h, Activation::Sigmoid)?;
                if (low, high) == (0.0, 1.0) { Ok(s) } else { rec.affine(s, high - low, low) }
            }
        }
    }
}
