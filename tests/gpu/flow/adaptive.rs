//! Steps that follow their error.

use super::GPU;
use pushforward::flow::{Adaptive, Effort};
use pushforward::gpu::{Recorder, Var};
use pushforward::nn::Time;

fn run(
    from: f64,
    to: f64,
    tolerance: f64,
    start: &[f32],
    mut field: impl FnMut(&mut Recorder, Var, Time) -> pushforward::Result<Var>,
) -> pushforward::Result<(Vec<f32>, Effort)> {
    let mut field = |rec: &mut Recorder, x: &[Var], t: Time| Ok(vec![field(rec, x[0], t)?]);
    let values = GPU.upload(start.len(), 1, start)?;
    let mut adaptive = Adaptive::record(&GPU, std::slice::from_ref(&values), (from, to), tolerance, &mut field)?;
    // Twice: nothing of the first run may be left in the second.
    adaptive.run()?;
    values.write(start)?;
    let effort = adaptive.run()?;
    Ok((values.read()?, effort))
}

/// A time as a value of the recording.
fn held(rec: &mut Recorder, t: Time) -> Var {
    match t {
        Time::Known(t) => rec.constant(t as f32, 1, 1).unwrap(),
        Time::Held(t) => t,
    }
}

#[test]
fn a_smaller_tolerance_takes_more_steps_to_a_smaller_error() {
    // dx/dt = 3 sin(2t)·x, forwards and back.
    let exact = |from: f64, to: f64| (1.5 * ((2.0 * from).cos() - (2.0 * to).cos())).exp();
    for (from, to) in [(0.0, 2.0), (2.0, 0.0)] {
        let mut last = (f64::INFINITY, 0);
        for tolerance in [1e-2, 1e-3, 1e-4, 1e-5] {
            let (found, effort) = run(from, to, tolerance, &[1.0, -0.5], |rec, x, t| {
                let t = held(rec, t);
                let angle = rec.scale(t, 2.0)?;
                let sine = rec.sin(angle)?;
                let slope = rec.mul(x, sine)?;
                rec.scale(slope, 3.0)
            })
            .unwrap();
            let error = (f64::from(found[0]) / exact(from, to) - 1.0).abs();
            println!("{from} to {to}, tolerance {tolerance:e}: error {error:.1e}, {effort:?}");
            assert!(error < 10.0 * tolerance && error < last.0.max(2e-6), "error {error} at tolerance {tolerance}");
            assert!(effort.taken >= last.1 && effort.evaluations() == 1 + 6 * (effort.taken + effort.refused));
            assert!((found[1] / found[0] + 0.5).abs() < 1e-5);
            last = (error, effort.taken);
        }
        assert!(last.1 < 60, "{} steps", last.1);
    }
}

#[test]
fn a_field_that_runs_away_is_reported_with_its_time() {
    // dx/dt = x² from 1 is 1/(1 − t): it has no value at 1.
    let refused = run(0.0, 2.0, 1e-3, &[1.0], |rec, x, _| rec.square(x)).unwrap_err().to_string();
    let at: f64 = refused.split("t = ").nth(1).and_then(|t| t.split(' ').next()).and_then(|t| t.parse().ok()).expect("a time");
    assert!((at - 1.0).abs() < 0.01, "{refused}");
}

#[test]
fn a_tolerance_that_is_none_or_below_single_precision_is_refused() {
    for tolerance in [0.0, -1.0, f64::NAN, 1e-12, 0.9e-6] {
        let refused = run(0.0, 1.0, tolerance, &[1.0], |_, x, _| Ok(x)).err().map(|e| e.to_string());
        assert!(refused.as_ref().is_some_and(|e| e.contains("tolerance")), "{refused:?}");
    }
    assert!(run(1.0, 1.0, 1e-3, &[1.0], |_, x, _| Ok(x)).is_err());
}
