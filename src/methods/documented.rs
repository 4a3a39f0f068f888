//! `docs/methods.md` and the README's table of methods, made from the registry: `UPDATE_DOCS=1 cargo test --lib documented` writes them.

use super::{Drawing, LearnsFrom, Method, Setup, Training, all, configure, registry};
use crate::gpu::Gpu;
use crate::settings::{Key, Settings as _, Values};
use std::fmt::Write as _;
use std::path::Path;

const BEGIN: &str = "<!-- methods:begin -->\n";
const END: &str = "<!-- methods:end -->";

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "" }
}

/// In how many evaluations of the network a sample is drawn.
fn steps(gpu: &Gpu, method: &dyn Method) -> String {
    match method.boxed().drawing() {
        Drawing::Map(_) => return "1, 2, 4, …".into(),
        Drawing::Solver(sampling) => return sampling.solver_steps.to_string(),
        // What cannot be made without a teacher is a map of one step.
        Drawing::Fixed if method.learns_from() == LearnsFrom::Teacher => return "1".into(),
        Drawing::Fixed => {}
    }
    let training = method.training();
    let setup = Setup { gpu, training: &training, columns: 2, conditions: 0, seed: 0, data: None, teacher: None };
    let learner = method.learner(&setup).unwrap();
    if learner.is_one_step() { "1".into() } else { "a chain".into() }
}

fn table(gpu: &Gpu) -> String {
    let mut text =
        "| method | learns by | density | inverse | steps to sample | paper |\n|---|---|---|---|---|---|\n".to_string();
    for method in all() {
        let entry = method.entry();
        let cell = |text: &str| text.replace('|', "\\|");
        let steps = steps(gpu, method.as_ref());
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {steps} | {} |",
            entry.name,
            cell(entry.summary),
            yes(entry.density),
            yes(entry.inverse),
            entry.paper.split(',').next().unwrap_or_default()
        )
        .unwrap();
    }
    text
}

/// The opening comment of a method's file: its formula, and its sources.
fn opening(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/methods/{file}.rs"));
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
    for Key { name, default, help, .. } in keys {
        let cell = |text: &str| text.replace('|', "\\|");
        writeln!(text, "| `{name}` | `{}` | {} |", cell(default), cell(help)).unwrap();
    }
    text.push('\n');
}

fn page() -> String {
    let mut text = "# Methods\n\nMade from the registry and the opening comments of `src/methods/`. `pushforward methods METHOD` shows the same settings.\n\n\
                    ## Settings of every method\n\nA method's own defaults of these are in its section.\n\n"
        .to_string();
    let shared = Training::default().keys();
    keys(&mut text, &shared);
    for (method, file) in all().iter().zip(registry::FILES) {
        let entry = method.entry();
        let has = match (entry.density, entry.inverse) {
            (true, true) => "It has a density and an inverse.",
            (true, false) => "It has a density.",
            (false, true) => "It has an inverse.",
            (false, false) => "It has no density.",
        };
        write!(text, "## {}\n\n*{}* ({}). {has}\n\n{}\n", entry.name, entry.summary, entry.paper, opening(file)).unwrap();
        write!(text, "**Use it when:** {}\n\n**Not when:** {}\n\n", entry.use_when, entry.avoid_when).unwrap();
        let changed = method
            .training()
            .keys()
            .into_iter()
            .filter(|key| shared.iter().all(|of| of.default != key.default || of.name != key.name));
        keys(&mut text, &method.keys().into_iter().chain(changed).collect::<Vec<_>>());
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

#[test]
fn every_method_says_what_it_is_and_every_help_its_choices() {
    for method in all() {
        let entry = method.entry();
        for text in [entry.name, entry.summary, entry.paper, entry.use_when, entry.avoid_when] {
            assert!(!text.trim().is_empty() && text != "Not documented.", "{}", entry.name);
        }
        for text in [entry.use_when, entry.avoid_when] {
            assert!(text.ends_with('.') && !text.contains('\n'), "{}: {text}", entry.name);
        }
        let configured = |key: &str, choice: &str| {
            let mut values = Values::default();
            values.insert(key, choice);
            configure(method.clone(), &values)
        };
        let keys = [method.keys(), method.training().keys()].concat();
        let mut names: Vec<&str> = keys.iter().map(|key| key.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), keys.len(), "{}: a key stands twice", entry.name);
        for Key { name, help, schema, .. } in keys {
            assert!(help.ends_with('.') && !help.ends_with(".."), "{name}: {help}");
            for choice in schema["enum"].as_array().into_iter().flatten().filter_map(|choice| choice.as_str()) {
                assert!(
                    help.contains(choice) || configured(name, choice).is_err(),
                    "`{name}` of {} does not say its choice {choice}: {help}",
                    entry.name
                );
            }
        }
    }
}

#[test]
fn what_a_method_writes_it_reads() {
    for method in all() {
        let (values, training) = (method.write(), method.training());
        let mut read = method.clone();
        let mut left = values.clone();
        read.read(&mut left).unwrap();
        assert!(left.is_empty() && *read == *method, "{}", method.name());
        assert_eq!(training.check().map_err(|e| e.to_string()), Ok(()), "{}", method.name());
        let checked = method.check().is_ok() || method.learns_from() == LearnsFrom::Teacher;
        assert!(checked, "{}: {:?}", method.name(), method.check());
    }
}
