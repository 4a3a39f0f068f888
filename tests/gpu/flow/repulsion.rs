//! Repelling particles: the closed-form force of two, forces that add up to nothing, and the equilibrium of the plane's Coulomb gas.

use super::GPU;
use pushforward::flow::{Grid, Repulsion, Solver, integrate};
use pushforward::gpu::Recorder;
use pushforward::metrics::{Backend, Points, diversity};

fn velocities(repulsion: Repulsion, x: &[f32], d: usize) -> Vec<f32> {
    let tensor = GPU.upload(x.len() / d, d, x).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.tensor(&tensor);
    let v = repulsion.velocity(&mut rec, x).unwrap();
    let v = rec.keep(v);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    step.read(v).unwrap()
}

/// `n` rows of d numbers without pattern, of about unit size.
fn cloud(n: usize, d: usize) -> Vec<f32> {
    (0..n * d).map(|i| (2.0 * ((i as f64 + 1.0) * 0.754_877_67).sin() * (i as f64 * 1.3 + 0.4).cos()) as f32).collect()
}

#[test]
fn two_particles_repel_each_other_along_their_line() {
    for (d, s) in [(1, -1.0), (2, 0.0), (3, 1.0), (3, 2.5), (10, 8.0)] {
        let (strength, softening) = (0.7, 0.3);
        // A distance of 0.9 along (1, 2, 2, …)/norm.
        let direction: Vec<f64> = (0..d).map(|c| if c == 0 { 1.0 } else { 2.0 }).collect();
        let norm = direction.iter().map(|v| v * v).sum::<f64>().sqrt();
        let apart: Vec<f64> = direction.iter().map(|v| 0.9 * v / norm).collect();
        let x: Vec<f32> = (0..d).map(|_| 0.5).chain(apart.iter().map(|a| (0.5 + a) as f32)).collect();
        let found = velocities(Repulsion { strength, exponent: s, softening }, &x, d);
        let s = f64::from(s);
        let slope = if s == 0.0 { 1.0 } else { s.abs() };
        let size = f64::from(strength) / 2.0 * slope * (0.81 + f64::from(softening).powi(2)).powf(-s / 2.0 - 1.0);
        for c in 0..d {
            let expected = size * apart[c];
            assert!(
                (f64::from(found[d + c]) - expected).abs() < 2e-5 * size,
                "d = {d}, s = {s}: {found:?}, {expected} along {c}"
            );
            assert_eq!(found[c], -found[d + c], "d = {d}, s = {s}: the other is pushed as much the other way");
        }
        assert!(found[d] > 0.0, "the one in front is pushed forward");
    }
    assert_eq!(Repulsion::coulomb(2, 1.0, 0.1).exponent, 0.0);
    assert_eq!(Repulsion::coulomb(5, 1.0, 0.1).exponent, 3.0);
}

#[test]
fn forces_add_up_to_nothing() {
    for (n, d) in [(2, 1), (65, 2), (300, 3), (40, 70)] {
        for exponent in [-1.0, 0.0, 1.0] {
            let found = velocities(Repulsion { strength: 2.0, exponent, softening: 0.1 }, &cloud(n, d), d);
            for c in 0..d {
                let column = || found.iter().skip(c).step_by(d).map(|&v| f64::from(v));
                let (sum, size) = (column().sum::<f64>(), column().map(f64::abs).sum::<f64>());
                assert!(sum.abs() < 1e-5 * size, "{n} × {d}, s = {exponent}: column {c} adds up to {sum} of {size}");
            }
        }
    }
}

#[test]
fn coincident_particles_do_not_push_each_other() {
    for exponent in [-1.5, 0.0, 1.0, 6.0] {
        let repulsion = Repulsion { strength: 1.0, exponent, softening: 0.01 };
        assert_eq!(velocities(repulsion, &[0.25; 12], 3), [0.0; 12], "s = {exponent}");
        assert_eq!(velocities(repulsion, &[3.0, 4.0], 2), [0.0; 2], "a particle alone, s = {exponent}");
        // Two at one place and one beside them: the two are pushed alike.
        let found = velocities(repulsion, &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0], 2);
        assert!(found[0] < 0.0 && found[0] == found[2] && found[1] == 0.0 && found.iter().all(|v| v.is_finite()), "{found:?}");
    }
}

