use super::{GPU, input, numbers, run, wide};
use pushforward::gpu::Recorder;
use pushforward::ops::pairwise::{Estimator, RadialKernel};
use pushforward::ops::sliced::energy_constant;
use pushforward::reference::sliced::{self, Sliced};
use pushforward::reference::{Exact, check_gradient, differences};
use statrs::function::erf::erf;

const DIMENSIONS: [usize; 5] = [1, 2, 3, 17, 64];

/// Numbers with few bits, so that projections of them on directions with few bits are exact in f32, and device and reference
/// agree on what is equal and what is greater: gradients of sorted samples jump where two values change places.
fn rounded(count: usize, seed: u64, unit: f32) -> Vec<f32> {
    numbers(count, seed).into_iter().map(|v| (v / unit).round() * unit).collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Wasserstein,
    Energy(Estimator),
}

const KINDS: [Kind; 3] = [Kind::Wasserstein, Kind::Energy(Estimator::Biased), Kind::Energy(Estimator::Unbiased)];

fn reference(kind: Kind, x: &[f64], y: &[f64], d: usize, theta: &[f64]) -> Sliced {
    match kind {
        Kind::Wasserstein => sliced::wasserstein(x, y, d, theta),
        Kind::Energy(estimator) => sliced::energy(x, y, d, theta, estimator == Estimator::Unbiased),
    }
}

fn check(kind: Kind, sizes: (usize, usize, usize), lines: usize) {
    check_rounded(kind, sizes, lines, 1.0 / 256.0);
}

fn check_rounded(kind: Kind, (n, m, d): (usize, usize, usize), lines: usize, unit: f32) {
    let (x, y) = (rounded(n * d, 1, unit), rounded(m * d, 2, unit));
    let theta = rounded(d * lines, 3, 1.0 / 64.0);
    let found = run(|rec| {
        let (x, y, theta) = (input(rec, n, d, &x), input(rec, m, d, &y), input(rec, d, lines, &theta));
        let loss = match kind {
            Kind::Wasserstein => rec.sliced_wasserstein_along(x, y, theta)?,
            Kind::Energy(estimator) => rec.sliced_energy_along(x, y, theta, estimator)?,
        };
        let gradients = rec.backward(loss, &[x, y])?;
        Ok(vec![loss, gradients[0], gradients[1]])
    });
    let expected = reference(kind, &wide(&x), &wide(&y), d, &wide(&theta));
    let what = format!("{kind:?} n={n} m={m} d={d}");
    Exact { value: vec![expected.value], scale: vec![expected.scale], terms: (n + m) * lines }.check(&what, &found[0]);
    Exact { value: expected.d_x, scale: expected.d_x_scale, terms: lines }.check(&format!("{what} d_x"), &found[1]);
    Exact { value: expected.d_y, scale: expected.d_y_scale, terms: lines }.check(&format!("{what} d_y"), &found[2]);
}

#[test]
fn equal_values_count_zero_however_many_there_are() {
    // Few values, so that many points share each: more than one invocation walks through; and one value alone.
    for kind in KINDS {
        for unit in [1.0, 100.0] {
            for (n, m) in [(2, 3), (64, 64), (257, 65), (1000, 257)] {
                check_rounded(kind, (n, m, 1), 3, unit);
            }
        }
    }
}

#[test]
fn directions_in_several_groups_match_the_reference() {
    // 2²¹ projections are worked on at once.
    for kind in [Kind::Wasserstein, Kind::Energy(Estimator::Unbiased)] {
        check(kind, (16, 17, 2), 65_535);
    }
}

#[test]
fn the_references_gradients_are_derivatives() {
    let (n, m, d, lines) = (7, 5, 3, 4);
    let (x, y, theta) = (wide(&numbers(n * d, 1)), wide(&numbers(m * d, 2)), wide(&numbers(d * lines, 3)));
    for kind in KINDS {
        let found = reference(kind, &x, &y, d, &theta);
        let by_x = differences(&x, |x| reference(kind, x, &y, d, &theta).value);
        let by_y = differences(&y, |y| reference(kind, &x, y, d, &theta).value);
        check_gradient("d_x", &found.d_x, &by_x, 1e-8);
        check_gradient("d_y", &found.d_y, &by_y, 1e-8);
    }
}

