//! The paper's Fig. 1: the Gaussian distribution learned onto the uniform one on [0, 1] by the mean formulation D₂² (eq. 3) with
//! 𝓕 = {x ↦ e^{2πikx} | k ∈ \[10\]}, τ uniform over those ten functions, and φ a small perceptron.
//!
//! The loss sees φ(z) only modulo 1, so φ must be bounded to [0, 1]: a sigmoid head. Even then z ↦ 1 − φ(z) and any other
//! rearrangement are minimizers, so the map is scored by the Kolmogorov–Smirnov distance of its samples to the uniform distribution
//! and by monotonicity, and compared with Φ or 1 − Φ when drawn. The target's statistics are known exactly: E e^{2πikU} = 0,
//! so D₂² is the mean of |⟨f_k|φ_#ν⟩|².

pub(crate) mod report;

use pushforward::data::Table;
use pushforward::gpu::{Gpu, Kept, Recorder, Step, Var};
use pushforward::metrics::kolmogorov;
use pushforward::nn::{Activation, Adam, Builder, Generator, GeneratorShape, Parameters, Schedule, Weights};
use pushforward::ops::fourier::{Frequencies, Statistics};
use pushforward::ops::pairwise::Estimator;
use pushforward::{Result, settings};
use serde::Serialize;

/// Functions of 𝓕.
pub const FUNCTIONS: usize = 10;
/// Samples that the distance is measured with.
pub const SAMPLES: usize = 100_000;
/// Points of the drawn map, evenly spaced on [−4, 4]; monotonicity is asked on [−2.5, 2.5].
const POINTS: usize = 801;

settings! {
    /// Settings of `reproduce figure1`.
    pub struct Settings {
        /// Training steps.
        steps: u32 = 2000, in 1..,
        /// Batch size: rows of the data in one training step.
        batch_size: usize = 1024, in 2..=1 << 20,
        /// Hidden width.
        hidden_width: usize = 64, in 1..=4096,
        /// Number of hidden layers.
        hidden_layers: usize = 2, in ..=64,
        /// Activation: silu, relu, gelu, tanh, elu, softplus, sigmoid.
        activation: Activation = Activation::Tanh,
        /// Learning rate at its highest; it falls as half a cosine.
        learning_rate: f32 = 1e-2, in above(0.0),
    }
}

/// What was learned.
#[derive(Clone, Debug, Serialize)]
pub struct Figure1 {
    pub seed: u64,
    /// Kolmogorov–Smirnov distance of 100,000 pushed samples to the uniform distribution.
    pub ks: f64,
    /// Whether φ is monotone on [−2.5, 2.5].
    pub monotone: bool,
    /// Largest |φ − Φ| (or |φ − (1 − Φ)| for a falling map) on [−2.5, 2.5].
    pub largest_error: f64,
    pub falling: bool,
    pub seconds: f64,
    /// (z, truth, φ(z)).
    #[serde(skip)]
    pub map: Vec<(f64, f64, f64)>,
    /// The loss at every hundredth step.
    #[serde(skip)]
    pub losses: Vec<(f64, f64)>,
}

/// φ(z) = s(ξ(z) + f(z)): a generator on the logit scale under a sigmoid head.
struct Map {
    parameters: Parameters,
    generator: Generator,
}

impl Map {
    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let logit = self.generator.forward(rec, &self.parameters, z, weights)?;
        rec.activation(logit, Activation::Sigmoid)
    }

    fn freeze(&self, mut rec: Recorder, z: Var) -> Result<(Step, Kept)> {
        let y = self.push(&mut rec, z, Weights::Averaged)?;
        let y = rec.keep(y);
        Ok((rec.finish()?, y))
    }
}

