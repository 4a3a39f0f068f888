use super::{GPU, input, numbers, run};
use pushforward::gpu::Recorder;
use pushforward::reference::time::Embedding;
use pushforward::reference::{check_gradient, differences};

#[test]
fn the_references_gradient_is_the_derivative_and_the_tangent_agrees_with_it() {
    let (n, frequencies) = (7, [0.5, 1.25, 3.0]);
    let (t, d, t_dot) = (numbers(n, 1), numbers(6 * n, 2), numbers(n, 3));
    let reference = Embedding { t: &t, frequencies: &frequencies };
    let expected = reference.backward(&d).value;
    let at: Vec<f64> = t.iter().map(|&t| f64::from(t)).collect();
    let value = |t: &[f64]| {
        let angles = |t: f64| frequencies.map(|f| std::f64::consts::TAU * f64::from(f) * t);
        let e = t.iter().flat_map(|&t| angles(t).map(f64::cos).into_iter().chain(angles(t).map(f64::sin)));
        e.zip(&d).map(|(e, &d)| e * f64::from(d)).sum()
    };
    check_gradient("d_t", &expected, &differences(&at, value), 1e-7);

    let found = run(|rec| {
        let (t, f, t_dot) = (input(rec, n, 1, &t), input(rec, 1, 3, &frequencies), input(rec, n, 1, &t_dot));
        let e = rec.time_embedding(t, f)?;
        Ok(vec![rec.tangent(e, &[(t, t_dot)])?.expect("e depends on t")])
    });
    // ⟨d, J ṫ⟩ = ⟨Jᵀd, ṫ⟩.
    let left: f64 = found[0].iter().zip(&d).map(|(a, b)| f64::from(a * b)).sum();
    let right: f64 = expected.iter().zip(&t_dot).map(|(a, &b)| a * f64::from(b)).sum();
    check_gradient("both products", &[left], &[right], 1e-5);
}

#[test]
fn times_that_are_no_column_are_refused() {
    let mut rec = Recorder::new(&GPU, 0);
    let (t, f) = (input(&mut rec, 2, 3, &[0.0; 6]), input(&mut rec, 1, 4, &[0.0; 4]));
    let message = rec.time_embedding(t, f).unwrap_err().to_string();
    assert!(message.contains("times of 2 × 3 (one column is expected)"), "{message}");
}
