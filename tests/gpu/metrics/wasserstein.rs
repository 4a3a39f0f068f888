use pathfinding::prelude::{Matrix, kuhn_munkres_min};
use pushforward::metrics::{Backend, Points, assignment, sliced, wasserstein};
use rand::{RngExt, SeedableRng};

use super::{moved, near, normal};

#[test]
fn assignment_costs_what_another_solver_finds() {
    for (n, seed, range) in [(1, 0, 10), (2, 1, 10), (7, 2, 5), (40, 3, 1000), (60, 4, 3), (60, 5, 100_000)] {
        let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed);
        let cost: Vec<i64> = (0..n * n).map(|_| random.random_range(-range..range)).collect();
        let (expected, _) = kuhn_munkres_min(&Matrix::from_vec(n, n, cost.clone()).expect("square"));
        let cost: Vec<f64> = cost.iter().map(|&c| c as f64).collect();
        // From the best potentials, and from guesses that say nothing or are wrong.
        let known = assignment::solve(&cost, n).column_potential;
        let wrong: Vec<f64> = (0..n).map(|_| random.random_range(-range..range) as f64).collect();
        let guessed = [known, vec![0.0; n], wrong].map(|guess| assignment::solve_from(&cost, n, guess));
        for found in guessed.into_iter().chain([assignment::solve(&cost, n)]) {
            let total: f64 = found.column_of_row.iter().enumerate().map(|(i, &j)| cost[i * n + j]).sum();
            assert_eq!(total, expected as f64, "n = {n}");
            let mut columns = found.column_of_row.clone();
            columns.sort_unstable();
            assert!(columns.into_iter().eq(0..n), "every column is used once");
            for i in 0..n {
                for j in 0..n {
                    let slack = cost[i * n + j] - found.row_potential[i] - found.column_potential[j];
                    assert!(
                        slack >= -1e-9 && (found.column_of_row[i] != j || slack <= 1e-9),
                        "potentials are feasible, and tight where matched"
                    );
                }
            }
        }
    }
}

#[test]
fn w2_of_a_translate_is_its_length() {
    let x = normal(200, 3, 0.0, 1);
    let y = moved(&x, 0.75);
    near(wasserstein::exact(x.points(), y.points(), 2000, 0).expect("w2").value, 0.75, 1e-5);
    near(wasserstein::exact(x.points(), x.points(), 2000, 0).expect("w2").value, 0.0, 0.0);
}

#[test]
fn w2_on_a_line_is_the_distance_of_the_sorted_samples() {
    let (x, y) = (normal(151, 1, 0.0, 1), normal(151, 1, 0.5, 2));
    let sorted = |values: &[f32]| {
        let mut values = values.to_vec();
        values.sort_unstable_by(f32::total_cmp);
        values
    };
    let squared: f64 = sorted(&x.values).iter().zip(sorted(&y.values)).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let expected = (squared / 151.0).sqrt();
    near(wasserstein::exact(x.points(), y.points(), 2000, 0).expect("w2").value, expected, 1e-6);
    near(sliced::wasserstein(&Backend::Host, x.points(), y.points(), 64, 0).expect("sliced").value, expected, 1e-6);
}

/// Gaussians 3 apart in one dimension: W₂ = 3, and the potential is linear, so Var W₂² → 4·9·(1/n + 1/m).
#[test]
fn w2_standard_error_is_that_of_the_limit_theorem() {
    let repeats: Vec<_> = (0..40)
        .map(|seed| {
            let (x, y) = (normal(120, 1, 0.0, 2 * seed), normal(120, 1, 3.0, 2 * seed + 1));
            let exact = wasserstein::exact(x.points(), y.points(), 2000, 0).expect("w2");
            (exact, sliced::wasserstein(&Backend::Host, x.points(), y.points(), 1, 0).expect("sliced"))
        })
        .collect();
    let theory = (2.0f64 / 120.0).sqrt();
    for (exact, line) in &repeats {
        near(exact.standard_error.expect("error"), theory, 0.2 * theory);
        near(line.standard_error.expect("error"), theory, 0.2 * theory);
    }
    let covered = repeats.iter().filter(|(s, _)| s.interval.is_some_and(|[low, high]| low <= 3.0 && 3.0 <= high)).count();
    assert!(covered >= 34, "95 % of 40 intervals, less 2.9 standard deviations: {covered}");
}

#[test]
fn sliced_w2_of_a_translate_is_its_length_over_the_root_of_the_dimension() {
    let x = normal(150, 4, 0.0, 3);
    let y = moved(&x, 2.0);
    let score = sliced::wasserstein(&Backend::Host, x.points(), y.points(), 1000, 7).expect("sliced");
    // E⟨θ, δ⟩² = |δ|²/d with a standard deviation as large: over 1,000 directions its root is known to 1.6 %.
    near(score.value, 1.0, 0.06);
    let interval = score.interval.expect("interval");
    assert!(interval[0] <= 1.0 && 1.0 <= interval[1], "{interval:?}");
}

#[test]
fn unequal_sizes_take_as_many_rows_as_the_smaller_set_and_say_so() {
    let (x, y) = (normal(300, 2, 0.0, 1), normal(200, 2, 0.0, 2));
    assert_eq!(wasserstein::exact(x.points(), y.points(), 2000, 0).expect("w2").rows_used, Some(200));
    assert_eq!(wasserstein::exact(x.points(), y.points(), 50, 0).expect("w2").rows_used, Some(50));
    assert_eq!(sliced::wasserstein(&Backend::Host, x.points(), y.points(), 8, 0).expect("sliced").rows_used, Some(200));
    let other = Points::new(&[0.0; 6], 2, 3).expect("points");
    let error = wasserstein::exact(x.points(), other, 2000, 0).expect_err("columns differ");
    assert!(error.to_string().contains("2 columns"), "{error}");
}
