use super::{input, run};
use pushforward::ops::adaptive::control_row;
use pushforward::reference::{Exact, adaptive};

#[test]
fn the_control_is_that_of_its_reference_wherever_a_step_may_end() {
    // Errors below and above the tolerance, none at all, one that is no number; a long way to go, a short one, back in time; over.
    for (from, to, h) in [(0.0, 1.0, 0.1), (0.0, 1.0, 1.0), (1.0, 0.0, -0.3), (0.5, 0.75, 0.2), (0.0, 1.0, 5e-7)] {
        for total in [0.0f32, 0.5, 60.0, 64.1, 1e9, f32::NAN, f32::INFINITY] {
            for state in [0.0, 1.0] {
                let mut row = control_row(from, to, h, 0.25);
                row[5] = state;
                let found = run(|rec| {
                    let (row, total) = (input(rec, 1, 16, &row), input(rec, 1, 1, &[total]));
                    rec.control_step(total, 64, row)?;
                    Ok(vec![row])
                });
                let expected = adaptive::control(row.map(f64::from), total.into(), 64);
                let mut reference = Exact::new(2);
                expected.iter().for_each(|&v| reference.push_scaled(v, 1.0f64.max(v.abs())));
                reference.check(&format!("control from {from} by {h}, {total}"), &found[0]);
            }
        }
    }
}

#[test]
fn only_a_step_that_was_taken_is_kept() {
    for taken in [0.0, 1.0] {
        let mut row = control_row(0.0, 1.0, 0.1, 0.25);
        row[13] = taken;
        let found = run(|rec| {
            let (row, x, y) = (input(rec, 1, 16, &row), input(rec, 70, 3, &[1.0; 210]), input(rec, 70, 3, &[2.0; 210]));
            rec.commit_step(y, row, x)?;
            Ok(vec![x])
        });
        assert_eq!(found[0], vec![1.0 + taken; 210]);
    }
}
