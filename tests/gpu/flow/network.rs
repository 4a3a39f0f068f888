//! The velocity network, and the parameters that training leaves alone.

use super::GPU;
use pushforward::gpu::Recorder;
use pushforward::nn::{Activation, Adam, Builder, Time, TimeEmbedding, Velocity, VelocityShape, Weights};

const ROWS: usize = 70;

#[test]
fn at_one_time_for_all_rows_it_is_what_it_is_at_that_time_in_each() {
    let mut builder = Builder::new(1);
    let time = TimeEmbedding { count: 4, highest: 4.0 };
    let shape =
        VelocityShape { columns: 2, outputs: 2, width: 20, depth: 2, activation: Activation::Silu, input_gain: 2.0, time };
    let velocity = Velocity::new(&mut builder, "velocity", shape);
    let parameters = builder.build(&GPU).unwrap();
    let (x, t) = (GPU.zeros(ROWS, 2).unwrap(), GPU.upload(ROWS, 1, &[0.3; ROWS]).unwrap());
    // The last layer starts at zero: one step towards ones gives the network something to say.
    let mut rec = Recorder::new(&GPU, 2);
    let drawn = rec.normal(ROWS, 2).unwrap();
    let to = rec.tensor(&x);
    rec.copy_into(drawn, to).unwrap();
    let t_var = rec.tensor(&t);
    let v = velocity.forward(&mut rec, &parameters, drawn, t_var, Weights::Trained).unwrap();
    let ones = rec.constant(1.0, ROWS, 2).unwrap();
    let loss = pushforward::loss::mean_squared(&mut rec, v, ones).unwrap();
    rec.minimize(loss, &parameters, &Adam { learning_rate: 0.1, ema: 0.0, ..Adam::default() }).unwrap();
    rec.finish().unwrap().replay(1).unwrap();

    let mut rec = Recorder::new(&GPU, 2);
    let (x, t) = (rec.tensor(&x), rec.tensor(&t));
    let each = velocity.forward(&mut rec, &parameters, x, t, Weights::Trained).unwrap();
    let held = rec.constant(0.3, 1, 1).unwrap();
    let known = velocity.at(&mut rec, &parameters, x, Time::Known(0.3), Weights::Trained).unwrap();
    let held = velocity.at(&mut rec, &parameters, x, Time::Held(held), Weights::Trained).unwrap();
    let kept = [each, known, held].map(|v| rec.keep(v));
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    let [each, known, held] = kept.map(|v| step.read(v).unwrap());
    assert!(each.iter().any(|v| v.abs() > 0.01), "it still says nothing");
    for (a, (b, c)) in each.iter().zip(known.iter().zip(&held)) {
        assert!((a - b).abs() < 1e-5 && (a - c).abs() < 1e-5, "{a}, {b} and {c}");
    }
}

#[test]
fn what_is_fixed_is_not_moved_and_does_not_decay() {
    let mut builder = Builder::new(1);
    let fixed = builder.add("fixed", 1, 3, &[1.0, 2.0, 3.0]);
    builder.fix();
    let learned = builder.add("learned", 1, 3, &[1.0, 2.0, 3.0]);
    let parameters = builder.build(&GPU).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let (a, b) = (
        parameters.var(&mut rec, fixed, Weights::Trained).unwrap(),
        parameters.var(&mut rec, learned, Weights::Trained).unwrap(),
    );
    let product = rec.mul(a, b).unwrap();
    let loss = rec.mean(product).unwrap();
    rec.minimize(loss, &parameters, &Adam { learning_rate: 0.1, weight_decay: 0.5, ..Adam::default() }).unwrap();
    rec.finish().unwrap().replay(20).unwrap();
    let values: Vec<Vec<f32>> = parameters.averaged().unwrap().into_iter().map(|(_, _, _, values)| values).collect();
    assert_eq!(values[0], [1.0, 2.0, 3.0]);
    assert!(values[1].iter().zip([1.0, 2.0, 3.0]).all(|(v, start)| *v < start - 0.1), "{values:?}");
    let state = parameters.state().unwrap();
    assert_eq!(state[0].1[..3], [1.0, 2.0, 3.0]);
}
