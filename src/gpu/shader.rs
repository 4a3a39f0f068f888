//! [`Shader`]: a compute shader from outside this crate, for ops of one's own.
//!
//! Every kernel of this crate is compiled without bounds checks, because what records it has checked the sizes of its operands. Of a
//! shader from elsewhere nothing is known, so it keeps the checks: reads outside a buffer give some value of that buffer, writes outside
//! are dropped, and loops end.
//!
//! ```
//! use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let square = gpu.shader(
//!     "struct Params { len: u32 }
//!      @group(0) @binding(0) var<uniform> params: Params;
//!      @group(0) @binding(1) var<storage, read> x: array<f32>;
//!      @group(0) @binding(2) var<storage, read_write> out: array<f32>;
//!      @compute @workgroup_size(64)
//!      fn square(@builtin(global_invocation_id) id: vec3<u32>) {
//!          if (id.x < params.len) { out[id.x] = x[id.x] * x[id.x]; }
//!      }",
//!     "square",
//! )?;
//! let x = gpu.upload(1, 3, &[1.0, 2.0, 3.0])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let x = rec.tensor(&x);
//! let out = rec.empty(1, 3)?;
//! rec.run(&square, &3u32, &[("x", x), ("out", out)], [1, 1, 1])?;
//! let out = rec.keep(out);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(out)?, [1.0, 4.0, 9.0]);
//! # Ok(())
//! # }
//! ```

use super::kernel::{Compiled, Layout};
use super::{Gpu, Recorder, Var};
use crate::{Error, Result};
use std::sync::Arc;
use wgpu::naga::valid::{Capabilities, GlobalUse, ValidationFlags, Validator};
use wgpu::naga::{AddressSpace, Module, ShaderStage, StorageAccess, front, proc::Layouter};

/// Most storage buffers that one entry point binds on every device.
const MOST_BUFFERS: usize = 8;

/// A compiled compute shader from outside this crate ([`Gpu::shader`]); a cheap clone.
#[derive(Clone, Debug)]
pub struct Shader {
    gpu: Gpu,
    compiled: Arc<Compiled>,
    /// Bytes of the uniform at binding 0; none where the entry point reads none.
    uniform: Option<usize>,
    bindings: Vec<Bound>,
}

/// A storage buffer that the entry point uses.
#[derive(Clone, Debug)]
struct Bound {
    name: String,
    index: u32,
    written: bool,
}

impl Gpu {
    /// Compiles one entry point of a WGSL text. Its bindings are in group 0: a uniform at binding 0, if it reads one, and storage buffers
    /// at the others, each with a name under which [`Recorder::run`] is given its value. The shader runs with bounds checks.
    ///
    /// # Errors
    /// A text that is no valid WGSL (the message shows the line), an entry point that it does not have, and bindings of another kind.
    pub fn shader(&self, text: &str, entry: &str) -> Result<Shader> {
        self.outer_shader(text, entry, wgpu::ShaderRuntimeChecks::checked())
    }

    /// The same without bounds checks and loop bounds: faster.
    ///
    /// # Safety
    /// With every operand, parameter and number of workgroups that it is run with, the shader must not access a buffer outside its bounds,
    /// and each of its loops must end.
    pub unsafe fn shader_unchecked(&self, text: &str, entry: &str) -> Result<Shader> {
        self.outer_shader(text, entry, wgpu::ShaderRuntimeChecks::unchecked())
    }

    fn outer_shader(&self, text: &str, entry: &str, checks: wgpu::ShaderRuntimeChecks) -> Result<Shader> {
        let (uniform, bindings) = reflect(text, entry)?;
        let descriptor = wgpu::ShaderModuleDescriptor { label: Some(entry), source: wgpu::ShaderSource::Wgsl(text.into()) };
        // SAFETY: either the checks are on, or the caller of `shader_unchecked` promised that none is needed.
        let module = unsafe { self.inner.device.create_shader_module_trusted(descriptor, checks) };
        self.check()?;
        let buffers = bindings.iter().map(|bound| (bound.index, bound.written)).collect();
        let layout = Layout { uniform: uniform.is_some(), buffers };
        let compiled = self.pipeline(&module, format!("shader::{entry}"), entry, &layout, String::new())?;
        Ok(Shader { gpu: self.clone(), compiled: Arc::new(compiled), uniform, bindings })
    }
}

