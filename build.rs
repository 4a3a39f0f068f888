//! Turns `shaders/**.wgsl` into `kernels.rs`: the variants that a shader declares are parsed and validated by naga (a mistake fails the build
//! with file, line and column), reflected, and become types: one struct an entry point whose named fields are the bindings, one for the variant
//! whose fields are the axes. A swapped, missing or renamed binding, axis or value does not compile.

#[path = "build/declared.rs"]
mod declared;
#[path = "build/generate.rs"]
mod generate;
#[path = "src/gpu/preprocess.rs"]
mod preprocess;
#[path = "build/reflect.rs"]
mod reflect;

use declared::Declared;
use generate::Shader;
use preprocess::{Expanded, Values};
use reflect::{Constant, Entry};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

type Texts = BTreeMap<String, String>;

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("shaders");
    for path in ["shaders", "build", "src/gpu/preprocess.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let mut texts = Texts::new();
    collect(&root, "", &mut texts);
    let words = declared::words(texts.values().map(String::as_str));
    let (imports, mains): (Vec<&String>, Vec<&String>) = texts.keys().partition(|name| name.starts_with("common/"));
    let mut shaders = Vec::new();
    for shader in side_by_side(&mains, |name| shader(name, &texts, &words)) {
        match shader {
            Ok(shader) => shaders.push(shader),
            Err(message) => message.lines().for_each(|line| println!("cargo::error={line}")),
        }
    }
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    write(&target.join("kernels.rs"), &kernels(&imports, &shaders));
    write(&target.join("picture.html"), &picture(&root.with_file_name("docs/pinwheel.svg")));
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
}

/// Every text below a folder, by its path without the ending.
fn collect(folder: &Path, prefix: &str, into: &mut Texts) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("cannot read {}: {e}", folder.display()));
    for path in entries.map(|entry| entry.expect("an entry of the folder").path()) {
        let name = format!("{prefix}{}", path.file_stem().expect("a file has a stem").to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), into);
        } else if path.extension().is_some_and(|ending| ending == "wgsl") {
            into.insert(name, fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display())));
        }
    }
}

/// Lines of files that some variant had.
#[derive(Default)]
struct Seen(Vec<(Rc<str>, Vec<bool>)>);

impl Seen {
    /// Whether a variant has others.
    fn adds(&mut self, expanded: &Expanded) -> bool {
        let (mut new, mut at) = (false, 0);
        for (file, line) in &expanded.origin {
            if self.0.get(at).is_none_or(|(known, _)| !Rc::ptr_eq(known, file) && known != file) {
                at = self.0.iter().position(|(known, _)| known == file).unwrap_or(self.0.len());
                if at == self.0.len() {
                    self.0.push((file.clone(), Vec::new()));
                }
            }
            let lines = &mut self.0[at].1;
            if lines.len() <= *line {
                lines.resize(*line + 1, false);
            }
            new |= !std::mem::replace(&mut lines[*line], true);
        }
        new
    }
}

/// What `work` makes of each item, in their order.
fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let next = AtomicUsize::new(0);
    let one_after_another = || {
        let mut made = Vec::new();
        while let Some((index, item)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?))) {
            made.push((index, work(item)));
        }
        made
    };
    let mut made: Vec<(usize, R)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one_after_another)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no shader makes the build panic")).collect()
    });
    made.sort_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, made)| made).collect()
}

