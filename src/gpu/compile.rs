//! Compiling ahead. Mesa's software adapter, unlike a GPU's driver, writes a kernel's machine code at its first dispatch, on the one thread
//! that works the queue off: a pipeline's creation says nothing of the time that this takes. So before a step or a plan runs for the first
//! time, each of its kernels that is new to the device is dispatched with no workgroups: the driver compiles it, and computes nothing.

use super::Gpu;
use super::command::Command;
use super::watcher::Compilation;
use crate::Result;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Gpu {
    /// Has `watch` told before and after each kernel that the driver compiles for this device, in place of whoever was told so far. It must
    /// not run a step of this device.
    pub fn watch_compilations(&self, watch: impl FnMut(&Compilation) + Send + 'static) {
        *self.inner.watcher.lock().expect("no holder of this lock panics") = Some(Box::new(watch));
    }

    /// Has the driver compile those kernels of the commands that are new to this device.
    pub(super) fn compile_ahead<'a>(&self, commands: impl Iterator<Item = &'a Command>) -> Result<()> {
        let mut new: Vec<&Command> = Vec::new();
        for command in commands {
            let known = command.compiled.ready.load(Ordering::Relaxed);
            if !known && !new.iter().any(|other| Arc::ptr_eq(&other.compiled, &command.compiled)) {
                new.push(command);
            }
        }
        let tell = |index: usize, seconds: Option<f64>| {
            if let Some(watch) = &mut *self.inner.watcher.lock().expect("no holder of this lock panics") {
                watch(&Compilation { variant: new[index].compiled.variant.clone(), index, count: new.len(), seconds });
            }
        };
        for (index, command) in new.iter().enumerate() {
            tell(index, None);
            let started = Instant::now();
            let mut encoder = self.inner.device.create_command_encoder(&Default::default());
            command.encode_groups(&mut encoder.begin_compute_pass(&Default::default()), [0, 0, 0]);
            let submission = self.inner.queue.submit([encoder.finish()]);
            self.wait(Some(submission))?;
            command.compiled.ready.store(true, Ordering::Relaxed);
            tell(index, Some(started.elapsed().as_secs_f64()));
        }
        Ok(())
    }
}
