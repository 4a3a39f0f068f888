//! No score depends on the order of rows, on whether a table is there twice, or on conditions that samples share with the reference.

use pushforward::gpu::Gpu;
use pushforward::metrics::{
    Backend, Evaluation, Options, Points, c2st, diversity, evaluate_points, memorization, nearer, pairs, permutation, sliced,
    stein, wasserstein,
};
use pushforward::reference::stein::Kernel;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use super::{Cloud, normal};

fn options(gpu: Option<Gpu>) -> Options {
    Options { gpu, classifier: true, permutations: 19, projections: 8, pair_rows: Some(60), w2_rows: 40, ..Options::default() }
}

fn rows(cloud: &Cloud) -> Vec<Vec<f32>> {
    cloud.values.chunks_exact(cloud.columns).map(<[f32]>::to_vec).collect()
}

fn cloud(rows: Vec<Vec<f32>>) -> Cloud {
    Cloud { rows: rows.len(), columns: rows[0].len(), values: rows.concat() }
}

fn shuffled(of: &Cloud, seed: u64) -> Cloud {
    let mut rows = rows(of);
    rows.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
    cloud(rows)
}

fn sorted(of: &Cloud, down: bool) -> Cloud {
    let mut rows = rows(of);
    rows.sort_by(|a, b| if down { b[0].total_cmp(&a[0]) } else { a[0].total_cmp(&b[0]) });
    cloud(rows)
}

fn doubled(of: &Cloud) -> Cloud {
    cloud([rows(of), rows(of)].concat())
}

/// Every score of both sets and of memorization, as JSON without the notes.
fn scores(reference: &Cloud, samples: &Cloud, train: &Cloud, gpu: &Gpu) -> Evaluation {
    let found = evaluate_points(reference.points(), samples.points(), Some(train.points()), &options(Some(gpu.clone())));
    Evaluation { notes: Vec::new(), ..found.expect("scores") }
}

#[test]
fn scores_are_those_of_the_set_of_rows() {
    let gpu = &crate::shared::Devices::PLAIN;
    let (x, y, train) = (normal(90, 2, 0.0, 1), normal(110, 2, 0.4, 2), normal(100, 2, 0.0, 3));
    let found = scores(&x, &y, &train, gpu);
    assert!(found.c2st.is_some() && found.sinkhorn.is_some());
    assert_eq!(scores(&shuffled(&x, 1), &shuffled(&y, 2), &shuffled(&train, 3), gpu), found, "shuffled");
    assert_eq!(scores(&sorted(&x, false), &sorted(&y, true), &sorted(&train, false), gpu), found, "sorted");
    assert_eq!(scores(&doubled(&x), &doubled(&doubled(&y)), &train, gpu), found, "doubled");
    let noted = evaluate_points(x.points(), doubled(&y).points(), None, &options(None)).expect("scores").notes;
    assert_eq!(noted, ["Every row of the samples appears 2 times, and counts once."]);
}

/// Each score by itself, as a program that calls it would have it: tests, choices of a bandwidth, scores of one set, which of two is nearer.
#[test]
fn each_score_by_itself_is_that_of_the_set_of_rows() {
    let gpu = &crate::shared::Devices::PLAIN;
    let (x, y, z) = (normal(70, 2, 0.0, 1), normal(1100, 2, 0.4, 2), normal(90, 2, 0.2, 3));
    let found = |x: &Cloud, y: &Cloud, z: &Cloud| {
        let (x, y, z) = (x.points(), y.points(), z.points());
        let on = &Backend::Host;
        let normal_score = |x: &[f64]| x.iter().map(|v| -v).collect();
        let diversity = diversity::vendi(y, 1.0, 50, 0).expect("vendi");
        let stein =
            stein::squared(y, normal_score, &Kernel::InverseMultiquadric { offset: 1.0, beta: -0.5 }, 19, 60, 0).expect("KSD²");
        let memorization = memorization::test(on, z, x, y).expect("memorization");
        let told = c2st::classify(None, x, z, 60, 0).expect("a classifier");
        (
            [
                pairs::median_distance(x, y, 0).expect("median"),
                permutation::mmd2(on, x, y, 1.0, 99, 40, 0).expect("p"),
                memorization.value,
                diversity.value,
                stein.value,
                told.score.value,
            ],
            (stein.p_value, told.score.p_value),
            [sliced::wasserstein(on, x, y, 4, 0), wasserstein::exact(x, y, 30, 0)].map(|score| score.expect("a distance")),
            nearer::energy(gpu, x, y, z, 99, 0).expect("a difference"),
        )
    };
    let one = found(&x, &y, &z);
    assert_eq!(found(&shuffled(&x, 1), &shuffled(&y, 2), &shuffled(&z, 3)), one);
    assert_eq!(found(&sorted(&x, true), &sorted(&y, false), &sorted(&z, true)), one);
}

