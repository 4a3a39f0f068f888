//! [`Gpu`]: one device, its queue, its limits and its compiled kernels; a cheap clone.

use super::adapter::{self, AdapterSummary};
use super::family::Family;
use super::kernel::Pipelines;
use super::mesa;
use super::watcher::Watcher;
use crate::{Error, Result};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wgpu::{DeviceType, Features, Limits, PollType};

/// Longest wait for one submission; a driver's watchdog is shorter.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How a device is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// `auto`, `software`, or a part of an adapter's name.
    pub adapter: String,
    /// Keep the bounds checks and loop bounds that WebGPU adds to shaders: slower; on in tests.
    pub checked: bool,
    /// Fill every value of a step with NaN before its first replay, so that a hole in a kernel's writes shows.
    pub poisoned: bool,
    /// Use only WebGPU's default limits and no optional feature.
    pub baseline: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { adapter: "auto".into(), checked: false, poisoned: false, baseline: false }
    }
}

/// A device, its queue, its limits and its compiled kernels; a cheap clone.
#[derive(Clone)]
pub struct Gpu {
    pub(super) inner: Arc<Inner>,
    family: Family,
}

pub(super) struct Inner {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub options: Options,
    pub pipelines: Pipelines,
    pub summary: AdapterSummary,
    pub limits: Limits,
    pub features: Features,
    software: bool,
    slow_compiler: bool,
    cheap_shuffles: bool,
    failures: Failures,
    pub watcher: Mutex<Option<Watcher>>,
}

/// What the device reported since it was last asked.
#[derive(Clone, Default)]
struct Failures(Arc<Mutex<Reported>>);

#[derive(Default)]
struct Reported {
    /// Stays: a device that is lost does nothing any more.
    lost: Option<String>,
    /// The first failure of one operation, of which others follow; the device goes on.
    of_one: Option<wgpu::Error>,
}

impl Failures {
    fn lose(&self, what: String) {
        self.0.lock().expect("no holder of this lock panics").lost.get_or_insert(what);
    }

    fn note(&self, error: wgpu::Error) {
        self.0.lock().expect("no holder of this lock panics").of_one.get_or_insert(error);
    }

    /// The failure, which is thereby told: what comes after begins anew, unless the device is lost.
    fn take(&self) -> Result<()> {
        let mut reported = self.0.lock().expect("no holder of this lock panics");
        match (reported.of_one.take(), &reported.lost) {
            (Some(error @ wgpu::Error::OutOfMemory { .. }), _) => Err(Error::OutOfMemory(error.to_string())),
            (_, Some(what)) => Err(Error::Device(what.clone())),
            (Some(error), None) => Err(Error::Refused(error.to_string())),
            (None, None) => Ok(()),
        }
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gpu({}, {:?})", self.inner.summary.name, self.family)
    }
}

impl Gpu {
    /// Opens `auto`, `software`, or the adapter whose name contains the text.
    pub fn open(adapter: &str) -> Result<Self> {
        Self::with_options(Options { adapter: adapter.into(), ..Options::default() })
    }