#[test]
fn losses_combine_like_numbers() {
    // L = S² + 3 mean x: ∂L/∂x = 2S·∂S/∂x + 3/len, where the cotangent of S is known only on the device.
    for kind in KINDS {
        let (x, y) = (numbers(65 * 2, 1), numbers(64 * 2, 2));
        let found = run(|rec| {
            let (x, y) = (input(rec, 65, 2, &x), input(rec, 64, 2, &y));
            let theta = rec.directions(2, 8)?;
            let s = match kind {
                Kind::Wasserstein => rec.sliced_wasserstein_along(x, y, theta)?,
                Kind::Energy(estimator) => rec.sliced_energy_along(x, y, theta, estimator)?,
            };
            let alone = rec.backward(s, &[x])?[0];
            let (square, mean) = (rec.square(s)?, rec.mean(x)?);
            let loss = rec.blend(square, mean, 1.0, 3.0)?;
            let d_x = rec.backward(loss, &[x])?[0];
            Ok(vec![s, alone, d_x])
        });
        let mut reference = Exact::new(3);
        for &g in &found[1] {
            let (through, mean) = (2.0 * f64::from(found[0][0]) * f64::from(g), 3.0 / 130.0);
            reference.push([through, mean]);
        }
        reference.check("gradient of the sum", &found[2]);
    }
}

#[test]
fn directions_are_uniform_on_the_sphere_and_fresh() {
    for d in [2, 3, 17, 64] {
        let lines = 4096;
        let mut rec = Recorder::new(&GPU, 3);
        let theta = rec.directions(d, lines).unwrap();
        let theta = rec.keep(theta);
        let mut step = rec.finish().unwrap();
        step.replay(1).unwrap();
        let first = step.read(theta).unwrap();
        step.replay(1).unwrap();
        assert_ne!(first, step.read(theta).unwrap());
        for p in 0..lines {
            let norm: f32 = (0..d).map(|k| first[k * lines + p].powi(2)).sum();
            assert!((norm - 1.0).abs() < 1e-5, "direction {p} has norm² {norm}");
        }
        // E θ_k = 0, E θ_k² = 1/d, each within five standard errors: Var θ_k² = 2(d−1)/(d²(d+2)).
        let d = d as f64;
        for row in first.chunks(lines) {
            let mean = row.iter().map(|&t| f64::from(t)).sum::<f64>() / lines as f64;
            let square = row.iter().map(|&t| f64::from(t).powi(2)).sum::<f64>() / lines as f64;
            assert!(mean.abs() < 5.0 * (1.0 / d / lines as f64).sqrt(), "mean {mean}");
            let error = (2.0 * (d - 1.0) / (d * d * (d + 2.0)) / lines as f64).sqrt();
            assert!((square - 1.0 / d).abs() < 5.0 * error, "mean square {square}");
        }
    }
}

#[test]
fn sliced_wasserstein_of_a_translation_is_its_square_over_d() {
    // Each direction gives ⟨θ, δ⟩² exactly; over directions its mean is |δ|²/d with variance |δ|⁴·2(d−1)/(d²(d+2)).
    for d in DIMENSIONS {
        let (n, lines) = (64, 4096);
        let (x, delta) = (numbers(n * d, 1), numbers(d, 2));
        let y: Vec<f32> = x.iter().enumerate().map(|(i, v)| v + delta[i % d]).collect();
        let found = run(|rec| {
            let (x, y) = (input(rec, n, d, &x), input(rec, n, d, &y));
            Ok(vec![rec.sliced_wasserstein(x, y, lines)?])
        });
        let (square, d) = (delta.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>(), d as f64);
        let error = square * (2.0 * (d - 1.0) / (d * d * (d + 2.0)) / lines as f64).sqrt() + 1e-5 * square;
        let value = f64::from(found[0][0]);
        assert!((value - square / d).abs() < 5.0 * error, "d={d}: {value} for {} ± {error}", square / d);
    }
}

/// Values of a statistic of x ~ N(0, I) and y ~ N(δ, I), drawn afresh `repeats` times.
fn gaussian_repeats(n: usize, d: usize, delta: f32, lines: usize, repeats: usize) -> Vec<f64> {
    let shift: Vec<f32> = (0..d).map(|k| if k == 0 { delta } else { 0.0 }).collect();
    let mut rec = Recorder::new(&GPU, 5);
    let (x, z) = (rec.normal(n, d).unwrap(), rec.normal(n, d).unwrap());
    let shift = input(&mut rec, 1, d, &shift);
    let y = rec.add(z, shift).unwrap();
    let value = rec.sliced_energy(x, y, lines, Estimator::Unbiased).unwrap();
    rec.report("energy", value).unwrap();
    let mut step = rec.finish().unwrap();
    step.replay(repeats).unwrap();
    step.final_reports().unwrap().iter().map(|r| f64::from(r.values[0])).collect()
}

