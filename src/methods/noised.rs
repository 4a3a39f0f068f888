//! Densities of data on a manifold (paper §5): rows that fill fewer dimensions than they have columns have no density, and a likelihood grows without
//! end where a map presses its mass onto them. With the setting `noise` = σ a method learns μ₁ ∗ N(0, σ²I) instead, whose density is smooth, and beside
//! it a network learns to take the noise away again, by least squares:
//!
//!   D = argmin E‖D(x + σε) − x‖²,   D(x̃) = E[x | x̃] = x̃ + σ²∇ ln ρ_σ(x̃)   (Tweedie; Robbins 1956; Vincent 2011).
//!
//! Samples are D(φ(z)); densities, inverses and validation likelihoods are those of the noised distribution (Meng et al. 2021). D starts as what is best for
//! Gaussian data, μ + (x̃ − μ)(Σ + σ²I)⁻¹Σ, and a perceptron learns the rest in units of σ.

use super::dataset::join;
use super::{Dataset, Density, Dynamics, Learner, Setup};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::{Activation, Adam, Builder, Head, Id, Mlp, MlpShape, Parameters, Weights};
use crate::{Error, Result};

/// Steps of the denoiser draw from a counter domain of their own, and so do its weights.
const DOMAIN: u32 = 0xde20;

/// A method that learns noised rows, with a network that takes the noise away from its samples.
pub struct Noised {
    inner: Box<dyn Learner>,
    denoiser: Denoiser,
    /// Whether samples are denoised.
    denoise: bool,
}

struct Denoiser {
    parameters: Parameters,
    network: Mlp,
    linear: Id,
    shift: Id,
    sigma: f32,
    adam: Adam,
    batch: usize,
    columns: usize,
    conditions: usize,
}

impl Noised {
    /// Around a method that was built for noised rows.
    ///
    /// # Errors
    /// A method that is not trained by likelihood.
    pub fn new(setup: &Setup, inner: Box<dyn Learner>) -> Result<Self> {
        let (columns, conditions, training) = (setup.columns, setup.conditions, setup.training);
        let mut rec = Recorder::with_domain(setup.gpu, 0, DOMAIN)?;
        let row = rec.constant(0.0, 1, columns + conditions)?;
        // Without data the weights are still to be loaded, and a loss need have no value.
        if setup.data.is_some() && inner.held_out_loss(&mut rec, row, Weights::Averaged)?.is_none() {
            return Err(Error::usage("`noise` is a setting of methods that are trained by likelihood: leave it at 0"));
        }
        let mut builder = Builder::with_domain(setup.seed, DOMAIN);
        let (linear, shift) = match setup.data {
            Some(data) => shrinkage(data, columns, training.noise),
            None => (vec![0.0; columns * columns], vec![0.0; columns]),
        };
        let linear = builder.add("denoiser.linear", columns, columns, &linear);
        let shift = builder.add("denoiser.shift", 1, columns, &shift);
        builder.fix();
        let shape = MlpShape {
            inputs: columns + conditions,
            outputs: columns,
            width: training.hidden_width,
            depth: 3,
            activation: Activation::Gelu,
            head: Head::Free,
            input_gain: 3.0,
            zero_last: true,
        };
        let network = Mlp::new(&mut builder, "denoiser", shape);
        let denoiser = Denoiser {
            parameters: builder.build(setup.gpu)?,
            network,
            linear,
            shift,
            sigma: training.noise,
            adam: training.adam(),
            batch: training.batch_size,
            columns,
            conditions,
        };
        Ok(Self { inner, denoiser, denoise: training.denoise })
    }
}

