//! Models that any columns can be given to: what they impute.

use super::{GPU, Silent, job};
use pushforward::data::toy::Toy;
use pushforward::data::{Column, Table};
use pushforward::model::Model;
use pushforward::train::{self, Encoded, Job};
use std::sync::atomic::AtomicBool;

/// The job, with an encoding where its table needs one.
fn encoded(job: Job) -> Job {
    let settings = (job.method.as_ref(), &job.training);
    let Encoded { table, encoding, split, .. } = Encoded::of(job.table.clone(), 0, settings, [false; 2], job.seed).unwrap();
    Job { table, encoding, split, ..job }
}

fn learn(table: Table, method: &str, extra: &str) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let job = encoded(job(table, "a test", method, &format!("impute = true\n{extra}"), folder.path()));
    train::train(&GPU, job, &mut Silent, &AtomicBool::new(false)).unwrap().model
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// Two columns of a Gaussian with means 1 and 3, standard deviations 1 and 2, and correlation 0.8.
fn gaussian(rows: usize) -> Table {
    let noise = Toy::Gaussian.sample(2 * rows, 5);
    let z = |i: usize| [noise.row(2 * i)[0], noise.row(2 * i + 1)[0]];
    let unit = {
        let (mean, deviation) = moments((0..2 * rows).map(|i| noise.row(i)[0]));
        move |z: f64| (z - mean) / deviation
    };
    let values = (0..rows).flat_map(|i| {
        let [a, b] = z(i).map(&unit);
        [1.0 + a, 3.0 + 2.0 * (0.8 * a + 0.6 * b)]
    });
    Table::new(["a", "b"], values.collect::<Vec<f64>>()).unwrap()
}

#[test]
fn draws_of_a_gaussian_have_its_conditional_moments() {
    for (method, extra) in [
        ("flow-matching", "steps = 400\nhidden_width = 32\nhidden_layers = 3"),
        ("energy", "steps = 800\nhidden_width = 32\nhidden_layers = 3"),
        ("realnvp", "steps = 300\nhidden_width = 32\nhidden_layers = 2"),
    ] {
        let model = learn(gaussian(3000), method, extra);
        let n = 4000;
        // E[b | a] = 3 + 2 · 0.8 (a − 1) with standard deviation 2 · 0.6, and E[a | b] = 1 + 0.8 (b − 3) / 2 with 0.6.
        for (row, missing, mean, deviation) in [
            ([2.0, f64::NAN], 1, 4.6, 1.2),
            ([0.0, f64::NAN], 1, 1.4, 1.2),
            ([f64::NAN, 5.0], 0, 1.8, 0.6),
            ([f64::NAN, f64::NAN], 0, 1.0, 1.0),
            ([f64::NAN, f64::NAN], 1, 3.0, 2.0),
        ] {
            let rows = Table::new(["a", "b"], row.repeat(n)).unwrap();
            let filled = model.impute(&rows, 1).unwrap();
            let found = moments(filled.column(missing));
            println!("{method} {row:?} {missing}: {found:?} for {mean} {deviation}");
            // 4,000 draws have standard errors of 0.016 and 0.011 standard deviations, and the 3,000 rows as much again; the rest is what a short training leaves.
            assert!((found.0 - mean).abs() < 0.2 * deviation, "{method} {row:?}: mean {} for {mean}", found.0);
            assert!((found.1 / deviation - 1.0).abs() < 0.2, "{method} {row:?}: standard deviation {} for {deviation}", found.1);
            let [own, _] = [1 - missing, missing];
            assert!((0..n).all(|i| row[own].is_nan() || filled.row(i)[own].to_bits() == row[own].to_bits()));
        }
        // Any column can be given at sampling, and rows of the whole are as likely as they were.
        let given = Table::new(["b"], vec![5.0]).unwrap();
        let drawn = model.sample_given(&given, n, 2).unwrap();
        let found = moments(drawn.column(0));
        assert!((found.0 - 1.8).abs() < 0.12 && (found.1 / 0.6 - 1.0).abs() < 0.2, "{method}: {found:?}");
        assert!(drawn.columns() == ["a", "b"] && drawn.column(1).all(|b| b == 5.0));
        if let Some(found) = model.log_density(&gaussian(500)).unwrap() {
            // ln p of a row is −ln(2π · 1.2) − 1 on average.
            let mean = found.values.iter().map(|&value| f64::from(value)).sum::<f64>() / 500.0;
            let own = -(std::f64::consts::TAU * 1.2).ln() - 1.0;
            assert!((mean - own).abs() < 0.15, "{method}: {mean} for {own}");
        }
    }
}

