//! What holds of solvers for any linear field, step and solver.

use super::{ends, order_of, reference, starts};
use crate::shared::{Devices, wide};
use proptest::prelude::*;
use pushforward::flow::{Adaptive, Solver};
use pushforward::nn::Time;

static GPU: Devices = Devices::CHECKED;

fn solver() -> impl Strategy<Value = Solver> {
    (0..Solver::RUNGE_KUTTA.len()).prop_map(|k| Solver::RUNGE_KUTTA[k])
}

/// What a step of z = h·a multiplies by: the solver's stability function, from its tableau.
fn stability(solver: Solver, z: f64) -> f64 {
    let tableau = solver.tableau().expect("a Runge–Kutta method");
    let dot = |weights: &[f64], slopes: &[f64]| weights.iter().zip(slopes).map(|(w, k)| w * k).sum::<f64>();
    let mut slopes = vec![z];
    for weights in tableau.a {
        slopes.push(z * (1.0 + dot(weights, &slopes)));
    }
    1.0 + dot(tableau.b, &slopes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_linear_field_multiplies_by_the_stability_function(solver in solver(), a in -3.0..3.0f64, end in 0.1..2.0f64, steps in 1usize..12) {
        let a = f64::from(a as f32);
        let factor = stability(solver, a * end / steps as f64).powi(steps as i32);
        let found = ends(solver, (0.0, end), steps, |rec, x, _| rec.scale(x, a as f32));
        // A rounding a stage, of numbers no larger than the largest on the way.
        let size = factor.abs().max(1.0) * (a.abs() * end).exp();
        for (start, found) in starts().into_iter().zip(found) {
            prop_assert!((f64::from(found) - factor * f64::from(start)).abs() < 4e-6 * size, "{found} for {} of {start}", factor * f64::from(start));
        }
    }

    #[test]
    fn there_and_back_is_the_product_of_both_stability_functions(solver in solver(), a in -1.5..1.5f64, steps in 1usize..12) {
        // Of no solver here it is 1; how far it is from 1 falls by its order, which the other property pins.
        let a = f64::from(a as f32);
        let z = a / steps as f64;
        let factor = (stability(solver, z) * stability(solver, -z)).powi(steps as i32);
        let there = ends(solver, (0.0, 1.0), steps, |rec, x, _| rec.scale(x, a as f32));
        let back = super::ends_from(&there, solver, (1.0, 0.0), steps, |rec, x, _| rec.scale(x, a as f32));
        for (start, back) in wide(&starts()).into_iter().zip(back) {
            prop_assert!((f64::from(back) - factor * start).abs() < 2e-5, "{back} for {} of {start}", factor * start);
        }
        // Beside rounding, which is all that is left of a small step.
        prop_assert!((factor - 1.0).abs() < 3.0 * (2.0 * z.abs()).powi(order_of(solver) as i32 + 1) * steps as f64 + 1e-13);
    }

    #[test]
    fn errors_fall_by_the_order(solver in solver(), a in 0.5..3.0f64, w in 0.5..3.0f64, phase in 0.0..6.0f64) {
        // dx/dt = a sin(wt + φ)·x.
        let exact = (a / w * (phase.cos() - (w + phase).cos())).exp();
        let error = |steps| (reference(solver, steps, 1.0, |x, t| a * (w * t + phase).sin() * x) - exact).abs();
        // k^p·error(k) is c + d/k + …: from its values at k = 20 and 40 that at 320 is at most 1.875 and 0.875 of them, whatever c is, even where it
        // happens to vanish. Of an order less it is eight times that at 40.
        let order = order_of(solver) as i32;
        let scaled = |steps: u32| error(steps as usize) * f64::from(steps).powi(order);
        let (coarse, fine) = (scaled(20).max(scaled(40)), error(320));
        let bound = 4.0 * coarse / 320f64.powi(order) + 1e-13 * exact.max(1.0);
        prop_assert!(fine < bound, "{fine:e}, above {bound:e}");
    }

    #[test]
    fn steps_that_follow_their_error_keep_to_the_tolerance(a in -3.0..3.0f64, exponent in 1.5..5.0f64, end in 0.2..2.0f64) {
        let tolerance = 10f64.powf(-exponent);
        let a = f64::from(a as f32);
        let start = [1.0f32, -0.5, 2.0];
        let values = GPU.upload(3, 1, &start).unwrap();
        let mut field = |rec: &mut pushforward::gpu::Recorder, x: &[pushforward::gpu::Var], _: Time| Ok(vec![rec.scale(x[0], a as f32)?]);
        let mut adaptive = Adaptive::record(&GPU, std::slice::from_ref(&values), (0.0, end), tolerance, &mut field).unwrap();
        adaptive.run().unwrap();
        let growth = (a * end).exp();
        for (start, found) in start.into_iter().zip(values.read().unwrap()) {
            let off = (f64::from(found) - f64::from(start) * growth).abs();
            // The tolerance is of each step's error, relative and absolute; later steps multiply it.
            prop_assert!(off < 20.0 * tolerance * growth.max(1.0) * (1.0 + f64::from(start).abs()) + 1e-5 * growth, "{off} at {tolerance}");
        }
    }
}
