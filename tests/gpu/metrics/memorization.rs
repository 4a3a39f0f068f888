use pushforward::metrics::Backend;
use pushforward::metrics::interval;
use pushforward::metrics::memorization::{mann_whitney, scores, test};

use super::{moved, near, normal};

#[test]
fn copies_have_ratio_zero_and_fresh_rows_about_one() {
    let (train, fresh) = (normal(400, 3, 0.0, 1), normal(500, 3, 0.0, 2));
    let copied = scores(&Backend::Host, train.points(), train.points()).expect("scores");
    assert_eq!((copied.ratio.expect("a ratio").value, copied.authenticity.value), (0.0, 0.0));
    let jittered = scores(&Backend::Host, train.points(), moved(&train, 1e-3).points()).expect("scores");
    assert!(jittered.ratio.as_ref().is_some_and(|ratio| ratio.value < 0.02), "{jittered:?}");
    let honest = scores(&Backend::Host, train.points(), fresh.points()).expect("scores");
    let ratio = honest.ratio.as_ref().expect("a ratio");
    let [low, high] = ratio.interval.expect("interval");
    assert!(low < ratio.value && ratio.value < high && (0.9..1.4).contains(&ratio.value), "{honest:?}");
    assert!((0.4..0.8).contains(&honest.authenticity.value), "{honest:?}");
}

#[test]
fn the_memorization_test_is_negative_for_near_copies_and_central_for_fresh_rows() {
    let (train, held_out, fresh) = (normal(300, 2, 0.0, 1), normal(300, 2, 0.0, 2), normal(300, 2, 0.0, 3));
    let copies = test(&Backend::Host, train.points(), held_out.points(), moved(&train, 1e-3).points()).expect("test");
    assert!(copies.value < -10.0 && copies.p_value.expect("p") < 1e-10, "{copies:?}");
    let honest = test(&Backend::Host, train.points(), held_out.points(), fresh.points()).expect("test");
    assert!(honest.value.abs() < 3.0 && honest.p_value.expect("p") > 0.001, "{honest:?}");
}

/// Values of scipy.stats.mannwhitneyu(method="asymptotic", use_continuity=False).
#[test]
fn mann_whitney_handles_ties_as_published() {
    near(mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), -1.963_961_012_123_931, 1e-12);
    // U = 3, ties of sizes 3 and 2: variance 9/12·(7 − (24 + 6)/30) = 4.5.
    near(mann_whitney(&[1.0, 2.0, 2.0], &[2.0, 3.0, 3.0]), (1.0 - 4.5) / 4.5f64.sqrt(), 1e-12);
    assert_eq!(mann_whitney(&[1.0, 1.0], &[1.0]), 0.0);
}

#[test]
fn the_exact_interval_is_the_published_one() {
    // R: binom.test(50, 100).
    let [low, high] = interval::clopper_pearson(50, 100);
    near(low, 0.398_321_1, 1e-6);
    near(high, 0.601_678_9, 1e-6);
    assert_eq!(interval::clopper_pearson(0, 10)[0], 0.0);
    near(interval::clopper_pearson(0, 10)[1], 0.308_497_1, 1e-6);
}

/// Training rows that repeat have no distance to divide by: none is made up.
#[test]
fn without_distances_there_is_no_ratio() {
    let grid = |n: usize| -> Vec<f32> { (0..n).flat_map(|i| [(i % 4) as f32, (i / 4 % 4) as f32]).collect() };
    let (train, near) = (grid(160), grid(80).iter().map(|v| v + 0.05).collect::<Vec<_>>());
    let points = |values| pushforward::metrics::Points::new(values, values.len() / 2, 2).expect("rows");
    let found = scores(&Backend::Host, points(&train), points(&near)).expect("scores");
    assert!(found.ratio.is_none() && found.authenticity.value == 1.0, "{found:?}");
    let options = pushforward::metrics::Options { permutations: 9, projections: 4, ..Default::default() };
    let reference = super::normal(80, 2, 0.0, 1);
    let all =
        pushforward::metrics::evaluate_points(reference.points(), points(&near), Some(points(&train)), &options).expect("scores");
    let json = serde_json::to_value(&all).expect("json");
    assert!(json["memorization"]["ratio"].get("value").is_none(), "{json}");
    assert_eq!(json["memorization"]["ratio"]["absent"], "training rows repeat");
    assert!(all.scores().iter().all(|score| score.name != "Memorization ratio"));
    assert_eq!(serde_json::from_value::<pushforward::metrics::Evaluation>(json).expect("read back"), all);
}
