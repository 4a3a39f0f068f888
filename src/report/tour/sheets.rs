//! The tables of a tour's page.

use super::words::{no_skill, probability};
use crate::baselines;
use crate::metrics::{Evaluation, Score};
use crate::report::Sheet;
use crate::tour::{Kept, Kind, Tour, root};
use crate::words::{duration, listed, number, plain};

type Cell = (String, String);

fn bare(text: impl Into<String>) -> Cell {
    (text.into(), String::new())
}

fn interval(score: &Score, decimals: usize) -> Cell {
    let below =
        score.interval.map_or(String::new(), |[low, high]| format!("{} to {}", plain(low, decimals), plain(high, decimals)));
    (plain(score.value, decimals), below)
}

/// All that were scored, nearest first.
pub(super) fn candidates(tour: &Tour) -> Option<Sheet> {
    let target = Predicted::of(tour);
    let row = |kept: &Kept| {
        let record = &kept.record;
        let scores = record.scores.as_ref()?;
        let verdict = match &tour.verdict.nearest {
            Some(ranking) if ranking.best == record.name => bare("nearest"),
            Some(ranking) => ranking.find(&record.name).map_or_else(
                || bare("–"),
                |other| (if other.is_level() { "level".into() } else { "farther".into() }, probability(other.corrected_p_value)),
            ),
            None => bare("–"),
        };
        let name = match record.kind {
            Kind::Rows => (record.name.clone(), "what real rows score".to_string()),
            Kind::Baseline => (
                record.name.clone(),
                if record.note.is_empty() { "baseline".into() } else { format!("baseline: {}", record.note) },
            ),
            Kind::Method => (record.name.clone(), record.note.clone()),
        };
        let nats = record.likelihood.as_ref().map_or_else(
            || bare("–"),
            |l| {
                let error = l.standard_error.map_or(String::new(), |e| format!("± {}", number(e, 2)));
                (
                    plain(l.mean, 3),
                    if record.likelihood_is.is_empty() { error } else { format!("{error}{}", record.likelihood_is) },
                )
            },
        );
        let memorization = scores.memorization.as_ref().map_or_else(
            || bare("–"),
            |copied| {
                let z = &copied.test;
                let p = z.p_value.map_or(String::new(), |p| format!("z {}, {}", plain(z.value, 1), probability(p)));
                (plain(copied.authenticity.value, 2), p)
            },
        );
        // The score that is most used: AUC of classes, R² of numbers.
        let own = scores.efficacy.as_ref().and_then(|of| Some(&of.scores.last()?.samples));
        let predicted = target.as_ref().map(|target| if record.kind == Kind::Rows { Some(target.real) } else { own });
        let predicted = predicted.map(|score| score.map_or_else(|| bare("–"), |score| interval(score, 3)));
        let cells = vec![
            name,
            interval(&root(&scores.energy), 4),
            bare(tour.skill(record).map_or_else(|| "–".into(), |skill| plain(skill, 2))),
            verdict,
            scores.c2st.as_ref().map_or_else(|| bare("–"), |c2st| interval(c2st, 3)),
            (
                format!("{} · {}", plain(scores.precision.value, 2), plain(scores.recall.value, 2)),
                format!("coverage {}", plain(scores.coverage.value, 2)),
            ),
            nats,
            memorization,
        ];
        Some(cells.into_iter().chain(predicted).collect::<Vec<_>>())
    };
    let rows: Vec<Vec<Cell>> = tour.ranked().into_iter().filter_map(row).collect();
    let head = [
        "",
        "root energy distance",
        "skill",
        "against the nearest",
        "C2ST accuracy",
        "precision · recall",
        "nats per row",
        "authenticity",
    ];
    (!rows.is_empty()).then(|| Sheet {
        title: "All candidates".into(),
        head: head.map(String::from).into_iter().chain(target.iter().map(|target| target.head())).collect(),
        rows,
        numbers: true,
        note: [
            "Scores compare with validation rows, which also chose the steps; columns are standardized by the training rows. Below a number: its 95 % confidence interval or standard error.".to_string(),
            format!(
                "Root energy distance: how far the samples are from the validation rows; lower is nearer. Skill: 1 − (r − r₁)/(r₀ − r₁), with r the root energy distance, r₀ that of the {} and r₁ that of the \
                 training rows: 0 is as far as the fitted Gaussian, 1 as near as real rows.{}",
                baselines::GAUSSIAN,
                no_skill(tour).map_or(String::new(), |why| format!(" {why}"))
            ),
            "Against the nearest: a permutation test of the difference in energy distance, with 9,999 permutations and Holm's correction; “level” is p above 0.05, no significant difference.".into(),
            "C2ST accuracy: how often a classifier tells samples from validation rows that it has not seen; 0.5 is best. Precision: the share of samples that lie among real rows; recall: the share of real rows that lie among samples; coverage: the share of real rows with a sample nearby. Nats per row: the mean log-density of validation rows; higher is better.".into(),
            "Authenticity: the share of samples farther from their nearest training row than that row is from its own nearest neighbor: a little above 0.5 for fresh rows, 0 for copies. z compares distances to training rows with those of validation rows; far below 0 is memorization.".into(),
        ]
        .into_iter()
        .chain(target.iter().map(Predicted::said))
        .chain((!tour.notes().is_empty()).then(|| tour.notes().join(" ")))
        .collect::<Vec<_>>()
        .join("\n"),
    })
}