impl Recorder {
    /// Appends a dispatch of a shader from outside this crate: `params` are the uniform's bytes (`&()` where it reads none), `operands`
    /// the value of every storage buffer, by name. A value that is written may not be bound twice. What a shader writes has no gradient
    /// rule until [`Recorder::record`] gives it one.
    ///
    /// # Errors
    /// A shader or value of another device or recording, parameters of another size, an operand that is missing or unknown, and more
    /// than 65,535 workgroups in a direction.
    pub fn run<P: bytemuck::NoUninit>(
        &mut self,
        shader: &Shader,
        params: &P,
        operands: &[(&str, Var)],
        groups: [u32; 3],
    ) -> Result<()> {
        let refused = |problem: String| Err(Error::shape("run", format!("{}: {problem}", shader.compiled.label)));
        if !shader.gpu.is_same_device(&self.gpu) {
            return refused("it was compiled for another device".into());
        }
        let params = bytemuck::bytes_of(params);
        match shader.uniform {
            Some(bytes) if bytes != params.len() => {
                return refused(format!("its uniform takes {bytes} bytes, and {} were given", params.len()));
            }
            None if !params.is_empty() => return refused("it reads no uniform, and parameters were given".into()),
            _ => {}
        }
        let names = || shader.bindings.iter().map(|bound| format!("`{}`", bound.name)).collect::<Vec<_>>().join(", ");
        if let Some((unknown, _)) = operands.iter().find(|(name, _)| shader.bindings.iter().all(|bound| bound.name != *name)) {
            return refused(format!("there is no operand `{unknown}`; its operands are {}", names()));
        }
        let mut values = Vec::with_capacity(shader.bindings.len());
        for bound in &shader.bindings {
            let mut given = operands.iter().filter(|(name, _)| *name == bound.name);
            match (given.next(), given.next()) {
                (Some((_, var)), None) => values.push((bound.name.as_str(), bound.index, bound.written, *var)),
                (None, _) => return refused(format!("operand `{}` is missing; its operands are {}", bound.name, names())),
                (Some(_), Some(_)) => return refused(format!("operand `{}` is given twice", bound.name)),
            }
        }
        self.append("run", shader.compiled.clone(), params.to_vec(), &values, groups)
    }
}

/// Size of the uniform that an entry point reads, and its storage buffers.
fn reflect(text: &str, entry: &str) -> Result<(Option<usize>, Vec<Bound>)> {
    let module =
        front::wgsl::parse_str(text).map_err(|e| Error::usage(format!("the shader is no WGSL: {}", e.emit_to_string(text))))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::all())
        .validate(&module)
        .map_err(|e| Error::usage(format!("the shader is not valid: {}", e.emit_to_string(text))))?;
    let Some(index) = module.entry_points.iter().position(|e| e.name == entry && e.stage == ShaderStage::Compute) else {
        let known: Vec<_> = module.entry_points.iter().map(|e| e.name.as_str()).collect();
        return Err(Error::usage(format!("the shader has no compute entry point `{entry}`; it has: {}", known.join(", "))));
    };
    let refused = |problem: String| Err(Error::usage(format!("the shader's entry point `{entry}` {problem}")));
    let usage = info.get_entry_point(index);
    let (mut uniform, mut bindings) = (None, Vec::new());
    for (_, global) in module.global_variables.iter().filter(|(handle, _)| usage[*handle] != GlobalUse::empty()) {
        let name = global.name.clone().unwrap_or_default();
        let place = global.binding.map(|binding| (binding.group, binding.binding));
        match (global.space, place) {
            (AddressSpace::Uniform, Some((0, 0))) => uniform = Some(bytes_of(&module, global.ty)?),
            (AddressSpace::Storage { access }, Some((0, index))) if index > 0 => {
                bindings.push(Bound { name, index, written: access.contains(StorageAccess::STORE) });
            }
            (_, None) => {}
            _ => {
                return refused(format!(
                    "uses `{name}`: a uniform is at binding 0 of group 0, storage buffers are at its others"
                ));
            }
        }
    }
    if bindings.len() > MOST_BUFFERS {
        return refused(format!("uses {} storage buffers, and {MOST_BUFFERS} is the most", bindings.len()));
    }
    bindings.sort_by_key(|bound| bound.index);
    Ok((uniform, bindings))
}

fn bytes_of(module: &Module, ty: wgpu::naga::Handle<wgpu::naga::Type>) -> Result<usize> {
    let mut layouter = Layouter::default();
    layouter.update(module.to_ctx()).map_err(|e| Error::usage(format!("the shader's uniform has no layout: {e}")))?;
    Ok(layouter[ty].size as usize)
}
