//! Maps between two times: what they are fitted to in closed form, and samples in 1, 2 and 4 steps.

use super::{GPU, Silent, distances, job, trained};
use pushforward::data::Table;
use pushforward::data::toy::Toy;
use pushforward::gpu::{Recorder, Var};
use pushforward::loss::energy_score;
use pushforward::metrics::{Points, pairs};
use pushforward::model::Model;
use pushforward::nn::{Activation, Adam, Builder, TimeEmbedding, TwoTimes, VelocityShape, Weights};
use pushforward::settings::Values;
use pushforward::train::{self, Job};
use std::sync::atomic::AtomicBool;

/// ψ_{t→r}(z) of closed form 14 in the times of this crate (0 is noise N(0, 1), 1 the data N(m, s²)): x_t = (1 − t)x₀ + t x₁, σ_t² = (1 − t)² + t²s².
fn flow(m: f64, s: f64, from: f64, to: f64, x: f64) -> f64 {
    let sigma = |t: f64| ((1.0 - t).powi(2) + (t * s).powi(2)).sqrt();
    to * m + sigma(to) / sigma(from) * (x - from * m)
}

#[test]
fn the_mean_velocity_of_gaussians_meets_all_three_identities() {
    let (m, s) = (0.7, 0.4);
    let u = |x: f64, from: f64, to: f64| if to == from { f64::NAN } else { (flow(m, s, from, to, x) - x) / (to - from) };
    // u(x, t, t) is the flow's velocity.
    let v = |x: f64, t: f64| {
        let variance = (1.0 - t).powi(2) + (t * s).powi(2);
        m + (t * s * s - (1.0 - t)) / variance * (x - t * m)
    };
    let h = 1e-5;
    for (x, from, to) in [(0.3, 0.1, 0.6), (-1.2, 0.0, 1.0), (2.0, 0.5, 0.9)] {
        let d = |of: &dyn Fn(f64) -> f64| (of(h) - of(-h)) / (2.0 * h);
        // MeanFlow: u = v + (t − s)(v·∂_x u + ∂_s u).
        let along = v(x, from) * d(&|e| u(x + e, from, to)) + d(&|e| u(x, from + e, to));
        assert!((u(x, from, to) - v(x, from) - (to - from) * along).abs() < 1e-6);
        // Lagrangian: u + (t − s)∂_t u = v(X_{s,t}(x), t).
        let there = flow(m, s, from, to, x);
        assert!((u(x, from, to) + (to - from) * d(&|e| u(x, from, to + e)) - v(there, to)).abs() < 1e-6);
        // Shortcut: two half steps.
        let middle = 0.5 * (from + to);
        let second = u(flow(m, s, from, middle, x), middle, to);
        assert!((u(x, from, to) - 0.5 * (u(x, from, middle) + second)).abs() < 1e-9);
    }
}

fn shape() -> VelocityShape {
    let time = TimeEmbedding { count: 4, highest: 4.0 };
    VelocityShape { columns: 2, outputs: 2, width: 16, depth: 2, activation: Activation::Gelu, input_gain: 1.0, time }
}

/// The values of what is recorded with a small network whose last layer is no zero.
fn evaluated(record: impl FnOnce(&mut Recorder, &dyn Fn(&mut Recorder, Var, [Var; 2]) -> Var) -> Vec<Var>) -> Vec<Vec<f32>> {
    let mut builder = Builder::new(1);
    let network = TwoTimes::new(&mut builder, "map", shape());
    let parameters = builder.build(&GPU).unwrap();
    let mut state = 1u32;
    let values = parameters.averaged().unwrap();
    let random: Vec<_> = values
        .into_iter()
        .map(|(name, rows, cols, v)| {
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            };
            let v: Vec<f32> = v.iter().map(|_| 0.6 * next()).collect();
            (name, rows, cols, v)
        })
        .collect();
    parameters.load(|name| random.iter().find(|w| w.0 == name).map(|w| w.3.clone())).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let of = |rec: &mut Recorder, x: Var, times: [Var; 2]| network.forward(rec, &parameters, x, times, Weights::Trained).unwrap();
    let kept: Vec<_> = record(&mut rec, &of).into_iter().map(|v| rec.keep(v)).collect();
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    kept.into_iter().map(|k| step.read(k).unwrap()).collect()
}

fn input(rec: &mut Recorder, rows: usize, cols: usize, values: &[f32]) -> Var {
    let tensor = GPU.upload(rows, cols, values).unwrap();
    rec.tensor(&tensor)
}

