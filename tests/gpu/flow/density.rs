//! Densities by the continuity equation.

use super::{GPU, starts};
use pushforward::flow::{Grid, Solver, divergence, follow, probed_divergence};
use pushforward::gpu::Recorder;
use pushforward::ops::activation::Activation;
use pushforward::ops::random::Distribution;

#[test]
fn a_linear_field_has_the_trace_of_its_matrix() {
    // v = xA (closed form 18): ln ρ falls by T·tr A along every path.
    let a = [0.3f32, -1.0, 0.5, 0.2, -0.7, 0.1, 1.1, 0.4, 0.9];
    let (rows, time) = (22, 0.8);
    let (x, a_tensor) = (GPU.upload(rows, 3, &[starts(), starts()].concat()[..3 * rows]).unwrap(), GPU.upload(3, 3, &a).unwrap());
    let mut rec = Recorder::new(&GPU, 0);
    let (x, matrix) = (rec.tensor(&x), rec.tensor(&a_tensor));
    let zero = rec.constant(0.0, rows, 1).unwrap();
    let times = Grid::Uniform.times(0.0, time, 5).unwrap();
    let states = follow(&mut rec, Solver::Rk4, &times, &[x, zero], &mut |rec, state, _| {
        let v = rec.linear(state[0], matrix, None, Activation::Identity)?;
        Ok(vec![v, divergence(rec, v, state[0])?])
    })
    .unwrap();
    let gained = rec.keep(states[5][1]);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    let expected = time * f64::from(a[0] + a[4] + a[8]);
    for found in step.read(gained).unwrap() {
        assert!((f64::from(found) - expected).abs() < 1e-6, "{found} where theory says {expected}");
    }
}

#[test]
fn a_bent_field_has_the_divergence_of_central_differences() {
    // v = tanh(xA)B, whose divergence depends on the place.
    let (a, b) = ([0.9f32, -0.4, 0.3, 1.2], [0.5f32, -1.0, 0.8, 0.6]);
    let rows = 32;
    let values = &starts()[..2 * rows];
    let [x, a_tensor, b_tensor] = [(rows, values), (2, &a[..]), (2, &b[..])].map(|(n, v)| GPU.upload(n, 2, v).unwrap());
    let mut rec = Recorder::new(&GPU, 0);
    let (x, first, second) = (rec.tensor(&x), rec.tensor(&a_tensor), rec.tensor(&b_tensor));
    let h = rec.linear(x, first, None, Activation::Identity).unwrap();
    let v = rec.linear(h, second, None, Activation::Tanh).unwrap();
    let found = divergence(&mut rec, v, x).unwrap();
    let found = rec.keep(found);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    let field = |p: [f64; 2]| {
        let [a, b] = [a, b].map(|m| m.map(f64::from));
        let h = [p[0] * a[0] + p[1] * a[2], p[0] * a[1] + p[1] * a[3]].map(f64::tanh);
        [h[0] * b[0] + h[1] * b[2], h[0] * b[1] + h[1] * b[3]]
    };
    let e = 1e-5;
    for (row, found) in values.chunks_exact(2).zip(step.read(found).unwrap()) {
        let [p, q] = [0, 1].map(|i| f64::from(row[i]));
        let expected = (field([p + e, q])[0] - field([p - e, q])[0] + field([p, q + e])[1] - field([p, q - e])[1]) / (2.0 * e);
        assert!((f64::from(found) - expected).abs() < 2e-6, "{found} where differences say {expected}");
    }
}

#[test]
fn probes_of_a_divergence_are_unbiased_with_the_variance_of_theory() {
    // v = xA (closed form 18): the mean of εᵀAε is tr A, its variance 2Σ_{i≠j} A_s² for signs.
    let a = [0.3f32, -1.0, 0.5, 0.2, -0.7, 0.1, 1.1, 0.4, 0.9];
    let rows = 40_000;
    let (x, a_tensor) = (GPU.zeros(rows, 3).unwrap(), GPU.upload(3, 3, &a).unwrap());
    let mut rec = Recorder::new(&GPU, 5);
    let (x, matrix) = (rec.tensor(&x), rec.tensor(&a_tensor));
    let v = rec.linear(x, matrix, None, Activation::Identity).unwrap();
    let signs = rec.random(Distribution::Sign, rows, 3).unwrap();
    let found = probed_divergence(&mut rec, v, x, signs).unwrap();
    let found = rec.keep(found);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    let found: Vec<f64> = step.read(found).unwrap().into_iter().map(f64::from).collect();
    let a = a.map(f64::from);
    let off = |i: usize, j: usize| if i == j { 0.0 } else { (0.5 * (a[3 * i + j] + a[3 * j + i])).powi(2) };
    let variance = 2.0 * (0..9).map(|k| off(k / 3, k % 3)).sum::<f64>();
    let n = rows as f64;
    let mean = found.iter().sum::<f64>() / n;
    let spread = found.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    println!("mean {mean:.4}, variance {spread:.4} where theory says {variance:.4}");
    assert!((mean - (a[0] + a[4] + a[8])).abs() < 4.0 * (variance / n).sqrt(), "mean {mean}");
    assert!((spread / variance - 1.0).abs() < 0.05, "variance {spread} where theory says {variance}");
}
