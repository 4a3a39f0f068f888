//! From a kernel to what the device runs.

use super::Gpu;
use super::kernel::{Compiled, Kernel, Layout, Source, Value};
use super::kernels;
use super::preprocess::{self, Values};
use crate::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn import(path: &str) -> Option<String> {
    kernels::IMPORTS.iter().find(|(name, _)| *name == path).map(|(_, text)| text.to_string())
}

/// The WGSL of one variant.
///
/// # Errors
/// A variant that does not exist.
fn text(source: &Source, variant: &[Value]) -> Result<String> {
    let values: Values =
        source.axes.iter().zip(variant).map(|(axis, value)| (axis.name.to_string(), value.to_string())).collect();
    let refused = |problem: String| Error::Device(format!("shaders/{problem} (variant {})", source.written(variant)));
    for requirement in source.requirements {
        if !preprocess::holds(requirement, &values).map_err(refused)? {
            return Err(refused(format!("{}.wgsl has no such variant: it requires {requirement}", source.name)));
        }
    }
    preprocess::expand(source.name, source.text, &import, &values)
        .map(|expanded| expanded.text)
        .map_err(|p| refused(format!("{}.wgsl:{}: {}", p.file, p.line, p.message)))
}

impl Gpu {
    /// The compiled entry point of `kernel`, from the cache where it has been asked for before.
    pub(super) fn compile<K: Kernel>(&self, kernel: &K) -> Result<Arc<Compiled>> {
        let source = kernel.source();
        let variant = kernel.variant();
        let key = (source.name, K::ENTRY, variant.clone());
        let held = "no holder of this lock panics";
        if let Some(known) = self.inner.pipelines.compiled.lock().expect(held).get(&key) {
            return Ok(known.clone());
        }
        #[cfg(feature = "testing")]
        super::coverage::note(source, &variant);
        let device = &self.inner.device;
        let module = {
            let mut modules = self.inner.pipelines.modules.lock().expect(held);
            match modules.get(&(source.name, variant.clone())) {
                Some(module) => module.clone(),
                None => {
                    let text = text(source, &variant)?;
                    let descriptor =
                        wgpu::ShaderModuleDescriptor { label: Some(source.name), source: wgpu::ShaderSource::Wgsl(text.into()) };
                    let module = if self.inner.options.checked {
                        device.create_shader_module(descriptor)
                    } else {
                        // SAFETY: whoever calls, a kernel gets operands that are as long as its sizes say. Kernels are this crate's
                        // own and recorded by its ops alone, which refuse operands that do not fit; a value of another recording
                        // has no place in this one, and a place is as long as its value. Within these sizes no kernel leaves its
                        // buffers and each of its loops ends, which the tests of ops see with the checks on, at edge sizes.
                        unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
                    };
                    self.check()?;
                    modules.insert((source.name, variant.clone()), module.clone());
                    module
                }
            }
        };
        let buffers = K::BINDINGS.iter().map(|binding| (binding.index, binding.written)).collect();
        let layout = Layout { uniform: K::UNIFORM, buffers };
        let label = format!("{}::{}", source.name, K::ENTRY);
        let compiled = Arc::new(self.pipeline(&module, label, K::ENTRY, &layout, source.written(&variant))?);
        self.inner.pipelines.compiled.lock().expect(held).insert(key, compiled.clone());
        Ok(compiled)
    }

    /// The pipeline of one entry point of a module.
    pub(super) fn pipeline(
        &self,
        module: &wgpu::ShaderModule,
        label: String,
        entry: &str,
        layout: &Layout,
        variant: String,
    ) -> Result<Compiled> {
        let device = &self.inner.device;
        let buffer = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        };
        let uniform = layout.uniform.then(|| buffer(0, wgpu::BufferBindingType::Uniform));
        let storage = layout
            .buffers
            .iter()
            .map(|&(index, written)| buffer(index, wgpu::BufferBindingType::Storage { read_only: !written }));
        let entries: Vec<_> = uniform.into_iter().chain(storage).collect();
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(&label), entries: &entries });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(&label),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&label),
            layout: Some(&pipeline_layout),
            module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        self.check()?;
        let variant = format!("{label} {variant}").trim_end().to_string();
        Ok(Compiled { pipeline, layout, label, variant, ready: AtomicBool::new(false) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::Number;

    #[test]
    fn variants_that_do_not_exist_are_refused_with_what_they_lack() {
        let of = |side, unit| text(&kernels::triangular::SOURCE, &[Value::Word(side), Value::Number(unit)]);
        assert!(of("lower", 1).unwrap().contains("fn solve"));
        let told = of("lower", 0).unwrap_err().to_string();
        assert!(told.contains("shaders/triangular.wgsl has no such variant: it requires SIDE == lower && UNIT == 1"), "{told}");
        assert!(told.contains("(variant SIDE=lower UNIT=0)"), "{told}");
    }

    #[test]
    fn numbers_outside_of_an_axis_are_refused() {
        assert_eq!(Value::from(Number::<1, 64>::try_from(64).unwrap()), Value::Number(64));
        for outside in [0, 65, usize::MAX] {
            let told = Number::<1, 64>::try_from(outside).unwrap_err().to_string();
            assert!(told.contains(&format!("a size of {outside}: it lies between 1 and 64")), "{told}");
        }
    }
}
