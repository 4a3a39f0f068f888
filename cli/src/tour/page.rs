//! The page of a tour.

use pushforward::Result;
use pushforward::baselines;
use pushforward::data::{Table, in_words, subset};
use pushforward::gpu::Gpu;
use pushforward::metrics::{Evaluation, Points, Score};
use pushforward::report::grid::{DOTS, Ink};
use pushforward::report::wall::{dots, wall};
use pushforward::report::{Figure, Page, ScoreTable, Sheet, comparison, moved, number};
use pushforward::tour::{Kept, Kind, Plan, ROWS, SAMPLE, Sets, Tour, root};

use super::super::comparison::plain;
use super::super::progress::duration;
use super::super::train::quote;
use super::{headline, listed, next, probability, refit};

/// Columns of a pair plot.
const PAIRED: usize = 6;

pub fn page(plan: &Plan, tour: &Tour, gpu: &Gpu) -> Result<Page> {
    let Sets { train, validation, test } = &tour.judge.sets;
    let count = |rows: usize| number(rows as f64, 12);
    let state = match (tour.left.is_empty(), tour.interrupted) {
        (true, _) => "done".to_string(),
        (false, true) => format!("interrupted; not run: {}", tour.left.join(", ")),
        (false, false) => format!("under way; to come: {}", tour.left.join(", ")),
    };
    let facts = [
        ("data", plan.source.to_string()),
        (
            "rows",
            format!(
                "{} training, {} validation, {}",
                count(train.rows()),
                count(validation.rows()),
                match test {
                    Some(test) => format!("{} test, which score the winner once", count(test.rows())),
                    None => "no test".into(),
                }
            ),
        ),
        ("columns", in_words_of(train, plan.conditions)),
        ("budget", format!("{}, of which {} were used", duration(plan.budget), duration(tour.elapsed))),
        ("adapter", gpu.summary().name.clone()),
        ("seed", plan.seed.to_string()),
        ("tour", state),
    ];
    let refit = refit(tour);
    let saved = (!refit.is_empty()).then(|| ("saved model".to_string(), refit.trim_start_matches(", ").to_string()));
    let mut commands = vec![plan.command.clone()];
    if let Some(best) = tour.best_method() {
        commands.push(next(plan));
        commands.push(format!("pushforward train {} --data {}", best.name, quote(&plan.source.to_string())));
    }
    Ok(Page {
        title: format!("A tour of {}", plan.source),
        headline: headline(tour),
        facts: facts.map(|(name, value)| (name.to_string(), value)).into_iter().chain(saved).collect(),
        scores: scores(tour),
        figures: figures(tour)?,
        sheets: vec![
            candidates(tour),
            best_by(tour),
            one_step(tour),
            spent(tour),
            failed(tour, false, "What failed"),
            failed(tour, true, "Left out for want of time"),
        ]
        .into_iter()
        .flatten()
        .collect(),
        settings: plan.training.iter().map(|(key, value)| (key.clone(), value.to_string())).collect(),
        commands,
        footer: format!("pushforward {}", env!("CARGO_PKG_VERSION")),
        ..Page::default()
    })
}

/// Every score of the best method beside the baselines and the training rows: on test rows once it is the winner.
fn scores(tour: &Tour) -> Option<ScoreTable> {
    if let Some(tested) = &tour.tested {
        let named: Vec<(&str, &Evaluation)> = tested.scores.iter().map(|(name, found)| (name.as_str(), found)).collect();
        let rows = number(tested.rows as f64, 12);
        let title = format!("{rows} test rows, which chose nothing; every column in units of its standard deviation");
        return Some(ScoreTable::new(title, &named));
    }
    let best = tour.best_method()?;
    let beside = tour.ranked().into_iter().filter(|kept| kept.record.kind == Kind::Baseline).map(|kept| &kept.record);
    let rows = tour.find(ROWS).map(|kept| &kept.record);
    let named: Vec<(&str, &Evaluation)> = std::iter::once(best)
        .chain(beside)
        .chain(rows)
        .filter_map(|record| Some((record.name.as_str(), record.scores.as_ref()?)))
        .collect();
    let rows = number(tour.judge.sets.validation.rows() as f64, 12);
    let title = format!(
        "{rows} validation rows, which also chose the steps and the winner; every column in units of its standard deviation"
    );
    Some(ScoreTable::new(title, &named))
}

/// The generated columns, and the conditions.
fn in_words_of(table: &Table, conditions: usize) -> String {
    let (generated, given) = table.columns().split_at(table.cols() - conditions);
    match given {
        [] => generated.join(", "),
        given => format!("{} given {}", generated.join(", "), in_words(given)),
    }
}

