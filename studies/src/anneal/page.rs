//! The page of a study of annealing.

use crate::anneal::{Arm, Change, DRAWN, Effect, Level, Settings, Study, Target, Verdict};
use crate::comparison::{FRESH, GAUSSIAN};
use pushforward::Error;
use pushforward::metrics::Score;
use pushforward::report::contrasts::{Contrast, Contrasts, contrasts};
use pushforward::report::{Figure, Page, Sheet, number};
use pushforward::settings::Settings as _;
use pushforward::words::{duration, plain};

use super::words::{between, findings, headline, reach, signed};

type Cell = (String, String);

fn cell(value: impl Into<String>, below: impl Into<String>) -> Cell {
    (value.into(), below.into())
}

fn dash() -> Cell {
    cell("–", "")
}

/// Pictures of the paired differences, with the names of their files.
pub fn changes(study: &Study) -> Result<Vec<(&'static str, Figure)>, Error> {
    type Of = fn(&Effect) -> Option<&Change>;
    let series: Vec<Arm> = study.arms.iter().copied().filter(|arm| *arm != Arm::Direct).collect();
    let picture = |y: &str, of: Of, title: &str| -> Result<Option<String>, Error> {
        let panel = |target: &Target| {
            let contrast = |effect: &Effect| {
                let change = of(effect)?;
                Some(Contrast {
                    name: study.objectives.iter().position(|name| *name == effect.objective)?,
                    series: series.iter().position(|arm| *arm == effect.arm)?,
                    y: change.mean,
                    bar: change.interval,
                    certain: change.stands(),
                })
            };
            let effects = study.effects.iter().filter(|effect| effect.target == target.name);
            let shown: Vec<Contrast> = effects.filter_map(contrast).collect();
            (!shown.is_empty()).then(|| (format!("{}: {}", target.name, target.description), shown))
        };
        let panels: Vec<_> = study.targets.iter().filter_map(panel).collect();
        if panels.is_empty() {
            return Ok(None);
        }
        let series = series.iter().map(|arm| format!("{} − direct", arm.name())).collect();
        contrasts(&Contrasts { y: y.into(), names: study.objectives.clone(), series, panels }, title).map(Some)
    };
    let read = "Dots are means over seeds of annealed minus direct, of the same seed; bars are Student's 95 % confidence intervals. Below the line annealing is nearer. A dot is full where the difference remains after correction for all comparisons on its target. Each panel has its own scale; bars are cut where they would hide the dots.";
    let mut figures = Vec::new();
    if let Some(svg) =
        picture("root energy", |effect| effect.root_energy.as_ref(), "What annealing changes: root energy distance")?
    {
        figures.push(("changes.svg", Figure::new("What annealing changes: the root energy distance to fresh rows", read, svg)));
    }
    if let Some(svg) =
        picture("total variation", |effect| effect.share_error.as_ref(), "What annealing changes: shares of modes")?
    {
        let caption = "The same of the total variation between the modes' shares of the rows and the true shares; rows that belong to no mode count as a mode that should not exist.";
        figures.push(("shares.svg", Figure::new("What annealing changes: the shares of modes", caption, svg)));
    }
    Ok(figures)
}

pub fn samples(study: &Study, svg: String) -> Figure {
    let caption = format!(
        "Up to {} rows of the first seed's runs (seed {}); data in blue. Beside each direct run the annealed one of the same seed, with the noise schedule whose mean over seeds is the nearest: it is named above the picture, and was chosen by the very numbers of this page. Numbers are skill: 0 at the fitted Gaussian, 1 at fresh rows.",
        number(DRAWN as f64, 12),
        study.seeds[0]
    );
    Figure::new("Samples", caption, svg)
}

