use super::{input, numbers, run, wide};
use pushforward::ops::activation::Activation;
use pushforward::reference::jet::{activated, activated_backward, rates, rates_backward};
use pushforward::reference::{check_gradient, differences};

/// Rows, columns, given columns behind them, tangents.
const SIZES: [(usize, usize, usize, usize); 7] =
    [(1, 1, 0, 1), (63, 2, 0, 2), (65, 3, 2, 1), (64, 4, 1, 4), (257, 17, 0, 1), (5, 64, 3, 64), (33, 20, 4, 3)];

#[test]
fn activated_jets_and_their_gradients_match_their_references() {
    for activation in Activation::ALL {
        for (n, d, _, tangents) in SIZES {
            let (p, b, u) = (numbers((1 + tangents) * n * d, 1), numbers(d, 2), numbers((1 + tangents) * n * d, 3));
            let found = run(|rec| {
                let rows = (1 + tangents) * n;
                let (p, b, u) = (input(rec, rows, d, &p), input(rec, 1, d, &b), input(rec, rows, d, &u));
                let h = rec.jet_activation(p, b, tangents, activation)?;
                let gradients = rec.backward_from(&[(h, Some(u))], &[p, b])?;
                Ok([vec![h], gradients].concat())
            });
            let what = format!("{activation:?} of {n} × {d} and {tangents} tangents");
            let (p, b, u) = (wide(&p), wide(&b), wide(&u));
            activated(&p, &b, tangents, activation).check(&what, &found[0]);
            let (d_p, d_b) = activated_backward(&p, &b, tangents, activation, &u);
            check_gradient(&what, &wide(&found[1]), &d_p, 4e-6);
            check_gradient(&what, &wide(&found[2]), &d_b, 4e-6);
        }
    }
}

#[test]
fn rates_and_their_gradients_match_their_references() {
    for (n, d, given, tangents) in SIZES {
        let s = d + given;
        let (y, b) = (numbers((1 + tangents) * n * d, 1), numbers(d, 2));
        let (e, u) = (numbers(tangents * n * s, 3), numbers(n * (s + 3), 4));
        let found = run(|rec| {
            let (y, b) = (input(rec, (1 + tangents) * n, d, &y), input(rec, 1, d, &b));
            let (e, u) = (input(rec, tangents * n, s, &e), input(rec, n, s + 3, &u));
            let out = rec.jet_rates(y, b, e)?;
            let gradients = rec.backward_from(&[(out, Some(u))], &[y, b])?;
            Ok([vec![out], gradients].concat())
        });
        let what = format!("{n} × {d}, {given} given, {tangents} tangents");
        let (y, b, e, u) = (wide(&y), wide(&b), wide(&e), wide(&u));
        rates(&y, &b, &e, s).check(&what, &found[0]);
        let (d_y, d_b) = rates_backward(&y, &b, &e, s, &u);
        check_gradient(&what, &wide(&found[1]), &d_y, 2e-6);
        check_gradient(&what, &wide(&found[2]), &d_b, 2e-6);
    }
}

#[test]
fn a_jet_is_its_rows_above_its_directions_and_hands_its_gradient_to_the_rows() {
    for (n, s, behind, tangents) in SIZES {
        let wide = s + behind;
        let (x, e) = (numbers(n * wide, 1), numbers(tangents * n * s, 2));
        let (u, v) = (numbers((1 + tangents) * n * s, 3), numbers(n * wide, 4));
        let found = run(|rec| {
            let (x, e) = (input(rec, n, wide, &x), input(rec, tangents * n, s, &e));
            let (u, v) = (input(rec, (1 + tangents) * n, s, &u), input(rec, n, wide, &v));
            let jet = rec.jet(x, e)?;
            let alone = rec.backward_from(&[(jet, Some(u))], &[x])?[0];
            // A second use of x: what is there is added to.
            let twice = rec.scale(x, 1.0)?;
            let added = rec.backward_from(&[(jet, Some(u)), (twice, Some(v))], &[x])?[0];
            Ok(vec![jet, alone, added])
        });
        let own: Vec<f32> = x.chunks_exact(wide).flat_map(|row| row[..s].to_vec()).collect();
        assert_eq!(found[0], [own, e].concat());
        for (i, (&alone, &added)) in found[1].iter().zip(&found[2]).enumerate() {
            let expected = if i % wide < s { u[i / wide * s + i % wide] } else { 0.0 };
            assert_eq!((alone, added), (expected, expected + v[i]), "element {i} of {n} × {wide}");
        }
    }
}

#[test]
fn gradients_of_the_references_are_those_of_differences() {
    let (n, d, s, tangents) = (3, 2, 3, 2);
    let (y, b) = (wide(&numbers((1 + tangents) * n * d, 1)), wide(&numbers(d, 2)));
    let (e, u) = (wide(&numbers(tangents * n * s, 3)), wide(&numbers(n * (s + 3), 4)));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (d_y, d_b) = rates_backward(&y, &b, &e, s, &u);
    check_gradient("y", &d_y, &differences(&y, |y| dot(&rates(y, &b, &e, s).value, &u)), 1e-8);
    check_gradient("b", &d_b, &differences(&b, |b| dot(&rates(&y, b, &e, s).value, &u)), 1e-8);
    let u = wide(&numbers(y.len(), 5));
    for activation in [Activation::Silu, Activation::Gelu, Activation::Tanh, Activation::Softplus, Activation::Sigmoid] {
        let (d_p, d_b) = activated_backward(&y, &b, tangents, activation, &u);
        check_gradient("p", &d_p, &differences(&y, |p| dot(&activated(p, &b, tangents, activation).value, &u)), 1e-8);
        check_gradient("b", &d_b, &differences(&b, |b| dot(&activated(&y, b, tangents, activation).value, &u)), 1e-8);
    }
}

#[test]
fn a_bias_that_serves_twice_and_a_jet_that_is_used_twice_add_up() {
    let (p, b) = ([0.5f32, -0.3, 0.7, 0.2], [0.1f32, 0.4]);
    let found = run(|rec| {
        let (p, b) = (input(rec, 2, 2, &p), input(rec, 1, 2, &b));
        let one = rec.jet_activation(p, b, 1, Activation::Relu)?;
        let two = rec.jet_activation(p, b, 1, Activation::Relu)?;
        let sum = rec.add(one, two)?;
        let loss = rec.sum(sum)?;
        rec.backward(loss, &[p, b])
    });
    assert_eq!(found[0], [2.0; 4]);
    assert_eq!(found[1], [2.0; 2]);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    run(|rec| {
        let (x, e, b) = (input(rec, 2, 3, &[0.0; 6]), input(rec, 4, 2, &[0.0; 8]), input(rec, 1, 2, &[0.0; 2]));
        let (odd, wide) = (input(rec, 3, 2, &[0.0; 6]), input(rec, 2, 4, &[0.0; 8]));
        assert!(rec.jet(x, odd).is_err() && rec.jet(x, wide).is_err());
        assert!(rec.jet_activation(odd, b, 1, Activation::Silu).is_err());
        assert!(rec.jet_activation(odd, b, 0, Activation::Silu).is_err());
        assert!(rec.jet_activation(e, x, 1, Activation::Silu).is_err());
        assert!(rec.jet_rates(e, b, e).is_err() && rec.jet_rates(odd, x, e).is_err());
        Ok(vec![x])
    });
}
