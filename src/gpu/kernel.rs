//! Kernels: a shader's text, the variant asked for, and the cache of what was compiled.

use super::var::Var;
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// A shader's text, its axes, and which of its variants exist.
#[derive(Debug)]
pub struct Source {
    /// Its path below `shaders`.
    pub name: &'static str,
    pub text: &'static str,
    pub axes: &'static [Axis],
    /// Conditions that each variant meets.
    pub requirements: &'static [&'static str],
    /// What its variants consist of, those values left out that are numbers of a range: each a list of `NAME=value` and `NAME!=value`.
    #[cfg(feature = "testing")]
    pub parts: &'static [&'static str],
}

/// One specialization of a shader.
#[derive(Debug)]
pub struct Axis {
    pub name: &'static str,
    /// Whether it is a [`Number`].
    #[cfg(feature = "testing")]
    pub range: bool,
}

/// What one axis of a variant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    Word(&'static str),
    Number(u32),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Number(value.into())
    }
}

/// A number that a shader is written for, from `LOW` to `HIGH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number<const LOW: u32, const HIGH: u32>(u32);

impl<const LOW: u32, const HIGH: u32> Number<LOW, HIGH> {
    /// The largest.
    pub const HIGH: usize = HIGH as usize;
}

impl<const LOW: u32, const HIGH: u32> TryFrom<usize> for Number<LOW, HIGH> {
    type Error = Error;

    fn try_from(number: usize) -> Result<Self> {
        match u32::try_from(number).ok().filter(|number| (LOW..=HIGH).contains(number)) {
            Some(number) => Ok(Self(number)),
            None => Err(Error::Device(format!("no kernel is written for a size of {number}: it lies between {LOW} and {HIGH}"))),
        }
    }
}

impl<const LOW: u32, const HIGH: u32> From<Number<LOW, HIGH>> for Value {
    fn from(number: Number<LOW, HIGH>) -> Self {
        Self::Number(number.0)
    }
}

/// One storage binding of an entry point, as the shader declares it.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub name: &'static str,
    pub index: u32,
    pub written: bool,
}

/// One entry point with its operands; implemented by the structs in [`super::kernels`] alone.
pub trait Kernel {
    const ENTRY: &'static str;
    /// Whether the entry point reads `params`.
    const UNIFORM: bool;
    const BINDINGS: &'static [Binding];
    fn source(&self) -> &'static Source;
    /// A value for each of the source's axes.
    fn variant(&self) -> Vec<Value>;
    fn params(&self) -> &[u8];
    fn operands(&self) -> Vec<Var>;
}

/// A compiled entry point.
#[derive(Debug)]
pub(super) struct Compiled {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
    /// `shader::entry_point`.
    pub label: String,
    /// Shader, entry point and variant, for a reader.
    pub variant: String,
    /// Whether the driver has been made to write its machine code (`Gpu::compile_ahead`).
    pub ready: AtomicBool,
}

/// What an entry point binds: a uniform at 0, and storage buffers (index, written).
pub(super) struct Layout {
    pub uniform: bool,
    pub buffers: Vec<(u32, bool)>,
}

type Key = (&'static str, &'static str, Vec<Value>);

/// Everything that this device has compiled.
#[derive(Default)]
pub(super) struct Pipelines {
    pub modules: Mutex<HashMap<(&'static str, Vec<Value>), wgpu::ShaderModule>>,
    pub compiled: Mutex<HashMap<Key, Arc<Compiled>>>,
}

impl Source {
    /// `NAME=value` of each axis, separated by spaces.
    pub(super) fn written(&self, variant: &[Value]) -> String {
        let named = self.axes.iter().zip(variant).map(|(axis, value)| format!("{}={value}", axis.name));
        named.collect::<Vec<_>>().join(" ")
    }
}
