use super::{GPU, input, numbers, run};
use pushforward::data::toy::Toy;
use pushforward::data::{Formulas, Standardization, Table, Target};
use pushforward::gpu::Recorder;
use pushforward::ops::pairwise::Estimator;
use pushforward::ops::stein::SteinKernel;
use pushforward::reference::check_gradient;

#[test]
fn recorded_scores_of_toy_targets_are_those_of_their_distributions_in_any_units() {
    let units = Standardization { mean: vec![0.4, -1.1], scale: vec![1.7, 0.6] };
    let z = numbers(2 * 70, 4);
    for toy in Toy::ALL {
        let Some(target) = Target::of(&format!("toy:{toy}").parse().unwrap(), &units) else { continue };
        let found = run(|rec| {
            let z = input(rec, 70, 2, &z);
            Ok(vec![target.record(rec, z)?])
        });
        for (row, found) in z.chunks_exact(2).zip(found[0].chunks_exact(2)) {
            let x = [0.4 + 1.7 * f64::from(row[0]), -1.1 + 0.6 * f64::from(row[1])];
            let expected = toy.score(x).unwrap();
            for ((&found, expected), scale) in found.iter().zip(expected).zip(&units.scale) {
                // Of modes of standard deviation 0.05, the score is 400 times the distance to one.
                let size = 1.0 + expected.abs() + if toy == Toy::TwentyFiveGaussians { 2e3 } else { 10.0 };
                assert!((f64::from(found) - scale * expected).abs() < 2e-6 * size, "{toy}: {found} and {}", scale * expected);
            }
        }
    }
}

#[test]
fn a_score_in_words_has_the_discrepancy_of_the_same_distribution() {
    // The standard normal distribution as a mixture and in words, in units that standardizing makes.
    let (n, units) = (300, Standardization { mean: vec![0.5, -2.0], scale: vec![2.0, 0.25] });
    let z = numbers(2 * n, 3);
    let x = units.undo(&z).unwrap();
    let toy = Target::of(&"toy:gaussian".parse().unwrap(), &units).unwrap();
    let given = Target::given(&["-x1", "-x2"], &Table::new(["x", "y"], x).unwrap(), &units).unwrap();
    let found: Vec<Vec<Vec<f32>>> = [toy, given]
        .iter()
        .map(|target| {
            run(|rec| {
                let z = input(rec, n, 2, &z);
                let scores = target.record(rec, z)?;
                let loss = rec.stein_squared(&SteinKernel::gaussian(1.0), z, scores, Estimator::Unbiased)?;
                let gradient = rec.backward(loss, &[z])?[0];
                Ok(vec![loss, gradient])
            })
        })
        .collect();
    let (toy, given) = (&found[0], &found[1]);
    assert!((toy[0][0] - given[0][0]).abs() < 1e-5 * toy[0][0].abs(), "{} and {}", toy[0][0], given[0][0]);
    let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
    check_gradient("of the sample", &wide(&given[1]), &wide(&toy[1]), 1e-5);
}

#[test]
fn the_closed_form_of_shifted_normal_distributions_holds_for_a_score_in_words() {
    // |δ|² (ℓ²/(ℓ² + 2))^(d/2), with 6,000 exact normal rows: the statistic's standard error is below 3 % of it.
    use rand::SeedableRng;
    let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(11);
    let (n, delta, l) = (6000, [0.8f32, -0.6], 1.2f32);
    let x: Vec<f32> = (0..2 * n)
        .map(|i| delta[i % 2] + rand_distr::Distribution::<f32>::sample(&rand_distr::StandardNormal, &mut random))
        .collect();
    let target =
        Target::given(&["-a", "-b"], &Table::new(["a", "b"], x.clone()).unwrap(), &Standardization::identity(2)).unwrap();
    let found = run(|rec| {
        let x = input(rec, n, 2, &x);
        let scores = target.record(rec, x)?;
        Ok(vec![rec.stein_squared(&SteinKernel::gaussian(l), x, scores, Estimator::Unbiased)?])
    });
    let expected = f64::from(l).powi(2) / (f64::from(l).powi(2) + 2.0);
    assert!((f64::from(found[0][0]) - expected).abs() < 0.1 * expected, "{} and {expected}", found[0][0]);
}

#[test]
fn columns_of_another_number_or_width_are_refused() {
    let formulas = Formulas::parse(&["a + b"], &["a", "b"]).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let (one, wide) = (rec.constant(1.0, 3, 1).unwrap(), rec.constant(1.0, 3, 2).unwrap());
    for columns in [vec![one], vec![one, wide], vec![]] {
        let error = rec.formulas(&formulas, &columns).unwrap_err().to_string();
        assert!(error.contains("for formulas of 2"), "{error}");
    }
}
