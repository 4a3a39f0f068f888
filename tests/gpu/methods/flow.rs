//! Flows: samples by every solver, a density, a map that can be run backwards, any distribution to start from.

use super::{GPU, distances, trained};
use pushforward::data::Table;
use pushforward::data::toy::Toy;
use pushforward::flow::Solver;
use pushforward::methods::{Drawing, Method as _};
use pushforward::model::Model;
use pushforward::settings::Values;

#[test]
fn a_trained_flow_is_a_density_and_its_map_an_inverse() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = trained("flow-matching", Toy::Moons, "hidden_width = 32\nlearning_rate = 4e-3", &folder.path().join("run"));
    // On a grid over all that the distribution reaches the density adds up to one.
    let (side, reach) = (81usize, 4.5f32);
    let at = |i: usize| reach * (2.0 * i as f32 / (side as f32 - 1.0) - 1.0);
    let grid: Vec<f32> = (0..side * side).flat_map(|k| [at(k % side), at(k / side)]).collect();
    let grid = Table::new(["x", "y"], grid).unwrap();
    let density = outcome.model.log_density(&grid).unwrap().expect("a flow has a density").values;
    let cell = f64::from(at(1) - at(0)).powi(2);
    let total: f64 = density.iter().map(|&v| f64::from(v).exp() * cell).sum();
    println!("the density adds up to {total:.4}");
    assert!((total - 1.0).abs() < 0.02, "the density adds up to {total}");
    // It likes the data better than the fitted Gaussian does.
    let fresh = Toy::Moons.sample(2000, 99);
    let found = outcome.model.log_density(&fresh).unwrap().expect("a flow has a density").values;
    let mean = found.iter().map(|&v| f64::from(v)).sum::<f64>() / 2000.0;
    let gaussian = {
        let n = 2000.0;
        let column = |c: usize| fresh.single().iter().skip(c).step_by(2).map(|&v| f64::from(v)).collect::<Vec<_>>();
        let (x, y) = (column(0), column(1));
        let average = |v: &[f64]| v.iter().sum::<f64>() / n;
        let (mx, my) = (average(&x), average(&y));
        let moment = |a: &[f64], ma: f64, b: &[f64], mb: f64| a.iter().zip(b).map(|(p, q)| (p - ma) * (q - mb)).sum::<f64>() / n;
        let det = moment(&x, mx, &x, mx) * moment(&y, my, &y, my) - moment(&x, mx, &y, my).powi(2);
        -(std::f64::consts::TAU.ln() + 1.0) - 0.5 * det.ln()
    };
    println!("mean log-density {mean:.3}, of the fitted Gaussian {gaussian:.3}");
    assert!(mean > gaussian + 0.3, "mean log-density {mean}, of the fitted Gaussian {gaussian}");
    // There and back again.
    let latents = outcome.model.pull(&fresh).unwrap().expect("a flow has an inverse");
    let back = outcome.model.push(&latents).unwrap();
    let off: f64 = fresh.single().iter().zip(back.single()).map(|(a, b)| f64::from(a - b).abs()).sum::<f64>() / 4000.0;
    println!("there and back: off by {off:.1e} on average");
    assert!(off < 0.02, "rows come back off by {off}");
    let square = latents.single().iter().map(|&z| f64::from(z).powi(2)).sum::<f64>() / 4000.0;
    assert!((square - 1.0).abs() < 0.15, "latents of the data have a mean square of {square}");
}

/// The model of a run with other settings of its sampling.
fn with(folder: &std::path::Path, settings: &str) -> Model {
    Model::load(&GPU, folder).unwrap().with_values(&Values::parse(settings).unwrap()).unwrap()
}

#[test]
fn every_solver_draws_from_the_distribution_that_was_learned() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut outcome =
        trained("diffusion", Toy::Moons, "steps = 500\nhidden_width = 32\nlearning_rate = 4e-3\npath = 'vp-linear'", &run);
    for solver in Solver::ALL {
        // Of order ½ to 1, and noise to the last but one step: these take more of them.
        let steps = if solver.is_stochastic() || matches!(solver, Solver::Euler | Solver::Ddim) { 64 } else { 16 };
        outcome.model = with(&run, &format!("solver = '{}'\nsolver_steps = {steps}", solver.name()));
        let (learned, gaussian) = distances(&outcome, Toy::Moons);
        println!("{solver:?}: {learned:.4} against {gaussian:.4}");
        assert!(learned < 0.5 * gaussian, "{solver:?}: {learned} against a Gaussian's {gaussian}");
    }
    for grid in ["quadratic", "edm"] {
        outcome.model = with(&run, &format!("solver = 'dpm-solver-2m'\nsolver_steps = 24\ngrid = '{grid}'"));
        let (learned, gaussian) = distances(&outcome, Toy::Moons);
        println!("{grid}: {learned:.4} against {gaussian:.4}");
        assert!(learned < 0.5 * gaussian, "{grid}: {learned} against a Gaussian's {gaussian}");
    }
}

