//! Turns `shaders/*.wgsl` into `kernels.rs`: every declared variant of every shader is parsed and validated by naga (a
//! mistake fails the build with file, line and column), reflected, and becomes one Rust struct an entry point whose named
//! fields are the bindings. A swapped, missing or renamed binding does not compile.

#[path = "src/gpu/preprocess.rs"]
#[allow(dead_code)]
mod preprocess;

use naga::valid::{Capabilities, GlobalUse, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ScalarKind, StorageAccess, TypeInner};
use preprocess::{Axis, Values};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("shaders");
    println!("cargo::rerun-if-changed=shaders");
    println!("cargo::rerun-if-changed=src/gpu/preprocess.rs");
    let mut out = String::new();
    for path in wgsl_files(&root) {
        let stem = path.file_stem().expect("a file has a stem").to_string_lossy().into_owned();
        match shader(&root, &stem) {
            Ok(code) => out.push_str(&code),
            Err(message) => {
                for line in message.lines() {
                    println!("cargo::error={line}");
                }
            }
        }
    }
    let imports: Vec<String> = wgsl_files(&root.join("common"))
        .iter()
        .map(|path| {
            let name = format!("common/{}", path.file_stem().expect("a file has a stem").to_string_lossy());
            format!("    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/shaders/{name}.wgsl\"))),\n")
        })
        .collect();
    writeln!(out, "/// Texts that shaders import.\npub static IMPORTS: &[(&str, &str)] = &[\n{}];", imports.concat()).unwrap();
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    write(&target.join("kernels.rs"), &out);
    write(&target.join("picture.html"), &picture(&root.with_file_name("docs/pinwheel.svg")));
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
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

fn wgsl_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "wgsl"))
        .collect();
    files.sort();
    files
}

/// A storage binding of one entry point.
#[derive(Clone, PartialEq)]
struct Storage {
    name: String,
    index: u32,
    written: bool,
}

#[derive(Clone, PartialEq)]
struct Field {
    name: String,
    rust: String,
    offset: u32,
}

/// What the Rust side needs of one entry point; the same for every variant that has it.
#[derive(Clone, PartialEq)]
struct Entry {
    name: String,
    uniform: bool,
    storage: Vec<Storage>,
}

fn shader(root: &Path, stem: &str) -> Result<String, String> {
    let read = |name: &str| fs::read_to_string(root.join(format!("{name}.wgsl"))).ok();
    let text = read(stem).ok_or_else(|| format!("cannot read shaders/{stem}.wgsl"))?;
    let import = |name: &str| read(name);
    let place = |p: preprocess::Problem| format!("shaders/{}.wgsl:{}: {}", p.file, p.line, p.message);
    let axes = preprocess::axes(stem, &text, &import).map_err(place)?;
    let mut entries: Vec<Entry> = Vec::new();
    let mut fields: Option<Vec<Field>> = None;
    for values in variants(&axes) {
        let expanded = preprocess::expand(stem, &text, &import, &values).map_err(place)?;
        let (module, info) = validated(&expanded, &values)?;
        for (index, entry) in module.entry_points.iter().enumerate() {
            let found = reflect(&module, &info, index, &mut fields).map_err(|m| format!("shaders/{stem}.wgsl: {m}"))?;
            match entries.iter().find(|e| e.name == entry.name) {
                None => entries.push(found),
                Some(known) if *known == found => {}
                Some(_) => {
                    return Err(format!(
                        "shaders/{stem}.wgsl: entry point {} has other bindings in variant {values:?}",
                        entry.name
                    ));
                }
            }
        }
    }
    Ok(generate(stem, &text, &axes, &entries, fields.unwrap_or_default()))
}

/// The variants to validate: the Cartesian product of the shader's own axes, and every further value of an imported axis
/// once. (What is imported does not depend on its importer; the whole product would be thousands.)
fn variants(axes: &[Axis]) -> Vec<Values> {
    let first: Values = axes.iter().map(|axis| (axis.name.clone(), axis.values[0].clone())).collect();
    let with = |values: &Values, axis: &Axis, value: &String| {
        let mut values = values.clone();
        values.insert(axis.name.clone(), value.clone());
        values
    };
    let mut all = vec![first.clone()];
    for axis in axes.iter().filter(|axis| !axis.imported) {
        all = all.iter().flat_map(|values| axis.values.iter().map(move |v| with(values, axis, v))).collect();
    }
    for axis in axes.iter().filter(|axis| axis.imported) {
        all.extend(axis.values.iter().skip(1).map(|v| with(&first, axis, v)));
    }
    all
}

