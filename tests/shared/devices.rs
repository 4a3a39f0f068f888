//! A device for each thread that tests run in, so that they compute side by side. Threads end with their tests and hand their device on: opening one and
//! making its pipelines costs more than most tests.

use pushforward::gpu::{Gpu, Options};
use std::cell::OnceCell;
use std::ops::Deref;
use std::sync::{Mutex, Once};

/// Stands for the device of the thread that asks.
pub struct Devices(fn() -> Options);

impl Devices {
    /// Devices as users have them.
    #[allow(dead_code)]
    pub const PLAIN: Self = Self(Options::default);
    /// Shader checks on, values filled with NaN before they are written. With `UNCHECKED_SHADERS` in the environment the checks are off, as
    /// users have it: for a run on a second driver, whose compiler takes twice as long over checked ones.
    #[allow(dead_code)]
    pub const CHECKED: Self = Self(|| {
        let checked = std::env::var_os("UNCHECKED_SHADERS").is_none();
        Options { checked, poisoned: true, ..Options::default() }
    });
}

static PREPARED: Once = Once::new();
static FREE: Mutex<Vec<&'static Gpu>> = Mutex::new(Vec::new());

/// Sets what drivers read from the environment: before any device of the process is opened.
pub fn prepare() {
    // SAFETY: only drivers read the environment, and every device of the process is opened after this.
    PREPARED.call_once(|| pushforward::gpu::prepare_environment(|name, value| unsafe { std::env::set_var(name, value) }));
}

thread_local! {
    static LENT: Lent = const { Lent(OnceCell::new()) };
}

struct Lent(OnceCell<&'static Gpu>);

impl Drop for Lent {
    fn drop(&mut self) {
        FREE.lock().expect("nothing fails while it is held").extend(self.0.take());
    }
}

impl Deref for Devices {
    type Target = Gpu;

    fn deref(&self) -> &Gpu {
        LENT.with(|lent| {
            *lent.0.get_or_init(|| {
                let free = FREE.lock().expect("nothing fails while it is held").pop();
                prepare();
                free.unwrap_or_else(|| {
                    Box::leak(Box::new(Gpu::with_options(self.0()).expect("an adapter (the software one will do)")))
                })
            })
        })
    }
}
