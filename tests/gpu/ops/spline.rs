use super::{input, numbers, run, wide};
use pushforward::ops::coupling::{Direction, KEPT};
use pushforward::ops::spline::Bins;
use pushforward::reference::spline::{apply, bend, weighed};
use pushforward::reference::{check_gradient, differences};

/// Rows, columns, how many of these are bent, and bins.
const SIZES: [(usize, usize, usize, usize); 6] =
    [(1, 1, 1, 2), (63, 2, 1, 8), (65, 3, 2, 5), (257, 5, 5, 3), (3, 17, 8, 32), (64, 2, 2, 10)];
const WAYS: [(Direction, bool); 2] = [(Direction::Forward, false), (Direction::Inverse, true)];

/// The last m columns, the first of them last.
fn roles(d: usize, m: usize) -> Vec<u32> {
    (0..d).map(|j| if j < d - m { KEPT } else { ((j - (d - m) + 1) % m) as u32 }).collect()
}

/// Rows, log-determinants, and the gradients of ⟨u, rows⟩ + ⟨v, log-determinants⟩ by x, raw and what the sums began at.
#[allow(clippy::too_many_arguments)]
fn on_device(
    direction: Direction,
    bins: Bins,
    roles: &[u32],
    x: &[f32],
    raw: &[f32],
    before: &[f32],
    u: &[f32],
    v: &[f32],
) -> Vec<Vec<f32>> {
    let (n, d) = (before.len(), roles.len());
    run(|rec| {
        let table = rec.gpu().upload_u32(1, d, roles)?;
        let table = rec.tensor(&table);
        let (x, raw) = (input(rec, n, d, x), input(rec, n, raw.len() / n, raw));
        let (before, u, v) = (input(rec, n, 1, before), input(rec, n, d, u), input(rec, n, 1, v));
        let (y, log_det) = rec.spline_coupling(direction, x, raw, table, before, bins)?;
        let gradients = rec.backward_from(&[(y, Some(u)), (log_det, Some(v))], &[x, raw, before])?;
        Ok([vec![y, log_det], gradients].concat())
    })
}

#[test]
fn rows_log_determinants_and_gradients_match_their_references() {
    for (n, d, m, count) in SIZES {
        for (direction, inverse) in WAYS {
            let bins = Bins { count, reach: 1.5 };
            let (roles, width) = (roles(d, m), m * bins.numbers());
            // Some rows lie outside.
            let x: Vec<f32> = numbers(n * d, 1).into_iter().map(|v| 1.6 * v).collect();
            let (raw, before) = (numbers(n * width, 2), numbers(n, 3));
            let (u, v) = (numbers(n * d, 4), numbers(n, 5));
            let found = on_device(direction, bins, &roles, &x, &raw, &before, &u, &v);
            let what = format!("{n} × {d}, {m} bent, {count} bins, {direction:?}");
            let (x, raw, u, v) = (wide(&x), wide(&raw), wide(&u), wide(&v));
            let (rows, sums) = apply(&x, &raw, &roles, &wide(&before), count, 1.5, inverse);
            rows.check(&what, &found[0]);
            sums.check(&what, &found[1]);
            assert_eq!(wide(&found[4]), v, "{what}: the running log-determinant's");
            // Differences of a few rows: every row is alone.
            for i in (0..n).step_by(n.div_ceil(4)) {
                let (row, part) = (&x[i * d..(i + 1) * d], &raw[i * width..(i + 1) * width]);
                let (u, v) = (&u[i * d..(i + 1) * d], &v[i..=i]);
                let by_x = differences(row, |x| weighed(x, part, &roles, count, 1.5, inverse, u, v));
                let by_raw = differences(part, |raw| weighed(row, raw, &roles, count, 1.5, inverse, u, v));
                check_gradient(&what, &wide(&found[2][i * d..(i + 1) * d]), &by_x, 2e-4);
                check_gradient(&what, &wide(&found[3][i * width..(i + 1) * width]), &by_raw, 2e-4);
            }
        }
    }
}

