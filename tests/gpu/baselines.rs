//! What a sceptic would try first: fitted distributions against what they must be.

use crate::shared::Devices;
use pushforward::baselines::{self, ALL, Baseline, GAUSSIAN, Kernel, Mixture};
use pushforward::data::toy::Toy;
use pushforward::metrics::Points;
use pushforward::metrics::gaussian::Gaussian;
use std::time::Duration;

static GPU: Devices = Devices::PLAIN;
const LONG: Duration = Duration::from_secs(60);

fn points(values: &[f32], d: usize) -> Points<'_> {
    Points::new(values, values.len() / d, d).unwrap()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn a_mixture_is_found_again() {
    let (train, fresh) = (Toy::EightGaussians.sample(8000, 1), Toy::EightGaussians.sample(4000, 2));
    let fitted = Mixture::fit(Points::of(&train).unwrap(), LONG, 0);
    assert_eq!((fitted.components(), Baseline::parameters(&fitted)), (8, 47));
    let distribution = |i: usize| Toy::EightGaussians.log_density([0, 1].map(|j| fresh.row(i)[j])).unwrap();
    let found = fitted.log_density(Points::of(&fresh).unwrap()).unwrap();
    let lost: Vec<f64> = found.iter().enumerate().map(|(i, found)| distribution(i) - found).collect();
    // 47 numbers fitted to n rows cost 47/2n = 0.003 nats a row on average (Akaike 1974), with a standard error of √(47/2)/n = 0.0006 and
    // that of the mean over the fresh rows, below 0.002.
    assert!((0.0..0.01).contains(&mean(&lost)), "{} nats a row are lost", mean(&lost));
}

#[test]
fn the_width_of_a_kernel_is_the_one_that_is_best_for_a_gaussian() {
    // In one dimension and for N(0, 1) the least Kullback–Leibler risk is near the least squared error, (4/3n)^{1/5}: 0.23 for 2,000 rows.
    let rows: Vec<f32> = Toy::Gaussian.sample(2000, 3).column(0).map(|x| x as f32).collect();
    let fitted = Kernel::fit(&GPU, points(&rows, 1), 0).unwrap();
    let best = (4.0 / (3.0 * 2000.0f64)).powf(0.2);
    assert!((0.6..1.8).contains(&(fitted.width / best)), "{} and {best}", fitted.width);
    // Leave-one-out likelihoods in f64 at the chosen width and about it: none is much above.
    let scale = Gaussian::fit(points(&rows, 1)).factor[0];
    let likelihood = |h: f64| {
        let each = |i: usize| {
            let kernel = |j: usize| (-0.5 * ((f64::from(rows[i]) - f64::from(rows[j])) / (scale * h)).powi(2)).exp();
            (0..rows.len()).filter(|&j| j != i).map(kernel).sum::<f64>().ln() - h.ln()
        };
        (0..rows.len()).map(each).sum::<f64>() / rows.len() as f64
    };
    let chosen = likelihood(fitted.width);
    for factor in [0.5, 0.8, 1.25, 2.0] {
        assert!(likelihood(fitted.width * factor) < chosen + 1e-3, "{factor}");
    }
}

#[test]
fn densities_integrate_to_one() {
    let train = Toy::Moons.sample(1500, 1);
    for name in ALL {
        let fitted = baselines::fit(name, &GPU, Points::of(&train).unwrap(), LONG, 0).unwrap();
        let (cells, side) = (120, 16.0);
        let at = |k: usize| (-0.5 * side + side * (k as f64 + 0.5) / cells as f64) as f32;
        let grid: Vec<f32> = (0..cells * cells).flat_map(|i| [at(i % cells), at(i / cells)]).collect();
        let mass: f64 =
            fitted.log_density(points(&grid, 2)).unwrap().iter().map(|v| v.exp()).sum::<f64>() * (side / cells as f64).powi(2);
        assert!((mass - 1.0).abs() < 0.01, "{name}: {mass}");
    }
}

#[test]
fn samples_have_the_mean_and_covariance_of_the_distribution() {
    let train = Toy::Banana.sample(4000, 1);
    let of = |values: &[f32]| Gaussian::fit(points(values, 2));
    let data = of(train.single());
    for name in ALL {
        let fitted = baselines::fit(name, &GPU, Points::of(&train).unwrap(), LONG, 0).unwrap();
        let drawn = fitted.sample(20_000, 5).unwrap();
        assert_eq!(drawn, fitted.sample(20_000, 5).unwrap());
        let found = of(&drawn);
        for j in 0..2 {
            assert!((found.mean[j] - data.mean[j]).abs() < 0.1, "{name}: {:?} and {:?}", found.mean, data.mean);
        }
        // A kernel adds its own width to the variance.
        let ratio = found.factor[0] / data.factor[0];
        assert!((0.95..1.15).contains(&ratio), "{name}: {ratio}");
        // Each is likelier under its own density than the other's rows are.
        let likely = |rows: &[f32]| mean(&fitted.log_density(points(rows, 2)).unwrap());
        let shifted: Vec<f32> = drawn[..2000].iter().map(|v| v + 1.0).collect();
        assert!(likely(&drawn[..2000]) > likely(&shifted), "{name}");
    }
}

#[test]
fn rows_that_leave_little_to_fit_have_finite_answers() {
    let noise: Vec<f32> = Toy::Gaussian.sample(60, 1).into_single();
    let constant: Vec<f32> = noise.chunks_exact(2).flat_map(|r| [r[0], 3.0]).collect();
    let twice: Vec<f32> = noise.chunks_exact(2).take(20).flat_map(|r| [r[0], r[1], r[0], r[1]]).collect();
    let dependent: Vec<f32> = noise.iter().flat_map(|&v| [v, 2.0 * v, -v]).collect();
    for (what, rows, d) in [
        ("a constant column", constant, 2),
        ("rows that are there twice", twice, 2),
        ("columns that follow from another", dependent, 3),
        ("five rows", noise[..10].to_vec(), 2),
        ("two rows", noise[..4].to_vec(), 2),
        ("more columns than rows", noise.clone(), 40),
        ("one column", noise.clone(), 1),
    ] {
        for name in ALL {
            let fitted = baselines::fit(name, &GPU, points(&rows, d), LONG, 0).unwrap();
            let drawn = fitted.sample(50, 1).unwrap();
            assert!(drawn.len() == 50 * d && drawn.iter().all(|v| v.is_finite()), "{name} of {what}");
            let density = fitted.log_density(points(&rows, d)).unwrap();
            assert!(density.iter().all(|v| !v.is_nan()), "{name} of {what}: {density:?}");
            // A Gaussian of lower dimension has no density; the others are thin instead.
            assert!(name == GAUSSIAN || density.iter().all(|v| v.is_finite()), "{name} of {what}: {density:?}");
        }
    }
    let one = baselines::fit(GAUSSIAN, &GPU, points(&[1.0, 2.0], 2), LONG, 0).map(|_| ());
    assert!(one.is_err() && baselines::fit("none", &GPU, points(&noise, 2), LONG, 0).map(|_| ()).is_err());
}

#[test]
fn a_mixture_ends_in_time() {
    let many: Vec<f32> = Toy::Checkerboard.sample(20_000, 1).into_single();
    let started = std::time::Instant::now();
    let fitted = Mixture::fit(points(&many, 4), Duration::from_millis(200), 0);
    assert!(fitted.components() >= 1 && started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
