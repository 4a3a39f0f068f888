//! The three sets of a run, and the training on all rows in the end.

use super::{GPU, Silent, job};
use pushforward::data::Table;
use pushforward::data::toy::Toy;
use pushforward::train::{self, Job, Progress, Sets, Status};
use pushforward::{Error, model::Model};
use std::sync::atomic::{AtomicBool, Ordering};

/// 500 rows, of which a fifth are validation rows, and so few steps that the last ones are the best.
fn of(extra: &str, out: &std::path::Path) -> Job {
    job(Toy::Moons.sample(500, 1), "toy:moons", "energy", &format!("steps = 60\n{extra}"), out)
}

fn sample(model: &Model) -> Vec<f32> {
    model.sample(100, 1).unwrap().into_single()
}

#[test]
fn the_model_is_of_all_rows_and_what_is_scored_of_the_training_rows() {
    let folder = tempfile::tempdir().unwrap();
    let train = |extra: &str, name: &str| {
        train::train(&GPU, of(extra, &folder.path().join(name)), &mut Silent, &AtomicBool::new(false)).unwrap()
    };
    let outcome = train("", "refit");
    assert_eq!((outcome.kept, outcome.steps, outcome.sets.train.rows()), (60, 60, 400));
    let all = train("validation_fraction = 0.0", "all");
    assert!(all.before_refit.is_none() && all.sets.validation.is_none());
    let part = train("refit = false", "part");
    assert!(part.before_refit.is_none() && part.sets.validation.is_some());
    assert_eq!(sample(&outcome.model), sample(&all.model));
    assert_eq!(sample(outcome.scored()), sample(&part.model));
    assert_ne!(sample(outcome.scored()), sample(&outcome.model));
    let [first, again] = ["loss", "refit_loss"].map(|name| outcome.metrics.series(name));
    assert_eq!((first, again), (part.metrics.series("loss"), all.metrics.series("loss")));
}

#[test]
fn test_rows_touch_nothing_but_the_scores() {
    let folder = tempfile::tempdir().unwrap();
    let table = Toy::Moons.sample(500, 1);
    let train = |table: &Table, name: &str| {
        let extra = "steps = 60\ntest_fraction = 0.2";
        let job = job(table.clone(), "moons.csv", "energy", extra, &folder.path().join(name));
        train::train(&GPU, job, &mut Silent, &AtomicBool::new(false)).unwrap()
    };
    let outcome = train(&table, "run");
    let Sets { train: learned, validation, test } = &outcome.sets;
    let [validation, test] = [validation, test].map(|set| set.as_ref().unwrap());
    assert!(validation.is_split() && test.is_split());
    assert_eq!((learned.rows(), validation.rows.rows(), test.rows.rows()), (320, 80, 100));
    // Each row of the table is in one set.
    let rows = |table: &Table| (0..table.rows()).map(|i| table.row(i).to_vec()).collect::<Vec<_>>();
    let mut parts = [rows(learned), rows(&validation.rows), rows(&test.rows)].concat();
    let mut all = rows(&table);
    for rows in [&mut parts, &mut all] {
        rows.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    }
    assert_eq!(parts, all);
    // Other values in the test rows change nothing of the model that is scored, and the one that was trained again on all rows.
    let of_test = rows(&test.rows);
    let moved = (0..500).flat_map(|i| {
        let row = table.row(i);
        if of_test.iter().any(|test| test == row) { row.iter().map(|v| v + 100.0).collect() } else { row.to_vec() }
    });
    let other = train(&Table::new(["x", "y"], moved.collect()).unwrap(), "other");
    assert_eq!(sample(outcome.scored()), sample(other.scored()));
    assert_eq!(outcome.metrics.series("validation"), other.metrics.series("validation"));
    assert_ne!(sample(&outcome.model), sample(&other.model));
    // Rows that are given are not trained on in the end.
    let given = Some(("given.csv".to_string(), Toy::Moons.sample(50, 9)));
    let job = Job { test: given, ..of("validation_fraction = 0.0", &folder.path().join("given")) };
    let given = train::train(&GPU, job, &mut Silent, &AtomicBool::new(false)).unwrap();
    assert!(given.before_refit.is_none() && given.sets.train.rows() == 500);
    assert_eq!(given.sets.test.as_ref().map(|set| (set.rows.rows(), set.is_split())), Some((50, false)));
}

