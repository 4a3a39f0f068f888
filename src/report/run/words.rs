//! Sentences about a run.

use crate::train::{Outcome, Rows, Sets};
use crate::words::number;

/// The rows of each set.
pub fn sets_said(outcome: &Outcome) -> String {
    let count = |rows: usize| number(rows as f64, 12);
    let set = |set: &Option<Rows>, what: &str| match set {
        Some(Rows { rows, source }) => {
            let from = source.as_ref().map_or_else(|| "split off at random".into(), |source| format!("from {source}"));
            format!(", {} {what} ({from})", count(rows.rows()))
        }
        None => format!(", no {what}"),
    };
    let Sets { train, validation, test } = &outcome.sets;
    format!("{} training{}{}", count(train.rows()), set(validation, "validation"), set(test, "test"))
}

/// The step that was kept, and why.
pub fn kept_said(outcome: &Outcome) -> String {
    let [kept, steps, made] =
        [outcome.kept, outcome.model.description().training.steps.into(), outcome.steps].map(|n| number(n as f64, 12));
    let why = match (outcome.kept < outcome.steps, outcome.kept) {
        (false, _) => "",
        (true, _) if outcome.sets.validation.is_none() => ", the last with samples within the range of the data",
        (true, 0) => ", the initial model (a fitted Gaussian for most methods): no step was better on validation rows",
        (true, _) => ", the best on validation rows",
    };
    let stopped = if outcome.stopped_early { format!("; stopped early, at step {made}") } else { String::new() };
    format!("step {kept} of {steps}{why}{stopped}")
}

/// What the saved model was trained on besides, where it was; scores are not of it.
pub fn refit_said(outcome: &Outcome) -> Option<String> {
    let Sets { train, validation, test } = &outcome.sets;
    let split = [validation, test].into_iter().flatten().filter(|set| set.is_split());
    let all = train.rows() + split.map(|set| set.rows.rows()).sum::<usize>();
    outcome.before_refit.as_ref()?;
    Some(format!(
        "the saved model was refitted on all {} rows for as many steps; the scores are those of the model before the refit",
        number(all as f64, 12)
    ))
}

/// How many samples leave the data, in words.
pub fn outside_said(share: f32) -> String {
    format!("{} % of samples lie outside three times the range of the training rows", number(100.0 * f64::from(share), 2))
}
