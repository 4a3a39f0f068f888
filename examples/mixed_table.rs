//! A table of categories, whole numbers and missing cells: train, draw, score, and write the samples as the table was.
//!
//! cargo run --release --example mixed_table

use pushforward::prelude::*;

fn main() -> Result<()> {
    let gpu = Gpu::open("auto")?;
    // Smokers are a third, mostly over forty, and many of them do not tell their weight.
    let rows = 0..1200_u32;
    let smokes: Vec<bool> = rows.clone().map(|i| i.is_multiple_of(3)).collect();
    let spread = |i: u32| (f64::from(i) * 0.618_034).fract();
    let age = |i: u32| if smokes[i as usize] { 40.0 + 30.0 * spread(i) } else { 20.0 + 40.0 * spread(i) };
    let data = Table::from_columns([
        Column::categories("smokes", smokes.iter().map(|&smokes| u32::from(smokes)).collect(), ["no", "yes"])?,
        Column::integers("age", rows.clone().map(|i| age(i) as i64).collect()),
        Column::numbers("weight", rows.clone().map(|i| 55.0 + 0.3 * age(i) + 20.0 * spread(i + 7)).collect())
            .with_missing(rows.map(|i| smokes[i as usize] && i % 2 == 0).collect())?,
    ])?;
    let (train, test) = data.split(0.2, 0)?;

    let method = FlowMatching::default();
    let run = Trainer::new(method).steps(400).batch_size(256).hidden_width(64).hidden_layers(2).fit(&gpu, &train)?;
    let samples = run.model.sampler().seed(1).draw(1200)?;

    let smoking = |table: &Table| table.column(0).sum::<f64>() / table.rows() as f64;
    let silent =
        |table: &Table| table.missing(2).map_or(0, |missing| missing.iter().filter(|m| **m).count()) as f64 / table.rows() as f64;
    println!("smokers: {:.2} of the data, {:.2} of the samples", smoking(&data), smoking(&samples));
    println!("weight not told: {:.2} of the data, {:.2} of the samples", silent(&data), silent(&samples));
    println!("{}", metrics::evaluate(&gpu, &test, &samples)?);
    samples.write("samples.csv")
}
