//! Energies and their drift against their f64 references, and the references against differences.

use super::GPU;
use pushforward::flow::Energy;
use pushforward::gpu::{Recorder, Var};
use pushforward::reference::{Exact, check_gradient, differences};

const SIZES: [(usize, usize); 6] = [(1, 1), (255, 1), (64, 2), (257, 3), (3, 17), (83, 64)];
const TIME: f64 = 0.17;

/// Numbers on both sides of the wells.
fn points(count: usize) -> Vec<f32> {
    (0..count).map(|i| 2.2 * ((i as f32 * 0.754_877_7 + 0.3).fract() - 0.5) * 2.0).collect()
}

fn run(record: impl FnOnce(&mut Recorder) -> pushforward::Result<Vec<Var>>) -> Vec<Vec<f32>> {
    let mut rec = Recorder::new(&GPU, 0);
    let kept: Vec<_> = record(&mut rec).unwrap().into_iter().map(|v| rec.keep(v)).collect();
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    kept.into_iter().map(|k| step.read(k).unwrap()).collect()
}

/// Where rows end, as a row of f64 does: `gradient` or `descend`.
fn reference(energy: Energy, descends: bool, row: &[f64]) -> Vec<f64> {
    if descends { energy.descended(row, TIME) } else { energy.gradient_at(row) }
}

fn record(energy: Energy, descends: bool, rec: &mut Recorder, x: Var) -> pushforward::Result<Var> {
    if descends { energy.descend(rec, x, TIME) } else { energy.gradient(rec, x) }
}

#[test]
fn recorded_gradients_and_drifts_and_their_gradients_match_their_references() {
    for energy in Energy::ALL {
        for (rows, cols) in SIZES {
            let (values, weights) = (points(rows * cols), points(rows * cols + 7)[7..].to_vec());
            let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
            let (x, w) = (wide(&values), wide(&weights));
            for descends in [false, true] {
                let found = run(|rec| {
                    let [x, w] = [&values, &weights].map(|v| rec.gpu().upload(rows, cols, v).expect("uploads"));
                    let (x, w) = (rec.tensor(&x), rec.tensor(&w));
                    let y = record(energy, descends, rec, x)?;
                    let weighted = rec.mul(y, w)?;
                    let loss = rec.sum(weighted)?;
                    let back = rec.backward(loss, &[x])?[0];
                    Ok(vec![y, back])
                });
                let (mut expected, mut slopes) = (Exact::new(cols), Exact::new(cols));
                for (row, w) in x.chunks_exact(cols).zip(w.chunks_exact(cols)) {
                    let largest = row.iter().map(|x| x.abs()).fold(0.0, f64::max);
                    let square: f64 = row.iter().map(|x| x * x).sum();
                    for (y, x) in reference(energy, descends, row).into_iter().zip(row) {
                        // 4x(x² − 1) cancels near the wells.
                        let terms = if descends { y.abs() } else { 4.0 * x.abs() * (square + 1.0) };
                        expected.push_scaled(y, terms);
                    }
                    let along = |row: &[f64]| reference(energy, descends, row).iter().zip(w).map(|(y, w)| y * w).sum::<f64>();
                    for slope in differences(row, along) {
                        // Differences are exact to 1e-9 or so of the values.
                        slopes.push_scaled(slope, 12.0 * (square + 1.0) * cols as f64 * (1.0 + largest));
                    }
                }
                let what = format!("{energy:?} {rows}×{cols}, descends: {descends}");
                expected.check(&what, &found[0]);
                slopes.check(&format!("{what}, backward"), &found[1]);
            }
        }
    }
}

#[test]
fn the_references_are_derivatives_of_the_energy() {
    for energy in Energy::ALL {
        for cols in [1, 2, 5] {
            let row: Vec<f64> = points(cols).into_iter().map(f64::from).collect();
            let expected = differences(&row, |row| energy.value_at(row));
            check_gradient(energy.name(), &energy.gradient_at(&row), &expected, 1e-8);
        }
        for x in [-1.7, -0.3, 0.0, 0.4, 2.1] {
            let [value, slope, curvature] = energy.on_line(x);
            assert!((value - energy.value_at(&[x])).abs() < 1e-12, "{energy:?} at {x}");
            check_gradient(energy.name(), &[slope], &differences(&[x], |x| energy.on_line(x[0])[0]), 1e-7);
            check_gradient(energy.name(), &[curvature], &differences(&[x], |x| energy.on_line(x[0])[1]), 1e-7);
        }
    }
}

#[test]
fn the_drift_solves_its_equation() {
    // d/dt D_t(x) = −∇E(D_t(x)) at every t, and D_0 is the identity.
    for energy in Energy::ALL {
        let row: Vec<f64> = points(3).into_iter().map(f64::from).collect();
        check_gradient(energy.name(), &energy.descended(&row, 0.0), &row, 1e-12);
        for t in [0.01, 0.2, 1.5] {
            let here = energy.descended(&row, t);
            let slope: Vec<f64> = (0..3).flat_map(|c| differences(&[t], |t| energy.descended(&row, t[0])[c])).collect();
            let expected: Vec<f64> = energy.gradient_at(&here).into_iter().map(|g| -g).collect();
            check_gradient(energy.name(), &slope, &expected, 1e-6);
        }
    }
}

#[test]
fn whatever_ran_away_is_drawn_in_and_what_rests_stays() {
    let far = [1e9f32, -1e12, 1e-30, 0.0];
    for energy in [Energy::DoubleWell, Energy::Quartic, Energy::Ring] {
        let found = run(|rec| {
            let x = rec.gpu().upload(4, 1, &far)?;
            let x = rec.tensor(&x);
            Ok(vec![energy.descend(rec, x, 0.5)?, energy.descend(rec, x, 1e3)?])
        });
        for ends in found {
            assert!(ends.iter().all(|x| x.abs() < 1.02) && ends[3] == 0.0, "{energy:?}: {ends:?}");
        }
    }
}
