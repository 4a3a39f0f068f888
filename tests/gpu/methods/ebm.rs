//! Energy-based models: what an untrained one is, its constant, its chains, and what its settings do.

use super::{GPU, distances, trained};
use pushforward::data::toy::Toy;
use pushforward::gpu::Recorder;
use pushforward::methods::{Dataset, Ebm, Meaning, Method, Setup, Training};
use pushforward::metrics::Points;
use pushforward::nn::Weights;

#[test]
fn an_untrained_model_is_the_fitted_gaussian() {
    let table = Toy::Moons.sample(600, 1);
    let data = Dataset::new(&GPU, table.single(), 2, None).unwrap();
    let method = Ebm::default();
    let training = Training { batch_size: 512, hidden_width: 16, ..method.training() };
    let setup = Setup { gpu: &GPU, training: &training, columns: 2, conditions: 0, seed: 1, data: Some(&data), teacher: None };
    let method = method.build(&setup).unwrap();
    let mut rec = Recorder::new(&GPU, 1);
    let x = rec.tensor(&GPU.upload(data.rows(), data.cols(), &data.values().unwrap()).unwrap());
    let density = method.log_density(&mut rec, x, Weights::Averaged).unwrap().unwrap();
    let z = method.draw(&mut rec, 4096, Weights::Averaged).unwrap();
    let sample = method.push(&mut rec, z, Weights::Averaged).unwrap();
    let kept = [density.value, density.error.unwrap(), sample].map(|v| rec.keep(v));
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    let [value, error, sample] = kept.map(|k| step.read(k).unwrap());
    assert!(matches!(method.density_means(), Meaning::Normalized { draws: 131_072 }));
    // Without a tilt the constant is 1 whatever is drawn.
    assert!(error.iter().all(|&e| e < 1e-4));
    let gaussian = pushforward::metrics::gaussian::Gaussian::fit(Points::of(&table).unwrap());
    for (row, value) in table.single().chunks_exact(2).zip(&value) {
        let exact = gaussian.log_density(row);
        // The one divides its squares by n − 1, the other by n.
        assert!((f64::from(*value) - exact).abs() < 0.02, "{value} for {exact}");
    }
    // Chains from uniform numbers are the Gaussian's by the end: moments within four errors.
    let moments = pushforward::metrics::gaussian::Gaussian::fit(Points::new(&sample, 4096, 2).unwrap());
    for j in 0..2 {
        let spread = |factor: &[f64]| (factor[2 * j].powi(2) + factor[2 * j + 1].powi(2)).sqrt();
        let (found, exact) = (spread(&moments.factor), spread(&gaussian.factor));
        assert!((found / exact - 1.0).abs() < 4.0 / (2.0 * 4096f64).sqrt() + 2e-3, "deviation {found} for {exact}");
        assert!(
            (moments.mean[j] - gaussian.mean[j]).abs() < 4.0 * exact / 64.0,
            "mean {:?} for {:?}",
            moments.mean,
            gaussian.mean
        );
    }
}

#[test]
fn variants_learn_a_density_that_integrates_to_one() {
    for extra in ["", "chain_start = 'data'", "metropolis = false\nstep_size = 0.02"] {
        let folder = tempfile::tempdir().unwrap();
        let extra = format!("steps = 200\nbatch_size = 256\nhidden_width = 48\nhidden_layers = 2\nsample_steps = 100\n{extra}");
        let outcome = trained("ebm", Toy::Moons, &extra, &folder.path().join("run"));
        let (learned, gaussian) = distances(&outcome, Toy::Moons);
        println!("ebm {extra:?}: {learned:.4} against {gaussian:.4}");
        assert!(learned < 0.75 * gaussian, "ebm with {extra:?}: {learned} against a Gaussian's {gaussian}");
        // ∫ρ on a grid of cells of side 0.1.
        let cells: Vec<f32> = (0..120 * 120).flat_map(|c| [(c % 120) as f32 * 0.1 - 6.0, (c / 120) as f32 * 0.1 - 6.0]).collect();
        let grid = pushforward::data::Table::new(["x", "y"], cells).unwrap();
        let found = outcome.model.log_density(&grid).unwrap().unwrap();
        let mass: f64 = found.values.iter().map(|&l| 0.01 * f64::from(l).exp()).sum();
        let error = f64::from(found.errors.unwrap()[0]);
        assert!((mass - 1.0).abs() < 0.01 + 4.0 * error && error < 0.05, "mass {mass}, and the constant's error is {error}");
        let mixing = outcome.model.mixing(1).unwrap().unwrap();
        println!("{mixing:?}");
        assert!((0.35..0.8).contains(&mixing.acceptance) && mixing.autocorrelation_time >= 1.0, "{mixing:?}");
    }
}
