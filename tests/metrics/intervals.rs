use pushforward::metrics::interval::{median, wilson};

use crate::near;

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
