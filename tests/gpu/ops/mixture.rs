use super::{GPU, input, numbers, run};
use pushforward::data::Mixture;
use pushforward::gpu::Recorder;
use pushforward::reference::Exact;
use pushforward::reference::mixture::{hessian_vector, log_density, score};

/// Numbers that are exact in f32, so that reference and shader see one distribution.
fn mixture(components: usize, d: usize) -> Mixture {
    let means: Vec<f64> = numbers(components * d, 11).into_iter().map(f64::from).collect();
    // Precisions that are powers of two.
    let deviations: Vec<f64> = (0..components * d).map(|i| 0.5 * [0.5, 1.0, 2.0][i % 3] * (d as f64).sqrt().round()).collect();
    let weights: Vec<f64> = (0..components).map(|k| 1.0 + (k % 3) as f64).collect();
    Mixture::new(d, &weights, &means, &deviations)
}

fn compare(components: usize, n: usize, d: usize) {
    let distribution = mixture(components, d);
    let (x, v) = (numbers(n * d, 1), numbers(n * d, 2));
    let found = run(|rec| {
        let (x, v) = (input(rec, n, d, &x), input(rec, n, d, &v));
        let density = rec.mixture_log_density(&distribution, x)?;
        let score = rec.mixture_score(&distribution, x)?;
        let gradient = rec.backward_from(&[(density, None)], &[x])?[0];
        let product = rec.backward_from(&[(score, Some(v))], &[x])?[0];
        let tangent = rec.tangent(score, &[(x, v)])?.expect("the score moves with x");
        // Both at once: the Hessian's product is added to the score that is already there.
        let both = rec.backward_from(&[(density, None), (score, Some(v))], &[x])?[0];
        Ok(vec![density, score, gradient, product, tangent, both])
    });
    let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
    let terms = components.max(d);
    let mut references = [(); 3].map(|()| Exact::new(terms));
    for (x, v) in wide(&x).chunks_exact(d).zip(wide(&v).chunks_exact(d)) {
        for (all, one) in references.iter_mut().zip([
            log_density(&distribution, x),
            score(&distribution, x),
            hessian_vector(&distribution, x, v),
        ]) {
            all.value.extend(one.value);
            all.scale.extend(one.scale);
        }
    }
    let [density, score, hessian] = references;
    let what = format!("K={components} n={n} d={d}");
    density.check(&format!("{what}: log-density"), &found[0]);
    score.check(&format!("{what}: score"), &found[1]);
    score.check(&format!("{what}: gradient of the log-density"), &found[2]);
    hessian.check(&format!("{what}: gradient of the score"), &found[3]);
    hessian.check(&format!("{what}: tangent of the score"), &found[4]);
    let mut both = Exact::new(terms);
    for i in 0..n * d {
        both.push_scaled(score.value[i] + hessian.value[i], score.scale[i] + hessian.scale[i]);
    }
    both.check(&format!("{what}: both"), &found[5]);
}

#[test]
fn density_score_and_hessian_match_their_references() {
    for n in [1, 63, 64, 65, 197] {
        compare(5, n, 2);
    }
    for d in [1, 2, 3, 17, 64] {
        compare(25, 20, d);
    }
    compare(1, 9, 2);
    compare(300, 9, 3);
}

#[test]
fn far_from_every_component_the_score_points_to_the_nearest() {
    let distribution = Mixture::equal(2, &[-2.0, 0.0, 2.0, 0.0], &[0.05]);
    let found = run(|rec| {
        let x = input(rec, 2, 2, &[30.0, 1.0, 0.5, -40.0]);
        Ok(vec![rec.mixture_score(&distribution, x)?, rec.mixture_log_density(&distribution, x)?])
    });
    let mut reference = Exact::new(2);
    [400.0 * -28.0, -400.0, 400.0 * 1.5, 400.0 * 40.0].into_iter().for_each(|s| reference.push([s]));
    reference.check("score", &found[0]);
    assert!(found[1].iter().all(|l| l.is_finite()), "{:?}", found[1]);
}

#[test]
fn points_of_another_dimension_and_too_many_columns_are_refused() {
    let message = |distribution: &Mixture, d: usize| {
        let mut rec = Recorder::new(&GPU, 0);
        let x = input(&mut rec, 2, d, &vec![0.0; 2 * d]);
        rec.mixture_score(distribution, x).unwrap_err().to_string()
    };
    assert!(message(&mixture(2, 3), 2).contains("2 coordinates and a mixture on 3"));
    assert!(message(&mixture(2, 65), 65).contains("64"));
}