#[test]
fn recorded_tangents_are_differences_of_the_network() {
    let (x, s, t, v) = ([0.3f32, -0.5, 1.0, 0.2], [0.1f32, 0.4], [0.6f32, 0.9], [0.7f32, -0.4, 0.2, 1.1]);
    let h = 2e-3f32;
    let moved = |sign: f32, along_x: bool, along_t: bool| {
        let shift = |a: &[f32], b: &[f32], on: bool| {
            a.iter().zip(b).map(|(a, b)| if on { a + sign * h * b } else { *a }).collect::<Vec<f32>>()
        };
        let ones = [1.0; 2];
        let (x, s, t) = (shift(&x, &v, along_x), shift(&s, &ones, along_x), shift(&t, &ones, along_t));
        evaluated(|rec, u| {
            let [x, s, t] = [input(rec, 2, 2, &x), input(rec, 2, 1, &s), input(rec, 2, 1, &t)];
            vec![u(rec, x, [s, t])]
        })
        .remove(0)
    };
    let found = evaluated(|rec, u| {
        let [x, s, t, v] = [input(rec, 2, 2, &x), input(rec, 2, 1, &s), input(rec, 2, 1, &t), input(rec, 2, 2, &v)];
        let one = rec.constant(1.0, 2, 1).unwrap();
        let at = u(rec, x, [s, t]);
        // Along the flow and the first time (MeanFlow), and along the second alone (Lagrangian).
        let first = rec.tangent(at, &[(x, v), (s, one)]).unwrap().unwrap();
        let second = rec.tangent(at, &[(t, one)]).unwrap().unwrap();
        vec![first, second]
    });
    for (found, (along_x, along_t)) in found.iter().zip([(true, false), (false, true)]) {
        let (plus, minus) = (moved(1.0, along_x, along_t), moved(-1.0, along_x, along_t));
        for ((p, m), found) in plus.iter().zip(&minus).zip(found) {
            let expected = (p - m) / (2.0 * h);
            assert!((found - expected).abs() < 2e-2 * (1.0 + expected.abs()), "{found} for {expected}");
        }
    }
}

#[test]
fn times_that_all_rows_share_are_times_of_each() {
    // What samples are made by is what was trained.
    let mut builder = Builder::new(4);
    let network = TwoTimes::new(&mut builder, "map", VelocityShape { outputs: 2, ..shape() });
    let parameters = builder.build(&GPU).unwrap();
    let named = parameters.averaged().unwrap();
    let wave = |name: &str| {
        let (.., v) = named.iter().find(|w| w.0 == name)?;
        Some((0..v.len()).map(|i| 0.5 * (1.7 * i as f32).sin()).collect())
    };
    parameters.load(wave).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let x = input(&mut rec, 2, 2, &[0.3, -0.5, 1.0, 0.2]);
    let times = [0.25, 0.75].map(|t| rec.constant(t, 2, 1).unwrap());
    let each = network.forward(&mut rec, &parameters, x, times, Weights::Trained).unwrap();
    let all = network.at(&mut rec, &parameters, x, [0.25, 0.75], Weights::Trained).unwrap();
    let kept = [rec.keep(each), rec.keep(all)];
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    let [each, all] = kept.map(|k| step.read(k).unwrap());
    assert!(each.iter().zip(&all).all(|(a, b)| (a - b).abs() < 1e-5 && a.abs() > 1e-3), "{each:?} {all:?}");
}

#[test]
fn the_energy_score_of_gaussians_is_the_closed_form() {
    // X ~ N(0, 1), Y ~ N(δ, 1): E|X − Y| − ½E|Y − Y'| is half of the energy distance and ½E|X − X'| = 1/√π; closed form 2 has 0.5418066 for δ = 1.
    let rows = 200_000;
    let column = |seed: u64, shift: f32| {
        Toy::Gaussian.sample(rows / 2, seed).into_single().iter().map(|v| v + shift).collect::<Vec<f32>>()
    };
    let sets = [column(1, 0.0), column(2, 1.0), column(3, 1.0)];
    let mut rec = Recorder::new(&GPU, 0);
    let [x, y, other] = [0, 1, 2].map(|k| input(&mut rec, rows, 1, &sets[k]));
    let score = energy_score(&mut rec, &[y, other], x, 1.0, 1.0).unwrap();
    let pinball = energy_score(&mut rec, &[y, other], x, 1.0, 0.0).unwrap();
    assert!(energy_score(&mut rec, &[y], x, 1.0, 1.0).is_err());
    let kept = [rec.keep(score), rec.keep(pinball)];
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    let [score, alone] = kept.map(|k| f64::from(step.read(k).unwrap()[0]));
    let expected = 0.5 * 0.541_806_6 + 1.0 / std::f64::consts::PI.sqrt();
    assert!((score - expected).abs() < 0.01, "{score} for {expected}");
    // Without the spread: E|X − Y| = expected + ½E|Y − Y'|.
    assert!((alone - expected - 1.0 / std::f64::consts::PI.sqrt()).abs() < 0.01, "{alone}");
}

