use super::{GPU, input, numbers, run, run_on, wide};
use pushforward::gpu::{Gpu, Recorder};
use pushforward::ops::repulsion::Riesz;
use pushforward::reference::{Exact, repulsion};

const EXPONENTS: [f32; 5] = [-1.0, 0.0, 0.5, 1.0, 4.0];

#[test]
fn forces_energies_and_their_gradients_match_the_reference_in_every_family() {
    for family in GPU.families() {
        compare(&GPU.with_family(family));
    }
}

fn compare(gpu: &Gpu) {
    // Round the workgroup, the four rows at a time, the register rows and the chunks of coordinates.
    for (n, d) in [(1, 1), (2, 3), (63, 2), (64, 1), (65, 16), (66, 17), (197, 2), (130, 64), (70, 65), (5, 100)] {
        for exponent in EXPONENTS {
            for softening in [1e-3, 0.5] {
                let x = numbers(n * d, 1);
                let potential = Riesz { exponent, softening };
                let found = run_on(gpu, |rec| {
                    let x = input(rec, n, d, &x);
                    let (forces, energy) = (rec.riesz_forces(x, potential)?, rec.riesz_energy(x, potential)?);
                    let tripled = rec.scale(energy, 3.0)?;
                    let gradient = rec.backward(tripled, &[x])?[0];
                    Ok(vec![forces, energy, gradient])
                });
                let what = format!("{n} × {d}, {potential:?}, {:?}", gpu.family());
                let (s, delta) = (f64::from(exponent), f64::from(softening));
                let forces = repulsion::forces(&wide(&x), d, s, delta);
                forces.check(&what, &found[0]);
                let (energy, scale) = repulsion::energy(&wide(&x), d, s, delta);
                Exact { value: vec![energy], scale: vec![scale], terms: n }.check(&format!("{what}, energy"), &found[1]);
                let by = |values: &[f64], factor: f64| values.iter().map(|v| factor * v).collect();
                Exact { value: by(&forces.value, -3.0), scale: by(&forces.scale, 3.0), terms: n }
                    .check(&format!("{what}, gradient"), &found[2]);
            }
        }
    }
}

#[test]
fn coincident_particles_exert_no_force_and_stay_finite() {
    for exponent in EXPONENTS {
        for d in [2, 20] {
            let found = run(|rec| {
                let x = input(rec, 70, d, &vec![0.3; 70 * d]);
                let potential = Riesz { exponent, softening: 1e-3 };
                Ok(vec![rec.riesz_forces(x, potential)?, rec.riesz_energy(x, potential)?])
            });
            assert!(found[0].iter().all(|&f| f == 0.0) && found[1][0].is_finite(), "s = {exponent}: {found:?}");
        }
    }
}

#[test]
fn potentials_out_of_range_are_refused() {
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.normal(4, 2).unwrap();
    for (exponent, softening, words) in [
        (0.0, 0.0, "`softening` is 0"),
        (0.0, f32::NAN, "`softening` is NaN"),
        (-2.0, 0.1, "`exponent` is -2"),
        (f32::INFINITY, 0.1, "`exponent` is inf"),
        (30.0, 0.01, "use a larger softening"),
        (0.0, 1e-20, "use a larger softening"),
    ] {
        let message = rec.riesz_forces(x, Riesz { exponent, softening }).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}
