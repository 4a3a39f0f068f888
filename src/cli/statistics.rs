//! `reproduce statistics`: the methods of the paper's §2 side by side, as a page.

use std::path::{Path, PathBuf};

use pushforward::Error;
use pushforward::data::toy::Toy;
use pushforward::data::write_atomically;
use pushforward::gpu::Gpu;
use pushforward::metrics::Score;
use pushforward::report::grid::{DOTS, Ink, Line, Scatter, Shown, grid};
use pushforward::report::{Figure, Page, Sheet, number};
use pushforward::reproduce::statistics::{
    self, Cell, Comparison, FRESH, GAUSSIAN, LEAST_CLOSED, LEAST_MODE, MOST_TOLD, Record, Standing,
};
use pushforward::train::{Progress, Status};

use super::arguments::Reproduce;
use super::console::{Console, print, table};
use super::progress::{Watch, duration};
use super::reproduce::{settings, write};
use super::train::{command, stop_on_signals};

pub fn statistics(args: &Reproduce, adapter: &str, console: Console) -> anyhow::Result<()> {
    let settings: statistics::Settings = settings(&args.set)?;
    // Before a device is opened, so that a mistake is told at once.
    settings.check()?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs/statistics"));
    let gpu = Gpu::open(adapter)?;
    std::fs::create_dir_all(&out).map_err(|e| Error::io("make the folder", &out, e))?;
    console.message(&format!(
        "comparing {} methods on {} targets, {} seeds, {} of training each, on {}",
        settings.entries()?.len(),
        settings.toys()?.len(),
        settings.seeds,
        duration(settings.seconds.into()),
        gpu.summary().name
    ));
    let stop = stop_on_signals()?;
    let mut watch = Watches { console, watch: None };
    let found = statistics::run(&gpu, &out, args.seed, &settings, &mut watch, &stop);
    watch.clear();
    let found = found?;
    let [csv, svg, html] = ["statistics.csv", "grid.svg", "report.html"].map(|name| out.join(name));
    write_csv(&csv, &found)?;
    let picture = picture(&gpu, &out, &found)?;
    write(&svg, &picture)?;
    write(&html, &page(&found, picture, &gpu, &command(&out, false)).html())?;
    if args.json {
        print(&serde_json::to_string(&found)?)?;
    } else {
        let paths = [("picture", &svg), ("table", &csv), ("report", &html)];
        let paths: String = paths.map(|(name, path)| format!("{name:<9}{}\n", path.display())).concat();
        print(&format!("{}\n{}{paths}", shown(&found), failed_text(&found)))?;
    }
    match found.interrupted {
        Some(step) => Err(anyhow::Error::new(Error::Interrupted { step })
            .context(format!("the page is written of what there is; go on with `{}`", command(&out, false)))),
        None => Ok(()),
    }
}

/// A bar or lines for one run after another: each begins with a message.
struct Watches {
    console: Console,
    watch: Option<Watch>,
}

impl Watches {
    fn clear(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.clear();
        }
    }
}

impl Progress for Watches {
    fn message(&mut self, text: &str) {
        self.clear();
        self.console.message(text);
    }

    fn update(&mut self, status: &Status) {
        self.watch.get_or_insert_with(|| Watch::new(self.console)).update(status);
    }
}

/// A row a run.
fn write_csv(path: &Path, found: &Comparison) -> Result<(), Error> {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let row = |record: &Record| {
        let of = |value: fn(&statistics::Scores) -> Option<f64>| number(record.scores.as_ref().and_then(value));
        let steps = (record.steps > 0).then_some(record.made as f64);
        let per_step = (record.made > 0 && record.failure.is_none()).then(|| 1000.0 * record.took / record.made as f64);
        let baseline = [GAUSSIAN, FRESH].contains(&record.method.as_str());
        let failed = if baseline { String::new() } else { found.failures(record).join("; ") };
        [
            record.method.clone(),
            record.target.clone(),
            record.seed.to_string(),
            number(found.closed(record)),
            of(|scores| Some(scores.root_energy)),
            of(|scores| Some(scores.sliced_w2)),
            of(|scores| Some(scores.told)),
            of(|scores| Some(scores.astray)),
            of(|scores| scores.least_mode),
            number(steps),
            number(per_step),
            number(steps.map(|_| record.took)),
            failed,
        ]
    };
    write_atomically(path, |file| {
        let mut file = csv::Writer::from_writer(file);
        file.write_record([
            "method",
            "target",
            "seed",
            "closed",
            "root_energy",
            "sliced_w2",
            "told",
            "astray",
            "least_mode",
            "steps",
            "step_ms",
            "seconds",
            "failed",
        ])?;
        found.records.iter().try_for_each(|record| file.write_record(row(record)))?;
        file.flush()
    })
}

