//! `reproduce`: the paper's figures and claims, made again and measured.

use std::path::{Path, PathBuf};

use pushforward::Error;
use pushforward::data::{nearest, write_atomically};
use pushforward::gpu::Gpu;
use pushforward::report::{self, Curve, Figure, Page, Scale, number};
use pushforward::reproduce::figure1::{self, Figure1};
use pushforward::reproduce::statistics;
use pushforward::settings::{Settings, parse_assignment, refuse_unknown, take};
use pushforward::words::duration;

use super::arguments::Reproduce;
use super::comparison::{More, comparison};
use super::console::{Console, print};

const ALL: [&str; 8] = ["anneal", "defaults", "densities", "figure1", "flows", "saddle", "spectrum", "statistics"];

pub fn reproduce(args: &Reproduce, adapter: &str, console: Console) -> anyhow::Result<()> {
    if !ALL.contains(&args.what.as_str()) {
        let hint = nearest(&args.what, ALL).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
        return Err(Error::usage(format!(
            "there is nothing called `{}` to reproduce{hint}; there is: {}",
            args.what,
            ALL.join(", ")
        ))
        .into());
    }
    match args.what.as_str() {
        "anneal" => return super::anneal::anneal(args, adapter, console),
        "defaults" => return super::defaults::defaults(args, adapter, console),
        "densities" => return super::densities::densities(args, adapter, console),
        "flows" => return super::flows::flows(args, adapter, console),
        "saddle" => return super::saddle::saddle(args, adapter, console),
        "spectrum" => return super::spectrum::spectrum(args, adapter, console),
        "statistics" => return comparison(&statistics::SUBJECT, args, adapter, console, |_| Ok(More::default())),
        _ => {}
    }
    let settings: figure1::Settings = settings(&args.set)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&args.what));
    let gpu = super::device::open(adapter, console)?;
    std::fs::create_dir_all(&out).map_err(|e| Error::io("make the folder", &out, e))?;
    console.message(&format!("learning the map of Fig. 1 on {}", gpu.summary().name));
    let found = figure1::run(&gpu, args.seed, &settings)?;
    let [svg, csv, html] = ["figure1.svg", "figure1.csv", "report.html"].map(|name| out.join(name));
    let picture = picture(&found)?;
    write(&svg, &picture)?;
    found.table()?.write(&csv)?;
    write(&html, &page(&found, picture, &gpu)?.html())?;
    if args.json {
        return Ok(print(&serde_json::to_string(&found)?)?);
    }
    let monotone = if found.monotone { "monotone" } else { "not monotone" };
    Ok(print(&format!(
        "Kolmogorov–Smirnov distance of {} pushed samples to the uniform law: {}\n\
         the learned map is {monotone} on [−2.5, 2.5] and at most {} from the {} there ({})\n\
         picture  {}\ntable    {}\nreport   {}\n",
        number(figure1::SAMPLES as f64, 12),
        number(found.ks, 3),
        number(found.largest_error, 2),
        if found.falling { "reflected Gaussian distribution function" } else { "Gaussian distribution function" },
        duration(found.seconds),
        svg.display(),
        csv.display(),
        html.display()
    ))?)
}

pub(super) fn settings<S: Settings>(assignments: &[String]) -> Result<S, Error> {
    let mut table = assignments.iter().map(|text| parse_assignment(text)).collect::<Result<toml::Table, Error>>()?;
    let settings = take(&mut table)?;
    let keys: Vec<&str> = S::keys().iter().map(|key| key.name).collect();
    refuse_unknown(&table, &keys)?;
    Ok(settings)
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    write_atomically(path, |file| std::io::Write::write_all(file, text.as_bytes()))
}

fn picture(found: &Figure1) -> Result<String, Error> {
    let truth = if found.falling { "1 − Φ(z)" } else { "Φ(z)" };
    report::map(&found.map, "z", "φ(z)", [truth, "learned"])
}

fn page(found: &Figure1, picture: String, gpu: &Gpu) -> Result<Page, Error> {
    let loss = Curve { name: "D₂²".into(), points: found.losses.clone() };
    Ok(Page {
        title: "Figure 1: the Gaussian law learned onto the uniform one".into(),
        headline: format!("The Kolmogorov–Smirnov distance to the uniform law is {}.", number(found.ks, 3)),
        facts: vec![
            ("functions".into(), format!("x ↦ e^(2πikx), k = 1 … {}", figure1::FUNCTIONS)),
            ("samples".into(), number(figure1::SAMPLES as f64, 12)),
            ("seed".into(), found.seed.to_string()),
            ("seconds".into(), number(found.seconds, 3)),
            ("adapter".into(), gpu.summary().name.clone()),
        ],
        figures: vec![
            Figure::new("The map", "The learned map and the Gaussian distribution function.", picture),
            Figure::new("Training", "The statistic over the steps.", report::curves(&[loss], "D₂²", Scale::Auto, 0.0)?),
        ],
        footer: format!("pushforward {}", env!("CARGO_PKG_VERSION")),
        ..Page::default()
    })
}
