//! [`Step`]: the frozen schedule, replayed with nothing allocated and nothing uploaded.

use super::command::{Command, submission, submit};
use super::kernels::state;
use super::memory::{allocate, parameter_arena};
use super::recorder::Recorder;
use super::ring::{RING, Report, Ring};
use super::schedule::{Place, REPORTS, STATE_WORDS, Storage};
use super::tensor::read_buffer;
use super::var::{Kept, Var};
use super::{Gpu, Tensor};
use crate::{Error, Result};
use std::collections::{HashMap, VecDeque};

/// The frozen list of dispatches.
pub struct Step {
    pub(super) gpu: Gpu,
    pub(super) commands: Vec<Command>,
    state: Tensor,
    names: Vec<String>,
    kept: HashMap<Var, (wgpu::Buffer, u64)>,
    bytes: u64,
    cost: f64,
    pub(super) ring: Ring,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
}

impl Recorder {
    /// Freezes the schedule: every value gets its memory (values that do not live at the same time share), every dispatch
    /// its bind group, and the last dispatch advances the step's counter.
    pub fn finish(mut self) -> Result<Step> {
        self.tape.clear();
        let ring = Ring::memory(&self.gpu)?;
        self.append_advance(&ring)?;
        let gpu = self.gpu.clone();
        let memory = allocate(&gpu, &self.storages, &self.dispatches)?;
        let buffer = |place: &Place| match &self.storages[place.storage] {
            Storage::External(tensor) => Some(&tensor.buffer),
            Storage::Transient { .. } => memory.of[place.storage].as_ref(),
        };
        let (arena, offsets) = parameter_arena(&gpu, &self.dispatches)?;
        let mut commands = Vec::with_capacity(self.dispatches.len());
        for (dispatch, offset) in self.dispatches.iter().zip(&offsets) {
            let uniform = offset.map(|offset| (0, binding(&arena.buffer, offset, dispatch.params.len() as u64)));
            let storage = dispatch.operands.iter().map(|(index, place, _)| {
                let buffer = buffer(place).expect("allocate() gives every dispatched value memory");
                (*index, binding(buffer, place.offset, place.bytes))
            });
            let entries: Vec<_> = uniform
                .into_iter()
                .chain(storage)
                .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource })
                .collect();
            let bind_group = gpu.inner.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(&dispatch.compiled.label),
                layout: &dispatch.compiled.layout,
                entries: &entries,
            });
            commands.push(Command { compiled: dispatch.compiled.clone(), bind_group, groups: dispatch.groups });
        }
        gpu.check()?;
        let kept = self
            .kept
            .iter()
            .filter_map(|&var| {
                let place = self.place(var)?;
                buffer(&place).map(|buffer| (var, (buffer.clone(), place.offset)))
            })
            .collect();
        Ok(Step {
            commands,
            state: self.state,
            names: self.reports.into_iter().map(|(name, _)| name).collect(),
            kept,
            bytes: memory.bytes,
            cost: self.cost,
            ring: Ring::new(ring),
            in_flight: VecDeque::new(),
            gpu,
        })
    }

    fn append_advance(&mut self, ring: &Tensor) -> Result<()> {
        let ring = self.tensor(ring);
        let state = self.state();
        let zero = self.constant(0.0, 1, 1)?;
        let mut scalars = [zero; REPORTS];
        for (slot, (_, value)) in scalars.iter_mut().zip(&self.reports) {
            *slot = *value;
        }
        let [s0, s1, s2, s3, s4, s5] = scalars;
        let params = state::Params { length: RING as u32 };
        self.dispatch(state::Advance { params, state, ring, s0, s1, s2, s3, s4, s5 }, [1, 1, 1])
    }
}

fn binding(buffer: &wgpu::Buffer, offset: u64, bytes: u64) -> wgpu::BindingResource<'_> {
    wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: std::num::NonZero::new(bytes) })
}

impl Step {
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Runs the step `n` times, without waiting for the device except to keep a bounded amount of work in flight.
    pub fn replay(&mut self, n: usize) -> Result<()> {
        let Self { gpu, commands, in_flight, .. } = self;
        gpu.compile_ahead(commands.iter())?;
        submit(gpu, in_flight, (0..n).flat_map(|_| commands.iter()), submission(commands.len()))
    }

    /// How many dispatches a replay makes.
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// `shader::entry` of each dispatch, in order.
    #[cfg(feature = "testing")]
    pub fn kernels(&self) -> impl Iterator<Item = &str> {
        self.commands.iter().map(|command| command.compiled.label.as_str())
    }

    /// Device memory that the step's own values take, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.bytes
    }

    /// What a replay costs: nanoseconds on two cores of software, about, counted by the shapes of products and pairs, and so the same whatever the machine
    /// is busy with. Costs are for comparison with each other.
    pub fn cost(&self) -> f64 {
        self.cost
    }

    /// How often the step has run: waits for the device.
    pub fn count(&self) -> Result<u64> {
        Ok(self.state.read_u32()?[0].into())
    }

    /// Sets the counter that random numbers and schedules read, to go on where another run stopped.
    pub fn set_count(&mut self, count: u64) -> Result<()> {
        let count = u32::try_from(count).map_err(|_| Error::usage(format!("step {count} is beyond the counter's 2³² steps")))?;
        let mut state = self.state.read_u32()?;
        state[0] = count;
        self.ring.seen = count.into();
        self.state.write(bytemuck::cast_slice(&state[..STATE_WORDS]))
    }

    /// Waits for the device and returns a kept value, row by row.
    pub fn read(&self, kept: Kept) -> Result<Vec<f32>> {
        let (buffer, offset) = self.located(kept)?;
        read_buffer(&self.gpu, buffer, *offset, kept.0.len())
    }

    /// The memory of a kept value that lies in a buffer of its own.
    pub fn tensor(&self, kept: Kept) -> Result<Tensor> {
        match self.located(kept)? {
            (buffer, 0) => Ok(Tensor::from_buffer(&self.gpu, buffer.clone(), kept.0.rows(), kept.0.cols())),
            _ => Err(Error::shape("tensor", "the value is a slice of another buffer")),
        }
    }

    fn located(&self, kept: Kept) -> Result<&(wgpu::Buffer, u64)> {
        let unknown = || Error::shape("read", "the value was never written by this step, or belongs to another one");
        self.kept.get(&kept.0).ok_or_else(unknown)
    }

    /// The names under which scalars are reported, in order.
    pub fn report_names(&self) -> &[String] {
        &self.names
    }

    /// The scalars reported since the last call, as far as they have arrived: never waits. Of more than 1,024 steps between
    /// two calls only the newest remain.
    pub fn reports(&mut self) -> Result<Vec<Report>> {
        self.gpu.tend()?;
        let found = self.ring.arrived(self.names.len())?;
        self.ring.ask(&self.gpu);
        Ok(found)
    }

    /// The same, but waits for everything that was submitted.
    pub fn final_reports(&mut self) -> Result<Vec<Report>> {
        self.gpu.synchronize()?;
        let mut found = self.ring.settled(self.names.len())?;
        self.ring.ask(&self.gpu);
        self.gpu.synchronize()?;
        found.extend(self.ring.settled(self.names.len())?);
        Ok(found)
    }
}