fn validated(expanded: &preprocess::Expanded, values: &Values) -> Result<(Module, naga::valid::ModuleInfo), String> {
    let place = |location: Option<naga::SourceLocation>, message: String| match location {
        Some(at) => {
            let (file, line) = &expanded.origin[(at.line_number as usize - 1).min(expanded.origin.len() - 1)];
            format!("shaders/{file}.wgsl:{line}:{}: {message} (variant {values:?})", at.line_position)
        }
        None => format!("{message} (variant {values:?})"),
    };
    let module =
        naga::front::wgsl::parse_str(&expanded.text).map_err(|e| place(e.location(&expanded.text), e.message().to_string()))?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::SUBGROUP);
    validator.subgroup_stages(ShaderStages::COMPUTE).subgroup_operations(SubgroupOperationSet::all());
    let info = validator.validate(&module).map_err(|e| {
        let mut message = e.as_inner().to_string();
        let mut cause = std::error::Error::source(e.as_inner());
        while let Some(inner) = cause {
            write!(message, ": {inner}").unwrap();
            cause = inner.source();
        }
        place(e.location(&expanded.text), message)
    })?;
    Ok((module, info))
}

fn reflect(
    module: &Module,
    info: &naga::valid::ModuleInfo,
    index: usize,
    fields: &mut Option<Vec<Field>>,
) -> Result<Entry, String> {
    let usage = info.get_entry_point(index);
    let mut entry = Entry { name: module.entry_points[index].name.clone(), uniform: false, storage: Vec::new() };
    for (handle, global) in module.global_variables.iter() {
        if usage[handle] == GlobalUse::empty() {
            continue;
        }
        let name = global.name.clone().unwrap_or_default();
        match global.space {
            AddressSpace::Uniform => {
                let binding = global.binding.as_ref().ok_or("a uniform without a binding")?;
                if name != "params" || binding.group != 0 || binding.binding != 0 {
                    return Err(format!("the uniform is always `@group(0) @binding(0) params`, not {name}"));
                }
                let found = uniform_fields(module, global.ty)?;
                match fields {
                    Some(known) if *known != found => return Err("`Params` differs between variants".into()),
                    _ => *fields = Some(found),
                }
                entry.uniform = true;
            }
            AddressSpace::Storage { access } => {
                let binding = global.binding.as_ref().ok_or("a storage buffer without a binding")?;
                let written = access.contains(StorageAccess::STORE);
                entry.storage.push(Storage { name, index: binding.binding, written });
            }
            _ => {}
        }
    }
    entry.storage.sort_by_key(|s| s.index);
    if entry.storage.len() > 8 {
        return Err(format!("entry point {} binds {} storage buffers; the limit is 8", entry.name, entry.storage.len()));
    }
    Ok(entry)
}

fn uniform_fields(module: &Module, ty: naga::Handle<naga::Type>) -> Result<Vec<Field>, String> {
    let TypeInner::Struct { members, .. } = &module.types[ty].inner else {
        return Err("`params` is not a struct".into());
    };
    let mut end = 0;
    let mut fields = Vec::new();
    for member in members {
        let name = member.name.clone().unwrap_or_default();
        let inner = &module.types[member.ty].inner;
        let rust = rust_type(module, inner).ok_or_else(|| format!("`Params.{name}` has a type the build cannot mirror"))?;
        if member.offset != end {
            return Err(format!("`Params.{name}` leaves a gap before it: order the fields so that there is none"));
        }
        end = member.offset + inner.size(module.to_ctx());
        fields.push(Field { name, rust, offset: member.offset });
    }
    Ok(fields)
}

fn scalar_type(kind: ScalarKind) -> Option<&'static str> {
    match kind {
        ScalarKind::Uint => Some("u32"),
        ScalarKind::Sint => Some("i32"),
        ScalarKind::Float => Some("f32"),
        _ => None,
    }
}

