//! What the page has beside a comparison's parts: likelihoods of fresh rows, and heat maps.

use std::path::Path;

use crate::comparison::report::{self, More, Runs};
use crate::comparison::{self, Comparison, GAUSSIAN};
use crate::densities::{self, Likelihood, TRUE_DENSITY};
use crate::workspace::{Prepared, write};
use pushforward::data::toy::Toy;
use pushforward::data::write_atomically;
use pushforward::report::grid::{DOTS, Ink, Line, Scatter, Shown, grid, window};
use pushforward::report::{Figure, Sheet, number};
use pushforward::words::{plain, table};
use pushforward::{Error, Result};

const TITLE: &str = "Learned densities";

pub(crate) fn prepare(assignments: &[String]) -> Result<Prepared> {
    report::prepare(&densities::SUBJECT, assignments, more)
}

fn more(runs: Runs) -> Result<More> {
    let Runs { gpu, out, found, .. } = runs;
    let likelihoods = densities::likelihoods(gpu, out, found)?;
    let [svg, csv] = ["heat.svg", "likelihoods.csv"].map(|name| out.join(name));
    let seed = found.seeds[0];
    let lines = lines(found, |method, toy| comparison::model(gpu, out, method, toy, seed))?;
    let heat = grid(&found.toys.iter().map(|toy| toy.name().to_string()).collect::<Vec<_>>(), &lines, TITLE)?;
    write(&svg, &heat)?;
    write_csv(&csv, &likelihoods)?;
    let figure = Figure::new(
        TITLE,
        "The density of the first seed's run (orange: the deeper the denser, by the square root of the density over its highest in the picture), over rows of the target (gray); above, the true density where it is known (blue). A column has the same axes. Above each picture: the probability mass within it.",
        heat,
    );
    Ok(More {
        headline: headline(found, &likelihoods),
        figures: vec![figure],
        sheets: vec![sheet(found, &likelihoods)],
        paths: vec![("heat", svg), ("nats", csv)],
        text: shown(found, &likelihoods),
        fields: serde_json::Map::from_iter([(
            "likelihoods".to_string(),
            serde_json::to_value(&likelihoods).map_err(|e| Error::data(e.to_string()))?,
        )]),
        interrupted: false,
    })
}

fn lines(found: &Comparison, model: impl Fn(&str, Toy) -> Result<Option<pushforward::model::Model>>) -> Result<Vec<Line>> {
    let words = |words: &str| Scatter { caption: String::new(), shown: Shown::Words(words.into()) };
    let clouds: Vec<Vec<f32>> = found.toys.iter().map(|toy| toy.sample(DOTS, found.seeds[0]).into_single()).collect();
    let map = |heat: Vec<f64>, cloud: &[f32]| {
        let side = window(cloud).1;
        let caption = format!("mass {}", plain(densities::mass(&heat, side), 2));
        Scatter { caption, shown: Shown::Heat { cloud: cloud.to_vec(), log_density: heat } }
    };
    let mut lines = vec![Line {
        name: "data".into(),
        ink: Ink::Data,
        pictures: clouds.iter().map(|cloud| Scatter { caption: String::new(), shown: Shown::Rows(cloud.clone()) }).collect(),
    }];
    let of_target = |(&toy, cloud): (&Toy, &Vec<f32>)| {
        let (corner, side) = window(cloud);
        densities::true_heat(toy, corner, side).map_or_else(|| words("no closed form"), |heat| map(heat, cloud))
    };
    lines.push(Line {
        name: TRUE_DENSITY.into(),
        ink: Ink::Data,
        pictures: found.toys.iter().zip(&clouds).map(of_target).collect(),
    });
    for method in &found.methods {
        let picture = |(&toy, cloud): (&Toy, &Vec<f32>)| {
            let Some(record) = found.first(method, toy) else { return Ok(words("not run")) };
            if record.failure.is_some() {
                return Ok(words("failed"));
            }
            let Some(model) = model(method, toy)? else { return Ok(words("its model is gone")) };
            let (corner, side) = window(cloud);
            Ok(match densities::heat(&model, corner, side) {
                Ok(Some(heat)) => map(heat, cloud),
                Ok(None) => words("no density"),
                Err(Error::Data(said)) => words(&said),
                Err(e) => return Err(e),
            })
        };
        let pictures = found.toys.iter().zip(&clouds).map(picture).collect::<Result<Vec<_>>>()?;
        lines.push(Line { name: method.clone(), ink: Ink::Samples, pictures });
    }
    Ok(lines)
}

