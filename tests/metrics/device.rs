use pushforward::gpu::Gpu;
use pushforward::metrics::{Backend, copying, manifold, neighbours};

use crate::normal;

/// Both sides form squared distances by direct differences in f32 and differ in their last bits at most.
#[test]
fn scores_on_the_device_are_those_of_the_host() {
    let gpu = Backend::Gpu(Gpu::open("auto").expect("an adapter (the software one will do)"));
    for d in [2, 20] {
        let (real, samples) = (normal(500, d, 0.0, 1), normal(333, d, 0.4, 2));
        let [host, device] =
            [&Backend::Host, &gpu].map(|on| manifold::scores(on, real.points(), samples.points(), 5).expect("scores"));
        for (a, b) in [(host.precision, device.precision), (host.recall, device.recall), (host.coverage, device.coverage)] {
            assert!((a.value - b.value).abs() <= 1.0 / 300.0, "{a:?} {b:?}");
        }
        assert!((host.density.value - device.density.value).abs() < 1e-3);
        let [host, device] =
            [&Backend::Host, &gpu].map(|on| copying::scores(on, real.points(), samples.points()).expect("scores"));
        assert!(
            (host.ratio.value - device.ratio.value).abs() < 1e-5
                && (host.authenticity.value - device.authenticity.value).abs() < 0.01
        );
    }
    let two = normal(2, 3, 0.0, 1);
    assert_eq!(neighbours::radii(&gpu, two.points(), 5).expect("radii"), [f32::INFINITY; 2]);
}
