//! Every kernel against its f64 reference: one process, a device a thread, checks and poison on.

mod activation;
mod adam;
mod adaptive;
mod combine;
mod cooling;
mod coupling;
#[path = "../shared/devices.rs"]
mod devices;
mod dual;
mod formula;
mod fourier;
mod gather;
mod jet;
mod kernel_density;
mod likelihood;
mod line_potentials;
mod linear;
mod log_mean_exp;
mod map;
mod metropolis;
mod mixture;
mod mlp;
mod neighbors;
mod pairwise;
mod partners;
mod path;
mod penalty;
mod perceptron;
mod posterior;
mod random;
mod reduce;
mod refusals;
mod repulsion;
mod sinkhorn;
mod sliced;
mod sort;
mod spectral;
mod spline;
mod stein;
mod time;
mod triangular;

use devices::Devices;
use pushforward::gpu::{Gpu, Kept, Recorder, Var};
use pushforward::reference::{Twin, check_gradient};

/// The devices of all tests: shader checks on, values filled with NaN before they are written.
pub static GPU: Devices = Devices::CHECKED;

/// Deterministic numbers of about unit size.
pub fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            let mut sum = 0.0;
            for _ in 0..4 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                sum += (state >> 40) as f32 / (1 << 24) as f32 - 0.5;
            }
            sum * 1.7
        })
        .collect()
}

/// Records with `gpu`, runs once and returns the values that the recording keeps.
pub fn run_on(gpu: &Gpu, record: impl FnOnce(&mut Recorder) -> pushforward::Result<Vec<Var>>) -> Vec<Vec<f32>> {
    let mut rec = Recorder::new(gpu, 7);
    let kept: Vec<Kept> = record(&mut rec).expect("records").into_iter().map(|v| rec.keep(v)).collect();
    let mut step = rec.finish().expect("finishes");
    step.replay(1).expect("replays");
    kept.into_iter().map(|k| step.read(k).expect("reads")).collect()
}

/// The same on the tests' own device.
pub fn run(record: impl FnOnce(&mut Recorder) -> pushforward::Result<Vec<Var>>) -> Vec<Vec<f32>> {
    run_on(&GPU, record)
}

/// A value of the recording with these contents.
pub fn input(rec: &mut Recorder, rows: usize, cols: usize, values: &[f32]) -> Var {
    let tensor = rec.gpu().upload(rows, cols, values).expect("uploads");
    rec.tensor(&tensor)
}

#[test]
fn the_checker_refuses_a_wrong_value_a_nan_and_a_wrong_length() {
    let mut twin = Twin::new(1);
    twin.push([1.0]);
    twin.check("right", &[1.0]);
    for wrong in [vec![1.0 + 2e-6], vec![f32::NAN], vec![]] {
        assert!(std::panic::catch_unwind(|| twin.check("wrong", &wrong)).is_err(), "{wrong:?} passed");
    }
    assert!(std::panic::catch_unwind(|| check_gradient("wrong", &[1.0], &[1.1], 1e-6)).is_err());
}
