//! Distances to the closest record, to the digits of SDMetrics, and what they give away.

use pushforward::metrics::closest::closest;

use super::{shuffled, table};

#[test]
fn distances_are_those_of_sdmetrics() {
    let found = closest(&table("real"), &table("synthetic"), &table("train"), 0).unwrap();
    // SDMetrics 0.32.0, the median of `calculate_dcr(synthetic, train)` and of `calculate_dcr(real, train)`, with `member` as categorical.
    assert!((found.samples.value - 0.06238639453971942).abs() < 1e-12, "{found:?}");
    assert!((found.reference.value - 0.06503065164179173).abs() < 1e-12, "{found:?}");
    // `DCROverfittingProtection.compute_breakdown(train, synthetic, real)`: 56 of 100 samples are nearer to training rows.
    assert!((found.overfitting.value - 0.88).abs() < 1e-12, "{found:?}");
    // `DCRBaselineProtection` draws random rows: medians of .132 to .145 and scores of .432 to .474 in three runs.
    assert!((found.random - 0.139).abs() < 0.015 && (found.baseline.unwrap().value - 0.45).abs() < 0.04);
    // scikit-learn 1.9.1, roc_auc_score of the negative distances of `train` and of `real` to `synthetic`, in ranges of `train`.
    assert!((found.membership.value - 0.4795833333333333).abs() < 1e-12, "{:?}", found.membership);
    let [low, high] = found.membership.interval.unwrap();
    assert!(low < 0.5 && 0.5 < high);
}

#[test]
fn copies_are_found() {
    let (real, train) = (table("real"), table("train"));
    let found = closest(&real, &train, &train, 0).unwrap();
    assert_eq!((found.samples.value, found.overfitting.value), (0.0, 0.0));
    assert!(found.baseline.unwrap().value == 0.0 && found.ratio.unwrap().interval.unwrap()[0] == 0.0);
    assert_eq!(found.membership.value, 1.0);
    // Half copies, half other rows: some of the training rows are given away.
    let half = train.select_rows(&(0..60).collect::<Vec<_>>()).stacked(&real.select_rows(&(0..60).collect::<Vec<_>>())).unwrap();
    let rest = real.select_rows(&(60..120).collect::<Vec<_>>());
    let found = closest(&rest, &half, &train, 0).unwrap();
    assert!(found.membership.interval.unwrap()[0] > 0.6, "{:?}", found.membership);
}

#[test]
fn distances_do_not_depend_on_the_order_of_rows() {
    let (real, new, train) = (table("real"), table("synthetic"), table("train"));
    let again = closest(&shuffled(&real, 7), &shuffled(&new, 3), &shuffled(&train, 11), 0).unwrap();
    assert_eq!(again, closest(&real, &new, &train, 0).unwrap());
}
