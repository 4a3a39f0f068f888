//! Flow matching (paper §4; Lipman et al. 2023; Liu, Gong & Liu 2023; Albergo & Vanden-Eijnden 2023): between x₀ of a source law and x₁ of
//! the data lies a path x_t = α x₁ + σ x₀, and the field v that minimises
//!
//!   E ‖v(x_t, t) − (α̇ x₁ + σ̇ x₀)‖²,   t uniform on [0, 1], x₀ and x₁ independent,
//!
//! carries the source to the data: φ(z) is the end of dx/dt = v(x, t) from ξ(z). The source is the house's first guess ξ_#ν, the Gaussian
//! with the data's mean and covariance, and v starts at zero: training starts at the fitted Gaussian, as that of every other method does.

use super::{Dataset, Entry, Method, Setup, resolve};
use crate::flow::{Path, Solver, divergence, integrate, integrate_jointly};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::{Activation, Adam, Builder, Id, Parameters, TimeEmbedding, Velocity, VelocityShape, Weights};
use crate::{Error, Result, loss, settings};

settings! {
    /// Settings of `flow-matching`.
    pub struct Settings {
        /// Path from source to data: straight, trigonometric.
        path: Path = Path::Straight,
        /// Solver of samples: euler, midpoint, heun, rk4.
        solver: Solver = Solver::Heun,
        /// Its steps.
        solver_steps: usize = 16,
        /// Frequencies of the time embedding, in octaves from ½.
        time_frequencies: usize = 6,
    }
}

pub const ENTRY: Entry = Entry {
    name: "flow-matching",
    summary: "a velocity field between a Gaussian and the data, followed by a solver",
    paper: "§4, flow matching",
    density: true,
    inverse: true,
    defaults: "width = 128\ndepth = 3\nrate = 2e-3",
    keys: <Settings as settings::Settings>::keys,
    build: |setup, own| {
        let settings: Settings = settings::take(own)?;
        Ok(Box::new(FlowMatching::new(setup, settings)?))
    },
    resolve: |table| resolve::<Settings>(table, Settings::check),
};

impl Settings {
    fn check(&self) -> Result<()> {
        for (key, value, most) in [("solver_steps", self.solver_steps, 10_000), ("time_frequencies", self.time_frequencies, 16)] {
            if !(1..=most).contains(&value) {
                return Err(Error::usage(format!("`{key}` is {value}: it must be between 1 and {most}")));
            }
        }
        Ok(())
    }
}

/// Trains a velocity field.
pub struct FlowMatching {
    parameters: Parameters,
    weight: Id,
    bias: Id,
    velocity: Velocity,
    adam: Adam,
    batch: usize,
    latent: usize,
    settings: Settings,
}

impl FlowMatching {
    fn new(setup: &Setup, settings: Settings) -> Result<Self> {
        let (training, columns) = (setup.training, setup.columns);
        let latent = if training.latent == 0 { columns } else { training.latent };
        let mut builder = Builder::new(setup.seed);
        let (mean, factor) = match setup.data {
            Some(data) => (data.mean().to_vec(), data.embedding(latent)),
            None => (vec![0.0; columns], vec![0.0; latent * columns]),
        };
        let weight = builder.add("embedding.weight", latent, columns, &factor);
        let bias = builder.add("embedding.bias", 1, columns, &mean);
        // The source is no unknown: moved by the loss it would fall onto one point.
        builder.fix();
        let shape = VelocityShape {
            columns,
            width: training.width,
            depth: training.depth,
            activation: training.activation,
            input_gain: if training.input_gain == 0.0 { 3.0 } else { training.input_gain },
            time: TimeEmbedding {
                count: settings.time_frequencies,
                highest: 0.5 * (settings.time_frequencies as f32 - 1.0).exp2(),
            },
        };
        let velocity = Velocity::new(&mut builder, "velocity", shape);
        let (parameters, adam) = (builder.build(setup.gpu)?, training.adam());
        Ok(Self { parameters, weight, bias, velocity, adam, batch: training.batch, latent, settings })
    }

    /// ξ(z): rows of the source law.
    fn source(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let (weight, bias) = (self.parameters.var(rec, self.weight, weights)?, self.parameters.var(rec, self.bias, weights)?);
        rec.linear(z, weight, Some(bias), Activation::Identity)
    }

