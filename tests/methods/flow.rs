//! A trained flow as a density and as a map that can be run backwards.

use crate::trained;
use pushforward::data::Table;
use pushforward::data::toy::Toy;

#[test]
fn a_trained_flow_is_a_density_and_its_map_an_inverse() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = trained("flow-matching", Toy::Moons, "width = 32\nrate = 4e-3", &folder.path().join("run"));
    // On a grid over all that the law reaches the density adds up to one.
    let (side, reach) = (81usize, 4.5f32);
    let at = |i: usize| reach * (2.0 * i as f32 / (side as f32 - 1.0) - 1.0);
    let grid: Vec<f32> = (0..side * side).flat_map(|k| [at(k % side), at(k / side)]).collect();
    let grid = Table::new(["x", "y"], grid).unwrap();
    let density = outcome.model.log_density(&grid).unwrap().expect("a flow has a density");
    let cell = f64::from(at(1) - at(0)).powi(2);
    let total: f64 = density.iter().map(|&v| f64::from(v).exp() * cell).sum();
    println!("the density adds up to {total:.4}");
    assert!((total - 1.0).abs() < 0.02, "the density adds up to {total}");
    // It likes the data better than the fitted Gaussian does.
    let fresh = Toy::Moons.sample(2000, 99);
    let found = outcome.model.log_density(&fresh).unwrap().expect("a flow has a density");
    let mean = found.iter().map(|&v| f64::from(v)).sum::<f64>() / 2000.0;
    let gaussian = {
        let n = 2000.0;
        let column = |c: usize| fresh.values().iter().skip(c).step_by(2).map(|&v| f64::from(v)).collect::<Vec<_>>();
        let (x, y) = (column(0), column(1));
        let average = |v: &[f64]| v.iter().sum::<f64>() / n;
        let (mx, my) = (average(&x), average(&y));
        let moment = |a: &[f64], ma: f64, b: &[f64], mb: f64| a.iter().zip(b).map(|(p, q)| (p - ma) * (q - mb)).sum::<f64>() / n;
        let det = moment(&x, mx, &x, mx) * moment(&y, my, &y, my) - moment(&x, mx, &y, my).powi(2);
        -(std::f64::consts::TAU.ln() + 1.0) - 0.5 * det.ln()
    };
    println!("mean log-density {mean:.3}, of the fitted Gaussian {gaussian:.3}");
    assert!(mean > gaussian + 0.3, "mean log-density {mean}, of the fitted Gaussian {gaussian}");
    // There and back again.
    let latents = outcome.model.pull(&fresh).unwrap().expect("a flow has an inverse");
    let back = outcome.model.push(&latents).unwrap();
    let off: f64 = fresh.values().iter().zip(back.values()).map(|(a, b)| f64::from(a - b).abs()).sum::<f64>() / 4000.0;
    println!("there and back: off by {off:.1e} on average");
    assert!(off < 0.02, "rows come back off by {off}");
    let square = latents.values().iter().map(|&z| f64::from(z).powi(2)).sum::<f64>() / 4000.0;
    assert!((square - 1.0).abs() < 0.15, "latents of the data have a mean square of {square}");
}
