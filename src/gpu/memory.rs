//! Memory of a step: values that do not live at the same time share buffers of one size class.

use super::schedule::{Dispatch, Storage};
use super::tensor::padded_bytes;
use super::{Gpu, Tensor};
use crate::Result;
use std::collections::HashMap;
use wgpu::BufferUsages;

pub(super) struct Memory {
    /// The buffer of every transient storage that a dispatch touches.
    pub of: Vec<Option<wgpu::Buffer>>,
    /// Bytes allocated in all.
    pub bytes: u64,
}

/// Rounds up to one of four sizes an octave, so that values of nearly the same size can share.
fn size_class(bytes: u64) -> u64 {
    let octave = bytes.next_power_of_two() / 2;
    bytes.next_multiple_of((octave / 4).max(256))
}

/// Gives every transient storage a buffer: a linear scan over the schedule, in which a buffer is free again after the last
/// dispatch that touches it. Kept storages share with nobody.
pub(super) fn allocate(gpu: &Gpu, storages: &[Storage], dispatches: &[Dispatch]) -> Result<Memory> {
    let mut last_use = vec![0; storages.len()];
    for (i, dispatch) in dispatches.iter().enumerate() {
        for (_, place, _) in &dispatch.operands {
            last_use[place.storage] = i;
        }
    }
    let mut memory = Memory { of: vec![None; storages.len()], bytes: 0 };
    let mut free: HashMap<u64, Vec<wgpu::Buffer>> = HashMap::new();
    for (i, dispatch) in dispatches.iter().enumerate() {
        for (_, place, _) in &dispatch.operands {
            let Storage::Transient { bytes, kept } = storages[place.storage] else { continue };
            if memory.of[place.storage].is_some() {
                continue;
            }
            let class = size_class(bytes);
            let reused = if kept { None } else { free.get_mut(&class).and_then(Vec::pop) };
            let buffer = match reused {
                Some(buffer) => buffer,
                None => {
                    memory.bytes += class;
                    create(gpu, class)?
                }
            };
            memory.of[place.storage] = Some(buffer);
        }
        for (_, place, _) in &dispatch.operands {
            if let Storage::Transient { bytes, kept: false } = storages[place.storage]
                && last_use[place.storage] == i
                && let Some(buffer) = &memory.of[place.storage]
            {
                let class = free.entry(size_class(bytes)).or_default();
                if !class.contains(buffer) {
                    class.push(buffer.clone());
                }
            }
        }
    }
    Ok(memory)
}

fn create(gpu: &Gpu, bytes: u64) -> Result<wgpu::Buffer> {
    let buffer = gpu.inner.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes.min(gpu.max_binding_bytes()),
        usage: BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.check()?;
    if gpu.inner.options.poisoned {
        gpu.inner.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&vec![f32::NAN; bytes as usize / 4]));
    }
    Ok(buffer)
}

/// The parameters of every dispatch, uploaded once; returns each one's offset.
pub(super) fn parameter_arena(gpu: &Gpu, dispatches: &[Dispatch]) -> Result<(Tensor, Vec<Option<u64>>)> {
    let align = gpu.inner.limits.min_uniform_buffer_offset_alignment as usize;
    let mut bytes: Vec<u8> = Vec::new();
    let mut offsets = Vec::with_capacity(dispatches.len());
    for dispatch in dispatches {
        if dispatch.params.is_empty() {
            offsets.push(None);
            continue;
        }
        bytes.resize(bytes.len().next_multiple_of(align), 0);
        offsets.push(Some(bytes.len() as u64));
        bytes.extend_from_slice(&dispatch.params);
    }
    bytes.resize(padded_bytes(bytes.len().div_ceil(4)) as usize, 0);
    let arena = gpu.inner.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("parameters"),
        size: bytes.len() as u64,
        usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.inner.queue.write_buffer(&arena, 0, &bytes);
    gpu.check()?;
    Ok((Tensor::from_buffer(gpu, arena, 1, bytes.len() / 4), offsets))
}