#[test]
fn every_path_prediction_and_distribution_of_times_is_learned() {
    for (method, extra) in [
        ("flow-matching", "path = 'trigonometric'\ntime_distribution = 'logit-normal'\nsigma_min = 0.0"),
        ("flow-matching", "sigma_min = 0.05\ntime_distribution = 'low-discrepancy'\nsolver = 'dopri5'"),
        ("diffusion", "path = 'edm'\ntime_distribution = 'log-normal'\nsolver = 'dpm-solver-2m'"),
        ("diffusion", "path = 'variance-exploding'\nsolver = 'stochastic-heun'\nsolver_steps = 32"),
        ("diffusion", "path = 'cosine'\nprediction = 'v'"),
        ("diffusion", "path = 'vp-linear'\nprediction = 'noise'\nsolver = 'dpm-solver-2m'\nsteps = 800"),
        ("diffusion", "path = 'straight'\nprediction = 'data'\nsolver = 'dpm-solver-2m'"),
        ("diffusion", "path = 'ornstein-uhlenbeck'\nprediction = 'velocity'\nsolver = 'euler-maruyama'\nsolver_steps = 64"),
        ("score", "matching = 'sliced'\nsteps = 800\nhidden_width = 64"),
        ("interpolant", "path = 'encoding-decoding'\nsolver_steps = 32"),
        ("interpolant", "gamma = 'sine'\nsolver = 'euler-maruyama'\nsolver_steps = 64"),
        ("flow-matching", "coupling = 'sinkhorn'\nbatch_size = 256"),
        ("flow-matching", "coupling = 'exact'\nbatch_size = 128"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let width = if extra.contains("hidden_width") { "" } else { "hidden_width = 32\n" };
        let outcome = trained(method, Toy::Moons, &format!("{width}learning_rate = 4e-3\n{extra}"), &folder.path().join("run"));
        let (learned, gaussian) = distances(&outcome, Toy::Moons);
        println!("{method} {extra:?}: {learned:.4} against {gaussian:.4}");
        // Slices have a variance of their own: 0.077 to 0.11 in runs of 600 to 1,000 steps.
        let share = if extra.contains("sliced") { 0.75 } else { 0.6 };
        assert!(learned < share * gaussian, "{method} with {extra:?}: {learned} against a Gaussian's {gaussian}");
    }
}

#[test]
fn steps_that_follow_their_error_agree_with_many_fixed_ones() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trained("flow-matching", Toy::Moons, "hidden_width = 32\nlearning_rate = 4e-3\nsteps = 200", &run);
    let (free, fixed) = (with(&run, "solver = 'dopri5'\ntolerance = 1e-6"), with(&run, "solver = 'rk4'\nsolver_steps = 300"));
    let z: Vec<f32> = (0..600).map(|i| ((i * 7919 % 601) as f32 / 300.0 - 1.0) * 1.8).collect();
    let z = Table::new(["z1", "z2"], z).unwrap();
    let rows = fixed.push(&z).unwrap();
    // The tolerance is the batch's root mean square; single rows between the moons part by more.
    let off = |what: &str, a: &[f32], b: &[f32]| {
        let each = a.iter().zip(b).map(|(a, b)| f64::from(a - b).abs());
        let (mean, most) = (each.clone().sum::<f64>() / a.len() as f64, each.fold(0.0, f64::max));
        println!("{what}: {mean:.1e} apart on average, {most:.1e} at most");
        mean
    };
    assert!(off("rows", rows.single(), free.push(&z).unwrap().single()) < 1e-4);
    let latents = free.pull(&rows).unwrap().unwrap();
    assert!(off("latents", latents.single(), fixed.pull(&rows).unwrap().unwrap().single()) < 1e-4);
    assert!(off("there and back", free.push(&latents).unwrap().single(), rows.single()) < 1e-4);
    let [free, fixed] = [free, fixed].map(|model| model.log_density(&rows).unwrap().unwrap().values);
    assert!(off("log-densities", &free, &fixed) < 1e-3);
}

