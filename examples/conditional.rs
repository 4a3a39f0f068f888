//! Conditional sampling: learn p(y | x) from rows of x and y, and draw y for chosen x.
//!
//! cargo run --release --example conditional

use pushforward::prelude::*;

fn main() -> Result<()> {
    let gpu = Gpu::open("auto")?;
    // y = x² plus noise of standard deviation 0.1.
    let rows: Vec<f64> = (0..2000)
        .flat_map(|i| {
            let x = f64::from(i) / 1000.0 - 1.0;
            let noise = 0.1 * (f64::from(i) * 2.399_963).sin() * std::f64::consts::SQRT_2;
            [x, x * x + noise]
        })
        .collect();
    let data = Table::new(["x", "y"], rows)?;

    let run = Trainer::new(Energy::default()).condition(["x"]).steps(300).batch_size(256).hidden_layers(2).fit(&gpu, &data)?;

    let given = Table::new(["x"], vec![-0.8, 0.0, 0.8])?;
    let samples = run.model.sampler().given(given).draw(200)?; // 200 rows for each x
    for (i, x) in [-0.8, 0.0, 0.8].into_iter().enumerate() {
        let y: Vec<f64> = samples.column(samples.index_of("y")?).skip(200 * i).take(200).collect();
        let mean = y.iter().sum::<f64>() / 200.0;
        println!("x = {x:4}: mean of y {mean:.2}, and x² is {:.2}", x * x);
    }
    Ok(())
}
