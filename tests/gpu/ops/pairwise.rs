use super::{GPU, input, numbers, on_all_families, run_on, wide};
use pushforward::gpu::Gpu;
use pushforward::ops::pairwise::{Estimator, RadialKernel};
use pushforward::reference::Exact;
use pushforward::reference::pairwise::mmd_squared;

fn kernels() -> Vec<RadialKernel> {
    vec![
        RadialKernel::gaussian(0.8),
        RadialKernel::Gaussian { bandwidths: vec![0.5, 1.0, 3.0] },
        RadialKernel::Laplace { bandwidth: 1.3 },
        RadialKernel::InverseMultiquadric { offset: 0.7 },
        RadialKernel::RationalQuadratic { alphas: vec![0.5, 1.0, 2.0], bandwidth: 0.9 },
        RadialKernel::Energy { beta: 1.0 },
        RadialKernel::Energy { beta: 1.5 },
    ]
}

fn reference(value: &[f64], scale: &[f64], terms: usize) -> Exact {
    Exact { value: value.to_vec(), scale: scale.to_vec(), terms }
}

/// Value and both gradients against the reference.
fn compare(gpu: &Gpu, kernel: &RadialKernel, (n, m, d): (usize, usize, usize), estimator: Estimator) {
    let (x, mut y) = (numbers(n * d, 1), numbers(m * d, 2));
    y.iter_mut().for_each(|y| *y = 1.2 * *y + 0.3);
    let expected = mmd_squared(kernel, &wide(&x), &wide(&y), d, estimator == Estimator::Unbiased);
    let found = run_on(gpu, |rec| {
        let (x, y) = (input(rec, n, d, &x), input(rec, m, d, &y));
        let loss = rec.mmd_squared(kernel, x, y, estimator)?;
        let value = rec.mmd_squared_value(kernel, x, y, estimator)?;
        let gradients = rec.backward(loss, &[x, y])?;
        Ok(vec![loss, value, gradients[0], gradients[1]])
    });
    let what = format!("{kernel:?} {estimator:?} n={n} m={m} d={d} {:?}", gpu.family());
    let terms = n.max(m);
    let value = reference(&[expected.value], &[expected.scale], terms);
    value.check(&what, &found[0]);
    value.check(&format!("{what}, value alone"), &found[1]);
    reference(&expected.d_x, &expected.d_x_scale, terms).check(&format!("{what}, ∂x"), &found[2]);
    reference(&expected.d_y, &expected.d_y_scale, terms).check(&format!("{what}, ∂y"), &found[3]);
}

#[test]
fn dimensions_up_to_the_written_out_ones_and_beyond_match_the_reference() {
    on_all_families(|gpu| {
        for d in [5, 17, 64, 65, 100] {
            let kernel = RadialKernel::gaussian((d as f32).sqrt());
            compare(gpu, &kernel, (70, 35, d), Estimator::Biased);
        }
        compare(gpu, &RadialKernel::Energy { beta: 1.0 }, (35, 70, 17), Estimator::Unbiased);
        compare(gpu, &RadialKernel::Energy { beta: 1.0 }, (35, 70, 70), Estimator::Biased);
    });
}

#[test]
fn a_sample_is_at_no_distance_from_itself() {
    let x = numbers(300 * 2, 5);
    for kernel in kernels() {
        let found = run_on(&GPU, |rec| {
            let x = input(rec, 300, 2, &x);
            let loss = rec.mmd_squared(&kernel, x, x, Estimator::Biased)?;
            Ok(vec![loss])
        });
        assert!(found[0][0].abs() < 2e-6, "{kernel:?}: {}", found[0][0]);
    }
}

