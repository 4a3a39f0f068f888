use super::{input, numbers, run};
use pushforward::ops::likelihood::{Family, Spread};
use pushforward::reference::likelihood as reference;
use statrs::distribution::{Bernoulli, Continuous, Discrete, Normal, StudentsT};

const FLOOR: f32 = 0.1;
const FAMILIES: [(Family, reference::Family); 3] = [
    (Family::Gaussian, reference::Family::Gaussian),
    (Family::Student { degrees: 3.5 }, reference::Family::Student { degrees: 3.5 }),
    (Family::Bernoulli, reference::Family::Bernoulli),
];

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
fn samples_are_noise_in_the_distributions_place_and_scale() {
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
            let exact = f64::from(m) + reference::variance(r.into(), FLOOR.into()).sqrt() * f64::from(e);
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
