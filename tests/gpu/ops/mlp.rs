use super::{GPU, input, numbers, run};
use pushforward::nn::{Builder, Head, Mlp, MlpShape, Weights};
use pushforward::ops::activation::Activation;
use pushforward::reference::{Exact, activation};

#[test]
fn hidden_units_alone_pass_the_activation() {
    let shape = MlpShape {
        inputs: 3,
        outputs: 2,
        width: 17,
        depth: 2,
        activation: Activation::Silu,
        head: Head::Free,
        input_gain: 1.0,
        zero_last: false,
    };
    let mut builder = Builder::new(3);
    let net = Mlp::new(&mut builder, "net", shape);
    let parameters = builder.build(&GPU).expect("builds");
    let x = numbers(9 * 3, 1);
    let found = run(|rec| {
        let x = input(rec, 9, 3, &x);
        Ok(vec![net.forward(rec, &parameters, x, Weights::Trained)?])
    });
    let layers = parameters.averaged().expect("reads");
    let mut h: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let mut scale = 0.0f64;
    for (layer, pair) in layers.chunks_exact(2).enumerate() {
        let ((_, k, m, w), (_, _, _, b)) = (&pair[0], &pair[1]);
        let a: Vec<f64> = h.iter().map(|&x| if layer == 0 { x } else { activation::value(Activation::Silu, x) }).collect();
        let y =
            |row: &[f64], j: usize| f64::from(b[j]) + row.iter().zip(0..).map(|(a, q)| a * f64::from(w[q * m + j])).sum::<f64>();
        h = a.chunks_exact(*k).flat_map(|row| (0..*m).map(move |j| y(row, j)).collect::<Vec<_>>()).collect();
        scale = h.iter().fold(scale, |most, y| most.max(y.abs()));
    }
    Exact { scale: vec![scale; h.len()], value: h, terms: 3 + 2 * 17 }.check("a perceptron", &found[0]);
}