fn figures(tour: &Tour) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    if tour.judge.cols() > 1 {
        figures.push(gallery(tour)?);
    }
    let best = tour.best_method().and_then(|best| tour.find(&best.name));
    let Some((best, rows)) = best.and_then(|best| Some((best, best.rows.as_ref()?))) else { return Ok(figures) };
    let real = &tour.judge.sets.validation;
    // As many samples as real rows: a denser cloud looks like another distribution.
    let [real, rows] = [real, rows].map(|table| subset(table, real.rows().min(rows.rows()), SAMPLE));
    let picture = |columns: &[usize]| {
        let [real, rows] = [&real, &rows].map(|table| table.select_columns(columns));
        let [real, rows] = moved([&real, &rows])?;
        comparison(Points::of(&real)?, Points::of(&rows)?, real.columns())
    };
    let all: Vec<usize> = (0..real.cols()).collect();
    let name = &best.record.name;
    if all.len() > PAIRED {
        let chosen = dependent(&tour.judge.sets.train);
        let caption = format!("Validation rows in blue, samples in orange: the {PAIRED} columns that depend most on the others.");
        figures.push(Figure::new(format!("Pairs of columns, {name}"), caption, picture(&chosen)?));
        figures.push(Figure::new(format!("Every column, {name}"), "Validation rows in blue, samples in orange.", picture(&all)?));
    } else {
        figures.push(Figure::new(format!("The best: {name}"), "Validation rows in blue, samples in orange.", picture(&all)?));
    }
    Ok(figures)
}

/// All candidates in the plane of the two columns, or of the two directions in which training rows vary most.
fn gallery(tour: &Tour) -> Result<Figure> {
    let plane = Plane::new(&tour.judge.sets.train);
    let mut pictures = vec![(Ink::Data, dots("validation rows", plane.project(&tour.judge.sets.validation)))];
    for kept in tour.ranked() {
        let (Some(rows), Some(scores)) = (&kept.rows, &kept.record.scores) else { continue };
        let ink = match kept.record.kind {
            Kind::Rows => Ink::Data,
            Kind::Baseline => Ink::Baseline,
            Kind::Method => Ink::Samples,
        };
        let caption = format!("{} {}", kept.record.name, plain(root(&scores.energy).value, 3));
        pictures.push((ink, dots(caption, plane.project(rows))));
    }
    let seen = match plane {
        Plane::Columns => "both columns",
        Plane::Units(_) => "both columns in units of their standard deviation",
        Plane::Directions(_) => "the two directions in which training rows vary most, columns in units of their deviation",
    };
    Ok(Figure::new(
        "Everyone's rows",
        format!(
            "At most {} rows of each, in {seen}: real rows in blue, baselines in grey, methods in orange, with their root energy distance to validation rows, nearest first.",
            number(DOTS as f64, 12)
        ),
        wall(&pictures, "Rows of every candidate")?,
    ))
}

enum Plane {
    Columns,
    /// Mean and deviation of each column, and two directions in their units: the columns themselves.
    Units(Vec<[f64; 4]>),
    /// The same with the directions in which training rows vary most.
    Directions(Vec<[f64; 4]>),
}

impl Plane {
    fn new(train: &Table) -> Self {
        let (n, d) = (train.rows() as f64, train.cols());
        let (means, deviations) = moments(train);
        if d == 2 {
            // Pictures have one scale in both directions, and few digits.
            let near =
                (0..2).all(|j| means[j].abs() < 1e3 * deviations[j] && (1e-3..1e3).contains(&(deviations[j] / deviations[0])));
            let columns = vec![[means[0], deviations[0], 1.0, 0.0], [means[1], deviations[1], 0.0, 1.0]];
            return if near { Self::Columns } else { Self::Units(columns) };
        }
        let mut covariance = nalgebra::DMatrix::<f64>::zeros(d, d);
        for i in 0..train.rows() {
            let row = (0..d).map(|j| (train.row(i)[j] - means[j]) / deviations[j]);
            let row = nalgebra::DVector::from_iterator(d, row);
            covariance.ger(1.0 / n, &row, &row, 1.0);
        }
        let eigen = nalgebra::SymmetricEigen::new(covariance);
        let mut order: Vec<usize> = (0..d).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let direction = |k: usize, j: usize| eigen.eigenvectors[(j, order[k])];
        Self::Directions((0..d).map(|j| [means[j], deviations[j], direction(0, j), direction(1, j)]).collect())
    }

