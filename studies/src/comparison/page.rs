//! The page of a comparison.

use super::{Cell, Comparison, LEAST_MODE_SHARE, LEAST_SKILL, MOST_C2ST_ACCURACY, Settings, Standing, Subject};
use pushforward::data::toy::Toy;
use pushforward::gpu::Gpu;
use pushforward::metrics::Score;
use pushforward::report::grid::DOTS;
use pushforward::report::{Figure, Page, Sheet, number};
use pushforward::settings::Settings as _;
use pushforward::words::{duration, plain};

pub fn page(subject: &Subject, found: &Comparison, picture: String, gpu: &Gpu, command: &str) -> Page {
    let settings = &found.settings;
    let runs = found.records.iter().filter(|record| found.methods.contains(&record.method));
    let (trained, longest) =
        runs.fold((0.0, 0.0f64), |(sum, most), run| (sum + run.training_seconds, most.max(run.training_seconds)));
    let range = match (found.seeds.first(), found.seeds.last()) {
        (Some(first), Some(last)) if first < last => format!("{first} to {last}"),
        (first, _) => first.map_or(String::new(), u64::to_string),
    };
    let facts = [
        ("budget per run", format!("{} of training", duration(settings.seconds.into()))),
        ("seeds", range),
        ("training rows", number(settings.rows as f64, 12)),
        ("rows compared", format!("{} a set, three sets", number(settings.scored as f64, 12))),
        ("training in all", format!("{}, the longest run {}", duration(trained), duration(longest))),
        ("adapter", gpu.summary().name.clone()),
    ];
    let tables = found.toys.iter().enumerate().map(|(i, &toy)| scores(found, toy, i == 0));
    Page {
        title: subject.title.into(),
        headline: headline(found),
        facts: facts.map(|(name, value)| (name.to_string(), value)).to_vec(),
        figures: vec![Figure::new(
            "Samples",
            format!(
                "{} rows of each, of the first seed's run; data in blue. All pictures of a column have the same axes. Skill is 0 for \
                 the fitted Gaussian and 1 for fresh data, here of the run that is shown.",
                number(DOTS as f64, 12)
            ),
            picture,
        )],
        sheets: tables.chain([failures(found), made(subject, found)]).collect(),
        settings: Settings {
            methods: found.methods.clone(),
            targets: found.toys.iter().map(|toy| toy.name().into()).collect(),
            ..settings.clone()
        }
        .write()
        .shown(),
        commands: vec![command.into()],
        footer: format!("pushforward {}", env!("CARGO_PKG_VERSION")),
        ..Page::default()
    }
}

/// The scores of a standing with their names and decimals.
pub(super) fn scores_of(standing: &Standing) -> [(&'static str, &Option<Score>, usize); 5] {
    [
        ("skill", &standing.skill, 2),
        ("sliced W₂", &standing.sliced_w2, 3),
        ("C2ST accuracy", &standing.c2st_accuracy, 3),
        ("outlier rate", &standing.outlier_rate, 3),
        ("smallest mode share", &standing.smallest_mode_share, 2),
    ]
}

/// What a cell without runs says.
pub(super) fn absent(standing: &Standing) -> Option<&'static str> {
    match standing.cell {
        Cell::Made => None,
        Cell::NoKnownScore => Some("no known score"),
        Cell::NotRun => Some("not run"),
    }
}

/// How many pairs of method and target did well, and the best mean share.
fn headline(found: &Comparison) -> String {
    let made = || found.standings.iter().filter(|s| s.cell == Cell::Made && found.methods.contains(&s.method));
    let well = made().filter(|s| s.failures.is_empty()).count();
    // Of the methods that have learned every target.
    let mean = |method: &str| {
        let skill = found.toys.iter().map(|&toy| Some(found.standing(method, toy)?.skill.as_ref()?.value));
        Some(skill.collect::<Option<Vec<f64>>>()?.iter().sum::<f64>() / found.toys.len() as f64)
    };
    let means = found.methods.iter().filter_map(|method| Some((method, mean(method)?)));
    let best = means.max_by(|a, b| a.1.total_cmp(&b.1));
    let best = best.map_or(String::new(), |(method, skill)| {
        let skill = plain(skill, 2);
        format!(" {method} has the highest mean skill over the targets: {skill} (0 is the fitted Gaussian, 1 is fresh data).")
    });
    let early =
        if found.interrupted.is_some() { " The comparison was interrupted: what is missing reads “not run”." } else { "" };
    format!("{well} of {} pairs of method and target did well with every seed.{best}{early}", made().count())
}

