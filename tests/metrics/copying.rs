use pushforward::metrics::Backend;
use pushforward::metrics::copying::{mann_whitney, scores, test};
use pushforward::metrics::{classifier, interval};

use crate::{moved, near, normal};

#[test]
fn copies_have_ratio_zero_and_fresh_rows_about_one() {
    let (train, fresh) = (normal(400, 3, 0.0, 1), normal(500, 3, 0.0, 2));
    let copied = scores(&Backend::Host, train.points(), train.points()).expect("scores");
    assert_eq!((copied.ratio.value, copied.authenticity.value), (0.0, 0.0));
    let jittered = scores(&Backend::Host, train.points(), moved(&train, 1e-3).points()).expect("scores");
    assert!(jittered.ratio.value < 0.02, "{jittered:?}");
    let honest = scores(&Backend::Host, train.points(), fresh.points()).expect("scores");
    let [low, high] = honest.ratio.interval.expect("interval");
    assert!(low < honest.ratio.value && honest.ratio.value < high && (0.9..1.4).contains(&honest.ratio.value), "{honest:?}");
    assert!((0.4..0.8).contains(&honest.authenticity.value), "{honest:?}");
}

#[test]
fn the_copying_test_is_negative_for_near_copies_and_central_for_fresh_rows() {
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
fn held_out_accuracy_comes_with_its_exact_interval_and_p_value() {
    let even = classifier::accuracy(50, 100).expect("score");
    // R: binom.test(&Backend::Host, 50, 100).
    let [low, high] = even.interval.expect("interval");
    near(low, 0.398_321_1, 1e-6);
    near(high, 0.601_678_9, 1e-6);
    near(even.p_value.expect("p"), 0.539_794_6, 1e-6);
    // binom.test(&Backend::Host, 62, 100, alternative = "greater").
    near(classifier::accuracy(62, 100).expect("score").p_value.expect("p"), 0.010_489_37, 1e-7);
    assert!(classifier::accuracy(3, 2).is_err() && classifier::accuracy(0, 0).is_err());
    assert_eq!(interval::clopper_pearson(0, 10)[0], 0.0);
    near(interval::clopper_pearson(0, 10)[1], 0.308_497_1, 1e-6);
}
