//! Continuous normalizing flows: the gradient of a whole recorded likelihood, densities that are densities, the prices of a field.

use super::{GPU, trained, trained_from};
use pushforward::data::Table;
use pushforward::data::toy::Toy;
use pushforward::methods::{self, Dataset, Learner, Setup};
use pushforward::metrics::Points;
use pushforward::metrics::likelihood::LogLikelihood;
use pushforward::model::Model;
use pushforward::nn::{Activation, TimeEmbedding};
use pushforward::reference::gather::{Place, batch};
use pushforward::reference::{activation, check_gradient, differences, random};
use pushforward::settings::Values;

const ROWS: usize = 10;
/// Columns that are generated, and one that is given behind them.
const COLUMNS: usize = 2;
const SEED: u64 = 11;
const KINETIC: f64 = 0.3;
const JACOBIAN: f64 = 0.2;
const STEPS: usize = 2;

/// Reference for the training loss, straight from its formula: plain loops, a tangent of each direction beside each value.
struct Exact {
    /// (name, offset, rows, columns) of each slice of the flat parameters.
    slices: Vec<(String, usize, usize, usize)>,
    activation: Activation,
    time: TimeEmbedding,
    /// Centered rows, given columns behind.
    rows: Vec<[f64; COLUMNS + 1]>,
    /// The directions of each row's tangents: all of them, or one probe.
    directions: Vec<Vec<[f64; COLUMNS]>>,
}

impl Exact {
    fn slice<'a>(&self, flat: &'a [f64], name: &str) -> (&'a [f64], usize) {
        let (_, offset, rows, cols) = self.slices.iter().find(|s| s.0 == name).unwrap();
        (&flat[*offset..offset + rows * cols], *cols)
    }

    /// v(x, t) and its tangent along each direction.
    fn field(&self, flat: &[f64], x: &[f64], t: f64, directions: &[[f64; COLUMNS]]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let times = |w: &[f64], cols: usize, v: &[f64]| -> Vec<f64> {
            (0..cols).map(|j| v.iter().enumerate().map(|(i, v)| v * w[i * cols + j]).sum()).collect()
        };
        let plus = |a: Vec<f64>, b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
        let embedded: Vec<f64> = self.time.at(t).into_iter().map(f64::from).collect();
        let (of_time, width) = self.slice(flat, "velocity.time");
        let shift = times(of_time, width, &embedded);
        let (mut h, mut tangents) = (x.to_vec(), directions.iter().map(|d| [&d[..], &[0.0]].concat()).collect::<Vec<_>>());
        for layer in 0.. {
            let name = format!("velocity.{layer}.weight");
            if !self.slices.iter().any(|s| s.0 == name) {
                break;
            }
            let (w, cols) = self.slice(flat, &name);
            let b = self.slice(flat, &format!("velocity.{layer}.bias")).0;
            if layer > 0 {
                let slopes: Vec<f64> = h.iter().map(|&v| activation::slope(self.activation, v)).collect();
                tangents.iter_mut().for_each(|t| t.iter_mut().zip(&slopes).for_each(|(t, s)| *t *= s));
                h.iter_mut().for_each(|v| *v = activation::value(self.activation, *v));
            }
            h = plus(times(w, cols, &h), b);
            if layer == 0 {
                h = plus(h, &shift);
            }
            tangents = tangents.iter().map(|t| times(w, cols, t)).collect();
        }
        (h, tangents)
    }

    /// −ln ρ₁ + the prices, and ln ρ₁ alone: means over the rows. Runge and Kutta's steps from t = 1 to 0.
    fn loss(&self, flat: &[f64]) -> (f64, f64) {
        let a = self.slice(flat, "embedding.weight").0;
        let det = a[0] * a[3] - a[1] * a[2];
        let (mut loss, mut nats) = (0.0, 0.0);
        for (row, directions) in self.rows.iter().zip(&self.directions) {
            // x, the given column, ∫∇·v, ∫|v|², ∫‖∂v/∂x‖².
            let mut state = [row[0], row[1], row[2], 0.0, 0.0, 0.0];
            let rate = |state: &[f64; 6], t: f64| {
                let (v, tangents) = self.field(flat, &state[..3], t, directions);
                let along = tangents.iter().zip(directions).map(|(t, d)| t[0] * d[0] + t[1] * d[1]).sum::<f64>();
                let square = tangents.iter().flatten().map(|t| t * t).sum::<f64>();
                [v[0], v[1], 0.0, along, v[0] * v[0] + v[1] * v[1], square]
            };
            let step = -1.0 / STEPS as f64;
            let add = |state: &[f64; 6], h: f64, k: &[f64; 6]| std::array::from_fn(|i| state[i] + h * k[i]);
            for k in 0..STEPS {
                let t = 1.0 + step * k as f64;
                let k1 = rate(&state, t);
                let k2 = rate(&add(&state, 0.5 * step, &k1), t + 0.5 * step);
                let k3 = rate(&add(&state, 0.5 * step, &k2), t + 0.5 * step);
                let k4 = rate(&add(&state, step, &k3), t + step);
                state = std::array::from_fn(|i| state[i] + step / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]));
            }
            // x = zA.
            let z = [(state[0] * a[3] - state[1] * a[2]) / det, (state[1] * a[0] - state[0] * a[1]) / det];
            let normal = -0.5 * (z[0] * z[0] + z[1] * z[1]) - std::f64::consts::TAU.ln() - det.abs().ln();
            nats += normal + state[3];
            // Integrals that run backwards are negative.
            let prices = -(KINETIC * state[4] + JACOBIAN * state[5]) / COLUMNS as f64;
            loss += prices - (normal + state[3]);
        }
        (loss / ROWS as f64, nats / ROWS as f64)
    }
}