/// Root energy distance of samples in so many steps.
fn in_steps(run: &std::path::Path, steps: usize, toy: Toy) -> f64 {
    let model = Model::load(&GPU, run).unwrap().with_steps(steps).unwrap();
    let (sample, fresh) = (model.sample(3000, 5).unwrap(), toy.sample(3000, 99));
    let [fresh, sample] = [&fresh, &sample].map(|table| Points::new(table.single(), 3000, 2).unwrap());
    pairs::energy(fresh, sample).unwrap().value.max(0.0).sqrt()
}

/// Bent, but of one piece: a map of one step is soon learned.
const TOY: Toy = Toy::Banana;

#[test]
fn maps_between_times_learn_in_one_step_and_in_four() {
    // After 800 small steps one step had these shares of a Gaussian's distance: 0.00, 0.30, 0.72, 0.07, 0.21, 0.18; four had 0.03, 0.14, 0.13, 0.31, 0.42, 0.03.
    for (method, extra, most) in [
        ("flow-map", "loss = 'lagrangian'", 0.25),
        ("flow-map", "loss = 'shortcut'", 0.5),
        ("flow-map", "loss = 'meanflow'", 0.75),
        ("imm", "", 0.4),
        ("imm", "gap = 0.5\nfrom_noise = 0.0\nto_data = 0.5", 0.4),
        ("distributional-diffusion", "", 0.4),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let extra = format!("hidden_width = 64\nlearning_rate = 4e-3\nbatch_size = 256\nsteps = 800\n{extra}");
        let outcome = trained(method, TOY, &extra, &run);
        let (one, gaussian) = distances(&outcome, TOY);
        let [two, four] = [2, 4].map(|steps| in_steps(&run, steps, TOY));
        println!("{method} {extra:?}: {one:.4}, {two:.4}, {four:.4} in 1, 2, 4 steps against {gaussian:.4}");
        assert_eq!(one, in_steps(&run, 1, TOY));
        assert!(
            one < most * gaussian && four < 0.5 * gaussian,
            "{method} {extra:?}: {one}, {four} in one and four steps, a Gaussian {gaussian}"
        );
    }
}

#[test]
fn maps_start_at_the_gaussian_that_is_fitted_given_what_is_given() {
    // y = 2 − 3c + e with e of standard deviation ½, less what one step of rate 0 learns, in one step and in four.
    let rows = 4000;
    let normal = Toy::Gaussian.sample(rows, 3).into_single();
    let values: Vec<f32> = (0..rows).flat_map(|i| [2.0 - 3.0 * normal[2 * i] + 0.5 * normal[2 * i + 1], normal[2 * i]]).collect();
    let table = Table::new(["y", "c"], values).unwrap();
    for method in ["flow-map", "imm", "distributional-diffusion"] {
        let folder = tempfile::tempdir().unwrap();
        let extra = "steps = 1\nlearning_rate = 1e-12\nhidden_width = 8\nbatch_size = 64";
        let job = job(table.clone(), "lines", method, extra, &folder.path().join("run"));
        train::train(&GPU, Job { conditions: 1, ..job }, &mut Silent, &AtomicBool::new(false)).unwrap();
        let given = Table::new(["c"], (0..rows).map(|i| if i % 2 == 0 { -1.0 } else { 1.5 }).collect::<Vec<f32>>()).unwrap();
        for steps in [1, 4] {
            let model = Model::load(&GPU, folder.path().join("run")).unwrap();
            let model = model.with_steps(steps).unwrap();
            let sample = model.sample_given(&given, 1, 5).unwrap();
            let of = |parity: usize| (0..rows / 2).map(move |i| 2 * i + parity);
            for (parity, c) in [(0, -1.0), (1, 1.5)] {
                let y: Vec<f64> = of(parity).map(|i| sample.row(i)[0]).collect();
                let mean = y.iter().sum::<f64>() / y.len() as f64;
                let deviation = (y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / y.len() as f64).sqrt();
                assert!((mean - (2.0 - 3.0 * c)).abs() < 0.06, "{method}, {steps} steps, c = {c}: {mean}");
                assert!((deviation - 0.5).abs() < 0.04, "{method}, {steps} steps, c = {c}: {deviation}");
            }
        }
    }
}

