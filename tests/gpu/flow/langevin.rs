//! The forward SDE against closed form 8, its stationary distributions, and what is refused.

use super::GPU;
use pushforward::flow::{Energy, Particles, langevin, simulate};
use pushforward::gpu::Recorder;

const ROWS: usize = 1 << 16;

/// Mean and variance of the values.
fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    (mean, values.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

/// Where N(m, s²) is after a time of (5).
fn simulated(energy: Energy, m: f32, s: f32, duration: f64, steps: usize, seed: u64) -> Vec<f32> {
    let mut rec = Recorder::new(&GPU, seed);
    let z = rec.normal(ROWS, 1).unwrap();
    let x = rec.affine(z, s, m).unwrap();
    let x = simulate(&mut rec, energy, x, duration, steps).unwrap();
    let x = rec.keep(x);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    step.read(x).unwrap()
}

#[test]
fn the_ornstein_uhlenbeck_process_has_its_mean_and_variance() {
    let (m, s) = (1.5f64, 0.4f64);
    for (duration, steps) in [(0.1, 1), (0.7, 7), (2.0, 40)] {
        let h = duration / steps as f64;
        let (mean, variance) = moments(&simulated(Energy::Quadratic, m as f32, s as f32, duration, steps, 3));
        // What the splitting does in exact arithmetic: v ← e^{−2h}v + 2h e^{−h} a step.
        let scheme = (0..steps).fold(s * s, |v, _| (-2.0 * h).exp() * v + 2.0 * h * (-h).exp());
        let closed = 1.0 - (-2.0 * duration).exp() + (-2.0 * duration).exp() * s * s;
        // Closed form 8, of which the variance is met up to h²/6.
        assert!((scheme - closed).abs() < h * h / 6.0, "{scheme} and {closed}");
        let error = (variance / ROWS as f64).sqrt();
        assert!((mean - m * (-duration).exp()).abs() < 4.0 * error, "mean {mean} after {duration}");
        let error = variance * (2.0 / ROWS as f64).sqrt();
        assert!((variance - scheme).abs() < 4.0 * error, "variance {variance}, and {scheme} in theory, after {duration}");
    }
}

#[test]
fn gradients_flow_through_a_simulation() {
    // ∂X_T/∂X_0 along the drawn noise: e^{−T} of the Ornstein–Uhlenbeck process.
    let rows = GPU.upload(70, 2, &[0.5; 140]).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.tensor(&rows);
    let ends = simulate(&mut rec, Energy::Quadratic, x, 0.6, 6).unwrap();
    let sum = rec.sum(ends).unwrap();
    let slope = rec.backward(sum, &[x]).unwrap()[0];
    let slope = rec.keep(slope);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    for found in step.read(slope).unwrap() {
        assert!((f64::from(found) - (-0.6f64).exp()).abs() < 1e-6, "{found}");
    }
}

#[test]
fn every_energy_is_left_at_its_stationary_distribution() {
    // E x² and E x⁴ under e^{−E} on the line, by the trapezoidal rule.
    for energy in Energy::ALL {
        let over = |f: &dyn Fn(f64) -> f64| {
            (-8000..=8000).map(|i| f64::from(i) / 1000.0).map(|x| f(x) * (-energy.on_line(x)[0]).exp()).sum::<f64>()
        };
        let moment = |k: i32| over(&|x| x.powi(k)) / over(&|_| 1.0);
        // From a distribution that is even, so that the slow exchange between wells has nothing to do.
        let found = simulated(energy, 0.0, 1.0, 3.0, 300, 5);
        for k in [2, 4] {
            let powers: Vec<f32> = found.iter().map(|x| x.powi(k)).collect();
            let (mean, variance) = moments(&powers);
            let error = (variance / ROWS as f64).sqrt();
            // The step of 0.01 moves E x⁴ of the wells by 1.4e-3 and the other moments by less, as its matrix (`reproduce::spectrum::scheme`) has it.
            assert!((mean - moment(k)).abs() < 4.0 * error + 2e-3, "{energy:?}: E x^{k} {mean} and {}", moment(k));
        }
    }
}

#[test]
fn pieces_go_on_where_the_last_one_ended() {
    let ends = |seed, domain| {
        let rows = GPU.upload(ROWS, 1, &vec![1.0; ROWS]).unwrap();
        let mut particles = Particles::new(&GPU, seed, domain, Energy::Quadratic, &rows, 0.02, 5).unwrap();
        particles.advance(10).unwrap();
        particles.advance(40).unwrap();
        particles.read().unwrap()
    };
    let found = ends(1, 0);
    let (mean, variance) = moments(&found);
    let error = (variance / ROWS as f64).sqrt();
    assert!((mean - (-1.0f64).exp()).abs() < 4.0 * error, "{mean}");
    assert!((variance - (1.0 - (-2.0f64).exp())).abs() < 4.0 * variance * (2.0 / ROWS as f64).sqrt() + 1e-4, "{variance}");
    assert_eq!(found, ends(1, 0));
    assert!(found != ends(2, 0) && found != ends(1, 1));
}

#[test]
fn rows_from_anywhere_come_to_the_wells() {
    let starts: Vec<f32> = (0..64).map(|i| 10f32.powi(i % 16) * if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let rows = GPU.upload(64, 1, &starts).unwrap();
    // A step at which Euler's method overshoots from anywhere beyond 2.
    let mut particles = Particles::new(&GPU, 0, 0, Energy::DoubleWell, &rows, 0.2, 2).unwrap();
    particles.advance(20).unwrap();
    let ends = particles.read().unwrap();
    assert!(ends.iter().all(|x| x.abs() < 3.0), "{ends:?}");
}

#[test]
fn memory_does_not_grow_with_the_steps_of_a_simulation() {
    let bytes = |steps| {
        let rows = GPU.upload(100, 2, &[0.5; 200]).unwrap();
        let mut rec = Recorder::new(&GPU, 0);
        let x = rec.tensor(&rows);
        let x = simulate(&mut rec, Energy::Ring, x, 1.0, steps).unwrap();
        rec.keep(x);
        rec.finish().unwrap().memory_bytes()
    };
    assert_eq!(bytes(4), bytes(64));
}

#[test]
fn impossible_simulations_are_refused_in_words() {
    let rows = GPU.upload(4, 1, &[0.0; 4]).unwrap();
    let most = langevin::MOST_RECORDED;
    for (duration, steps, part) in [
        (0.0, 3, "finite one above 0"),
        (-1.0, 3, "finite one above 0"),
        (f64::NAN, 3, "finite one above 0"),
        (f64::INFINITY, 3, "finite one above 0"),
        (1.0, 0, "0 steps"),
        (1.0, most + 1, "`Particles`"),
    ] {
        let mut rec = Recorder::new(&GPU, 0);
        let x = rec.tensor(&rows);
        let refused = simulate(&mut rec, Energy::Quadratic, x, duration, steps).expect_err("refused").to_string();
        assert!(refused.contains(part), "{refused}");
    }
    let mut particles = Particles::new(&GPU, 0, 0, Energy::Quadratic, &rows, 0.1, 4).unwrap();
    let refused = particles.advance(6).expect_err("refused").to_string();
    assert!(refused.contains("6 steps") && refused.contains("a multiple"), "{refused}");
}
