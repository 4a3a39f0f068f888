//! Rows that count by their weights, of the reference and of the samples.

use pushforward::metrics::{Options, Points, Score, evaluate_points, interval, kolmogorov, pairs, sinkhorn};
use statrs::distribution::{ContinuousCDF, Normal};

use super::{Cloud, near, normal};

fn options() -> Options {
    Options { permutations: 19, projections: 8, pair_rows: Some(60), w2_rows: 40, ..Options::default() }
}

fn weighted<'a>(cloud: &'a Cloud, weights: &'a [f32]) -> Points<'a> {
    cloud.points().with_weights(Some(weights))
}

/// Rows of N(0, 2²) with the ratio of the densities, 2·exp(−3x²/8), for weights: N(0, 1).
fn narrowed(rows: usize, seed: u64) -> (Cloud, Vec<f32>) {
    let mut cloud = normal(rows, 1, 0.0, seed);
    cloud.values.iter_mut().for_each(|v| *v *= 2.0);
    let weights = cloud.values.iter().map(|x| (-3.0 * x * x / 8.0).exp()).collect();
    (cloud, weights)
}

/// 2 E|X − Y| − E|X − X′| − E|Y − Y′| of N(0, 1) and N(δ, 1): X − Y is N(−δ, 2).
fn energy_of_shift(delta: f64) -> f64 {
    let (distribution, pi) = (Normal::standard(), std::f64::consts::PI);
    let apart = 2.0 / pi.sqrt() * (-delta * delta / 4.0).exp() + delta * (1.0 - 2.0 * distribution.cdf(-delta / 2f64.sqrt()));
    2.0 * apart - 4.0 / pi.sqrt()
}

/// Forty numbers lie within 0.25 of the diagonal 99 times of 100 if they are uniform, 120 within 0.149.
fn off_uniform(p_values: &[f32]) -> f64 {
    kolmogorov::one_sample(p_values, |u| u).value
}

#[test]
fn equal_weights_change_nothing() {
    let (x, y) = (normal(40, 2, 0.0, 1), normal(30, 2, 0.5, 2));
    let (half, third) = (vec![0.5; 40], vec![3.0; 30]);
    let same = |a: Score, b: Score| {
        near(a.value, b.value, 1e-9);
        near(a.standard_error.expect("an error"), b.standard_error.expect("an error"), 1e-9);
        let (a, b) = (a.interval.expect("an interval"), b.interval.expect("an interval"));
        near(a[0], b[0], 1e-9);
        near(a[1], b[1], 1e-9);
    };
    let (a, b) = (weighted(&x, &half), weighted(&y, &third));
    same(pairs::energy(a, b).expect("energy"), pairs::energy(x.points(), y.points()).expect("energy"));
    same(pairs::mmd2(a, b, 1.0).expect("mmd"), pairs::mmd2(x.points(), y.points(), 1.0).expect("mmd"));
    let [by_weights, plain] = [(a, b), (x.points(), y.points())].map(|(x, y)| kolmogorov::columns(x, y).expect("columns"));
    for (a, b) in by_weights.iter().zip(&plain) {
        near(a.value, b.value, 1e-12);
        // The quantile of 400 replicates is known to 3 %.
        let [a, b] = [a, b].map(|score| score.p_value.expect("p"));
        assert!((a / b).ln().abs() < 0.5, "{a} {b}");
    }
    assert_eq!(
        evaluate_points(a, b, None, &options()).expect("scores"),
        evaluate_points(x.points(), y.points(), None, &options()).expect("scores")
    );
}