    fn project(&self, table: &Table) -> Vec<f32> {
        let table = &subset(table, DOTS, SAMPLE);
        let rows = table.rows();
        match self {
            Self::Columns => table.single()[..2 * rows].to_vec(),
            Self::Units(columns) | Self::Directions(columns) => {
                let place = |i: usize, k: usize| {
                    let terms = table.row(i).iter().zip(columns);
                    terms.map(|(x, c)| (x - c[0]) / c[1] * c[2 + k]).sum::<f64>() as f32
                };
                (0..rows).flat_map(|i| [place(i, 0), place(i, 1)]).collect()
            }
        }
    }
}

fn moments(table: &Table) -> (Vec<f64>, Vec<f64>) {
    let n = table.rows() as f64;
    let mean = |j: usize| table.column(j).sum::<f64>() / n;
    let means: Vec<f64> = (0..table.cols()).map(mean).collect();
    let deviation = |j: usize| (table.column(j).map(|x| (x - means[j]).powi(2)).sum::<f64>() / n).sqrt();
    let deviations = (0..table.cols()).map(|j| deviation(j).max(f64::MIN_POSITIVE)).collect();
    (means, deviations)
}

/// The columns whose squared correlations with the others sum to most, in the table's order.
fn dependent(table: &Table) -> Vec<usize> {
    let (means, deviations) = moments(table);
    let d = table.cols();
    let correlation = |i: usize, j: usize| {
        let products = table.column(i).zip(table.column(j)).map(|(x, y)| (x - means[i]) * (y - means[j]));
        products.sum::<f64>() / (table.rows() as f64 * deviations[i] * deviations[j])
    };
    let mut weights = vec![0.0; d];
    for i in 0..d {
        for j in 0..i {
            let square = correlation(i, j).powi(2);
            weights[i] += square;
            weights[j] += square;
        }
    }
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    order.truncate(PAIRED);
    order.sort_unstable();
    order
}

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
fn candidates(tour: &Tour) -> Option<Sheet> {
    let row = |kept: &Kept| {
        let record = &kept.record;
        let scores = record.scores.as_ref()?;
        let verdict = match &tour.verdict.nearest {
            Some(ranking) if ranking.best == record.name => bare("nearest"),
            Some(ranking) => ranking.find(&record.name).map_or_else(
                || bare("–"),
                |other| (if other.is_level() { "level".into() } else { "farther".into() }, probability(other.corrected)),
            ),
            None => bare("–"),
        };
        let name = match record.kind {
            Kind::Rows => (record.name.clone(), "what a copy of them scores".to_string()),
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
        let copying = scores.copying.as_ref().map_or_else(
            || bare("–"),
            |copied| {
                let z = &copied.test;
                let p = z.p_value.map_or(String::new(), |p| format!("z {}, {}", plain(z.value, 1), probability(p)));
                (plain(copied.authenticity.value, 2), p)
            },
        );
        Some(vec![
            name,
            interval(&root(&scores.energy), 4),
            bare(tour.closed(record).map_or_else(|| "–".into(), |closed| plain(closed, 2))),
            verdict,
            scores.c2st.as_ref().map_or_else(|| bare("–"), |told| interval(told, 3)),
            (
                format!("{} · {}", plain(scores.precision.value, 2), plain(scores.recall.value, 2)),
                format!("coverage {}", plain(scores.coverage.value, 2)),
            ),
            nats,
            copying,
        ])
    };
    let rows: Vec<Vec<Cell>> = tour.ranked().into_iter().filter_map(row).collect();
    (!rows.is_empty()).then(|| Sheet {
        title: "Everyone".into(),
        head: ["", "√energy distance", "closed", "beside the nearest", "told", "precision · recall", "nats a row", "authentic"].map(String::from).to_vec(),
        rows,
        numbers: true,
        note: format!(
            "Against validation rows, which also chose the steps, columns in units of the training rows' deviation; below a number its 95 % interval or standard error. Closed is the share of the way in √E \
             from the {} to the training rows. Beside the nearest: whether a candidate can be told from it, by 9,999 relabellings of both samples' rows, p corrected for their number \
             (Holm); “level” is p above 0.05. Told is the accuracy of a classifier on rows it has not seen (½ is chance). Authentic is the share of rows farther from their nearest training \
             row than that row from its own nearest (½ and a little more for fresh rows, 0 for copies), and z compares distances to training rows with those of validation rows (far below 0: nearer than fresh).{}",
            baselines::GAUSSIAN,
            tour.notes().iter().map(|note| format!(" {note}")).collect::<String>()
        ),
    })
}

/// Who is best by which score.
fn best_by(tour: &Tour) -> Option<Sheet> {
    let scored: Vec<&Kept> =
        tour.kept.iter().filter(|kept| kept.record.scores.is_some() && kept.record.kind != Kind::Rows).collect();
    type Of = fn(&Evaluation) -> Option<&Score>;
    // What is compared is the distance to the best value that there is.
    let ways: [(&str, Of, f64); 5] = [
        ("sliced W₂", |s| Some(&s.sliced_w2), 0.0),
        ("W₂", |s| Some(&s.w2), 0.0),
        ("worst column (Kolmogorov–Smirnov)", |s| Some(&s.ks.worst), 0.0),
        ("classifier (told)", |s| s.c2st.as_ref(), 0.5),
        ("coverage", |s| Some(&s.coverage), 1.0),
    ];
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (name, ranking) in [("√energy distance", &tour.verdict.nearest), ("likelihood", &tour.verdict.likeliest)] {
        let Some(ranking) = ranking else { continue };
        let record = &tour.find(&ranking.best)?.record;
        let value = match (&record.scores, &record.likelihood) {
            (Some(scores), _) if name == "√energy distance" => interval(&root(&scores.energy), 4),
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
    for (name, of, ideal) in ways {
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
        head: ["", "best", "value", "not told from it"].map(String::from).to_vec(),
        rows,
        numbers: false,
        note: if tested {
            "Energy distance by relabelling, likelihood by the signs of differences row by row (both p above 0.05 after Holm's correction); the others where 95 % intervals meet.".into()
        } else {
            "The tests of energy distance and likelihood are made at the end; the others are level where 95 % intervals meet.".into()
        },
    })
}

/// Maps of one step beside the best of the methods that take many.
fn one_step(tour: &Tour) -> Option<Sheet> {
    let many = tour.best_of_many_steps()?;
    let row = |kept: &Kept| {
        let beyond = tour.beyond_many_steps(&kept.record)?;
        let said = if beyond == 0.0 { "within".to_string() } else { format!("beyond by {}", plain(beyond, 4)) };
        Some(vec![bare(kept.record.name.clone()), interval(&root(&kept.record.scores.as_ref()?.energy), 4), bare(said)])
    };
    let rows: Vec<Vec<Cell>> = tour.ranked().into_iter().filter_map(row).collect();
    let (value, range) = interval(&root(&many.scores.as_ref()?.energy), 4);
    (!rows.is_empty()).then(|| Sheet {
        title: "One step beside many".into(),
        head: vec![String::new(), "√energy distance".into(), format!("beside the interval of {}", many.name)],
        rows,
        numbers: true,
        note: format!(
            "Methods whose samples are one pass of a map, beside the nearest of those that integrate or simulate from noise to data, {}: its √energy distance is {value}, 95 % from {range}.",
            many.name,
        ),
    })
}

/// What everyone cost.
fn spent(tour: &Tour) -> Option<Sheet> {
    let row = |kept: &&Kept| {
        let record = &kept.record;
        record.scores.as_ref()?;
        let steps = match (record.kept, record.made) {
            (_, 0) => bare("–"),
            (kept, made) if kept < made => (number(made as f64, 12), format!("kept step {}", number(kept as f64, 12))),
            (_, made) => bare(number(made as f64, 12)),
        };
        Some(vec![
            bare(record.name.clone()),
            bare(duration(record.training)),
            steps,
            bare(record.sampling.map_or_else(|| "–".into(), |s| format!("{} s", number(s, 2)))),
            bare(record.parameters.map_or_else(|| "–".into(), |count| number(count as f64, 12))),
        ])
    };
    let rows: Vec<Vec<Cell>> = tour.ranked().iter().filter(|kept| kept.record.kind != Kind::Rows).filter_map(row).collect();
    (!rows.is_empty()).then(|| Sheet {
        title: "What everyone cost".into(),
        head: ["", "training", "steps", "10,000 rows in", "parameters"].map(String::from).to_vec(),
        rows,
        numbers: true,
        note: "Training ends after an equal share of the budget, or at the method's default number of steps. Of fewer than 5,000 training rows the validation rows say when to stop. A training that takes much longer than its share is stopped, and the best of its steps counts.".into(),
    })
}

fn failed(tour: &Tour, left_out: bool, title: &str) -> Option<Sheet> {
    let rows: Vec<Vec<Cell>> = tour
        .kept
        .iter()
        .filter(|kept| kept.record.left_out == left_out)
        .filter_map(|kept| Some(vec![bare(kept.record.name.clone()), bare(kept.record.failure.clone()?)]))
        .collect();
    (!rows.is_empty()).then(|| Sheet {
        title: title.into(),
        head: ["", "why"].map(String::from).to_vec(),
        rows,
        numbers: false,
        note: String::new(),
    })
}