#[test]
fn sliced_energy_of_shifted_gaussians_meets_the_closed_form() {
    // On a line N(0,1) and N(s,1) are 2[(2/√π)e^{−s²/4} + s·erf(s/2)] − 4/√π apart; over the circle s = δ cos φ.
    let line = |s: f64| {
        let root = std::f64::consts::PI.sqrt();
        2.0 * (2.0 / root * (-s * s / 4.0).exp() + s * erf(s / 2.0)) - 4.0 / root
    };
    assert!((line(1.0) - 0.541_806_6).abs() < 1e-7);
    let circle = (0..1000).map(|k| line(1.5 * (std::f64::consts::TAU * f64::from(k) / 1000.0).cos())).sum::<f64>() / 1000.0;
    let planar = energy_constant(2) * circle;
    for (d, expected) in [(1, line(1.5)), (2, planar)] {
        for delta in [0.0, 1.5] {
            let values = gaussian_repeats(257, d, delta, 16, 200);
            let mean = values.iter().sum::<f64>() / 200.0;
            let error = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 199.0 / 200.0).sqrt();
            let expected = if delta == 0.0 { 0.0 } else { expected };
            assert!((mean - expected).abs() < 5.0 * error, "d={d} δ={delta}: {mean} ± {error} for {expected}");
        }
    }
}

#[test]
fn sliced_energy_averages_to_the_energy_distance_in_all_dimensions() {
    for d in [1, 3, 17] {
        let (x, y) = (numbers(65 * d, 1), numbers(64 * d, 2).iter().map(|v| 1.3 * v + 0.2).collect::<Vec<_>>());
        let mut rec = Recorder::new(&GPU, 5);
        let (x, y) = (input(&mut rec, 65, d, &x), input(&mut rec, 64, d, &y));
        let sliced = rec.sliced_energy(x, y, 512, Estimator::Unbiased).unwrap();
        let whole = rec.mmd_squared(&RadialKernel::Energy { beta: 1.0 }, x, y, Estimator::Unbiased).unwrap();
        rec.report("sliced", sliced).unwrap();
        rec.report("whole", whole).unwrap();
        let mut step = rec.finish().unwrap();
        step.replay(50).unwrap();
        let reports = step.final_reports().unwrap();
        let values: Vec<f64> = reports.iter().map(|r| f64::from(r.values[0] - r.values[1])).collect();
        let mean = values.iter().sum::<f64>() / 50.0;
        let error = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 49.0 / 50.0).sqrt();
        assert!(mean.abs() < 5.0 * error + 1e-5, "d={d}: {mean} ± {error}");
    }
}

#[test]
fn a_sample_has_no_distance_to_itself_and_the_same_step_gives_the_same_bits() {
    let x = numbers(257 * 3, 1);
    let once = || {
        run(|rec| {
            let x = input(rec, 257, 3, &x);
            let (w, e) = (rec.sliced_wasserstein(x, x, 16)?, rec.sliced_energy(x, x, 16, Estimator::Biased)?);
            let y = rec.scale(x, 1.5)?;
            let other = rec.sliced_energy(y, x, 16, Estimator::Unbiased)?;
            let d_y = rec.backward(other, &[y])?[0];
            Ok(vec![w, e, other, d_y])
        })
    };
    let found = once();
    assert_eq!((found[0][0], found[1][0]), (0.0, 0.0));
    assert_eq!(found, once());
}

#[test]
fn samples_that_do_not_fit_are_refused() {
    let mut rec = Recorder::new(&GPU, 0);
    let (x, y, z) = (rec.empty(4, 3).unwrap(), rec.empty(5, 2).unwrap(), rec.empty(1, 3).unwrap());
    let message = |found: pushforward::Result<_>| found.map(|_| ()).unwrap_err().to_string();
    assert!(message(rec.sliced_energy(x, y, 8, Estimator::Biased)).contains("of 3 and of 2 coordinates"));
    assert!(message(rec.sliced_energy(x, z, 8, Estimator::Unbiased)).contains("1 rows; this estimator needs at least 2"));
    assert!(message(rec.sliced_wasserstein(x, z, 0)).contains("0 directions"));
    assert!(message(rec.sliced_wasserstein_along(x, z, y)).contains("2 directions of 5 coordinates"));
    let (many, one) = (rec.empty(70_000, 1).unwrap(), rec.empty(1, 1).unwrap());
    assert!(message(rec.sliced_wasserstein(many, one, 1)).contains("70000 and 1 points"));
}
