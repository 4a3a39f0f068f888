//! Rows that were held out to say when to stop are trained on in the end.

use crate::{GPU, Silent, job};
use pushforward::data::toy::Toy;
use pushforward::train::{self, Job, Progress, Status};
use pushforward::{Error, model::Model};
use std::sync::atomic::{AtomicBool, Ordering};

/// 500 rows, of which a fifth is held out, and so few steps that the last ones are the best.
fn of(extra: &str, out: &std::path::Path) -> Job {
    job(Toy::Moons.sample(500, 1), "toy:moons", "energy", &format!("steps = 60\n{extra}"), out)
}

fn sample(model: &Model) -> Vec<f32> {
    model.sample(100, 1).unwrap().into_single()
}

#[test]
fn the_model_is_of_all_rows_and_what_is_judged_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let train = |extra: &str, name: &str| {
        train::train(&GPU, of(extra, &folder.path().join(name)), &mut Silent, &AtomicBool::new(false)).unwrap()
    };
    let outcome = train("", "refit");
    assert_eq!((outcome.kept, outcome.steps, outcome.train.rows()), (60, 60, 400));
    let all = train("held_out = 0.0", "all");
    assert!(all.judged.is_none() && all.test.is_none());
    let part = train("refit = false", "part");
    assert!(part.judged.is_none() && part.test.is_some());
    assert_eq!(sample(&outcome.model), sample(&all.model));
    assert_eq!(sample(outcome.judged()), sample(&part.model));
    assert_ne!(sample(outcome.judged()), sample(&outcome.model));
    let [first, again] = ["loss", "refit_loss"].map(|name| outcome.metrics.series(name));
    assert_eq!((first, again), (part.metrics.series("loss"), all.metrics.series("loss")));
}

/// Raises the flag once training goes over all rows.
struct Impatient<'a>(&'a AtomicBool);

impl Progress for Impatient<'_> {
    fn message(&mut self, text: &str) {
        if text.starts_with("training anew") {
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
    assert_eq!(sample(whole.judged()), sample(resumed.judged()));
    assert_eq!((whole.steps, whole.kept), (resumed.steps, resumed.kept));
    for name in ["loss", "held_out", "refit_loss"] {
        assert_eq!(whole.metrics.series(name), resumed.metrics.series(name), "{name}");
    }
    // A run that has ended is not made again.
    let again = train::train(&GPU, Job { resume: true, ..of("", &path("run")) }, &mut Silent, &never).unwrap();
    assert_eq!(sample(&whole.model), sample(&again.model));
}
