use super::{GPU, input, numbers, on_all_families, run_on, wide};
use pushforward::gpu::Gpu;
use pushforward::ops::fourier::Frequencies;
use pushforward::ops::pairwise::Estimator;
use pushforward::reference::{Exact, fourier};

/// Statistics, loss and gradient against the reference.
fn compare(gpu: &Gpu, (n, m, d, count): (usize, usize, usize, usize), spread: f32, complex: bool, estimator: Estimator) {
    let (x, y) = (numbers(n * d, 1), numbers(m * d, 2));
    let b: Vec<f32> = numbers(count * d, 3).iter().map(|b| spread * b).collect();
    let a: Vec<f32> = numbers(count * d, 4).iter().map(|a| 0.4 * a).collect();
    let tau: Vec<f32> = numbers(count, 5).iter().map(|t| t.abs() + 0.1).collect();
    let frequencies = fourier::Frequencies { d, imaginary: wide(&b), real: complex.then(|| wide(&a)) };
    let target = fourier::statistics(&frequencies, &wide(&y));
    let expected = fourier::loss(&frequencies, &wide(&x), &target, &wide(&tau), estimator == Estimator::Unbiased);
    let found = run_on(gpu, |rec| {
        let (x, y) = (input(rec, n, d, &x), input(rec, m, d, &y));
        let (b, tau) = (input(rec, count, d, &b), input(rec, 1, count, &tau));
        let frequencies = if complex { Frequencies::complex(input(rec, count, d, &a), b) } else { Frequencies::real(b) };
        let target = rec.fourier_statistics(frequencies, y)?;
        let loss = rec.fourier_loss(frequencies, x, target, tau, estimator)?;
        let d_x = rec.backward(loss, &[x])?[0];
        Ok(vec![target.means, loss, d_x])
    });
    let what = format!("n={n} m={m} d={d} K={count} complex={complex} {estimator:?} {:?}", gpu.family());
    let means = Exact {
        value: [target.cos, target.sin, target.square].concat(),
        scale: [target.scale.clone(), target.scale, target.square_scale].concat(),
        terms: m,
    };
    means.check(&format!("{what}, statistics"), &found[0]);
    Exact { value: vec![expected.value], scale: vec![expected.scale], terms: n.max(count) }.check(&what, &found[1]);
    Exact { value: expected.d_x, scale: expected.d_x_scale, terms: n.max(count) }.check(&format!("{what}, ∂x"), &found[2]);
}

#[test]
fn dimensions_up_to_the_written_out_ones_and_beyond_match_the_reference() {
    on_all_families(|gpu| {
        for d in [5, 17, 64, 65, 100] {
            compare(gpu, (35, 20, d, 50), 0.3, false, Estimator::Biased);
        }
        compare(gpu, (35, 20, 70, 21), 0.1, true, Estimator::Unbiased);
    });
}

#[test]
fn phases_far_beyond_one_turn_are_reduced() {
    on_all_families(|gpu| compare(gpu, (40, 40, 2, 32), 1e4, false, Estimator::Biased));
}

#[test]
fn a_sample_is_at_no_distance_from_itself() {
    let (x, b) = (numbers(500 * 2, 1), numbers(64 * 2, 2));
    let found = run_on(&GPU, |rec| {
        let (x, b, tau) = (input(rec, 500, 2, &x), input(rec, 64, 2, &b), rec.constant(1.0, 1, 64)?);
        let frequencies = Frequencies::real(b);
        let target = rec.fourier_statistics(frequencies, x)?;
        let loss = rec.fourier_loss(frequencies, x, target, tau, Estimator::Biased)?;
        Ok(vec![loss, rec.backward(loss, &[x])?[0]])
    });
    assert!(found[0][0].abs() < 1e-12 && found[1].iter().all(|g| g.abs() < 1e-9), "{} {:?}", found[0][0], &found[1][..4]);
}

#[test]
fn the_characteristic_function_of_a_normal_distribution_is_a_bell() {
    // A grid of quantiles has the statistics of the distribution to O(1/n).
    let n = 4000;
    let distribution = statrs::distribution::Normal::standard();
    let quantile = |i: usize| statrs::distribution::ContinuousCDF::inverse_cdf(&distribution, (i as f64 + 0.5) / n as f64);
    let (mean, width) = (0.7, 1.5);
    let x: Vec<f32> = (0..n).map(|i| (mean + width * quantile(i)) as f32).collect();
    let t = [0.0f32, 0.3, 1.0, 2.0];
    let found = run_on(&GPU, |rec| {
        let (x, t) = (input(rec, n, 1, &x), input(rec, 4, 1, &t));
        Ok(vec![rec.fourier_statistics(Frequencies::real(t), x)?.means])
    });
    for (k, &t) in t.iter().enumerate() {
        let t = f64::from(t);
        let size = (-0.5 * t * t * width * width).exp();
        assert!((f64::from(found[0][k]) - size * (t * mean).cos()).abs() < 1e-4);
        assert!((f64::from(found[0][4 + k]) - size * (t * mean).sin()).abs() < 1e-4);
        assert!((found[0][8 + k] - 1.0).abs() < 1e-6);
    }
}