/// The column that models of candidates' rows predict, and how well one of training rows does.
struct Predicted<'a> {
    target: &'a str,
    score: &'static str,
    real: &'a Score,
}

impl<'a> Predicted<'a> {
    fn of(tour: &'a Tour) -> Option<Self> {
        let found = tour.kept.iter().find_map(|kept| kept.record.scores.as_ref()?.efficacy.as_ref())?;
        let last = found.scores.last()?;
        Some(Self { target: &found.target, score: if last.score == "r2" { "R²" } else { "AUC" }, real: &last.real })
    }

    fn head(&self) -> String {
        format!("{} of {}", self.score, self.target)
    }

    fn said(&self) -> String {
        let (value, range) = interval(self.real, 3);
        format!(
            "{}: how well a model that learned from the rows predicts `{}` in validation rows; higher is better, and a model of as many training rows has {value} (95 % confidence interval {range}).",
            self.head(),
            self.target
        )
    }
}

/// Who is best by which score.
pub(super) fn best_by(tour: &Tour) -> Option<Sheet> {
    let scored: Vec<&Kept> =
        tour.kept.iter().filter(|kept| kept.record.scores.is_some() && kept.record.kind != Kind::Rows).collect();
    type Of = fn(&Evaluation) -> Option<&Score>;
    // What is compared is the distance to the best value that there is.
    let others: [(&str, Of, f64); 5] = [
        ("sliced W₂", |s| Some(&s.sliced_w2), 0.0),
        ("W₂", |s| Some(&s.w2), 0.0),
        ("worst column (Kolmogorov–Smirnov)", |s| Some(&s.ks.worst), 0.0),
        ("C2ST accuracy", |s| s.c2st.as_ref(), 0.5),
        ("coverage", |s| Some(&s.coverage), 1.0),
    ];
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (name, ranking) in [("root energy distance", &tour.verdict.nearest), ("likelihood", &tour.verdict.likeliest)] {
        let Some(ranking) = ranking else { continue };
        let record = &tour.find(&ranking.best)?.record;
        let value = match (&record.scores, &record.likelihood) {
            (Some(scores), _) if name == "root energy distance" => interval(&root(&scores.energy), 4),
            (_, Some(l)) => (plain(l.mean, 3), l.standard_error.map_or(String::new(), |e| format!("± {}", number(e, 2)))),
            _ => bare("–"),
        };
        let level: Vec<&str> = ranking.level().collect();
        rows.push(vec![
            bare(name),
            bare(ranking.best.clone()),
            value,
            bare(if level.is_empty() { "nobody".into() } else { listed(&level) }),
        ]);
    }
    for (name, of, ideal) in others {
        let off = |kept: &&&Kept| of(kept.record.scores.as_ref()?).map(|score| (score.value - ideal).abs());
        let best = scored.iter().filter_map(|kept| Some((kept, off(&kept)?))).min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((best, _)) = best else { continue };
        let Some(score) = best.record.scores.as_ref().and_then(of) else { continue };
        // Whose intervals meet the best one's.
        let meets = |other: &Score| match (score.interval, other.interval) {
            (Some(a), Some(b)) => a[0] <= b[1] && b[0] <= a[1],
            _ => false,
        };
        let level: Vec<&str> = scored
            .iter()
            .filter(|kept| kept.record.name != best.record.name && kept.record.scores.as_ref().and_then(of).is_some_and(meets))
            .map(|kept| kept.record.name.as_str())
            .collect();
        rows.push(vec![
            bare(name),
            bare(best.record.name.clone()),
            interval(score, 3),
            bare(if level.is_empty() { "nobody".into() } else { listed(&level) }),
        ]);
    }
    let tested = tour.verdict.nearest.is_some();
    (!rows.is_empty()).then(|| Sheet {
        title: "Best by which score".into(),
        head: ["", "best", "value", "not significantly different"].map(String::from).to_vec(),
        rows,
        numbers: false,
        note: if tested {
            "Energy distance by permutation tests, likelihood by sign tests of the differences of each row (both p above 0.05 after Holm's correction); the others where 95 % confidence intervals overlap.".into()
        } else {
            "The tests of energy distance and likelihood are made at the end; the others are level where 95 % confidence intervals overlap.".into()
        },
    })
}

