use super::{input, numbers, run, wide};
use pushforward::ops::posterior::Estimator;
use pushforward::reference::posterior::{doubly, sample};
use pushforward::reference::{check_gradient, differences};

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// ⟨u, samples⟩ + ⟨v, ratios⟩.
fn weighed(code: &[f64], noise: &[f64], q: usize, copies: usize, u: &[f64], v: &[f64]) -> f64 {
    let (samples, ratios) = sample(code, noise, q, copies);
    dot(u, &samples.value) + dot(v, &ratios.value)
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
