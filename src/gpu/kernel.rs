//! Kernels: a shader's text, the variant asked for, and the cache of what was compiled.

use super::kernels;
use super::preprocess::{self, Values};
use super::var::Var;
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// A shader's text and the names that a variant must give values.
#[derive(Debug)]
pub struct Source {
    pub name: &'static str,
    pub axes: &'static [&'static str],
    pub text: &'static str,
}

/// One storage binding of an entry point, as the shader declares it.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub name: &'static str,
    pub index: u32,
    pub written: bool,
}

/// One entry point with its operands; implemented by the structs in [`kernels`] alone.
pub trait Kernel {
    const ENTRY: &'static str;
    /// Whether the entry point reads `params`.
    const UNIFORM: bool;
    const BINDINGS: &'static [Binding];
    fn source(&self) -> &'static Source;
    fn params(&self) -> &[u8];
    fn operands(&self) -> Vec<Var>;
}

/// The values of a shader's axes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Axes(Vec<(&'static str, String)>);

impl Axes {
    /// No axes at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// The same with one more value.
    pub fn set(mut self, name: &'static str, value: impl ToString) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value.to_string()));
        self.0.sort_unstable();
        self
    }

    /// `NAME=value` of each, separated by spaces.
    pub(super) fn written(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    fn values(&self) -> Values {
        self.0.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
    }
}

/// A compiled entry point.
#[derive(Debug)]
pub(super) struct Compiled {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
    /// `shader::entry_point`.
    pub label: String,
    /// Shader, entry point and axes, for a reader.
    pub variant: String,
    /// Whether the driver has been made to write its machine code (`Gpu::compile_ahead`).
    pub ready: AtomicBool,
}

/// What an entry point binds: a uniform at 0, and storage buffers (index, written).
pub(super) struct Layout {
    pub uniform: bool,
    pub buffers: Vec<(u32, bool)>,
}

type Key = (&'static str, &'static str, Axes);

/// Everything that this device has compiled.
#[derive(Default)]
pub(super) struct Pipelines {
    pub modules: Mutex<HashMap<(&'static str, Axes), wgpu::ShaderModule>>,
    pub compiled: Mutex<HashMap<Key, Arc<Compiled>>>,
}

fn import(path: &str) -> Option<String> {
    kernels::IMPORTS.iter().find(|(name, _)| *name == path).map(|(_, text)| text.to_string())
}

impl Source {
    /// The WGSL of one variant.
    pub fn variant(&self, axes: &Axes) -> Result<String> {
        let unknown = axes.0.iter().map(|(name, _)| *name).find(|name| !self.axes.contains(name));
        let missing = self.axes.iter().copied().find(|name| axes.0.iter().all(|(given, _)| given != name));
        for (name, problem) in [(unknown, "has no axis"), (missing, "needs a value for its axis")] {
            if let Some(name) = name {
                return Err(Error::Device(format!("shaders/{}.wgsl {problem} {name}", self.name)));
            }
        }
        preprocess::expand(self.name, self.text, &import, &axes.values())
            .map(|expanded| expanded.text)
            .map_err(|p| Error::Device(format!("shaders/{}.wgsl:{}: {} (variant {axes:?})", p.file, p.line, p.message)))
    }
}
