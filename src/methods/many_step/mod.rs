//! What every method has whose map is the end of an integration: a network F(x, t) on a path, the noise at its start, and how samples are
//! drawn. A method of this kind is a [`Flow`]: its loss, and what it makes of the network; [`Integrated`] makes it a [`Learner`](super::Learner).
//!
//! Everything runs in centered units, x less the data's mean. Noise is ξ(z) = zA, the Gaussian with the data's covariance (the paper's ξ), so
//! that a network that says nothing leaves the fitted Gaussian as it is: on every path of such noise a Gaussian of that covariance only
//! changes its scale.

mod integrated;
mod settings;

pub use integrated::{Dynamics, Flow, Integrated, Way};
pub use settings::{PathSettings, Sampling, check_source};

use super::dataset::{join, part};
use super::{Dataset, Setup};
use crate::flow::{Denoiser, Path, Prediction, Time, TimeDistribution, table};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::{Activation, Adam, Builder, Id, Parameters, Velocity, VelocityShape, Weights};
use crate::{Error, Result};

/// Sharp features of few dimensions are learned sooner with a larger gain. On breast cancer (30 columns, 2,000 steps, no validation rows) a
/// gain of 3 had a skill of 0.38, and 1 of 0.58.
pub fn automatic_gain(columns: usize) -> f32 {
    (3.0 * (2.0 / columns as f32).sqrt()).max(1.0)
}

/// A network on a path, with its noise, optimizer and way of sampling.
pub struct ManyStep {
    pub parameters: Parameters,
    pub network: Velocity,
    pub adam: Adam,
    pub batch: usize,
    pub latent: usize,
    pub columns: usize,
    /// Given columns, which stand behind the others in every state and do not move.
    pub conditions: usize,
    pub path: Path,
    pub prediction: Prediction,
    pub times: TimeDistribution,
    pub sampling: Sampling,
    weight: Id,
    bias: Id,
    /// Rows of the source distribution, where it is no Gaussian.
    source: Option<Id>,
    centerd: bool,
}

/// Rows of a given source distribution that a model keeps: enough to draw from, few enough for a file.
pub const SOURCE_ROWS: usize = 16_384;

impl ManyStep {
    /// `heads`: how many answers of the data's width the network gives. `given`: whether the source distribution is that of rows.
    pub fn new(
        setup: &Setup,
        settings: &PathSettings,
        sampling: &Sampling,
        prediction: Prediction,
        heads: usize,
        given: bool,
    ) -> Result<Self> {
        let (training, columns, conditions) = (setup.training, setup.columns, setup.conditions);
        if given && conditions > 0 {
            return Err(Error::usage(
                "`source` starts from rows, which do not have the conditioning columns: leave out `source` or the conditioning columns",
            ));
        }
        let latent = training.latent_dim.filter(|_| !given).unwrap_or(columns);
        let mut builder = Builder::new(setup.seed);
        let (mean, factor) = match setup.data {
            Some(data) => (data.mean().to_vec(), data.as_dequantized().embedding(latent)),
            None => (vec![0.0; columns], vec![0.0; latent * columns]),
        };
        let weight = builder.add("embedding.weight", latent, columns, &factor);
        let bias = builder.add("embedding.bias", 1, columns, &mean);
        let source = given.then(|| {
            let rows = setup.data.and_then(Dataset::source).map_or_else(|| vec![0.0; SOURCE_ROWS * columns], <[f32]>::to_vec);
            builder.add("source", SOURCE_ROWS, columns, &rows)
        });
        // The noise is no unknown: moved by the loss it would fall onto one point.
        builder.fix();
        let shape = VelocityShape {
            columns: columns + conditions,
            outputs: heads * columns,
            width: training.hidden_width,
            depth: training.hidden_layers,
            activation: training.activation,
            input_gain: training.input_gain.unwrap_or(automatic_gain(columns)),
            time: settings.embedding(),
        };
        let network = Velocity::new(&mut builder, "velocity", shape);
        Ok(Self {
            parameters: builder.build(setup.gpu)?,
            network,
            adam: training.adam(),
            batch: training.batch_size,
            latent,
            columns,
            conditions,
            path: settings.path(),
            prediction,
            times: settings.time_distribution,
            sampling: sampling.clone(),
            weight,
            bias,
            source,
            centerd: mean.iter().all(|m| m.abs() < 1e-6),
        })
    }

