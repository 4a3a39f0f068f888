//! A flow from one distribution to another: from eight Gaussians to the two moons, in few steps.
//!
//! cargo run --release --example data_to_data

use pushforward::prelude::*;

fn main() -> Result<()> {
    let gpu = Gpu::open("auto")?;
    let data = Table::read("toy:moons:4000")?;
    // The source may be a file of the same columns. Pairs by optimal transport make the trajectories nearly straight.
    let method = FlowMatching { source: Some("toy:8gaussians".into()), coupling: Coupling::Exact, ..Default::default() };
    let run = Trainer::new(method).steps(600).batch_size(128).hidden_layers(2).learning_rate(5e-3).fit(&gpu, &data)?;

    let points = Table::read("toy:8gaussians:5")?;
    let moved = run.model.push(&points)?;
    for i in 0..points.rows() {
        println!("{:6.2?} → {:6.2?}", points.row(i), moved.row(i));
    }
    Ok(())
}
