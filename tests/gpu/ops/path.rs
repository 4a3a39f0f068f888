use super::GPU;
use pushforward::flow::{Curve, Gamma, Path, Prediction, Times};
use pushforward::gpu::Recorder;
use pushforward::ops::path::COLUMNS;
use pushforward::ops::path::row;
use pushforward::reference::Exact;
use pushforward::reference::random::{draw, philox, unit};

/// Every path, with and without noise over it.
fn paths() -> Vec<Path> {
    let plain = Curve::ALL.map(Path::from);
    let noised = [Gamma::Bridge, Gamma::Sine].map(|gamma| Path { gamma, gamma_scale: 0.7, ..Curve::Straight.into() });
    let rough = Path { sigma_min: 0.1, ..Curve::Straight.into() };
    plain.into_iter().chain(noised).chain([rough]).collect()
}

#[test]
fn tables_on_the_device_are_those_of_the_reference() {
    let times: Vec<f32> = [0.0, 1.0, 0.5].into_iter().chain((0..62).map(|i| i as f32 / 62.0)).collect();
    for path in paths() {
        for prediction in Prediction::ALL {
            if path.curve == Curve::EncodingDecoding && prediction != Prediction::Velocity {
                continue;
            }
            let mut rec = Recorder::new(&GPU, 0);
            let t = GPU.upload(times.len(), 1, &times).unwrap();
            let t = rec.tensor(&t);
            let table = path.table(&mut rec, prediction, t).unwrap();
            let table = rec.keep(table);
            let mut step = rec.finish().unwrap();
            step.replay(1).unwrap();
            let mut found = step.read(table).unwrap();
            let mut reference = Exact::new(16);
            for (i, &t) in times.iter().enumerate() {
                let exact = row(&path, prediction, t.into());
                // One unit in the last place of t moves a number by its slope; σ⁷ and divisions by a small α or σ multiply it.
                let h = 1e-4;
                let (below, above) =
                    (row(&path, prediction, (f64::from(t) - h).max(0.0)), row(&path, prediction, (f64::from(t) + h).min(1.0)));
                for k in 0..COLUMNS {
                    let slope = (above[k] - below[k]).abs() / h;
                    reference.push_scaled(exact[k], 1.0 + exact[k].abs() + slope);
                    // Interpolants alone have a middle in which nothing but noise is left: no head divides there.
                    if path.curve == Curve::EncodingDecoding && (8..14).contains(&k) {
                        (reference.value[i * COLUMNS + k], found[i * COLUMNS + k]) = (0.0, 0.0);
                    }
                }
            }
            reference.check(&format!("{:?}, {prediction:?}", path.curve), &found);
        }
    }
}

#[test]
fn times_are_drawn_from_the_distributions_that_are_asked_for() {
    let (n, seed) = (777, 0x1234_5678_9abc_u64);
    let path = Path::from(Curve::Trigonometric);
    for times in [
        Times::Uniform,
        Times::LogitNormal { mean: 0.3, deviation: 0.8 },
        Times::LowDiscrepancy,
        Times::LogNormal { mean: -1.2, deviation: 1.2 },
    ] {
        let mut rec = Recorder::with_domain(&GPU, seed, 3).unwrap();
        let table = path.draw(&mut rec, Prediction::Edm, times, n, 0.01, 0.98).unwrap();
        let table = rec.keep(table);
        let mut step = rec.finish().unwrap();
        step.replay(3).unwrap();
        let found: Vec<f32> = step.read(table).unwrap().into_iter().step_by(COLUMNS).collect();
        let mut reference = Exact::new(4);
        for i in 0..n {
            let index = if times == Times::LowDiscrepancy { 0 } else { i as u32 };
            let bits = philox([index, 1, 2, 3], [seed as u32, (seed >> 32) as u32]);
            let normal = draw("normal", bits, 0.0, 1.0)[0];
            let u = match times {
                Times::Uniform => unit(bits[0]),
                Times::LowDiscrepancy => (unit(bits[0]) + i as f64 / n as f64).fract(),
                Times::LogitNormal { mean, deviation } => 1.0 / (1.0 + (-(mean + deviation * normal)).exp()),
                Times::LogNormal { mean, deviation } => {
                    reference.push_scaled(path.time_of_ratio((mean + deviation * normal).exp()).clamp(0.01, 0.98), 6.0);
                    continue;
                }
            };
            // Where the shift carries a time past 1 rounding decides on which side it lands.
            reference.push_scaled(0.01 + 0.97 * u, 6.0);
        }
        reference.check(&format!("{times:?}"), &found);
        if times == Times::LowDiscrepancy {
            let mut sorted = found.clone();
            sorted.sort_by(f32::total_cmp);
            let widest = sorted.windows(2).map(|w| w[1] - w[0]).fold(0.0, f32::max);
            assert!(widest < 1.01 * 0.97 / n as f32, "gaps up to {widest}");
        }
    }
}