    /// A batch of data rows, centered, and their given columns.
    pub fn data(&self, rec: &mut Recorder, data: &Dataset) -> Result<(Var, Option<Var>)> {
        let (x, given) = data.parted_batch(rec, self.batch)?;
        Ok((self.center(rec, x, Weights::Trained)?, given))
    }

    /// A state's rows, and their given columns.
    pub fn part(&self, rec: &mut Recorder, state: Var) -> Result<(Var, Option<Var>)> {
        part(rec, state, self.conditions)
    }

    /// The velocity of a state, in which given columns stand still.
    pub fn still(&self, rec: &mut Recorder, v: Var) -> Result<Var> {
        match self.conditions {
            0 => Ok(v),
            conditions => {
                let zero = rec.constant(0.0, v.rows(), conditions)?;
                rec.concat(&[v, zero])
            }
        }
    }

    /// x less the data's mean.
    pub fn center(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Var> {
        if self.centerd {
            return Ok(x);
        }
        let mean = self.parameters.var(rec, self.bias, weights)?;
        rec.sub(x, mean)
    }

    /// What samples are drawn from: normal numbers, or rows of the source distribution.
    fn draw(&self, rec: &mut Recorder, rows: usize, weights: Weights) -> Result<Var> {
        match self.source {
            None => rec.normal(rows, self.latent),
            Some(source) => {
                let source = self.parameters.var(rec, source, weights)?;
                rec.batch(source, rows)
            }
        }
    }

    /// Rows of the distribution at the path's beginning, centered.
    pub fn source(&self, rec: &mut Recorder, rows: usize) -> Result<Var> {
        let z = self.draw(rec, rows, Weights::Trained)?;
        match self.source {
            None => self.embed(rec, z, Weights::Trained),
            Some(_) => self.center(rec, z, Weights::Trained),
        }
    }

    /// zA for given latents.
    pub fn embed(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let weight = self.parameters.var(rec, self.weight, weights)?;
        rec.linear(z, weight, None, Activation::Identity)
    }

    /// Fresh noise.
    pub fn noise(&self, rec: &mut Recorder, rows: usize, weights: Weights) -> Result<Var> {
        let z = rec.normal(rows, self.latent)?;
        self.embed(rec, z, weights)
    }

    /// A table of a batch's times.
    pub fn draw_times(&self, rec: &mut Recorder) -> Result<Var> {
        self.path.draw(rec, self.prediction, self.times.times(), self.batch, 0.0, 1.0)
    }

    /// αx₁ + σx₀ by a table of times.
    pub fn between(&self, rec: &mut Recorder, at: Var, x0: Var, x1: Var) -> Result<Var> {
        rec.combine(at, &[(table::ALPHA, 1.0, x1), (table::SIGMA, 1.0, x0)])
    }

    /// F for a batch with a table of times.
    pub fn output(&self, rec: &mut Recorder, at: Var, x: Var, given: Option<Var>, weights: Weights) -> Result<Var> {
        let input = if self.path.explodes() { rec.combine(at, &[(table::INPUT, 1.0, x)])? } else { x };
        let input = join(rec, input, given)?;
        let t = rec.columns(at, table::TIME, 1)?;
        self.network.forward(rec, &self.parameters, input, t, weights)
    }

    /// The mean of (w·F − target)² for noise x₀ and data x₁.
    pub fn denoising(&self, rec: &mut Recorder, x0: Var, x1: Var, given: Option<Var>) -> Result<Var> {
        let at = self.draw_times(rec)?;
        let x = self.between(rec, at, x0, x1)?;
        let output = self.output(rec, at, x, given, Weights::Trained)?;
        let [a, b, w] = [table::TARGET, table::TARGET + 1, table::WEIGHT];
        let residual = rec.combine(at, &[(w, 1.0, output), (a, -1.0, x1), (b, -1.0, x0)])?;
        rec.mean_square(residual)
    }

    /// F at one time for all rows.
    fn output_at(&self, rec: &mut Recorder, x: Var, given: Option<Var>, time: Time, weights: Weights) -> Result<Var> {
        let input = if self.path.explodes() {
            let row = self.path.row(rec, self.prediction, time)?;
            rec.combine(row, &[(table::INPUT, 1.0, x)])?
        } else {
            x
        };
        let input = join(rec, input, given)?;
        self.network.at(rec, &self.parameters, input, time, weights)
    }

    /// The field of the flow, from F, at a state: its rows and their given columns.
    pub fn velocity(&self, rec: &mut Recorder, state: Var, time: Time, weights: Weights) -> Result<Var> {
        if self.prediction == Prediction::Velocity && !self.path.explodes() {
            let v = self.network.at(rec, &self.parameters, state, time, weights)?;
            return self.still(rec, v);
        }
        let (x, given) = self.part(rec, state)?;
        let output = self.output_at(rec, x, given, time, weights)?;
        if self.prediction == Prediction::Velocity {
            return self.still(rec, output);
        }
        let row = self.path.row(rec, self.prediction, time)?;
        let v = rec.combine(row, &[(table::VELOCITY, 1.0, x), (table::VELOCITY + 1, 1.0, output)])?;
        self.still(rec, v)
    }

    /// The times between which samples are integrated. A head that cannot tell data from noise at one end keeps a little away from it.
    pub fn span(&self) -> (f64, f64) {
        let (begin, end) = self.field_span();
        (begin, if self.sampling.solver.tableau().is_some() { end } else { 1.0 })
    }

    /// The same by a solver that follows the field, whatever samples are drawn by.
    pub fn field_span(&self) -> (f64, f64) {
        let begin = match self.prediction {
            Prediction::Noise | Prediction::Score => self.path.time_of_ratio(100.0).max(0.0),
            _ => 0.0,
        };
        let end = match self.prediction {
            Prediction::Data => self.path.time_of_ratio(0.02).min(1.0),
            _ => 1.0,
        };
        (begin, end)
    }

    fn step_times(&self, (from, to): (f64, f64)) -> Result<Vec<f64>> {
        self.sampling.grid.on(&self.path, from, to, self.sampling.solver_steps)
    }

    /// The times of the steps from data to noise: a field is followed there.
    fn times_back(&self) -> Result<Vec<f64>> {
        let (begin, end) = self.field_span();
        self.step_times((end, begin))
    }

    /// Noise with the standard deviation that the path has where samples begin, if the data are Gaussian.
    fn scale(&self) -> f64 {
        let c = self.path.at(self.span().0);
        (c.alpha * c.alpha + c.sigma * c.sigma).sqrt()
    }

    /// Where the latents z begin, with their given columns.
    fn begin(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let (z, given) = self.part(rec, z)?;
        let x = self.begin_at(rec, z, weights)?;
        join(rec, x, given)
    }

    fn begin_at(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        if self.source.is_some() {
            let mean = self.parameters.var(rec, self.bias, weights)?;
            return rec.sub(z, mean);
        }
        let x = self.embed(rec, z, weights)?;
        let scale = self.scale();
        if (scale - 1.0).abs() < 1e-12 { Ok(x) } else { rec.scale(x, scale as f32) }
    }

    /// Rows in the data's own place, from the state in which the integration ended.
    fn arrive(&self, rec: &mut Recorder, state: Var, weights: Weights) -> Result<Var> {
        let (x, given) = self.part(rec, state)?;
        let end = self.span().1;
        let x = if end < 1.0 {
            let output = self.output_at(rec, x, given, Time::Known(end), weights)?;
            let row = self.path.row(rec, self.prediction, Time::Known(end))?;
            rec.combine(row, &[(table::DATA, 1.0, x), (table::DATA + 1, 1.0, output)])?
        } else {
            x
        };
        self.place(rec, x, weights)
    }

    /// Centered rows in the data's own place.
    pub fn place(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Var> {
        let mean = self.parameters.var(rec, self.bias, weights)?;
        rec.add(x, mean)
    }

    /// z from where it begins, and ln|det| of what takes it there.
    fn latents(&self, rec: &mut Recorder, x: Var) -> Result<(Var, f64)> {
        let columns = self.columns;
        if self.source.is_some() {
            return Ok((self.place(rec, x, Weights::Averaged)?, 0.0));
        }
        if self.latent != columns {
            return Err(Error::usage(format!(
                "the latent space has {} dimensions and the data {columns}: only a map between spaces of the same dimension has an inverse and a density",
                self.latent
            )));
        }
        let values = self.parameters.averaged()?;
        let slice = |name: &str| values.iter().find(|v| v.0 == name).map_or(&[][..], |v| &v.3);
        let scale = self.scale();
        let a = slice("embedding.weight").iter().map(|&v| scale * f64::from(v));
        let a = nalgebra::DMatrix::from_row_iterator(columns, columns, a);
        if !a.iter().all(|number| number.is_finite()) {
            // Its singular values would be looked for without end.
            return Err(Error::data("the map's weights are not finite: it has no inverse and no density"));
        }
        let deviations = a.singular_values();
        let log_det = deviations.iter().map(|s| s.ln()).sum::<f64>();
        // Directions that f32 rows cannot tell from none.
        let flat = deviations.min() <= 1e-6 * deviations.max();
        let Some(inverse) = a.try_inverse().filter(|_| !flat) else {
            return Err(Error::data(
                "the data lie on a manifold of lower dimension: they have no density, and the map no inverse",
            ));
        };
        let inverse: Vec<f32> = inverse.transpose().iter().map(|&v| v as f32).collect();
        let inverse = rec.gpu().upload(columns, columns, &inverse)?;
        let inverse = rec.tensor(&inverse);
        Ok((rec.linear(x, inverse, None, Activation::Identity)?, log_det))
    }

    /// The log-density of the start of a trajectory, at rows there.
    pub fn noise_density(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        if self.source.is_some() {
            return Err(Error::usage("the source distribution of this model is known by samples only: it has no density"));
        }
        let (z, log_det) = self.latents(rec, x)?;
        let squares = rec.square(z)?;
        let squares = rec.sum_cols(squares)?;
        let normal = -0.5 * self.latent as f64 * std::f64::consts::TAU.ln();
        rec.affine(squares, -0.5, (normal - log_det) as f32)
    }

    /// The solvers that need noise and data at the ends of the path.
    pub fn follow_noisy(
        &self,
        rec: &mut Recorder,
        times: &[f64],
        x: Var,
        given: Option<Var>,
        weights: Weights,
    ) -> Result<Vec<Var>> {
        let mut output = |rec: &mut Recorder, x: Var, t: f64| self.output_at(rec, x, given, Time::Known(t), weights);
        let mut noise = |rec: &mut Recorder, x: Var| self.noise(rec, x.rows(), weights);
        let mut denoiser = Denoiser {
            path: self.path,
            prediction: self.prediction,
            output: &mut output,
            noise: &mut noise,
            eta: self.sampling.eta,
            churn: self.sampling.churn,
        };
        denoiser.follow(rec, self.sampling.solver, times, x)
    }

    /// The plan of one step whose loss `loss` records.
    pub fn plan_of(&self, gpu: &Gpu, seed: u64, loss: impl FnOnce(&mut Recorder) -> Result<Var>) -> Result<Plan> {
        Plan::record(gpu, seed, |rec| {
            let loss = loss(rec)?;
            self.minimize(rec, loss)
        })
    }

    /// Appends one update and its reports.
    fn minimize(&self, rec: &mut Recorder, loss: Var) -> Result<()> {
        super::descend(rec, loss, &self.parameters, &self.adam)
    }
}
