//! [`Generator`]: the learned map φ: Z → X as a canonical embedding plus a perceptron.
//!
//! The paper writes φ = ψ∘ξ, where ξ embeds the latent space into the data's and ξ_#ν = μ₀ is a first guess. Here
//! φ(z) = ξ(z) + f(z) with ξ(z) = zA + b affine and trained too, started so that ξ_#ν is the Gaussian with the data's mean
//! and covariance, and f a perceptron that starts at zero: training starts at the fitted Gaussian and can only be asked to
//! do better. A latent space smaller than the data's keeps the leading directions of the covariance; a larger one starts
//! with the surplus latents unused by ξ.

use super::{Activation, Builder, Head, Id, Mlp, MlpShape, Parameters, Weights};
use crate::Result;
use crate::gpu::{Recorder, Var};

/// Sizes of a generator and its starting embedding.
#[derive(Clone, Debug)]
pub struct GeneratorShape {
    /// Dimension of the latent space Z.
    pub latent: usize,
    /// Dimension of the data space X.
    pub columns: usize,
    pub width: usize,
    pub depth: usize,
    pub activation: Activation,
    /// See [`MlpShape::input_gain`].
    pub input_gain: f32,
}

/// φ(z) = ξ(z) + f(z).
#[derive(Clone, Debug)]
pub struct Generator {
    shape: GeneratorShape,
    weight: Id,
    bias: Id,
    mlp: Mlp,
}

impl Generator {
    /// Adds the generator's weights to `builder`. `mean` (columns) and `factor` (latent × columns, row by row) start ξ.
    pub fn new(builder: &mut Builder, shape: GeneratorShape, mean: &[f32], factor: &[f32]) -> Self {
        let weight = builder.add("embedding.weight", shape.latent, shape.columns, factor);
        let bias = builder.add("embedding.bias", 1, shape.columns, mean);
        let mlp = MlpShape {
            inputs: shape.latent,
            outputs: shape.columns,
            width: shape.width,
            depth: shape.depth,
            activation: shape.activation,
            head: Head::Free,
            input_gain: shape.input_gain,
            zero_last: true,
        };
        let mlp = Mlp::new(builder, "network", mlp);
        Self { shape, weight, bias, mlp }
    }

    pub fn shape(&self) -> &GeneratorShape {
        &self.shape
    }

    /// φ(z): rows × latent → rows × columns.
    pub fn forward(&self, rec: &mut Recorder, parameters: &Parameters, z: Var, weights: Weights) -> Result<Var> {
        let (weight, bias) = (parameters.var(rec, self.weight, weights)?, parameters.var(rec, self.bias, weights)?);
        let straight = rec.linear(z, weight, Some(bias), Activation::Identity)?;
        let bent = self.mlp.forward(rec, parameters, z, weights)?;
        rec.add(straight, bent)
    }
}
