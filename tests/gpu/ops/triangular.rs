use super::{input, numbers, run};
use pushforward::ops::triangular::Side;
use pushforward::reference::triangular::solve;

#[test]
fn rows_are_solved_as_by_the_reference_and_multiply_back() {
    for (n, d) in [(1, 1), (65, 2), (3, 7), (130, 33), (64, 64)] {
        for (side, lower) in [(Side::UnitLower, true), (Side::Upper, false)] {
            let b = numbers(n * d, 1);
            // Poison on the side that is not read.
            let t: Vec<f32> = numbers(d * d, 2)
                .into_iter()
                .enumerate()
                .map(|(i, v)| {
                    let (row, col) = (i / d, i % d);
                    let outside = if lower { row <= col } else { row > col };
                    if outside {
                        f32::NAN
                    } else if row == col {
                        1.0 + v.abs()
                    } else {
                        0.3 * v
                    }
                })
                .collect();
            let found = run(|rec| {
                let (b, t) = (input(rec, n, d, &b), input(rec, d, d, &t));
                Ok(vec![rec.solve_triangular(side, b, t)?])
            });
            let wide = |x: &[f32]| x.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            solve(&wide(&b), &wide(&t), d, lower).check(&format!("{n} × {d}, {side:?}"), &found[0]);
            for i in 0..n {
                for j in 0..d {
                    let product: f64 = (0..d)
                        .filter(|&k| if lower { k > j } else { k <= j })
                        .map(|k| f64::from(found[0][i * d + k]) * f64::from(t[k * d + j]))
                        .sum();
                    let product = if lower { product + f64::from(found[0][i * d + j]) } else { product };
                    assert!((product - f64::from(b[i * d + j])).abs() < 2e-5, "row {i}, column {j} of {n} × {d}, {side:?}");
                }
            }
        }
    }
}

#[test]
fn a_matrix_of_another_size_is_refused() {
    run(|rec| {
        let (b, t) = (input(rec, 2, 3, &[0.0; 6]), input(rec, 2, 2, &[1.0; 4]));
        assert!(rec.solve_triangular(Side::Upper, b, t).is_err());
        Ok(vec![b])
    });
}
