//! The picture at the head of the README: data, samples of three methods, and a density.
//!
//! cargo run --release -p pushforward-studies --example readme_picture

use pushforward::prelude::*;
use pushforward::report::gallery::dots;
use pushforward::report::grid::{Ink, Scatter, Shown, window};
use pushforward::report::{gallery, themed};
use pushforward_studies::densities::heat;

fn main() -> Result<()> {
    let gpu = Gpu::open("auto")?;
    let data = Table::read("toy:pinwheel:20000")?;
    let shown = |table: &Table| table.single()[..2 * 1500].to_vec();
    let trained = |trainer: Trainer, steps: u32| trainer.steps(steps).batch_size(512).fit(&gpu, &data);
    let energy = trained(Trainer::new(Energy::default()), 1000)?.model;
    let flow = trained(Trainer::new(FlowMatching::default()), 1000)?.model;
    let spline = trained(Trainer::new(Spline::default()).learning_rate(5e-3), 1200)?.model;

    let ([x, y], side) = window(&shown(&data));
    let log_density = heat(&spline, [x, y], side)?.expect("`spline` has a density");
    let mut pictures = vec![(Ink::Data, dots("data", shown(&data)))];
    for (name, model) in [("energy: samples", &energy), ("flow-matching: samples", &flow), ("spline: samples", &spline)] {
        pictures.push((Ink::Samples, dots(name, shown(&model.sampler().seed(1).draw(1500)?))));
    }
    let density = Shown::Heat { cloud: shown(&data), log_density };
    pictures.push((Ink::Samples, Scatter { caption: "spline: density, data".into(), shown: density }));
    let svg = themed(&gallery(&pictures, "Data, samples of three methods, and a density")?);
    std::fs::write("docs/pinwheel.svg", svg).map_err(|e| Error::io("write", "docs/pinwheel.svg", e))
}
