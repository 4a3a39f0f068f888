//! What methods with latent variables share (paper §3; Kingma & Welling 2014; Rezende, Mohamed & Wierstra 2014): a decoder p(x | z) over z ~ N(0, I) and an
//! encoder q(z | x) = N(m(x), diag e^{2s(x)}), both an affine map plus a perceptron that starts at zero. With samples z_k of the encoder,
//!
//!   ln p(x) ≥ E ln (1/K) Σ_k p(x | z_k) p(z_k)/q(z_k | x) = L_K,
//!
//! which is the evidence lower bound (ELBO) at K = 1, grows with K, and reaches ln p (Burda, Grosse & Salakhutdinov 2016, theorem 1).
//!
//! Training starts at probabilistic principal components ([`start`]), whose posterior the affine encoder has exactly: there every L_K is ln p.

mod settings;
mod start;

pub use settings::{LatentSettings, Likelihood, Variance};

use super::dataset::{join, part};
use super::{Dataset, Density, Meaning, Setup};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::{Activation, Adam, Builder, Head, Id, Mlp, MlpShape, Parameters, Weights};
use crate::ops::likelihood::{Family, Spread};
use crate::ops::posterior::Estimator;
use crate::ops::random::Distribution as Noise;
use crate::{Error, Result};
use start::Start;

/// Numbers that one layer's answers to a chunk of samples may take.
const MOST: usize = 1 << 24;

/// A loss of the model's samples, recorded, and how validation rows are judged: what a method of this kind adds.
pub(super) trait Objective: Send + Sync {
    /// The loss of data rows, n × (columns + given), 1 × 1.
    fn loss(&self, rec: &mut Recorder, model: &Latent, rows: Var) -> Result<Var>;

    /// What it maximizes at rows, n × 1, without what training adds to it.
    fn bound(&self, rec: &mut Recorder, model: &Latent, rows: Var, weights: Weights) -> Result<Var>;
}

/// An affine map plus a perceptron that starts at zero.
struct Network {
    weight: Id,
    bias: Id,
    mlp: Mlp,
}

impl Network {
    fn new(builder: &mut Builder, name: &str, shape: MlpShape, weight: &[f32], bias: &[f32]) -> Self {
        Self {
            weight: builder.add(format!("{name}.affine.weight"), shape.inputs, shape.outputs, weight),
            bias: builder.add(format!("{name}.affine.bias"), 1, shape.outputs, bias),
            mlp: Mlp::new(builder, name, shape),
        }
    }

    fn forward(&self, rec: &mut Recorder, parameters: &Parameters, x: Var, weights: Weights) -> Result<Var> {
        let (weight, bias) = (parameters.var(rec, self.weight, weights)?, parameters.var(rec, self.bias, weights)?);
        let straight = rec.linear(x, weight, Some(bias), Activation::Identity)?;
        let bent = self.mlp.forward(rec, parameters, x, weights)?;
        rec.add(straight, bent)
    }
}

/// Encoder and decoder.
pub(super) struct Latent {
    parameters: Parameters,
    encoder: Network,
    decoder: Network,
    /// Raw scales of the columns, where rows have none of their own.
    scale: Option<Id>,
    settings: LatentSettings,
    adam: Adam,
    batch: usize,
    columns: usize,
    conditions: usize,
    latent: usize,
    width: usize,
}

/// Samples of an encoder at n rows, K each.
pub(super) struct Drawn {
    /// The encoder's answer, n × 2q.
    pub code: Var,
    /// ln p(x | z), nK × 1.
    pub likelihood: Var,
    /// ln p(z)/q(z | x), nK × 1.
    pub ratio: Var,
}

impl Latent {
    pub fn new(setup: &Setup, settings: LatentSettings) -> Result<Self> {
        let (training, columns, conditions) = (setup.training, setup.columns, setup.conditions);
        let latent = training.latent_dim.unwrap_or(columns);
        if let Some(data) = setup.data.filter(|_| settings.likelihood == Likelihood::Bernoulli) {
            check_chances(data, columns, training.standardize)?;
        }
        let start = match setup.data {
            Some(data) => Start::of(data, columns, conditions, latent, &settings),
            None => Start::empty(columns, conditions, latent, &settings),
        };
        let mut builder = Builder::new(setup.seed);
        let shape = |inputs: usize, outputs: usize| MlpShape {
            inputs,
            outputs,
            width: training.hidden_width,
            depth: training.hidden_layers,
            activation: training.activation,
            head: Head::Free,
            input_gain: training.input_gain.unwrap_or(1.0),
            zero_last: true,
        };
        let outputs = if settings.own_scales() { 2 * columns } else { columns };
        let encoder = shape(columns + conditions, 2 * latent);
        let encoder = Network::new(&mut builder, "encoder", encoder, &start.encoder.0, &start.encoder.1);
        let decoder = shape(latent + conditions, outputs);
        let decoder = Network::new(&mut builder, "decoder", decoder, &start.decoder.0, &start.decoder.1);
        let shared = settings.likelihood != Likelihood::Bernoulli && !settings.own_scales();
        let scale = shared.then(|| builder.add("decoder.scale", 1, columns, &vec![start.raw_scale; columns]));
        Ok(Self {
            parameters: builder.build(setup.gpu)?,
            encoder,
            decoder,
            scale,
            settings,
            adam: training.adam(),
            batch: training.batch_size,
            columns,
            conditions,
            latent,
            width: training.hidden_width.max(outputs).max(2 * latent),
        })
    }

