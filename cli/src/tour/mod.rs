//! `tour`: every method on one table, and a page that says which is best.

mod page;

use std::path::PathBuf;

use pushforward::baselines;
use pushforward::data::{LoadOptions, Source, Table, outlier_warnings, write_atomically};
use pushforward::report::number;
use pushforward::settings::parse_assignment;
use pushforward::tour::{self, Kept, Kind, Plan, ROWS, Record, Tested, Tour, Verdict, root};
use pushforward::words::count;
use pushforward::{Error, Result};

use super::arguments;
use super::comparison::{Watches, plain};
use super::console::{Console, print, table};
use super::progress::duration;
use super::train::{TEST, command, fresh_rows, name_of, quote, stop_on_signals};

pub fn tour(args: &arguments::Tour, adapter: &str, console: Console) -> anyhow::Result<()> {
    let source: Source = args.data.parse()?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(format!("tour-{}", name_of(&source))));
    let training = args.set.iter().map(|text| parse_assignment(text)).collect::<Result<toml::Table>>()?;
    let options = LoadOptions { weights: args.weights.clone(), header: None, skip_missing: true };
    let (chosen, conditions) = match args.condition.as_slice() {
        [] => (source.clone(), 0),
        names => source.with_given(names, args.weights.as_deref())?,
    };
    let table = chosen.load(args.seed, &options)?;
    let test = match &args.test {
        Some(test) => {
            let test: Source = test.parse()?;
            let columns = if conditions > 0 { chosen.columns.clone() } else { test.columns.clone() };
            let test = Source { origin: test.origin, columns };
            test.check_levels()?;
            Some(test.load(args.seed ^ TEST, &options)?)
        }
        None if training.contains_key("test_fraction") => None,
        None => fresh_rows(&chosen, &table, args.seed ^ TEST)?.map(|(_, rows)| rows),
    };
    let plan = Plan {
        table,
        conditions,
        test,
        source,
        budget: args.budget.as_secs_f64(),
        methods: args.methods.clone(),
        training,
        seed: args.seed,
        out: out.clone(),
        command: command(&out, false),
    };
    // Before a device is opened, so that a mistake is told at once.
    plan.check()?;
    console.notes([Some(&plan.table), plan.test.as_ref()].into_iter().flatten());
    outlier_warnings(&plan.table).iter().for_each(|said| console.message(&format!("warning: {said}")));
    let gpu = crate::device::open(adapter, console)?;
    console.message(&format!(
        "{} on {}: {}, {}, {} in all, on {}",
        count(plan.entries()?.len(), "method"),
        plan.source,
        count(plan.table.rows(), "row"),
        count(plan.table.cols() - plan.conditions, "column"),
        duration(plan.budget),
        gpu.summary().name
    ));
    let stop = stop_on_signals()?;
    let mut watch = Watches::new(console);
    let report = out.join("report.html");
    let (mut first, mut told) = (true, 0);
    let found = tour::run(&gpu, &plan, &mut watch, &stop, &mut |tour| {
        let page = page::page(&plan, tour, &gpu)?;
        write_atomically(&report, |file| page.write(file))?;
        let known = std::mem::replace(&mut told, tour.kept.len());
        if let Some(last) = tour.kept.last().filter(|_| tour.kept.len() > known) {
            console.message(&format!("  {}", line(tour, &last.record)));
        }
        if std::mem::take(&mut first) {
            console.message(&format!("  {} has what there is so far", report.display()));
        }
        Ok(())
    });
    watch.clear();
    let found = found?;
    if args.json {
        print(&serde_json::to_string(&Printed::of(&plan, &found))?)?;
    } else {
        print(&shown(&plan, &found))?;
    }
    if found.interrupted {
        return Err(anyhow::Error::new(Error::Interrupted { step: 0 })
            .context(format!("the page is written of what there is; go on with `{}`", plan.command)));
    }
    Ok(())
}

/// What `--json` prints.
#[derive(serde::Serialize)]
struct Printed<'a> {
    data: String,
    training_rows: usize,
    validation_rows: usize,
    test_rows: usize,
    budget: f64,
    elapsed: f64,
    candidates: Vec<Candidate<'a>>,
    /// On validation rows, which chose the winner.
    verdict: &'a Verdict,
    /// The winner on test rows.
    test: Option<&'a Tested>,
    /// The rows that the model in the tour's folder was trained on again.
    refit_rows: Option<usize>,
    /// The method whose model is in the tour's folder.
    best_method: Option<&'a str>,
    not_run: &'a [&'static str],
    headline: String,
    model: Option<PathBuf>,
    report: PathBuf,
}

