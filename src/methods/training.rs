//! Settings that every method shares.

use crate::nn::{Activation, Adam, Schedule};
use crate::settings;

settings! {
    /// Settings that every method shares.
    pub struct Training {
        /// Training steps.
        steps: u32 = 6000, in 1..,
        /// Batch size: rows of the data in one training step, and as many generated rows.
        batch_size: usize = 1024, in 2..=1 << 20,
        /// Dimension of the latent space (auto: the number of columns).
        latent_dim: Option<usize> = None, or auto, in 1..=4096,
        /// Width of the hidden layers.
        hidden_width: usize = 64, in 1..=4096,
        /// Number of hidden layers.
        hidden_layers: usize = 6, in ..=64,
        /// Activation function: silu, relu, gelu, tanh, elu, softplus, sigmoid, identity.
        activation: Activation = Activation::Gelu,
        /// Factor of the first layer's initial weights (auto: by the dimension of its input).
        input_gain: Option<f32> = None, or auto, in above(0.0),
        /// Learning rate after the warm-up.
        learning_rate: f32 = 6e-3, in above(0.0),
        /// Schedule of the learning rate after the warm-up: constant, cosine.
        schedule: Schedule = Schedule::Cosine,
        /// Warm-up steps, over which the learning rate grows from zero.
        warmup_steps: u32 = 100, in 0..,
        /// Weight decay, decoupled as in AdamW.
        weight_decay: f32 = 0.0, in 0.0..,
        /// Gradient clipping, the largest global norm of the gradient (none: no limit).
        grad_clip: Option<f32> = None, or none, in above(0.0),
        /// Decay of the exponential moving average of the weights that samples are drawn with.
        ema: f32 = 0.999, in 0.0..1.0,
        /// Dequantization: noise is added to columns of integers in training, so that they have a density, and samples are rounded.
        dequantize: bool = false,
        /// Standard deviation of Gaussian noise added to standardized rows in training, for likelihoods of data on a manifold; samples are then denoised.
        noise: f32 = 0.0, in 0.0..,
        /// Denoising of samples where `noise` is above 0; `sample --set denoise=false` turns it off.
        denoise: bool = true,
        /// Standardization of the columns for training; samples are mapped back.
        standardize: bool = true,
        /// Rounding of samples in columns of integers.
        round: bool = false,
        /// Clamping of samples to each column's observed bounds.
        clamp: bool = false,
        /// Training with random masks, so that any columns can be given at sampling, and missing cells imputed.
        impute: bool = false,
        /// Fraction of the rows that is split off as the test set, for the final scores (auto: 0.2, and at most 2,000 rows).
        test_fraction: Option<f32> = None, or auto, in 0.0..1.0,
        /// Fraction of the other rows that is split off as the validation set, for early stopping (auto: 0.2 below 5,000 rows and 0 above).
        validation_fraction: Option<f32> = None, or auto, in 0.0..1.0,
        /// Patience of early stopping, evaluations without improvement on the validation set (20 steps apart or more, after the warm-up; a rarer one counts as several; none: never stops early).
        patience: Option<u32> = Some(20), or none, in 1..,
        /// Refit of the saved model on all rows, for as many steps as were kept: where validation rows were split off, or test rows of fewer than 5,000.
        refit: bool = true,
    }
}

impl Training {
    /// The optimizer that these settings ask for.
    pub fn adam(&self) -> Adam {
        Adam {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            grad_clip: self.grad_clip,
            warmup_steps: self.warmup_steps,
            steps: self.steps,
            schedule: self.schedule,
            ema: self.ema,
            ..Adam::default()
        }
    }
}
