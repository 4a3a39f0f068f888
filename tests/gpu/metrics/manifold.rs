use pushforward::metrics::manifold::{Manifold, NEIGHBORS, scores};
use pushforward::metrics::neighbors::{nearest, radii};
use pushforward::metrics::{Backend, Score};

use super::{near, normal};

/// Closed form 21: for equal distributions E[density] = 1 and E[coverage] = 1 − ∏_{i=1..k}(N−i)/(M+N−i), N real rows and M samples.
#[test]
fn equal_distributions_have_the_closed_form_density_and_coverage() {
    let (real_rows, sample_rows, repeats) = (150, 220, 40);
    let (mut density, mut coverage) = (0.0, 0.0);
    for seed in 0..repeats {
        let (real, samples) = (normal(real_rows, 2, 0.0, 2 * seed), normal(sample_rows, 2, 0.0, 2 * seed + 1));
        let found = scores(&Backend::Host, real.points(), samples.points(), NEIGHBORS).expect("scores");
        density += found.density.value / repeats as f64;
        coverage += found.coverage.value / repeats as f64;
    }
    let (n, m) = (real_rows as f64, sample_rows as f64);
    let expected = 1.0 - (1..=NEIGHBORS).map(|i| (n - i as f64) / (m + n - i as f64)).product::<f64>();
    // Over 6,000 rows with shared balls the standard errors, from the spread between seeds, are about 0.002 and 0.01.
    near(coverage, expected, 0.008);
    near(density, 1.0, 0.04);
}

/// Rows share balls, and draws of both sets differ in both: intervals of plain shares cover in 57 to 92 of 100 cases.
#[test]
fn intervals_cover_what_many_draws_have_on_average() {
    let (repeats, sizes) = (120, [(100, 100), (60, 240), (240, 60)]);
    for (n, m) in sizes {
        let found: Vec<_> = (0..repeats)
            .map(|seed| {
                let (real, samples) = (normal(n, 2, 0.0, 2 * seed), normal(m, 2, 0.0, 2 * seed + 1));
                scores(&Backend::Host, real.points(), samples.points(), NEIGHBORS).expect("scores")
            })
            .collect();
        for (name, of) in [
            ("precision", (|found| &found.precision) as fn(&Manifold) -> &Score),
            ("recall", |found| &found.recall),
            ("density", |found| &found.density),
            ("coverage", |found| &found.coverage),
        ] {
            let mean = found.iter().map(|found| of(found).value).sum::<f64>() / repeats as f64;
            let covers = |found: &&Manifold| of(found).interval.is_some_and(|[low, high]| low <= mean && mean <= high);
            let covered = found.iter().filter(covers).count();
            // Of 120 at 95 %, 107 or more in 99 of 100 cases.
            assert!(covered >= 107, "{name} of {n} and {m} rows: {covered} of {repeats}");
        }
    }
}

#[test]
fn identical_sets_score_one_and_disjoint_sets_zero() {
    let (x, far) = (normal(120, 3, 0.0, 1), normal(100, 3, 500.0, 2));
    let same = scores(&Backend::Host, x.points(), x.points(), 5).expect("scores");
    assert_eq!((same.precision.value, same.recall.value, same.coverage.value), (1.0, 1.0, 1.0));
    let apart = scores(&Backend::Host, x.points(), far.points(), 5).expect("scores");
    assert_eq!([apart.precision.value, apart.recall.value, apart.coverage.value, apart.density.value], [0.0; 4]);
    let [low, high] = apart.precision.interval.expect("interval");
    assert!(low == 0.0 && high > 0.0, "zero of a hundred does not prove zero");
}

#[test]
fn a_collapsed_sampler_is_precise_and_does_not_cover() {
    let (real, mut samples) = (normal(400, 2, 0.0, 1), normal(400, 2, 0.0, 2));
    samples.values.iter_mut().for_each(|v| *v *= 0.1);
    let found = scores(&Backend::Host, real.points(), samples.points(), 5).expect("scores");
    assert!(found.precision.value > 0.95 && found.density.value > 1.0, "{found:?}");
    assert!(found.coverage.value < 0.2 && found.recall.value < 0.2, "{found:?}");
}

#[test]
fn radii_and_nearest_rows_are_those_of_a_sorted_list() {
    let (x, y) = (normal(50, 17, 0.0, 1), normal(33, 17, 0.0, 2));
    let distance = |p: &[f32], q: &[f32]| p.iter().zip(q).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
    let found = radii(&Backend::Host, x.points(), 3).expect("radii");
    for (i, found) in found.iter().enumerate() {
        let others = (0..50).filter(|&j| j != i);
        let mut all: Vec<f64> = others.map(|j| distance(x.points().row(i), x.points().row(j))).collect();
        all.sort_unstable_by(f64::total_cmp);
        near(f64::from(*found), all[2], 1e-5);
    }
    for (i, (at, found)) in nearest(&Backend::Host, x.points(), y.points()).expect("nearest").into_iter().enumerate() {
        let least = (0..33).map(|j| distance(x.points().row(i), y.points().row(j))).fold(f64::INFINITY, f64::min);
        near(f64::from(found), least, 1e-5);
        near(distance(x.points().row(i), y.points().row(at)), least, 1e-5);
    }
    assert_eq!(radii(&Backend::Host, normal(2, 1, 0.0, 1).points(), 5).expect("radii"), [f32::INFINITY; 2]);
}