/// Checks and validates one shader.
fn shader(name: &str, texts: &Texts, words: &HashMap<String, BTreeSet<String>>) -> Result<Shader, String> {
    let text = &texts[name];
    let import = |name: &str| texts.get(name).cloned();
    let place = |p: preprocess::Problem| format!("shaders/{}.wgsl:{}: {}", p.file, p.line, p.message);
    let of_shader = |message| format!("shaders/{name}.wgsl: {message}");
    let declared = Declared::of(name, text, &import, words).map_err(place)?;
    let mut entries: Vec<Entry> = Vec::new();
    let mut fields = None;
    let mut constants: Vec<(Constant, bool)> = Vec::new();
    let (combinations, examples): (Vec<Values>, Vec<Vec<Values>>) = declared.combinations().map_err(place)?.into_iter().unzip();
    let mut parts: Vec<String> = Vec::new();
    for (examples, of) in examples.iter().zip(declared.parts(&combinations)) {
        let new: Vec<String> = of.into_iter().filter(|part| !parts.contains(part)).collect();
        if new.is_empty() {
            continue;
        }
        parts.extend(new);
        // Of the examples of ranges, those that bring lines which the ones before them did not.
        let mut seen = Seen::default();
        for (index, values) in examples.iter().enumerate() {
            let expanded = preprocess::expand(name, text, &import, values).map_err(place)?;
            if !seen.adds(&expanded) && index > 0 {
                continue;
            }
            let (module, info) = reflect::validated(&expanded, values)?;
            for constant in reflect::constants(&module, &expanded) {
                match constants.iter_mut().find(|(known, _)| (&known.file, &known.name) == (&constant.file, &constant.name)) {
                    None => constants.push((constant, true)),
                    Some((known, same)) => *same &= *known == constant,
                }
            }
            for index in 0..module.entry_points.len() {
                let (found, of_found) = reflect::entry(&module, &info, index).map_err(of_shader)?;
                match (&fields, of_found) {
                    (Some(known), Some(found)) if *known != found => {
                        return Err(of_shader("`Params` differs between variants".into()));
                    }
                    (None, found) => fields = found,
                    _ => {}
                }
                match entries.iter_mut().find(|known| known.name == found.name) {
                    None => entries.push(found),
                    Some(known) if (known.uniform, &known.storage) == (found.uniform, &found.storage) => {
                        known.width = known.width.filter(|width| found.width == Some(*width));
                    }
                    Some(_) => {
                        return Err(of_shader(format!("entry point {} has other bindings in variant {values:?}", found.name)));
                    }
                }
            }
        }
    }
    // What differs between variants is no number that Rust could know.
    let constants = constants.into_iter().filter(|(_, same)| *same).map(|(constant, _)| constant).collect();
    let fields = fields.unwrap_or_default();
    Ok(Shader { name: name.into(), text: text.clone(), declared, parts, entries, fields, constants })
}

/// The modules of all shaders, in folders as they are.
fn kernels(imports: &[&String], shaders: &[Shader]) -> String {
    let mut out = String::new();
    writeln!(out, "/// What several shaders import.\npub mod common {{").unwrap();
    imports.iter().for_each(|name| out.push_str(&generate::import(name, shaders)));
    writeln!(out, "}}").unwrap();
    let mut open = "";
    for shader in shaders {
        let folder = shader.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        if folder != open {
            if !open.is_empty() {
                writeln!(out, "}}").unwrap();
            }
            if !folder.is_empty() {
                writeln!(out, "pub mod {folder} {{").unwrap();
            }
            open = folder;
        }
        out.push_str(&generate::shader(shader));
    }
    if !open.is_empty() {
        writeln!(out, "}}").unwrap();
    }
    writeln!(out, "/// Texts that shaders import.\npub static IMPORTS: &[(&str, &str)] = &[").unwrap();
    for name in imports {
        writeln!(out, "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/shaders/{name}.wgsl\"))),").unwrap();
    }
    writeln!(out, "];\n/// Every shader.\n#[cfg(feature = \"testing\")]\npub static SOURCES: &[&crate::gpu::Source] = &[")
        .unwrap();
    shaders.iter().for_each(|shader| writeln!(out, "    &{}::SOURCE,", shader.name.replace('/', "::")).unwrap());
    writeln!(out, "];").unwrap();
    out
}

/// The picture of the documentation's front page as an element of its own: Markdown reads a drawing in place as text.
fn picture(path: &Path) -> String {
    println!("cargo::rerun-if-changed={}", path.display());
    let drawing = fs::read_to_string(path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
    let mut encoded = String::with_capacity(2 * drawing.len());
    for c in drawing.chars() {
        match c {
            '%' | '#' | '"' | '<' | '>' | '\n' => write!(encoded, "%{:02X}", u32::from(c)).unwrap(),
            c => encoded.push(c),
        }
    }
    format!("<img alt=\"Data, samples of three methods, and a density\" src=\"data:image/svg+xml;charset=utf-8,{encoded}\">\n")
}
