use pushforward::metrics::c2st::classify;
use pushforward::metrics::{Points, kolmogorov};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Cloud, normal};

/// Trees alone, as the host has them.
fn accuracy(x: &Cloud, y: &Cloud, seed: u64) -> pushforward::metrics::c2st::Classified {
    classify(None, x.points(), y.points(), 5000, seed).expect("a classifier")
}

/// p-values are uniform when the distributions are one: of numbers, of categories (whose rows repeat) and of both.
#[test]
fn p_values_are_uniform_and_intervals_hold_a_half_when_nothing_differs() {
    let draws = |kind: usize, seed: u64| -> Cloud {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut plain = normal(60, 2, 0.0, seed);
        for (i, v) in plain.values.iter_mut().enumerate() {
            match kind {
                0 => {}
                1 => *v = random.random_range(0..4u8).into(),
                _ => *v = if i % 2 == 0 { v.max(0.0) } else { *v },
            }
        }
        plain
    };
    for kind in 0..3 {
        let found: Vec<_> = (0..60).map(|seed| accuracy(&draws(kind, 2 * seed), &draws(kind, 2 * seed + 1), seed)).collect();
        let p_values: Vec<f32> = found.iter().filter_map(|told| told.score.p_value).map(|p| p as f32).collect();
        // Sixty uniform draws lie within 0.21 of the diagonal, and 9 at most below .05, 99 times of 100.
        let off = kolmogorov::one_sample(&p_values, |u| u).value;
        let small = p_values.iter().filter(|&&p| p <= 0.05).count();
        let covered =
            found.iter().filter_map(|told| told.score.interval).filter(|[low, high]| *low <= 0.5 && 0.5 <= *high).count();
        assert!(off < 0.21 && small <= 9 && covered >= 53, "kind {kind}: {off} {small} {covered}");
    }
}

/// Pairs of tables and the accuracy of scikit-learn 1.9's HistGradientBoostingClassifier() over StratifiedKFold(5, shuffle=True) on as many rows,
/// the mean of twenty draws; an accuracy of 800 calls varies by .018.
#[test]
fn trees_see_what_scikit_learn_sees() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let n = 400;
    let from = |rows: Vec<Vec<f32>>| Cloud { rows: rows.len(), columns: rows[0].len(), values: rows.concat() };
    let z = normal(n, 12, 0.0, 1);
    let w = normal(n, 12, 0.0, 2);
    let each = |of: &Cloud, row: &mut dyn FnMut(&[f32]) -> Vec<f32>| from(of.values.chunks_exact(12).map(&mut *row).collect());
    // A normal column against ±1, and one outlier in either set.
    let mut spikes = |outlier: bool| {
        let mut x = each(&z, &mut |r| r[..2].to_vec());
        let mut y = each(&w, &mut |r| vec![if random.random() { 1.0 } else { -1.0 }, r[1]]);
        if outlier {
            (x.values[0], y.values[0]) = (1e4, 1e4);
        }
        (x, y)
    };
    let (spiked, outlying) = (spikes(false), spikes(true));
    // Three columns that almost agree, beside a column of five levels.
    let mut levels = |of: &Cloud, apart: f32| {
        each(of, &mut |r| {
            let level = random.random_range(0..5usize);
            let near = [r[0], r[0] + apart * r[1], 0.9 * r[0] + apart * r[2]];
            near.into_iter().chain((0..5).map(|l| f32::from(u8::from(l == level)))).collect()
        })
    };
    let mixed = (levels(&z, 0.02), levels(&w, 0.3));
    let ring = |of: &Cloud, wide: f32| {
        each(of, &mut |r| {
            let (angle, radius) = (3.0 * r[0], 1.0 + wide * r[1]);
            vec![radius * angle.cos(), radius * angle.sin()]
        })
    };
    let rings = (ring(&z, 0.01), ring(&w, 0.08));
    let ratio = |of: &Cloud, degrees: usize| {
        each(of, &mut |r| vec![r[0] / (r[1..=degrees].iter().map(|v| v * v).sum::<f32>() / degrees as f32).sqrt()])
    };
    let heavy = (ratio(&z, 1), ratio(&w, 4));
    for ((name, right), (x, y)) in CASES.into_iter().zip([spiked, outlying, mixed, rings, heavy]) {
        let found = accuracy(&x, &y, 0);
        // .03, and what an accuracy of 800 calls is off by itself in one of six draws.
        assert!(found.score.value > right - 0.03 - 0.018, "{name}: {} for {right}", found.score.value);
        assert!(found.score.p_value < Some(0.05), "{name}: {:?}", found.score);
    }
}

const CASES: [(&str, f64); 5] = [
    ("spikes", 0.992),
    ("spikes and an outlier", 0.991),
    ("numbers beside levels", 0.777),
    ("rings", 0.647),
    ("heavy tails", 0.551),
];

#[test]
fn too_few_rows_are_refused() {
    let few = normal(19, 1, 0.0, 1);
    let error = classify(None, few.points(), few.points(), 100, 0).expect_err("few rows").to_string();
    assert!(error.contains("19 rows") && error.contains("at least 20"), "{error}");
    let other = Points::new(&[0.0; 60], 30, 2).expect("rows");
    assert!(classify(None, normal(30, 1, 0.0, 1).points(), other, 100, 0).is_err());
}
