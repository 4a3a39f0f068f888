//! Which module may use which: the top-level modules of the library form no cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Uses = BTreeMap<String, BTreeSet<String>>;

/// The items of `{a, b::{c, d}}`, of which the text begins behind the brace.
fn group(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut items) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '}' if depth == 0 => {
                items.push(&text[from..at]);
                break;
            }
            ',' if depth == 0 => {
                items.push(&text[from..at]);
                from = at + 1;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    items
}

/// The top-level modules that a file's code names, its comments and tests left out.
fn named(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let paths = code.split("crate::").skip(1).flat_map(|path| match path.strip_prefix('{') {
        Some(items) => group(items),
        None => vec![path],
    });
    let first = |path: &str| path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let module = |name: String| if ["Error", "Result"].contains(&name.as_str()) { "error".into() } else { name };
    paths.map(first).filter(|name| !name.is_empty()).map(module).collect()
}

fn collect(path: &Path, into: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder of the source") {
            collect(&entry.expect("an entry of it").path(), into);
        }
    } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
        into.extend(named(&fs::read_to_string(path).expect("a file of the source")));
    }
}

/// What is left when modules that use none of the others are taken away, again and again: cycles, and what uses them.
fn cyclic(mut uses: Uses) -> Uses {
    loop {
        let known: BTreeSet<String> = uses.keys().cloned().collect();
        uses.iter_mut().for_each(|(name, of)| of.retain(|other| other != name && known.contains(other)));
        let before = uses.len();
        uses.retain(|_, of| !of.is_empty());
        if uses.len() == before {
            return uses;
        }
    }
}

#[test]
fn modules_form_no_cycle() {
    let mut uses = Uses::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("the source") {
        let path = entry.expect("an entry of it").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if !["lib", "layers"].contains(&name.as_str()) {
            collect(&path, uses.entry(name).or_default());
        }
    }
    assert!(uses["methods"].contains("flow") && uses["flow"].contains("ops") && uses["ops"].contains("gpu"), "{uses:?}");
    let cyclic = cyclic(uses);
    assert!(cyclic.is_empty(), "a cycle is among {cyclic:#?}");
}

#[test]
fn a_cycle_is_found_in_every_way_of_naming_a_module() {
    let of = |text: &str| named(text).into_iter().collect::<Vec<_>>();
    assert_eq!(of("use crate::{Error, a::{b, c}, d};\nfn f() { crate::e::g() }"), ["a", "d", "e", "error"]);
    assert_eq!(of("// crate::a\nuse crate::b;\n#[cfg(test)]\nmod tests { use crate::c; }"), ["b"]);
    let uses = |pairs: &[(&str, &str)]| {
        let mut uses = Uses::new();
        for (one, other) in pairs {
            uses.entry(one.to_string()).or_default().insert(other.to_string());
            uses.entry(other.to_string()).or_default();
        }
        cyclic(uses)
    };
    assert!(uses(&[("a", "b"), ("b", "c"), ("a", "c"), ("c", "c")]).is_empty());
    assert_eq!(uses(&[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")]).keys().collect::<Vec<_>>(), ["a", "b", "c"]);
}