#[derive(serde::Serialize)]
struct Candidate<'a> {
    #[serde(flatten)]
    record: &'a Record,
    root_energy: Option<f64>,
    closed: Option<f64>,
}

impl<'a> Printed<'a> {
    fn of(plan: &Plan, tour: &'a Tour) -> Self {
        let candidate = |kept: &'a Kept| Candidate {
            root_energy: kept.record.scores.as_ref().map(|scores| root(&scores.energy).value),
            closed: tour.closed(&kept.record),
            record: &kept.record,
        };
        Self {
            data: plan.source.to_string(),
            training_rows: tour.judge.sets.train.rows(),
            validation_rows: tour.judge.sets.validation.rows(),
            test_rows: tour.judge.sets.test.as_ref().map_or(0, Table::rows),
            budget: plan.budget,
            elapsed: tour.elapsed,
            candidates: tour.ranked().into_iter().map(candidate).collect(),
            verdict: &tour.verdict,
            test: tour.tested.as_ref(),
            refit_rows: tour.refit,
            best_method: tour.best_method().map(|best| best.name.as_str()),
            not_run: &tour.left,
            headline: headline(tour),
            model: tour.best_method().map(|_| plan.out.join("model.safetensors")),
            report: plan.out.join("report.html"),
        }
    }
}

/// One candidate in a line.
fn line(tour: &Tour, record: &Record) -> String {
    let Some(scores) = &record.scores else {
        return format!("{}: {}", record.name, record.failure.as_deref().unwrap_or("no scores"));
    };
    let closed = tour.closed(record).map_or(String::new(), |closed| {
        format!(", {} of the way from the fitted Gaussian to the training rows", plain(closed, 2))
    });
    let told = scores.c2st.as_ref().map_or(String::new(), |told| format!(", told {}", plain(told.value, 2)));
    format!(
        "{}: root energy distance {}{closed}{told}; {}",
        record.name,
        plain(root(&scores.energy).value, 4),
        duration(record.training)
    )
}

/// Names in a sentence.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).into(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Names in a sentence of a verdict: the first ones, and how many more there are.
fn few(names: &[&str]) -> String {
    match names.len() {
        0..=4 => listed(names),
        all => format!("{} and {} more", names[..3].join(", "), all - 3),
    }
}

fn probability(p: f64) -> String {
    if p < 0.001 { "p < 0.001".into() } else { format!("p = {}", number(p, 2)) }
}

/// What the winner scores on test rows, and how validation rows chose it.
pub fn headline(tour: &Tour) -> String {
    let ranked = ranked(tour);
    match tour.tested.as_ref().and_then(tested) {
        Some(tested) => format!("{tested} {ranked}"),
        None if tour.judge.sets.test.is_some() => ranked,
        None => format!("{ranked} There are no test rows: these rows also chose the steps and the winner."),
    }
}

