//! Couplings: pairs keep both distributions, cost the least they can, and vary less the larger the batch.

use super::GPU;
use pushforward::data::random::{Stream, generator_at};
use pushforward::data::toy::Toy;
use pushforward::flow::coupling::{ExactPairs, Rows, gaussian};
use pushforward::flow::{Coupling, Solver, Time, integrate};
use pushforward::gpu::{Kept, Plan, Recorder};
use pushforward::loss::mean_squared;
use pushforward::methods::Dataset;
use pushforward::metrics::pairs::energy;
use pushforward::metrics::{Points, assignment};
use pushforward::nn::{Activation, Adam, Builder, TimeEmbedding, Velocity, VelocityShape, Weights};
use std::sync::atomic::{AtomicUsize, Ordering};

fn moons(rows: usize) -> Vec<f32> {
    Toy::Moons.sample(rows, 3).into_single()
}

/// Pairs of standard normal rows in the plane with rows of moons.
fn pairs(seed: u64, batch: usize, rows: usize) -> ExactPairs {
    let data = Rows::new(moons(rows), 2, None).unwrap();
    ExactPairs::new(&GPU, seed, batch, data, gaussian(vec![0.0; 2], vec![1.0, 0.0, 0.0, 1.0])).unwrap()
}

fn cost(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}

fn costs(x: &[f32], y: &[f32], d: usize) -> Vec<f64> {
    x.chunks(d).flat_map(|x| y.chunks(d).map(move |y| cost(x, y))).collect()
}

/// The least cost over all matchings, by trying them all.
fn least(costs: &[f64], n: usize, row: usize, taken: u32) -> f64 {
    if row == n {
        return 0.0;
    }
    let free = (0..n).filter(|j| taken >> j & 1 == 0);
    free.map(|j| costs[row * n + j] + least(costs, n, row + 1, taken | 1 << j)).fold(f64::INFINITY, f64::min)
}

#[test]
fn exact_pairs_cost_the_least_of_all_matchings() {
    for n in 1..=8 {
        let pairs = pairs(1, n, 100);
        for iteration in 0..4 {
            let (x0, x1) = pairs.pairs(iteration).unwrap();
            let (found, best) = (cost(&x0, &x1), least(&costs(&x0, &x1, 2), n, 0, 0));
            assert!((found - best).abs() <= 1e-12 * best, "{n} pairs cost {found}, and {best} is possible");
        }
    }
    // In few columns the solver starts from guessed potentials, in more from none.
    for d in [2, 9] {
        let (x0, x1) = of_gaussians(d, 256, 256);
        let all = costs(&x0, &x1, d);
        let best: f64 = assignment::solve(&all, 256).column_of_row.iter().enumerate().map(|(i, j)| all[i * 256 + j]).sum();
        assert!((cost(&x0, &x1) - best).abs() <= 1e-12 * best);
    }
}

#[test]
fn every_row_of_the_source_and_every_row_of_the_data_is_used_once() {
    // Three batches of 20 make a pass over 60 rows.
    let pairs = pairs(9, 20, 60);
    let sorted = |values: &[f32]| {
        let mut rows: Vec<[u32; 2]> = values.chunks(2).map(|row| [row[0].to_bits(), row[1].to_bits()]).collect();
        rows.sort_unstable();
        rows
    };
    for pass in 0..2 {
        let mut met = Vec::new();
        for iteration in 3 * pass..3 * pass + 3 {
            let (x0, x1) = pairs.pairs(iteration).unwrap();
            let source = gaussian(vec![0.0; 2], vec![1.0, 0.0, 0.0, 1.0]);
            assert_eq!(x0, source(&mut generator_at(9, Stream::Pairs, iteration), 20), "the source's rows in their own order");
            met.extend(x1);
        }
        assert_eq!(sorted(&met), sorted(&moons(60)), "pass {pass}");
    }
}

#[test]
fn weighted_rows_are_met_as_often_as_their_weights_say() {
    let (values, weights) = ([0.0, 1.0, 2.0, 3.0], [0.5, 0.0, 2.0, 1.5]);
    let direct = Rows::new(values.to_vec(), 1, Some(&weights)).unwrap();
    let through_device = Dataset::new(&GPU, &values, 1, Some(&weights)).unwrap().host().unwrap();
    for rows in [direct, through_device] {
        let pairs = ExactPairs::new(&GPU, 4, 100, rows, gaussian(vec![0.0], vec![1.0])).unwrap();
        let mut counts = [0.0f64; 4];
        (0..100).for_each(|i| pairs.pairs(i).unwrap().1.iter().for_each(|&x| counts[x as usize] += 1.0));
        for (count, weight) in counts.into_iter().zip(weights) {
            let chance = f64::from(weight) / 4.0;
            let five_sigma = 5.0 * (10_000.0 * chance * (1.0 - chance)).sqrt();
            assert!((count - 10_000.0 * chance).abs() <= five_sigma, "{counts:?} for {weights:?}");
        }
    }
}