/// The first seed's samples of every method on every target.
fn picture(gpu: &Gpu, out: &Path, found: &Comparison) -> Result<String, Error> {
    let (seed, rows) = (found.seeds[0], found.settings.rows);
    let line = |name: &str, ink: Ink, of: &dyn Fn(Toy) -> Result<Scatter, Error>| {
        let pictures = found.toys.iter().map(|&toy| of(toy)).collect::<Result<Vec<_>, Error>>()?;
        Ok::<Line, Error>(Line { name: name.into(), ink, pictures })
    };
    let scatter = |caption: String, rows: Vec<f32>| Scatter { caption, shown: Shown::Rows(rows) };
    let mut lines = vec![
        line("data", Ink::Data, &|toy| Ok(scatter(String::new(), toy.sample(DOTS, seed).into_values())))?,
        line(GAUSSIAN, Ink::Baseline, &|toy| {
            Ok(scatter(caption(found, GAUSSIAN, toy), statistics::gaussian(toy, seed, rows, DOTS)?))
        })?,
    ];
    for method in &found.methods {
        lines.push(line(method, Ink::Samples, &|toy| {
            let words = |words: &str| Scatter { caption: String::new(), shown: Shown::Words(words.into()) };
            if !statistics::applies(method, toy) {
                return Ok(words("no known score"));
            }
            let Some(record) = found.first(method, toy) else { return Ok(words("not run")) };
            if let Some(failure) = &record.failure {
                return Ok(Scatter { caption: "failed".into(), ..words(failure) });
            }
            match statistics::sample(gpu, out, method, toy, seed, DOTS) {
                Ok(rows) => Ok(scatter(caption(found, method, toy), rows)),
                // The scores are known, and the run's folder has been cleared away.
                Err(Error::Io { .. }) => Ok(Scatter { caption: caption(found, method, toy), ..words("its model is gone") }),
                Err(e) => Err(e),
            }
        })?);
    }
    let columns: Vec<String> = found.toys.iter().map(|toy| toy.name().to_string()).collect();
    grid(&columns, &lines, "Samples of every method on every target")
}

/// The share that the first seed's run closes.
fn caption(found: &Comparison, method: &str, toy: Toy) -> String {
    let closed = found.first(method, toy).and_then(|record| found.closed(record));
    closed.map_or(String::new(), |closed| format!("closed {}", plain(closed, 2)))
}

/// Fixed decimals, so that a column lines up, with a true minus.
fn plain(value: f64, decimals: usize) -> String {
    if value.abs() >= 1000.0 {
        return number(value, 3);
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(zero) if zero.chars().all(|c| c == '0' || c == '.') => zero.into(),
        Some(size) => format!("−{size}"),
        None => text,
    }
}

/// The scores of a standing with their names and decimals.
fn scores_of(standing: &Standing) -> [(&'static str, &Option<Score>, usize); 5] {
    [
        ("closed", &standing.closed, 2),
        ("sliced W₂", &standing.sliced_w2, 3),
        ("told", &standing.told, 3),
        ("astray", &standing.astray, 3),
        ("least mode", &standing.least_mode, 2),
    ]
}

/// What a cell without runs says.
fn absent(standing: &Standing) -> Option<&'static str> {
    match standing.cell {
        Cell::Made => None,
        Cell::NoKnownScore => Some("no known score"),
        Cell::NotRun => Some("not run"),
    }
}

