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
    /// Shader checks on, values filled with NaN before they are written.
    #[allow(dead_code)]
    pub const CHECKED: Self = Self(|| Options { checked: true, poisoned: true, ..Options::default() });
}

static PREPARED: Once = Once::new();
static FREE: Mutex<Vec<&'static Gpu>> = Mutex::new(Vec::new());

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
                // SAFETY: every device of a test's process is opened here, after this, and only drivers read the environment.
                PREPARED
                    .call_once(|| pushforward::gpu::prepare_environment(|name, value| unsafe { std::env::set_var(name, value) }));
                free.unwrap_or_else(|| {
                    Box::leak(Box::new(Gpu::with_options(self.0()).expect("an adapter (the software one will do)")))
                })
            })
        })
    }
}
