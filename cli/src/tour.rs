//! `tour`: every method on one table, and a page that says which is best.

use std::path::PathBuf;

use pushforward::Error;
use pushforward::data::{LoadOptions, Source, Table, outlier_warnings, write_atomically};
use pushforward::report::tour::{headline, line, no_skill, page, refit};
use pushforward::settings::Values;
use pushforward::tour::{self, Kept, Kind, Plan, Record, Sets, Tested, Tour, Verdict, root};
use pushforward::words::{count, duration, listed, number, plain, table as lined_up};

use super::arguments;
use super::console::{Console, print, print_object};
use super::progress::Watches;
use super::train::{TEST, command, fresh_rows, name_of, quote, stop_on_signals};
use super::typed::{self, Found, Which};

pub fn tour(args: &arguments::Tour, adapter: &str, console: Console) -> anyhow::Result<()> {
    let source: Source = args.data.parse()?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(format!("tour-{}", name_of(&source))));
    let training = Values::of_assignments(args.set.iter().map(String::as_str))?;
    let options = LoadOptions { weights: args.weights.clone(), header: None, skip_missing: true };
    let test_source: Option<Source> = args.test.as_deref().map(str::parse).transpose()?;
    let test_fraction = Plan::shared(&training)?.test_fraction;
    let mut sets = None;
    let mut encode = |table: Table, conditions: usize| {
        let (encoded, own) = Sets::encoded(&table, conditions, test_source.is_some(), test_fraction, args.seed)?;
        sets = Some(own);
        Ok(encoded)
    };
    let of_source = [&None, &test_source];
    let types = typed::options(&args.types, Some(&args.levels))?;
    let typed =
        typed::read(&source, &args.condition, of_source, (&options, &types), (args.seed, console, Which::Encoded), &mut encode)?;
    let (typed, numbers) = match typed {
        Found::Typed(typed) => (Some(typed), None),
        Found::Numbers(table) => (None, table.map(|table| *table)),
    };
    let (chosen, conditions) = match (&typed, args.condition.as_slice()) {
        (Some(typed), _) => (source.clone(), typed.encoded.conditions),
        (None, []) => (source.clone(), 0),
        (None, names) => source.with_given(names, args.weights.as_deref())?,
    };
    let (table, encoding) = match &typed {
        Some(typed) => (typed.encoded.table.clone(), typed.encoded.encoding.clone()),
        None => (numbers.map_or_else(|| chosen.load(args.seed, &options), Ok)?, None),
    };
    let test = match &args.test {
        Some(_) if typed.is_some() => typed.and_then(|typed| typed.test).map(|(_, rows)| rows),
        Some(test) => {
            let test: Source = test.parse()?;
            let columns = if conditions > 0 { chosen.columns.clone() } else { test.columns.clone() };
            let test = Source { origin: test.origin, columns };
            test.check_levels()?;
            Some(test.load(args.seed ^ TEST, &options)?)
        }
        None if training.keys().any(|key| key == "test_fraction") => None,
        None => fresh_rows(&chosen, &table, args.seed ^ TEST)?.map(|(_, rows)| rows),
    };
    let plan = Plan {
        table,
        encoding,
        sets,
        conditions,
        test,
        target: args.target.clone(),
        source,
        budget: args.budget.as_secs_f64(),
        methods: args.methods.clone(),
        training,
        seed: args.seed,
        out: out.clone(),
        command: command(&out, false),
    };
    // Before a device is opened, so that a mistake is reported at once.
    plan.check()?;
    console.notes([Some(&plan.table), plan.test.as_ref()].into_iter().flatten());
    if plan.encoding.is_none() {
        outlier_warnings(&plan.table).iter().for_each(|said| console.message(&format!("warning: {said}")));
    }
    let gpu = crate::device::open(adapter, console)?;
    console.message(&format!(
        "{} on {}: {}, {}, {} in all, on {}",
        count(plan.chosen()?.len(), "method"),
        plan.source,
        count(plan.table.rows(), "row"),
        count(plan.table.cols() - plan.conditions, "column"),
        duration(plan.budget),
        gpu.summary().name
    ));
    let stop = stop_on_signals()?;
    let mut watch = Watches::new(console);
    let report = out.join("report.html");
    let (mut first, mut known, mut spent) = (true, 0, false);
    let found = tour::run(&gpu, &plan, &mut watch, &stop, &mut |tour| {
        let page = page(&plan, tour, &gpu, commands(&plan, tour))?;
        write_atomically(&report, |file| page.write(file))?;
        let before = std::mem::replace(&mut known, tour.kept.len());
        match tour.kept.last().map(|kept| &kept.record).filter(|_| tour.kept.len() > before) {
            // One line for all that are left out, which the result names.
            Some(last) if last.left_out && std::mem::replace(&mut spent, true) => {}
            Some(last) if last.left_out => {
                console.message(&format!("  {} and those after it are left out: the time budget is spent", last.name));
            }
            Some(last) => console.message(&format!("  {}", line(tour, last))),
            None => {}
        }
        if std::mem::take(&mut first) {
            console.message(&format!("  {} shows what is finished", report.display()));
        }
        Ok(())
    });
    watch.clear();
    let found = found?;
    if args.json {
        print_object(&Printed::of(&plan, &found))?;
    } else {
        print(&shown(&plan, &found))?;
    }
    if found.interrupted {
        return Err(anyhow::Error::new(Error::Interrupted { step: 0 })
            .context(format!("the page shows what is finished; resume with `{}`", plan.command)));
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
    skill: Option<f64>,
}

