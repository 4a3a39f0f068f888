//! `docs/methods.md` and the README's table of methods, made from the registry: `UPDATE_DOCS=1 cargo test --lib documented` writes them.

use super::{Entry, REGISTRY, Setup, Training};
use crate::gpu::Gpu;
use crate::settings::{self, Key};
use std::fmt::Write as _;
use std::path::Path;

const BEGIN: &str = "<!-- methods:begin -->\n";
const END: &str = "<!-- methods:end -->";

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "" }
}

/// In how many evaluations of the network a sample is drawn.
fn steps(gpu: &Gpu, entry: &Entry) -> String {
    // What cannot be made without a teacher is a map of one step.
    let Ok((training, own)) = entry.settings(toml::Table::new()) else { return "1".into() };
    let setup = Setup { gpu, training: &training, columns: 2, conditions: 0, seed: 0, data: None, teacher: None };
    let few = own.contains_key("map_steps");
    let Ok(method) = entry.build(&setup, &own) else { return "1".into() };
    match method.dynamics() {
        _ if few => "1, 2, 4, …".into(),
        Some(dynamics) => dynamics.sampling().solver_steps.to_string(),
        None if entry.name == "ebm" => "a chain".into(),
        None => "1".into(),
    }
}

fn table(gpu: &Gpu) -> String {
    let mut text =
        "| method | learns by | density | inverse | steps to sample | paper |\n|---|---|---|---|---|---|\n".to_string();
    for entry in REGISTRY {
        let Entry { name, summary, paper, density, inverse, .. } = entry;
        let cell = |text: &str| text.replace('|', "\\|");
        let steps = steps(gpu, entry);
        writeln!(
            text,
            "| `{name}` | {} | {} | {} | {steps} | {} |",
            cell(summary),
            yes(*density),
            yes(*inverse),
            paper.split(',').next().unwrap_or_default()
        )
        .unwrap();
    }
    text
}

/// The opening comment of a method's file: its formula, when it is used, and its sources.
fn opening(entry: &Entry) -> String {
    let stem = match entry.name {
        "distributional-diffusion" => "distributional".to_string(),
        name => name.replace('-', "_"),
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/methods/{stem}.rs"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let mut opening = String::new();
    for line in lines.map(|line| line.strip_prefix(' ').unwrap_or(line)) {
        // A line of its own that is set in is a formula.
        match line.strip_prefix("  ") {
            Some(formula) => writeln!(opening, "    {}", formula.trim_start()).unwrap(),
            None => writeln!(opening, "{}", line.replace("(super::", "(")).unwrap(),
        }
    }
    opening
}

fn keys(text: &mut String, keys: &[Key]) {
    text.push_str("| setting | default | meaning |\n|---|---|---|\n");
    for Key { name, default, help } in keys {
        let cell = |text: &str| text.replace('|', "\\|");
        writeln!(text, "| `{name}` | `{}` | {} |", cell(default), cell(help)).unwrap();
    }
    text.push('\n');
}

fn page() -> String {
    let mut text = "# Methods\n\nMade from the registry and the opening comments of `src/methods/`. `pushforward methods METHOD` shows the same settings.\n\n\
                    ## Settings of every method\n\nA method's own defaults of these are in its section.\n\n"
        .to_string();
    keys(&mut text, &<Training as settings::Settings>::keys());
    for entry in REGISTRY {
        let Entry { name, summary, paper, density, inverse, .. } = entry;
        let has = match (density, inverse) {
            (true, true) => "It has a density and an inverse.",
            (true, false) => "It has a density.",
            (false, true) => "It has an inverse.",
            (false, false) => "It has no density.",
        };
        write!(text, "## {name}\n\n*{summary}* ({paper}). {has}\n\n{}\n", opening(entry)).unwrap();
        let shared = <Training as settings::Settings>::keys();
        let changed: Vec<Key> = entry.shared_keys().into_iter().filter(|key| !shared.contains(key)).collect();
        keys(&mut text, &[entry.keys(), changed].concat());
    }
    text.trim_end().to_string() + "\n"
}

#[test]
fn the_documentation_lists_the_methods_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let gpu = Gpu::open("auto").unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (head, rest) = readme.split_once(BEGIN).expect("the README has a place for the table");
    let (_, tail) = rest.split_once(END).expect("the place has an end");
    for (file, wanted) in [("README.md", format!("{head}{BEGIN}{}{END}{tail}", table(&gpu))), ("docs/methods.md", page())] {
        let path = root.join(file);
        if update {
            std::fs::write(&path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "{file} is out of date: run `UPDATE_DOCS=1 cargo test --lib documented`");
    }
    assert!(std::fs::metadata(root.join("README.md")).unwrap().len() <= 8192, "the README is longer than 8 KB");
}
