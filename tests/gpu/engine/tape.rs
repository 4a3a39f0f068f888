use super::GPU;
use pushforward::gpu::{Recorder, Var};

fn read(record: impl FnOnce(&mut Recorder) -> pushforward::Result<Vec<Var>>) -> Vec<Vec<f32>> {
    let mut rec = Recorder::new(&GPU, 0);
    let kept: Vec<_> = record(&mut rec).unwrap().into_iter().map(|v| rec.keep(v)).collect();
    let mut step = rec.finish().unwrap();
    // Twice: what accumulates must start afresh at every replay.
    step.replay(2).unwrap();
    kept.into_iter().map(|k| step.read(k).unwrap()).collect()
}

fn scalar(rec: &mut Recorder, value: f32) -> Var {
    let tensor = rec.gpu().upload(1, 1, &[value]).unwrap();
    rec.tensor(&tensor)
}

#[test]
fn a_value_used_many_times_gathers_all_its_cotangents() {
    // y = x² + 3x + x·x·x at x = 2: y' = 2x + 3 + 3x² = 19.
    let found = read(|rec| {
        let x = scalar(rec, 2.0);
        let (square, triple) = (rec.square(x)?, rec.scale(x, 3.0)?);
        let (product, first) = (rec.mul(x, x)?, rec.add(square, triple)?);
        let cube = rec.mul(product, x)?;
        let y = rec.add(first, cube)?;
        rec.backward(y, &[x])
    });
    assert_eq!(found, [[19.0]]);
}

#[test]
fn a_shared_cotangent_is_not_accumulated_into() {
    // a + b hands the same cotangent to both; a is used again, so its own copy must grow alone.
    let found = read(|rec| {
        let (a, b) = (scalar(rec, 2.0), scalar(rec, 5.0));
        let sum = rec.add(a, b)?;
        let product = rec.mul(sum, a)?;
        let loss = rec.square(product)?;
        rec.backward(loss, &[a, b])
    });
    // loss = ((a + b)a)²: ∂a = 2(a² + ab)(2a + b), ∂b = 2(a² + ab)a.
    assert_eq!(found, [[2.0 * 14.0 * 9.0], [2.0 * 14.0 * 2.0]]);
}

#[test]
fn numbers_known_while_recording_cost_no_dispatch() {
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.normal(100, 3).unwrap();
    let mean = rec.mean(x).unwrap();
    let loss = rec.scale(mean, 6.0).unwrap();
    let before = rec.len();
    let gradient = rec.backward(loss, &[x]).unwrap()[0];
    assert_eq!(rec.len(), before, "the gradient of a scaled mean is a constant");
    let kept = rec.keep(gradient);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    for g in step.read(kept).unwrap() {
        assert!((g - 0.02).abs() < 1e-8);
    }
}

#[test]
fn the_reverse_pass_is_pruned_to_what_is_asked() {
    let mut rec = Recorder::new(&GPU, 0);
    let (x, w) = (rec.normal(10, 3).unwrap(), rec.normal(10, 3).unwrap());
    let heavy = rec.exp(w).unwrap();
    let product = rec.mul(x, heavy).unwrap();
    let loss = rec.mean_square(product).unwrap();
    let before = rec.len();
    rec.backward(loss, &[x]).unwrap();
    let pruned = rec.len() - before;
    rec.backward(loss, &[x, w]).unwrap();
    assert!(pruned < rec.len() - before - pruned, "asking for x alone formed the gradient of w");
}

#[test]
fn what_the_loss_does_not_depend_on_has_gradient_zero() {
    let found = read(|rec| {
        let (x, y) = (scalar(rec, 2.0), scalar(rec, 3.0));
        let loss = rec.square(x)?;
        rec.backward(loss, &[x, y])
    });
    assert_eq!(found, [[4.0], [0.0]]);
}

#[test]
fn gradients_land_in_their_destinations() {
    let destination = GPU.upload(1, 2, &[7.0, 7.0]).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let x = GPU.upload(1, 2, &[3.0, -1.0]).unwrap();
    let x = rec.tensor(&x);
    let to = rec.tensor(&destination);
    rec.set_gradient(x, to).unwrap();
    let (square, cube) = (rec.square(x).unwrap(), rec.mul(x, x).unwrap());
    let both = rec.add(square, cube).unwrap();
    let loss = rec.sum(both).unwrap();
    rec.backward(loss, &[x]).unwrap();
    rec.finish().unwrap().replay(3).unwrap();
    assert_eq!(destination.read().unwrap(), [12.0, -4.0]);
}