/// Maps of one step beside the best of the methods that take many.
pub(super) fn one_step(tour: &Tour) -> Option<Sheet> {
    let many = tour.best_of_many_steps()?;
    let row = |kept: &Kept| {
        let beyond = tour.beyond_many_steps(&kept.record)?;
        let said = if beyond == 0.0 { "within".to_string() } else { format!("beyond by {}", plain(beyond, 4)) };
        Some(vec![bare(kept.record.name.clone()), interval(&root(&kept.record.scores.as_ref()?.energy), 4), bare(said)])
    };
    let rows: Vec<Vec<Cell>> = tour.ranked().into_iter().filter_map(row).collect();
    let (value, range) = interval(&root(&many.scores.as_ref()?.energy), 4);
    (!rows.is_empty()).then(|| Sheet {
        title: "One-step against multi-step samplers".into(),
        head: vec![String::new(), "root energy distance".into(), format!("against the interval of {}", many.name)],
        rows,
        numbers: true,
        note: format!(
            "Methods whose samples take one evaluation of the network, against the nearest of those that integrate from noise to data, {}: its root energy distance is {value}, 95 % confidence interval {range}.",
            many.name,
        ),
    })
}

/// What everyone cost.
pub(super) fn spent(tour: &Tour) -> Option<Sheet> {
    let row = |kept: &&Kept| {
        let record = &kept.record;
        record.scores.as_ref()?;
        let steps = match (record.steps_kept, record.steps_made) {
            (_, 0) => bare("–"),
            (kept, made) if kept < made => (number(made as f64, 12), format!("kept step {}", number(kept as f64, 12))),
            (_, made) => bare(number(made as f64, 12)),
        };
        Some(vec![
            bare(record.name.clone()),
            bare(duration(record.training_seconds)),
            steps,
            bare(record.sampling_seconds.map_or_else(|| "–".into(), |s| format!("{} s", number(s, 2)))),
            bare(record.parameters.map_or_else(|| "–".into(), |count| number(count as f64, 12))),
        ])
    };
    let rows: Vec<Vec<Cell>> = tour.ranked().iter().filter(|kept| kept.record.kind != Kind::Rows).filter_map(row).collect();
    (!rows.is_empty()).then(|| Sheet {
        title: "Cost".into(),
        head: ["", "training", "steps", "10,000 rows in", "parameters"].map(String::from).to_vec(),
        rows,
        numbers: true,
        note: "Training ends after an equal share of the budget, or at the method's default number of steps. With fewer than 5,000 training rows, early stopping uses the validation rows. A run that takes much longer than its share is stopped, and its best step counts.".into(),
    })
}

/// The baselines and methods that there was no time for, each with the reason.
pub(super) fn left_out(tour: &Tour) -> Option<Sheet> {
    let of = |kind: Kind| {
        let out: Vec<_> =
            tour.kept.iter().map(|kept| &kept.record).filter(|record| record.left_out && record.kind == kind).collect();
        let why = out.iter().find_map(|record| record.failure.as_ref())?;
        let names: Vec<&str> = out.iter().map(|record| record.name.as_str()).collect();
        Some(format!("{}: {why}.", listed(&names)))
    };
    let lines: Vec<String> = [Kind::Baseline, Kind::Method].into_iter().filter_map(of).collect();
    (!lines.is_empty()).then(|| Sheet { title: "Left out: not enough time".into(), note: lines.join("\n"), ..Sheet::default() })
}

pub(super) fn failed(tour: &Tour) -> Option<Sheet> {
    let rows: Vec<Vec<Cell>> = tour
        .kept
        .iter()
        .filter(|kept| !kept.record.left_out)
        .filter_map(|kept| Some(vec![bare(kept.record.name.clone()), bare(kept.record.failure.clone()?)]))
        .collect();
    (!rows.is_empty()).then(|| Sheet {
        title: "What failed".into(),
        head: ["", "why"].map(String::from).to_vec(),
        rows,
        numbers: false,
        note: String::new(),
    })
}