fn built(extra: &str, conditions: usize, data: Option<&Dataset>) -> Box<dyn Learner> {
    let (method, training) = methods::configured("cnf", &Values::parse(extra).unwrap()).unwrap();
    let setup = Setup { gpu: &GPU, training: &training, columns: COLUMNS, conditions, seed: SEED, data, teacher: None };
    method.learner(&setup).unwrap()
}

#[test]
fn the_gradient_of_a_whole_recorded_likelihood_is_that_of_its_reference() {
    // Rows that lean, with means of their own, and a column that is given.
    let numbers: Vec<f64> =
        (0..ROWS as u32).flat_map(|i| random::draw("normal", random::philox([i, 7, 7, 7], [1; 2]), 0.0, 1.0)).collect();
    let rows: Vec<f32> = numbers
        .chunks_exact(4)
        .flat_map(|z| [0.4 + 1.2 * z[0] + 0.5 * z[2], -0.3 + 0.4 * z[0] + 0.8 * z[1], z[2]])
        .map(|v| v as f32)
        .collect();
    let data = Dataset::with_conditions(&GPU, &rows, COLUMNS + 1, 1, None).unwrap();
    for (trace, name) in [("exact", Activation::Silu), ("hutchinson", Activation::Tanh), ("auto", Activation::Gelu)] {
        let settings = format!(
            "trace = '{trace}'\nactivation = '{}'\nhidden_width = 4\nhidden_layers = 2\ntime_frequencies = 2\nbatch_size = {ROWS}\ntrain_steps = {STEPS}\n\
             kinetic_penalty = {KINETIC}\njacobian_penalty = {JACOBIAN}",
            name.name()
        );
        let method = built(&settings, 1, Some(&data));
        let parameters = method.parameters();
        let mut offset = 0;
        let mut slices = Vec::new();
        for (name, rows, cols, _) in parameters.averaged().unwrap() {
            slices.push((name, offset, rows, cols));
            offset = (offset + rows * cols).next_multiple_of(64);
        }
        // The last layer starts at zero: weights that say something, everywhere but in what is fixed.
        let mut state = parameters.state().unwrap();
        let learned = slices.iter().find(|s| s.0 == "velocity.time").unwrap().1;
        for (name, offset, rows, cols) in slices.iter().filter(|s| s.1 >= learned) {
            for k in *offset..offset + rows * cols {
                let bits = random::philox([k as u32, 3, 3, 3], [2; 2]);
                let size = if name.ends_with("weight") { 0.6 } else { 0.3 };
                state[0].1[k] = (size * random::draw("normal", bits, 0.0, 1.0)[0]) as f32;
            }
        }
        parameters.restore(|name| state.iter().find(|s| s.0 == name).map(|s| s.1.clone())).unwrap();
        let mut plan = method.plan(&GPU, SEED, &data).unwrap();
        plan.replay(1).unwrap();
        let reports = plan.final_reports().unwrap();
        let report = |name: &str| f64::from(reports[0].values[plan.report_names().iter().position(|n| n == name).unwrap()]);

        let mean: Vec<f64> = data.mean()[..COLUMNS].iter().map(|&m| f64::from(m)).collect();
        let order = batch(ROWS as u32, ROWS as u32, Place { step: 0, seed: SEED, domain: 0, stream: 1 });
        let signs: Vec<f64> = (0..(ROWS * COLUMNS).div_ceil(4))
            .flat_map(|i| random::draw("sign", random::philox([i as u32, 2, 0, 0], [SEED as u32, 0]), 0.0, 1.0))
            .collect();
        let probe = |i: usize| vec![[signs[COLUMNS * i], signs[COLUMNS * i + 1]]];
        let reference = Exact {
            slices,
            activation: name,
            time: TimeEmbedding { count: 2, highest: 1.0 },
            rows: order
                .iter()
                .map(|&i| std::array::from_fn(|c| f64::from(rows[3 * i as usize + c]) - mean.get(c).copied().unwrap_or(0.0)))
                .collect(),
            directions: (0..ROWS).map(|i| if trace == "hutchinson" { probe(i) } else { vec![[1.0, 0.0], [0.0, 1.0]] }).collect(),
        };
        let flat: Vec<f64> = state[0].1.iter().map(|&v| f64::from(v)).collect();
        let (loss, nats) = reference.loss(&flat);
        println!("{trace}: loss {} and reference {loss}, nats {} and {nats}", report("loss"), report("nats"));
        assert!((report("loss") - loss).abs() < 1e-5 * loss.abs(), "loss {} where the reference has {loss}", report("loss"));
        assert!((report("nats") - nats).abs() < 1e-5 * nats.abs(), "nats {} where the reference has {nats}", report("nats"));
        // After one update the first moment is a tenth of the gradient.
        let first = &parameters.state().unwrap()[1].1;
        // Without what fills the slices up.
        let places: Vec<usize> = reference.slices.iter().filter(|s| s.1 >= learned).flat_map(|s| s.1..s.1 + s.2 * s.3).collect();
        let found: Vec<f64> = places.iter().map(|&k| 10.0 * f64::from(first[k])).collect();
        let own: Vec<f64> = places.iter().map(|&k| flat[k]).collect();
        let expected = differences(&own, |changed| {
            let mut flat = flat.clone();
            places.iter().zip(changed).for_each(|(&k, &v)| flat[k] = v);
            reference.loss(&flat).0
        });
        // Sums over rows and evaluations in f32.
        check_gradient(trace, &found, &expected, 1e-5);
    }
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64
}