/// The winner on rows that chose nothing.
fn tested(tested: &Tested) -> Option<String> {
    let of = |name: &str| {
        let found = &tested.scores.iter().find(|(of, _)| of == name)?.1;
        Some(match root(&found.energy).value {
            0.0 => "too little to measure".into(),
            value => plain(value, 3),
        })
    };
    let winner = &tested.scores.iter().find(|(name, _)| *name == tested.winner)?.1;
    let others = [(baselines::GAUSSIAN, "a fitted Gaussian"), (ROWS, "training rows")];
    let others: Vec<String> = others.iter().filter_map(|(name, said)| Some(format!("{} for {said}", of(name)?))).collect();
    let accuracy = winner.c2st.as_ref().map_or(String::new(), |c2st| {
        format!(" A classifier is right about {} % of rows, real or sampled (50 % is chance).", number(100.0 * c2st.value, 3))
    });
    let nats = match (&tested.likelihood, &tested.no_likelihood) {
        (Some(found), _) => format!(" Their log-likelihood is {} nats a row.", plain(found.mean, 3)),
        (None, Some(why)) => format!(" They have no log-likelihood: {why}."),
        (None, None) => String::new(),
    };
    Some(format!(
        "The winner is {}. On {} test rows, which chose nothing, its root energy distance is {}, beside {}.{accuracy}{nats}",
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
        let closed = tour
            .closed(record)
            .map_or(String::new(), |c| format!(", {} of the way from a fitted Gaussian to the training rows", plain(c, 2)));
        format!("root energy distance {}{closed}", plain(root, 3))
    };
    let article = if best.record.kind == Kind::Baseline { "The " } else { "" };
    let mut text = format!("{article}{} is nearest to validation rows: {}", best.record.name, said(&best.record));
    let level: Vec<&str> = ranking.level().collect();
    text += &match level.as_slice() {
        [] => ". Every other is farther (tested by relabelling).".to_string(),
        level => format!(". Not told from it by relabelling: {}.", few(level)),
    };
    match best.record.kind {
        Kind::Baseline => match tour.best_method() {
            Some(method) => {
                let p = ranking.find(&method.name).map_or(String::new(), |other| format!(" ({})", probability(other.corrected)));
                text += &format!(" Of the methods {} is nearest: {}{p}.", method.name, said(method));
            }
            None => text += " No method has been scored.",
        },
        _ => {
            let nearest = tour.ranked().into_iter().find(|kept| kind(&kept.record.name) == Some(Kind::Baseline));
            if let Some(baseline) = nearest.filter(|kept| kept.record.scores.is_some()) {
                let p = ranking
                    .find(&baseline.record.name)
                    .map_or(String::new(), |other| format!(", {}", probability(other.corrected)));
                let root = baseline.record.scores.as_ref().map(|scores| root(&scores.energy).value).unwrap_or_default();
                text += &format!(" The nearest baseline is the {} ({}{p}).", baseline.record.name, plain(root, 3));
            }
        }
    }
    if let Some(likeliest) = &tour.verdict.likeliest
        && let Some(likelihood) = tour.find(&likeliest.best).and_then(|kept| kept.record.likelihood.as_ref())
    {
        let level: Vec<&str> = likeliest.level().collect();
        let level = if level.is_empty() { String::new() } else { format!(", not told from {}", few(&level)) };
        let article = if kind(&likeliest.best) == Some(Kind::Baseline) { "the " } else { "" };
        text += &format!(
            " Validation rows are likeliest under {article}{}: {} nats a row{level}.",
            likeliest.best,
            plain(likelihood.mean, 3)
        );
    }
    text
}

fn shown(plan: &Plan, tour: &Tour) -> String {
    let head = ["", "root energy", "closed", "p", "told", "coverage", "nats", "training", "10,000 rows in"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for kept in tour.ranked() {
        let record = &kept.record;
        let Some(scores) = &record.scores else { continue };
        let p = tour.verdict.nearest.as_ref().and_then(|ranking| ranking.find(&record.name));
        let is_best = tour.verdict.nearest.as_ref().is_some_and(|ranking| ranking.best == record.name);
        rows.push(vec![
            record.name.clone(),
            plain(root(&scores.energy).value, 4),
            tour.closed(record).map_or_else(|| "–".into(), |c| plain(c, 2)),
            if is_best { "nearest".into() } else { p.map_or_else(|| "–".into(), |p| number(p.corrected, 2)) },
            scores.c2st.as_ref().map_or_else(|| "–".into(), |told| plain(told.value, 3)),
            plain(scores.coverage.value, 3),
            record.likelihood.as_ref().map_or_else(|| "–".into(), |l| plain(l.mean, 3)),
            if record.training > 0.0 { duration(record.training) } else { "–".into() },
            record.sampling.map_or_else(|| "–".into(), |s| format!("{} s", number(s, 2))),
        ]);
    }
    let without = |left_out: bool| tour.kept.iter().map(|kept| &kept.record).filter(move |record| record.left_out == left_out);
    let failed = without(false).filter_map(|record| Some(format!("failed   {}: {}\n", record.name, record.failure.as_ref()?)));
    let mut failed: String = failed.collect();
    if let Some(why) = without(true).find_map(|record| record.failure.as_ref()) {
        let names: Vec<&str> = without(true).map(|record| record.name.as_str()).collect();
        failed += &format!("left out {} ({why})\n", listed(&names));
    }
    let not_run = if tour.left.is_empty() { String::new() } else { format!("not run  {}\n", tour.left.join(", ")) };
    let mut text = format!("{}\n{failed}{not_run}{}\n\n", table(&rows), headline(tour));
    if let Some(best) = tour.best_method() {
        text += &format!("model    {} ({}{})\n", plan.out.join("model.safetensors").display(), best.name, refit(tour));
        text += &format!("report   {}\n", plan.out.join("report.html").display());
        text += &format!("next     {}\n", next(plan));
    }
    text
}

/// What the saved model was trained on in the end; scores are not of it.
pub fn refit(tour: &Tour) -> String {
    tour.refit.map_or(String::new(), |rows| {
        format!(", trained again on all {} rows, for as many steps; scores are of the model before", number(rows as f64, 12))
    })
}

/// The command that samples from the best.
pub fn next(plan: &Plan) -> String {
    let asked = if plan.conditions > 0 { "--given rows.csv" } else { "-n 1000" };
    format!("pushforward sample {} {asked} --out samples.csv", quote(&plan.out.display().to_string()))
}