    /// ξ⁻¹(x), and ln|det A| of ξ(z) = zA + b.
    fn latents(&self, rec: &mut Recorder, x: Var) -> Result<(Var, f64)> {
        let columns = x.cols();
        if self.latent != columns {
            return Err(Error::usage(format!(
                "the latent space has {} dimensions and the data {columns}: only a map between equal spaces has an inverse and a density",
                self.latent
            )));
        }
        let values = self.parameters.averaged()?;
        let slice = |name: &str| values.iter().find(|v| v.0 == name).map_or(&[][..], |v| &v.3);
        let a = nalgebra::DMatrix::from_row_iterator(columns, columns, slice("embedding.weight").iter().map(|&v| f64::from(v)));
        let deviations = a.singular_values();
        let log_det = deviations.iter().map(|s| s.ln()).sum::<f64>();
        // Directions that f32 rows cannot tell from none.
        let flat = deviations.min() <= 1e-6 * deviations.max();
        let Some(inverse) = a.try_inverse().filter(|_| !flat) else {
            return Err(Error::data(
                "the data lie in fewer dimensions than they have columns: they have no density, and the map no inverse",
            ));
        };
        let inverse: Vec<f32> = inverse.transpose().iter().map(|&v| v as f32).collect();
        let inverse = rec.gpu().upload(columns, columns, &inverse)?;
        let inverse = rec.tensor(&inverse);
        let bias: Vec<f32> = slice("embedding.bias").to_vec();
        let bias = rec.gpu().upload(1, columns, &bias)?;
        let bias = rec.tensor(&bias);
        let centred = rec.sub(x, bias)?;
        Ok((rec.linear(centred, inverse, None, Activation::Identity)?, log_det))
    }
}

impl Method for FlowMatching {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn latent(&self) -> usize {
        self.latent
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let x = self.source(rec, z, weights)?;
        let mut field = self.velocity.field(rec, &self.parameters, weights)?;
        integrate(rec, self.settings.solver, 0.0..=1.0, self.settings.solver_steps, x, &mut field)
    }

    fn pull(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Var>> {
        let mut field = self.velocity.field(rec, &self.parameters, weights)?;
        let x0 = integrate(rec, self.settings.solver, 1.0..=0.0, self.settings.solver_steps, x, &mut field)?;
        Ok(Some(self.latents(rec, x0)?.0))
    }

    /// The continuity equation along the way back: ln ρ₁(x₁) = ln ρ₀(x₀) − ∫₀¹ ∇·v dt (Chen et al. 2018, eq. 8).
    fn log_density(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Var>> {
        let mut field = self.velocity.field(rec, &self.parameters, weights)?;
        let start = rec.constant(0.0, x.rows(), 1)?;
        let steps = self.settings.solver_steps;
        let ends = integrate_jointly(rec, self.settings.solver, 1.0..=0.0, steps, &[x, start], &mut |rec, state, t| {
            let v = field(rec, state[0], t)?;
            Ok(vec![v, divergence(rec, v, state[0])?])
        })?;
        let (z, log_det) = self.latents(rec, ends[0])?;
        let squares = rec.square(z)?;
        let squares = rec.sum_cols(squares)?;
        let normal = -0.5 * self.latent as f64 * std::f64::consts::TAU.ln();
        let source = rec.affine(squares, -0.5, (normal - log_det) as f32)?;
        Ok(Some(rec.add(source, ends[1])?))
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        Plan::record(gpu, seed, |rec| {
            let x1 = data.batch(rec, self.batch)?;
            let z = rec.normal(self.batch, self.latent)?;
            let x0 = self.source(rec, z, Weights::Trained)?;
            let t = rec.uniform(self.batch, 1)?;
            let at = self.settings.path.sample(rec, x0, x1, t)?;
            let v = self.velocity.forward(rec, &self.parameters, at.x, t, Weights::Trained)?;
            let loss = loss::mean_squared(rec, v, at.velocity)?;
            rec.report("loss", loss)?;
            let norm2 = rec.minimize(loss, &self.parameters, &self.adam)?;
            rec.report("gradient_norm2", norm2)
        })
    }
}
