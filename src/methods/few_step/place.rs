//! [`Place`]: where the data are, and noise of their covariance.

use super::Training;
use crate::gpu::{Recorder, Var};
use crate::methods::{Dataset, Setup};
use crate::nn::{Activation, Builder, Id, Parameters, Weights};
use crate::{Error, Result};

/// The data's mean, and A of noise ξ(z) = zA with their covariance: weights of the model that no update moves.
pub struct Place {
    columns: usize,
    factor: Id,
    mean: Id,
}

impl Place {
    /// Adds both to `builder`, which must hold nothing that is learned yet.
    ///
    /// # Errors
    /// A latent space that is not the data's: no path lies in it.
    pub fn new(builder: &mut Builder, setup: &Setup) -> Result<Self> {
        let columns = setup.columns;
        check_latent(setup.training, columns)?;
        let (mean, factor) = match setup.data {
            Some(data) => (data.mean().to_vec(), data.embedding(columns)),
            None => (vec![0.0; columns], vec![0.0; columns * columns]),
        };
        let factor = builder.add("embedding.weight", columns, columns, &factor);
        let mean = builder.add("embedding.bias", 1, columns, &mean);
        // The noise is no unknown: moved by the loss it would fall onto one point.
        builder.fix();
        Ok(Self { columns, factor, mean })
    }

    /// ξ(z), rows × columns both.
    pub fn noise(&self, rec: &mut Recorder, parameters: &Parameters, z: Var, weights: Weights) -> Result<Var> {
        let factor = parameters.var(rec, self.factor, weights)?;
        rec.linear(z, factor, None, Activation::Identity)
    }

    /// Centred rows in the data's own place.
    pub fn place(&self, rec: &mut Recorder, parameters: &Parameters, x: Var, weights: Weights) -> Result<Var> {
        let mean = parameters.var(rec, self.mean, weights)?;
        rec.add(x, mean)
    }

    /// So many rows of noise and of data, centred.
    pub fn ends(&self, rec: &mut Recorder, parameters: &Parameters, data: &Dataset, rows: usize) -> Result<Ends> {
        let (x, given) = data.parted_batch(rec, rows)?;
        let mean = parameters.var(rec, self.mean, Weights::Trained)?;
        let data = rec.sub(x, mean)?;
        let z = rec.normal(rows, self.columns)?;
        Ok(Ends { noise: self.noise(rec, parameters, z, Weights::Trained)?, data, given })
    }
}

fn check_latent(training: &Training, columns: usize) -> Result<()> {
    if training.latent == 0 || training.latent == columns {
        return Ok(());
    }
    Err(Error::usage(format!(
        "`latent` is {}: a map between times moves within the data's {columns} columns; leave it at 0",
        training.latent
    )))
}

/// Noise and data of a batch, and what is given.
pub struct Ends {
    pub noise: Var,
    pub data: Var,
    pub given: Option<Var>,
}

impl Ends {
    /// I_t = (1 − t)x₀ + t x₁ of each row at its own time.
    pub fn at(&self, rec: &mut Recorder, t: Var) -> Result<Var> {
        let way = self.velocity(rec)?;
        let moved = rec.mul(way, t)?;
        rec.add(self.noise, moved)
    }

    /// İ = x₁ − x₀.
    pub fn velocity(&self, rec: &mut Recorder) -> Result<Var> {
        rec.sub(self.data, self.noise)
    }
}
