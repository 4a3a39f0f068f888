//! What every one-step sampler has: a generator φ, its parameters, and an optimizer.

use super::dataset::join;
use super::{Dataset, Setup};
use crate::Result;
use crate::gpu::{Recorder, Var};
use crate::nn::{Adam, Builder, Generator, GeneratorShape, Parameters, Weights};

/// A generator with its parameters and optimizer.
pub struct OneStep {
    pub parameters: Parameters,
    pub generator: Generator,
    pub adam: Adam,
    pub batch: usize,
    conditions: usize,
}

impl OneStep {
    pub fn new(setup: &Setup) -> Result<Self> {
        let training = setup.training;
        let latent = training.latent_dim.unwrap_or(setup.columns);
        // Grows as the latent space shrinks. Chosen before a fault in the perceptron's forward pass was mended; since then gains
        // of 1, 3 and 6 did equally well on 8gaussians and checkerboard, so it wants a fresh study.
        let automatic = (8.5 / (latent as f32).sqrt()).max(1.0);
        let conditions = setup.conditions;
        let shape = GeneratorShape {
            input_gain: training.input_gain.unwrap_or(automatic),
            latent: latent + conditions,
            columns: setup.columns,
            width: training.hidden_width,
            depth: training.hidden_layers,
            activation: training.activation,
        };
        let mut builder = Builder::new(setup.seed);
        let (mean, factor) = match setup.data {
            Some(data) => data.regression(latent),
            None => (vec![0.0; shape.columns], vec![0.0; shape.latent * shape.columns]),
        };
        let generator = Generator::new(&mut builder, shape, &mean, &factor);
        Ok(Self {
            parameters: builder.build(setup.gpu)?,
            generator,
            adam: training.adam(),
            batch: training.batch_size,
            conditions,
        })
    }

    /// A batch of generated rows, with the weights in training, and as many data rows.
    pub fn draw(&self, rec: &mut Recorder, data: &Dataset) -> Result<(Var, Var)> {
        let x = data.batch(rec, self.batch)?;
        Ok((self.generate(rec, data)?, x))
    }

    /// A batch of generated rows, with the weights in training. Where columns are given it is one of joint rows: the given ones are those of
    /// an independent batch of the data, and stand behind what was generated from them.
    pub fn generate(&self, rec: &mut Recorder, data: &Dataset) -> Result<Var> {
        let z = rec.normal(self.batch, self.latent())?;
        let given = match self.conditions {
            0 => None,
            _ => data.parted_batch(rec, self.batch)?.1,
        };
        let inputs = join(rec, z, given)?;
        let y = self.push(rec, inputs, Weights::Trained)?;
        join(rec, y, given)
    }

    /// Dimension of the latent space, without what is given.
    pub fn latent(&self) -> usize {
        self.generator.shape().latent - self.conditions
    }

    /// Columns of a joint row: generated and given.
    pub fn columns(&self) -> usize {
        self.generator.shape().columns + self.conditions
    }

    pub fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        self.generator.forward(rec, &self.parameters, z, weights)
    }

    /// Appends one update and its reports.
    pub fn minimize(&self, rec: &mut Recorder, loss: Var) -> Result<()> {
        super::descend(rec, loss, &self.parameters, &self.adam)
    }
}
