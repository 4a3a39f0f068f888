use super::{input, numbers, run, wide};
use pushforward::ops::likelihood::{Family, Spread};
use pushforward::reference::likelihood as twin;
use pushforward::reference::{check_gradient, differences};
use statrs::distribution::{Bernoulli, Continuous, Discrete, Normal, StudentsT};

/// Rows of data, columns, rows of the decoder for each.
const SIZES: [(usize, usize, usize); 6] = [(1, 1, 1), (63, 2, 1), (16, 3, 4), (65, 1, 3), (5, 17, 50), (3, 64, 2)];
const FLOOR: f32 = 0.1;
const FAMILIES: [(Family, twin::Family); 3] = [
    (Family::Gaussian, twin::Family::Gaussian),
    (Family::Student { degrees: 3.5 }, twin::Family::Student { degrees: 3.5 }),
    (Family::Bernoulli, twin::Family::Bernoulli),
];

fn data(n: usize, d: usize, family: Family) -> Vec<f32> {
    let x = numbers(n * d, 1);
    // Zeros, ones and shares of them.
    if family == Family::Bernoulli { x.iter().map(|v| (0.5 + v).clamp(0.0, 1.0).round().max(0.3 * v)).collect() } else { x }
}

#[test]
fn values_and_gradients_match_the_twin() {
    for (n, d, copies) in SIZES {
        for (family, exact) in FAMILIES {
            for own in [false, true] {
                if own && family == Family::Bernoulli {
                    continue;
                }
                let width = if own { 2 * d } else { d };
                let (x, theta) = (data(n, d, family), numbers(n * copies * width, 2));
                let (raw, u) = (numbers(d, 3), numbers(n * copies, 4));
                let found = run(|rec| {
                    let (x, theta) = (input(rec, n, d, &x), input(rec, n * copies, width, &theta));
                    let (raw, u) = (input(rec, 1, d, &raw), input(rec, n * copies, 1, &u));
                    let spread = match (family, own) {
                        (Family::Bernoulli, _) => Spread::None,
                        (_, true) => Spread::Own { floor: FLOOR },
                        (_, false) => Spread::Shared { raw, floor: FLOOR },
                    };
                    let l = rec.log_likelihood(family, x, theta, spread)?;
                    let gradients = rec.backward_from(&[(l, Some(u))], &[theta, raw])?;
                    Ok([vec![l], gradients].concat())
                });
                let what = format!("{n} × {d}, {copies} each, {family:?}, own scales: {own}");
                let (x, theta, u) = (wide(&x), wide(&theta), wide(&u));
                let raw = if own { Vec::new() } else { wide(&raw) };
                let floor = f64::from(FLOOR);
                twin::log_likelihood(exact, &x, &theta, &raw, floor, d, copies).check(&what, &found[0]);
                if theta.len() > 200 {
                    continue;
                }
                let weighed = |theta: &[f64], raw: &[f64]| -> f64 {
                    let l = twin::log_likelihood(exact, &x, theta, raw, floor, d, copies);
                    l.value.iter().zip(&u).map(|(l, u)| l * u).sum()
                };
                check_gradient(&what, &wide(&found[1]), &differences(&theta, |theta| weighed(theta, &raw)), 4e-6);
                if !raw.is_empty() {
                    check_gradient(&what, &wide(&found[2]), &differences(&raw, |raw| weighed(&theta, raw)), 4e-6);
                }
            }
        }
    }
}

