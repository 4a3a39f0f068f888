//! What normalizing flows share (paper §3; Rezende & Mohamed 2015; Papamakarios et al. 2021): a chain T of invertible layers takes data to a standard
//! normal latent space, φ = T⁻¹, and by the change of variables
//!
//!   ln ρ(x) = ln N(T(x); 0, I) + ln|det ∂T/∂x|,
//!
//! whose mean over the data is maximized: the entropic divergence of the data to φ_#ν, up to the data's entropy, is minimized.

use super::{Dataset, Density, Learner, Setup};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::{
    Adam, Builder, ConditionerShape, Mixing, Normalizing, NormalizingShape, Parameters, Structure, Transform, Weights,
};
use crate::ops::coupling::Bounds;
use crate::{Error, Result};

/// What a method of this kind chooses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub layers: usize,
    pub structure: Structure,
    pub transform: Transform,
    /// Bound of the chain beside that of each affine layer ([`Choice::bounded`]).
    pub stretch: Option<f32>,
    pub mixing: Mixing,
    /// Bound of what all that stands before layers stretches or shrinks together; unset is none.
    pub mixing_stretch: Option<f32>,
}

impl Choice {
    /// The transform, with its bounds by that of the chain. A layer scales by at most e^bound either way, and the layers that move one column let no distance between
    /// latents grow by more than e^stretch on the way to samples. Matrices between layers turn what one has moved into what the next moves: then it is all layers together that do, and the matrices
    /// no more than e^mixing_stretch. Splines need no bound: they take a square to itself, and leave what is outside. A likelihood asks for no such bound: it weighs the map at the data alone, and latents
    /// between those of the data may go anywhere (Behrmann et al. 2021; Andrade 2024 bounds the two signs apart, too). It needs the other sign where the data are thin, by as much as they
    /// are thinner than the Gaussian that is fitted to them.
    fn bounded(&self, columns: usize) -> Transform {
        let moves = match self.structure {
            Structure::Coupling(_) if columns > 1 && !self.turns() => self.layers.div_ceil(2),
            _ => self.layers,
        };
        match (self.transform, self.stretch) {
            (Transform::Affine(Bounds { up, down }), Some(stretch)) => {
                Transform::Affine(Bounds { up, down: down.min(stretch / moves as f32) })
            }
            (transform, _) => transform,
        }
    }

    /// Whether columns are turned into each other between layers, within a bound.
    fn turns(&self) -> bool {
        self.mixing == Mixing::Linear && self.mixing_stretch.is_some()
    }
}

/// A chain trained by likelihood.
pub(super) struct NormalizingFlow {
    parameters: Parameters,
    chain: Normalizing,
    adam: Adam,
    batch: usize,
    columns: usize,
}

impl NormalizingFlow {
    pub fn new(setup: &Setup, choice: &Choice) -> Result<Self> {
        let (training, columns) = (setup.training, setup.columns);
        if let Some(latent) = training.latent_dim.filter(|latent| *latent != columns) {
            return Err(Error::usage(format!(
                "`latent_dim` is {latent}: an invertible map has a latent space of the data's dimension, {columns} (leave it at auto)"
            )));
        }
        let conditioner = ConditionerShape {
            columns,
            conditions: setup.conditions,
            width: training.hidden_width,
            depth: training.hidden_layers,
            activation: training.activation,
            input_gain: training.input_gain.unwrap_or(1.0),
        };
        let Choice { layers, structure, mixing, mixing_stretch, .. } = *choice;
        let transform = choice.bounded(columns);
        let mixing_bound = mixing_stretch.map(|stretch| stretch / layers as f32);
        let shape = NormalizingShape { conditioner, layers, structure, transform, mixing, mixing_bound };
        let covariance = setup.data.map(|data| covariance(data, columns));
        let moments = setup.data.zip(covariance.as_ref()).map(|(data, covariance)| (data.mean(), covariance));
        let mut builder = Builder::new(setup.seed);
        let chain = Normalizing::new(setup.gpu, &mut builder, shape, moments, setup.seed)?;
        Ok(Self { parameters: builder.build(setup.gpu)?, chain, adam: training.adam(), batch: training.batch_size, columns })
    }

    fn log_likelihood(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Var> {
        let (z, log_det) = self.chain.to_latents(rec, &self.parameters, x, weights)?;
        let squares = rec.square(z)?;
        let squares = rec.sum_cols(squares)?;
        let sum = rec.blend(squares, log_det, -0.5, 1.0)?;
        rec.affine(sum, 1.0, (-0.5 * self.columns as f64 * std::f64::consts::TAU.ln()) as f32)
    }
}

/// The covariance of the columns that are generated.
fn covariance(data: &Dataset, columns: usize) -> nalgebra::DMatrix<f64> {
    let factor = data.as_dequantized().embedding(columns).into_iter().map(f64::from);
    let factor = nalgebra::DMatrix::from_row_iterator(columns, columns, factor);
    factor.transpose() * factor
}

impl Learner for NormalizingFlow {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn latent(&self) -> usize {
        self.columns
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        self.chain.to_rows(rec, &self.parameters, z, weights)
    }

    fn pull(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Var>> {
        Ok(Some(self.chain.to_latents(rec, &self.parameters, x, weights)?.0))
    }

    fn log_density(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Density>> {
        Ok(Some(Density { value: self.log_likelihood(rec, x, weights)?, error: None }))
    }

    fn held_out_loss(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Var>> {
        let value = self.log_likelihood(rec, x, weights)?;
        Ok(Some(rec.scale(value, -1.0)?))
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        Plan::record(gpu, seed, |rec| {
            let x = data.batch(rec, self.batch)?;
            let likelihood = self.log_likelihood(rec, x, Weights::Trained)?;
            let mean = rec.mean(likelihood)?;
            let loss = rec.scale(mean, -1.0)?;
            rec.report("loss", loss)?;
            let norm2 = rec.minimize(loss, &self.parameters, &self.adam)?;
            rec.report("gradient_norm2", norm2)
        })
    }
}
