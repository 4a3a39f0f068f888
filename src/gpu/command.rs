//! [`Command`]: a dispatch that is ready to be sent off, and the sending.

use super::Gpu;
use super::kernel::Compiled;
use crate::Result;
use std::collections::VecDeque;
use std::sync::Arc;
use wgpu::ComputePass;

/// Dispatches of one submission: enough to hide its cost, few enough to stay far from a watchdog.
const SUBMISSION: usize = 512;
/// A step of more dispatches than this is one of long work cut into bounded dispatches (up to a second each where a software
/// adapter is busy): it goes out in submissions of `SLICE` dispatches, so that no wait outlasts its timeout.
const LONG: usize = 256;
const SLICE: usize = 32;
/// Submissions in flight before the host waits for the oldest.
const IN_FLIGHT: usize = 3;

/// One cached tuple of the schedule.
pub(super) struct Command {
    pub compiled: Arc<Compiled>,
    pub bind_group: wgpu::BindGroup,
    pub groups: [u32; 3],
}

impl Command {
    pub(super) fn encode(&self, pass: &mut ComputePass<'_>) {
        self.encode_groups(pass, self.groups);
    }

    /// The same for another number of workgroups: with none, a driver that compiles at the first dispatch compiles, and nothing is computed.
    pub(super) fn encode_groups(&self, pass: &mut ComputePass<'_>, groups: [u32; 3]) {
        pass.set_pipeline(&self.compiled.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(groups[0], groups[1], groups[2]);
    }
}

/// Dispatches of one submission, for work of which one replay takes `once`.
pub(super) fn submission(once: usize) -> usize {
    if once > LONG { SLICE } else { (SUBMISSION / once.max(1)).max(1) * once.max(1) }
}

/// Sends commands off, `size` a submission.
pub(super) fn submit<'a>(
    gpu: &Gpu,
    in_flight: &mut VecDeque<wgpu::SubmissionIndex>,
    mut commands: impl Iterator<Item = &'a Command>,
    size: usize,
) -> Result<()> {
    let mut next = commands.next();
    while let Some(first) = next {
        let mut encoder = gpu.inner.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            first.encode(&mut pass);
            commands.by_ref().take(size - 1).for_each(|command| command.encode(&mut pass));
        }
        in_flight.push_back(gpu.inner.queue.submit([encoder.finish()]));
        if in_flight.len() > IN_FLIGHT {
            gpu.wait(in_flight.pop_front())?;
        }
        next = commands.next();
    }
    gpu.check()
}
