use super::{input, numbers, run};
use pushforward::reference::neighbors;

/// Sizes round the workgroup, the chunks of eight rows and of sixteen columns, and more columns than registers hold.
const SIZES: [(usize, usize); 6] = [(1, 1), (63, 8), (64, 300), (65, 9), (197, 2100), (5, 7)];

#[test]
fn nearest_rows_match_their_twin() {
    for (n, m) in SIZES {
        for (d, k) in [(1, 5), (2, 1), (3, 5), (16, 3), (17, 5), (64, 2)] {
            let (x, y) = (numbers(n * d, 1), numbers(m * d, 2));
            let found = run(|rec| {
                let (x, y) = (input(rec, n, d, &x), input(rec, m, d, &y));
                let (least, place) = rec.nearest(x, y, k, false)?;
                Ok(vec![least, place])
            });
            let (least, places) = neighbors::nearest(&x, &y, d, k, false);
            least.check(&format!("{n} of {m} rows, {d} columns, {k} neighbors"), &found[0]);
            assert!(found[1].iter().zip(&places).all(|(&at, &place)| at as usize == place), "{n} of {m} rows, {d} columns");
        }
    }
}

#[test]
fn a_row_is_not_its_own_neighbor() {
    for (n, d) in [(1, 2), (4, 1), (65, 3), (700, 17)] {
        let x = numbers(n * d, 1);
        let found = run(|rec| {
            let x = input(rec, n, d, &x);
            Ok(vec![rec.nearest(x, x, 5, true)?.0])
        });
        neighbors::nearest(&x, &x, d, 5, true).0.check(&format!("{n} rows, {d} columns"), &found[0]);
    }
}

#[test]
fn balls_are_counted_as_in_their_twin() {
    for (n, m) in SIZES {
        for d in [1, 2, 3, 17, 64] {
            let (x, y) = (numbers(n * d, 1), numbers(m * d, 2));
            // Radii of whole eighths of d, on which no distance of these numbers falls within rounding.
            let radius: Vec<f32> = (0..m).map(|j| d as f32 * (j % 9) as f32 / 8.0).collect();
            let found = run(|rec| {
                let (x, y, radius) = (input(rec, n, d, &x), input(rec, m, d, &y), input(rec, m, 1, &radius));
                Ok(vec![rec.balls(x, y, radius)?])
            });
            assert_eq!(found[0], neighbors::balls(&x, &y, d, &radius), "{n} rows, {m} balls, {d} columns");
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let refused = |n: usize, d: usize, m: usize, e: usize, k: usize, same: bool| {
        let mut rec = pushforward::gpu::Recorder::new(&super::GPU, 0);
        let (x, y) = (input(&mut rec, n, d, &vec![0.0; n * d]), input(&mut rec, m, e, &vec![0.0; m * e]));
        rec.nearest(x, y, k, same).is_err()
    };
    assert!(
        refused(3, 2, 3, 1, 1, false)
            && refused(3, 2, 4, 2, 1, true)
            && refused(3, 2, 3, 2, 0, false)
            && refused(3, 2, 3, 2, 65, false)
    );
    assert!(!refused(3, 2, 4, 2, 64, false));
}
