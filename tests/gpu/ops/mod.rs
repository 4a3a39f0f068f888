//! Every kernel against its f64 reference: one process, a device a thread, checks and poison on.

mod activation;
mod adam;
mod adaptive;
mod combine;
mod cooling;
mod coupling;
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
mod table;
mod time;
mod triangular;
mod variants;

use crate::shared::{Devices, families, input, numbers, on_all_families, run, run_on, wide};
use pushforward::reference::{Exact, check_gradient};

/// The devices of all tests: shader checks on, values filled with NaN before they are written.
static GPU: Devices = Devices::CHECKED;

#[test]
fn the_checker_refuses_a_wrong_value_a_nan_and_a_wrong_length() {
    let mut reference = Exact::new(1);
    reference.push([1.0]);
    reference.check("right", &[1.0]);
    for wrong in [vec![1.0 + 2e-6], vec![f32::NAN], vec![]] {
        assert!(std::panic::catch_unwind(|| reference.check("wrong", &wrong)).is_err(), "{wrong:?} passed");
    }
    assert!(std::panic::catch_unwind(|| check_gradient("wrong", &[1.0], &[1.1], 1e-6)).is_err());
}