/// A plan that sums its pairs up in an order-dependent way; the sum, and the step's pairs.
fn plan(pairs: &ExactPairs) -> (Plan, pushforward::gpu::Tensor, [Kept; 2]) {
    let sum = GPU.zeros(1, 2).unwrap();
    let mut kept = None;
    let plan = Plan::record(&GPU, 0, |rec| {
        let (x0, x1) = pairs.record(rec)?;
        kept = Some([rec.keep(x0), rec.keep(x1)]);
        let (before, product) = (rec.tensor(&sum), rec.mul(x0, x1)?);
        let total = rec.sum_rows(product)?;
        let next = rec.blend(before, total, 0.7, 1.0)?;
        rec.copy_into(next, before)
    });
    (pairs.attach(plan.unwrap()), sum, kept.unwrap())
}

#[test]
fn a_step_reads_the_pairs_of_its_iteration() {
    let pairs = pairs(2, 33, 200);
    let (mut plan, _, kept) = plan(&pairs);
    for (iteration, skip) in [(0, 0), (1, 0), (15, 13), (16, 0), (50, 33)] {
        plan.replay(skip + 1).unwrap();
        let step = plan.steps().next().unwrap();
        let (x0, x1) = pairs.pairs(iteration).unwrap();
        assert_eq!(step.read(kept[0]).unwrap(), x0, "iteration {iteration}");
        assert_eq!(step.read(kept[1]).unwrap(), x1, "iteration {iteration}");
    }
}

#[test]
fn a_replay_of_n_is_n_replays_of_one_and_a_resumed_run_goes_on_bit_for_bit() {
    let ((mut once, a, _), (mut often, b, _)) = (plan(&pairs(5, 16, 100)), plan(&pairs(5, 16, 100)));
    once.replay(40).unwrap();
    (0..40).for_each(|_| often.replay(1).unwrap());
    assert_eq!(a.read().unwrap(), b.read().unwrap());
    let (mut first, c, _) = plan(&pairs(5, 16, 100));
    first.replay(21).unwrap();
    let (mut resumed, d, _) = plan(&pairs(5, 16, 100));
    d.write(&c.read().unwrap()).unwrap();
    resumed.set_count(21).unwrap();
    resumed.replay(19).unwrap();
    assert_eq!(a.read().unwrap(), d.read().unwrap());
}

/// E Var(x₁ − x₀ | x_t), a column, averaged over t: what is left of the regression of the velocity on straight paths. An upper bound for
/// couplings under which the regression is not linear.
fn floor(x0: &[f32], x1: &[f32]) -> f64 {
    let mean = |f: &dyn Fn(f64, f64) -> f64| {
        x0.iter().zip(x1).map(|(a, b)| f(f64::from(*a), f64::from(*b))).sum::<f64>() / x0.len() as f64
    };
    let (m0, m1) = (mean(&|a, _| a), mean(&|_, b| b));
    let (v0, v1) = (mean(&|a, _| (a - m0).powi(2)), mean(&|_, b| (b - m1).powi(2)));
    let c = mean(&|a, b| (a - m0) * (b - m1));
    // Midpoints of 200 intervals of t.
    let at = |t: f64| {
        let s = 1.0 - t;
        let (way, both) = (s * s * v0 + t * t * v1 + 2.0 * s * t * c, t * v1 - s * v0 + (s - t) * c);
        v0 + v1 - 2.0 * c - both * both / way
    };
    (0..200).map(|k| at((f64::from(k) + 0.5) / 200.0)).sum::<f64>() / 200.0
}

/// Rows of N(m, s²) in d columns, and their pairs with N(0, 1) by batches.
const M: f32 = 0.7;
const S: f32 = 0.5;

