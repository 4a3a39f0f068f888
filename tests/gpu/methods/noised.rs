//! Densities of rows that have none as they are: on a curve, on a line, of whole numbers; and samples at a temperature.

use super::{GPU, Silent, job, trained_from};
use pushforward::data::Table;
use pushforward::model::Model;
use pushforward::reference::random;
use pushforward::settings::Values;
use pushforward::train;
use std::sync::atomic::AtomicBool;

fn uniform(count: usize, stream: u32) -> impl Iterator<Item = f32> {
    (0..count as u32).map(move |i| random::unit(random::philox([i, stream, 0, 0], [5; 2])[0]) as f32)
}

#[test]
fn samples_of_a_noised_circle_come_back_to_it() {
    let turns = uniform(4000, 1).map(|u| std::f32::consts::TAU * u);
    let circle: Vec<f32> = turns.flat_map(|t| [3.0 + 2.0 * t.cos(), 1.0 + 2.0 * t.sin()]).collect();
    let table = Table::new(["x", "y"], circle).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let extra = "steps = 300\nhidden_width = 32\nbatch_size = 512\nlearning_rate = 5e-3\nlayers = 4\nnoise = 0.05\nvalidation_fraction = 0.0";
    let model = trained_from(table, "a circle", "spline", extra, &run).model;
    let off = |model: &Model| {
        let rows = model.sample(3000, 1).unwrap();
        let each = (0..3000).map(|i| ((rows.row(i)[0] - 3.0).hypot(rows.row(i)[1] - 1.0) - 2.0).abs());
        each.sum::<f64>() / 3000.0
    };
    let denoised = off(&model);
    // The file holds both networks, and samples are what they were.
    let loaded = Model::load(&GPU, &run).unwrap();
    assert_eq!(loaded.sample(100, 3).unwrap().single(), model.sample(100, 3).unwrap().single());
    let noised = off(&loaded.with_values(&Values::parse("denoise = false").unwrap()).unwrap());
    println!("{denoised:.4} from the circle, {noised:.4} without denoising");
    // A standard deviation of √2, noise of 0.05 of it across the circle: E|·| = 0.056 for the distribution itself.
    assert!(noised > 0.05 && denoised < 0.5 * noised, "{denoised} from the circle, {noised} without denoising");
}

#[test]
fn a_line_has_no_density_and_with_noise_samples_begin_on_it() {
    let line: Vec<f32> = uniform(2000, 2).flat_map(|u| [u, 5.0 - 3.0 * u]).collect();
    let table = Table::new(["a", "b"], line).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let refused = train::train(
        &GPU,
        job(table.clone(), "a line", "realnvp", "steps = 1", &folder.path().join("refused")),
        &mut Silent,
        &AtomicBool::new(false),
    );
    let said = refused.err().expect("it has no density").to_string();
    assert!(said.contains("`b` is a linear function of the columns before it") && said.contains("noise"), "{said}");
    // D starts as what is best for Gaussian rows: for rows on a line it takes what is across it away, and σ²/(2 + σ²) of what is along.
    let model = trained_from(table, "a line", "realnvp", "steps = 1\nnoise = 0.1", &folder.path().join("run")).model;
    let rows = model.sample(2000, 1).unwrap();
    let worst = (0..2000).map(|i| (rows.row(i)[1] - (5.0 - 3.0 * rows.row(i)[0])).abs()).fold(0.0, f64::max);
    assert!(worst < 0.02, "{worst} from the line");
    let energy = job(
        Table::new(["a"], uniform(100, 3).collect::<Vec<f32>>()).unwrap(),
        "rows",
        "energy",
        "noise = 0.1",
        &folder.path().join("energy"),
    );
    let said = train::train(&GPU, energy, &mut Silent, &AtomicBool::new(false)).err().expect("no likelihood").to_string();
    assert!(said.contains("`noise` is a setting of methods that are trained by likelihood"), "{said}");
}

#[test]
fn whole_numbers_come_back_whole_and_a_temperature_shrinks_samples() {
    let rows: Vec<f32> = uniform(3000, 4).flat_map(|u| [(6.0 * u * u).floor(), 2.0 * u - 1.0]).collect();
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(["count", "rest"], rows).unwrap();
    let model =
        trained_from(table, "counts", "spline", "steps = 50\nhidden_width = 32\ndequantize = true", &folder.path().join("run"))
            .model;
    let deviation = |rows: &Table, j: usize| {
        let mean = rows.column(j).sum::<f64>() / rows.rows() as f64;
        (rows.column(j).map(|v| (v - mean).powi(2)).sum::<f64>() / rows.rows() as f64).sqrt()
    };
    let plain = model.sample(4000, 1).unwrap();
    assert!(plain.column(0).all(|v| v.fract() == 0.0) && plain.column(1).any(|v| v.fract() != 0.0));
    let cold = model.with_temperature(0.5).unwrap().sample(4000, 1).unwrap();
    let ratio = deviation(&cold, 1) / deviation(&plain, 1);
    assert!((0.2..0.8).contains(&ratio), "{ratio}");
    let model = Model::load(&GPU, folder.path().join("run")).unwrap();
    assert!(model.with_temperature(0.0).is_err());
}
