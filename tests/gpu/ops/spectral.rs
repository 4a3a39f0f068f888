use super::{input, numbers, run, wide};
use pushforward::reference::{check_gradient, differences, spectral};

#[test]
fn a_round_of_power_iteration_and_its_gradient_match_their_reference() {
    for (k, m) in [(1, 1), (2, 3), (63, 5), (64, 64), (65, 2), (3, 65), (197, 17), (128, 1), (1500, 1501)] {
        let (w, u, weights) = (numbers(k * m, 1), numbers(m, 2), numbers(k * m, 3));
        let found = run(|rec| {
            let (w, u) = (input(rec, k, m, &w), input(rec, 1, m, &u));
            let weights = input(rec, k, m, &weights);
            let found = rec.spectral_normalize(w, u)?;
            let product = rec.mul(found.weight, weights)?;
            let loss = rec.sum(product)?;
            let gradient = rec.backward(loss, &[w])?[0];
            Ok(vec![found.weight, found.u, found.sigma, gradient])
        });
        let what = format!("{k} × {m}");
        let reference = spectral::spectral(&wide(&w), &wide(&u));
        reference.weight.check(&format!("{what}: weight"), &found[0]);
        reference.u.check(&format!("{what}: u"), &found[1]);
        reference.sigma.check(&format!("{what}: σ"), &found[2]);
        spectral::gradient(&reference, &wide(&weights)).check(&format!("{what}: gradient"), &found[3]);
    }
}

#[test]
fn the_references_gradient_is_the_derivative_at_fixed_singular_vectors() {
    let (k, m) = (5, 3);
    let (w, u, weights) = (wide(&numbers(k * m, 1)), wide(&numbers(m, 2)), wide(&numbers(k * m, 3)));
    let of = spectral::spectral(&w, &u);
    let loss = |w: &[f64]| {
        let sigma: f64 = (0..k * m).map(|i| of.v[i / m] * w[i] * of.u.value[i % m]).sum();
        w.iter().zip(&weights).map(|(w, d)| d * w / sigma).sum::<f64>()
    };
    check_gradient("spectral", &spectral::gradient(&of, &weights).value, &differences(&w, loss), 1e-8);
}

#[test]
fn rounds_converge_to_the_largest_singular_value() {
    // W = 2·a bᵀ + 1·c dᵀ with orthonormal a, c and b, d: σ = 2, and each round closes a factor of 4.
    let (a, b) = ([0.6, 0.8], [0.8, 0.6]);
    let (c, d) = ([-0.8, 0.6], [-0.6, 0.8]);
    let w: Vec<f32> = (0..4).map(|i| 2.0 * a[i / 2] * b[i % 2] + c[i / 2] * d[i % 2]).collect();
    let found = run(|rec| {
        let w = input(rec, 2, 2, &w);
        let mut u = input(rec, 1, 2, &[1.0, 0.0]);
        let mut sigma = u;
        for _ in 0..12 {
            let round = rec.spectral_normalize(w, u)?;
            (u, sigma) = (round.u, round.sigma);
        }
        Ok(vec![sigma, u])
    });
    assert!((found[0][0] - 2.0).abs() < 1e-6, "{:?}", found[0]);
    assert!((found[1][0] - 0.8).abs() < 1e-5 && (found[1][1] - 0.6).abs() < 1e-5, "{:?}", found[1]);
}
