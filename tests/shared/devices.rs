//! A device for each thread that tests run in, so that they compute side by side. Threads end with their tests and hand their device on: opening one and
//! making its pipelines costs more than most tests.

use pushforward::gpu::{Gpu, Options};
use std::cell::OnceCell;
use std::ops::Deref;
use std::sync::{Mutex, Once};

/// Stands for the device of the thread that asks.
pub struct Devices(Kind);

#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Checked,
}

impl Devices {
    /// Devices as users have them.
    #[allow(dead_code)]
    pub const PLAIN: Self = Self(Kind::Plain);
    /// Shader checks on, values filled with NaN before they are written. With `UNCHECKED_SHADERS` in the environment the checks are off, as
    /// users have it: for a run on a second driver, whose compiler takes twice as long over checked ones.
    #[allow(dead_code)]
    pub const CHECKED: Self = Self(Kind::Checked);

    fn options(&self) -> Options {
        match self.0 {
            Kind::Plain => Options::default(),
            Kind::Checked => {
                let checked = std::env::var_os("UNCHECKED_SHADERS").is_none();
                Options { checked, poisoned: true, ..Options::default() }
            }
        }
    }
}

static PREPARED: Once = Once::new();
/// Devices that no thread uses, by kind.
static FREE: [Mutex<Vec<&'static Gpu>>; 2] = [const { Mutex::new(Vec::new()) }; 2];

/// Sets what drivers read from the environment: before any device of the process is opened.
pub fn prepare() {
    // SAFETY: only drivers read the environment, and every device of the process is opened after this.
    PREPARED.call_once(|| pushforward::gpu::prepare_environment(|name, value| unsafe { std::env::set_var(name, value) }));
}

thread_local! {
    static LENT: Lent = const { Lent([const { OnceCell::new() }; 2]) };
}

/// The thread's devices, by kind.
struct Lent([OnceCell<&'static Gpu>; 2]);

impl Drop for Lent {
    fn drop(&mut self) {
        for (free, lent) in FREE.iter().zip(&mut self.0) {
            free.lock().expect("nothing fails while it is held").extend(lent.take());
        }
    }
}

impl Deref for Devices {
    type Target = Gpu;

    fn deref(&self) -> &Gpu {
        let kind = self.0 as usize;
        LENT.with(|lent| {
            *lent.0[kind].get_or_init(|| {
                let free = FREE[kind].lock().expect("nothing fails while it is held").pop();
                prepare();
                free.unwrap_or_else(|| {
                    Box::leak(Box::new(Gpu::with_options(self.options()).expect("an adapter (the software one will do)")))
                })
            })
        })
    }
}
