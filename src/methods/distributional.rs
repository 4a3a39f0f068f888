//! Distributional diffusion (De Bortoli, Galashov, Guntupalli, Zhou, Murphy, Gretton & Doucet 2025): a denoiser that does not tell the mean of the data behind a
//! noised row but draws from their law, X̂ = φ(x_t, t, Z) ~ X₁ | x_t, trained by the energy score
//!
//!   E‖X₁ − φ(x_t, t, Z)‖^β − (λ/2) E‖φ(x_t, t, Z) − φ(x_t, t, Z')‖^β,
//!
//! the few-step form of engression (Shen & Meinshausen 2024; `energy` with given columns): x_t is one more thing that is given. Since draws are from the whole law, a few steps are enough:
//! from x_t to t' > t by the bridge that X̂ and the noise behind x_t span, x_{t'} = (1 − t')x̂₀ + t'X̂, x̂₀ = (x_t − tX̂)/(1 − t). Each step has latents of its
//! own: a sample in K steps is made of (1 + K)·columns normal numbers.
//!
//! X̂ starts as what it is for Gaussian data, whose noise has their covariance: a x_t + b ξ(Z) with a = t/σ², b = (1 − t)/σ, σ² = (1 − t)² + t².

use super::dataset::{join, part};
use super::few_step::{Place, Steps};
use super::{Dataset, Entry, Method, Setup, descend, resolve_two};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::loss::energy_score;
use crate::nn::{Adam, Builder, Parameters, Velocity, Weights};
use crate::ops::time::Time;
use crate::settings::Settings as _;
use crate::{Error, Result, settings};

settings! {
    /// Settings of `distributional-diffusion`.
    pub struct Settings {
        /// Exponent β of the distance, above 0 and below 2.
        beta: f32 = 1.0,
        /// Weight λ of the draws' distance from each other: 1 asks for the whole spread of the law, 0 for its median.
        spread: f32 = 1.0,
        /// Draws of each row, two or more.
        draws: usize = 2,
    }
}

pub const ENTRY: Entry = Entry {
    name: "distributional-diffusion",
    summary: "a denoiser that draws from what may lie behind a noised row, by the energy score: few steps are enough",
    paper: "§4, reverse simulation, with §2's energy distance for the denoiser",
    density: false,
    inverse: false,
    defaults: "width = 128\ndepth = 3\nrate = 2e-3",
    keys: || [Settings::keys(), Steps::keys()].concat(),
    build: |setup, own| {
        let (settings, steps): (Settings, Steps) = (settings::take(own)?, settings::take(own)?);
        Ok(Box::new(Distributional::new(setup, settings, &steps)?))
    },
    resolve: |table| resolve_two::<Settings, Steps>(table, check, Steps::check),
};

fn check(settings: &Settings) -> Result<()> {
    if !(settings.beta > 0.0 && settings.beta < 2.0) {
        return Err(Error::usage(format!("`beta` is {}: it must be above 0 and below 2", settings.beta)));
    }
    if !(0.0..=1.0).contains(&settings.spread) {
        return Err(Error::usage(format!("`spread` is {}: it must be between 0 and 1", settings.spread)));
    }
    if !(2..=16).contains(&settings.draws) {
        return Err(Error::usage(format!("`draws` is {}: it must be between 2 and 16", settings.draws)));
    }
    Ok(())
}

struct Distributional {
    settings: Settings,
    parameters: Parameters,
    network: Velocity,
    adam: Adam,
    batch: usize,
    columns: usize,
    conditions: usize,
    steps: usize,
    place: Place,
}

impl Distributional {
    fn new(setup: &Setup, settings: Settings, steps: &Steps) -> Result<Self> {
        let (training, columns, conditions) = (setup.training, setup.columns, setup.conditions);
        let mut builder = Builder::new(setup.seed);
        let place = Place::new(&mut builder, setup)?;
        let network = Velocity::new(&mut builder, "denoiser", steps.shape(training, 2 * columns + conditions, columns));
        let parameters = builder.build(setup.gpu)?;
        let (adam, batch, steps) = (training.adam(), training.batch, steps.map_steps);
        Ok(Self { settings, parameters, network, adam, batch, columns, conditions, steps, place })
    }

    fn noise(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        self.place.noise(rec, &self.parameters, z, weights)
    }

    /// X̂ of a batch: rows x at their times t, and the coefficients a and b (rows × 1 each) of what it starts as.
    fn draw(&self, rec: &mut Recorder, x: Var, given: Option<Var>, z: Var, t: Var, [a, b]: [Var; 2]) -> Result<Var> {
        let input = rec.concat(&[x, z])?;
        let input = join(rec, input, given)?;
        let bent = self.network.forward(rec, &self.parameters, input, t, Weights::Trained)?;
        let noise = self.noise(rec, z, Weights::Trained)?;
        let (kept, spread) = (rec.mul(x, a)?, rec.mul(noise, b)?);
        let start = rec.add(kept, spread)?;
        rec.add(start, bent)
    }

    fn loss(&self, rec: &mut Recorder, data: &Dataset) -> Result<Var> {
        let rows = self.batch;
        let ends = self.place.ends(rec, &self.parameters, data, rows)?;
        let t = rec.uniform(rows, 1)?;
        let x = ends.at(rec, t)?;
        let left = rec.affine(t, -1.0, 1.0)?;
        let (t2, left2) = (rec.square(t)?, rec.square(left)?);
        let variance = rec.add(t2, left2)?;
        let deviation = rec.sqrt(variance)?;
        let start = [rec.div(t, variance)?, rec.div(left, deviation)?];
        let mut draws = Vec::with_capacity(self.settings.draws);
        for _ in 0..self.settings.draws {
            let z = rec.normal(rows, self.columns)?;
            draws.push(self.draw(rec, x, ends.given, z, t, start)?);
        }
        energy_score(rec, &draws, ends.data, self.settings.beta, self.settings.spread)
    }
}

impl Method for Distributional {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn latent(&self) -> usize {
        (1 + self.steps) * self.columns
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let (z, given) = part(rec, z, self.conditions)?;
        let block = |rec: &mut Recorder, k: usize| rec.columns(z, k * self.columns, self.columns);
        let first = block(rec, 0)?;
        let mut x = self.noise(rec, first, weights)?;
        for k in 0..self.steps {
            let [t, next] = [k, k + 1].map(|k| k as f64 / self.steps as f64);
            let latent = block(rec, k + 1)?;
            let input = rec.concat(&[x, latent])?;
            let input = join(rec, input, given)?;
            let bent = self.network.at(rec, &self.parameters, input, Time::Known(t), weights)?;
            let noise = self.noise(rec, latent, weights)?;
            let variance = (1.0 - t) * (1.0 - t) + t * t;
            let drawn = rec.weighted_sum(&[(t / variance, x), ((1.0 - t) / variance.sqrt(), noise), (1.0, bent)])?;
            // The bridge, (1 − t')/(1 − t) of what is left of the noise.
            let kept = (1.0 - next) / (1.0 - t);
            x = rec.weighted_sum(&[(kept, x), (next - kept * t, drawn)])?;
        }
        self.place.place(rec, &self.parameters, x, weights)
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        Plan::record(gpu, seed, |rec| {
            let loss = self.loss(rec, data)?;
            descend(rec, loss, &self.parameters, &self.adam)
        })
    }
}