    fn family(&self) -> Family {
        match self.settings.likelihood {
            Likelihood::Gaussian => Family::Gaussian,
            Likelihood::StudentT => Family::Student { degrees: self.settings.degrees_of_freedom },
            Likelihood::Bernoulli => Family::Bernoulli,
        }
    }

    fn spread(&self, rec: &mut Recorder, weights: Weights) -> Result<Spread> {
        let floor = self.settings.min_scale;
        Ok(match self.scale {
            Some(scale) => Spread::Shared { raw: self.parameters.var(rec, scale, weights)?, floor },
            None if self.settings.own_scales() => Spread::Own { floor },
            None => Spread::None,
        })
    }

    /// The decoder's numbers at latents (n × q), with the given columns of each.
    fn decode(&self, rec: &mut Recorder, z: Var, given: Option<Var>, weights: Weights) -> Result<Var> {
        let input = join(rec, z, given)?;
        self.decoder.forward(rec, &self.parameters, input, weights)
    }

    /// `samples` of the encoder at each row.
    pub fn draw_posterior(
        &self,
        rec: &mut Recorder,
        rows: Var,
        samples: usize,
        estimator: Estimator,
        weights: Weights,
    ) -> Result<Drawn> {
        let code = self.encoder.forward(rec, &self.parameters, rows, weights)?;
        self.draw_from(rec, rows, code, samples, estimator, weights)
    }

    fn draw_from(
        &self,
        rec: &mut Recorder,
        rows: Var,
        code: Var,
        samples: usize,
        estimator: Estimator,
        weights: Weights,
    ) -> Result<Drawn> {
        let (x, given) = part(rec, rows, self.conditions)?;
        let noise = rec.normal(rows.rows() * samples, self.latent)?;
        let (z, ratio) = rec.posterior_sample(code, noise, estimator)?;
        let given = match given {
            Some(given) if samples > 1 => {
                let index: Vec<u32> = (0..z.rows()).map(|i| (i / samples) as u32).collect();
                let index = rec.gpu().upload_u32(z.rows(), 1, &index)?;
                let index = rec.tensor(&index);
                Some(rec.rows(given, index)?)
            }
            given => given,
        };
        let theta = self.decode(rec, z, given, weights)?;
        let spread = self.spread(rec, weights)?;
        let likelihood = rec.log_likelihood(self.family(), x, theta, spread)?;
        Ok(Drawn { code, likelihood, ratio })
    }

    /// ln p(x | z_k) p(z_k)/q(z_k | x) as n × K.
    pub fn log_weights(&self, rec: &mut Recorder, drawn: &Drawn) -> Result<Var> {
        let sum = rec.add(drawn.likelihood, drawn.ratio)?;
        let n = drawn.code.rows();
        rec.reshape(sum, n, sum.len() / n)
    }

    /// How many chunks of samples, and of how many each: at least `samples` in all.
    fn chunks(&self, rows: usize, samples: usize) -> (usize, usize) {
        let most = (MOST / (rows * self.width)).clamp(1, samples);
        let count = samples.div_ceil(most);
        (count, samples.div_ceil(count))
    }

    /// L_K of at least `samples` samples at each row, n × 1, and its standard error as the samples tell it: of the mean weight, over that mean.
    pub fn bound(&self, rec: &mut Recorder, rows: Var, samples: usize, weights: Weights) -> Result<(Var, Option<Var>)> {
        let code = self.encoder.forward(rec, &self.parameters, rows, weights)?;
        let (count, each) = self.chunks(rows.rows(), samples);
        let (mut means, mut squares) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for _ in 0..count {
            let drawn = self.draw_from(rec, rows, code, each, Estimator::Plain, weights)?;
            let logs = self.log_weights(rec, &drawn)?;
            means.push(rec.log_mean_exp(logs)?);
            let doubled = rec.scale(logs, 2.0)?;
            squares.push(rec.log_mean_exp(doubled)?);
        }
        let mut whole = |parts: &[Var]| {
            let all = rec.concat(parts)?;
            rec.log_mean_exp(all)
        };
        let (mean, square) = (whole(&means)?, whole(&squares)?);
        let total = count * each;
        if total == 1 {
            return Ok((mean, None));
        }
        // Var w̄/w̄² = (E w²/(E w)² − 1)/(K − 1).
        let relative = rec.blend(square, mean, 1.0, -2.0)?;
        let relative = rec.exp(relative)?;
        let share = 1.0 / (total as f32 - 1.0);
        let variance = rec.affine(relative, share, -share)?;
        Ok((mean, Some(rec.sqrt(variance)?)))
    }