/// A level that determines the mean of a number, which is missing in most rows of one level and in few of the others; and another number that
/// is always there. Also the numbers without a missing one.
fn mixed(rows: usize) -> (Table, Vec<f64>) {
    let noise = Toy::Uniform.sample(2 * rows, 7);
    // A triangle on [−2, 2], of variance ⅔.
    let u = |i: usize| 2.0 * (noise.row(2 * i).iter().sum::<f64>() - 1.0);
    let level = |i: usize| i % 3;
    let x: Vec<f64> = (0..rows).map(|i| [-4.0, 0.0, 4.0][level(i)] + u(i)).collect();
    let missing = |i: usize| if level(i) == 2 { i / 3 % 5 < 3 } else { (i / 3).is_multiple_of(10) };
    let table = Table::from_columns([
        Column::categories("level", (0..rows).map(|i| level(i) as u32).collect(), ["a", "b", "c"])
            .unwrap()
            .with_missing((0..rows).map(|i| i % 25 == 1).collect())
            .unwrap(),
        Column::numbers("x", x.clone()).with_missing((0..rows).map(missing).collect()).unwrap(),
        Column::numbers("w", (0..rows).map(|i| x[i] / 4.0 + noise.row(2 * i + 1)[0]).collect()),
    ]);
    (table.unwrap(), x)
}

#[test]
fn missing_cells_of_a_mixed_table_are_drawn_from_what_they_could_have_been() {
    let (rows, x) = mixed(1500);
    let model = learn(rows.clone(), "energy", "steps = 1500\nhidden_width = 64\nhidden_layers = 3\nvalidation_fraction = 0.0");
    let draws: Vec<Table> = (0..20).map(|seed| model.impute(&rows, seed).unwrap()).collect();
    assert!(draws.iter().all(|filled| (0..2).all(|j| filled.missing(j).is_none())));
    assert_eq!(draws[0], model.impute(&rows, 0).unwrap());
    assert_ne!(draws[0], draws[1]);
    let missing = rows.missing(1).unwrap();
    let (lost, there): (Vec<usize>, Vec<usize>) = (0..1500).partition(|&i| missing[i]);
    for filled in &draws[..2] {
        for j in 0..3 {
            let same = |row: usize| filled.row(row)[j].to_bits() == rows.row(row)[j].to_bits();
            assert!((0..1500).all(|row| rows.missing(j).is_some_and(|missing| missing[row]) || same(row)));
        }
    }
    // A draw by the level alone is off by √2 standard deviations, √(4/3) = 1.15; the mean of the others is off by their distance from it.
    let mean = |value: &dyn Fn(usize) -> f64, rows: &[usize]| rows.iter().map(|&i| value(i)).sum::<f64>() / rows.len() as f64;
    let observed = mean(&|i| x[i], &there);
    let error = |value: &dyn Fn(usize) -> f64| mean(&|i| (value(i) - x[i]).powi(2), &lost).sqrt();
    let (drawn, by_mean) = (error(&|i| draws[0].row(i)[1]), error(&|_| observed));
    println!("root mean square error {drawn} by a draw, {by_mean} by the mean");
    assert!(drawn < 1.5 && by_mean > 3.5, "{drawn} {by_mean}");
    // Those that are there are about 0.9 too low on average.
    let all: Vec<usize> = (0..1500).collect();
    let (own, whole) = (mean(&|i| x[i], &all), mean(&|i| draws[0].row(i)[1], &all));
    assert!(observed < own - 0.7 && (whole - own).abs() < 0.15, "{observed} and {whole} for {own}");
    // A value is between the least and the greatest of 20 draws in 19 of 21 cases, with a standard error of 0.014 over some 400 cells; a short
    // training leaves draws a little too wide.
    let within = |&&i: &&usize| {
        let drawn = draws.iter().map(|filled| filled.row(i)[1]);
        let (low, high) = drawn.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        (low..=high).contains(&x[i])
    };
    let coverage = lost.iter().filter(within).count() as f64 / lost.len() as f64;
    println!("coverage {coverage}");
    assert!((coverage - 19.0 / 21.0).abs() < 0.08, "{coverage}");
    // A level is known from x, where that is there, for the levels' ranges are apart.
    let levels: Vec<usize> = (0..1500).filter(|i| i % 25 == 1 && !missing[*i]).collect();
    let right = levels.iter().filter(|&&i| draws[0].row(i)[0] == (i % 3) as f64).count();
    assert!(right as f64 > 0.9 * levels.len() as f64, "{right} of {}", levels.len());
    // Samples of the whole have missing cells as often as the data: 0.6 of a third, and a tenth of the rest.
    let samples = model.sample(2000, 3).unwrap();
    let share = samples.missing(1).map_or(0, |missing| missing.iter().filter(|missing| **missing).count()) as f64 / 2000.0;
    assert!((share - 4.0 / 15.0).abs() < 0.06, "{share}");
    // Nothing missing, nothing done; all missing, a sample.
    let complete = draws[0].clone();
    assert_eq!(model.impute(&complete, 5).unwrap(), complete);
    let none = Table::from_columns([
        Column::categories("level", vec![0; 50], ["a"]).unwrap().with_missing(vec![true; 50]).unwrap(),
        Column::numbers("x", vec![0.0; 50]).with_missing(vec![true; 50]).unwrap(),
        Column::numbers("w", vec![f64::NAN; 50]),
    ]);
    let drawn = model.impute(&none.unwrap(), 1).unwrap();
    assert!(drawn.levels(0).unwrap().len() == 3 && drawn.values().iter().all(|value| value.is_finite()));
}

