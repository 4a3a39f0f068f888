//! A method of one's own: an affine map φ(z) = zW + b with its own weights and training step, by the energy distance.
//!
//! cargo run --release --example own_method

use pushforward::gpu::{Plan, Recorder, Var};
use pushforward::loss::{Estimator, RadialKernel};
use pushforward::methods::{Dataset, Entry, Learner, Method, Setup, Training};
use pushforward::nn::{Activation, Builder, Id, Parameters, Weights};
use pushforward::prelude::*;

pushforward::settings! {
    pub struct Affine {
        /// Exponent β of the energy distance.
        beta: f32 = 1.0, in above(0.0).below(2.0),
    }
}

static ENTRY: Entry = Entry { name: "affine", summary: "an affine map by the energy distance", ..Entry::UNDOCUMENTED };

impl Method for Affine {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        let (d, mut builder) = (setup.columns, Builder::new(setup.seed));
        let identity: Vec<f32> = (0..d * d).map(|i| f32::from(u8::from(i % d == i / d))).collect();
        let affine = [builder.add("weight", d, d, &identity), builder.add("bias", 1, d, &vec![0.0; d])];
        let (weights, training) = (builder.build(setup.gpu)?, setup.training.clone());
        Ok(Box::new(Learned { weights, affine, d, beta: self.beta, training }))
    }
}

#[rustfmt::skip]
struct Learned { weights: Parameters, affine: [Id; 2], d: usize, beta: f32, training: Training }
#[rustfmt::skip]
impl Learner for Learned {
    fn parameters(&self) -> &Parameters { &self.weights }
    fn latent(&self) -> usize { self.d }
    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let [weight, bias] = self.affine.map(|id| self.weights.var(rec, id, weights));
        rec.linear(z, weight?, Some(bias?), Activation::Identity)
    }
    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        Plan::record(gpu, seed, |rec| {
            let (x, z) = (data.batch(rec, self.training.batch_size)?, rec.normal(self.training.batch_size, self.d)?);
            let y = self.push(rec, z, Weights::Trained)?;
            let loss = rec.mmd_squared(&RadialKernel::Energy { beta: self.beta }, y, x, Estimator::Unbiased)?;
            rec.report("loss", loss)?;
            rec.minimize(loss, &self.weights, &self.training.adam()).map(drop)
        })
    }
}

fn main() -> Result<()> {
    let (gpu, data) = (Gpu::open("auto")?, Table::read("toy:moons:2000")?);
    let run = Trainer::new(Affine::default()).steps(200).batch_size(256).fit(&gpu, &data)?;
    metrics::evaluate(&gpu, &data, &run.model.sampler().seed(1).draw(2000)?).map(|scores| println!("{scores}"))
}
