//! Opens the device, and says so when the driver keeps the user waiting for its compiler.

use super::console::Console;
use pushforward::Result;
use pushforward::gpu::{Compilation, Gpu};

/// Seconds of compiling after which a message says what the program waits for.
const PATIENCE: f64 = 1.0;

/// The adapter that `--adapter` names.
pub fn open(adapter: &str, console: Console) -> Result<Gpu> {
    let gpu = Gpu::open(adapter)?;
    let (mut seconds, mut said) = (0.0, false);
    gpu.watch_compilations(move |compilation: &Compilation| {
        seconds += compilation.seconds.unwrap_or(0.0);
        if seconds > PATIENCE && !said && compilation.seconds.is_none() {
            said = true;
            console.message("compiling kernels for this device (first start)");
        }
    });
    Ok(gpu)
}
