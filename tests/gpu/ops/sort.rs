use super::{GPU, input, numbers, run, run_on};
use pushforward::gpu::Recorder;
use pushforward::reference::sort;

const ROWS: [usize; 15] = [1, 2, 3, 15, 16, 17, 63, 64, 65, 255, 257, 513, 1000, 4097, 9001];

/// Sorted values and their rows as bits: exact equality, NaN and −0 included.
fn check(what: &str, rows: usize, cols: usize, x: &[f32]) {
    let (values, index) = sort::columns(x, cols);
    let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    for family in GPU.families() {
        let found = run_on(&GPU.with_family(family), |rec| {
            let x = input(rec, rows, cols, x);
            let sorted = rec.sort_columns(x)?;
            Ok(vec![sorted.values, sorted.index])
        });
        assert_eq!(bits(&found[0]), bits(&values), "{what}: values of {rows} × {cols}, {family:?}");
        assert_eq!(bits(&found[1]), index, "{what}: rows of {rows} × {cols}, {family:?}");
    }
}

#[test]
fn columns_are_sorted_stably_at_every_size() {
    for rows in ROWS {
        for cols in [1, 2, 3, 17, 64] {
            check("numbers", rows, cols, &numbers(rows * cols, rows as u64));
        }
    }
}

#[test]
fn ties_signs_infinities_and_nans_keep_their_places() {
    let special = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN, 1e-45, -1e-45, f32::MAX, f32::MIN, 1.0];
    for rows in ROWS {
        let x: Vec<f32> = numbers(rows * 3, 9).iter().map(|v| special[(v.abs() * 1e4) as usize % special.len()]).collect();
        check("special values", rows, 3, &x);
        check("one value", rows, 2, &vec![2.5; 2 * rows]);
        let descending: Vec<f32> = (0..rows).map(|i| -(i as f32)).collect();
        check("descending", rows, 1, &descending);
        let organ_pipe: Vec<f32> = (0..rows).map(|i| i.min(rows - i) as f32).collect();
        check("up and down", rows, 1, &organ_pipe);
    }
}

#[test]
fn every_pattern_of_zeros_and_ones_is_sorted() {
    // The 0–1 principle (Knuth 5.3.4): a network that sorts all 0–1 sequences sorts everything. All 2^18 of them in columns.
    let (rows, cols) = (18, 1 << 12);
    for batch in 0..1 << 6 {
        let x: Vec<f32> = (0..rows * cols).map(|i| f32::from(((batch * cols + i % cols) >> (i / cols)) as u8 & 1)).collect();
        let found = run(|rec| {
            let x = input(rec, rows, cols, &x);
            Ok(vec![rec.sort_columns(x)?.values])
        });
        assert_eq!(found[0], sort::columns(&x, cols).0);
    }
}

#[test]
fn a_million_rows_are_sorted() {
    let rows = 1 << 20;
    check("many", rows + 1, 1, &numbers(rows + 1, 2));
}

#[test]
fn gradients_go_back_to_their_rows_and_tangents_follow() {
    for (rows, cols) in [(1, 1), (65, 3), (257, 17)] {
        let (x, w) = (numbers(rows * cols, 5), numbers(rows * cols, 6));
        let found = run(|rec| {
            let (x, w) = (input(rec, rows, cols, &x), input(rec, rows, cols, &w));
            let y = rec.sort_columns(x)?.values;
            let y_dot = rec.tangent(y, &[(x, w)])?.expect("the values depend on x");
            let d_x = rec.backward_from(&[(y, Some(w))], &[x])?[0];
            let squares = rec.square(x)?;
            let (sum, sorted_sum) = (rec.sum(squares)?, rec.sum(y)?);
            let total = rec.add(sum, sorted_sum)?;
            let accumulated = rec.backward(total, &[x])?[0];
            Ok(vec![y_dot, d_x, accumulated])
        });
        let (_, index) = sort::columns(&x, cols);
        for (i, &row) in index.iter().enumerate() {
            let at = row as usize * cols + i % cols;
            assert_eq!(found[0][i], w[at]);
            assert_eq!(found[1][at], w[i]);
            assert!((found[2][at] - (2.0 * x[at] + 1.0)).abs() < 1e-6);
        }
    }
}

#[test]
fn nothing_to_sort_is_refused() {
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.empty(0, 3).unwrap();
    assert!(rec.sort_columns(x).unwrap_err().to_string().contains("0 × 3 has nothing to sort"));
}