/// One distribution's rows, sorted: the classifier knows nothing of the order. 4 standard errors of 800 calls are .07, and folds that share rows
/// make it half as much again.
#[test]
fn sorted_rows_of_one_distribution_are_not_told_apart() {
    let (x, y) = (normal(400, 2, 0.0, 5), normal(400, 2, 0.0, 6));
    let told = |x: &Cloud, y: &Cloud| {
        evaluate_points(x.points(), y.points(), None, &options(None)).expect("scores").c2st.expect("a classifier")
    };
    for (x, y) in [(sorted(&x, false), y), (sorted(&x, false), sorted(&normal(400, 2, 0.0, 6), true))] {
        let found = told(&x, &y);
        assert!((found.value - 0.5).abs() < 0.1 && found.p_value > Some(0.001), "{found:?}");
    }
}

/// Samples of (c, y) that share c with the reference: plain energy distance is biased by −2E|c-part| of the pairs, of which every row has one.
#[test]
fn shared_conditions_are_found_in_any_order_and_judged_as_independent_rows() {
    let n = 300;
    let (conditions, mut energies) = (|seed: u64| normal(n, 1, 0.0, seed), Vec::new());
    for seed in 0..30u64 {
        let c = conditions(3 * seed);
        let set = |seed: u64| {
            let noise = normal(n, 1, 0.0, seed);
            cloud(c.values.iter().zip(&noise.values).map(|(c, y)| vec![10.0 * c, *y]).collect())
        };
        let (x, y) = (set(3 * seed + 1), shuffled(&set(3 * seed + 2), seed));
        let found =
            evaluate_points(x.points(), y.points(), None, &Options { classifier: false, ..options(None) }).expect("scores");
        assert!(found.notes.len() == 1 && found.notes[0].starts_with("The samples share column 1 with"), "{:?}", found.notes);
        assert_eq!((found.reference_rows, found.sample_rows), (150, 150));
        energies.push((found.energy.value, pairs::energy(x.points(), y.points()).expect("energy").value));
        assert!(found.energy.interval.expect("an interval")[1] > 0.0);
    }
    let (mean, error) = pushforward::metrics::interval::mean_and_error(energies.iter().map(|pair| pair.0));
    assert!(mean.abs() < 3.5 * error, "{mean} ± {error}");
    let (mean, error) = pushforward::metrics::interval::mean_and_error(energies.iter().map(|pair| pair.1));
    assert!(mean < -5.0 * error, "the pairs bias plain sums: {mean} ± {error}");
}

/// Two samples for each row of the reference, as `sample --given` with two rows a condition leaves them.
#[test]
fn several_samples_of_one_condition_are_one() {
    let (x, noise) = (normal(100, 2, 0.0, 1), normal(200, 1, 0.0, 2));
    let y = cloud((0..200).map(|i| vec![x.values[i / 2 * 2], noise.values[i]]).collect());
    let found = evaluate_points(x.points(), y.points(), None, &options(None)).expect("scores");
    assert_eq!((found.reference_rows, found.sample_rows), (50, 50), "{:?}", found.notes);
    // Categories that agree in their counts by chance are no conditions.
    let [a, b] = [3, 4].map(|seed| cloud((0..100).map(|i| vec![(i % 2) as f32, normal(100, 1, 0.0, seed).values[i]]).collect()));
    let found = evaluate_points(a.points(), b.points(), None, &options(None)).expect("scores");
    assert_eq!((found.reference_rows, found.notes.len()), (100, 0), "{:?}", found.notes);
}

#[test]
fn columns_of_any_order_of_magnitude_have_the_scores_of_their_units() {
    let (x, y) = (normal(120, 2, 0.0, 1), normal(120, 2, 0.8, 2));
    let plain = Options { classifier: false, pair_rows: None, w2_rows: 120, ..options(None) };
    let of = |unit: f32| {
        let [a, b] = [&x, &y].map(|set| set.values.iter().map(|v| v * unit).collect::<Vec<_>>());
        let points = |values| Points::new(values, 120, 2).expect("rows");
        evaluate_points(points(&a), points(&b), None, &plain).expect("scores")
    };
    let one = of(1.0);
    for unit in [1e-25f32, 1e25] {
        let (found, by) = (of(unit), f64::from(unit));
        for (found, one) in [(&found.energy, &one.energy), (&found.w2, &one.w2), (&found.sliced_w2, &one.sliced_w2)] {
            assert!((found.value / (one.value * by) - 1.0).abs() < 1e-3, "{unit}: {found:?} for {one:?}");
        }
        assert!((found.mmd2.value / one.mmd2.value - 1.0).abs() < 1e-3 && found.mmd2.p_value == Some(0.05), "{:?}", found.mmd2);
    }
}
