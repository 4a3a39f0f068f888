//! A first sampler: learn the two moons, draw samples, score them on rows that nothing was trained on.
//!
//! cargo run --release --example first_sampler

use pushforward::prelude::*;

fn main() -> Result<()> {
    let gpu = Gpu::open("auto")?;
    let data = Table::read("toy:moons:5000")?; // or "people.csv#age,income"
    let (train, test) = data.split(0.2, 0)?;

    let method = FlowMatching { coupling: Coupling::Sinkhorn, ..Default::default() };
    let run = Trainer::new(method)
        .steps(300)
        .batch_size(256)
        .hidden_layers(2)
        .on_progress(|p| eprint!("\rstep {} of {}, loss {:?}  ", p.step, p.steps, p.loss))
        .fit(&gpu, &train)?;
    eprintln!();

    let samples = run.model.sampler().solver(Solver::Heun).steps(16).seed(1).draw(1000)?;
    println!("{}", metrics::evaluate(&gpu, &test, &samples)?);
    run.model.save("moons.safetensors")
}