fn of_gaussians(d: usize, batch: usize, total: usize) -> (Vec<f32>, Vec<f32>) {
    let diagonal = |s: f32| (0..d * d).map(|k| if k % (d + 1) == 0 { s } else { 0.0 }).collect::<Vec<_>>();
    let data = gaussian(vec![M; d], diagonal(S))(&mut generator_at(8, Stream::Toy, 0), total);
    let pairs =
        ExactPairs::new(&GPU, 6, batch, Rows::new(data, d, None).unwrap(), gaussian(vec![0.0; d], diagonal(1.0))).unwrap();
    let (mut x0, mut x1) = (Vec::new(), Vec::new());
    for iteration in 0..(total / batch) as u64 {
        let (a, b) = pairs.pairs(iteration).unwrap();
        x0.extend(a);
        x1.extend(b);
    }
    (x0, x1)
}

#[test]
fn the_floor_of_the_loss_falls_as_batches_grow() {
    // Closed form 13: πs/2 a column where pairs are independent (a batch of one), and 0 under the optimal transport of the distributions.
    let independent = std::f64::consts::FRAC_PI_2 * f64::from(S);
    for (d, batches) in [(1, [1, 4, 16, 64, 256]), (2, [1, 4, 16, 64, 256])] {
        let floors = batches.map(|batch| {
            let (x0, x1) = of_gaussians(d, batch, 8192);
            floor(&x0, &x1)
        });
        println!("d = {d}: {floors:.4?}, independent {independent:.4}");
        assert!((floors[0] - independent).abs() < 0.04 * independent, "{floors:?}: independent pairs leave {independent}");
        assert!(floors.windows(2).all(|pair| pair[1] < 0.75 * pair[0]), "{floors:?}");
        assert!(floors[4] < [0.0, 0.03, 0.2][d] * independent, "{floors:?}");
    }
}

/// What a Sinkhorn coupling of fixed rows gives at each of `replays`.
fn coupled(x0: &[f32], x1: &[f32], d: usize, epsilon: f32, replays: usize) -> Vec<(Vec<f32>, Vec<f32>)> {
    let mut rec = Recorder::new(&GPU, 11);
    let [a, b] = [x0, x1].map(|x| GPU.upload(x.len() / d, d, x).unwrap());
    let (a, b) = (rec.tensor(&a), rec.tensor(&b));
    let (a, b) = Coupling::Sinkhorn.pair(&mut rec, a, b, epsilon).unwrap();
    let (a, b) = (rec.keep(a), rec.keep(b));
    let mut step = rec.finish().unwrap();
    let mut once = || {
        step.replay(1).unwrap();
        (step.read(a).unwrap(), step.read(b).unwrap())
    };
    (0..replays).map(|_| once()).collect()
}

#[test]
fn sinkhorn_pairs_cost_less_the_smaller_epsilon_down_to_the_exact_ones() {
    let (x0, x1) = of_gaussians(2, 1, 256);
    let apart = cost(&x0, &x1) / 256.0;
    let all = costs(&x0, &x1, 2);
    let best: f64 =
        assignment::solve(&all, 256).column_of_row.iter().enumerate().map(|(i, j)| all[i * 256 + j]).sum::<f64>() / 256.0;
    let at = |epsilon| {
        let found = coupled(&x0, &x1, 2, epsilon, 8);
        assert!(found.iter().all(|(a, _)| *a == x0), "the source keeps its rows");
        found.iter().map(|(a, b)| cost(a, b) / 256.0).sum::<f64>() / 8.0
    };
    let costs = [10.0, 0.3, 0.1, 0.03, 0.01].map(at);
    println!("independent {apart:.4}, ε falling {costs:.4?}, exact {best:.4}");
    assert!(costs.windows(2).all(|pair| pair[1] < pair[0]), "{costs:?}");
    assert!((costs[0] - apart).abs() < 0.15 * apart, "at a large ε pairs are independent: {costs:?}, {apart}");
    // Rows are drawn one by one, so some meet no partner of their own: the cost may fall a little short of the best matching's.
    assert!(costs[4] > 0.8 * best && costs[4] < 1.2 * best + 0.02 * apart, "{costs:?}, and the best is {best}");
}

