//! A loss of one's own: a one-step sampler trained to match means and second moments.
//!
//! cargo run --release --example own_loss

use pushforward::gpu::{Recorder, Var};
use pushforward::methods::{Dataset, Entry, Learner, Method, Objective, Setup, one_step::OneStep};
use pushforward::prelude::*;

pushforward::settings! {
    /// Matches the first two moments of the data.
    pub struct Moments {
        /// Weight of the second moments.
        second: f32 = 0.5, in 0.0..,
    }
}

static ENTRY: Entry = Entry { name: "moments", summary: "first and second moments", ..Entry::UNDOCUMENTED };

impl Method for Moments {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(Learned(OneStep::new(setup)?, self.clone())))
    }
}

struct Learned(OneStep, Moments);

impl Objective for Learned {
    fn core(&self) -> &OneStep {
        &self.0
    }

    /// ‖mean(y) − mean(x)‖² + second·‖mean(y²) − mean(x²)‖², for generated rows y and data rows x.
    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, _: &Dataset) -> Result<Var> {
        let (y2, x2) = (rec.square(y)?, rec.square(x)?);
        let (first, second) = (distance(rec, y, x)?, distance(rec, y2, x2)?);
        rec.blend(first, second, 1.0, self.1.second)
    }
}

fn distance(rec: &mut Recorder, y: Var, x: Var) -> Result<Var> {
    let (y_sum, x_sum) = (rec.sum_rows(y)?, rec.sum_rows(x)?);
    let difference = rec.blend(y_sum, x_sum, 1.0 / y.rows() as f32, -1.0 / x.rows() as f32)?;
    rec.mean_square(difference)
}

fn main() -> Result<()> {
    let (gpu, data) = (Gpu::open("auto")?, Table::read("toy:moons:2000")?);
    let method = Moments { second: 1.0 };
    let run = Trainer::new(method).steps(100).batch_size(256).hidden_layers(2).fit(&gpu, &data)?;
    let samples = run.model.sampler().seed(1).draw(2000)?;
    let mean = |table: &Table| table.column(0).sum::<f64>() / table.rows() as f64;
    println!("mean of x: {:.3} in the data, {:.3} in samples", mean(&data), mean(&samples));
    Ok(())
}
