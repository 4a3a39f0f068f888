//! What the page has beside a comparison's parts: the trajectories of samples, and quality against evaluations.

use std::path::Path;

use crate::comparison::report::{self, More, Runs};
use crate::comparison::{self, Comparison};
use crate::flows::{self, Curve, EVALUATIONS, Reading, SOLVERS, Sweep, TRAJECTORIES, TRAJECTORY_STEPS};
use crate::workspace::{Prepared, write};
use pushforward::data::toy::Toy;
use pushforward::data::write_atomically;
use pushforward::report::grid::{DOTS, Ink, Line, Scatter, Shown, grid};
use pushforward::report::measured::{Measured, Point, Trace, measured};
use pushforward::report::{Figure, Sheet, number};
use pushforward::words::{plain, table};
use pushforward::{Error, Result};

/// Shares that the panels show: what one evaluation gives lies far below the fitted Gaussian.
const SHARES: [f64; 2] = [-0.25, 1.15];
/// How much less than with the most evaluations is as good as that.
const LESS: f64 = 0.05;
/// Evaluations that the headline speaks of.
const FEW: usize = 8;

pub(crate) fn prepare(assignments: &[String]) -> Result<Prepared> {
    report::prepare(&flows::SUBJECT, assignments, more)
}

fn more(runs: Runs) -> Result<More> {
    let Runs { gpu, out, found, watch, stop } = runs;
    let sweep = Sweep::run(gpu, out, found, watch, stop)?;
    let [trajectories_svg, sweep_svg, csv] = ["trajectories.svg", "sweep.svg", "sweep.csv"].map(|name| out.join(name));
    let seed = found.seeds[0];
    let trajectories = grid(
        &names(&found.toys),
        &trajectories(found, |method, toy| comparison::model(gpu, out, method, toy, seed))?,
        TRAJECTORIES_TITLE,
    )?;
    let quality = measured(&plot(found, &sweep), QUALITY_TITLE)?;
    write(&trajectories_svg, &trajectories)?;
    write(&sweep_svg, &quality)?;
    write_csv(&csv, found, &sweep)?;
    let trajectories = Figure::new(
        TRAJECTORIES_TITLE,
        format!(
            "{TRAJECTORIES} samples of the first seed's run, each from its start (gray) to its end (orange), over rows of the target (blue), by \
             Heun in {TRAJECTORY_STEPS} steps. A column has the same axes. Above each picture: the length of its trajectories over the distance between their ends."
        ),
        trajectories,
    );
    let caption = format!(
        "Skill of the first seed's run (0: the fitted Gaussian; 1: fresh data) by the number of function evaluations of its network \
         for a sample. Heun evaluates it twice a step. Bars reach one standard error up and down, of the mean over three sets of {} rows whose latents are the same \
         for every point of a method: their errors are correlated along a line. Lines leave the panel where a solver is far worse than the fitted Gaussian.",
        number(found.settings.scored as f64, 12)
    );
    let quality = Figure::new(QUALITY_TITLE, caption, quality);
    Ok(More {
        headline: headline(found, &sweep),
        figures: vec![trajectories, quality],
        sheets: vec![fewest(found, &sweep)],
        paths: vec![("trajectories", trajectories_svg), ("quality", sweep_svg), ("readings", csv)],
        text: shown(&sweep),
        fields: serde_json::Map::from_iter([(
            "sweep".to_string(),
            serde_json::to_value(&sweep.curves).map_err(|e| Error::data(e.to_string()))?,
        )]),
        interrupted: sweep.interrupted,
    })
}

const TRAJECTORIES_TITLE: &str = "Trajectories from noise to data";
const QUALITY_TITLE: &str = "Skill against function evaluations";

fn names(toys: &[Toy]) -> Vec<String> {
    toys.iter().map(|toy| toy.name().to_string()).collect()
}

/// A solver as a reader knows it.
fn title(solver: &str) -> String {
    solver[..1].to_uppercase() + &solver[1..]
}

/// The trajectories of each method to each target.
fn trajectories(found: &Comparison, model: impl Fn(&str, Toy) -> Result<Option<pushforward::model::Model>>) -> Result<Vec<Line>> {
    let picture = |method: &str, toy: Toy| {
        let words = |words: &str| Scatter { caption: String::new(), shown: Shown::Words(words.into()) };
        let Some(record) = found.first(method, toy) else { return Ok(words("not run")) };
        if record.failure.is_some() {
            return Ok(words("failed"));
        }
        let Some(model) = model(method, toy)? else { return Ok(words("its model is gone")) };
        let (cloud, trajectories) = (toy.sample(DOTS, found.seeds[0]).into_single(), flows::trajectories(model)?);
        Ok(Scatter {
            caption: format!("{} × the straight line", plain(flows::detour(&trajectories), 2)),
            shown: Shown::Trajectories { cloud, trajectories },
        })
    };
    let line = |method: &String| {
        let pictures = found.toys.iter().map(|&toy| picture(method, toy)).collect::<Result<Vec<_>>>()?;
        Ok(Line { name: method.clone(), ink: Ink::Samples, pictures })
    };
    found.methods.iter().map(line).collect()
}

