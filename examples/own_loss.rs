//! A loss of one's own: a one-step sampler trained to match means and second moments.
//!
//! cargo run --release --example own_loss

use pushforward::gpu::{Recorder, Var};
use pushforward::methods::one_step::OneStep;
use pushforward::methods::{Dataset, Entry, Objective, register, resolve};
use pushforward::prelude::*;
use pushforward::settings::{self, Settings as _};

pushforward::settings! {
    /// Matches the first two moments of the data.
    pub struct Moments {
        /// Weight of the second moments.
        second: f32 = 0.5,
    }
}

static MOMENTS: Entry = Entry {
    name: "moments",
    summary: "first and second moments",
    paper: "an example",
    density: false,
    inverse: false,
    defaults: "",
    keys: Moments::keys,
    build: |setup, own| Ok(Box::new(Learned { core: OneStep::new(setup)?, settings: settings::take(own)? })),
    resolve: |table| resolve::<Moments>(table, |_| Ok(())),
};

struct Learned {
    core: OneStep,
    settings: Moments,
}

impl Objective for Learned {
    fn core(&self) -> &OneStep {
        &self.core
    }

    /// ‖mean(y) − mean(x)‖² + second·‖mean(y²) − mean(x²)‖², for generated rows y and data rows x.
    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, _: &Dataset) -> Result<Var> {
        let first = distance(rec, y, x)?;
        let (y2, x2) = (rec.square(y)?, rec.square(x)?);
        let second = distance(rec, y2, x2)?;
        rec.blend(first, second, 1.0, self.settings.second)
    }
}

fn distance(rec: &mut Recorder, y: Var, x: Var) -> Result<Var> {
    let (y_sum, x_sum) = (rec.sum_rows(y)?, rec.sum_rows(x)?);
    let difference = rec.blend(y_sum, x_sum, 1.0 / y.rows() as f32, -1.0 / x.rows() as f32)?;
    rec.mean_square(difference)
}

fn main() -> Result<()> {
    let gpu = Gpu::open("auto")?;
    let data = Table::read("toy:moons:2000")?;
    register(&MOMENTS)?;
    let run = Trainer::by_name("moments")?.set("second", 1.0).steps(100).batch_size(256).hidden_layers(2).fit(&gpu, &data)?;
    let samples = run.model.sampler().seed(1).draw(2000)?;
    for j in 0..data.cols() {
        let mean = |table: &Table| table.column(j).sum::<f64>() / table.rows() as f64;
        println!("mean of {}: {:.3} in the data, {:.3} in samples", data.columns()[j], mean(&data), mean(&samples));
    }
    Ok(())
}