impl<'a> Printed<'a> {
    fn of(plan: &Plan, tour: &'a Tour) -> Self {
        let candidate = |kept: &'a Kept| Candidate {
            root_energy: kept.record.scores.as_ref().map(|scores| root(&scores.energy).value),
            skill: tour.skill(&kept.record),
            record: &kept.record,
        };
        Self {
            data: plan.source.to_string(),
            training_rows: tour.scorer.sets.train.rows(),
            validation_rows: tour.scorer.sets.validation.rows(),
            test_rows: tour.scorer.sets.test.as_ref().map_or(0, Table::rows),
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

fn shown(plan: &Plan, tour: &Tour) -> String {
    let head = [
        "",
        "root energy",
        "skill",
        "p against nearest",
        "C2ST accuracy",
        "coverage",
        "nats per row",
        "training",
        "10,000 rows in",
    ];
    let predicted = |record: &Record| record.scores.as_ref().and_then(|scores| scores.efficacy.as_ref()?.scores.last().cloned());
    let score = tour.kept.iter().find_map(|kept| predicted(&kept.record));
    let of_target =
        |score: &str| format!("{} of {}", if score == "r2" { "R²" } else { "AUC" }, plan.target.as_deref().unwrap_or_default());
    let last = score.as_ref().map(|of| of_target(&of.score));
    let mut rows = vec![head.map(String::from).into_iter().chain(last).collect::<Vec<_>>()];
    for kept in tour.ranked() {
        let record = &kept.record;
        let Some(scores) = &record.scores else { continue };
        let p = tour.verdict.nearest.as_ref().and_then(|ranking| ranking.find(&record.name));
        let is_best = tour.verdict.nearest.as_ref().is_some_and(|ranking| ranking.best == record.name);
        rows.push(vec![
            record.name.clone(),
            plain(root(&scores.energy).value, 4),
            tour.skill(record).map_or_else(|| "–".into(), |c| plain(c, 2)),
            if is_best { "nearest".into() } else { p.map_or_else(|| "–".into(), |p| number(p.corrected_p_value, 2)) },
            scores.c2st.as_ref().map_or_else(|| "–".into(), |c2st| plain(c2st.value, 3)),
            plain(scores.coverage.value, 3),
            record.likelihood.as_ref().map_or_else(|| "–".into(), |l| plain(l.mean, 3)),
            if record.training_seconds > 0.0 { duration(record.training_seconds) } else { "–".into() },
            record.sampling_seconds.map_or_else(|| "–".into(), |s| format!("{} s", number(s, 2))),
        ]);
        if score.is_some() {
            let own = match record.kind {
                Kind::Rows => score.as_ref().map(|of| of.real.value),
                _ => predicted(record).map(|of| of.samples.value),
            };
            let own = own.map_or_else(|| "–".into(), |value| plain(value, 3));
            rows.last_mut().into_iter().for_each(|row| row.push(own.clone()));
        }
    }
    let without = |left_out: bool| tour.kept.iter().map(|kept| &kept.record).filter(move |record| record.left_out == left_out);
    let failed = without(false).filter_map(|record| Some(format!("failed   {}: {}\n", record.name, record.failure.as_ref()?)));
    let mut failed: String = failed.collect();
    for kind in [Kind::Baseline, Kind::Method] {
        let out = || without(true).filter(|record| record.kind == kind);
        let names: Vec<&str> = out().map(|record| record.name.as_str()).collect();
        if let Some(why) = out().find_map(|record| record.failure.as_ref()) {
            failed += &format!("left out {} ({why})\n", listed(&names));
        }
    }
    let not_run = if tour.left.is_empty() { String::new() } else { format!("not run  {}\n", tour.left.join(", ")) };
    let no_skill = no_skill(tour).map_or(String::new(), |why| format!("{why}\n"));
    let mut text = format!("{}{no_skill}\n{failed}{not_run}{}\n\n", lined_up(&rows), headline(tour));
    if let Some(best) = tour.best_method() {
        text += &format!("model    {} ({}{})\n", plan.out.join("model.safetensors").display(), best.name, refit(tour));
        text += &format!("report   {}\n", plan.out.join("report.html").display());
        text += &format!("next     {}\n", next(plan));
    }
    text
}

/// The commands that make the tour again, sample from its best, and train that method alone.
fn commands(plan: &Plan, tour: &Tour) -> Vec<String> {
    let mut commands = vec![plan.command.clone()];
    if let Some(best) = tour.best_method() {
        commands.push(next(plan));
        commands.push(format!("pushforward train {} --data {}", best.name, quote(&plan.source.to_string())));
    }
    commands
}

/// The command that samples from the best.
fn next(plan: &Plan) -> String {
    let asked = if plan.conditions > 0 { "--given rows.csv" } else { "-n 1000" };
    format!("pushforward sample {} {asked} --out samples.csv", quote(&plan.out.display().to_string()))
}