/// Likelihoods of one line and column, a seed each.
fn of<'a>(all: &'a [Likelihood], method: &'a str, toy: Toy) -> impl Iterator<Item = &'a Likelihood> {
    all.iter().filter(move |l| l.method == method && l.target == toy.name())
}

fn mean(all: &[Likelihood], method: &str, toy: Toy) -> Option<f64> {
    let values: Vec<f64> = of(all, method, toy).map(|l| l.found.mean).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The names of the lines: the distribution, the baseline, the methods.
fn names(found: &Comparison) -> Vec<String> {
    [TRUE_DENSITY, GAUSSIAN].into_iter().map(String::from).chain(found.methods.iter().cloned()).collect()
}

/// Which method makes fresh rows most likely.
fn headline(found: &Comparison, all: &[Likelihood]) -> String {
    let score = |method: &str| {
        let each = found.toys.iter().map(|&toy| mean(all, method, toy)).collect::<Option<Vec<f64>>>()?;
        Some(each.iter().sum::<f64>() / each.len() as f64)
    };
    let best = found.methods.iter().filter_map(|method| Some((method, score(method)?))).max_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(String::new(), |(method, nats)| {
        format!(" Fresh rows are most likely under {method}: {} nats per row, on average over the targets.", plain(nats, 3))
    })
}

fn sheet(found: &Comparison, all: &[Likelihood]) -> Sheet {
    let row = |name: &String| {
        let cell = |&toy: &Toy| {
            let each: Vec<&Likelihood> = of(all, name, toy).collect();
            let Some(mean) = mean(all, name, toy) else { return ("–".to_string(), String::new()) };
            let below = match each.as_slice() {
                [one] => one.found.standard_error.map_or(String::new(), |e| format!("± {}", number(e, 2))),
                several => {
                    let ends = several.iter().map(|l| l.found.mean);
                    let (low, high) = (ends.clone().fold(f64::INFINITY, f64::min), ends.fold(f64::NEG_INFINITY, f64::max));
                    format!("{} to {}", plain(low, 3), plain(high, 3))
                }
            };
            (plain(mean, 3), below)
        };
        [(name.clone(), String::new())].into_iter().chain(found.toys.iter().map(cell)).collect()
    };
    Sheet {
        title: "Log-likelihood of fresh rows, in nats per row".into(),
        head: [String::new()].into_iter().chain(found.toys.iter().map(|toy| toy.name().to_string())).collect(),
        rows: names(found).iter().map(row).collect(),
        numbers: true,
        note: format!(
            "The mean log-density of {} rows that no run has seen, the same for all; higher is better, and none is above the true density but by chance. Below: its standard error, or the least and the most of several seeds.",
            number(found.settings.scored as f64, 12)
        ),
    }
}

fn shown(found: &Comparison, all: &[Likelihood]) -> String {
    let head = ["nats per row".to_string()].into_iter().chain(found.toys.iter().map(|toy| toy.name().to_string()));
    let mut rows: Vec<Vec<String>> = vec![head.collect()];
    for name in names(found) {
        let cells = found.toys.iter().map(|&toy| mean(all, &name, toy).map_or_else(|| "–".into(), |nats| plain(nats, 3)));
        rows.push([name.clone()].into_iter().chain(cells).collect());
    }
    table(&rows)
}

/// A row a model.
fn write_csv(path: &Path, all: &[Likelihood]) -> Result<()> {
    write_atomically(path, |file| {
        let mut file = csv::Writer::from_writer(file);
        file.write_record(["method", "target", "seed", "rows", "nats", "standard_error", "bits_per_dimension"])?;
        for Likelihood { method, target, seed, found } in all {
            file.write_record([
                method.clone(),
                target.clone(),
                seed.to_string(),
                found.rows.to_string(),
                found.mean.to_string(),
                found.standard_error.map_or(String::new(), |e| e.to_string()),
                found.bits_per_dimension.to_string(),
            ])?;
        }
        file.flush()
    })
}
