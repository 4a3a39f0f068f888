//! Recordings that run once.

use super::Devices;
use pushforward::gpu::{Gpu, Kept, Recorder, Var};

/// Shader checks on, values filled with NaN before they are written.
static GPU: Devices = Devices::CHECKED;

/// Records with `gpu`, runs once and returns the values that the recording keeps.
pub fn run_on(gpu: &Gpu, record: impl FnOnce(&mut Recorder) -> pushforward::Result<Vec<Var>>) -> Vec<Vec<f32>> {
    let mut rec = Recorder::new(gpu, 7);
    let kept: Vec<Kept> = record(&mut rec).expect("records").into_iter().map(|v| rec.keep(v)).collect();
    let mut step = rec.finish().expect("finishes");
    step.replay(1).expect("replays");
    kept.into_iter().map(|k| step.read(k).expect("reads")).collect()
}

/// The same on a device with checks.
pub fn run(record: impl FnOnce(&mut Recorder) -> pushforward::Result<Vec<Var>>) -> Vec<Vec<f32>> {
    run_on(&GPU, record)
}

/// A value of the recording with these contents.
pub fn input(rec: &mut Recorder, rows: usize, cols: usize, values: &[f32]) -> Var {
    let tensor = rec.gpu().upload(rows, cols, values).expect("uploads");
    rec.tensor(&tensor)
}

/// The device with checks, once for each kernel family that it has.
pub fn families() -> Vec<Gpu> {
    GPU.families().into_iter().map(|family| GPU.with_family(family)).collect()
}

pub fn on_all_families(test: impl Fn(&Gpu)) {
    families().iter().for_each(test);
}