#[test]
fn what_is_to_be_imputed_is_checked() {
    let tiny = "steps = 5\nhidden_width = 8\nhidden_layers = 1";
    let (rows, _) = mixed(150);
    let model = learn(rows.clone(), "energy", tiny);
    let said = |model: &Model, rows: &Table| model.impute(rows, 0).unwrap_err().to_string();
    let columns = |names: [&str; 2]| rows.select(names).unwrap();
    assert!(said(&model, &columns(["level", "w"])).contains("has no column `x`"));
    let unseen = Table::from_columns([
        Column::categories("level", vec![0], ["aa"]).unwrap(),
        Column::numbers("x", vec![f64::NAN]),
        Column::numbers("w", vec![0.5]),
    ]);
    assert!(said(&model, &unseen.unwrap()).contains("holds `aa` in row 1"));
    let given = Table::new(["v"], vec![1.0]).unwrap();
    assert!(model.sample_given(&given, 1, 0).unwrap_err().to_string().contains("which the model does not know"));
    // A missing cell can be given where the data have such.
    let empty = Table::from_columns([Column::numbers("x", vec![0.0]).with_missing(vec![true]).unwrap()]).unwrap();
    assert!(model.sample_given(&empty, 9, 0).unwrap().missing(1).is_some_and(|missing| missing.iter().all(|missing| *missing)));
    let empty = Table::from_columns([Column::numbers("w", vec![0.0]).with_missing(vec![true]).unwrap()]).unwrap();
    assert!(model.sample_given(&empty, 1, 0).unwrap_err().to_string().contains("did not have"));

    // Whole numbers are imputed as such, whatever the table they came in.
    let whole = Table::new(["k", "x"], (0..200).flat_map(|i| [f64::from(i * 7 % 41), f64::from(i) * 0.37]).collect::<Vec<f64>>());
    let model = learn(whole.unwrap(), "energy", tiny);
    let filled = model.impute(&Table::new(["k", "x"], [f64::NAN, 0.5].repeat(30)).unwrap(), 0).unwrap();
    assert!(filled.column(0).all(|k| k.fract() == 0.0 && (0.0..=40.0).contains(&k)) && filled.column(1).all(|x| x == 0.5));

    let folder = tempfile::tempdir().unwrap();
    let run = |conditions: usize, table: Table, extra: &str| {
        let job = job(table, "a test", "energy", &format!("{tiny}\n{extra}"), &folder.path().join(extra.replace([' ', '='], "")));
        train::train(&GPU, Job { conditions, ..job }, &mut Silent, &AtomicBool::new(false))
    };
    let plain = run(0, gaussian(60), "round = false").unwrap().model;
    assert!(said(&plain, &gaussian(3)).contains("train one with `impute` = true"));
    let refused = |found: pushforward::Result<train::Outcome>| found.err().map_or(String::new(), |e| e.to_string());
    assert!(refused(run(1, gaussian(60), "impute = true")).contains("leave out the conditioning columns"));
    assert!(refused(run(0, gaussian(60).select(["a"]).unwrap(), "impute = true")).contains("one column to learn"));
}

#[test]
fn every_method_that_can_be_conditioned_learns_with_masks() {
    let tiny = "impute = true\nsteps = 2\nbatch_size = 32\nhidden_width = 8\nhidden_layers = 1\nvalidation_fraction = 0.0";
    let mut refused = Vec::new();
    for method in pushforward::methods::all() {
        let name = method.name();
        if method.learns_from() == pushforward::methods::LearnsFrom::Teacher {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        match train::train(&GPU, job(gaussian(100), "a test", name, tiny, folder.path()), &mut Silent, &AtomicBool::new(false)) {
            Err(e) => refused.push((name, e.to_string())),
            Ok(learned) => {
                let rows = Table::new(["b"], vec![5.0, 1.0]).unwrap();
                assert_eq!(learned.model.sample_given(&rows, 2, 0).unwrap().rows(), 4, "{name}");
            }
        }
    }
    let said = "`stein` learns from the score of one distribution, not of a conditional one: leave out the conditioning columns (with `impute` = true they are all columns)";
    assert_eq!(refused, [("stein", said.to_string())]);
}

#[test]
fn a_run_with_masks_that_was_stopped_and_resumed_is_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let of = |run: &str, stop: bool, resume: bool| {
        let extra = "impute = true\nsteps = 30\nbatch_size = 64\nhidden_width = 16\nhidden_layers = 1";
        let job = encoded(job(mixed(120).0, "a test", "flow-matching", extra, &folder.path().join(run)));
        train::train(&GPU, Job { resume, ..job }, &mut Silent, &AtomicBool::new(stop))
    };
    let whole = of("whole", false, false).unwrap();
    let stopped = of("run", true, false);
    assert!(matches!(stopped, Err(pushforward::Error::Interrupted { step }) if step < 30));
    let resumed = of("run", false, true).unwrap();
    let rows = mixed(40).0;
    let [a, b] = [whole, resumed].map(|outcome| outcome.model.impute(&rows, 1).unwrap());
    assert_eq!(a, b);
}