#[test]
fn a_temperature_stays_with_other_settings_of_sampling() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trained("flow-matching", Toy::Moons, "steps = 20\nhidden_width = 16", &run);
    let cool = || Model::load(&GPU, &run).unwrap().with_temperature(0.3).unwrap();
    let apart = cool().with_sampling(|sampling| sampling.repulsion = 0.5).unwrap();
    let alone = apart.with_sampling(|sampling| sampling.repulsion = 0.0).unwrap();
    assert_eq!(alone.sample(50, 1).unwrap().values(), cool().sample(50, 1).unwrap().values());
    // One that noise on the way would undo is refused in either order.
    let refused = cool().with_sampling(|sampling| sampling.solver = Solver::Ancestral).err().map(|e| e.to_string());
    assert!(refused.as_ref().is_some_and(|e| e.contains("temperature")), "{refused:?}");
    // A method that denoises takes settings of its equation beside.
    let run = folder.path().join("noised");
    trained("cnf", Toy::Moons, "steps = 5\nhidden_width = 16\nhidden_layers = 2\nnoise = 0.1", &run);
    let plain = with(&run, "denoise = false\nsolver = 'euler'");
    let description = plain.description().clone();
    assert!(!description.training.denoise);
    assert!(matches!(description.method.clone().drawing(), Drawing::Solver(sampling) if sampling.solver == Solver::Euler));
    assert!(plain.sample(10, 0).is_ok());
}

#[test]
fn estimated_log_densities_are_within_their_errors_of_the_exact_ones() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trained("flow-matching", Toy::Moons, "hidden_width = 32\nlearning_rate = 4e-3\nsteps = 200", &run);
    let rows = Toy::Moons.sample(2000, 8);
    let exact = with(&run, "probes = 'auto'").log_density(&rows).unwrap().unwrap();
    let found = with(&run, "probes = 24").log_density(&rows).unwrap().unwrap();
    let errors = found.errors.expect("an estimate has an error");
    assert!(exact.errors.is_none());
    let scaled: Vec<f64> =
        found.values.iter().zip(&exact.values).zip(&errors).map(|((f, e), s)| f64::from((f - e) / s.max(1e-4))).collect();
    let within = scaled.iter().filter(|z| z.abs() < 2.0).count() as f64 / 2000.0;
    let mean = scaled.iter().sum::<f64>() / 2000.0;
    println!("{within:.3} within two errors, mean {mean:.3} of one");
    // Student's distribution of 23 degrees puts .943 within two; probes are shared by no rows.
    assert!((0.90..0.985).contains(&within) && mean.abs() < 0.15, "{within} within two errors, mean {mean}");
}

#[test]
fn a_flow_starts_from_any_distribution_and_its_ways_can_be_kept() {
    for method in ["flow-matching", "interpolant"] {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let extra = "steps = 700\nhidden_width = 32\nlearning_rate = 4e-3\nsource = 'toy:8gaussians:5000'";
        let outcome = trained(method, Toy::Moons, extra, &run);
        let (learned, gaussian) = distances(&outcome, Toy::Moons);
        println!("{method} from 8gaussians: {learned:.4} against {gaussian:.4}");
        assert!(learned < 0.5 * gaussian, "{learned} against a Gaussian's {gaussian}");
        let loaded = Model::load(&GPU, &run).unwrap();
        assert_eq!(loaded.sample(100, 2).unwrap().single(), outcome.model.sample(100, 2).unwrap().single());
        // Points of the source, in its own units, go to the data and come back.
        let source = Toy::EightGaussians.sample(500, 77);
        let pushed = loaded.push(&source).unwrap();
        let back = loaded.pull(&pushed).unwrap().unwrap();
        let off: f64 = back.single().iter().zip(source.single()).map(|(a, b)| f64::from(a - b).abs()).sum::<f64>() / 1000.0;
        assert!(off < 0.1 && back.columns() == ["x", "y"], "source rows come back off by {off}");
        let refused = loaded.log_density(&source).err().map(|e| e.to_string());
        assert!(refused.as_ref().is_some_and(|e| e.contains("samples only")), "{refused:?}");
        // A way begins at a row of the source and ends at the sample.
        let ways = loaded.trajectories(3, 2).unwrap();
        assert_eq!((ways.columns().join(","), ways.rows()), ("path,t,x,y".into(), 3 * 17));
        let (first, last, sample) = (ways.row(17), ways.row(33), loaded.sample(3, 2).unwrap());
        assert!(first[0] == 1.0 && first[1] == 0.0 && last[1] == 1.0 && last[2..] == *sample.row(1), "{first:?}, {last:?}");
        assert!(first[2].hypot(first[3]) > 1.0, "{first:?} is no row of 8gaussians");
    }
}