fn rust_type(module: &Module, inner: &TypeInner) -> Option<String> {
    match inner {
        TypeInner::Scalar(s) if s.width == 4 => scalar_type(s.kind).map(String::from),
        TypeInner::Vector { size, scalar } if scalar.width == 4 => {
            Some(format!("[{}; {}]", scalar_type(scalar.kind)?, *size as u32))
        }
        TypeInner::Array { base, size: naga::ArraySize::Constant(n), .. } => {
            Some(format!("[{}; {n}]", rust_type(module, &module.types[*base].inner)?))
        }
        _ => None,
    }
}

fn generate(stem: &str, text: &str, axes: &[Axis], entries: &[Entry], fields: Vec<Field>) -> String {
    let mut out = String::new();
    let w = &mut out;
    let opening: Vec<&str> =
        text.lines().map_while(|line| line.strip_prefix("//")).map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    writeln!(w, "pub mod {stem} {{").unwrap();
    writeln!(w, "    //! Generated from `shaders/{stem}.wgsl`:\n    //! ```text").unwrap();
    for line in &opening {
        writeln!(w, "    //! {line}").unwrap();
    }
    writeln!(w, "    //! ```\n    use crate::gpu::{{Binding, Kernel, Source, Var}};").unwrap();
    let names: Vec<&str> = axes.iter().map(|a| a.name.as_str()).collect();
    writeln!(w, "    /// The shader's text and its axes.\n    pub static SOURCE: Source = Source {{").unwrap();
    writeln!(w, "        name: {stem:?}, axes: &{names:?},").unwrap();
    writeln!(w, "        text: include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/shaders/{stem}.wgsl\")),\n    }};").unwrap();
    if !fields.is_empty() {
        writeln!(w, "    /// Twin of the shader's `Params`; its layout is checked below.").unwrap();
        writeln!(w, "    #[repr(C)]\n    #[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]").unwrap();
        writeln!(w, "    pub struct Params {{").unwrap();
        for field in &fields {
            writeln!(w, "        pub {}: {},", field.name, field.rust).unwrap();
        }
        writeln!(w, "    }}\n    const _: () = {{").unwrap();
        for field in &fields {
            writeln!(w, "        assert!(core::mem::offset_of!(Params, {}) == {});", field.name, field.offset).unwrap();
        }
        writeln!(w, "    }};").unwrap();
    }
    for entry in entries {
        let name: String = entry.name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        writeln!(w, "    /// Entry point `{}`.\n    #[derive(Clone, Copy, Debug)]\n    pub struct {name} {{", entry.name)
            .unwrap();
        if entry.uniform {
            writeln!(w, "        pub params: Params,").unwrap();
        }
        for storage in &entry.storage {
            let access = if storage.written { "Written" } else { "Read" };
            writeln!(w, "        /// {access}.\n        pub {}: Var,", storage.name).unwrap();
        }
        writeln!(w, "    }}\n    impl Kernel for {name} {{").unwrap();
        writeln!(w, "        const ENTRY: &'static str = {:?};", entry.name).unwrap();
        writeln!(w, "        const UNIFORM: bool = {};", entry.uniform).unwrap();
        writeln!(w, "        const BINDINGS: &'static [Binding] = &[").unwrap();
        for s in &entry.storage {
            writeln!(w, "            Binding {{ name: {:?}, index: {}, written: {} }},", s.name, s.index, s.written).unwrap();
        }
        writeln!(w, "        ];\n        fn source(&self) -> &'static Source {{ &SOURCE }}").unwrap();
        let params = if entry.uniform { "bytemuck::bytes_of(&self.params)" } else { "&[]" };
        writeln!(w, "        fn params(&self) -> &[u8] {{ {params} }}").unwrap();
        let operands: Vec<String> = entry.storage.iter().map(|s| format!("self.{}", s.name)).collect();
        writeln!(w, "        fn operands(&self) -> Vec<Var> {{ vec![{}] }}\n    }}", operands.join(", ")).unwrap();
    }
    writeln!(w, "}}").unwrap();
    out
}
