//! The Rust code of a shader: its variants as types, its uniform, and one struct an entry point.

use super::declared::{Axis, Declared, Kind};
use super::reflect::{Constant, Entry, Field};
use std::fmt::Write as _;

/// All that is known of a shader.
pub struct Shader {
    /// Its path below `shaders`, without an ending.
    pub name: String,
    pub text: String,
    pub declared: Declared,
    /// What its variants consist of ([`Declared::parts`]).
    pub parts: Vec<String>,
    pub entries: Vec<Entry>,
    pub fields: Vec<Field>,
    pub constants: Vec<Constant>,
}

/// `wide_broadcast` or `FAMILY` as the name of a type.
fn type_name(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_uppercase() + &word[1..].to_lowercase()).collect()
}

fn stem(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// `a/b` as a path of modules.
fn module_path(file: &str) -> String {
    file.replace('/', "::")
}

fn rust_type(axis: &Axis) -> String {
    match &axis.kind {
        Kind::Flag => "bool".into(),
        Kind::Words(_) | Kind::Numbers(_) | Kind::Range { .. } => {
            format!("crate::gpu::kernels::{}::axis::{}", module_path(&axis.file), type_name(&axis.name))
        }
    }
}

/// The axes that each text declares, in order: the shader's own first.
fn by_file<'a>(name: &str, declared: &'a Declared) -> Vec<(&'a str, Vec<&'a Axis>)> {
    let mut files: Vec<(&str, Vec<&Axis>)> = Vec::new();
    for axis in &declared.axes {
        match files.iter_mut().find(|(file, _)| *file == axis.file) {
            Some((_, axes)) => axes.push(axis),
            None => files.push((&axis.file, vec![axis])),
        }
    }
    files.sort_by_key(|(file, _)| *file != name);
    files
}

/// The axes of a shader in the order of its variant's values.
fn axes_in_order<'a>(name: &str, declared: &'a Declared) -> Vec<&'a Axis> {
    by_file(name, declared).into_iter().flat_map(|(_, axes)| axes).collect()
}

/// The types of the axes that one text declares: an enum for words and for numbers.
fn axis_types(axes: &[&Axis]) -> String {
    let mut w = String::new();
    for axis in axes {
        let name = type_name(&axis.name);
        let variants: Vec<(String, String)> = match &axis.kind {
            Kind::Words(words) => words.iter().map(|word| (type_name(word), format!("Value::Word({word:?})"))).collect(),
            Kind::Numbers(numbers) => numbers.iter().map(|n| (format!("{name}{n}"), format!("Value::Number({n})"))).collect(),
            Kind::Flag => continue,
            Kind::Range { low, high, .. } => {
                writeln!(w, "/// The axis `{}`.\npub type {name} = crate::gpu::Number<{low}, {high}>;", axis.name).unwrap();
                continue;
            }
        };
        writeln!(w, "/// The axis `{}`.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]\npub enum {name} {{", axis.name)
            .unwrap();
        for (index, (variant, _)) in variants.iter().enumerate() {
            match &axis.kind {
                Kind::Numbers(numbers) => writeln!(w, "    {variant} = {},", numbers[index]).unwrap(),
                _ => writeln!(w, "    {variant},").unwrap(),
            }
        }
        writeln!(w, "}}\nimpl From<{name}> for Value {{\n    fn from(value: {name}) -> Value {{\n        match value {{")
            .unwrap();
        variants.iter().for_each(|(variant, value)| writeln!(w, "            {name}::{variant} => {value},").unwrap());
        writeln!(w, "        }}\n    }}\n}}").unwrap();
    }
    match w.is_empty() {
        true => w,
        false => {
            let value = if w.contains("enum") { "use crate::gpu::Value;\n" } else { "" };
            format!("/// The values of this text's axes.\npub mod axis {{\n{value}{w}}}\n")
        }
    }
}

const DERIVED: &str = "#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]";

