//! The paths as numbers and a picture.

use super::{Run, Saddle, Settings};
use crate::saddle;
use crate::workspace::{Made, Prepared, Workspace, json, read, write};
use pushforward::Result;
use pushforward::data::Table;
use pushforward::report::{Plot, number, panels};
use pushforward::words::duration;

pub(crate) fn prepare(assignments: &[String]) -> Result<Prepared> {
    let settings: Settings = read(assignments)?;
    Ok(Box::new(move |workspace| make(&settings, workspace)))
}

fn make(settings: &Settings, workspace: Workspace) -> Result<Made> {
    let Workspace { gpu, out, seed, progress, .. } = workspace;
    progress.message(&format!("playing the game of footnote 3 on {}", gpu.summary().name));
    let found = saddle::run(gpu, seed, settings)?;
    let [svg, csv, numbers] = ["saddle.svg", "saddle.csv", "saddle.json"].map(|name| out.join(name));
    write(&svg, &panels(&plots(&found), "A game that does not converge, and a mean formulation that does")?)?;
    table(&found)?.write(&csv)?;
    let line = json(&found)?;
    write(&numbers, &format!("{line}\n"))?;
    let mut text = String::new();
    for run in found.games.iter().chain(&found.fourier).chain(&found.energy) {
        text += &format!("{:<28}{}\n", run.name, said(run));
    }
    text += &format!(
        "D₂² is {} at its minimizers a = 0 and a = ½, and {} at its maximizer a = ¼ ({})\npicture  {}\ntable    {}\nnumbers  {}\n",
        number(found.least, 4),
        number(found.largest, 4),
        duration(found.seconds),
        svg.display(),
        csv.display(),
        numbers.display()
    );
    Ok(Made { text, json: line, interrupted: None })
}

fn said(run: &Run) -> String {
    match run.converged {
        Some(step) => {
            let gap = run.gap.filter(|gap| *gap > 1e-3);
            let better = gap.map_or(String::new(), |gap| format!("; another a would be better by {}", number(gap, 2)));
            format!("converges to a = {} after {} steps{better}", number(run.last, 3), number(step as f64, 6))
        }
        None if run.passes > 1 => {
            format!(
                "does not converge: in the second half a passes ¼ {} times and swings by {}",
                run.passes,
                number(run.swing, 3)
            )
        }
        None => format!("has not converged: a = {} at the last step", number(run.last, 3)),
    }
}

/// Every path, step by step: one column a run.
fn table(found: &Saddle) -> Result<Table> {
    let runs: Vec<&Run> = found.games.iter().chain(&found.fourier).chain(&found.energy).collect();
    let rows = runs.iter().map(|run| run.path.len()).min().unwrap_or(0);
    let names = std::iter::once("step".to_string()).chain(runs.iter().map(|run| run.name.clone()));
    let row = |i: usize| std::iter::once(i as f32).chain(runs.iter().map(move |run| run.path[i].1 as f32)).collect::<Vec<_>>();
    Table::new(names, (0..rows).flat_map(row).collect())
}

/// At most about 600 points of a path.
fn thin(path: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let every = path.len().div_ceil(600).max(1);
    path.iter().step_by(every).copied().collect()
}

fn plots(found: &Saddle) -> Vec<Plot> {
    let places: Vec<f64> = (0..=200).map(|i| f64::from(i) / 400.0).collect();
    let over = |f: &dyn Fn(f64) -> f64| places.iter().map(|&a| (a, f(a))).collect::<Vec<_>>();
    let of = |name: &str, runs: &[Run]| (name.to_string(), runs.iter().map(|run| thin(&run.path)).collect::<Vec<_>>());
    let step = || "step".to_string();
    let place = || "a".to_string();
    let order = |run: &Run| run.name.rsplit(' ').next().unwrap_or_default().to_string();
    let one = |name: String, run: &Run| (name, vec![thin(&run.path)]);
    let [steps, rest @ ..] = &found.games[..] else { unreachable!("six games are played") };
    let alternating = &rest[0];
    // The landscapes that f shows φ where it falls and rises most.
    let rise = |f: &[f64]| f.last().zip(f.first()).map_or(0.0, |(last, first)| last - first);
    let mut seen: Vec<&Vec<f64>> = steps.snapshots.iter().map(|(_, f)| f).collect();
    seen.sort_by(|p, q| rise(p).total_cmp(&rise(q)));
    let landscape =
        |name: &str, f: Option<&&Vec<f64>>| (name.to_string(), f.map(|f| over(&|a| saddle::value(f, a))).into_iter().collect());
    let rest_of = |run: &Run| {
        let f = run.snapshots.last().map(|(_, f)| f.clone()).unwrap_or_default();
        let last = (f.len().max(2) - 1) as f64;
        f.iter().enumerate().map(|(i, v)| (i as f64 / last, *v)).collect::<Vec<_>>()
    };
    let [network, network_too, table, table_too] = &rest[1..] else { unreachable!("six games are played") };
    let halves = Some([0.0, 0.5]);
    let plot = |title: &str, x: String, y: &str, range, families| Plot {
        title: title.into(),
        x,
        y: y.into(),
        range,
        families,
        ..Plot::default()
    };
    vec![
        plot(
            "Adversary between two steps: a over the steps",
            step(),
            "a",
            halves,
            vec![one(order(steps), steps), one(order(alternating), alternating)],
        ),
        plot(
            "Mean formulation: a over the steps",
            step(),
            "a",
            halves,
            vec![of("D₂, ten functions", &found.fourier), of("energy distance", &found.energy)],
        ),
        plot(
            "What f shows φ at its steepest",
            place(),
            "V(a, f)",
            None,
            vec![
                landscape("falling f", seen.first()),
                landscape("rising f", seen.last()),
                ("best f".to_string(), vec![over(&saddle::best_response)]),
            ],
        ),
        plot(
            "What the mean formulation shows φ",
            place(),
            "discrepancy",
            None,
            vec![("D₂², ten functions".into(), vec![over(&saddle::d2)]), ("energy distance".into(), vec![over(&saddle::energy)])],
        ),
        plot(
            "Network and table: a over the steps",
            step(),
            "a",
            halves,
            vec![
                ("network".into(), vec![thin(&network.path), thin(&network_too.path)]),
                ("table".into(), vec![thin(&table.path), thin(&table_too.path)]),
            ],
        ),
        plot(
            "Where network and table converge",
            "x".into(),
            "f(x)",
            Some([0.0, 1.0]),
            vec![("network".into(), vec![rest_of(network)]), ("table".into(), vec![rest_of(table)])],
        ),
    ]
}
