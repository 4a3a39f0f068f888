use super::{input, numbers, run, wide};
use pushforward::ops::metropolis::{Judging, Walkers};
use pushforward::reference::Exact;
use pushforward::reference::metropolis::{Point, Words, log_ratio, propose};

/// Chains, numbers of a row, how many of them move.
const SIZES: [(usize, usize, usize); 6] = [(1, 1, 1), (63, 2, 2), (64, 3, 3), (65, 5, 2), (257, 17, 16), (3, 64, 64)];
const JUDGING: Judging = Judging { corrected: true, rate: 0.3, wanted: 0.574 };

fn words(stream: u32) -> Words {
    Words { step: 0, seed: 7, domain: 0, stream }
}

/// Energies of about unit size, no moves so far, and steps around e^−1.
fn tallies(n: usize, seed: u64) -> Vec<f32> {
    numbers(n, seed).into_iter().zip(numbers(n, seed + 1)).flat_map(|(e, h)| [e, 2.0, 0.3 * h - 1.0]).collect()
}

#[test]
fn proposals_and_decisions_match_their_references() {
    for (n, cols, moved) in SIZES {
        let (x, g, tally) = (numbers(n * cols, 1), numbers(n * cols, 2), tallies(n, 3));
        let (slope, energy) = (numbers(n * cols, 5), numbers(n, 6));
        let found = run(|rec| {
            let [mine, slopes] = [&x, &g].map(|v| input(rec, n, cols, v));
            let chains = Walkers { x: mine, slopes, tally: input(rec, n, 3, &tally), moved };
            let proposal = rec.langevin_proposal(chains)?;
            let (slope, energy) = (input(rec, n, cols, &slope), input(rec, n, 1, &energy));
            rec.metropolis(chains, proposal, slope, energy, JUDGING)?;
            Ok(vec![proposal, chains.x, chains.slopes, chains.tally])
        });
        let what = format!("{n} × {cols}, {moved} move");
        let (wide_x, wide_g, wide_slope) = (wide(&x), wide(&g), wide(&slope));
        let mut proposals = Exact::new(16);
        for i in 0..n {
            let row = i * cols..(i + 1) * cols;
            let (from, at) = (&wide_x[row.clone()], &wide_g[row.clone()]);
            let log_step = f64::from(tally[3 * i + 2]);
            for (j, value) in propose(from, at, log_step, moved, i, words(1)).into_iter().enumerate() {
                proposals.push_scaled(value, 1.0 + from[j].abs() + log_step.exp() * at[j].abs() + 2.0 * log_step.exp().sqrt());
            }
            // From the device's own proposals: a decision has no rounding.
            let there = wide(&found[0][row.clone()]);
            let to = Point { x: &there, slope: &wide_slope[row.clone()], energy: f64::from(energy[i]) };
            let from = Point { x: from, slope: at, energy: f64::from(tally[3 * i]) };
            let alpha = log_ratio(from, to, log_step, moved).exp().min(1.0);
            let drawn = words(2).uniform(i);
            if (drawn - alpha).abs() < 1e-4 {
                continue;
            }
            let accepted = drawn < alpha;
            let kept = |mine: &[f32], other: &[f32]| if accepted { other.to_vec() } else { mine.to_vec() };
            assert_eq!(found[1][row.clone()], kept(&x[row.clone()], &found[0][row.clone()]), "{what}: chain {i}, α = {alpha}");
            let moving = row.start..row.start + moved;
            assert_eq!(found[2][moving.clone()], kept(&g[moving.clone()], &slope[moving]), "{what}: slopes of chain {i}");
            let [e, count, log] = [0, 1, 2].map(|k| found[3][3 * i + k]);
            assert_eq!((e, count), if accepted { (energy[i], 3.0) } else { (tally[3 * i], 2.0) }, "{what}: chain {i}");
            let adapted = log_step + f64::from(JUDGING.rate) * (alpha - f64::from(JUDGING.wanted));
            assert!((f64::from(log) - adapted).abs() < 1e-4, "{what}: chain {i} has ln h = {log} and should have {adapted}");
        }
        proposals.check(&what, &found[0]);
    }
}

#[test]
fn what_is_not_finite_is_refused_and_without_correction_all_else_accepted() {
    for corrected in [true, false] {
        let found = run(|rec| {
            let x = input(rec, 3, 1, &[0.0, 0.0, 0.0]);
            let slopes = input(rec, 3, 1, &[0.0, 0.0, 0.0]);
            let tally = input(rec, 3, 3, &[0.0; 9]);
            let chains = Walkers { x, slopes, tally, moved: 1 };
            let proposal = input(rec, 3, 1, &[1.0, 2.0, 3.0]);
            let slope = input(rec, 3, 1, &[0.0, f32::INFINITY, 0.0]);
            let energy = input(rec, 3, 1, &[f32::NAN, 0.0, 1e6]);
            rec.metropolis(chains, proposal, slope, energy, Judging { corrected, rate: 0.0, wanted: 0.5 })?;
            Ok(vec![x, tally])
        });
        assert_eq!(found[0], [0.0, 0.0, if corrected { 0.0 } else { 3.0 }]);
        assert_eq!(found[1][7], if corrected { 0.0 } else { 1.0 });
    }
}

#[test]
fn rows_are_refreshed_by_chance() {
    let (n, cols) = (1000, 3);
    let (x, fresh) = (numbers(n * cols, 1), numbers(n * cols, 2));
    let found = run(|rec| {
        let (x, fresh) = (input(rec, n, cols, &x), input(rec, n, cols, &fresh));
        rec.refresh_rows(x, fresh, 0.3)?;
        Ok(vec![x])
    });
    let mut count = 0;
    for i in 0..n {
        let row = i * cols..(i + 1) * cols;
        let new = words(1).uniform(i) < f64::from(0.3f32);
        count += usize::from(new);
        assert_eq!(found[0][row.clone()], if new { &fresh[row] } else { &x[row] }[..], "row {i}");
    }
    assert!((250..350).contains(&count), "{count}");
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    run(|rec| {
        let (x, tally) = (input(rec, 2, 2, &[0.0; 4]), input(rec, 2, 3, &[0.0; 6]));
        let wrong = Walkers { x, slopes: tally, tally, moved: 2 };
        assert!(rec.langevin_proposal(wrong).is_err());
        assert!(rec.langevin_proposal(Walkers { slopes: x, tally: x, ..wrong }).is_err());
        assert!(rec.langevin_proposal(Walkers { slopes: x, moved: 3, ..wrong }).is_err());
        let chains = Walkers { slopes: x, ..wrong };
        assert!(rec.metropolis(chains, x, tally, x, JUDGING).is_err());
        assert!(rec.metropolis(chains, x, x, x, JUDGING).is_err());
        assert!(rec.refresh_rows(x, tally, 0.5).is_err());
        assert!(rec.refresh_rows(x, x, 1.5).is_err());
        Ok(vec![x])
    });
}
