//! The rates as text, a picture and a page.

use super::fit::Moment;
use super::{Found, MOST_ERRORS, NODES, Rate, Settings, Target, run};
use crate::workspace::{Made, Prepared, Workspace, json, read, write};
use pushforward::Result;
use pushforward::data::write_atomically;
use pushforward::flow::Energy;
use pushforward::gpu::Gpu;
use pushforward::report::{Figure, Page, Plot, Sheet, number, panels};
use pushforward::settings::Settings as _;
use pushforward::words::{duration, table};
use std::path::Path;

/// Decays are drawn down to this share of their start.
const LEAST: f64 = 3e-3;
/// And D₂², which falls twice as fast, down to this.
const FALLEN: f64 = 1e-4;

pub(crate) fn prepare(assignments: &[String]) -> Result<Prepared> {
    let settings: Settings = read(assignments)?;
    Ok(Box::new(move |workspace| make(&settings, workspace)))
}

fn make(settings: &Settings, workspace: Workspace) -> Result<Made> {
    let Workspace { gpu, out, seed, command, progress, .. } = workspace;
    progress.message(&format!(
        "following {} particles to the Gaussian and to the distribution of the energy {} on {}",
        number(settings.particles as f64, 12),
        settings.energy.name(),
        gpu.summary().name
    ));
    let found = run(gpu, seed, settings)?;
    let [svg, csv, html] = ["spectrum.svg", "spectrum.csv", "report.html"].map(|name| out.join(name));
    let picture = panels(&plots(&found), "Eigenfunctions decay each at its own rate")?;
    write(&svg, &picture)?;
    write_csv(&csv, &found)?;
    write(&html, &page(&found, settings, picture, gpu, command).html())?;
    let paths = [("picture", &svg), ("table", &csv), ("report", &html)];
    let paths: String = paths.map(|(name, path)| format!("{name:<9}{}\n", path.display())).concat();
    let text = format!("{}\n{} ({})\n{paths}", rates(&found), verdict(&found), duration(found.seconds));
    Ok(Made { text, json: json(&found)?, interrupted: None })
}

fn name(target: &Target, i: usize) -> String {
    // The Gaussian's functions are known by name.
    if target.energy == Energy::Quadratic { format!("He{}", subscript(i)) } else { format!("f{}", subscript(i)) }
}

fn subscript(i: usize) -> char {
    char::from_u32('₀' as u32 + i as u32).unwrap_or('·')
}

/// A number to two digits of its error.
fn to_error(value: f64, error: f64) -> String {
    let decimals = (1.0 - error.log10().floor()).clamp(0.0, 8.0) as usize;
    format!("{value:.decimals$}").replace('-', "−")
}

/// Signed, with `decimals` decimals.
fn signed(value: f64, decimals: usize) -> String {
    format!("{value:+.decimals$}").replace('-', "−")
}

fn cells(rate: &Rate) -> [String; 4] {
    [
        number(rate.exact, 6),
        format!("{} ± {}", to_error(rate.fitted, rate.standard_error), to_error(rate.standard_error, rate.standard_error)),
        signed(rate.departure, 2),
        number(rate.step_bias, 2),
    ]
}

/// The rates on standard output.
fn rates(found: &Found) -> String {
    let mut rows = vec![["target", "", "λ", "fitted", "apart", "by the step", "p"].map(String::from).to_vec()];
    for target in &found.targets {
        for rate in &target.rates {
            let mut row = vec![target.energy.name().to_string(), name(target, rate.function)];
            row.extend(cells(rate));
            row.push(number(rate.p_value, 2));
            rows.push(row);
        }
    }
    table(&rows)
}