#[test]
fn values_are_those_of_statrs() {
    // Without a floor the raw scale is the logarithm of the distribution's own.
    let (x, m, r) = (0.7f32, -0.4f32, 0.3f32);
    let (at, location, scale) = (f64::from(x), f64::from(m), f64::from(r).exp());
    let chance = 1.0 / (1.0 + (-location).exp());
    let expected = [
        (Family::Gaussian, x, Normal::new(location, scale).unwrap().ln_pdf(at)),
        (Family::Student { degrees: 4.0 }, x, StudentsT::new(location, scale, 4.0).unwrap().ln_pdf(at)),
        (Family::Student { degrees: 0.7 }, x, StudentsT::new(location, scale, f64::from(0.7f32)).unwrap().ln_pdf(at)),
        (Family::Bernoulli, 1.0, Bernoulli::new(chance).unwrap().ln_pmf(1)),
        (Family::Bernoulli, 0.0, Bernoulli::new(chance).unwrap().ln_pmf(0)),
    ];
    for (family, x, expected) in expected {
        let found = run(|rec| {
            let (x, m, raw) = (input(rec, 1, 1, &[x]), input(rec, 1, 1, &[m]), input(rec, 1, 1, &[r]));
            let spread = if family == Family::Bernoulli { Spread::None } else { Spread::Shared { raw, floor: 0.0 } };
            Ok(vec![rec.log_likelihood(family, x, m, spread)?])
        });
        assert!((f64::from(found[0][0]) - expected).abs() < 1e-6, "{family:?} at {x}: {} for {expected}", found[0][0]);
    }
}

#[test]
fn samples_are_noise_in_the_laws_place_and_scale() {
    let (n, d) = (65, 3);
    let (theta, noise) = (numbers(n * 2 * d, 1), numbers(n * d, 2));
    let found = run(|rec| {
        let (theta, noise) = (input(rec, n, 2 * d, &theta), input(rec, n, d, &noise));
        let rows = rec.likelihood_sample(Family::Gaussian, theta, Spread::Own { floor: FLOOR }, noise)?;
        let logits = rec.columns(theta, 0, d)?;
        let uniform = rec.sigmoid(noise)?;
        let ones = rec.likelihood_sample(Family::Bernoulli, logits, Spread::None, uniform)?;
        Ok(vec![rows, ones])
    });
    for i in 0..n {
        for j in 0..d {
            let (m, r, e) = (theta[i * 2 * d + j], theta[i * 2 * d + d + j], noise[i * d + j]);
            let exact = f64::from(m) + twin::variance(r.into(), FLOOR.into()).sqrt() * f64::from(e);
            let found = (found[0][i * d + j], found[1][i * d + j]);
            assert!((f64::from(found.0) - exact).abs() < 1e-5, "row {i}, column {j}: {} for {exact}", found.0);
            assert_eq!(found.1, f32::from(u8::from(e < m)), "row {i}, column {j}");
        }
    }
}

#[test]
fn far_rows_are_unlikely_and_never_nan() {
    for (family, _) in FAMILIES {
        let found = run(|rec| {
            let (x, theta) = (input(rec, 2, 1, &[1e25, -1e25]), input(rec, 2, 1, &[0.0, 0.0]));
            let raw = input(rec, 1, 1, &[-100.0]);
            let spread = if family == Family::Bernoulli { Spread::None } else { Spread::Shared { raw, floor: 0.0 } };
            Ok(vec![rec.log_likelihood(family, x, theta, spread)?])
        });
        assert!(found[0].iter().all(|l| !l.is_nan()), "{family:?}: {:?}", found[0]);
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    run(|rec| {
        let (x, theta) = (input(rec, 2, 2, &[0.0; 4]), input(rec, 3, 2, &[0.0; 6]));
        let raw = input(rec, 1, 2, &[0.0; 2]);
        let shared = Spread::Shared { raw, floor: 0.0 };
        assert!(rec.log_likelihood(Family::Gaussian, x, theta, shared).is_err());
        assert!(rec.log_likelihood(Family::Gaussian, x, x, Spread::None).is_err());
        assert!(rec.log_likelihood(Family::Gaussian, x, x, Spread::Own { floor: 0.0 }).is_err());
        assert!(rec.log_likelihood(Family::Student { degrees: 0.0 }, x, x, shared).is_err());
        assert!(rec.log_likelihood(Family::Bernoulli, x, x, shared).is_err());
        assert!(rec.likelihood_sample(Family::Gaussian, theta, shared, x).is_err());
        Ok(vec![x])
    });
}
