use super::{input, numbers, run};
use pushforward::reference::{Exact, reduce};

#[test]
fn sums_match_their_references_and_their_gradients_are_constant() {
    for (rows, cols) in [(1, 1), (4095, 1), (4096, 1), (4097, 1), (1, 300), (63, 2), (129, 65), (1000, 17)] {
        let x = numbers(rows * cols, 1);
        let what = format!("{rows}×{cols}");
        let found = run(|rec| {
            let v = input(rec, rows, cols, &x);
            let (all, square) = (rec.sum(v)?, rec.mean_square(v)?);
            let (by_row, by_col) = (rec.sum_rows(v)?, rec.sum_cols(v)?);
            let gradient = rec.backward(square, &[v])?[0];
            Ok(vec![all, square, by_row, by_col, gradient])
        });
        reduce::all(&x, 1.0, false).check(&what, &found[0]);
        reduce::all(&x, 1.0 / x.len() as f64, true).check(&what, &found[1]);
        reduce::rows(&x, cols).check(&what, &found[2]);
        reduce::columns(&x, cols).check(&what, &found[3]);
        let mut gradient = Exact::new(1);
        x.iter().for_each(|&v| gradient.push([2.0 * f64::from(v) / x.len() as f64]));
        gradient.check(&what, &found[4]);
    }
}

#[test]
fn gradients_of_sums_over_one_direction_spread_back() {
    let (x, w) = (numbers(21, 1), numbers(7, 2));
    let found = run(|rec| {
        let (v, w) = (input(rec, 7, 3, &x), input(rec, 7, 1, &w));
        let rows = rec.sum_cols(v)?;
        let weighted = rec.mul(rows, w)?;
        let loss = rec.sum(weighted)?;
        Ok(vec![rec.backward(loss, &[v])?[0]])
    });
    let expected: Vec<f32> = w.iter().flat_map(|&w| [w; 3]).collect();
    assert_eq!(found[0], expected);
}

#[test]
fn the_same_sum_twice_has_the_same_bits() {
    let x = numbers(100_000, 9);
    let once = || {
        run(|rec| {
            let v = input(rec, 100_000, 1, &x);
            Ok(vec![rec.sum(v)?])
        })
    };
    assert_eq!(once(), once());
}
