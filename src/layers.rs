//! Which module may use which: the top-level modules of the library form no cycle, nor do the files of its two largest layers.

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

/// A file's code, its comments and tests left out.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    code.join("\n")
}

/// What a file's code names behind `prefix`.
fn first_names(text: &str, prefix: &str) -> BTreeSet<String> {
    let code = code(text);
    let paths = code.split(prefix).skip(1).flat_map(|path| match path.strip_prefix('{') {
        Some(items) => group(items),
        None => vec![path],
    });
    let first = |path: &str| path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    paths.map(first).filter(|name| !name.is_empty()).collect()
}

/// The top-level modules that a file's code names.
fn named(text: &str) -> BTreeSet<String> {
    let module = |name: String| if ["Error", "Result"].contains(&name.as_str()) { "error".into() } else { name };
    first_names(text, "crate::").into_iter().map(module).collect()
}

/// Which files of one module use which others: by their own names, or by what the module hands on of them.
fn uses_of_files(folder: &Path, module: &str) -> Uses {
    let text = |path: &Path| fs::read_to_string(path).expect("a file of the source");
    let mut origin: BTreeMap<String, String> = BTreeMap::new();
    for statement in code(&text(&folder.join("mod.rs"))).split(';') {
        let Some((_, path)) = statement.rsplit_once("use ").filter(|(before, _)| before.trim_end().ends_with(['b', ')'])) else {
            continue;
        };
        let Some((file, items)) = path.split_once("::") else { continue };
        let items = items.strip_prefix('{').map_or(vec![items], group);
        let name = |item: &str| item.rsplit(" as ").next().unwrap_or(item).trim().to_string();
        origin.extend(items.into_iter().map(|item| (name(item), file.trim().to_string())));
    }
    let mut uses = Uses::new();
    for entry in fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry of it").path();
        let file = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() || ["mod", "tests"].contains(&file.as_str()) {
            continue;
        }
        let text = text(&path);
        let names = first_names(&text, "super::").into_iter().chain(first_names(&text, &format!("crate::{module}::")));
        uses.insert(file, names.map(|name| origin.get(&name).cloned().unwrap_or(name)).collect());
    }
    uses
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
fn files_of_a_module_form_no_cycle() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for module in ["gpu", "metrics"] {
        let mut uses = uses_of_files(&source.join(module), module);
        if module == "gpu" {
            // What the build script writes.
            uses.insert("kernels".into(), ["kernel", "var"].map(String::from).into());
            assert!(uses["plan"].contains("step") && uses["recorder"].contains("device") && uses["pipeline"].contains("kernels"));
        }
        let cyclic = cyclic(uses);
        assert!(cyclic.is_empty(), "a cycle is among the files of {module}: {cyclic:#?}");
    }
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