    /// The evidence lower bound at each row, n × 1: the mean of about `samples` likelihoods, less the divergence of the encoder from the prior.
    pub fn elbo(&self, rec: &mut Recorder, rows: Var, samples: usize, weights: Weights) -> Result<Var> {
        let (_, each) = self.chunks(rows.rows(), samples);
        let drawn = self.draw_posterior(rec, rows, each, Estimator::Plain, weights)?;
        let likelihood = rec.reshape(drawn.likelihood, rows.rows(), each)?;
        let likelihood = rec.sum_cols(likelihood)?;
        let divergence = rec.posterior_divergence(drawn.code)?;
        let divergence = rec.sum_cols(divergence)?;
        rec.blend(likelihood, divergence, 1.0 / each as f32, -1.0)
    }
}

/// Refuses rows that are no chances, with the column's name.
fn check_chances(data: &Dataset, columns: usize, standardized: bool) -> Result<()> {
    if standardized {
        return Err(Error::usage(
            "`likelihood` = bernoulli needs values from 0 to 1, and standardized columns are not: set `standardize` = false",
        ));
    }
    let values = data.values()?;
    let outside = values.iter().enumerate().find(|(i, v)| i % data.cols() < columns && !(0.0..=1.0).contains(*v));
    match outside {
        None => Ok(()),
        Some((i, value)) => Err(Error::data(format!(
            "column `{}` has the value {value} in row {}, and `likelihood` = bernoulli is of values between 0 and 1: scale the column, or \
             choose likelihood = gaussian",
            data.column(i % data.cols()),
            i / data.cols() + 1
        ))),
    }
}

/// A latent-variable model with an objective, as a method.
pub(super) struct LatentMethod<O> {
    pub model: Latent,
    pub objective: O,
}

impl<O: Objective> super::Learner for LatentMethod<O> {
    fn parameters(&self) -> &Parameters {
        &self.model.parameters
    }

    fn latent(&self) -> usize {
        self.model.latent
    }

    /// z, and behind it the decoder's noise, where samples have it.
    fn draw(&self, rec: &mut Recorder, rows: usize, _: Weights) -> Result<Var> {
        let model = &self.model;
        let z = rec.normal(rows, model.latent)?;
        if !model.settings.decoder_noise {
            return Ok(z);
        }
        let noise = match model.settings.likelihood {
            Likelihood::Gaussian => rec.normal(rows, model.columns)?,
            Likelihood::StudentT => student(rec, rows, model.columns, model.settings.degrees_of_freedom)?,
            Likelihood::Bernoulli => rec.uniform(rows, model.columns)?,
        };
        rec.concat(&[z, noise])
    }

    /// The decoder's mean (median, for Student's distribution) at z; or with noise behind z, a row of its distribution.
    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let model = &self.model;
        let own = z.cols() - model.conditions;
        let (latents, given) = part(rec, z, model.conditions)?;
        let noise = match own - model.latent {
            0 => None,
            columns => Some(rec.columns(latents, model.latent, columns)?),
        };
        let latents = if noise.is_some() { rec.columns(latents, 0, model.latent)? } else { latents };
        let theta = model.decode(rec, latents, given, weights)?;
        match noise {
            Some(noise) => {
                let spread = model.spread(rec, weights)?;
                rec.likelihood_sample(model.family(), theta, spread, noise)
            }
            None if model.settings.likelihood == Likelihood::Bernoulli => rec.sigmoid(theta),
            None if model.settings.own_scales() => rec.columns(theta, 0, model.columns),
            None => Ok(theta),
        }
    }

    fn log_density(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Density>> {
        let (value, error) = self.model.bound(rec, x, self.model.settings.bound_samples, weights)?;
        Ok(Some(Density { value, error }))
    }

    fn density_means(&self) -> Meaning {
        Meaning::LowerBound { samples: self.model.settings.bound_samples }
    }

    fn held_out_loss(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Var>> {
        let bound = self.objective.bound(rec, &self.model, x, weights)?;
        Ok(Some(rec.scale(bound, -1.0)?))
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        Plan::record(gpu, seed, |rec| {
            let rows = data.batch(rec, self.model.batch)?;
            let loss = self.objective.loss(rec, &self.model, rows)?;
            rec.report("loss", loss)?;
            let norm2 = rec.minimize(loss, &self.model.parameters, &self.model.adam)?;
            rec.report("gradient_norm2", norm2)
        })
    }
}

/// Numbers of Student's distribution by the polar method: t = √(ν(u^{−2/ν} − 1))·cos 2πv for uniform u and v (Bailey 1994).
fn student(rec: &mut Recorder, rows: usize, cols: usize, degrees: f32) -> Result<Var> {
    // (0, 1]: no logarithm of zero.
    let u = rec.uniform(rows, cols)?;
    let u = rec.affine(u, -1.0, 1.0)?;
    let v = rec.random(Noise::Uniform { low: 0.0, high: std::f32::consts::TAU }, rows, cols)?;
    let log = rec.log(u)?;
    let log = rec.scale(log, -2.0 / degrees)?;
    let power = rec.exp(log)?;
    let square = rec.affine(power, degrees, -degrees)?;
    let radius = rec.sqrt(square)?;
    let direction = rec.cos(v)?;
    rec.mul(radius, direction)
}