    /// Opens a device with explicit options.
    pub fn with_options(options: Options) -> Result<Self> {
        let adapter = adapter::choose(&options.adapter)?;
        let wanted = Features::SUBGROUP | Features::TIMESTAMP_QUERY | Features::TIMESTAMP_QUERY_INSIDE_PASSES;
        let (features, limits) = if options.baseline {
            (Features::empty(), Limits::default())
        } else {
            (adapter.features() & wanted, usable_limits(&adapter.limits()))
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("pushforward"),
            required_features: features,
            required_limits: limits.clone(),
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        }))
        .map_err(|e| Error::Adapter(format!("{} would not open: {e}", adapter.get_info().name)))?;

        let failures = Failures::default();
        let seen = failures.clone();
        device.on_uncaptured_error(Arc::new(move |error| seen.note(error)));
        let seen = failures.clone();
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                seen.lose(format!("lost ({message})"));
            }
        });

        let info = adapter.get_info();
        let software = info.device_type == DeviceType::Cpu;
        let family = Family::of(&info, features);
        let summary = adapter::summary(&adapter, false);
        let pipelines = Pipelines::default();
        let slow_compiler = software && mesa::compiles_slowly(&summary.driver);
        let cheap_shuffles = family == Family::Subgroup { width: 8 } && mesa::shuffles_cheaply(&summary.driver);
        let inner = Inner {
            device,
            queue,
            options,
            pipelines,
            summary,
            limits,
            features,
            software,
            slow_compiler,
            cheap_shuffles,
            failures,
            watcher: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner), family })
    }

    /// Another device of the same adapter, which computes beside this one; nothing is compiled for it.
    pub fn another(&self) -> Result<Self> {
        Ok(Self { family: self.family, ..Self::with_options(self.inner.options.clone())? })
    }

    /// The same device, recording with another kernel family: for tests, which hold all families to one answer.
    pub fn with_family(&self, family: Family) -> Self {
        Self { inner: self.inner.clone(), family }
    }

    /// Whether both are handles to one open device: memory of one can be used with the other.
    pub fn is_same_device(&self, other: &Gpu) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub fn family(&self) -> Family {
        self.family
    }

    /// Every family that this device can run.
    pub fn families(&self) -> Vec<Family> {
        let mut all = vec![Family::Workgroup, Family::Register];
        if let Family::Subgroup { .. } = self.family {
            all.push(self.family);
        }
        all
    }

    /// Name, driver, limits and features.
    pub fn summary(&self) -> &AdapterSummary {
        &self.inner.summary
    }

    /// Whether this is a software adapter.
    pub fn is_software(&self) -> bool {
        self.inner.software
    }

    /// Whether the driver takes seconds where others take a tenth of one to compile a long kernel: Mesa's software adapter from 23 to 25, which
    /// writes a branch for each lane of every load and store.
    pub fn has_slow_compiler(&self) -> bool {
        self.inner.slow_compiler
    }

    /// Whether a lane reads another's value in one instruction even where that lane is known only at run time: software adapters of eight
    /// lanes, from Mesa 23 on.
    pub fn has_cheap_shuffles(&self) -> bool {
        self.inner.cheap_shuffles
    }

    /// Largest storage buffer that one kernel can bind, in bytes.
    pub fn max_binding_bytes(&self) -> u64 {
        self.inner.limits.max_storage_buffer_binding_size.min(self.inner.limits.max_buffer_size)
    }

    /// How many workgroups to spread a reduction over: enough to fill the device, few enough to add up cheaply.
    pub fn parallel_groups(&self) -> u32 {
        if self.inner.software { 8 } else { 256 }
    }

    /// An error if the device was lost, or if it ran out of memory or refused an operation since the last check: such a failure is told
    /// once, and what is done next does not suffer from it.
    pub fn check(&self) -> Result<()> {
        self.inner.failures.take()
    }

    /// Waits for a submission, or for all of them.
    pub(super) fn wait(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let poll = self.inner.device.poll(PollType::Wait { submission_index: submission, timeout: Some(PATIENCE) });
        self.check()?;
        match poll {
            Ok(_) => Ok(()),
            Err(wgpu::PollError::Timeout) => Err(Error::Device(format!(
                "it did not finish its work within {} s: use a smaller batch, or another adapter",
                PATIENCE.as_secs()
            ))),
            Err(e) => Err(Error::Device(e.to_string())),
        }
    }

    /// Waits until the device has nothing left to do.
    pub fn synchronize(&self) -> Result<()> {
        self.wait(None)
    }

    /// Frees what has finished, without waiting.
    pub(super) fn tend(&self) -> Result<()> {
        let poll = self.inner.device.poll(PollType::Poll);
        self.check()?;
        poll.map(|_| ()).map_err(|e| Error::Device(e.to_string()))
    }
}

/// WebGPU's defaults, raised to the adapter's own sizes where a larger problem then fits. Counts that shaders are written
/// against (storage buffers, invocations, workgroup memory) stay at the baseline.
fn usable_limits(adapter: &Limits) -> Limits {
    Limits {
        max_buffer_size: adapter.max_buffer_size,
        max_storage_buffer_binding_size: adapter.max_storage_buffer_binding_size,
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out_of_memory() -> wgpu::Error {
        wgpu::Error::OutOfMemory { source: Box::new(std::fmt::Error) }
    }

    #[test]
    fn a_failure_is_told_once_and_a_loss_for_good() {
        let failures = Failures::default();
        failures.take().unwrap();
        failures.note(out_of_memory());
        // What follows from a failure tells nothing new.
        failures.note(wgpu::Error::Validation { source: Box::new(std::fmt::Error), description: "no such buffer".into() });
        assert!(matches!(failures.take(), Err(Error::OutOfMemory(_))));
        failures.take().unwrap();
        failures.note(out_of_memory());
        failures.lose("lost (unplugged)".into());
        assert!(matches!(failures.take(), Err(Error::OutOfMemory(_))));
        for _ in 0..2 {
            let told = failures.take().unwrap_err();
            assert!(matches!(&told, Error::Device(what) if what == "lost (unplugged)") && !told.is_of_one_run());
        }
    }

    #[test]
    fn a_device_computes_after_an_operation_that_it_refused() {
        let gpu = Gpu::open("auto").unwrap();
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::STORAGE;
        let refused =
            gpu.inner.device.create_buffer(&wgpu::BufferDescriptor { label: None, size: 16, usage, mapped_at_creation: false });
        let told = gpu.check().unwrap_err();
        assert!(matches!(told, Error::Refused(_)) && told.is_of_one_run(), "{told}");
        drop(refused);
        let tensor = gpu.upload(1, 2, &[1.0, 2.0]).unwrap();
        assert_eq!(tensor.read().unwrap(), [1.0, 2.0]);
    }
}