#[test]
fn wrong_steps_and_latents_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = |extra: &str| {
        let job = job(
            Toy::Moons.sample(600, 1),
            "toy:moons",
            "flow-map",
            &format!("steps = 3\nhidden_width = 8\n{extra}"),
            &folder.path().join("run"),
        );
        train::train(&GPU, Job { ..job }, &mut Silent, &AtomicBool::new(false))
    };
    let told = run("latent_dim = 3").map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("`latent_dim` is 3"), "{told}");
    let model = run("").unwrap().model;
    let model = model.with_values(&Values::parse("solver_steps = 4").unwrap()).unwrap();
    let told = model.with_values(&Values::parse("probes = 4").unwrap()).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("map_steps"), "{told}");
}

#[test]
fn the_lagrangian_gradient_flows_through_the_tangent() {
    // L(θ) = mean (u + (t − s)∂_t u)²: its gradient, which is Adam's first moment over 1 − β₁ after one step from zero, along a direction in the weights, against
    // differences of L.
    let (x, s, t) = ([0.3f32, -0.5, 1.0, 0.2], [0.1f32, 0.4], [0.6f32, 0.9]);
    let mut builder = Builder::new(1);
    let network = TwoTimes::new(&mut builder, "map", shape());
    let parameters = builder.build(&GPU).unwrap();
    let adam = Adam { learning_rate: 0.0, ..Adam::default() };
    let mut rec = Recorder::new(&GPU, 0);
    let [x, s, t] = [input(&mut rec, 2, 2, &x), input(&mut rec, 2, 1, &s), input(&mut rec, 2, 1, &t)];
    let u = network.forward(&mut rec, &parameters, x, [s, t], Weights::Trained).unwrap();
    let one = rec.constant(1.0, 2, 1).unwrap();
    let along = rec.tangent(u, &[(t, one)]).unwrap().unwrap();
    let span = rec.sub(t, s).unwrap();
    let along = rec.mul(along, span).unwrap();
    let speed = rec.add(u, along).unwrap();
    let loss = rec.mean_square(speed).unwrap();
    rec.minimize(loss, &parameters, &adam).unwrap();
    let loss = rec.keep(loss);
    let mut step = rec.finish().unwrap();
    let random = |seed: u64, size: f32| {
        let named = parameters.averaged().unwrap();
        let mut all = Toy::Gaussian.sample(2000, seed).into_single().into_iter();
        named
            .into_iter()
            .map(move |(name, _, _, v)| (name, v.iter().map(|_| size * all.next().unwrap()).collect::<Vec<f32>>()))
            .collect::<Vec<_>>()
    };
    let (at, direction) = (random(1, 0.4), random(2, 1.0));
    let mut loss_at = |h: f32| {
        let moved = |name: &str| {
            let of = |all: &[(String, Vec<f32>)]| all.iter().find(|w| w.0 == name).map(|w| w.1.clone());
            Some(of(&at)?.iter().zip(of(&direction)?).map(|(w, d)| w + h * d).collect())
        };
        parameters.load(moved).unwrap();
        step.replay(1).unwrap();
        f64::from(step.read(loss).unwrap()[0])
    };
    loss_at(0.0);
    let state = parameters.state().unwrap();
    let moment = &state.iter().find(|(name, _)| *name == "first").unwrap().1;
    let (mut begin, mut found) = (0, 0.0);
    for (_, d) in &direction {
        found += d.iter().zip(&moment[begin..]).map(|(d, g)| f64::from(*d) * f64::from(*g) / 0.1).sum::<f64>();
        begin += d.len().next_multiple_of(64);
    }
    let h = 2e-3f32;
    let expected = (loss_at(h) - loss_at(-h)) / f64::from(2.0 * h);
    assert!((found - expected).abs() < 0.02 * expected.abs().max(0.1), "{found} for {expected}");
}
