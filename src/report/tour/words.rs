//! Sentences about a tour.

use crate::baselines;
use crate::tour::{Kind, ROWS, Record, Tested, Tour, root};
use crate::words::{duration, listed, number, plain};

/// One candidate in a line.
pub fn line(tour: &Tour, record: &Record) -> String {
    let Some(scores) = &record.scores else {
        return format!("{}: {}", record.name, record.failure.as_deref().unwrap_or("no scores"));
    };
    let skill = tour.skill(record).map_or(String::new(), |skill| format!(", skill {}", plain(skill, 2)));
    let c2st_accuracy = scores.c2st.as_ref().map_or(String::new(), |c2st| format!(", C2ST accuracy {}", plain(c2st.value, 2)));
    format!(
        "{}: root energy distance {}{skill}{c2st_accuracy}; {}",
        record.name,
        plain(root(&scores.energy).value, 4),
        duration(record.training_seconds)
    )
}

/// Names in a sentence of a verdict: the first ones, and how many more there are.
fn few(names: &[&str]) -> String {
    match names.len() {
        0..=4 => listed(names),
        all => format!("{} and {} more", names[..3].join(", "), all - 3),
    }
}

pub(super) fn probability(p: f64) -> String {
    if p < 0.001 { "p < 0.001".into() } else { format!("p = {}", number(p, 2)) }
}

/// What the winner scores on test rows, and how validation rows chose it.
pub fn headline(tour: &Tour) -> String {
    let (headline, lead) = verdict(tour);
    [vec![headline], lead].concat().join(" ")
}

/// The same in parts: a headline, and the paragraphs that follow it.
pub(super) fn verdict(tour: &Tour) -> (String, Vec<String>) {
    let ranked = ranked(tour);
    match tour.tested.as_ref().and_then(tested) {
        Some(tested) => (tested, vec![ranked]),
        None if tour.scorer.sets.test.is_some() => (ranked, Vec::new()),
        None => (ranked, vec!["There are no test rows: these rows also chose the steps and the winner.".into()]),
    }
}

/// The winner on test rows.
fn tested(tested: &Tested) -> Option<String> {
    let of = |name: &str| {
        let found = &tested.scores.iter().find(|(of, _)| of == name)?.1;
        Some(match root(&found.energy).value {
            0.0 => "too small to measure".into(),
            value => plain(value, 3),
        })
    };
    let winner = &tested.scores.iter().find(|(name, _)| *name == tested.winner)?.1;
    let others = [(baselines::GAUSSIAN, "a fitted Gaussian"), (ROWS, "training rows")];
    let others: Vec<String> = others.iter().filter_map(|(name, said)| Some(format!("{} for {said}", of(name)?))).collect();
    let accuracy = winner.c2st.as_ref().map_or(String::new(), |c2st| {
        format!(
            " Its C2ST accuracy is {} (0.5 is best): how often a classifier tells its samples from test rows.",
            plain(c2st.value, 3)
        )
    });
    let nats = match (&tested.likelihood, &tested.no_likelihood) {
        (Some(found), _) => format!(" Their log-likelihood is {} nats per row.", plain(found.mean, 3)),
        (None, Some(why)) => format!(" They have no log-likelihood: {why}."),
        (None, None) => String::new(),
    };
    Some(format!(
        "The winner is {}. On {} test rows, used for no choice, its root energy distance is {}, beside {}.{accuracy}{nats}",
        tested.winner,
        number(tested.rows as f64, 12),
        of(&tested.winner)?,
        listed(&others.iter().map(String::as_str).collect::<Vec<_>>())
    ))
}

/// Who is nearest to validation rows, who is level with it, and what the baselines do.
fn ranked(tour: &Tour) -> String {
    let Some(ranking) = &tour.verdict.nearest else {
        return match tour.best_method() {
            Some(best) => format!("So far {}. The tests are made at the end.", line(tour, best)),
            None => "Nothing has been made so far.".into(),
        };
    };
    let Some(best) = tour.find(&ranking.best) else { return String::new() };
    let kind = |name: &str| tour.find(name).map(|kept| kept.record.kind);
    let said = |record: &Record| {
        let root = record.scores.as_ref().map(|scores| root(&scores.energy).value).unwrap_or_default();
        let skill = tour
            .skill(record)
            .map_or(String::new(), |c| format!(", skill {} (0 is a fitted Gaussian, 1 the training rows)", plain(c, 2)));
        format!("root energy distance {}{skill}", plain(root, 3))
    };
    let article = if best.record.kind == Kind::Baseline { "The " } else { "" };
    let mut text = format!("{article}{} is nearest to validation rows: {}", best.record.name, said(&best.record));
    let level: Vec<&str> = ranking.level().collect();
    text += &match level.as_slice() {
        [] => ". Every other is farther (permutation tests).".to_string(),
        level => format!(". Not significantly different (permutation tests): {}.", few(level)),
    };
    match best.record.kind {
        Kind::Baseline => match tour.best_method() {
            Some(method) => {
                let p = ranking
                    .find(&method.name)
                    .map_or(String::new(), |other| format!(" ({})", probability(other.corrected_p_value)));
                text += &format!(" Of the methods {} is nearest: {}{p}.", method.name, said(method));
            }
            None => text += " No method has been scored.",
        },
        _ => {
            let nearest = tour.ranked().into_iter().find(|kept| kind(&kept.record.name) == Some(Kind::Baseline));
            if let Some(baseline) = nearest.filter(|kept| kept.record.scores.is_some()) {
                let p = ranking
                    .find(&baseline.record.name)
                    .map_or(String::new(), |other| format!(", {}", probability(other.corrected_p_value)));
                let root = baseline.record.scores.as_ref().map(|scores| root(&scores.energy).value).unwrap_or_default();
                text += &format!(" The nearest baseline is the {} ({}{p}).", baseline.record.name, plain(root, 3));
            }
        }
    }
    if let Some(likeliest) = &tour.verdict.likeliest
        && let Some(likelihood) = tour.find(&likeliest.best).and_then(|kept| kept.record.likelihood.as_ref())
    {
        let level: Vec<&str> = likeliest.level().collect();
        let level = if level.is_empty() { String::new() } else { format!(", not significantly more than under {}", few(&level)) };
        let article = if kind(&likeliest.best) == Some(Kind::Baseline) { "the " } else { "" };
        text += &format!(
            " Validation rows are likeliest under {article}{}: {} nats per row{level}.",
            likeliest.best,
            plain(likelihood.mean, 3)
        );
    }
    text
}

/// Why no candidate has a skill, where none has.
pub fn no_skill(tour: &Tour) -> Option<String> {
    let scored = |name: &str| tour.find(name).is_some_and(|kept| kept.record.scores.is_some());
    let any = tour.kept.iter().any(|kept| tour.skill(&kept.record).is_some());
    (scored(baselines::GAUSSIAN) && scored(ROWS) && !any).then(|| {
        format!(
            "There is no skill: {} validation rows do not distinguish a fitted Gaussian from the training rows, so their ratio would be noise.",
            number(tour.scorer.sets.validation.rows() as f64, 12)
        )
    })
}

/// What the saved model was trained on in the end; scores are not of it.
pub fn refit(tour: &Tour) -> String {
    tour.refit.map_or(String::new(), |rows| {
        format!(
            ", refitted on all {} rows for as many steps; the scores are those of the model before the refit",
            number(rows as f64, 12)
        )
    })
}