#[test]
fn sinkhorn_pairs_leave_every_row_of_the_data_its_share() {
    let (n, replays) = (64, 600);
    let x0 = gaussian(vec![0.0; 2], vec![1.0, 0.0, 0.0, 1.0])(&mut generator_at(1, Stream::Toy, 0), n);
    let x1 = moons(n);
    let mut counts = vec![0.0f64; n];
    for (_, met) in coupled(&x0, &x1, 2, 0.05, replays) {
        for row in met.chunks(2) {
            counts[x1.chunks(2).position(|other| other == row).expect("a row of the data")] += 1.0;
        }
    }
    // The count of a column is a sum of independent choices with mean 1 a replay, so its variance is at most that; 2 % are the plan's.
    let five_sigma = 5.0 * (replays as f64).sqrt() + 0.02 * replays as f64;
    let worst = counts.iter().map(|c| (c - replays as f64).abs()).fold(0.0, f64::max);
    assert!(worst < five_sigma, "a row was met {worst} times off from {replays}: {counts:?}");
}

#[test]
fn epsilon_is_relative_to_the_cost() {
    let (x0, x1) = of_gaussians(3, 1, 100);
    let larger = |x: &[f32]| x.iter().map(|v| 8.0 * v).collect::<Vec<_>>();
    let (one, two) = (coupled(&x0, &x1, 3, 0.05, 1), coupled(&larger(&x0), &larger(&x1), 3, 0.05, 1));
    assert_eq!(larger(&one[0].1), two[0].1);
    // Rows that all coincide have no scale.
    let found = coupled(&[1.0; 10], &[1.0; 10], 1, 0.05, 1);
    assert_eq!(found[0].1, [1.0; 10]);
}

#[test]
fn no_gradient_flows_through_the_choice() {
    let (z, y) = of_gaussians(2, 1, 40);
    let mut rec = Recorder::new(&GPU, 0);
    let [z, y] = [z, y].map(|x| GPU.upload(40, 2, &x).unwrap());
    let (z, y) = (rec.tensor(&z), rec.tensor(&y));
    let x0 = rec.scale(z, 2.0).unwrap();
    let (x0, x1) = Coupling::Sinkhorn.pair(&mut rec, x0, y, 0.1).unwrap();
    // ∂/∂z of Σ(x₀ + x₁²) is that of x₀ alone.
    let square = rec.square(x1).unwrap();
    let both = rec.add(x0, square).unwrap();
    let loss = rec.sum(both).unwrap();
    let gradients = rec.backward(loss, &[z, y]).unwrap();
    let gradients: Vec<_> = gradients.into_iter().map(|g| rec.keep(g)).collect();
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    assert_eq!(step.read(gradients[0]).unwrap(), [2.0; 80]);
    assert_eq!(step.read(gradients[1]).unwrap(), [0.0; 80]);
}

#[test]
fn independent_pairs_are_left_as_they_are_and_cost_nothing() {
    let mut rec = Recorder::new(&GPU, 0);
    let (a, b) = (rec.normal(5, 2).unwrap(), rec.normal(5, 2).unwrap());
    let before = rec.len();
    assert_eq!(Coupling::Independent.pair(&mut rec, a, b, 0.05).unwrap(), (a, b));
    assert_eq!(rec.len(), before);
}

#[test]
fn what_cannot_be_coupled_is_refused() {
    let mut rec = Recorder::new(&GPU, 0);
    let (a, b, c) = (rec.normal(5, 2).unwrap(), rec.normal(5, 2).unwrap(), rec.normal(4, 2).unwrap());
    let message = |coupling: Coupling, b, epsilon, rec: &mut Recorder| coupling.pair(rec, a, b, epsilon).unwrap_err().to_string();
    assert!(message(Coupling::Exact, b, 0.05, &mut rec).contains("use `ExactPairs`"));
    assert!(message(Coupling::Sinkhorn, c, 0.05, &mut rec).contains("5 × 2 with 4 × 2"));
    assert!(message(Coupling::Sinkhorn, b, 0.0, &mut rec).contains("`epsilon` is 0"));
    let refused =
        |values: &[f32], cols, weights: Option<&[f32]>| Rows::new(values.to_vec(), cols, weights).unwrap_err().to_string();
    assert!(refused(&[1.0; 3], 2, None).contains("no rows of 2 columns"));
    assert!(refused(&[1.0, f32::NAN], 1, None).contains("row 2, column 1 of the data is NaN"));
    assert!(refused(&[1.0; 3], 1, Some(&[0.0; 3])).contains("one row more than 0"));
    let rows = Rows::new(moons(10), 2, None).unwrap();
    for (batch, words) in [(0, "`batch_size` is 0"), (4000, "use fewer, or the `sinkhorn` coupling")] {
        let refused =
            ExactPairs::new(&GPU, 0, batch, rows.clone(), gaussian(vec![0.0; 2], vec![1.0; 2])).err().unwrap().to_string();
        assert!(refused.contains(words), "{refused}");
    }
    let refused = ExactPairs::new(&GPU, 0, 4, rows.clone(), gaussian(vec![0.0], vec![1.0])).err().unwrap().to_string();
    assert!(refused.contains("4 numbers of the source for 4 rows of 2 columns"), "{refused}");
    // A source that fails only later stops the plan there.
    let calls = AtomicUsize::new(0);
    let endless = move |_: &mut _, n| vec![if calls.fetch_add(1, Ordering::Relaxed) < 20 { 1.0 } else { f32::INFINITY }; 2 * n];
    let (mut plan, ..) = plan(&ExactPairs::new(&GPU, 0, 4, rows, endless).unwrap());
    plan.replay(16).unwrap();
    assert!(plan.replay(1).unwrap_err().to_string().contains("row 1, column 1 of the source is inf"));
}