/// The numbers that one text shares with Rust.
fn numbers(shader: &Shader, file: &str) -> String {
    let mut w = String::new();
    let lets = shader.declared.shared.iter().filter(|shared| shared.file == file);
    let lets = lets.map(|shared| (&shared.name, shared.rust, shared.value.clone()));
    let constants = shader.constants.iter().filter(|constant| constant.file == file);
    let constants = constants.map(|constant| (&constant.name, constant.rust, constant.value.clone()));
    let mut seen = Vec::new();
    for (name, rust, value) in lets.chain(constants) {
        if !seen.contains(name) {
            writeln!(
                w,
                "#[allow(dead_code, clippy::excessive_precision, clippy::approx_constant)]\npub const {name}: {rust} = {value};"
            )
            .unwrap();
            seen.push(name.clone());
        }
    }
    w
}

/// The module of what a shader of the list imports: its axes and numbers.
pub fn import(file: &str, importers: &[Shader]) -> String {
    let mut w = String::new();
    let Some(shader) = importers.iter().find(|shader| shader.declared.axes.iter().any(|axis| axis.file == file)) else {
        if let Some(shader) = importers.iter().find(|shader| !numbers(shader, file).is_empty()) {
            writeln!(w, "pub mod {} {{\n{}}}", stem(file), numbers(shader, file)).unwrap();
        }
        return w;
    };
    let axes: Vec<&Axis> = shader.declared.axes.iter().filter(|axis| axis.file == file).collect();
    writeln!(w, "pub mod {} {{\n    //! Generated from `shaders/{file}.wgsl`.", stem(file)).unwrap();
    w.push_str(&axis_types(&axes));
    if axes.len() > 1 {
        writeln!(w, "/// The axes that it brings to its importers.\n{DERIVED}\npub struct Axes {{").unwrap();
        axes.iter().for_each(|axis| writeln!(w, "    pub {}: {},", axis.name.to_lowercase(), rust_type(axis)).unwrap());
        writeln!(w, "}}").unwrap();
    }
    w.push_str(&numbers(shader, file));
    writeln!(w, "}}").unwrap();
    w
}

/// The module of a shader.
pub fn shader(shader: &Shader) -> String {
    let Shader { name, text, .. } = shader;
    let mut out = String::new();
    let w = &mut out;
    let opening: Vec<&str> =
        text.lines().map_while(|line| line.strip_prefix("//")).map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    writeln!(w, "pub mod {} {{", stem(name)).unwrap();
    writeln!(w, "    //! Generated from `shaders/{name}.wgsl`:\n    //! ```text").unwrap();
    for line in &opening {
        writeln!(w, "    //! {line}").unwrap();
    }
    writeln!(w, "    //! ```\n    use crate::gpu::{{Binding, Kernel, Source, Var}};").unwrap();
    writeln!(
        w,
        "    /// The shader's text, its axes, and which of its variants exist.\n    pub static SOURCE: Source = Source {{"
    )
    .unwrap();
    writeln!(w, "        name: {name:?},").unwrap();
    writeln!(w, "        text: include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/shaders/{name}.wgsl\")),").unwrap();
    let axes = axes_in_order(name, &shader.declared);
    let listed: Vec<String> = axes
        .iter()
        .map(|axis| {
            let range = matches!(axis.kind, Kind::Range { .. });
            format!("crate::gpu::Axis {{ name: {:?}, #[cfg(feature = \"testing\")] range: {range} }}", axis.name)
        })
        .collect();
    writeln!(w, "        axes: &[{}],", listed.join(", ")).unwrap();
    let requirements: Vec<&str> = shader.declared.requirements.iter().map(|r| r.condition.as_str()).collect();
    writeln!(w, "        requirements: &{requirements:?},").unwrap();
    writeln!(w, "        #[cfg(feature = \"testing\")]\n        parts: &{:?},\n    }};", shader.parts).unwrap();

    let own: Vec<&Axis> = shader.declared.axes.iter().filter(|axis| axis.file == *name).collect();
    w.push_str(&axis_types(&own));
    w.push_str(&numbers(shader, name));
    if !axes.is_empty() {
        writeln!(w, "    /// A variant of the shader.\n    {DERIVED}\n    pub struct Variant {{").unwrap();
        let mut values = Vec::new();
        for (file, axes) in by_file(name, &shader.declared) {
            if file == name || axes.len() == 1 {
                for axis in axes {
                    let field = axis.name.to_lowercase();
                    writeln!(w, "        pub {field}: {},", rust_type(axis)).unwrap();
                    values.push(format!("self.{field}.into()"));
                }
            } else {
                writeln!(w, "        pub {}: crate::gpu::kernels::{}::Axes,", stem(file), module_path(file)).unwrap();
                values.extend(axes.iter().map(|axis| format!("self.{}.{}.into()", stem(file), axis.name.to_lowercase())));
            }
        }
        writeln!(
            w,
            "    }}\n    impl Variant {{\n        fn values(&self) -> Vec<crate::gpu::Value> {{ vec![{}] }}\n    }}",
            values.join(", ")
        )
        .unwrap();
    }
    if !shader.fields.is_empty() {
        writeln!(w, "    /// Twin of the shader's `Params`; its layout is checked below.").unwrap();
        writeln!(w, "    #[repr(C)]\n    #[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]").unwrap();
        writeln!(w, "    pub struct Params {{").unwrap();
        for field in &shader.fields {
            writeln!(w, "        pub {}: {},", field.name, field.rust).unwrap();
        }
        writeln!(w, "    }}\n    const _: () = {{").unwrap();
        for field in &shader.fields {
            writeln!(w, "        assert!(core::mem::offset_of!(Params, {}) == {});", field.name, field.offset).unwrap();
        }
        writeln!(w, "    }};").unwrap();
    }
    for entry in &shader.entries {
        entry_point(w, entry, !axes.is_empty());
    }
    writeln!(w, "}}").unwrap();
    out
}