fn verdict(found: &Found) -> String {
    let all: Vec<&Rate> = found.targets.iter().flat_map(|target| &target.rates).collect();
    let departed: Vec<String> = found
        .departed()
        .map(|(target, rate)| {
            format!("λ{} of {} by {}", subscript(rate.function), target.energy.name(), signed(rate.departure, 1))
        })
        .collect();
    if departed.is_empty() {
        let largest = all.iter().map(|rate| rate.departure.abs()).fold(0.0, f64::max);
        return format!(
            "All {} rates agree with the eigenvalues within {MOST_ERRORS} standard errors; the farthest is {largest:.1} away.",
            all.len()
        );
    }
    format!(
        "{} of {} rates are more than {MOST_ERRORS} standard errors from their eigenvalues: {}.",
        departed.len(),
        all.len(),
        departed.join(", ")
    )
}

/// A row a mean.
fn write_csv(path: &Path, found: &Found) -> Result<()> {
    write_atomically(path, |file| {
        let mut file = csv::Writer::from_writer(file);
        file.write_record(["target", "function", "time", "mean", "standard_error", "exact"])?;
        for target in &found.targets {
            for (i, decay) in (1..).zip(&target.decays) {
                for moment in &decay.moments {
                    let numbers = [moment.time, moment.mean, found.error(moment), target.exact(i, moment.time)];
                    let numbers = numbers.map(|v| v.to_string());
                    file.write_record(
                        [target.energy.name(), &i.to_string()].into_iter().chain(numbers.iter().map(String::as_str)),
                    )?;
                }
            }
        }
        file.flush()
    })
}

fn plots(found: &Found) -> Vec<Plot> {
    let mut plots: Vec<Plot> = found.targets.iter().map(|target| decays(found, target)).collect();
    plots.extend(found.targets.get(1).map(functions));
    plots.push(discrepancies(found));
    plots
}

/// Each function's share of its start over time, as long as it is to be seen: lines e^{−λt}, dots as measured.
fn decays(found: &Found, target: &Target) -> Plot {
    let last = target.step * target.steps as f64;
    // Somewhat longer than all but the slowest last.
    let end = target.rates.get(1).map_or(last, |rate| (-1.25 * LEAST.ln() / rate.exact).min(last));
    let until = |rate: &Rate| (-LEAST.ln() / rate.exact).min(end);
    let line = |rate: &Rate| vec![vec![(0.0, 1.0), (until(rate), (-rate.exact * until(rate)).exp())]];
    let marks = |rate: &Rate| {
        let decay = &target.decays[rate.function - 1];
        let mark = |moment: &Moment| [moment.time, moment.mean / decay.start, found.error(moment) / decay.start.abs()];
        decay.moments.iter().map(mark).filter(|[time, ..]| *time <= until(rate)).collect()
    };
    Plot {
        title: format!("{}: ⟨f|ρₜ⟩/⟨f|ρ₀⟩ over time", title(target)),
        x: "t".into(),
        y: "share of the start".into(),
        range: Some([LEAST, 1.2]),
        log: true,
        families: target.rates.iter().map(|rate| (format!("f{}", subscript(rate.function)), line(rate))).collect(),
        marks: target.rates.iter().map(marks).collect(),
    }
}

fn title(target: &Target) -> String {
    let name = target.energy.name().replace('-', " ");
    if target.energy == Energy::Quadratic { "Gaussian".into() } else { name[..1].to_uppercase() + &name[1..] }
}

/// The solver's eigenfunctions where μ has its mass.
fn functions(target: &Target) -> Plot {
    let spectrum = &target.spectrum;
    let most = spectrum.mass.iter().copied().fold(0.0, f64::max);
    let inside: Vec<usize> = (0..spectrum.nodes.len()).filter(|&k| spectrum.mass[k] > 1e-3 * most).collect();
    let curve = |values: &dyn Fn(usize) -> f64| vec![inside.iter().map(|&k| (spectrum.nodes[k], values(k))).collect()];
    let family = |rate: &Rate| (name(target, rate.function), curve(&|k| spectrum.functions[rate.function][k]));
    Plot {
        title: format!("{}: its eigenfunctions", title(target)),
        x: "x".into(),
        y: "f(x)".into(),
        families: target.rates.iter().map(family).collect(),
        ..Plot::default()
    }
}