#[test]
fn couplings_are_named_as_in_the_literature() {
    let names = Coupling::ALL.map(|coupling| serde_json::to_string(&coupling).unwrap());
    assert_eq!(names, ["\"independent\"", "\"sinkhorn\"", "\"exact\""]);
    assert_eq!(Coupling::default(), Coupling::Independent);
}

/// The energy distance to fresh rows of what two Euler steps make of 2,000 rows of the source, after a short training on moons.
fn after_two_euler_steps(coupling: Coupling) -> f64 {
    let (batch, seed) = (128, 1);
    let mut builder = Builder::new(seed);
    let time = TimeEmbedding { count: 4, highest: 4.0 };
    let shape =
        VelocityShape { columns: 2, outputs: 2, width: 48, depth: 2, activation: Activation::Silu, input_gain: 3.0, time };
    let velocity = Velocity::new(&mut builder, "velocity", shape);
    let parameters = builder.build(&GPU).unwrap();
    let adam = Adam { learning_rate: 5e-3, steps: 300, warmup_steps: 20, ema: 0.98, ..Adam::default() };
    let data = Dataset::new(&GPU, &moons(4000), 2, None).unwrap();
    let source = || gaussian(vec![0.0; 2], vec![1.0, 0.0, 0.0, 1.0]);
    let exact =
        (coupling == Coupling::Exact).then(|| ExactPairs::new(&GPU, seed, batch, data.host().unwrap(), source()).unwrap());
    let plan = Plan::record(&GPU, seed, |rec| {
        let (x0, x1) = match &exact {
            Some(pairs) => pairs.record(rec)?,
            None => {
                let (x1, x0) = (data.batch(rec, batch)?, rec.normal(batch, 2)?);
                coupling.pair(rec, x0, x1, 0.05)?
            }
        };
        let t = rec.uniform(batch, 1)?;
        let way = rec.sub(x1, x0)?;
        let part = rec.mul(way, t)?;
        let at = rec.add(x0, part)?;
        let v = velocity.forward(rec, &parameters, at, t, Weights::Trained)?;
        let loss = mean_squared(rec, v, way)?;
        rec.minimize(loss, &parameters, &adam)?;
        Ok(())
    });
    let mut plan = match &exact {
        Some(pairs) => pairs.attach(plan.unwrap()),
        None => plan.unwrap(),
    };
    plan.replay(300).unwrap();
    let mut rec = Recorder::with_domain(&GPU, seed, 1).unwrap();
    let z = rec.normal(2000, 2).unwrap();
    let x = integrate(&mut rec, Solver::Euler, &[0.0, 0.5, 1.0], z, &mut |rec, x, t| {
        velocity.at(rec, &parameters, x, Time::Known(t), Weights::Averaged)
    })
    .unwrap();
    let x = rec.keep(x);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    let (x, fresh) = (step.read(x).unwrap(), Toy::Moons.sample(2000, 77).into_single());
    energy(Points::new(&x, 2000, 2).unwrap(), Points::new(&fresh, 2000, 2).unwrap()).unwrap().value
}

#[test]
fn coupled_flows_are_straight_enough_for_two_steps() {
    let [independent, sinkhorn, exact] = Coupling::ALL.map(after_two_euler_steps);
    println!("energy distance after two Euler steps: independent {independent:.4}, sinkhorn {sinkhorn:.4}, exact {exact:.4}");
    assert!(sinkhorn < 0.2 * independent && exact < 0.2 * independent, "{independent} {sinkhorn} {exact}");
}