fn plot(found: &Comparison, sweep: &Sweep) -> Measured {
    let points = |curve: &Curve| {
        let point = |reading: &Reading| {
            let skill = reading.skill.as_ref()?;
            let bar = skill.standard_error.map(|error| [skill.value - error, skill.value + error]);
            Some(Point { x: reading.evaluations as f64, y: skill.value, bar })
        };
        curve.readings.iter().filter_map(point).collect::<Vec<_>>()
    };
    let panel = |&toy: &Toy| {
        let all = found.methods.iter().enumerate().flat_map(|(name, method)| {
            SOLVERS.into_iter().enumerate().filter_map(move |(kind, solver)| {
                sweep.curve(method, toy, solver).map(|curve| Trace { name, kind, points: points(curve) })
            })
        });
        (toy.name().to_string(), all.collect())
    };
    Measured {
        x: "function evaluations (NFE)".into(),
        y: "skill".into(),
        values: EVALUATIONS.map(|n| n as f64).to_vec(),
        range: SHARES,
        names: found.methods.clone(),
        kinds: SOLVERS.map(|solver| title(&solver.name())),
        panels: found.toys.iter().map(panel).collect(),
    }
}

/// A row a reading.
fn write_csv(path: &Path, found: &Comparison, sweep: &Sweep) -> Result<()> {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    write_atomically(path, |file| {
        let mut file = csv::Writer::from_writer(file);
        file.write_record([
            "method",
            "target",
            "seed",
            "solver",
            "evaluations",
            "steps",
            "skill",
            "standard_error",
            "low",
            "high",
            "failed",
        ])?;
        for curve in &sweep.curves {
            for reading in &curve.readings {
                let interval = reading.skill.as_ref().and_then(|skill| skill.interval);
                file.write_record([
                    curve.method.clone(),
                    curve.target.clone(),
                    found.seeds[0].to_string(),
                    curve.solver.clone(),
                    reading.evaluations.to_string(),
                    reading.steps.to_string(),
                    number(reading.skill.as_ref().map(|skill| skill.value)),
                    number(reading.skill.as_ref().and_then(|skill| skill.standard_error)),
                    number(interval.map(|ends| ends[0])),
                    number(interval.map(|ends| ends[1])),
                    reading.failure.clone().unwrap_or_default(),
                ])?;
            }
        }
        file.flush()
    })
}

/// Which method and solver do most with few evaluations.
fn headline(found: &Comparison, sweep: &Sweep) -> String {
    let early = if sweep.interrupted { " Not all evaluations were read." } else { "" };
    let skill = |method: &str, toy: Toy, solver| {
        let curve = sweep.curve(method, toy, solver)?;
        Some(curve.readings.iter().find(|reading| reading.evaluations == FEW)?.skill.as_ref()?.value)
    };
    let mean = |method: &str, solver| {
        let each = found.toys.iter().map(|&toy| skill(method, toy, solver)).collect::<Option<Vec<f64>>>()?;
        Some(each.iter().sum::<f64>() / each.len() as f64)
    };
    let all = found.methods.iter().flat_map(|method| SOLVERS.map(|solver| (method, solver)));
    let best = all.filter_map(|(method, solver)| Some((method, solver, mean(method, solver)?)));
    let best = best.max_by(|a, b| a.2.total_cmp(&b.2)).map_or(String::new(), |(method, solver, skill)| {
        format!(
            " With {FEW} function evaluations per sample, {method} by {} has the highest skill: {}.",
            title(&solver.name()),
            plain(skill, 2)
        )
    });
    best + early
}

/// How many evaluations are enough.
fn fewest(found: &Comparison, sweep: &Sweep) -> Sheet {
    let row = |(method, solver): (&String, pushforward::flow::Solver)| {
        let cell = |&toy: &Toy| {
            let fewest = sweep.curve(method, toy, solver).and_then(|curve| curve.fewest(LESS));
            fewest.map_or_else(
                || ("–".to_string(), String::new()),
                |(evaluations, skill)| (number(evaluations as f64, 12), format!("skill {}", plain(skill, 2))),
            )
        };
        let name = (format!("{method}, {}", title(&solver.name())), String::new());
        [name].into_iter().chain(found.toys.iter().map(cell)).collect()
    };
    let all = found.methods.iter().flat_map(|method| SOLVERS.map(|solver| (method, solver)));
    Sheet {
        title: "How many evaluations are enough".into(),
        head: [String::new()].into_iter().chain(names(&found.toys)).collect(),
        rows: all.map(row).collect(),
        numbers: true,
        note: format!(
            "The fewest function evaluations per sample from which on the skill of the first seed's run is at most {LESS} below that with the most, and the skill \
             there."
        ),
    }
}

/// The readings on standard output.
fn shown(sweep: &Sweep) -> String {
    let head = ["target", "method", "solver"].into_iter().map(String::from);
    let mut rows: Vec<Vec<String>> = vec![head.chain(EVALUATIONS.map(|n| format!("NFE {n}"))).collect()];
    for curve in &sweep.curves {
        let cell = |evaluations: usize| {
            let skill = curve.readings.iter().find(|r| r.evaluations == evaluations).and_then(|r| r.skill.as_ref());
            skill.map_or_else(|| "–".into(), |skill| plain(skill.value, 2))
        };
        let names = [curve.target.clone(), curve.method.clone(), curve.solver.clone()];
        rows.push(names.into_iter().chain(EVALUATIONS.map(cell)).collect());
    }
    table(&rows)
}
