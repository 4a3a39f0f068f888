use super::{GPU, input, numbers, on_all_families, run_on, wide};
use pushforward::data::Mixture;
use pushforward::gpu::{Family, Gpu, Recorder};
use pushforward::ops::pairwise::Estimator;
use pushforward::ops::stein::SteinKernel;
use pushforward::reference::stein::stein_squared;
use pushforward::reference::{Exact, check_gradient, differences};

fn kernels() -> Vec<SteinKernel> {
    vec![
        SteinKernel::gaussian(0.8),
        SteinKernel::Gaussian { bandwidths: vec![0.5, 1.0, 3.0] },
        SteinKernel::InverseMultiquadric { offset: 0.7, beta: -0.5 },
        SteinKernel::InverseMultiquadric { offset: 1.2, beta: -0.9 },
    ]
}

fn reference(value: &[f64], scale: &[f64], terms: usize) -> Exact {
    Exact { value: value.to_vec(), scale: scale.to_vec(), terms }
}

/// Value and both gradients against the reference, at scores that are no function of x.
fn compare(gpu: &Gpu, kernel: &SteinKernel, n: usize, d: usize, estimator: Estimator) {
    let (x, s) = (numbers(n * d, 1), numbers(n * d, 2));
    let expected = stein_squared(kernel, &wide(&x), &wide(&s), d, estimator == Estimator::Unbiased);
    let found = run_on(gpu, |rec| {
        let (x, s) = (input(rec, n, d, &x), input(rec, n, d, &s));
        let loss = rec.stein_squared(kernel, x, s, estimator)?;
        let gradients = rec.backward(loss, &[x, s])?;
        Ok(vec![loss, gradients[0], gradients[1]])
    });
    let what = format!("{kernel:?} {estimator:?} n={n} d={d} {:?}", gpu.family());
    let terms = n.max(d);
    reference(&[expected.value], &[expected.scale], terms).check(&what, &found[0]);
    reference(&expected.d_x, &expected.d_x_scale, terms).check(&format!("{what}, ∂x"), &found[1]);
    reference(&expected.d_scores, &expected.d_scores_scale, terms).check(&format!("{what}, ∂scores"), &found[2]);
}

#[test]
fn dimensions_up_to_the_written_out_ones_and_beyond_match_the_reference() {
    on_all_families(|gpu| {
        for d in [1, 5, 16, 17, 64, 65] {
            compare(gpu, &SteinKernel::gaussian((d as f32).sqrt()), 70, d, Estimator::Biased);
            compare(gpu, &SteinKernel::InverseMultiquadric { offset: 1.0, beta: -0.3 }, 35, d, Estimator::Unbiased);
        }
    });
}

#[test]
fn long_samples_are_cut_into_dispatches_without_a_change() {
    // Copies of one sample have its V-statistic, and each copy its share of the gradient.
    let (n, copies) = (300, 60);
    let (x, s) = (numbers(2 * n, 1), numbers(2 * n, 2));
    let kernel = SteinKernel::gaussian(0.9);
    let gpu = GPU.with_family(Family::Register);
    let mut dispatches = 0;
    let found = run_on(&gpu, |rec| {
        let mut values = Vec::new();
        for copies in [1, copies] {
            let before = rec.len();
            let (x, s) = (input(rec, n * copies, 2, &x.repeat(copies)), input(rec, n * copies, 2, &s.repeat(copies)));
            let loss = rec.stein_squared(&kernel, x, s, Estimator::Biased)?;
            dispatches = rec.len() - before;
            values.extend([loss, rec.backward(loss, &[x])?[0]]);
        }
        Ok(values)
    });
    // A GPU has it done in fewer.
    assert!(dispatches > 10 || !gpu.is_software(), "{dispatches}");
    assert!((found[2][0] / found[0][0] - 1.0).abs() < 1e-4, "{} {}", found[0][0], found[2][0]);
    let largest = found[1].iter().fold(0.0f32, |m, g| m.max(g.abs()));
    for (i, g) in found[3].iter().enumerate() {
        assert!((g * copies as f32 - found[1][i % (2 * n)]).abs() < 1e-4 * largest, "element {i}");
    }
}

