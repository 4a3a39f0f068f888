use pushforward::data::toy::Toy;
use pushforward::data::{Standardization, Table, Target};
use pushforward::metrics::{Points, Score, pairs, stein};
use pushforward::reference::stein::{Kernel, stein_kernel};

use super::{near, normal};

const KERNEL: Kernel = Kernel::InverseMultiquadric { offset: 1.0, beta: -0.5 };

fn to_normal(cloud: &super::Cloud, seed: u64) -> Score {
    stein::squared(cloud.points(), |x| x.iter().map(|x| -x).collect(), &KERNEL, 99, 1000, seed).unwrap()
}

#[test]
fn the_statistic_is_the_mean_over_pairs_of_distinct_rows() {
    let cloud = normal(40, 2, 0.5, 3);
    let x: Vec<f64> = cloud.values.iter().map(|&v| f64::from(v)).collect();
    let s: Vec<f64> = x.iter().map(|x| -x).collect();
    let of = |v: &[f64], i: usize| v[2 * i..2 * i + 2].to_vec();
    let pairs = (0..40).flat_map(|i| (0..40).filter(move |&j| j != i).map(move |j| (i, j)));
    let total: f64 = pairs.map(|(i, j)| stein_kernel(&KERNEL, &of(&x, i), &of(&x, j), &of(&s, i), &of(&s, j))).sum();
    near(to_normal(&cloud, 1).value, total / (40.0 * 39.0), 1e-12);
}

#[test]
fn exact_samples_are_at_zero_and_rejected_no_more_often_than_stated() {
    // 60 samples of the distribution: at most 8 below 0.05 with probability 0.995; the error is the standard deviation of the 60 values within a third
    // (their own is known to a tenth), and 1.96 of it covers zero for all but a few.
    let scores: Vec<Score> = (0..60).map(|seed| to_normal(&normal(150, 2, 0.0, 100 + seed), seed)).collect();
    let rejected = scores.iter().filter(|s| s.p_value.unwrap() <= 0.05).count();
    assert!(rejected <= 8, "{rejected} of 60");
    let missed = scores.iter().filter(|s| s.interval.unwrap()[0] > 0.0 || s.interval.unwrap()[1] < 0.0).count();
    assert!(missed <= 9, "{missed} of 60");
    let deviation = (scores.iter().map(|s| s.value * s.value).sum::<f64>() / 60.0).sqrt();
    let stated = scores.iter().map(|s| s.standard_error.unwrap()).sum::<f64>() / 60.0;
    assert!((stated / deviation - 1.0).abs() < 0.34, "{stated} and {deviation}");
}

#[test]
fn away_from_the_distribution_the_standard_error_is_that_of_repeated_samples() {
    let scores: Vec<Score> = (0..60).map(|seed| to_normal(&normal(150, 2, 0.6, 300 + seed), seed)).collect();
    let values = || scores.iter().map(|s| s.value);
    let deviation = pushforward::metrics::interval::variance(values()).sqrt();
    let stated = scores.iter().map(|s| s.standard_error.unwrap()).sum::<f64>() / 60.0;
    assert!((stated / deviation - 1.0).abs() < 0.34, "{stated} and {deviation}");
    assert!(scores.iter().all(|s| s.p_value.unwrap() == 0.01), "a shift of 0.6 shows at the least p-value there is");
}

fn to_toy(values: &[f32], toy: Toy) -> Score {
    let points = Points::new(values, values.len() / 2, 2).unwrap();
    let target = Target::of(&format!("toy:{toy}").parse().unwrap(), &Standardization::identity(2)).unwrap();
    stein::to_target(points, &target, 99, 500, 1).unwrap()
}

#[test]
fn toy_samples_pass_for_their_distribution_and_a_gaussian_does_not() {
    for toy in [Toy::EightGaussians, Toy::Gaussian, Toy::Banana, Toy::TwentyFiveGaussians] {
        let own = to_toy(toy.sample(500, 21).single(), toy);
        assert!(own.p_value.unwrap() > 0.01 && own.value.abs() < 3.0 * own.standard_error.unwrap(), "{toy}: {own:?}");
        let moved: Vec<f32> = toy.sample(500, 22).single().iter().map(|v| 1.3 * v + 0.2).collect();
        let other = to_toy(&moved, toy);
        assert!(other.p_value.unwrap() <= 0.01 && other.value > 3.0 * other.standard_error.unwrap(), "{toy}: {other:?}");
    }
}