/// By hand: x is 0 and 2 by weights ¼ and ¾, y 0 and 1. Σ Σ s s |x − x′| = 2·³⁄₁₆·2 = ¾, that of y ½, and Σ Σ s t |x − y| = ⅛ + ¾·³⁄₂ = 1¼:
/// |μ̂_x − μ̂_y|² = 2½ − 1¼. From the means, |φ(0) − μ̂_x|² = 2·³⁄₂ − ¾, |φ(2) − μ̂_x|² = 2·½ − ¾, and |φ − μ̂_y|² = 2·½ − ½ of both rows of y.
#[test]
fn energy_and_kolmogorov_smirnov_by_hand() {
    let cloud = |values: Vec<f32>| Cloud { rows: values.len(), columns: 1, values };
    let (x, y) = (cloud(vec![0.0, 2.0]), cloud(vec![0.0, 1.0]));
    let weights = [0.5, 1.5];
    let found = pairs::energy(weighted(&x, &weights), y.points()).expect("energy").value;
    let trace_x = (1.0 / 16.0) * (3.0 - 0.75) / 0.75 + (9.0 / 16.0) * (1.0 - 0.75) / 0.25;
    let trace_y = 2.0 * 0.25 * (2.0 * 0.5 - 0.5) / 0.5;
    near(found, 2.5 - 1.25 - trace_x - trace_y, 1e-12);
    // Distribution functions: ¼ and ½ from 0 on, ¼ and 1 from 1 on.
    near(kolmogorov::columns(weighted(&x, &weights), y.points()).expect("columns")[0].value, 0.75, 1e-12);
    near(kolmogorov::columns(y.points(), weighted(&x, &weights)).expect("columns")[0].value, 0.75, 1e-12);
}

/// Weights that depend on the rows, as of importance sampling, of either set: estimates are of the weighted distribution, without bias, and their
/// intervals cover it. The U-statistic with s_i s_j for each pair would be off by a third of a standard deviation at δ = 0, five of the mean's errors.
#[test]
fn estimates_are_of_the_weighted_distribution() {
    for delta in [0.0, 0.6] {
        let exact = energy_of_shift(delta);
        let (mut found, mut covers, mut p_values) = (Vec::new(), 0, Vec::new());
        for seed in 0..120u64 {
            let ((x, of_x), (mut y, of_y)) = (narrowed(160, 2 * seed), narrowed(120, 2 * seed + 1));
            y.values.iter_mut().for_each(|v| *v += delta as f32);
            let (x, y) = (weighted(&x, &of_x), weighted(&y, &of_y));
            let energy = pairs::energy(x, y).expect("energy");
            found.push(energy.value);
            covers += usize::from(energy.interval.is_some_and(|[low, high]| low <= exact && exact <= high));
            p_values.push(kolmogorov::columns(x, y).expect("columns")[0].p_value.expect("p") as f32);
        }
        let (mean, error) = interval::mean_and_error(found.iter().copied());
        assert!((mean - exact).abs() < 3.5 * error, "{mean} ± {error} for {exact}");
        // Of 120 intervals at 95 %, 107 cover in 99 of 100 cases.
        assert!(covers >= 107, "{covers} of 120 cover {exact}");
        match delta {
            0.0 => assert!(off_uniform(&p_values) < 0.149, "{}", off_uniform(&p_values)),
            _ => assert!(p_values.iter().filter(|&&p| p < 0.05).count() > 60, "{p_values:?}"),
        }
    }
}

