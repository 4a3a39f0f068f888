use super::{GPU, numbers};
use pushforward::gpu::Recorder;
use pushforward::ops::adam::{Adam, Flat, Schedule};
use pushforward::reference::{Exact, adam};

/// Runs `steps` updates with a fixed gradient and returns value, first, second, average.
fn run(start: &[f32], gradient: &[f32], adam: &Adam, steps: usize) -> [Vec<f32>; 4] {
    let n = start.len();
    let tensor = |values: &[f32]| GPU.upload(1, n, values).unwrap();
    let zero = vec![0.0; n];
    let buffers = [tensor(start), tensor(&zero), tensor(&zero), tensor(start)];
    let mut rec = Recorder::new(&GPU, 0);
    let g = tensor(gradient);
    let [value, first, second, average] = buffers.clone().map(|t| rec.tensor(&t));
    let gradient = rec.tensor(&g);
    rec.adam(Flat { value, gradient, first, second, average }, adam).unwrap();
    rec.finish().unwrap().replay(steps).unwrap();
    buffers.map(|t| t.read().unwrap())
}

#[test]
fn updates_match_their_reference_step_by_step() {
    let plain = Adam { learning_rate: 0.01, ..Adam::default() };
    let full = Adam {
        weight_decay: 0.1,
        grad_clip: Some(0.5),
        warmup_steps: 3,
        steps: 12,
        schedule: Schedule::Cosine,
        ema: 0.9,
        ..plain
    };
    // What Wasserstein critics are trained with: no momentum, and weights held in a box.
    let boxed = Adam { beta1: 0.0, beta2: 0.9, bound: 0.3, ..plain };
    for (name, adam) in [("adam", plain), ("adamw, clipped, scheduled", full), ("without momentum, in a box", boxed)] {
        for n in [4, 252, 256, 260, 1000] {
            for steps in [1, 2, 12, 15] {
                let (start, gradient) = (numbers(n, 1), numbers(n, 2));
                let found = run(&start, &gradient, &adam, steps);
                let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
                let mut reference = adam::State::new(&wide(&start));
                for t in 1..=steps {
                    reference.update(&wide(&gradient), &adam, t as u64);
                }
                // Every update rounds once more.
                for (what, found, expected) in [
                    ("value", &found[0], &reference.value),
                    ("first", &found[1], &reference.first),
                    ("second", &found[2], &reference.second),
                    ("average", &found[3], &reference.average),
                ] {
                    let mut checked = Exact::new(steps * steps);
                    expected.iter().for_each(|&v| checked.push_scaled(v, v.abs() + 0.02));
                    checked.check(&format!("{name}: {what} of {n} after {steps}"), found);
                }
            }
        }
    }
}

#[test]
fn the_first_step_moves_every_parameter_by_the_rate() {
    // m̂/√v̂ = ±1 whatever the gradient's size: Kingma & Ba, §2.1.
    let found = run(&[0.0; 4], &[1e-3, -5.0, 2e4, -1e-2], &Adam { learning_rate: 0.01, ..Adam::default() }, 1);
    for (x, expected) in found[0].iter().zip([-0.01, 0.01, -0.01, 0.01]) {
        assert!((x - expected).abs() < 1e-6, "{x}");
    }
}

#[test]
fn a_gradient_that_is_not_finite_changes_nothing() {
    for bad in [f32::NAN, f32::INFINITY] {
        let start = [1.0, 2.0, 3.0, 4.0];
        let found = run(&start, &[0.1, bad, 0.1, 0.1], &Adam::default(), 3);
        assert_eq!(found[0], start);
        assert_eq!(found[1], [0.0; 4]);
    }
}
