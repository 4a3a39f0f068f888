use super::{input, numbers, run, wide};
use pushforward::ops::coupling::{Bounds, Direction, KEPT};
use pushforward::reference::coupling::{apply, backward, weighed};
use pushforward::reference::{check_gradient, differences};

/// Rows, columns, and how many of these are transformed.
const SIZES: [(usize, usize, usize); 7] =
    [(1, 1, 1), (63, 2, 1), (65, 3, 2), (64, 5, 5), (257, 17, 8), (3, 64, 32), (1, 130, 65)];

/// Every second column from the last on, in an order that is not theirs.
fn roles(d: usize, m: usize) -> Vec<u32> {
    let mut roles = vec![KEPT; d];
    let places: Vec<usize> = (0..d).rev().step_by(2).chain((0..d - 1).rev().step_by(2)).take(m).collect();
    for (k, place) in places.into_iter().enumerate() {
        roles[place] = ((k + m / 2) % m) as u32;
    }
    roles
}

#[test]
fn rows_log_determinants_and_gradients_match_their_references() {
    for (n, d, m) in SIZES {
        for (direction, inverse) in [(Direction::Forward, false), (Direction::Inverse, true)] {
            for bounds in [Bounds::both(0.7), Bounds { up: 3.0, down: 0.5 }] {
                let (x, raw, before) = (numbers(n * d, 1), numbers(n * 2 * m, 2), numbers(n, 3));
                let (u, v, roles) = (numbers(n * d, 4), numbers(n, 5), roles(d, m));
                let found = run(|rec| {
                    let table = rec.gpu().upload_u32(1, d, &roles)?;
                    let table = rec.tensor(&table);
                    let (x, raw) = (input(rec, n, d, &x), input(rec, n, 2 * m, &raw));
                    let (before, u, v) = (input(rec, n, 1, &before), input(rec, n, d, &u), input(rec, n, 1, &v));
                    let (y, log_det) = rec.affine_coupling(direction, x, raw, table, before, bounds)?;
                    let gradients = rec.backward_from(&[(y, Some(u)), (log_det, Some(v))], &[x, raw, before])?;
                    Ok([vec![y, log_det], gradients].concat())
                });
                let what = format!("{n} × {d}, {m} moved, {bounds:?}, {direction:?}");
                let (x, raw, bounds) = (wide(&x), wide(&raw), [bounds.up, bounds.down].map(f64::from));
                let (rows, sums) = apply(&x, &raw, &roles, &wide(&before), bounds, inverse);
                rows.check(&what, &found[0]);
                sums.check(&what, &found[1]);
                let (u, v) = (wide(&u), wide(&v));
                let (d_x, d_raw) = backward(&x, &raw, &roles, bounds, inverse, &u, &v);
                check_gradient(&what, &wide(&found[2]), &d_x, 2e-6);
                check_gradient(&what, &wide(&found[3]), &d_raw, 2e-6);
                assert_eq!(wide(&found[4]), v, "{what}: the running log-determinant's");
            }
        }
    }
}

#[test]
fn gradients_of_the_reference_are_those_of_differences() {
    let (n, d, m) = (3, 5, 3);
    let (x, raw, roles) = (wide(&numbers(n * d, 1)), wide(&numbers(n * 2 * m, 2)), roles(d, m));
    let (u, v) = (wide(&numbers(n * d, 3)), wide(&numbers(n, 4)));
    for inverse in [false, true] {
        let (d_x, d_raw) = backward(&x, &raw, &roles, [1.3, 0.6], inverse, &u, &v);
        check_gradient("x", &d_x, &differences(&x, |x| weighed(x, &raw, &roles, [1.3, 0.6], inverse, &u, &v)), 1e-8);
        check_gradient("raw", &d_raw, &differences(&raw, |raw| weighed(&x, raw, &roles, [1.3, 0.6], inverse, &u, &v)), 1e-8);
    }
}

#[test]
fn a_layer_undoes_itself_and_its_log_determinant() {
    let (n, d, m) = (100, 9, 4);
    let (x, raw, roles) = (numbers(n * d, 1), numbers(n * 2 * m, 2), roles(d, m));
    let found = run(|rec| {
        let table = rec.gpu().upload_u32(1, d, &roles)?;
        let table = rec.tensor(&table);
        let (given, raw, zero) = (input(rec, n, d, &x), input(rec, n, 2 * m, &raw), rec.constant(0.0, n, 1)?);
        let (y, log_det) = rec.affine_coupling(Direction::Forward, given, raw, table, zero, Bounds { up: 2.0, down: 0.8 })?;
        let (back, nothing) = rec.affine_coupling(Direction::Inverse, y, raw, table, log_det, Bounds { up: 2.0, down: 0.8 })?;
        Ok(vec![back, nothing])
    });
    for (a, b) in found[0].iter().zip(&x) {
        assert!((a - b).abs() <= 4e-6 * (1.0 + b.abs()), "{a} for {b}");
    }
    assert!(found[1].iter().all(|l| l.abs() < 2e-6), "what is added is taken off");
}

#[test]
fn huge_numbers_are_bounded_and_a_gradient_that_accumulates_adds() {
    let found = run(|rec| {
        let table = rec.gpu().upload_u32(1, 2, &[KEPT, 0])?;
        let table = rec.tensor(&table);
        let (x, raw, zero) = (input(rec, 1, 2, &[1.0, 1.0]), input(rec, 1, 2, &[1e30, 0.5]), rec.constant(0.0, 1, 1)?);
        let (y, log_det) = rec.affine_coupling(Direction::Forward, x, raw, table, zero, Bounds { up: 2.0, down: 0.8 })?;
        // x is used twice, and so is raw: both are added to.
        let sum = rec.concat(&[x, y, raw])?;
        let loss = rec.sum(sum)?;
        let gradients = rec.backward(loss, &[x, raw])?;
        Ok([vec![y, log_det], gradients].concat())
    });
    let e = 2f32.exp();
    assert!((found[0][1] - (e + 0.5)).abs() < 1e-5 && found[0][0] == 1.0, "{:?}", found[0]);
    assert_eq!(found[1], [2.0]);
    assert!((found[2][1] - (1.0 + e)).abs() < 1e-5 && found[2][0] == 2.0, "{:?}", found[2]);
    assert_eq!(found[3], [1.0, 2.0]);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    run(|rec| {
        let table = rec.gpu().upload_u32(1, 2, &[KEPT, 0])?;
        let table = rec.tensor(&table);
        let (x, zero) = (input(rec, 2, 2, &[0.0; 4]), rec.constant(0.0, 2, 1)?);
        let (raw, odd) = (input(rec, 2, 2, &[0.0; 4]), input(rec, 2, 3, &[0.0; 6]));
        assert!(rec.affine_coupling(Direction::Forward, x, odd, table, zero, Bounds::both(1.0)).is_err());
        assert!(rec.affine_coupling(Direction::Forward, x, raw, zero, table, Bounds::both(0.0)).is_err());
        assert!(rec.affine_coupling(Direction::Forward, x, raw, table, odd, Bounds::both(1.0)).is_err());
        Ok(vec![x])
    });
}