#[test]
fn only_rows_with_weight_are_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let weighted = |every: usize| {
        let weights = (0..500).map(|i| if i % every == 0 { 2.0 } else { 0.0 }).collect();
        let table = Toy::Moons.sample(500, 1).with_weights(weights).unwrap();
        let job = job(table, "moons.csv", "energy", "steps = 5\ntest_fraction = 0.2", &folder.path().join(every.to_string()));
        train::train(&GPU, job, &mut Silent, &AtomicBool::new(false)).unwrap().sets
    };
    // A fifth of the 50 rows that count, and a fifth of the rest.
    let sets = weighted(10);
    for (set, rows) in [(&sets.test, 10), (&sets.validation, 8)] {
        assert_eq!(set.as_ref().unwrap().rows.weights(), Some(&vec![2.0; rows][..]));
    }
    assert_eq!(sets.train.rows(), 482);
    // Five rows can spare none.
    let sets = weighted(100);
    assert!(sets.test.is_none() && sets.validation.is_none());
}

#[test]
fn a_finished_run_is_trained_further() {
    let folder = tempfile::tempdir().unwrap();
    let train = |extra: &str, name: &str, resume: bool| {
        let job = job(Toy::Moons.sample(500, 1), "moons.csv", "energy", extra, &folder.path().join(name));
        train::train(&GPU, Job { resume, ..job }, &mut Silent, &AtomicBool::new(false))
    };
    let constant = |steps: u32| format!("steps = {steps}\nschedule = 'constant'");
    // With a learning rate that does not know the end, it is as if the run had been as long from the start.
    let whole = train(&constant(80), "whole", false).unwrap();
    let first = train(&constant(60), "run", false).unwrap();
    assert!(first.before_refit.is_some());
    let longer = train(&constant(80), "run", true).unwrap();
    assert_eq!((longer.steps, longer.kept), (80, whole.kept));
    assert_eq!(sample(longer.scored()), sample(whole.scored()));
    assert_eq!(sample(&longer.model), sample(&whole.model));
    assert_eq!(longer.metrics.series("loss"), whole.metrics.series("loss"));
    assert_eq!(longer.metrics.series("refit_loss"), whole.metrics.series("refit_loss"));
    // It goes on as what it is now, and with no fewer steps.
    let again = train(&constant(80), "run", true).unwrap();
    assert_eq!(sample(&again.model), sample(&whole.model));
    let said = train(&constant(60), "run", true).err().unwrap().to_string();
    assert!(said.contains("`steps` is 60") && said.contains("made with 80"), "{said}");
}

/// Raises the flag once training goes over all rows.
struct Impatient<'a>(&'a AtomicBool);

impl Progress for Impatient<'_> {
    fn message(&mut self, text: &str) {
        if text.starts_with("refitting") {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    fn update(&mut self, _: &Status) {}
}

#[test]
fn a_run_stopped_while_it_trains_anew_goes_on_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let never = AtomicBool::new(false);
    let whole = train::train(&GPU, of("", &path("whole")), &mut Silent, &never).unwrap();
    let stop = AtomicBool::new(false);
    let stopped = train::train(&GPU, of("", &path("run")), &mut Impatient(&stop), &stop);
    assert!(matches!(stopped, Err(Error::Interrupted { step }) if step < 60), "it was over before it was stopped");
    let resumed = train::train(&GPU, Job { resume: true, ..of("", &path("run")) }, &mut Silent, &never).unwrap();
    assert_eq!(sample(&whole.model), sample(&resumed.model));
    assert_eq!(sample(whole.scored()), sample(resumed.scored()));
    assert_eq!((whole.steps, whole.kept), (resumed.steps, resumed.kept));
    for name in ["loss", "validation", "refit_loss"] {
        assert_eq!(whole.metrics.series(name), resumed.metrics.series(name), "{name}");
    }
    // A run that has ended is not made again.
    let again = train::train(&GPU, Job { resume: true, ..of("", &path("run")) }, &mut Silent, &never).unwrap();
    assert_eq!(sample(&whole.model), sample(&again.model));
}
