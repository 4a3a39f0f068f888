use pushforward::metrics::interval::{median, student, wilson};

use super::near;

#[test]
fn wilson_matches_published_values_and_stays_in_range() {
    // Newcombe 1998, table I: 81 of 263, and 0 of 20.
    let [low, high] = wilson(81, 263);
    near(low, 0.2553, 5e-5);
    near(high, 0.3662, 5e-5);
    let [low, high] = wilson(0, 20);
    assert_eq!(low, 0.0);
    near(high, 0.1611, 5e-5);
    assert_eq!(wilson(20, 20)[1], 1.0);
    assert_eq!(wilson(0, 0), [0.0, 1.0]);
}

#[test]
fn the_median_sits_between_its_order_statistics() {
    let mut values: Vec<f64> = (0..101).rev().map(f64::from).collect();
    let (middle, [low, high]) = median(&mut values).expect("values");
    assert_eq!((middle, low, high), (50.0, 40.0, 61.0));
    assert_eq!(median(&mut [4.0, 2.0]).map(|m| m.0), Some(3.0));
    assert!(median(&mut []).is_none());
}

#[test]
fn students_interval_is_the_published_quantile_of_the_error() {
    // Student's t at 97.5 %: 12.706 with one degree of freedom, 4.303 with two. The error of 1, 2, 3 is 1/√3.
    let (mean, interval) = student(&[1.0, 2.0, 3.0]).expect("values");
    assert_eq!(mean, 2.0);
    near(interval.expect("three values")[1] - 2.0, 4.302_653 / 3f64.sqrt(), 1e-5);
    let [low, high] = student(&[0.0, 2.0]).expect("values").1.expect("two values");
    near(high, 1.0 + 12.706_205, 1e-4);
    near(low + high, 2.0, 1e-9);
    assert_eq!(student(&[5.0]), Some((5.0, None)));
    assert_eq!(student(&[]), None);
}
