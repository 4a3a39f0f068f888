//! The optional profiler: a timestamp before and after every dispatch of one replay.

use super::Step;
use crate::{Error, Result};
use wgpu::{BufferUsages, Features};

/// Time of one dispatch.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Timing {
    /// `shader::entry_point`.
    pub kernel: String,
    pub milliseconds: f64,
}

impl Step {
    /// Replays the step once and times each dispatch on the device.
    ///
    /// The timestamps keep dispatches from overlapping, so the sum can exceed an ordinary replay's time.
    pub fn profile(&mut self) -> Result<Vec<Timing>> {
        let needed = Features::TIMESTAMP_QUERY | Features::TIMESTAMP_QUERY_INSIDE_PASSES;
        if !self.gpu.inner.features.contains(needed) {
            return Err(Error::Adapter(format!("{} has no timestamps inside passes", self.gpu.summary().name)));
        }
        self.gpu.compile_ahead(self.commands.iter())?;
        let device = &self.gpu.inner.device;
        let mut timings = Vec::with_capacity(self.commands.len());
        // A query set holds 4,096 timestamps.
        for commands in self.commands.chunks(2048) {
            let count = 2 * commands.len() as u32;
            let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("profile"),
                ty: wgpu::QueryType::Timestamp,
                count,
            });
            let resolved = device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("profile"),
                size: u64::from(count) * 8,
                usage: BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            let mut encoder = device.create_command_encoder(&Default::default());
            {
                let mut pass = encoder.begin_compute_pass(&Default::default());
                for (i, command) in commands.iter().enumerate() {
                    pass.write_timestamp(&queries, 2 * i as u32);
                    command.encode(&mut pass);
                    pass.write_timestamp(&queries, 2 * i as u32 + 1);
                }
            }
            encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
            self.gpu.inner.queue.submit([encoder.finish()]);
            let words = super::tensor::read_buffer(&self.gpu, &resolved, 0, 2 * count as usize)?;
            let ticks: Vec<u64> =
                words.chunks_exact(2).map(|w| u64::from(w[0].to_bits()) | u64::from(w[1].to_bits()) << 32).collect();
            let period = f64::from(self.gpu.inner.queue.get_timestamp_period());
            for (command, ticks) in commands.iter().zip(ticks.chunks_exact(2)) {
                let kernel = command.compiled.label.clone();
                let milliseconds = ticks[1].saturating_sub(ticks[0]) as f64 * period * 1e-6;
                timings.push(Timing { kernel, milliseconds });
            }
        }
        Ok(timings)
    }
}
