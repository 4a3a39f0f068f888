use pushforward::metrics::kolmogorov::{columns, one_sample, survival, two_sample, worst};
use statrs::distribution::{ContinuousCDF, Normal};

use super::{near, normal};

/// Values of scipy.special.kolmogorov.
#[test]
fn the_survival_function_matches_published_values() {
    for (lambda, expected) in [
        (0.3, 0.999_990_694_198_665_4),
        (0.5, 0.963_945_243_664_875_1),
        (1.0, 0.269_999_671_677_354_56),
        (1.18, 0.123_453_809_429_765_54),
        (1.5, 0.022_217_962_616_525_127),
        (3.0, 3.045_995_948_942_526_8e-8),
    ] {
        near(survival(lambda), expected, 1e-9);
    }
    assert_eq!((survival(0.0), survival(40.0)), (1.0, 0.0));
}

#[test]
fn the_statistic_is_the_largest_gap_and_ties_count_once() {
    assert_eq!(two_sample(&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0, 5.0, 6.0]).value, 0.5);
    assert_eq!(two_sample(&[1.0, 1.0, 2.0], &[2.0, 1.0, 1.0]).value, 0.0);
    assert_eq!(two_sample(&[0.0], &[1.0]).value, 1.0);
    assert_eq!(one_sample(&[0.25, 0.75], |u| u).value, 0.25);
}

/// D → sup|Φ(x) − Φ(x − δ)| = 2Φ(δ/2) − 1.
#[test]
fn shifted_normals_are_at_the_closed_form_distance() {
    let distribution = Normal::standard();
    let (x, y) = (normal(20_000, 2, 0.0, 1), normal(20_000, 2, 1.0, 2));
    let found = columns(x.points(), y.points()).expect("columns");
    // Twice the standard deviation of the gap at the middle, √(2·¼/20000), is 0.01.
    near(found[0].value, 2.0 * distribution.cdf(0.5) - 1.0, 0.01);
    assert!(found[0].p_value.expect("p") < 1e-12 && found[1].p_value.expect("p") > 0.001);
    let [low, high] = found[0].interval.expect("interval");
    assert!(low < 2.0 * distribution.cdf(0.5) - 1.0 && 2.0 * distribution.cdf(0.5) - 1.0 < high);
}

#[test]
fn p_values_are_uniform_when_the_distributions_agree() {
    let distribution = Normal::standard();
    let mut two: Vec<f32> = Vec::new();
    let mut one: Vec<f32> = Vec::new();
    for seed in 0..400 {
        let (x, y) = (normal(150, 1, 0.0, seed), normal(200, 1, 0.0, 1000 + seed));
        two.push(two_sample(&x.values, &y.values).p_value.expect("p") as f32);
        one.push(one_sample(&x.values, |v| distribution.cdf(v)).p_value.expect("p") as f32);
    }
    // Four hundred uniform draws lie within 0.08 of the diagonal 99 times of 100.
    assert!(one_sample(&two, |u| u).value < 0.08 && one_sample(&one, |u| u).value < 0.08);
}

/// The worst of many columns is one of them by chance: its band is that of α over their number, 2·√(ln(4c/α)/2n) of n rows in each set.
#[test]
fn the_interval_of_the_worst_column_is_wider_than_its_own() {
    let (x, y) = (normal(500, 20, 0.0, 1), normal(500, 20, 0.0, 2));
    let (all, at, found) = worst(x.points(), y.points()).expect("columns");
    assert!(all.iter().all(|score| score.value <= all[at].value) && found.value == all[at].value);
    near(found.p_value.expect("p"), (20.0 * all[at].p_value.expect("p")).min(1.0), 1e-12);
    let reach = |tests: f64| 2.0 * ((4.0 * tests / 0.05f64).ln() / 1000.0).sqrt();
    near(found.interval.expect("an interval")[1], found.value + reach(20.0), 1e-12);
    near(all[at].interval.expect("an interval")[1], found.value + reach(1.0), 1e-12);
}