pub fn page(study: &Study, figures: Vec<Figure>, command: &str) -> Page {
    let settings = &study.settings;
    let runs = || study.records.iter().filter(|record| study.objectives.contains(&record.key.objective));
    let trained: f64 = runs().map(|record| record.training_seconds).sum();
    let mut adapters: Vec<&str> = Vec::new();
    for record in runs() {
        if !adapters.contains(&record.adapter.as_str()) {
            adapters.push(&record.adapter);
        }
    }
    let range = match (study.seeds.first(), study.seeds.last()) {
        (Some(first), Some(last)) if first < last => format!("{first} to {last}"),
        (first, _) => first.map_or(String::new(), u64::to_string),
    };
    let facts = [
        (
            "runs",
            format!("{}, {} of them failed", number(runs().count() as f64, 12), runs().filter(|r| r.failure.is_some()).count()),
        ),
        ("steps of each", number(settings.steps.into(), 12)),
        ("batch size", number(settings.batch_size as f64, 12)),
        ("seeds", range),
        ("training rows", number(settings.rows as f64, 12)),
        ("rows compared", format!("{} a set, three sets", number(settings.scored as f64, 12))),
        ("training in all", duration(trained)),
        ("adapter", adapters.join("; ")),
    ];
    let glance = (study.objectives.len() * study.targets.len() > 1).then(|| glance(study));
    let tables = study.targets.iter().enumerate().map(|(i, target)| numbers(study, target, i == 0));
    let rest = [cost(study), failures(study), made(study)];
    Page {
        title: "Annealed training: the proposal of §4, measured".into(),
        headline: headline(study),
        lead: findings(study).into_iter().chain([lead(study)]).collect(),
        facts: facts.map(|(name, value)| (name.to_string(), value)).to_vec(),
        figures,
        sheets: glance.into_iter().chain(tables).chain(rest).collect(),
        settings: Settings {
            objectives: study.objectives.clone(),
            noise_schedules: study.arms.iter().filter_map(|arm| arm.noise_schedule()).collect(),
            targets: study.targets.iter().map(|target| target.name.into()).collect(),
            ..settings.clone()
        }
        .write()
        .shown(),
        commands: vec![command.into()],
        footer: format!("pushforward {}", env!("CARGO_PKG_VERSION")),
        ..Page::default()
    }
}

/// What was done, in the paper's words and ours.
fn lead(study: &Study) -> String {
    let far = study.targets.iter().any(|target| target.mixture().is_some());
    let control = study.targets.iter().any(|target| target.mixture().is_none());
    let targets = match (far, control) {
        (true, true) => {
            " The distributions have modes far apart, with unequal shares, which are hard for a direct loss; one without far modes is the control."
        }
        (true, false) => " The distributions have modes far apart, with unequal shares, which are hard for a direct loss.",
        _ => "",
    };
    format!(
        "The paper asks: “could diffusion models help us engineer better optimization procedures?” Its proposal is to fine-tune a map that begins as Gaussian noise “iteratively to map μ₀ to ρₜ for t decreasing during the different rounds of fine tuning”, where the “fine-tuning would always employ the same loss at each iteration, but the data would be modified little by little”. Here that is done for {}, and each annealed run has a direct run for comparison, trained on the data as they are: with the same seed, rows, initial weights, batch size and learning rate, for as many steps.{targets}",
        study.objectives.join(", ")
    )
}

/// Objectives against targets: the noise schedule that is nearest, and how all schedules do.
fn glance(study: &Study) -> Sheet {
    let of = |target: &Target, objective: &String| {
        let effects = study.effects.iter().filter(|effect| effect.target == target.name && effect.objective == *objective);
        let changes: Vec<&Change> = effects.filter_map(|effect| effect.root_energy.as_ref()).collect();
        let best = study.best(target.name, objective).and_then(|arm| study.effect(target.name, objective, arm));
        let Some(best) = best.filter(|_| !changes.is_empty()) else { return dash() };
        let ratio = best.ratio.as_ref().map_or("–".into(), |ratio| format!("×{}", number(ratio.value, 2)));
        let count = |verdict: Verdict| changes.iter().filter(|change| change.verdict == verdict).count();
        let (helps, hurts) = (count(Verdict::Helps), count(Verdict::Hurts));
        let counted = match (helps, hurts) {
            (0, 0) => "no difference".to_string(),
            (0, hurts) => format!("{hurts} of {} hurt", changes.len()),
            (helps, 0) => format!("{helps} of {} help", changes.len()),
            (helps, hurts) => format!("{helps} help, {hurts} hurt"),
        };
        cell(format!("{ratio} {}", best.arm.name()), counted)
    };
    let row = |objective: &String| {
        std::iter::once(cell(objective, "")).chain(study.targets.iter().map(|target| of(target, objective))).collect()
    };
    Sheet {
        title: "At a glance".into(),
        head: std::iter::once(String::new()).chain(study.targets.iter().map(|target| target.name.into())).collect(),
        rows: study.objectives.iter().map(row).collect(),
        numbers: true,
        note: "The root energy distance of annealed runs as a multiple of the direct runs' (ratio of geometric means), with the noise schedule of the nearest samples; below, how many schedules help or hurt by their 95 % confidence intervals. The best of several schedules looks better than it is; the tables below have them all."
            .into(),
    }
}