#[test]
fn a_trained_flow_is_a_density_that_adds_up_to_one_and_its_map_an_inverse() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let outcome = trained(
        "cnf",
        Toy::Moons,
        "steps = 200\nhidden_width = 32\nhidden_layers = 2\nbatch_size = 256\nlearning_rate = 8e-3",
        &run,
    );
    let (side, reach) = (101usize, 5.0f32);
    let at = |i: usize| reach * (2.0 * i as f32 / (side as f32 - 1.0) - 1.0);
    let grid: Vec<f32> = (0..side * side).flat_map(|k| [at(k % side), at(k / side)]).collect();
    let density = outcome.model.log_density(&Table::new(["x", "y"], grid).unwrap()).unwrap().unwrap().values;
    let cell = f64::from(at(1) - at(0)).powi(2);
    let total: f64 = density.iter().map(|&v| f64::from(v).exp() * cell).sum();
    assert!(density.iter().all(|v| v.is_finite()));
    println!("the density adds up to {total:.4}");
    assert!((total - 1.0).abs() < 0.01, "the density adds up to {total}");
    // Fresh rows of the same distribution are likelier than under the Gaussian.
    let fresh = Toy::Moons.sample(2000, 99);
    let nats = mean(&outcome.model.log_density(&fresh).unwrap().unwrap().values);
    let points =
        |table: &Table| Points::new(table.single(), table.rows(), 2).map(|p| LogLikelihood::of_gaussian(p, p, 0)).unwrap();
    let gaussian = points(&fresh).mean;
    println!("{nats:.3} nats and a Gaussian {gaussian:.3}");
    assert!(nats > gaussian + 0.5, "{nats} nats where a fitted Gaussian has {gaussian}");
    // There and back by steps short enough for Runge and Kutta's error to be that of f32.
    let fine = Model::load(&GPU, &run).unwrap().with_steps(64).unwrap();
    let back = fine.push(&fine.pull(&fresh).unwrap().unwrap()).unwrap();
    let off = fresh.single().iter().zip(back.single()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("there and back: off by {off:.1e} at most");
    assert!(off < 1e-3, "rows come back off by {off}");
    // The likelihood is that of the equation, not of the error of the few steps it was trained through.
    let exact = mean(&fine.log_density(&fresh).unwrap().unwrap().values);
    println!("{nats:.4} nats by 8 steps, {exact:.4} by 64");
    assert!((nats - exact).abs() < 0.02, "{nats} nats by 8 steps, {exact} by 64");
}