/// D₂² over the measured functions, as shares of its start.
fn discrepancies(found: &Found) -> Plot {
    let (mut families, mut marks) = (Vec::new(), Vec::new());
    for target in &found.targets {
        let points = target.discrepancy(found.particles);
        let start = points.first().map_or(1.0, |point| point.1);
        let exact = points.iter().map(|(t, exact, _)| (*t, exact / start)).take_while(|(_, share)| *share >= FALLEN);
        families.push((title(target), vec![exact.collect()]));
        marks.push(points.iter().map(|(t, _, measured)| [*t, measured / start, 0.0]).collect());
    }
    Plot {
        title: "D₂² = Σ λ ⟨f|ρₜ⟩² only falls".into(),
        x: "t".into(),
        y: "share of the start".into(),
        range: Some([FALLEN, 1.5]),
        log: true,
        families,
        marks,
    }
}

fn page(found: &Found, settings: &Settings, picture: String, gpu: &Gpu, command: &str) -> Page {
    let sheet = |target: &Target| {
        let row = |rate: &Rate| {
            let [exact, fitted, departure, by_step] = cells(rate);
            let agrees = if rate.agrees { "yes" } else { "no" };
            let texts = [name(target, rate.function), exact, fitted, departure, by_step, number(rate.p_value, 2), agrees.into()];
            texts.map(|text| (text, String::new())).to_vec()
        };
        let [mean, deviation] = target.start;
        Sheet {
            title: format!("{}: rates", title(target)),
            head: ["", "λ", "fitted", "apart, in errors", "by the step", "p", "agrees"].map(String::from).to_vec(),
            rows: target.rates.iter().map(row).collect(),
            numbers: true,
            note: format!(
                "From N({mean}, {deviation}²), {} steps of {}.",
                number(target.steps as f64, 12),
                number(target.step, 3)
            ),
        }
    };
    let made = Sheet {
        title: "How it was made".into(),
        note: format!(
            "The eigenvalues of the Gaussian are n, of Heₙ/√n!; those of the other target come from a solver on the host ({NODES} nodes), which a test checks on \
             the Gaussian. The rates are fitted to the innovations ⟨f|ρₜ⟩ − e^(−λ(t−s)) ⟨f|ρₛ⟩ between one reading of the particles and the next, by least \
             squares weighted with their measured variances; unlike the means, innovations of the same particles are uncorrelated, so the standard errors \
             are those of λ. “Apart” is fitted minus exact. “By the step” is how far the same fit is moved by the finite time step alone, computed on the host \
             without any chance. p is the probability of a misfit to an exponential at least as large as the measured one."
        ),
        ..Sheet::default()
    };
    Page {
        title: "Footnote 9: the spectrum of the forward process".into(),
        headline: verdict(found),
        facts: vec![
            ("particles of each target".into(), number(found.particles as f64, 12)),
            ("seed".into(), found.seed.to_string()),
            ("time".into(), duration(found.seconds)),
            ("adapter".into(), gpu.summary().name.clone()),
        ],
        figures: vec![Figure::new(
            "Decays",
            "Dots are means over the particles with their standard errors; lines are exact; fₙ of the Gaussian is Heₙ/√n!. The means of different times are of the same particles: \
             neighbors err together. Below, the eigenfunctions of the second target, scaled to ⟨f²|μ⟩ = 1, and the mean formulation whose gradient flow this is, \
             over the measured functions.",
            picture,
        )],
        sheets: found.targets.iter().map(sheet).chain([made]).collect(),
        settings: settings.write().shown(),
        commands: vec![command.into()],
        footer: format!("pushforward {}", env!("CARGO_PKG_VERSION")),
        ..Page::default()
    }
}
