//! Drifting: fields in closed form, and maps that follow them.

use super::{GPU, distances, trained};
use pushforward::data::toy::Toy;
use pushforward::gpu::{Recorder, Var};
use pushforward::methods::drift::{kernel_fields, transport_field};
use pushforward::ops::kernel_density::Shape;
use pushforward::ops::sinkhorn::Sinkhorn;

/// m + s·z of so many rows.
fn gaussian(rows: usize, seed: u64, m: f32, s: f32) -> Vec<f32> {
    Toy::Gaussian.sample(rows, seed).into_single().iter().map(|z| m + s * z).collect()
}

fn field(sets: &[&[f32]], of: impl FnOnce(&mut Recorder, &[Var]) -> pushforward::Result<Var>) -> Vec<f32> {
    let mut rec = Recorder::new(&GPU, 0);
    let vars: Vec<Var> = sets
        .iter()
        .map(|set| {
            let tensor = GPU.upload(set.len() / 2, 2, set).unwrap();
            rec.tensor(&tensor)
        })
        .collect();
    let found = of(&mut rec, &vars).unwrap();
    let found = rec.keep(found);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    step.read(found).unwrap()
}

#[test]
fn the_field_between_gaussians_is_the_closed_form() {
    // V = h²[(x − m_q)/(s_q² + h²) − (x − m_p)/(s_p² + h²)] column by column.
    let ((m_p, s_p), (m_q, s_q), h) = ((1.0f32, 0.5f32), (-0.5f32, 1.0f32), 0.6f32);
    let (p, q) = (gaussian(40_000, 1, m_p, s_p), gaussian(40_000, 2, m_q, s_q));
    let x: Vec<f32> = (0..25).flat_map(|i| [0.25 * (i % 5) as f32, 0.25 * (i / 5) as f32 - 0.25]).collect();
    let found = field(&[&x, &p, &q], |rec, v| Ok(kernel_fields(rec, v[0], v[1], v[2], Shape::Gaussian, &[h], false)?[0]));
    for (x, found) in x.iter().zip(&found) {
        let part = |m: f32, s: f32| h * h * (x - m) / (s * s + h * h);
        let expected = part(m_q, s_q) - part(m_p, s_p);
        // A self-normalized mean of 40,000 rows, of which a kernel of this width weighs some 4,000 alike: a standard deviation of h/√4,000, 0.01.
        assert!((found - expected).abs() < 0.05, "{found} for {expected} at {x}");
    }
    let back = field(&[&x, &p, &q], |rec, v| Ok(kernel_fields(rec, v[0], v[2], v[1], Shape::Gaussian, &[h], false)?[0]));
    assert!(found.iter().zip(&back).all(|(a, b)| (a + b).abs() < 1e-5), "V_pq = −V_qp");
}

#[test]
fn a_batch_is_not_driven_from_a_distribution_that_it_has() {
    let (x, p) = (gaussian(2000, 1, 0.0, 1.0), gaussian(2000, 2, 0.0, 1.0));
    let mean_square = |v: &[f32]| v.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / v.len() as f64;
    let level = field(&[&x, &p], |rec, v| Ok(kernel_fields(rec, v[0], v[1], v[0], Shape::Laplace, &[0.5], true)?[0]));
    let moved: Vec<f32> = p.iter().map(|v| v + 1.0).collect();
    let away = field(&[&x, &moved], |rec, v| Ok(kernel_fields(rec, v[0], v[1], v[0], Shape::Laplace, &[0.5], true)?[0]));
    assert!(mean_square(&level) < 0.05 * mean_square(&away), "{} and {}", mean_square(&level), mean_square(&away));
}

#[test]
fn transport_to_a_translate_is_the_translation() {
    // To a batch moved by δ the plan is that to the batch itself, and so is its blur: the difference is δ for every ε.
    let (x, own) = (gaussian(500, 1, 0.0, 1.0), gaussian(500, 2, 0.0, 1.0));
    let p: Vec<f32> = own.iter().map(|v| v + 0.75).collect();
    let plan = Sinkhorn { exponent: 2.0, epsilon: 0.25, diameter: 12.0, scaling: 0.9, extra: 50, reach: None };
    let found = field(&[&x, &p, &own], |rec, v| transport_field(rec, v[0], v[1], v[2], &plan));
    for v in &found {
        assert!((v - 0.75).abs() < 0.02, "{v}");
    }
}

#[test]
fn maps_that_follow_the_field_learn_the_distribution() {
    for (toy, extra, share) in [
        (Toy::Moons, "", 0.4),
        (Toy::EightGaussians, "kernel = 'laplace'\nsteps = 600", 0.4),
        (Toy::Moons, "normalize = true\nscales = [0.1, 0.3]", 0.5),
        (Toy::Moons, "field = 'transport'\nbatch_size = 256\nsteps = 200", 0.5),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let outcome = trained("drift", toy, extra, &folder.path().join("run"));
        let (learned, gaussian) = distances(&outcome, toy);
        let drift = outcome.metrics.series("drift");
        let mean = |from: usize, to: usize| drift[from..to].iter().map(|at| at.1).sum::<f64>() / (to - from) as f64;
        let (first, last) = (mean(0, 20), mean(drift.len() - 20, drift.len()));
        println!("{toy} {extra:?}: {learned:.4} against {gaussian:.4}; drift {first:.3} to {last:.3}");
        assert!(learned < share * gaussian, "{toy} {extra:?}: {learned} against a Gaussian's {gaussian}");
        assert!(last < first || extra.contains("normalize"), "{toy} {extra:?}: drift {first} to {last}");
    }
}
