use super::{input, numbers, run, wide};
use pushforward::reference::log_mean_exp::{log_mean_exp, shares};
use pushforward::reference::{check_gradient, differences};

#[test]
fn shares_are_the_references_slopes() {
    let x = wide(&numbers(7, 3));
    check_gradient("shares", &shares(&x, 7), &differences(&x, |x| log_mean_exp(x, 7).value[0]), 1e-8);
}

#[test]
fn huge_numbers_do_not_overflow_and_a_gradient_adds() {
    let found = run(|rec| {
        let x = input(rec, 3, 2, &[1e4, 1e4, -1e30, 0.0, -3e37, -3e37]);
        let y = rec.log_mean_exp(x)?;
        let all = rec.sum(x)?;
        let some = rec.sum(y)?;
        let loss = rec.add(all, some)?;
        let d_x = rec.backward(loss, &[x])?[0];
        Ok(vec![y, d_x])
    });
    assert_eq!(found[0], [1e4, -2f32.ln(), -3e37]);
    assert_eq!(found[1], [1.5, 1.5, 1.0, 2.0, 1.5, 1.5]);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    run(|rec| {
        let x = input(rec, 2, 3, &[0.0; 6]);
        assert!(rec.shares_into(x, x, x).is_err());
        Ok(vec![x])
    });
}
