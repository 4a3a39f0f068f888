//! [`FewStep`]: the network, its path and its samples.

use super::{Steps, check_latent};
use crate::Result;
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::methods::dataset::{join, part};
use crate::methods::{Dataset, Setup};
use crate::nn::{Activation, Adam, Builder, Id, Parameters, TimeEmbedding, TwoTimes, VelocityShape, Weights};

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

/// A map between times, with its optimiser.
pub struct FewStep {
    pub parameters: Parameters,
    pub adam: Adam,
    pub batch: usize,
    pub columns: usize,
    pub conditions: usize,
    pub steps: usize,
    network: TwoTimes,
    weight: Id,
    bias: Id,
}

impl FewStep {
    pub fn new(setup: &Setup, steps: &Steps) -> Result<Self> {
        let (training, columns, conditions) = (setup.training, setup.columns, setup.conditions);
        check_latent(training, columns)?;
        let mut builder = Builder::new(setup.seed);
        let (mean, factor) = match setup.data {
            Some(data) => (data.mean().to_vec(), data.embedding(columns)),
            None => (vec![0.0; columns], vec![0.0; columns * columns]),
        };
        let weight = builder.add("embedding.weight", columns, columns, &factor);
        let bias = builder.add("embedding.bias", 1, columns, &mean);
        // The noise is no unknown: moved by the loss it would fall onto one point.
        builder.fix();
        let count = steps.time_frequencies;
        let shape = VelocityShape {
            columns: columns + conditions,
            outputs: columns,
            width: training.width,
            depth: training.depth,
            activation: training.activation,
            input_gain: match training.input_gain {
                0.0 => crate::methods::many_step::automatic_gain(columns),
                gain => gain,
            },
            time: TimeEmbedding { count, highest: 0.5 * (count as f32 - 1.0).exp2() },
        };
        let network = TwoTimes::new(&mut builder, "map", shape);
        Ok(Self {
            parameters: builder.build(setup.gpu)?,
            adam: training.adam(),
            batch: training.batch,
            columns,
            conditions,
            steps: steps.map_steps,
            network,
            weight,
            bias,
        })
    }

    /// So many rows of noise and of data, centred.
    pub fn ends(&self, rec: &mut Recorder, data: &Dataset, rows: usize) -> Result<Ends> {
        let (x, given) = data.parted_batch(rec, rows)?;
        let mean = self.parameters.var(rec, self.bias, Weights::Trained)?;
        let data = rec.sub(x, mean)?;
        let z = rec.normal(rows, self.columns)?;
        Ok(Ends { noise: self.embed(rec, z, Weights::Trained)?, data, given })
    }

    fn embed(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let weight = self.parameters.var(rec, self.weight, weights)?;
        rec.linear(z, weight, None, Activation::Identity)
    }

    /// u at rows, each between its own times.
    pub fn u(&self, rec: &mut Recorder, x: Var, given: Option<Var>, times: [Var; 2], weights: Weights) -> Result<Var> {
        let input = join(rec, x, given)?;
        self.network.forward(rec, &self.parameters, input, times, weights)
    }

    /// X_{s,t} from what u is there.
    pub fn moved(&self, rec: &mut Recorder, x: Var, u: Var, [s, t]: [Var; 2]) -> Result<Var> {
        let span = rec.sub(t, s)?;
        let way = rec.mul(u, span)?;
        rec.add(x, way)
    }

    /// Times 0 ≤ s ≤ t ≤ 1, uniform on that triangle: rows × 1 each.
    pub fn times(&self, rec: &mut Recorder, rows: usize) -> Result<[Var; 2]> {
        let square = rec.uniform(rows, 1)?;
        let t = rec.sqrt(square)?;
        let share = rec.uniform(rows, 1)?;
        let s = rec.mul(t, share)?;
        // Two variables of their own: a tangent along t is not to move s, which was made of it.
        Ok([rec.detach(s), rec.detach(t)])
    }

    /// E‖u(I_s, s, s) − İ‖²/d over so many rows: on the diagonal u is the flow's velocity.
    pub fn diagonal(&self, rec: &mut Recorder, data: &Dataset, rows: usize) -> Result<Var> {
        let ends = self.ends(rec, data, rows)?;
        let s = rec.uniform(rows, 1)?;
        let x = ends.at(rec, s)?;
        let u = self.u(rec, x, ends.given, [s, s], Weights::Trained)?;
        let velocity = ends.velocity(rec)?;
        crate::loss::mean_squared(rec, u, velocity)
    }

    /// φ(z) in as many steps as the settings say, in the data's own place.
    pub fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let (z, given) = part(rec, z, self.conditions)?;
        let mut x = self.embed(rec, z, weights)?;
        let time = |k: usize| k as f64 / self.steps as f64;
        for k in 0..self.steps {
            let input = join(rec, x, given)?;
            let u = self.network.at(rec, &self.parameters, input, [time(k), time(k + 1)], weights)?;
            x = rec.blend(x, u, 1.0, (time(k + 1) - time(k)) as f32)?;
        }
        let mean = self.parameters.var(rec, self.bias, weights)?;
        rec.add(x, mean)
    }

    /// The plan of one step whose loss `loss` records.
    pub fn plan_of(&self, gpu: &Gpu, seed: u64, loss: impl FnOnce(&mut Recorder) -> Result<Var>) -> Result<Plan> {
        Plan::record(gpu, seed, |rec| {
            let loss = loss(rec)?;
            rec.report("loss", loss)?;
            let norm2 = rec.minimize(loss, &self.parameters, &self.adam)?;
            rec.report("gradient_norm2", norm2)
        })
    }
}