#[test]
fn the_velocity_is_down_the_energy() {
    let (n, d) = (37, 2);
    for exponent in [-1.0, 0.0, 2.0] {
        let repulsion = Repulsion { strength: 1.3, exponent, softening: 0.2 };
        let tensor = GPU.upload(n, d, &cloud(n, d)).unwrap();
        let mut rec = Recorder::new(&GPU, 0);
        let x = rec.tensor(&tensor);
        let (energy, v) = (repulsion.energy(&mut rec, x).unwrap(), repulsion.velocity(&mut rec, x).unwrap());
        let gradient = rec.backward(energy, &[x]).unwrap()[0];
        let (gradient, v) = (rec.keep(gradient), rec.keep(v));
        let mut step = rec.finish().unwrap();
        step.replay(1).unwrap();
        for (g, v) in step.read(gradient).unwrap().iter().zip(step.read(v).unwrap()) {
            assert!((v + n as f32 * g).abs() < 1e-5 * (1.0 + v.abs()), "s = {exponent}: {v} and {g}");
        }
    }
}

/// Where dx/dt = −x + repulsion takes particles in time `end`.
fn relaxed(repulsion: Repulsion, x: &[f32], end: f64, steps: usize) -> Vec<f32> {
    let tensor = GPU.upload(x.len() / 2, 2, x).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.tensor(&tensor);
    let x = integrate(&mut rec, Solver::Heun, &Grid::Uniform.times(0.0, end, steps).unwrap(), x, &mut |rec, x, _| {
        let force = repulsion.velocity(rec, x)?;
        rec.sub(force, x)
    })
    .unwrap();
    let x = rec.keep(x);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    step.read(x).unwrap()
}

fn mean_square(x: &[f32]) -> f64 {
    x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / (x.len() / 2) as f64
}

#[test]
fn a_coulomb_gas_in_a_bowl_spreads_as_its_virial_says() {
    // Σᵢ xᵢ·Fᵢ = (n−1)/2 whatever the positions are, so that q = mean |x|² obeys q̇ = −2q + (n−1)/n: exactly, where nothing is softened.
    let (n, x) = (64, cloud(64, 2));
    let gas = Repulsion::coulomb(2, 1.0, 1e-4);
    let (start, rest) = (mean_square(&x), (1.0 - 1.0 / n as f64) / 2.0);
    for (end, steps) in [(0.25, 100), (1.0, 300), (6.0, 900)] {
        let found = mean_square(&relaxed(gas, &x, end, steps));
        let expected = rest + (start - rest) * (-2.0 * end).exp();
        assert!((found - expected).abs() < 1e-3, "after {end}: mean |x|² is {found}, and {expected} in theory");
    }
}

#[test]
fn repulsion_makes_a_sample_more_diverse() {
    let before = cloud(150, 2);
    let gas = Repulsion::coulomb(2, 1.0, 0.02);
    let (alone, together) = (relaxed(Repulsion { strength: 0.0, ..gas }, &before, 0.5, 40), relaxed(gas, &before, 0.5, 40));
    // At equal spread, so that it is evenness that is compared.
    let factor = (mean_square(&together) / mean_square(&alone)).sqrt() as f32;
    let alone: Vec<f32> = alone.iter().map(|v| factor * v).collect();
    let of = |x: &[f32]| diversity::scores(&Backend::Host, Points::new(x, 150, 2).unwrap(), 0.1, 0).unwrap();
    let (alone, together) = (of(&alone), of(&together));
    println!(
        "nearest {:.4} and {:.4}, Vendi {:.1} and {:.1}",
        alone.nearest.value, together.nearest.value, alone.vendi.value, together.vendi.value
    );
    assert!(together.nearest.value > 1.2 * alone.nearest.value && together.vendi.value > 1.05 * alone.vendi.value);
}

#[test]
fn repulsions_out_of_range_are_refused() {
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.normal(4, 2).unwrap();
    let mut refused = |strength, exponent, softening| {
        Repulsion { strength, exponent, softening }.velocity(&mut rec, x).unwrap_err().to_string()
    };
    assert!(refused(-1.0, 0.0, 0.1).contains("must be 0 or above"));
    assert!(refused(f32::NAN, 0.0, 0.1).contains("must be 0 or above"));
    assert!(refused(1.0, 0.0, 0.0).contains("`softening` is 0"));
    assert!(refused(1.0, -2.0, 0.1).contains("`exponent` is -2"));
}
