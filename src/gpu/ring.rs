//! The ring of reported scalars: the last dispatch of a step writes a row of it, and the host collects rows every so often,
//! without waiting for the newest.

use super::Gpu;
use super::device::PATIENCE;
use super::kernels;
use super::tensor::Tensor;
use crate::{Error, Result};
use std::sync::mpsc::{Receiver, channel};
use wgpu::BufferUsages;

/// Rows of the ring.
pub(super) const RING: usize = 1024;
/// Words of a row: the step's number plus one, then the scalars.
const RING_WORDS: usize = kernels::state::WORDS as usize;

/// The scalars that a step reported.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Number of the step, from 0.
    pub step: u64,
    /// In the order in which they were declared.
    pub values: Vec<f32>,
}

type Mapped = std::result::Result<(), wgpu::BufferAsyncError>;

/// The ring of reported scalars and one readback of it, asked for and collected later.
pub(super) struct Ring {
    tensor: Tensor,
    staging: wgpu::Buffer,
    pending: Option<Receiver<Mapped>>,
    /// Steps already handed out.
    pub(super) seen: u64,
}

impl Ring {
    /// The memory that a step's last dispatch writes to.
    pub(super) fn memory(gpu: &Gpu) -> Result<Tensor> {
        gpu.zeros(RING, RING_WORDS)
    }

    pub(super) fn new(tensor: Tensor) -> Self {
        let staging = tensor.gpu.inner.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("reports"),
            size: (RING * RING_WORDS * 4) as u64,
            usage: BufferUsages::COPY_DST | BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        Self { tensor, staging, pending: None, seen: 0 }
    }

    /// Asks for a copy of the ring as it is when everything submitted so far has run.
    pub(super) fn ask(&mut self, gpu: &Gpu) {
        if self.pending.is_some() {
            return;
        }
        let mut encoder = gpu.inner.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&self.tensor.buffer, 0, &self.staging, 0, self.staging.size());
        gpu.inner.queue.submit([encoder.finish()]);
        let (sender, outcome) = channel();
        self.staging.slice(..).map_async(wgpu::MapMode::Read, move |result| {
            // The receiver is gone only when the step is.
            let _ = sender.send(result);
        });
        self.pending = Some(outcome);
    }

    /// The reports that an earlier question has brought, each once.
    pub(super) fn arrived(&mut self, width: usize) -> Result<Vec<Report>> {
        match self.pending.as_ref().and_then(|pending| pending.try_recv().ok()) {
            Some(outcome) => self.collect(outcome, width),
            None => Ok(Vec::new()),
        }
    }

    /// The same once the device has nothing left to do: another thread's poll may be the one that runs the callback, a moment after
    /// this thread's returned.
    pub(super) fn settled(&mut self, width: usize) -> Result<Vec<Report>> {
        let Some(pending) = &self.pending else { return Ok(Vec::new()) };
        match pending.recv_timeout(PATIENCE) {
            Ok(outcome) => self.collect(outcome, width),
            Err(_) => Err(Error::Device("the reports were not handed back".into())),
        }
    }

    fn collect(&mut self, outcome: Mapped, width: usize) -> Result<Vec<Report>> {
        self.pending = None;
        outcome.map_err(|e| Error::Device(e.to_string()))?;
        let view = self.staging.slice(..).get_mapped_range().map_err(|e| Error::Device(e.to_string()))?;
        let words: &[u32] = bytemuck::cast_slice(&view);
        let mut found: Vec<Report> = words
            .chunks_exact(RING_WORDS)
            .filter(|row| u64::from(row[0]) > self.seen)
            .map(|row| Report {
                step: u64::from(row[0]) - 1,
                values: row[1..=width].iter().map(|bits| f32::from_bits(*bits)).collect(),
            })
            .collect();
        drop(view);
        self.staging.unmap();
        found.sort_by_key(|report| report.step);
        if let Some(last) = found.last() {
            self.seen = last.step + 1;
        }
        Ok(found)
    }
}
