//! Chains in Gaussian targets, where moments are known.

use super::GPU;
use pushforward::flow::chain::{Walk, walk};
use pushforward::gpu::{Recorder, Var};

const CHAINS: usize = 4096;
/// Variances of the target's columns, which are independent.
const VARIANCES: [f32; 3] = [1.0, 0.25, 2.0];

fn energy(rec: &mut Recorder, x: Var) -> pushforward::Result<Var> {
    let precisions = rec.gpu().upload(1, 3, &VARIANCES.map(|v| 0.5 / v))?;
    let precisions = rec.tensor(&precisions);
    let squares = rec.square(x)?;
    let squares = rec.mul(squares, precisions)?;
    rec.sum_cols(squares)
}

/// Rows after a walk from standard deviations ½, accepted shares, and steps.
fn walked(h: f32, how: Walk) -> (Vec<f32>, f64, Vec<f32>) {
    let mut rec = Recorder::new(&GPU, 3);
    let noise = rec.normal(CHAINS, 3).unwrap();
    let x = rec.scale(noise, 0.5).unwrap();
    let log_step = rec.constant(h.ln(), CHAINS, 1).unwrap();
    let found = walk(&mut rec, x, 3, log_step, how, &mut energy, &mut |_, _| Ok(())).unwrap();
    let kept = [x, found.accepted, found.log_step].map(|v| rec.keep(v));
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    let [x, accepted, log_step] = kept.map(|k| step.read(k).unwrap());
    let share = accepted.iter().map(|&a| f64::from(a)).sum::<f64>() / (CHAINS * how.moves) as f64;
    (x, share, log_step)
}

fn check_moments(what: &str, rows: &[f32], variances: [f64; 3]) {
    let n = CHAINS as f64;
    for (j, exact) in variances.into_iter().enumerate() {
        let column = || rows.iter().skip(j).step_by(3).map(|&v| f64::from(v));
        let (mean, variance) = (column().sum::<f64>() / n, column().map(|v| v * v).sum::<f64>() / n);
        // Standard errors over independent chains: s/√n, and s²√(2/n).
        assert!(mean.abs() < 4.0 * (exact / n).sqrt(), "{what}: the mean of column {j} is {mean}");
        let off = (variance - exact) / (exact * (2.0 / n).sqrt());
        assert!(off.abs() < 4.0, "{what}: the variance of column {j} is {variance} and should be {exact} ({off:.1} errors)");
    }
}

#[test]
fn corrected_chains_have_the_targets_moments_whatever_their_step() {
    for (h, moves) in [(0.05, 150), (0.3, 60)] {
        let (rows, accepted, _) = walked(h, Walk { moves, corrected: true, adapting: 0, rate: 0.0 });
        println!("step {h}: accepted {accepted:.3}");
        check_moments(&format!("step {h}"), &rows, VARIANCES.map(f64::from));
        assert!(if h < 0.1 { accepted > 0.95 } else { (0.3..0.95).contains(&accepted) }, "accepted {accepted}");
    }
}

#[test]
fn without_correction_variances_are_off_as_the_formula_says() {
    let h = 0.2;
    let (rows, accepted, _) = walked(h, Walk { moves: 60, corrected: false, adapting: 0, rate: 0.0 });
    assert_eq!(accepted, 1.0);
    // The fixed point of v ← v(1 − h/s²)² + 2h.
    check_moments("uncorrected", &rows, VARIANCES.map(|v| f64::from(v) / (1.0 - f64::from(h) / (2.0 * f64::from(v)))));
}

#[test]
fn steps_follow_the_acceptance_that_is_wanted() {
    let how = Walk { moves: 300, corrected: true, adapting: 200, rate: 0.1 };
    let (rows, _, log_steps) = walked(1e-3, how);
    let (_, accepted, _) = {
        let mean = log_steps.iter().sum::<f32>() / log_steps.len() as f32;
        walked(mean.exp(), Walk { moves: 60, corrected: true, adapting: 0, rate: 0.0 })
    };
    println!("accepted {accepted:.3} by the mean of the adapted steps");
    check_moments("adapted", &rows, VARIANCES.map(f64::from));
    assert!((0.4..0.75).contains(&accepted), "{accepted}");
}
