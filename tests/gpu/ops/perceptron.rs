use super::{GPU, families, input, numbers, run_on, wide};
use pushforward::gpu::{Family, Gpu, Recorder, Var};
use pushforward::nn::{Builder, Head, Mlp, MlpShape, Parameters, Weights};
use pushforward::ops::activation::Activation;
use pushforward::reference::{check_gradient, differences, perceptron::Perceptron};

/// A network, its values, and its reference.
struct Net {
    mlp: Mlp,
    parameters: Parameters,
    reference: Perceptron,
    flat: Vec<f64>,
    sizes: Vec<usize>,
}

fn net(inputs: usize, width: usize, depth: usize, outputs: usize, activation: Activation) -> Net {
    let shape = MlpShape { inputs, outputs, width, depth, activation, head: Head::Free, input_gain: 1.0, zero_last: false };
    let mut builder = Builder::new(3);
    let mlp = Mlp::new(&mut builder, "net", shape);
    let parameters = builder.build(&GPU).unwrap();
    let named = parameters.averaged().unwrap();
    let sizes: Vec<usize> = named.iter().map(|(.., values)| values.len()).collect();
    let flat: Vec<f64> = named.iter().flat_map(|(.., values)| wide(values)).collect();
    Net { reference: Perceptron::new(&flat, &sizes, activation), mlp, parameters, flat, sizes }
}

impl Net {
    fn weights(&self) -> usize {
        self.sizes.iter().step_by(2).sum()
    }

    fn record(&self, rec: &mut Recorder, x: Var) -> pushforward::Result<Var> {
        let layers = self.mlp.layers(rec, &self.parameters, Weights::Trained)?;
        rec.perceptron(x, &layers, self.mlp.shape().activation)
    }
}

/// The value for n rows, and whether it took one dispatch.
fn check(gpu: &Gpu, net: &Net, n: usize) -> bool {
    let shape = net.mlp.shape();
    let x = numbers(n * shape.inputs, 1);
    let mut once = false;
    let found = run_on(gpu, |rec| {
        let x = input(rec, n, shape.inputs, &x);
        let y = net.record(rec, x)?;
        once = rec.len() == 1;
        Ok(vec![y])
    });
    net.reference.outputs(&wide(&x), shape.inputs).check(&format!("{:?} {n} rows of {shape:?}", gpu.family()), &found[0]);
    once
}

#[test]
fn it_matches_the_reference_at_edge_sizes_however_it_is_computed() {
    for gpu in families() {
        for (inputs, depth, outputs) in [(1, 1, 1), (2, 2, 3), (3, 3, 2), (17, 2, 5)] {
            for width in [5, 20, 64] {
                let net = net(inputs, width, depth, outputs, Activation::Silu);
                for n in [1, 31, 33, 197] {
                    let expected = match gpu.family() {
                        Family::Workgroup => width.is_multiple_of(4),
                        Family::Subgroup { .. } if gpu.has_slow_compiler() => false,
                        Family::Subgroup { width: lanes } => width.is_multiple_of(4 * lanes as usize) && n >= net.weights(),
                        Family::Register => false,
                    };
                    assert_eq!(check(&gpu, &net, n), expected, "{:?} {n} rows, width {width}", gpu.family());
                }
            }
        }
    }
}

#[test]
fn rows_enough_for_a_software_adapter_take_one_dispatch_and_match_the_reference() {
    for (depth, outputs, n, activation) in
        [(1, 1, 1023, Activation::Gelu), (2, 2, 7001, Activation::Silu), (3, 7, 9000, Activation::Tanh)]
    {
        let net = net(2, 64, depth, outputs, activation);
        assert_eq!(
            check(&GPU, &net, n),
            GPU.family() == Family::Workgroup || matches!(GPU.family(), Family::Subgroup { .. }) && !GPU.has_slow_compiler(),
            "{n} rows, depth {depth}"
        );
    }
}

#[test]
fn every_activation_is_applied_between_its_layers() {
    for activation in Activation::ALL {
        let net = net(2, 64, 1, 1, activation);
        assert!(check(&GPU.with_family(Family::Workgroup), &net, 200), "{activation:?} in one dispatch");
        check(&GPU, &net, 200);
    }
}

#[test]
fn its_derivatives_are_those_of_the_layers() {
    let net = net(3, 20, 2, 2, Activation::Silu);
    let (n, x) = (9, numbers(27, 1));
    let (d, x_dot) = (numbers(2 * n, 2), numbers(3 * n, 3));
    for gpu in [GPU.with_family(Family::Workgroup), GPU.with_family(Family::Register)] {
        let found = run_on(&gpu, |rec| {
            let (x, d, x_dot) = (input(rec, n, 3, &x), input(rec, n, 2, &d), input(rec, n, 3, &x_dot));
            let y = net.record(rec, x)?;
            let tangent = rec.tangent(y, &[(x, x_dot)])?.expect("it depends on x");
            // Of first order through the value, of second through the tangent.
            let layers = net.mlp.layers(rec, &net.parameters, Weights::Averaged)?;
            let frozen = rec.perceptron(x, &layers, Activation::Silu)?;
            let slopes = rec.backward_from(&[(frozen, Some(d))], &[x, layers[0].0, layers[0].1, layers[1].0, layers[2].1])?;
            let second = rec.backward_from(&[(tangent, Some(d))], &[x])?;
            Ok([tangent].into_iter().chain(slopes).chain(second).collect())
        });
        let value = |net: &Perceptron, x: &[f64]| {
            let outputs = x.chunks_exact(3).flat_map(|row| net.outputs(row, 3).value);
            outputs.zip(&d).map(|(y, &d)| y * f64::from(d)).sum::<f64>()
        };
        let (x, x_dot) = (wide(&x), wide(&x_dot));
        check_gradient("d_x", &wide(&found[1]), &differences(&x, |x| value(&net.reference, x)), 1e-5);
        let of_weights = differences(&net.flat, |flat| value(&Perceptron::new(flat, &net.sizes, Activation::Silu), &x));
        let begin = |slice: usize| net.sizes[..slice].iter().sum::<usize>();
        for (found, slice) in found[2..6].iter().zip([0, 1, 2, 5]) {
            let expected = &of_weights[begin(slice)..][..net.sizes[slice]];
            check_gradient(&format!("slice {slice}"), &wide(found), expected, 1e-5);
        }
        let moved = |x: &[f64], h: f64| x.iter().zip(&x_dot).map(|(x, v)| x + h * v).collect::<Vec<_>>();
        let along = |x: &[f64]| {
            let h = 1e-3;
            let at = |k: f64| value(&net.reference, &moved(x, k * h));
            (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * h)
        };
        let dotted: f64 = wide(&found[0]).iter().zip(&d).map(|(t, &d)| t * f64::from(d)).sum();
        check_gradient("tangent", &[dotted], &[along(&x)], 1e-5);
        check_gradient("gradient of the tangent", &wide(&found[6]), &differences(&x, along), 1e-5);
    }
}

#[test]
fn layers_that_do_not_fit_are_refused() {
    let mut rec = Recorder::new(&GPU, 0);
    let (x, w, b) = (input(&mut rec, 2, 3, &[0.0; 6]), input(&mut rec, 4, 4, &[0.0; 16]), input(&mut rec, 1, 4, &[0.0; 4]));
    let message = rec.perceptron(x, &[(w, b)], Activation::Silu).unwrap_err().to_string();
    assert!(message.contains("layer 0: 4 × 4 with a bias of 1 × 4 on 3 columns"), "{message}");
    assert!(rec.perceptron(x, &[], Activation::Silu).is_err());
}