#[test]
fn a_gaussian_is_as_likely_as_its_formula_says() {
    // N((1, −2), ((4, 1.2), (1.2, 1))): what is fitted is the distribution itself, up to 6,000 rows' error, and training leaves it there.
    let lean = |seed| -> Vec<f32> {
        let z = Toy::Gaussian.sample(if seed == 1 { 6000 } else { 500 }, seed).into_single();
        z.chunks_exact(2).flat_map(|z| [1.0 + 2.0 * z[0], -2.0 + 0.6 * z[0] + 0.8 * z[1]]).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(["x", "y"], lean(1)).unwrap();
    let outcome = trained_from(
        table,
        "rows.csv",
        "cnf",
        "steps = 60\nhidden_width = 16\nhidden_layers = 2\nbatch_size = 256",
        &folder.path().join("run"),
    );
    let fresh = Table::new(["x", "y"], lean(99)).unwrap();
    let found = outcome.model.log_density(&fresh).unwrap().unwrap().values;
    let (mut most, mut total) = (0.0f64, 0.0);
    for (row, found) in fresh.single().chunks_exact(2).zip(&found) {
        let (x, y) = (f64::from(row[0]) - 1.0, f64::from(row[1]) + 2.0);
        let det = 4.0 * 1.0 - 1.2 * 1.2;
        let square = (x * x - 2.0 * 1.2 * x * y + 4.0 * y * y) / det;
        let off = f64::from(*found) + 0.5 * square + std::f64::consts::TAU.ln() + 0.5 * f64::ln(det);
        most = most.max(off.abs());
        total += off / 500.0;
    }
    println!("off by {total:.4} on average and {most:.3} at most");
    assert!(total.abs() < 0.02, "ln ρ is off by {total} on average");
}

#[test]
fn prices_make_the_field_slower_and_smoother() {
    let run = |kinetic: f64, jacobian: f64| {
        let data = Dataset::new(&GPU, Toy::Moons.sample(2000, 1).single(), 2, None).unwrap();
        let settings = format!(
            "steps = 80\nwarmup_steps = 10\nhidden_width = 24\nhidden_layers = 2\nbatch_size = 128\nkinetic_penalty = {kinetic}\njacobian_penalty = {jacobian}"
        );
        let method = built(&settings, 0, Some(&data));
        let mut plan = method.plan(&GPU, SEED, &data).unwrap();
        plan.replay(80).unwrap();
        let reports = plan.final_reports().unwrap();
        let last = &reports[reports.len() - 10..];
        ["kinetic", "jacobian", "nats"].map(|name| {
            let place = plan.report_names().iter().position(|n| n == name).unwrap();
            last.iter().map(|r| f64::from(r.values[place])).sum::<f64>() / 10.0
        })
    };
    let (free, slow, smooth) = (run(0.0, 0.0), run(1.0, 0.0), run(0.0, 0.3));
    println!("kinetic, Jacobian, nats: {free:.3?} without a price, {slow:.3?} of the speed, {smooth:.3?} of the slopes");
    assert!(slow[0] < 0.7 * free[0], "∫|v|² is {} with a price and {} without", slow[0], free[0]);
    assert!(smooth[1] < 0.7 * free[1], "∫‖∂v/∂x‖² is {} with a price and {} without", smooth[1], free[1]);
}