#[test]
fn the_gradient_through_the_score_is_that_of_the_whole_statistic() {
    // x moves the kernel and the score: differences of the f64 reference with the mixture's score inside.
    let distribution = Mixture::new(2, &[1.0, 2.0], &[-1.0, 0.5, 1.0, 0.0], &[0.5, 1.0, 1.0, 2.0]);
    let x = numbers(2 * 12, 4);
    for kernel in kernels() {
        let whole = |x: &[f64]| {
            let scores: Vec<f64> = x.chunks_exact(2).flat_map(|p| distribution.score(p)).collect();
            stein_squared(&kernel, x, &scores, 2, true).value
        };
        let found = run_on(&GPU, |rec| {
            let x = input(rec, 12, 2, &x);
            let scores = rec.mixture_score(&distribution, x)?;
            let loss = rec.stein_squared(&kernel, x, scores, Estimator::Unbiased)?;
            Ok(vec![rec.backward(loss, &[x])?[0]])
        });
        // The f32 arithmetic of twelve points; the exact chain is the references' business.
        check_gradient("whole", &wide(&found[0]), &differences(&wide(&x), whole), 2e-5);
    }
}

/// n independent draws of N(shift·(1, …, 1), I).
fn normal(n: usize, d: usize, shift: f32, seed: u64) -> Vec<f32> {
    let found = run_on(&GPU, |rec| {
        for _ in 0..seed {
            rec.next_stream();
        }
        Ok(vec![rec.normal(n, d)?])
    });
    found[0].iter().map(|z| z + shift).collect()
}

#[test]
fn ksd_of_a_shifted_normal_sample_is_its_closed_form_within_its_error() {
    // p = N(0, I), q = N(δ, I): |δ|² (ℓ²/(ℓ² + 2))^(d/2).
    let n = 2000;
    for (d, shift, l, seed) in [(1, 1.0, 1.0f32, 0), (2, 0.5, 1.5, 1), (3, 0.4, 2.0, 2)] {
        let x = normal(n, d, shift, seed);
        let s: Vec<f32> = x.iter().map(|x| -x).collect();
        let kernel = SteinKernel::gaussian(l);
        let found = run_on(&GPU, |rec| {
            let (x, s) = (input(rec, n, d, &x), input(rec, n, d, &s));
            Ok(vec![rec.stein_squared(&kernel, x, s, Estimator::Unbiased)?])
        })[0][0];
        let l2 = f64::from(l).powi(2);
        let expected = d as f64 * f64::from(shift).powi(2) * (l2 / (l2 + 2.0)).powf(d as f64 / 2.0);
        let rows = wide(&x);
        let mean = |i: usize| {
            let (a, p) = (wide(&s[i * d..(i + 1) * d]), &rows[i * d..(i + 1) * d]);
            let of = |j: usize| {
                let b: Vec<f64> = rows[j * d..(j + 1) * d].iter().map(|x| -x).collect();
                pushforward::reference::stein::stein_kernel(&kernel, p, &rows[j * d..(j + 1) * d], &a, &b)
            };
            (0..n).filter(|&j| j != i).map(of).sum::<f64>() / (n as f64 - 1.0)
        };
        let (_, error) = pushforward::metrics::interval::mean_and_error((0..n).map(mean).collect::<Vec<_>>().into_iter());
        let error = 2.0 * error;
        assert!((f64::from(found) - expected).abs() < 4.0 * error, "d = {d}: {found} and {expected} ± {error}");
    }
}

#[test]
fn bad_kernels_and_samples_are_refused() {
    let message = |kernel: SteinKernel, rows: usize, scores: usize, estimator| {
        let mut rec = Recorder::new(&GPU, 0);
        let (x, s) = (input(&mut rec, rows, 2, &vec![0.0; 2 * rows]), input(&mut rec, scores, 2, &vec![0.0; 2 * scores]));
        rec.stein_squared(&kernel, x, s, estimator).unwrap_err().to_string()
    };
    let gaussian = SteinKernel::gaussian(1.0);
    assert!(message(gaussian.clone(), 3, 4, Estimator::Biased).contains("3 × 2 points with 4 × 2 scores"));
    assert!(message(gaussian, 1, 1, Estimator::Unbiased).contains("at least 2"));
    assert!(message(SteinKernel::gaussian(-1.0), 3, 3, Estimator::Biased).contains("positive"));
    let flat = SteinKernel::InverseMultiquadric { offset: 1.0, beta: -1.0 };
    assert!(message(flat, 3, 3, Estimator::Biased).contains("between −1 and 0"));
    assert!(message(SteinKernel::Gaussian { bandwidths: vec![1.0; 17] }, 3, 3, Estimator::Biased).contains("1 to 16"));
}