fn entry_point(w: &mut String, entry: &Entry, variants: bool) {
    let name = type_name(&entry.name);
    writeln!(w, "    /// Entry point `{}`.\n    #[derive(Clone, Copy, Debug)]\n    pub struct {name} {{", entry.name).unwrap();
    if variants {
        writeln!(w, "        pub variant: Variant,").unwrap();
    }
    if entry.uniform {
        writeln!(w, "        pub params: Params,").unwrap();
    }
    for storage in &entry.storage {
        let access = if storage.written { "Written" } else { "Read" };
        writeln!(w, "        /// {access}.\n        pub {}: Var,", storage.name).unwrap();
    }
    writeln!(w, "    }}").unwrap();
    if let Some(width) = entry.width {
        writeln!(w, "    impl {name} {{\n        /// Invocations of a workgroup.").unwrap();
        writeln!(w, "        #[allow(dead_code)]\n        pub const WIDTH: u32 = {width};\n    }}").unwrap();
    }
    writeln!(w, "    impl Kernel for {name} {{").unwrap();
    writeln!(w, "        const ENTRY: &'static str = {:?};", entry.name).unwrap();
    writeln!(w, "        const UNIFORM: bool = {};", entry.uniform).unwrap();
    writeln!(w, "        const BINDINGS: &'static [Binding] = &[").unwrap();
    for s in &entry.storage {
        writeln!(w, "            Binding {{ name: {:?}, index: {}, written: {} }},", s.name, s.index, s.written).unwrap();
    }
    writeln!(w, "        ];\n        fn source(&self) -> &'static Source {{ &SOURCE }}").unwrap();
    let values = if variants { "self.variant.values()" } else { "Vec::new()" };
    writeln!(w, "        fn variant(&self) -> Vec<crate::gpu::Value> {{ {values} }}").unwrap();
    let params = if entry.uniform { "bytemuck::bytes_of(&self.params)" } else { "&[]" };
    writeln!(w, "        fn params(&self) -> &[u8] {{ {params} }}").unwrap();
    let operands: Vec<String> = entry.storage.iter().map(|s| format!("self.{}", s.name)).collect();
    writeln!(w, "        fn operands(&self) -> Vec<Var> {{ vec![{}] }}\n    }}", operands.join(", ")).unwrap();
}
