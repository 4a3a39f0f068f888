//! The map as a picture, a table and a page.

use super::{FUNCTIONS, Figure1, SAMPLES, Settings, run};
use crate::workspace::{Made, Prepared, Workspace, json, read, write};
use pushforward::Result;
use pushforward::gpu::Gpu;
use pushforward::report::{self, Curve, Figure, Page, Scale, number};
use pushforward::words::duration;

pub(crate) fn prepare(assignments: &[String]) -> Result<Prepared> {
    let settings: Settings = read(assignments)?;
    Ok(Box::new(move |workspace| make(&settings, workspace)))
}

fn make(settings: &Settings, workspace: Workspace) -> Result<Made> {
    let Workspace { gpu, out, seed, progress, .. } = workspace;
    progress.message(&format!("learning the map of Fig. 1 on {}", gpu.summary().name));
    let found = run(gpu, seed, settings)?;
    let [svg, csv, html] = ["figure1.svg", "figure1.csv", "report.html"].map(|name| out.join(name));
    let picture = picture(&found)?;
    write(&svg, &picture)?;
    found.table()?.write(&csv)?;
    write(&html, &page(&found, picture, gpu)?.html())?;
    let monotone = if found.monotone { "monotone" } else { "not monotone" };
    let text = format!(
        "Kolmogorov–Smirnov distance of {} pushed samples to the uniform distribution: {}\nthe learned map is {monotone} on [−2.5, 2.5] and at most {} from the {} there ({})\npicture  {}\ntable    {}\nreport   {}\n",
        number(SAMPLES as f64, 12),
        number(found.ks, 3),
        number(found.largest_error, 2),
        if found.falling { "reflected Gaussian distribution function" } else { "Gaussian distribution function" },
        duration(found.seconds),
        svg.display(),
        csv.display(),
        html.display()
    );
    Ok(Made { text, json: json(&found)?, interrupted: None })
}

fn picture(found: &Figure1) -> Result<String> {
    let truth = if found.falling { "1 − Φ(z)" } else { "Φ(z)" };
    report::map(&found.map, "z", "φ(z)", [truth, "learned"])
}

fn page(found: &Figure1, picture: String, gpu: &Gpu) -> Result<Page> {
    let loss = Curve { name: "D₂²".into(), points: found.losses.clone() };
    Ok(Page {
        title: "Figure 1: a map from the Gaussian to the uniform distribution".into(),
        headline: format!("The Kolmogorov–Smirnov distance to the uniform distribution is {}.", number(found.ks, 3)),
        facts: vec![
            ("functions".into(), format!("x ↦ e^(2πikx), k = 1 … {FUNCTIONS}")),
            ("samples".into(), number(SAMPLES as f64, 12)),
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
