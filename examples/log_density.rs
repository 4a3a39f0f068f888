//! Log-density: learn a density, and find the rows that are unlikely under it.
//!
//! cargo run --release --example log_density

use pushforward::prelude::*;

fn main() -> Result<()> {
    let gpu = Gpu::open("auto")?;
    let data = Table::read("toy:pinwheel:4000")?;
    let (train, test) = data.split(0.25, 0)?;
    let run = Trainer::new(Spline::default()).steps(200).batch_size(256).fit(&gpu, &train)?;

    let log_density =
        |rows: &Table| -> Result<Vec<f32>> { Ok(run.model.log_density(rows)?.expect("`spline` has a density").values) };
    let mean = log_density(&test)?.iter().sum::<f32>() / test.rows() as f32;
    println!("mean log-density of test rows: {mean:.3} nats a row");

    let far = Table::new(test.columns().to_vec(), vec![0.0, 3.0, 5.0, 5.0])?;
    for (row, value) in log_density(&far)?.iter().enumerate() {
        println!("{:?}: {value:.1}", far.row(row));
    }
    Ok(())
}