#[test]
fn energy_distance_of_two_diracs_is_twice_their_distance() {
    on_all_families(|gpu| {
        let (x, y) = (vec![0.0; 12], [3.0, 4.0, 0.0].repeat(5));
        let found = run_on(gpu, |rec| {
            let (x, y) = (input(rec, 4, 3, &x), input(rec, 5, 3, &y));
            let loss = rec.mmd_squared(&RadialKernel::Energy { beta: 1.0 }, x, y, Estimator::Unbiased)?;
            let gradients = rec.backward(loss, &[x])?;
            Ok(vec![loss, gradients[0]])
        });
        reference(&[10.0], &[10.0], 1).check("value", &found[0]);
        // Each of the four points carries a quarter of −2·(3, 4, 0)/5.
        reference(&[-0.3, -0.4, 0.0].repeat(4), &[0.5; 12], 1).check("gradient", &found[1]);
    });
}

/// Quantiles at the midpoints of n equal shares: a sample whose statistics are those of the distribution to O(1/n²).
fn normal_quantiles(n: usize, shift: f64) -> Vec<f32> {
    let distribution = statrs::distribution::Normal::standard();
    let quantile = |i: usize| statrs::distribution::ContinuousCDF::inverse_cdf(&distribution, (i as f64 + 0.5) / n as f64);
    (0..n).map(|i| (quantile(i) + shift) as f32).collect()
}

#[test]
fn statistics_of_two_shifted_normal_distributions_match_their_closed_forms() {
    let (n, delta) = (4000, 1.0f64);
    let (x, y) = (normal_quantiles(n, 0.0), normal_quantiles(n, delta));
    let width = 0.9f32;
    let found = run_on(&GPU, |rec| {
        let (x, y) = (input(rec, n, 1, &x), input(rec, n, 1, &y));
        let mmd = rec.mmd_squared_value(&RadialKernel::gaussian(width), x, y, Estimator::Biased)?;
        let energy = rec.mmd_squared_value(&RadialKernel::Energy { beta: 1.0 }, x, y, Estimator::Biased)?;
        Ok(vec![mmd, energy])
    });
    // 2 √(ℓ²/(ℓ²+2)) (1 − exp(−δ²/2(ℓ²+2)))
    let l2 = f64::from(width).powi(2);
    let mmd = 2.0 * (l2 / (l2 + 2.0)).sqrt() * (1.0 - (-delta * delta / (2.0 * (l2 + 2.0))).exp());
    // 2[(2/√π) e^{−δ²/4} + δ erf(δ/2)] − 4/√π
    let root = std::f64::consts::PI.sqrt();
    let energy = 2.0 * (2.0 / root * (-delta * delta / 4.0).exp() + delta * statrs::function::erf::erf(delta / 2.0)) - 4.0 / root;
    assert!((f64::from(found[0][0]) - mmd).abs() < 1e-4, "{} {mmd}", found[0][0]);
    assert!((energy - 0.541_806_6).abs() < 1e-6 && (f64::from(found[1][0]) - energy).abs() < 1e-3, "{} {energy}", found[1][0]);
}

#[test]
fn long_sums_are_cut_into_dispatches_and_splits_without_a_change() {
    let (n, m, copies) = (9000, 500, 200);
    let (x, y) = (numbers(n * 2, 1), numbers(m * 2, 2));
    let many = y.repeat(copies);
    let kernel = RadialKernel::gaussian(0.7);
    let mut dispatches = Vec::new();
    let found = run_on(&GPU, |rec| {
        let (x, y, many) = (input(rec, n, 2, &x), input(rec, m, 2, &y), input(rec, m * copies, 2, &many));
        let once = rec.kernel_sum(&kernel, x, y)?;
        dispatches.push(rec.len());
        let all = rec.kernel_sum(&kernel, x, many)?;
        dispatches.push(rec.len() - dispatches[0]);
        Ok(vec![once, all])
    });
    // A GPU has the whole sum done before it would keep anyone waiting.
    assert!(dispatches[1] > dispatches[0] || !GPU.is_software(), "{dispatches:?}");
    let ratio = found[1][0] / found[0][0] / copies as f32;
    assert!((ratio - 1.0).abs() < 1e-6, "{ratio}");
}

