use super::{GPU, input, numbers};
use pushforward::gpu::Recorder;
use pushforward::loss::{Penalty, slope_penalty};
use pushforward::nn::{Builder, Head, Mlp, MlpShape, Weights};
use pushforward::ops::activation::Activation;
use pushforward::reference::{check_gradient, differences, perceptron::Perceptron};

const ROWS: usize = 7;
const INPUTS: usize = 3;

#[test]
fn a_penalty_on_slopes_and_its_gradient_in_the_weights_match_differences() {
    for form in [Penalty::Square, Penalty::TwoSided, Penalty::OneSided] {
        for activation in [Activation::Silu, Activation::Gelu, Activation::Softplus, Activation::Tanh] {
            check(form, activation);
        }
    }
}

fn check(form: Penalty, activation: Activation) {
    // A gain that puts slopes on both sides of one.
    let shape = MlpShape {
        inputs: INPUTS,
        outputs: 1,
        width: 5,
        depth: 2,
        activation,
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
    let value = slope_penalty(&mut rec, input, d, form).unwrap().penalty;
    // Scaled and added to another loss at other rows of the same network, as critics do.
    let other: Vec<f32> = numbers(ROWS * INPUTS, 6);
    let elsewhere = super::input(&mut rec, ROWS, INPUTS, &other);
    let there = net.apply(&mut rec, &layers, elsewhere).unwrap();
    let (mean, other_mean) = (rec.mean(d).unwrap(), rec.mean(there).unwrap());
    let mean = rec.blend(mean, other_mean, 0.5, -0.7).unwrap();
    let loss = rec.blend(mean, value, 1.0, 3.0).unwrap();
    let of: Vec<_> = layers.iter().flat_map(|&(w, b)| [w, b]).collect();
    let gradients = rec.backward(loss, &of).unwrap();
    let kept: Vec<_> = gradients.into_iter().map(|g| rec.keep(g)).collect();
    let value = rec.keep(value);
    let mut step = rec.finish().unwrap();
    step.replay(2).unwrap();

    let named = parameters.averaged().unwrap();
    let flat: Vec<f64> = named.iter().flat_map(|(.., values)| values).map(|&v| f64::from(v)).collect();
    let sizes: Vec<usize> = named.iter().map(|(.., values)| values.len()).collect();
    let [x, other] = [&x, &other].map(|values| values.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>());
    let expected = Perceptron::new(&flat, &sizes, activation).penalty(form, &x, INPUTS);
    let found = f64::from(step.read(value).unwrap()[0]);
    assert!((found - expected).abs() < 2e-5 * expected.max(0.1), "{form:?}, {activation:?}: {found} and {expected}");

    let total = |flat: &[f64]| {
        let net = Perceptron::new(flat, &sizes, activation);
        0.5 * net.mean(&x, INPUTS) - 0.7 * net.mean(&other, INPUTS) + 3.0 * net.penalty(form, &x, INPUTS)
    };
    let found: Vec<f64> = kept.into_iter().flat_map(|k| step.read(k).unwrap()).map(f64::from).collect();
    check_gradient(&format!("{form:?}, {activation:?}"), &found, &differences(&flat, total), 1e-5);
}