/// Everything of a target; the first one says how to read them all.
fn numbers(study: &Study, target: &Target, first: bool) -> Sheet {
    let modes = target.mixture().is_some();
    let row = |level: &Level| -> Vec<Cell> {
        let score = |score: &Option<Score>, decimals: usize| score.as_ref().map(|score| plain(score.value, decimals));
        let baseline = [GAUSSIAN, FRESH].contains(&level.objective.as_str());
        let arm = if baseline { String::new() } else { level.arm.name().into() };
        let failed = if level.failed > 0 { format!(", {} of {} failed", level.failed, level.runs) } else { String::new() };
        let mut row = vec![cell(&level.objective, arm + &failed)];
        let skill = score(&level.skill, 3).map_or(String::new(), |skill| format!("skill {skill}"));
        row.push(level.root_energy.as_ref().map_or_else(dash, |root| cell(number(root.value, 3), skill)));
        if modes {
            let outlier_rate =
                score(&level.outlier_rate, 3).map_or(String::new(), |outlier_rate| format!("outlier rate {outlier_rate}"));
            row.push(score(&level.share_error, 3).map_or_else(dash, |share_error| cell(share_error, outlier_rate)));
        }
        let effect = study.effect(target.name, &level.objective, level.arm);
        let change = effect.and_then(|effect| effect.root_energy.as_ref());
        row.push(change.map_or_else(dash, |change| cell(signed(change.mean), between(change.interval, 2))));
        let ratio = effect.and_then(|effect| effect.ratio.as_ref());
        row.push(ratio.map_or_else(dash, |ratio| cell(format!("×{}", number(ratio.value, 3)), between(ratio.interval, 3))));
        row.push(change.map_or_else(dash, |c| cell(number(c.p_value, 2), format!("Holm {}", number(c.corrected_p_value, 2)))));
        row.push(change.map_or_else(dash, |c| cell(short(c), format!("{} of {} nearer", c.nearer, c.pairs))));
        if modes {
            let share_error = effect.and_then(|effect| effect.share_error.as_ref());
            row.push(share_error.map_or_else(dash, |share_error| cell(short(share_error), between(share_error.interval, 2))));
        }
        row
    };
    let mut head = vec!["", "root energy"];
    head.extend(modes.then_some("share error"));
    head.extend(["change", "ratio", "p", "verdict"]);
    head.extend(modes.then_some("for shares"));
    let read = if first {
        format!(
            " Means over seeds. Skill: 1 − (r − r₁)/(r₀ − r₁), with r the root energy distance, r₀ that of the fitted Gaussian and r₁ that of fresh rows. Share error: the total variation between the modes' shares and the true ones; outlier rate: the share of rows that belong to no mode. Change: annealed minus direct, of the same seed, with Student's 95 % confidence interval, which gives the verdict; a star says that it remains after correction. Ratio: of geometric means; below fresh rows' own distance nothing can be distinguished, so what is less counts as that. p: exact, of the signs of the differences; below, after correction. Nearer: in how many pairs the annealed run is; a pair of which a run failed has no difference. For shares: the verdict on the change of the share error, with the interval of that change. {}",
            reach(study)
        )
    } else {
        String::new()
    };
    let levels = study.levels.iter().filter(|level| level.target == target.name);
    Sheet {
        title: format!("All numbers on {}", target.name),
        head: head.into_iter().map(String::from).collect(),
        rows: levels.map(row).collect(),
        numbers: true,
        note: format!("{}{}.{read}", target.description[..1].to_uppercase(), &target.description[1..]),
    }
}

