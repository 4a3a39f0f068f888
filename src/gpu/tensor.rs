//! [`Tensor`]: an owned f32 buffer with a shape; rows are samples.

use super::Gpu;
use super::device::PATIENCE;
use crate::{Error, Result};
use wgpu::BufferUsages;

/// An owned buffer of rows × columns f32, row-major; a clone is another handle to the same memory.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub(super) gpu: Gpu,
    pub(super) buffer: wgpu::Buffer,
    rows: usize,
    cols: usize,
}

/// Readback goes through pieces of this size, so that any tensor can be read with a small staging buffer.
const PIECE: u64 = 64 << 20;

/// Buffers end on a vec4.
pub(super) fn padded_bytes(elements: usize) -> u64 {
    (elements.max(1) as u64 * 4).next_multiple_of(16)
}

impl Gpu {
    /// A tensor of zeros.
    pub fn zeros(&self, rows: usize, cols: usize) -> Result<Tensor> {
        let size = padded_bytes(rows * cols);
        self.fits(size)?;
        let buffer = self.inner.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage: BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.check()?;
        Ok(Tensor { gpu: self.clone(), buffer, rows, cols })
    }

    /// A tensor with these values, row by row.
    pub fn upload(&self, rows: usize, cols: usize, values: &[f32]) -> Result<Tensor> {
        let tensor = self.zeros(rows, cols)?;
        tensor.write(values)?;
        Ok(tensor)
    }

    /// A tensor whose bits are integers.
    pub fn upload_u32(&self, rows: usize, cols: usize, values: &[u32]) -> Result<Tensor> {
        self.upload(rows, cols, bytemuck::cast_slice(values))
    }

    pub(super) fn fits(&self, bytes: u64) -> Result<()> {
        let limits = &self.inner.limits;
        let limit = |limit, allowed| Error::Limit {
            what: "a tensor".into(),
            limit,
            needed: bytes,
            allowed,
            advice: "use fewer rows at a time",
        };
        if bytes > limits.max_buffer_size {
            return Err(limit("max_buffer_size", limits.max_buffer_size));
        }
        if bytes > limits.max_storage_buffer_binding_size {
            return Err(limit("max_storage_buffer_binding_size", limits.max_storage_buffer_binding_size));
        }
        Ok(())
    }
}

impl Tensor {
    pub(super) fn from_buffer(gpu: &Gpu, buffer: wgpu::Buffer, rows: usize, cols: usize) -> Self {
        Self { gpu: gpu.clone(), buffer, rows, cols }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn cols(&self) -> usize {
        self.cols
    }

    pub fn len(&self) -> usize {
        self.rows * self.cols
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// The same memory under another shape with as many elements.
    pub fn reshaped(&self, rows: usize, cols: usize) -> Result<Tensor> {
        if rows * cols != self.len() {
            let problem = format!("{} × {} does not become {rows} × {cols}", self.rows, self.cols);
            return Err(Error::shape("reshape", problem));
        }
        Ok(Tensor { rows, cols, ..self.clone() })
    }

    /// Replaces every value.
    pub fn write(&self, values: &[f32]) -> Result<()> {
        if values.len() != self.len() {
            let problem = format!("{} values for {} rows × {} columns", values.len(), self.rows, self.cols);
            return Err(Error::shape("write", problem));
        }
        let bytes: &[u8] = bytemuck::cast_slice(values);
        for (i, piece) in bytes.chunks(PIECE as usize).enumerate() {
            self.gpu.inner.queue.write_buffer(&self.buffer, i as u64 * PIECE, piece);
        }
        self.gpu.check()
    }

    /// Waits for the device and returns every value, row by row.
    pub fn read(&self) -> Result<Vec<f32>> {
        read_buffer(&self.gpu, &self.buffer, 0, self.len())
    }

    /// The values' bits, for integer tensors.
    pub fn read_u32(&self) -> Result<Vec<u32>> {
        Ok(bytemuck::cast_vec(self.read()?))
    }

    pub(crate) fn same_memory(&self, other: &Tensor) -> bool {
        self.buffer == other.buffer
    }
}

/// Waits for the device and returns `elements` values from byte `offset` on.
pub(super) fn read_buffer(gpu: &Gpu, buffer: &wgpu::Buffer, offset: u64, elements: usize) -> Result<Vec<f32>> {
    let bytes = elements as u64 * 4;
    let staging = gpu.inner.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("readback"),
        size: bytes.clamp(4, PIECE),
        usage: BufferUsages::COPY_DST | BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut values = Vec::with_capacity(elements);
    let mut from = 0;
    while from < bytes {
        let piece = (bytes - from).min(PIECE);
        let mut encoder = gpu.inner.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(buffer, offset + from, &staging, 0, piece);
        let submission = gpu.inner.queue.submit([encoder.finish()]);
        let (sender, outcome) = std::sync::mpsc::channel();
        staging.slice(..piece).map_async(wgpu::MapMode::Read, move |result| {
            // The receiver is gone only when the wait below failed.
            let _ = sender.send(result);
        });
        gpu.wait(Some(submission))?;
        // Another thread's poll may be the one that runs the callback, a moment after this thread's poll returned.
        match outcome.recv_timeout(PATIENCE) {
            Ok(mapped) => mapped.map_err(|e| Error::Device(e.to_string()))?,
            Err(_) => return Err(Error::Device("a buffer was not handed back".into())),
        }
        let view = staging.slice(..piece).get_mapped_range().map_err(|e| Error::Device(e.to_string()))?;
        values.extend_from_slice(bytemuck::cast_slice(&view));
        drop(view);
        staging.unmap();
        from += piece;
    }
    Ok(values)
}