/// A score that overlooked weights would see the wider distribution.
#[test]
fn weights_enter_every_score() {
    let mut p_values = [Vec::new(), Vec::new()];
    let mut unweighted = 0;
    for seed in 0..40u64 {
        let ((x, of_x), y) = (narrowed(600, 2 * seed), normal(200, 1, 0.0, 2 * seed + 1));
        let plain = Options { names: vec!["x".into()], ..options() };
        // Either set may have them.
        let found = match seed % 2 {
            0 => evaluate_points(weighted(&x, &of_x), y.points(), None, &plain),
            _ => evaluate_points(y.points(), weighted(&x, &of_x), None, &plain),
        }
        .expect("scores");
        let (what, rows) = if seed % 2 == 0 { ("reference", found.reference_rows) } else { ("samples", found.sample_rows) };
        let said = format!("The {what} is weighted: energy distance, MMD², Sinkhorn divergence, Kolmogorov–Smirnov");
        assert!(found.notes[0].starts_with(&said), "{:?}", found.notes);
        // Half of the rows are kept where they have to count alike: the mean of the weights over their maximum is ½.
        let kept = found.notes[0].split("p-values use ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
        assert!(rows == 600 && kept.is_some_and(|kept| (220..380).contains(&kept)), "{:?}", found.notes);
        p_values[0].push(found.ks.worst.p_value.expect("p") as f32);
        p_values[1].push(found.mmd2.p_value.expect("p") as f32);
        // Both are standard normal: their means and W₂ differ by chance only.
        assert!(found.by_column[0].shift.is_some_and(|shift| shift.abs() < 0.4), "{:?}", found.by_column);
        unweighted +=
            usize::from(evaluate_points(x.points(), y.points(), None, &plain).expect("scores").ks.worst.p_value < Some(0.05));
    }
    let off = p_values.map(|p_values| off_uniform(&p_values));
    assert!(off[0] < 0.25 && off[1] < 0.25 && unweighted > 35, "{off:?} {unweighted}");
}

/// It is of the two distributions, whatever rows they are made of.
#[test]
fn the_sinkhorn_divergence_is_that_of_repeated_rows() {
    let gpu = &crate::shared::Devices::PLAIN;
    let (x, y) = (normal(40, 2, 0.0, 1), normal(30, 2, 0.5, 2));
    let twice: Vec<f32> = (0..40).map(|i| if i < 15 { 2.0 } else { 1.0 }).collect();
    let repeated = Cloud { values: [&x.values[..], &x.values[..30]].concat(), rows: 55, columns: 2 };
    let of = |x: Points, y: Points| sinkhorn::divergence(gpu, x, y, 0.5, 0).expect("a divergence");
    let [found, rows, back] =
        [of(weighted(&x, &twice), y.points()), of(repeated.points(), y.points()), of(y.points(), weighted(&x, &twice))];
    near(found.value, rows.value, 1e-5);
    near(back.value, rows.value, 1e-5);
    // Rows that count twice are one row each: the error is that of fewer rows than 55.
    let [found, rows] = [found, rows].map(|score| score.standard_error.expect("an error"));
    assert!((1.0..1.5).contains(&(found / rows)), "{found} {rows}");
}

#[test]
fn columns_differ_as_repeated_rows_do() {
    let (x, y) = (normal(50, 2, 0.0, 1), normal(60, 2, 0.3, 2));
    let twice: Vec<f32> = (0..50).map(|i| if i < 20 { 2.0 } else { 1.0 }).collect();
    let repeated = Cloud { values: [&x.values[..], &x.values[..40]].concat(), rows: 70, columns: 2 };
    let plain = Options { names: vec!["a".into(), "b".into()], ..options() };
    let found = evaluate_points(y.points(), weighted(&x, &twice), None, &plain).expect("scores");
    let rows = evaluate_points(y.points(), repeated.points(), None, &plain).expect("scores");
    for (a, b) in found.by_column.iter().zip(&rows.by_column) {
        assert_eq!(a.column, b.column);
        near(a.distance, b.distance, 1e-9);
        near(a.shift.expect("a shift"), b.shift.expect("a shift"), 1e-6);
    }
    // In any order of the rows, and with rows without weight.
    let order: Vec<usize> = (0..50).map(|i| i * 7 % 50).collect();
    let turned = Cloud { values: x.points().select(&order).into_iter().chain([9.0, 9.0]).collect(), rows: 51, columns: 2 };
    let weights: Vec<f32> = order.iter().map(|&i| twice[i]).chain([0.0]).collect();
    assert_eq!(evaluate_points(y.points(), weighted(&turned, &weights), None, &plain).expect("scores"), found);
}

#[test]
fn weights_that_leave_too_few_rows_are_an_error_that_says_so() {
    let (x, y) = (normal(100, 1, 0.0, 1), normal(100, 1, 0.0, 2));
    let mut weights = vec![1e-9; 100];
    weights[7] = 1.0;
    let found = evaluate_points(x.points().with_weights(Some(&weights)), y.points(), None, &options());
    let said = found.expect_err("one row is left").to_string();
    assert!(said.contains("leaves 1 of the 100 rows of the reference") && said.contains("give more rows"), "{said}");
}