/// Trains the map of Fig. 1 and measures it.
pub fn run(gpu: &Gpu, seed: u64, settings: &Settings) -> Result<Figure1> {
    let started = std::time::Instant::now();
    let shape = GeneratorShape {
        latent: 1,
        columns: 1,
        width: settings.hidden_width,
        depth: settings.hidden_layers,
        activation: settings.activation,
        input_gain: 1.0,
    };
    let mut builder = Builder::new(seed);
    let generator = Generator::new(&mut builder, shape, &[0.0], &[1.0]);
    let map = Map { parameters: builder.build(gpu)?, generator };
    let adam = Adam {
        learning_rate: settings.learning_rate,
        warmup_steps: 50,
        steps: settings.steps,
        schedule: Schedule::Cosine,
        ema: 0.99,
        ..Adam::default()
    };

    let mut rec = Recorder::new(gpu, seed);
    let z = rec.normal(settings.batch_size, 1)?;
    let x = map.push(&mut rec, z, Weights::Trained)?;
    let frequencies: Vec<f32> = (1..=FUNCTIONS).map(|k| std::f32::consts::TAU * k as f32).collect();
    let frequencies = gpu.upload(FUNCTIONS, 1, &frequencies)?;
    let frequencies = Frequencies::real(rec.tensor(&frequencies));
    let target = Statistics { means: rec.constant(0.0, 3, FUNCTIONS)?, rows: usize::MAX >> 32 };
    let tau = rec.constant(1.0 / FUNCTIONS as f32, 1, FUNCTIONS)?;
    let loss = rec.fourier_loss(frequencies, x, target, tau, Estimator::Unbiased)?;
    rec.report("d2", loss)?;
    rec.minimize(loss, &map.parameters, &adam)?;
    let mut step = rec.finish()?;
    let mut losses = Vec::new();
    for _ in 0..settings.steps.div_ceil(100) {
        step.replay(100)?;
        losses.extend(step.reports()?);
    }
    losses.extend(step.final_reports()?);
    let losses = losses.iter().filter(|r| r.step % 100 == 0).map(|r| (r.step as f64, f64::from(r.values[0]))).collect();

    let mut rec = Recorder::with_domain(gpu, seed, 1)?;
    let z = rec.normal(SAMPLES, 1)?;
    let (mut step, y) = map.freeze(rec, z)?;
    step.replay(1)?;
    let ks = kolmogorov::one_sample(&step.read(y)?, |x| x.clamp(0.0, 1.0)).value;

    let grid: Vec<f32> = (0..POINTS).map(|i| -4.0 + 8.0 * i as f32 / (POINTS - 1) as f32).collect();
    let tensor = gpu.upload(POINTS, 1, &grid)?;
    let mut rec = Recorder::with_domain(gpu, seed, 2)?;
    let z = rec.tensor(&tensor);
    let (mut step, y) = map.freeze(rec, z)?;
    step.replay(1)?;
    let values = step.read(y)?;
    let falling = values[0] > values[POINTS - 1];
    let normal = statrs::distribution::Normal::standard();
    let map: Vec<(f64, f64, f64)> = grid
        .iter()
        .zip(&values)
        .map(|(&z, &y)| {
            let cdf = statrs::distribution::ContinuousCDF::cdf(&normal, f64::from(z));
            (f64::from(z), if falling { 1.0 - cdf } else { cdf }, f64::from(y))
        })
        .collect();
    let inner: Vec<&(f64, f64, f64)> = map.iter().filter(|(z, ..)| z.abs() <= 2.5).collect();
    let sign = if falling { -1.0 } else { 1.0 };
    let monotone = inner.windows(2).all(|w| sign * (w[1].2 - w[0].2) > 0.0);
    let largest_error = inner.iter().map(|(_, truth, y)| (truth - y).abs()).fold(0.0, f64::max);
    let seconds = started.elapsed().as_secs_f64();
    Ok(Figure1 { seed, ks, monotone, largest_error, falling, seconds, map, losses })
}

impl Figure1 {
    /// The map as a table: z, Φ(z) (or 1 − Φ(z)), φ(z).
    pub fn table(&self) -> Result<Table> {
        let values = self.map.iter().flat_map(|&(z, truth, y)| [z as f32, truth as f32, y as f32]).collect();
        Table::new(["z", "truth", "learned"], values)
    }
}