#[test]
fn sums_over_blocks_match_the_reference() {
    on_all_families(|gpu| {
        // Blocks shorter and longer than a vector of columns and a tile, a last one that is cut short, and one block of everything.
        for (n, rows, m, columns) in [(12, 1, 30, 1), (60, 5, 77, 7), (130, 130, 300, 64), (70, 35, 20, 33), (9, 3, 600, 257)] {
            for d in [2, 17, 70] {
                let (x, y) = (numbers(n * d, 1), numbers(m * d, 2));
                let kernel = RadialKernel::gaussian((d as f32).sqrt());
                let found = run_on(gpu, |rec| {
                    let (x, y) = (input(rec, n, d, &x), input(rec, m, d, &y));
                    Ok(vec![rec.kernel_blocks(&kernel, x, y, rows, columns)?])
                });
                let (value, scale) = pushforward::reference::pairwise::blocks(&kernel, &wide(&x), &wide(&y), d, rows, columns);
                let what = format!("{rows} of {n} by {columns} of {m}, d={d} {:?}", gpu.family());
                reference(&value, &scale, rows * columns).check(&what, &found[0]);
            }
        }
    });
    let mut rec = pushforward::gpu::Recorder::new(&GPU, 0);
    let x = input(&mut rec, 3, 2, &[0.0; 6]);
    for (rows, columns) in [(2, 1), (0, 1), (1, 0)] {
        assert!(rec.kernel_blocks(&RadialKernel::gaussian(1.0), x, x, rows, columns).is_err());
    }
}

#[test]
fn a_loss_scales_and_adds_like_a_number() {
    let (x, y) = (numbers(40, 1), numbers(30, 2));
    let kernel = RadialKernel::gaussian(1.0);
    let found = run_on(&GPU, |rec| {
        let (x, y) = (input(rec, 20, 2, &x), input(rec, 15, 2, &y));
        let loss = rec.mmd_squared(&kernel, x, y, Estimator::Biased)?;
        let double = rec.scale(loss, 2.0)?;
        let square = rec.square(loss)?;
        let total = rec.add(double, square)?;
        let plain = rec.backward(loss, &[x])?[0];
        let combined = rec.backward(total, &[x])?[0];
        Ok(vec![loss, plain, combined])
    });
    let slope = 2.0 + 2.0 * found[0][0];
    for (plain, combined) in found[1].iter().zip(&found[2]) {
        assert!((slope * plain - combined).abs() <= 1e-6 * slope * plain.abs().max(1e-3), "{plain} {combined}");
    }
}

#[test]
fn bad_kernels_and_samples_are_refused() {
    let message = |kernel: RadialKernel, rows: usize, cols: usize, estimator| {
        let mut rec = pushforward::gpu::Recorder::new(&GPU, 0);
        let (x, y) = (input(&mut rec, 3, 2, &[0.0; 6]), input(&mut rec, rows, cols, &vec![0.0; rows * cols]));
        rec.mmd_squared(&kernel, x, y, estimator).unwrap_err().to_string()
    };
    let gaussian = RadialKernel::gaussian(1.0);
    assert!(message(gaussian.clone(), 3, 3, Estimator::Biased).contains("2 and of 3 coordinates"));
    assert!(message(gaussian, 1, 2, Estimator::Unbiased).contains("at least 2"));
    assert!(message(RadialKernel::gaussian(0.0), 3, 2, Estimator::Biased).contains("positive"));
    assert!(message(RadialKernel::Energy { beta: 2.0 }, 3, 2, Estimator::Biased).contains("between 0 and 2"));
    let many = RadialKernel::Gaussian { bandwidths: vec![1.0; 17] };
    assert!(message(many, 3, 2, Estimator::Biased).contains("1 to 16"));
}
