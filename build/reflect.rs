//! What naga says of one variant: whether it is valid, and its entry points, uniform and constants.

use super::preprocess::{Expanded, Values};
use naga::valid::{Capabilities, GlobalUse, ModuleInfo, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator};
use naga::{AddressSpace, Expression, Literal, Module, ScalarKind, StorageAccess, TypeInner};
use std::fmt::Write as _;
use std::rc::Rc;

/// A storage binding of one entry point.
#[derive(Clone, PartialEq)]
pub struct Storage {
    pub name: String,
    pub index: u32,
    pub written: bool,
}

#[derive(Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub rust: String,
    pub offset: u32,
}

/// What the Rust side needs of one entry point; the same for every variant that has it, but for the number of invocations.
#[derive(Clone)]
pub struct Entry {
    pub name: String,
    pub uniform: bool,
    pub storage: Vec<Storage>,
    /// Invocations of a workgroup, where every variant has as many.
    pub width: Option<u32>,
}

/// A constant of a text: its name, Rust type and value.
#[derive(Clone, PartialEq)]
pub struct Constant {
    pub file: String,
    pub name: String,
    pub rust: &'static str,
    pub value: String,
}

pub fn validated(expanded: &Expanded, values: &Values) -> Result<(Module, ModuleInfo), String> {
    let place = |location: Option<naga::SourceLocation>, message: String| {
        let mut values: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        values.sort();
        let variant = if values.is_empty() { String::new() } else { format!(" (variant {})", values.join(" ")) };
        match location {
            Some(at) => {
                let (file, line) = origin(expanded, at);
                format!("shaders/{file}.wgsl:{line}:{}: {message}{variant}", at.line_position)
            }
            None => format!("{message}{variant}"),
        }
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

fn origin(expanded: &Expanded, at: naga::SourceLocation) -> &(Rc<str>, usize) {
    &expanded.origin[(at.line_number as usize - 1).min(expanded.origin.len() - 1)]
}

/// One entry point, and the fields of the uniform that it reads.
pub fn entry(module: &Module, info: &ModuleInfo, index: usize) -> Result<(Entry, Option<Vec<Field>>), String> {
    let usage = info.get_entry_point(index);
    let point = &module.entry_points[index];
    let width = match point.workgroup_size {
        [width, 1, 1] => Some(width),
        _ => None,
    };
    let mut entry = Entry { name: point.name.clone(), uniform: false, storage: Vec::new(), width };
    let mut fields = None;
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
                fields = Some(uniform_fields(module, global.ty)?);
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
    Ok((entry, fields))
}

/// The constants of a module that are numbers, each with the text that declares it.
pub fn constants(module: &Module, expanded: &Expanded) -> Vec<Constant> {
    let mut found = Vec::new();
    for (handle, constant) in module.constants.iter() {
        let (Some(name), Expression::Literal(literal)) = (&constant.name, &module.global_expressions[constant.init]) else {
            continue;
        };
        let (rust, value) = match literal {
            Literal::U32(value) => ("u32", value.to_string()),
            Literal::I32(value) => ("i32", value.to_string()),
            Literal::F32(value) => ("f32", format!("{value:?}")),
            _ => continue,
        };
        let (file, _) = origin(expanded, module.constants.get_span(handle).location(&expanded.text));
        found.push(Constant { file: file.to_string(), name: name.clone(), rust, value });
    }
    found
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