/// (Σ + σ²I)⁻¹Σ, and μ less what it makes of μ; the data's factor is that of the noised rows.
fn shrinkage(data: &Dataset, columns: usize, sigma: f32) -> (Vec<f32>, Vec<f32>) {
    let factor = data.embedding(columns).into_iter().map(f64::from);
    let factor = nalgebra::DMatrix::from_row_iterator(columns, columns, factor);
    let noised = factor.transpose() * factor;
    let one = nalgebra::DMatrix::identity(columns, columns);
    let clean = &noised - &one * f64::from(sigma).powi(2);
    // Both are functions of one symmetric matrix, and so is their quotient.
    let linear = noised.try_inverse().map_or(one, |inverse| inverse * clean);
    let mean = nalgebra::RowDVector::from_iterator(columns, data.mean().iter().map(|&m| f64::from(m)));
    let shift = &mean - &mean * &linear;
    let single = |v: &f64| *v as f32;
    (linear.transpose().iter().map(single).collect(), shift.iter().map(single).collect())
}

impl Denoiser {
    /// D at noised rows, with what is given behind them.
    fn apply(&self, rec: &mut Recorder, noised: Var, given: Option<Var>, weights: Weights) -> Result<Var> {
        let (linear, shift) = (self.parameters.var(rec, self.linear, weights)?, self.parameters.var(rec, self.shift, weights)?);
        let best = rec.linear(noised, linear, Some(shift), Activation::Identity)?;
        let input = join(rec, noised, given)?;
        let bent = self.network.forward(rec, &self.parameters, input, weights)?;
        rec.blend(best, bent, 1.0, self.sigma)
    }
}

impl Learner for Noised {
    fn parameters(&self) -> &Parameters {
        self.inner.parameters()
    }

    fn further(&self) -> Option<&Parameters> {
        Some(&self.denoiser.parameters)
    }

    fn companions(&self) -> Vec<(&'static str, &Parameters)> {
        self.inner.companions().into_iter().chain([("denoiser", &self.denoiser.parameters)]).collect()
    }

    fn latent(&self) -> usize {
        self.inner.latent()
    }

    fn draw(&self, rec: &mut Recorder, rows: usize, weights: Weights) -> Result<Var> {
        self.inner.draw(rec, rows, weights)
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let x = self.inner.push(rec, z, weights)?;
        if !self.denoise {
            return Ok(x);
        }
        let conditions = self.denoiser.conditions;
        let given = if conditions > 0 { Some(rec.columns(z, z.cols() - conditions, conditions)?) } else { None };
        self.denoiser.apply(rec, x, given, weights)
    }

    fn pull(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Var>> {
        self.inner.pull(rec, x, weights)
    }

    fn log_density(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Density>> {
        self.inner.log_density(rec, x, weights)
    }

    fn held_out_loss(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Var>> {
        // Rows of the noised distribution are what the density is of: the same noise at every evaluation.
        let conditions = self.denoiser.conditions;
        let noise = rec.normal(x.rows(), self.denoiser.columns)?;
        let noise = rec.scale(noise, self.denoiser.sigma)?;
        let still = if conditions > 0 { Some(rec.constant(0.0, x.rows(), conditions)?) } else { None };
        let noise = join(rec, noise, still)?;
        let noised = rec.add(x, noise)?;
        self.inner.held_out_loss(rec, noised, weights)
    }

    fn dynamics(&self) -> Option<&dyn Dynamics> {
        // What an integration arrives at is not yet a sample.
        if self.denoise { None } else { self.inner.dynamics() }
    }

    fn equation(&self) -> Option<&dyn Dynamics> {
        self.inner.equation()
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        let mut rec = Recorder::with_domain(gpu, seed, DOMAIN)?;
        let (clean, noised, given) = data.noised_batch(&mut rec, self.denoiser.batch)?;
        let found = self.denoiser.apply(&mut rec, noised, given, Weights::Trained)?;
        let off = rec.blend(found, clean, 1.0 / self.denoiser.sigma, -1.0 / self.denoiser.sigma)?;
        let loss = rec.mean_square(off)?;
        rec.report("denoiser_loss", loss)?;
        rec.minimize(loss, &self.denoiser.parameters, &self.denoiser.adam)?;
        Ok(self.inner.plan(gpu, seed, data)?.after(rec.finish()?))
    }
}