#[test]
fn a_row_that_runs_away_is_reported_with_its_step_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = trained("flow-matching", Toy::Moons, "hidden_width = 32\nsteps = 30", &folder.path().join("run"));
    let parameters = outcome.model.learner().parameters();
    let values = parameters.averaged().unwrap();
    // A field so steep that a few steps leave the numbers that there are.
    let steep = |name: &str| {
        let (_, _, _, values) = values.iter().find(|v| v.0 == name)?;
        let factor = if name.starts_with("velocity") && name.ends_with("weight") { 1e8 } else { 1.0 };
        Some(values.iter().map(|v| v * factor).collect())
    };
    parameters.load(steep).unwrap();
    let (z, rows) = (Table::new(["z1", "z2"], vec![0.3; 4]).unwrap(), Toy::Moons.sample(5, 0));
    // Steps that follow their error end, and say where.
    for said in [
        outcome.model.push(&z).unwrap_err(),
        outcome.model.pull(&rows).unwrap_err(),
        outcome.model.log_density(&rows).unwrap_err(),
    ] {
        assert!(said.to_string().contains("cannot integrate beyond t = "), "{said}");
    }
    let model = outcome.model.with_steps(16).unwrap();
    for said in [model.sample(10, 0).unwrap_err(), model.push(&z).unwrap_err()] {
        let said = said.to_string();
        assert!(said.contains("row 0 diverged at step 1 of 16") && said.contains("t = 0.0000 to 0.0625"), "{said}");
    }
    // So is the inverse.
    for said in [model.pull(&rows).unwrap_err(), model.log_density(&rows).unwrap_err()] {
        let said = said.to_string();
        assert!(said.contains("of row 0 is non-finite") && said.contains("t = 1.0000 to 0.9375"), "{said}");
    }
}

#[test]
fn reflow_straightens_and_a_straight_flow_takes_few_steps() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let extra = "steps = 900\nrounds = 2\npairs = 8192\nhidden_width = 32\nlearning_rate = 4e-3\nsolver_steps = 2";
    let mut outcome = trained("rectified-flow", Toy::Moons, extra, &run);
    let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let straightness = |step: u64| -> f64 {
        let lines = metrics.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let mut near = lines.filter(|line| line["step"].as_u64().is_some_and(|s| s >= step));
        near.find_map(|line| line["straightness"].as_f64()).expect("it is reported")
    };
    let (first, second) = (straightness(310), straightness(610));
    println!("straightness {first:.4} after the first training, {second:.4} after a round");
    assert!(second < 0.3 * first, "straightness {first}, then {second}");
    let (two, gaussian) = distances(&outcome, Toy::Moons);
    outcome.model = with(&run, "solver = 'heun'\nsolver_steps = 32");
    let (many, _) = distances(&outcome, Toy::Moons);
    println!("{two:.4} by two Euler steps, {many:.4} by 32 of Heun, against {gaussian:.4}");
    assert!(two < 0.65 * gaussian && two < many + 0.15 * gaussian, "{two} by two steps, {many} by many");
}

#[test]
fn a_flow_is_distilled_into_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let teacher = folder.path().join("teacher");
    let outcome = trained("flow-matching", Toy::Moons, "hidden_width = 32\nlearning_rate = 4e-3\nsteps = 500", &teacher);
    let (taught, gaussian) = distances(&outcome, Toy::Moons);
    for by in ["regression", "consistency", "halving"] {
        let extra = format!(
            "teacher = '{}'\nloss = '{by}'\nhidden_width = 32\nhidden_layers = 3\nsteps = 800\nlearning_rate = 4e-3\npairs = 8192\nteacher_steps = 8",
            teacher.display()
        );
        let run = folder.path().join(by);
        let outcome = trained("distill", Toy::Moons, &extra, &run);
        let (learned, _) = distances(&outcome, Toy::Moons);
        println!("{by}: {learned:.4}, its teacher {taught:.4}, against {gaussian:.4}");
        assert!(learned < 0.65 * gaussian, "{by}: {learned} against a Gaussian's {gaussian}");
        // An ordinary sampler, which no longer knows its teacher.
        let loaded = Model::load(&GPU, &run).unwrap();
        assert_eq!(loaded.sample(50, 1).unwrap().single(), outcome.model.sample(50, 1).unwrap().single());
        assert!(loaded.with_sampling(|sampling| sampling.solver = Solver::Euler).is_err());
    }
}
