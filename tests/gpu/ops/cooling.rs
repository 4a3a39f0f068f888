use super::{GPU, numbers};
use pushforward::gpu::{Recorder, Tensor};
use pushforward::ops::cooling::{Cooling, MEMORY, NoiseSchedule, ROW};
use pushforward::reference::cooling::{Memory, row, time, time_by_floor};

fn poisoned(len: usize) -> Tensor {
    GPU.upload(1, len, &vec![f32::NAN; len]).unwrap()
}

#[test]
fn times_by_the_step_match_their_reference_to_the_end_and_past_it() {
    for schedule in [NoiseSchedule::Rounds, NoiseSchedule::Geometric] {
        for (steps, rounds, hottest, coldest) in [(1, 1, 3.0, 1e-3), (7, 3, 0.5, 1e-4), (64, 16, 3.0, 2e-4), (50, 64, 8.0, 8.0)] {
            let cooling = Cooling { schedule, steps, rounds, hottest, coldest, ..Cooling::default() };
            let found = poisoned(ROW);
            let mut rec = Recorder::new(&GPU, 0);
            let into = rec.tensor(&found);
            rec.cool(&cooling, into).unwrap();
            let mut step = rec.finish().unwrap();
            for at in 0..steps + 3 {
                step.replay(1).unwrap();
                row(time(&cooling, at), schedule).check(&format!("{cooling:?} at step {at}"), &found.read().unwrap());
            }
        }
    }
}

#[test]
fn a_fall_by_the_floor_matches_its_reference_and_its_memory_goes_on() {
    // Losses that come down to a floor around 0, twice as fast in every round, or never.
    for (steps, rounds, reaches) in [(400, 8, true), (100, 8, false), (1, 1, true), (30, 1, true)] {
        let cooling = Cooling { schedule: NoiseSchedule::Floor, steps, rounds, ..Cooling::default() };
        let (found, memory) = (poisoned(ROW), GPU.zeros(1, MEMORY).unwrap());
        let [loss, floor] = [1, 2].map(|_| poisoned(1));
        let mut rec = Recorder::new(&GPU, 0);
        let [l, f, m, r] = [&loss, &floor, &memory, &found].map(|t| rec.tensor(t));
        rec.cool_to_floor(&cooling, [l, f], m, r).unwrap();
        let mut step = rec.finish().unwrap();
        let noise = numbers(2 * (steps as usize + 4), 3);
        let (mut reference, mut rounds_seen) = (Memory::default(), Vec::new());
        for at in 0..steps + 4 {
            let excess = if reaches { (-0.5 * reference.steps as f32).exp() } else { 3.0 };
            let [l, f] = [0, 1].map(|k| 0.1 * noise[2 * at as usize + k]);
            loss.write(&[l + excess]).unwrap();
            floor.write(&[f]).unwrap();
            step.replay(1).unwrap();
            let t = time_by_floor(&cooling, at, f64::from(l + excess), f64::from(f), &mut reference);
            row(t, NoiseSchedule::Floor).check(&format!("{cooling:?} at step {at}"), &found.read().unwrap());
            assert_eq!(memory.read().unwrap()[0], reference.round as f32, "round at step {at}");
            // A run that goes on from its memory alone finds the same row.
            let again = poisoned(ROW);
            let mut rec = Recorder::new(&GPU, 0);
            let [m, r] = [&memory, &again].map(|t| rec.tensor(t));
            rec.cool_as_remembered(&cooling, m, r).unwrap();
            rec.finish().unwrap().replay(1).unwrap();
            assert_eq!(again.read().unwrap(), found.read().unwrap(), "step {at}");
            rounds_seen.push(reference.round);
        }
        assert_eq!(rounds_seen.last(), Some(&rounds), "at the end the data are as they are");
        // Sooner than the deadline, which is at the fourth of eight rounds by now.
        let halfway = rounds_seen[steps as usize / 2];
        assert!(if reaches && steps == 400 { halfway > 5 } else { halfway <= rounds.div_ceil(2) }, "{halfway} of {rounds}");
    }
}

#[test]
fn schedules_out_of_range_are_refused() {
    let row = poisoned(ROW);
    let mut rec = Recorder::new(&GPU, 0);
    let row = rec.tensor(&row);
    let plain = Cooling::default();
    for wrong in [
        Cooling { steps: 0, ..plain },
        Cooling { rounds: 0, ..plain },
        Cooling { coldest: 0.0, ..plain },
        Cooling { coldest: 4.0, ..plain },
        Cooling { hottest: f32::INFINITY, ..plain },
        Cooling { steps: 1 << 30, ..plain },
        Cooling { schedule: NoiseSchedule::Floor, ..plain },
    ] {
        assert!(rec.cool(&wrong, row).is_err(), "{wrong:?}");
    }
}