/// The table of a target; the first one says how to read them all.
fn scores(found: &Comparison, toy: Toy, first: bool) -> Sheet {
    let modes = found.standings.iter().any(|s| s.target == toy.name() && s.smallest_mode_share.is_some());
    let row = |standing: &Standing| {
        let below = match absent(standing) {
            Some(absent) => absent.to_string(),
            None if standing.failed > 0 => format!("failed in {} of {}", standing.failed, standing.runs),
            None => String::new(),
        };
        let mut cells = vec![(standing.method.clone(), below)];
        let dash = || ("–".to_string(), String::new());
        for (name, score, decimals) in scores_of(standing) {
            let cell = score.as_ref().map_or_else(dash, |score| {
                let ends = score.interval.map(|ends| ends.map(|end| plain(end, decimals)));
                (plain(score.value, decimals), ends.map_or(String::new(), |[low, high]| format!("[{low}, {high}]")))
            });
            if modes || name != "smallest mode share" {
                cells.push(cell);
            }
        }
        let each = standing.step_ms.map_or(String::new(), |ms| format!("{} ms per step", number(ms, 3)));
        cells.push(standing.steps.map_or_else(dash, |steps| (number(steps.round(), 12), each)));
        cells.push(standing.seconds.map_or_else(dash, |seconds| (duration(seconds), String::new())));
        cells
    };
    let names = found.standings.first().map(scores_of).into_iter().flatten().map(|(name, ..)| name);
    let names = names.filter(|name| modes || *name != "smallest mode share");
    let head = [""].into_iter().chain(names).chain(["steps", "per run"]).map(String::from).collect();
    let read = if first {
        " Means over seeds; in brackets Student's 95 % confidence intervals, of the seeds alone. Skill: 1 − (r − r₁)/(r₀ − r₁), with r the root energy distance, r₀ that of the \
         fitted Gaussian and r₁ that of fresh data. C2ST accuracy: how often a classifier tells samples from fresh rows; 0.5 is best. Outlier rate: the share of rows outside of the support of fresh rows."
    } else {
        ""
    };
    let least = if modes {
        " Smallest mode share: the share of rows within three standard deviations of the mode that has fewest, over its share of the data."
    } else {
        ""
    };
    let description = toy.description();
    Sheet {
        title: format!("Scores on {toy}"),
        head,
        rows: found.standings.iter().filter(|standing| standing.target == toy.name()).map(row).collect(),
        numbers: true,
        note: format!("{}{}.{read}{least}", description[..1].to_uppercase(), &description[1..]),
    }
}

fn failures(found: &Comparison) -> Sheet {
    let text = |text: &str| (text.to_string(), String::new());
    let rows = found.standings.iter().flat_map(|standing| {
        standing.failures.iter().map(|failure| {
            vec![
                text(&standing.method),
                text(&standing.target),
                text(&format!("{} of {}", failure.runs, failure.of)),
                text(&failure.how),
            ]
        })
    });
    let rows: Vec<_> = rows.collect();
    let none = if rows.is_empty() { "Nothing failed. " } else { "" };
    Sheet {
        title: "What failed, and how".into(),
        head: ["method", "target", "runs", "how"].map(String::from).to_vec(),
        rows,
        numbers: false,
        note: format!(
            "{none}A run failed if an error stopped it (in the error's words); if its skill is below {LEAST_SKILL}, in root energy \
             distance or in outlier rate; if its smallest mode share is below {LEAST_MODE_SHARE} (of targets that are mixtures); or if its \
             C2ST accuracy is above {MOST_C2ST_ACCURACY}."
        ),
    }
}

/// How it was made, which a reader needs to judge it.
fn made(subject: &Subject, found: &Comparison) -> Sheet {
    let settings = &found.settings;
    let changed = if settings.training.is_empty() { "" } else { " but for those of `training` below" };
    Sheet {
        title: "How it was made".into(),
        note: format!(
            "Every run had {} of training, with its method's default settings{changed}. A step of each method was timed on each target first, with compiled shaders, and the number of steps is what fits into the budget, or the method's default number where that is less: so the learning rate, which falls to zero at the last step, falls within the budget. The warm-up is a tenth of the steps at most. “Per run” is what the training really took; where it is longer than the budget, the machine did other work too. Root energy distance (unbiased, cut at zero) is the mean over three sets of {scored} sampled rows against three of fresh ones; sliced W₂ the mean over three pairs of sets. The classifiers of the C2ST are gradient-boosted trees and a neural network, tested on rows that they have not seen; the fitted Gaussian's row shows what they can detect. A row is an outlier if it lies in none of the balls about {scored} fresh rows that reach their fifth neighbor. The fitted Gaussian and fresh data are scored in the same way, with other rows for each seed.{}",
            duration(settings.seconds.into()),
            subject.note,
            scored = number(settings.scored as f64, 12),
        ),
        ..Sheet::default()
    }
}