fn page(found: &Comparison, picture: String, gpu: &Gpu, command: &str) -> Page {
    let settings = &found.settings;
    let runs = found.records.iter().filter(|record| found.methods.contains(&record.method));
    let (trained, longest) = runs.fold((0.0, 0.0f64), |(sum, most), run| (sum + run.took, most.max(run.took)));
    let range = match (found.seeds.first(), found.seeds.last()) {
        (Some(first), Some(last)) if first < last => format!("{first} to {last}"),
        (first, _) => first.map_or(String::new(), u64::to_string),
    };
    let facts = [
        ("budget of a run", format!("{} of training", duration(settings.seconds.into()))),
        ("seeds", range),
        ("rows to learn from", number(settings.rows as f64, 12)),
        ("rows compared", format!("{} a set, three sets", number(settings.scored as f64, 12))),
        ("training in all", format!("{}, the longest run {}", duration(trained), duration(longest))),
        ("adapter", gpu.summary().name.clone()),
    ];
    let tables = found.toys.iter().enumerate().map(|(i, &toy)| scores(found, toy, i == 0));
    Page {
        title: "Matching statistics: the methods of §2 side by side".into(),
        headline: headline(found),
        facts: facts.map(|(name, value)| (name.to_string(), value)).to_vec(),
        figures: vec![Figure::new(
            "Samples",
            format!(
                "{} rows of each, of the first seed's run; data in blue. All pictures of a column have the same axes. Closed is the share of \
                 the way from the fitted Gaussian to fresh data, by the run that is shown.",
                number(DOTS as f64, 12)
            ),
            picture,
        )],
        sheets: tables.chain([failures(found), made(found)]).collect(),
        settings: toml::Table::try_from(statistics::Settings {
            methods: found.methods.clone(),
            targets: found.toys.iter().map(|toy| toy.name().into()).collect(),
            ..settings.clone()
        })
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| (key, value.to_string()))
        .collect(),
        commands: vec![command.into()],
        footer: format!("pushforward {}", env!("CARGO_PKG_VERSION")),
        ..Page::default()
    }
}

/// How many pairs of method and target did well, and the best mean share.
fn headline(found: &Comparison) -> String {
    let made = || found.standings.iter().filter(|s| s.cell == Cell::Made && found.methods.contains(&s.method));
    let well = made().filter(|s| s.failures.is_empty()).count();
    // Of the methods that have learned every target.
    let mean = |method: &str| {
        let closed = found.toys.iter().map(|&toy| Some(found.standing(method, toy)?.closed.as_ref()?.value));
        Some(closed.collect::<Option<Vec<f64>>>()?.iter().sum::<f64>() / found.toys.len() as f64)
    };
    let means = found.methods.iter().filter_map(|method| Some((method, mean(method)?)));
    let best = means.max_by(|a, b| a.1.total_cmp(&b.1));
    let best = best.map_or(String::new(), |(method, closed)| {
        let closed = plain(closed, 2);
        format!(" {method} closes most: {closed} of the way from a fitted Gaussian to fresh data, on average over the targets.")
    });
    let early =
        if found.interrupted.is_some() { " The comparison was interrupted: what is missing reads “not run”." } else { "" };
    format!("{well} of {} pairs of method and target did well with every seed.{best}{early}", made().count())
}

