use crate::{GPU, input, numbers};
use pushforward::gpu::Recorder;
use pushforward::loss::{Penalty, slope_penalty};
use pushforward::nn::{Builder, Head, Mlp, MlpShape, Weights};
use pushforward::ops::activation::Activation;
use pushforward::reference::{activation, check_gradient, differences};

const ROWS: usize = 7;
const INPUTS: usize = 3;
const ACT: Activation = Activation::Silu;

/// ∇ₓD of a perceptron in f64, by the chain rule; `layers` are (weights, biases) of in × out.
fn slope(layers: &[(Vec<f64>, Vec<f64>)], x: &[f64]) -> Vec<f64> {
    let (mut h, mut held) = (x.to_vec(), Vec::new());
    for (layer, (w, b)) in layers.iter().enumerate() {
        let a: Vec<f64> = h.iter().map(|&v| if layer == 0 { v } else { activation::value(ACT, v) }).collect();
        held.push(h);
        h = (0..b.len()).map(|j| b[j] + (0..a.len()).map(|i| a[i] * w[i * b.len() + j]).sum::<f64>()).collect();
    }
    let mut back = vec![1.0];
    for (layer, (w, b)) in layers.iter().enumerate().rev() {
        let through = |i: usize| (0..b.len()).map(|j| w[i * b.len() + j] * back[j]).sum::<f64>();
        let bend = |v: f64| if layer == 0 { 1.0 } else { activation::slope(ACT, v) };
        back = held[layer].iter().enumerate().map(|(i, &v)| bend(v) * through(i)).collect();
    }
    back
}

fn penalty_of(form: Penalty, layers: &[(Vec<f64>, Vec<f64>)], x: &[f64]) -> f64 {
    let of_row = |row: &[f64]| {
        let length = slope(layers, row).iter().map(|g| g * g).sum::<f64>().sqrt();
        match form {
            Penalty::Square => length * length,
            Penalty::TwoSided => (length - 1.0).powi(2),
            Penalty::OneSided => (length - 1.0).max(0.0).powi(2),
        }
    };
    x.chunks_exact(INPUTS).map(of_row).sum::<f64>() / ROWS as f64
}

#[test]
fn a_penalty_on_slopes_and_its_gradient_in_the_weights_match_differences() {
    for form in [Penalty::Square, Penalty::TwoSided, Penalty::OneSided] {
        // A gain that puts slopes on both sides of one.
        let shape = MlpShape {
            inputs: INPUTS,
            outputs: 1,
            width: 5,
            depth: 2,
            activation: ACT,
            head: Head::Free,
            input_gain: 4.0,
            zero_last: false,
        };
        let mut builder = Builder::with_domain(3, 1);
        let net = Mlp::new(&mut builder, "critic", shape);
        let parameters = builder.build(&GPU).unwrap();
        let x = numbers(ROWS * INPUTS, 5);
        let mut rec = Recorder::new(&GPU, 0);
        let input = input(&mut rec, ROWS, INPUTS, &x);
        let layers = net.layers(&mut rec, &parameters, Weights::Trained).unwrap();
        let d = net.apply(&mut rec, &layers, input).unwrap();
        let value = slope_penalty(&mut rec, input, d, form).unwrap();
        // Scaled and added to another loss, as critics do.
        let mean = rec.mean(d).unwrap();
        let loss = rec.blend(mean, value, 0.5, 3.0).unwrap();
        let of: Vec<_> = layers.iter().flat_map(|&(w, b)| [w, b]).collect();
        let gradients = rec.backward(loss, &of).unwrap();
        let kept: Vec<_> = gradients.into_iter().map(|g| rec.keep(g)).collect();
        let value = rec.keep(value);
        let mut step = rec.finish().unwrap();
        step.replay(2).unwrap();

        let named = parameters.averaged().unwrap();
        let flat: Vec<f64> = named.iter().flat_map(|(.., values)| values).map(|&v| f64::from(v)).collect();
        let sizes: Vec<usize> = named.iter().map(|(.., values)| values.len()).collect();
        let split = |flat: &[f64]| {
            let mut rest = flat;
            let mut parts = sizes.iter().map(|&size| {
                let (part, after) = rest.split_at(size);
                rest = after;
                part.to_vec()
            });
            std::iter::from_fn(|| parts.next().zip(parts.next())).collect::<Vec<_>>()
        };
        let x: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
        let expected = penalty_of(form, &split(&flat), &x);
        let found = f64::from(step.read(value).unwrap()[0]);
        assert!((found - expected).abs() < 2e-5 * expected.max(0.1), "{form:?}: {found} and {expected}");

        // Of the penalty by differences, of the mean by the same network: D is linear in its last layer.
        let forward = |layers: &[(Vec<f64>, Vec<f64>)], x: &[f64]| {
            layers.iter().enumerate().fold(x.to_vec(), |h, (layer, (w, b))| {
                let a: Vec<f64> = h.iter().map(|&v| if layer == 0 { v } else { activation::value(ACT, v) }).collect();
                (0..b.len()).map(|j| b[j] + (0..a.len()).map(|i| a[i] * w[i * b.len() + j]).sum::<f64>()).collect()
            })[0]
        };
        let total = |flat: &[f64]| {
            let layers = split(flat);
            let mean = x.chunks_exact(INPUTS).map(|row| forward(&layers, row)).sum::<f64>() / ROWS as f64;
            0.5 * mean + 3.0 * penalty_of(form, &layers, &x)
        };
        let found: Vec<f64> = kept.into_iter().flat_map(|k| step.read(k).unwrap()).map(f64::from).collect();
        check_gradient(&format!("{form:?}"), &found, &differences(&flat, total), 1e-5);
    }
}
