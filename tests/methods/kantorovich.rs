//! Potentials that are trained to the end between two known laws, against the closed costs of transport (closed forms 6 and 7).

use crate::GPU;
use pushforward::gpu::Recorder;
use pushforward::methods::critic;
use pushforward::methods::kantorovich::{Settings, potentials};
use pushforward::methods::{Setup, Training};
use pushforward::ops::dual::Softness;

const ROWS: usize = 1024;

/// Two normal laws with independent columns: means and deviations.
struct Laws {
    y: (&'static [f32], &'static [f32]),
    x: (&'static [f32], &'static [f32]),
}

/// One column, and two of which one is narrower and moved and the other only wider.
const LAWS: [Laws; 2] =
    [Laws { y: (&[0.0], &[1.0]), x: (&[1.0], &[0.5]) }, Laws { y: (&[0.0, 0.0], &[1.0, 0.6]), x: (&[0.8, 0.0], &[0.5, 1.2]) }];

/// Trains two potentials between the laws and returns the mean of V over the last fifth of the steps: on fresh rows V is right on
/// average for the potentials there are, and so below its supremum.
fn trained(laws: &Laws, settings: &Settings, steps: usize) -> f64 {
    let columns = laws.y.0.len();
    let training = Training { steps: steps as u32, warmup: 20, clip: 1.0, ..Training::default() };
    let setup = Setup { gpu: &GPU, training: &training, columns, seed: 5, data: None };
    let shared = critic::Settings {
        critic_width: 32,
        critic_depth: 2,
        critic_rate: 5e-3,
        critic_gain: 3.0,
        ..critic::Settings::default()
    };
    let critic = potentials(&setup, &shared).unwrap();
    let mut rec = Recorder::new(&GPU, 1);
    let mut draw = |(mean, deviation): (&[f32], &[f32])| {
        let [mean, deviation] = [mean, deviation].map(|v| GPU.upload(1, columns, v).unwrap());
        let (z, mean, deviation) = (rec.normal(ROWS, columns).unwrap(), rec.tensor(&mean), rec.tensor(&deviation));
        let scaled = rec.mul(z, deviation).unwrap();
        rec.add(scaled, mean).unwrap()
    };
    let (y, x) = (draw(laws.y), draw(laws.x));
    let value = settings.value(&mut rec, &critic, y, x).unwrap();
    rec.report("value", value).unwrap();
    let loss = rec.scale(value, -1.0).unwrap();
    critic.minimize(&mut rec, loss).unwrap();
    let mut step = rec.finish().unwrap();
    let mut values = Vec::new();
    for _ in 0..steps / 100 {
        step.replay(100).unwrap();
        values.extend(step.final_reports().unwrap().iter().map(|r| f64::from(r.values[0])));
    }
    let last = &values[values.len() * 4 / 5..];
    last.iter().sum::<f64>() / last.len() as f64
}

/// The entropic cost for ε = 2σ² (closed form 6), column by column.
fn entropic(laws: &Laws, epsilon: f64) -> f64 {
    let s2 = epsilon / 2.0;
    columns(laws)
        .map(|(shift, a, b)| {
            let root = (4.0 * a * a * b * b + s2 * s2).sqrt();
            shift * shift + a * a + b * b - root + s2 * (1.0 - (2.0 * s2).ln()) + s2 * (root + s2).ln()
        })
        .sum()
}

/// W₂² (closed form 7).
fn w2_squared(laws: &Laws) -> f64 {
    columns(laws).map(|(shift, a, b)| shift * shift + (a - b) * (a - b)).sum()
}

fn columns(laws: &Laws) -> impl Iterator<Item = (f64, f64, f64)> {
    let Laws { y: (m, a), x: (k, b) } = *laws;
    (0..m.len()).map(move |c| (f64::from(m[c]) - f64::from(k[c]), f64::from(a[c]), f64::from(b[c])))
}

#[test]
fn two_networks_find_the_entropic_cost_between_gaussians() {
    for (laws, epsilon) in LAWS.iter().flat_map(|laws| [0.5f32, 0.1].map(|epsilon| (laws, epsilon))) {
        let settings = Settings { epsilon, softness: Softness::Entropic, ..Settings::default() };
        let found = trained(laws, &settings, 1000);
        let expected = entropic(laws, f64::from(epsilon));
        println!("entropic, ε = {epsilon}: {found:.4}, and {expected:.4} in theory");
        // From below: what 1,000 steps of small networks leave, 0.2 to 2 %, and the noise of 200 means of 1,024 rows.
        assert!((found / expected - 1.0).abs() < 0.03, "ε = {epsilon}: {found} where theory says {expected}");
    }
}

#[test]
fn two_networks_find_w2_squared_between_gaussians_where_the_constraint_is_nearly_hard() {
    for laws in &LAWS {
        let settings = Settings { epsilon: 3e-4, softness: Softness::Quadratic, ..Settings::default() };
        let found = trained(laws, &settings, 1000);
        let expected = w2_squared(laws);
        println!("quadratic: {found:.4}, and {expected:.4} in theory");
        // From below by the networks, from above by ε times the plan's mean square: together about 1 %.
        assert!((found / expected - 1.0).abs() < 0.03, "{found} where theory says {expected}");
    }
}