/// The table of a target; the first one says how to read them all.
fn scores(found: &Comparison, toy: Toy, first: bool) -> Sheet {
    let modes = found.standings.iter().any(|s| s.target == toy.name() && s.least_mode.is_some());
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
            if modes || name != "least mode" {
                cells.push(cell);
            }
        }
        let each = standing.step_ms.map_or(String::new(), |ms| format!("{} ms each", number(ms, 3)));
        cells.push(standing.steps.map_or_else(dash, |steps| (number(steps.round(), 12), each)));
        cells.push(standing.seconds.map_or_else(dash, |seconds| (duration(seconds), String::new())));
        cells
    };
    let names = found.standings.first().map(scores_of).into_iter().flatten().map(|(name, ..)| name);
    let names = names.filter(|name| modes || *name != "least mode");
    let head = [""].into_iter().chain(names).chain(["steps", "a run"]).map(String::from).collect();
    let read = if first {
        " Means over seeds; in brackets Student's 95 % intervals, of the seeds alone. Closed: the share of the way from the fitted Gaussian (0) to fresh \
         data (1) in root energy distance. Told: how often a classifier tells samples from fresh rows; 0.5 is chance. Astray: the share of rows that lie where no fresh rows are."
    } else {
        ""
    };
    let least =
        if modes { " Least mode: the rows within three deviations of the mode that has fewest, over its due." } else { "" };
    let law = toy.description();
    Sheet {
        title: format!("Scores on {toy}"),
        head,
        rows: found.standings.iter().filter(|standing| standing.target == toy.name()).map(row).collect(),
        numbers: true,
        note: format!("{}{}.{read}{least}", law[..1].to_uppercase(), &law[1..]),
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
            "{none}A run failed if an error stopped it (in the error's words); if it closes less than {LEAST_CLOSED} of the way from the fitted Gaussian to fresh \
             data, in root energy distance or in rows astray; if a mode holds less than {LEAST_MODE} of its due (of targets that are mixtures); or if the \
             classifier is right in more than {MOST_TOLD} of cases."
        ),
    }
}

/// How it was made, which a reader needs to judge it.
fn made(found: &Comparison) -> Sheet {
    let settings = &found.settings;
    let changed = if settings.training.is_empty() { "" } else { " but for those of `training` below" };
    Sheet {
        title: "How it was made".into(),
        note: format!(
            "Every run had {} of training, with its method's default settings{changed}. A step of each method was timed on each target first, its shaders being \
             compiled, and the number of steps is what fits into the budget, or the method's default number where that is less: so the learning rate, \
             which falls to zero at the last step, falls within the budget. The warm-up is a tenth of the steps at most. “A run” is what the training really \
             took; where it is longer than the budget, the machine did other work too. Root energy distance (unbiased, cut at zero) is the mean over three \
             sets of {scored} sampled rows against three of fresh ones; sliced W₂ the mean over three pairs of sets. The classifier is a perceptron that learns \
             from half of all these rows and is judged by the other half; what it can see, the fitted Gaussian's row says. A row is astray if it lies in none \
             of the balls about {scored} fresh rows that reach their fifth neighbour. The fitted Gaussian and fresh data are scored in the same way, with other \
             rows for each seed.",
            duration(settings.seconds.into()),
            scored = number(settings.scored as f64, 12),
        ),
        ..Sheet::default()
    }
}

/// The scores on standard output.
fn shown(found: &Comparison) -> String {
    let mut rows = vec![
        ["target", "method", "closed", "sliced W₂", "told", "astray", "least mode", "steps", "a step", "a run"]
            .map(String::from)
            .to_vec(),
    ];
    for standing in &found.standings {
        let measure = |value: Option<f64>, say: &dyn Fn(f64) -> String| value.map_or_else(|| "–".into(), say);
        let mut row = vec![standing.target.clone(), standing.method.clone()];
        row.extend(
            scores_of(standing).map(|(_, score, decimals)| measure(score.as_ref().map(|s| s.value), &|v| plain(v, decimals))),
        );
        if let Some(absent) = absent(standing) {
            row[2] = absent.into();
        }
        row.push(measure(standing.steps, &|steps| number(steps.round(), 12)));
        row.push(measure(standing.step_ms, &|ms| format!("{} ms", number(ms, 3))));
        row.push(measure(standing.seconds, &duration));
        rows.push(row);
    }
    table(&rows)
}

fn failed_text(found: &Comparison) -> String {
    let all = found.standings.iter().flat_map(|s| s.failures.iter().map(move |failure| (s, failure)));
    let line = |(s, failure): (&Standing, &statistics::Failure)| {
        format!("failed   {} on {}, {} of {} runs: {}\n", s.method, s.target, failure.runs, failure.of, failure.how)
    };
    let text: String = all.map(line).collect();
    if text.is_empty() { text } else { text + "\n" }
}