/// A verdict for a narrow column, starred if it remains after correction.
fn short(change: &Change) -> String {
    let words = if change.verdict == Verdict::Open { "none seen" } else { change.verdict.words() };
    format!("{words}{}", if change.stands() { " *" } else { "" })
}

/// What a step costs, for steps are what was held equal.
fn cost(study: &Study) -> Sheet {
    let mut rows = Vec::new();
    for objective in &study.objectives {
        for &arm in &study.arms {
            let of = |target: &Target| {
                let Some(ms) = study.level(target.name, objective, arm).and_then(|level| level.step_ms) else { return dash() };
                let effect = study.effect(target.name, objective, arm);
                let times = effect
                    .and_then(|effect| effect.step_time_ratio)
                    .map_or(String::new(), |cost| format!("×{}", number(cost, 3)));
                let floor = effect.and_then(|effect| effect.floor_time_share);
                let floor =
                    floor.map_or(String::new(), |share| format!(", {} % of it to find the floor", plain(100.0 * share, 0)));
                cell(number(ms, 3), times + &floor)
            };
            rows.push(std::iter::once(cell(objective, arm.name())).chain(study.targets.iter().map(of)).collect());
        }
    }
    Sheet {
        title: "What a step costs, in milliseconds".into(),
        head: std::iter::once(String::new()).chain(study.targets.iter().map(|target| target.name.into())).collect(),
        rows,
        numbers: true,
        note: "Medians over seeds; below, as multiples of the direct run of the same seed on the same adapter. To find the floor: the share of the time of the schedule `floor` that `geometric` does not take, which goes to comparing two fresh batches. All arms had equally many steps: a multiple above 1 is the additional cost of annealing. Where several processes share an adapter, times are of that."
            .into(),
    }
}

fn failures(study: &Study) -> Sheet {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for level in study.levels.iter().filter(|level| level.failed > 0) {
        let is =
            |key: &crate::anneal::Key| key.target == level.target && key.objective == level.objective && key.arm == level.arm;
        let why = study.records.iter().filter(|record| is(&record.key)).find_map(|record| record.failure.clone());
        rows.push(vec![
            cell(&level.objective, level.arm.name()),
            cell(&level.target, ""),
            cell(format!("{} of {}", level.failed, level.runs), ""),
            cell(why.unwrap_or_default(), ""),
        ]);
    }
    let none = if rows.is_empty() { "Nothing failed. " } else { "" };
    Sheet {
        title: "What failed".into(),
        head: ["", "target", "runs", "the first of them"].map(String::from).to_vec(),
        rows,
        numbers: false,
        note: format!("{none}A run failed if an error ended it, or if its rows lie too far away to be scored."),
    }
}

/// How it was made, which a reader needs to judge it.
fn made(study: &Study) -> Sheet {
    let settings = &study.settings;
    let changed = if settings.training.is_empty() { "" } else { ", but for those of `training` below" };
    Sheet {
        title: "How it was made".into(),
        note: format!(
            "Every run made {} steps of {} rows, with its objective's and anneal's default settings{changed}; there were no validation rows, and the last weights count (their exponential moving average). A game's critic makes its own steps beside. An annealed run sees the data as they are in the last part of its steps alone (`noise_fraction`, one half by default); it begins at the Gaussian that is fitted to the data, whose mean and covariance the moving data keep. Rounds: the noise falls evenly, in rounds of equal length. Geometric: its time falls by a constant factor at every step. Floor: in rounds that end when the loss is what it is between two fresh batches. Root energy distance: of the mean over three pairs of sets of {} sampled and fresh rows, unbiased, cut at zero. A row is a mode's if that is the nearest and the row lies no farther from its center than all but e⁻⁸ of the mode's own rows. Samples of all runs are made from the same noise. Fitted Gaussian and fresh rows are scored in the same way.",
            number(settings.steps.into(), 12),
            number(settings.batch_size as f64, 12),
            number(settings.scored as f64, 12),
        ),
        ..Sheet::default()
    }
}
