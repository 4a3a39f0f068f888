use super::{input, numbers, run, wide};
use pushforward::ops::posterior::Estimator;
use pushforward::reference::posterior::{divergence, doubly, sample};
use pushforward::reference::{check_gradient, differences};

/// Rows, dimensions, samples a row.
const SIZES: [(usize, usize, usize); 6] = [(1, 1, 1), (63, 2, 1), (64, 3, 5), (65, 1, 3), (7, 17, 4), (3, 64, 2)];

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// ⟨u, samples⟩ + ⟨v, ratios⟩.
fn weighed(code: &[f64], noise: &[f64], q: usize, copies: usize, u: &[f64], v: &[f64]) -> f64 {
    let (samples, ratios) = sample(code, noise, q, copies);
    dot(u, &samples.value) + dot(v, &ratios.value)
}

#[test]
fn samples_ratios_and_gradients_match_their_twins() {
    for (n, q, copies) in SIZES {
        let (code, noise) = (numbers(2 * n * q, 1), numbers(n * copies * q, 2));
        let (u, v, w) = (numbers(n * copies * q, 3), numbers(n * copies, 4), numbers(n * copies, 5));
        let found = run(|rec| {
            let (code, noise) = (input(rec, n, 2 * q, &code), input(rec, n * copies, q, &noise));
            let (u, v) = (input(rec, n * copies, q, &u), input(rec, n * copies, 1, &v));
            let (z, ratio) = rec.posterior_sample(code, noise, Estimator::Plain)?;
            let plain = rec.backward_from(&[(z, Some(u)), (ratio, Some(v))], &[code])?[0];
            let weights = input(rec, n * copies, 1, &w);
            let (again, also) = rec.posterior_sample(code, noise, Estimator::Doubly { weights })?;
            let by_samples = rec.backward_from(&[(again, Some(u)), (also, Some(v))], &[code])?[0];
            Ok(vec![z, ratio, plain, by_samples, again, also])
        });
        let what = format!("{n} × {q}, {copies} each");
        let (code, noise, u, v, w) = (wide(&code), wide(&noise), wide(&u), wide(&v), wide(&w));
        let (samples, ratios) = sample(&code, &noise, q, copies);
        samples.check(&what, &found[0]);
        ratios.check(&what, &found[1]);
        assert_eq!((&found[0], &found[1]), (&found[4], &found[5]), "{what}: estimators differ by gradients alone");
        if n * q < 30 {
            let exact = differences(&code, |code| weighed(code, &noise, q, copies, &u, &v));
            check_gradient(&what, &wide(&found[2]), &exact, 2e-6);
        }
        check_gradient(&what, &wide(&found[3]), &doubly(&code, &noise, q, copies, &w, &u, &v), 2e-6);
    }
}

#[test]
fn the_gradient_by_samples_alone_is_the_whole_less_the_score() {
    // With all weights 1: what is left out is v·∂ ln q/∂(m, s) at z held fixed, whose mean over z is zero.
    let (q, copies) = (2, 3);
    let (code, noise) = (wide(&numbers(2 * q, 1)), wide(&numbers(copies * q, 2)));
    let (u, v) = (wide(&numbers(copies * q, 3)), wide(&numbers(copies, 4)));
    let z = sample(&code, &noise, q, copies).0.value;
    let of_density = differences(&code, |code| {
        let ln_q = |r: usize, j: usize| -0.5 * ((z[r * q + j] - code[j]) / code[q + j].exp()).powi(2) - code[q + j];
        (0..copies).map(|r| -v[r] * (0..q).map(|j| ln_q(r, j)).sum::<f64>()).sum()
    });
    let whole = differences(&code, |code| weighed(code, &noise, q, copies, &u, &v));
    let left: Vec<f64> = whole.iter().zip(&of_density).map(|(a, b)| a - b).collect();
    check_gradient("by samples", &doubly(&code, &noise, q, copies, &[1.0; 3], &u, &v), &left, 1e-7);
}

#[test]
fn divergences_and_gradients_match_the_twin() {
    for (n, q, _) in SIZES {
        let (code, u) = (numbers(2 * n * q, 1), numbers(n * q, 2));
        let found = run(|rec| {
            let (code, u) = (input(rec, n, 2 * q, &code), input(rec, n, q, &u));
            let k = rec.posterior_divergence(code)?;
            let d_code = rec.backward_from(&[(k, Some(u))], &[code])?[0];
            Ok(vec![k, d_code])
        });
        let what = format!("{n} × {q}");
        let (code, u) = (wide(&code), wide(&u));
        divergence(&code, q).check(&what, &found[0]);
        if n * q < 30 {
            check_gradient(&what, &wide(&found[1]), &differences(&code, |code| dot(&u, &divergence(code, q).value)), 2e-6);
        }
    }
}

#[test]
fn gradients_of_sample_and_divergence_add_up() {
    let found = run(|rec| {
        let (code, noise) = (input(rec, 1, 2, &[2.0, 0.0]), input(rec, 1, 1, &[0.5]));
        let (z, _) = rec.posterior_sample(code, noise, Estimator::Plain)?;
        let k = rec.posterior_divergence(code)?;
        let both = rec.add(z, k)?;
        let loss = rec.sum(both)?;
        rec.backward(loss, &[code])
    });
    // z = m + e^s/2 and k = ½(m² + e^{2s} − 1) − s.
    assert_eq!(found[0], [3.0, 0.5]);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    run(|rec| {
        let (code, odd) = (input(rec, 2, 4, &[0.0; 8]), input(rec, 2, 3, &[0.0; 6]));
        let wrong = input(rec, 3, 2, &[0.0; 6]);
        assert!(rec.posterior_sample(code, wrong, Estimator::Plain).is_err());
        assert!(rec.posterior_sample(code, odd, Estimator::Plain).is_err());
        assert!(rec.posterior_sample(code, code, Estimator::Plain).is_err());
        assert!(rec.posterior_divergence(odd).is_err());
        Ok(vec![code])
    });
}