#[test]
fn dropped_modes_of_a_separated_mixture_are_not_seen() {
    // Half of the eight Gaussians, six standard deviations apart. That is the statistic's blindness to proportions, as a number: KSD² is
    // 0.9 of its errors below zero (p = 0.85), where the energy distance is 9.8 above.
    let toy = Toy::EightGaussians;
    let all = toy.sample(2000, 5);
    let right: Vec<f32> = all.single().chunks_exact(2).filter(|p| p[0] + 0.4 * p[1] > 0.0).take(500).flatten().copied().collect();
    let found = to_toy(&right, toy);
    assert!(found.p_value.unwrap() > 0.05, "{found:?}");
    let fresh = toy.sample(500, 6);
    let energy = pairs::energy(Points::of(&fresh).unwrap(), Points::new(&right, 500, 2).unwrap()).unwrap();
    assert!(energy.value > 5.0 * energy.standard_error.unwrap(), "{energy:?}");
}

/// The score of N(mean, ((4/3, 2/3), (2/3, 4/3))) as expressions of the columns a and b.
fn correlated(mean: [f64; 2]) -> [String; 2] {
    let [a, b] = mean.map(|m| if m < 0.0 { format!("+ {}", -m) } else { format!("- {m}") });
    [format!("-(a {a}) + 0.5*(b {b})"), format!("0.5*(a {a}) - (b {b})")]
}

#[test]
fn a_shifted_normal_distribution_is_at_its_closed_form_from_a_score_in_words() {
    // Closed form: |δ|² (ℓ²/(ℓ² + 2))^(d/2) for p = N(0, I), q = N(δ, I) and the Gaussian kernel.
    for (d, delta, l) in [(1, 1.0f32, 1.0f32), (2, 0.7, 0.8), (3, 1.5, 2.0)] {
        let cloud = normal(1500, d, delta, 40 + d as u64);
        let names: Vec<String> = (0..d).map(|j| format!("c{j}")).collect();
        let table = Table::new(names.clone(), cloud.values.clone()).unwrap();
        let score: Vec<String> = names.iter().map(|name| format!("-{name}")).collect();
        let target = Target::given(&score, &table, &Standardization::identity(d)).unwrap();
        let found = stein::squared(cloud.points(), |x| target.score(x), &Kernel::gaussian(l), 19, 1500, 1).unwrap();
        let l2 = f64::from(l).powi(2);
        let expected = f64::from(delta).powi(2) * (l2 / (l2 + 2.0)).powf(d as f64 / 2.0);
        near(found.value, expected, 3.5 * found.standard_error.unwrap());
        assert!(found.standard_error.unwrap() < 0.12 * expected, "the tolerance says something: {found:?}");
    }
}

#[test]
fn a_given_score_accepts_its_distribution_and_refuses_another_in_any_units() {
    // L Lᵀ = ((4/3, 2/3), (2/3, 4/3)), moved by (1, −2).
    let rows: Vec<f32> = normal(600, 2, 0.0, 8)
        .values
        .chunks_exact(2)
        .flat_map(|z| [1.0 + (4f32 / 3.0).sqrt() * z[0], -2.0 + (1f32 / 3.0).sqrt() * z[0] + z[1]])
        .collect();
    let table = Table::new(["a", "b"], rows.clone()).unwrap();
    let units = Standardization::fit(&table);
    let standard = units.apply(table.values()).unwrap();
    for (mean, is_the_distribution) in [([1.0, -2.0], true), ([0.7, -2.0], false)] {
        let target = Target::given(&correlated(mean), &table, &Standardization::identity(2)).unwrap();
        for (values, target) in [(&rows, &target), (&standard, &target.in_units(&units))] {
            let found = stein::to_target(Points::new(values, 600, 2).unwrap(), target, 99, 400, 3).unwrap();
            assert_eq!(found.rows_used, Some(400));
            assert_eq!(found.p_value.unwrap() > 0.01, is_the_distribution, "{mean:?}: {found:?}");
        }
    }
}

#[test]
fn a_score_that_is_not_finite_names_the_row() {
    let table = Table::new(["a"], vec![1.0, 2.0, 3.0]).unwrap();
    let target = Target::given(&["1/a - log(a)"], &table, &Standardization::identity(1)).unwrap();
    let error = stein::to_target(Points::new(&[2.0, -1.0, 0.5], 3, 1).unwrap(), &target, 9, 100, 0).unwrap_err();
    assert!(error.to_string().contains("[-1.0] is NaN"), "{error}");
}
