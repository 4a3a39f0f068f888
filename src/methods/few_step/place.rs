//! [`Place`]: the Gaussian fitted to the data given their given columns: where they are, and noise of the covariance that is left there.

use super::Training;
use crate::gpu::{Recorder, Var};
use crate::methods::{Dataset, Setup};
use crate::nn::{Activation, Builder, Id, Parameters, Weights};
use crate::{Error, Result};

/// The Gaussian b + cB + zA of the data given c ([`Dataset::regression`]): weights of the model that no update moves. Rows less b + cB are called centered.
pub struct Place {
    columns: usize,
    factor: Id,
    slopes: Option<Id>,
    mean: Id,
}

impl Place {
    /// Adds both to `builder`, which must hold nothing that is learned yet.
    ///
    /// # Errors
    /// A latent space that is not the data's: no path lies in it.
    pub fn new(builder: &mut Builder, setup: &Setup) -> Result<Self> {
        let (columns, conditions) = (setup.columns, setup.conditions);
        check_latent(setup.training, columns)?;
        let (mean, factor) = match setup.data {
            Some(data) => data.regression(columns),
            None => (vec![0.0; columns], vec![0.0; (columns + conditions) * columns]),
        };
        let (factor, slopes) = factor.split_at(columns * columns);
        let factor = builder.add("embedding.weight", columns, columns, factor);
        let slopes = (conditions > 0).then(|| builder.add("embedding.slopes", conditions, columns, slopes));
        let mean = builder.add("embedding.bias", 1, columns, &mean);
        // The noise is no unknown: moved by the loss it would fall onto one point.
        builder.fix();
        Ok(Self { columns, factor, slopes, mean })
    }

    /// ξ(z), rows × columns both.
    pub fn noise(&self, rec: &mut Recorder, parameters: &Parameters, z: Var, weights: Weights) -> Result<Var> {
        let factor = parameters.var(rec, self.factor, weights)?;
        rec.linear(z, factor, None, Activation::Identity)
    }

    /// b + cB, of one row where nothing is given.
    fn middle(&self, rec: &mut Recorder, parameters: &Parameters, given: Option<Var>, weights: Weights) -> Result<Var> {
        let mean = parameters.var(rec, self.mean, weights)?;
        match (self.slopes, given) {
            (Some(slopes), Some(given)) => {
                let slopes = parameters.var(rec, slopes, weights)?;
                rec.linear(given, slopes, Some(mean), Activation::Identity)
            }
            _ => Ok(mean),
        }
    }

    /// Centered rows in the data's own place.
    pub fn place(
        &self,
        rec: &mut Recorder,
        parameters: &Parameters,
        x: Var,
        given: Option<Var>,
        weights: Weights,
    ) -> Result<Var> {
        let middle = self.middle(rec, parameters, given, weights)?;
        rec.add(x, middle)
    }

    /// So many rows of noise and of data, centered.
    pub fn ends(&self, rec: &mut Recorder, parameters: &Parameters, data: &Dataset, rows: usize) -> Result<Ends> {
        let (x, given) = data.parted_batch(rec, rows)?;
        let middle = self.middle(rec, parameters, given, Weights::Trained)?;
        let data = rec.sub(x, middle)?;
        let z = rec.normal(rows, self.columns)?;
        Ok(Ends { noise: self.noise(rec, parameters, z, Weights::Trained)?, data, given })
    }
}

fn check_latent(training: &Training, columns: usize) -> Result<()> {
    let Some(latent) = training.latent_dim.filter(|latent| *latent != columns) else { return Ok(()) };
    Err(Error::usage(format!(
        "`latent_dim` is {latent}: a map between times has a latent space of the data's dimension, {columns} (leave it at auto)"
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
