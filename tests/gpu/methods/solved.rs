//! Densities and inverses without asking for a solver: a mass of one, rows that come back, an error that is told.

use super::trained;
use pushforward::data::Table;
use pushforward::data::toy::Toy;
use pushforward::model::{Model, SMALL};

/// The mass of a model's density on a grid over [−reach, reach]².
fn mass(model: &Model, side: usize, reach: f32) -> f64 {
    let at = |i: usize| reach * (2.0 * i as f32 / (side as f32 - 1.0) - 1.0);
    let grid = (0..side * side).flat_map(|k| [at(k % side), at(k / side)]).collect();
    let density = model.log_density(&Table::new(["x", "y"], grid).unwrap()).unwrap().expect("a density").values;
    density.iter().map(|&v| f64::from(v).exp()).sum::<f64>() * f64::from(at(1) - at(0)).powi(2)
}

/// How far rows are from where they come back to, at most.
fn there_and_back(model: &Model, rows: &Table) -> f64 {
    let back = model.push(&model.pull(rows).unwrap().expect("an inverse")).unwrap();
    rows.values().iter().zip(back.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn every_exact_density_adds_up_to_one_and_every_inverse_brings_rows_back() {
    for (method, extra) in [
        ("realnvp", "hidden_width = 32"),
        ("spline", "hidden_width = 32"),
        ("maf", "hidden_width = 32"),
        ("cnf", "hidden_width = 32\nhidden_layers = 2\nbatch_size = 256"),
        ("score", "hidden_width = 32"),
        ("diffusion", "hidden_width = 32"),
        ("flow-matching", "hidden_width = 32"),
        ("interpolant", "hidden_width = 32"),
        ("rectified-flow", "hidden_width = 32\npairs = 2048"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let model = trained(
            method,
            Toy::EightGaussians,
            &format!("steps = 150\nlearning_rate = 4e-3\n{extra}"),
            &folder.path().join("run"),
        )
        .model;
        let total = mass(&model, 91, 6.0);
        let of_density = model.solved();
        let off = there_and_back(&model, &Toy::EightGaussians.sample(1000, 99));
        println!("{method}: mass {total:.4}, {of_density:?}; there and back off by {off:.1e}, {:?}", model.solved());
        assert!((total - 1.0).abs() < 0.01, "{method}: the density adds up to {total}");
        assert!(off < 1e-2, "{method}: rows come back off by {off}");
        assert_eq!(of_density.is_some(), model.learner().dynamics().is_some(), "{method}");
        assert!(of_density.is_none_or(|solved| solved.most <= SMALL && solved.rows == 1024), "{method}: {of_density:?}");
    }
}

#[test]
fn a_lower_bound_of_a_density_adds_up_to_hardly_less_than_one_and_never_to_more() {
    for (method, extra) in
        [("vae", "hidden_width = 32\nhidden_layers = 2"), ("iwae", "hidden_width = 32\nhidden_layers = 2\nbatch_size = 256")]
    {
        let folder = tempfile::tempdir().unwrap();
        let extra = format!("steps = 200\nlearning_rate = 4e-3\n{extra}");
        let model = trained(method, Toy::EightGaussians, &extra, &folder.path().join("run")).model;
        let total = mass(&model, 91, 6.0);
        println!("{method}: mass {total:.4}");
        // Importance weights are right on average and their logarithm is low: ln p lies above it by half the weights' relative variance.
        assert!((0.9..=1.01).contains(&total), "{method}: the bound adds up to {total}");
    }
}