#[test]
fn numbers_that_say_nothing_are_the_identity() {
    let bins = Bins { count: 7, reach: 3.0 };
    let x = numbers(50, 1);
    for (direction, _) in WAYS {
        let ones = vec![1.0; 50];
        let found = on_device(direction, bins, &[0], &x, &vec![0.0; 50 * bins.numbers()], &[0.0; 50], &ones, &ones);
        for (a, b) in found[0].iter().zip(&x) {
            assert!((a - b).abs() < 2e-6, "{a} for {b}");
        }
        assert!(found[1].iter().all(|l| l.abs() < 2e-6), "{:?}", found[1]);
    }
}

#[test]
fn a_spline_undoes_itself() {
    for count in [2, 8, 32] {
        let bins = Bins { count, reach: 2.0 };
        let n = 1500;
        let (x, raw) = (numbers(n, 1), numbers(n * bins.numbers(), 2));
        let found = run(|rec| {
            let table = rec.gpu().upload_u32(1, 1, &[0])?;
            let table = rec.tensor(&table);
            let (given, raw, zero) = (input(rec, n, 1, &x), input(rec, n, bins.numbers(), &raw), rec.constant(0.0, n, 1)?);
            let (y, log_det) = rec.spline_coupling(Direction::Forward, given, raw, table, zero, bins)?;
            let (back, nothing) = rec.spline_coupling(Direction::Inverse, y, raw, table, log_det, bins)?;
            Ok(vec![back, nothing, log_det])
        });
        for i in 0..n {
            // What rounding does to y comes back divided by the slope.
            let flat = (-found[2][i]).exp();
            assert!(
                (found[0][i] - x[i]).abs() < 2e-6 * (1.0 + flat),
                "{count} bins: {} for {}, slope 1/{flat}",
                found[0][i],
                x[i]
            );
        }
        assert!(found[1].iter().all(|l| l.abs() < 2e-4), "what is added is taken off");
    }
}

#[test]
fn knots_ends_and_far_points_are_finite_and_monotone() {
    let bins = Bins { count: 4, reach: 1.0 };
    for size in [0.0, 3.0, 50.0, -50.0] {
        // Extreme numbers of alternating signs, and a grid through all knots and beyond both ends.
        let raw: Vec<f32> = (0..bins.numbers()).map(|i| if i % 2 == 0 { size } else { -size }).collect();
        let x: Vec<f32> = (0..401).map(|i| -1.5 + 3.0 * i as f32 / 400.0).chain([1.0, -1.0, 1e20, -1e20]).collect();
        let n = x.len();
        let (all, ones) = (raw.repeat(n), vec![1.0; n]);
        for (direction, inverse) in WAYS {
            let found = on_device(direction, bins, &[0], &x, &all, &vec![0.0; n], &ones, &ones);
            assert!(found.iter().flatten().all(|v| v.is_finite()), "{size}, {direction:?}");
            for i in 1..401 {
                assert!(found[0][i] >= found[0][i - 1] - 1e-5, "{size}: {} then {}", found[0][i - 1], found[0][i]);
            }
            for i in 0..n {
                if x[i].abs() >= 1.0 {
                    assert_eq!((found[0][i], found[1][i]), (x[i], 0.0), "the identity outside");
                }
            }
            let (moved, _) = bend(f64::from(x[150]), &wide(&raw), 1.0, inverse);
            assert!((f64::from(found[0][150]) - moved).abs() < 1e-3, "{size}: {} for {moved}", found[0][150]);
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    run(|rec| {
        let table = rec.gpu().upload_u32(1, 2, &[KEPT, 0])?;
        let table = rec.tensor(&table);
        let (x, zero, raw) = (input(rec, 2, 2, &[0.0; 4]), rec.constant(0.0, 2, 1)?, input(rec, 2, 5, &[0.0; 10]));
        for bins in [
            Bins { count: 1, reach: 1.0 },
            Bins { count: 33, reach: 1.0 },
            Bins { count: 2, reach: 0.0 },
            Bins { count: 3, reach: 1.0 },
        ] {
            assert!(rec.spline_coupling(Direction::Forward, x, raw, table, zero, bins).is_err(), "{bins:?}");
        }
        assert!(rec.spline_coupling(Direction::Forward, x, raw, table, zero, Bins { count: 2, reach: 1.0 }).is_ok());
        Ok(vec![x])
    });
}
