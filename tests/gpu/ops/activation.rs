use super::{input, numbers, run};
use pushforward::ops::activation::Activation;
use pushforward::reference::{Exact, activation, check_gradient, differences};

/// Ordinary arguments, tiny ones, and ones far beyond the exponential's range.
fn arguments() -> Vec<f32> {
    let mut x: Vec<f32> = numbers(300, 1).into_iter().map(|x| 4.0 * x).collect();
    for e in [1e-6, 1e-3, 9e-3, 0.1, 0.249, 0.251, 0.499, 0.501, 5.0, 20.0, 60.0, 100.0, 1e4] {
        x.extend([e, -e]);
    }
    x
}

#[test]
fn values_and_gradients_match_their_references() {
    // 326 elements, which go one at a time, and 324 of them, which go in fours.
    for (x, act) in [326, 324].into_iter().flat_map(|count| Activation::ALL.map(|act| (arguments()[..count].to_vec(), act))) {
        let w = numbers(x.len(), 2);
        let found = run(|rec| {
            let (v, w) = (input(rec, x.len(), 1, &x), input(rec, x.len(), 1, &w));
            let y = rec.activation(v, act)?;
            let weighted = rec.mul(y, w)?;
            let loss = rec.sum(weighted)?;
            Ok(vec![y, rec.backward(loss, &[v])?[0]])
        });
        let (mut value, mut gradient) = (Exact::new(1), Exact::new(1));
        for (&x, &w) in x.iter().zip(&w) {
            let (x, w) = (f64::from(x), f64::from(w));
            let y = activation::value(act, x);
            // Exponents are clamped at −87, where what is left is below 1e-33 in absolute terms.
            value.push_scaled(y, y.abs() + y.abs() * x.abs().min(40.0) + 1e-25);
            // A slope is a difference of terms of unit size.
            gradient.push_scaled(w * activation::slope(act, x), w.abs() * (1.0 + x.abs().min(20.0)));
        }
        value.check(act.name(), &found[0]);
        gradient.check(act.name(), &found[1]);
    }
}

#[test]
fn the_references_derivatives_are_derivatives() {
    let x: Vec<f64> = numbers(40, 3).into_iter().map(|x| 3.0 * f64::from(x)).collect();
    for act in Activation::ALL {
        let slopes: Vec<f64> = x.iter().map(|&x| activation::slope(act, x)).collect();
        let expected = differences(&x, |x| x.iter().map(|&x| activation::value(act, x)).sum());
        check_gradient(act.name(), &slopes, &expected, 1e-7);
        let curvatures: Vec<f64> = x.iter().map(|&x| activation::curvature(act, x)).collect();
        let expected = differences(&x, |x| x.iter().map(|&x| activation::slope(act, x)).sum());
        check_gradient(act.name(), &curvatures, &expected, 1e-7);
    }
}

#[test]
fn second_order_is_a_reverse_pass_through_a_tangent() {
    for (n, act) in [65, 64].into_iter().flat_map(|n| Activation::ALL.map(|act| (n, act))) {
        let (x, v, w) = (numbers(n, 1), numbers(n, 2), numbers(n, 3));
        let found = run(|rec| {
            let (a, b, c) = (input(rec, n, 1, &x), input(rec, n, 1, &v), input(rec, n, 1, &w));
            let y = rec.activation(a, act)?;
            let y_dot = rec.tangent(y, &[(a, b)])?.expect("y depends on x");
            let weighted = rec.mul(y_dot, c)?;
            let loss = rec.sum(weighted)?;
            Ok(vec![y_dot, rec.backward(loss, &[a])?[0]])
        });
        let (mut tangent, mut gradient) = (Exact::new(1), Exact::new(1));
        for ((&x, &v), &w) in x.iter().zip(&v).zip(&w) {
            let (x, v, w) = (f64::from(x), f64::from(v), f64::from(w));
            tangent.push_scaled(v * activation::slope(act, x), v.abs() * 2.0);
            gradient.push_scaled(w * v * activation::curvature(act, x), (w * v).abs() * 2.0);
        }
        tangent.check(act.name(), &found[0]);
        gradient.check(act.name(), &found[1]);
    }
}
