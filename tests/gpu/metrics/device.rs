use pushforward::gpu::Gpu;
use pushforward::metrics::{Backend, Points, manifold, memorization, neighbors, pairs, sliced};

use super::{near, normal};

fn open() -> Gpu {
    Gpu::open("auto").expect("an adapter (the software one will do)")
}

/// Sums of a few hundred terms of about 1 in f32 are right to 1e-6, and so are their means.
#[test]
fn row_means_on_the_device_are_those_of_the_host() {
    let gpu = open();
    for (n, m, d) in [(150, 211, 2), (65, 230, 20)] {
        let (x, y) = (normal(n, d, 0.0, 1), normal(m, d, 0.5, 2));
        let (x, y) = (x.points(), y.points());
        let [host, device] = [pairs::energy(x, y), pairs::energy_on(&gpu, x, y)].map(|s| s.expect("energy"));
        let [host2, device2] = [pairs::mmd2(x, y, 1.5), pairs::mmd2_on(&gpu, x, y, 1.5)].map(|s| s.expect("mmd2"));
        for (a, b) in [(host, device), (host2, device2)] {
            near(a.value, b.value, 5e-6);
            near(a.standard_error.expect("error"), b.standard_error.expect("error"), 5e-6);
        }
    }
}

/// Sorted projections in f32 against f64, near the origin and far from it; sizes round the shader's blocks of 64, and unequal.
#[test]
fn sliced_w2_on_the_device_is_that_of_the_host() {
    let gpu = Backend::Gpu(open());
    for (n, m, d, origin) in [(2, 2, 1, 0.0), (64, 65, 2, 0.0), (300, 257, 3, 1000.0), (1000, 1000, 20, 0.0)] {
        let at = |seed| normal(n.max(m), d, 0.0, seed).values.iter().map(|v| v + origin).collect::<Vec<f32>>();
        let (x, mut y) = (at(1), at(2));
        y.iter_mut().for_each(|v| *v += 0.3);
        let (x, y) = (Points::new(&x[..n * d], n, d).expect("x"), Points::new(&y[..m * d], m, d).expect("y"));
        let [host, device] = [&Backend::Host, &gpu].map(|on| sliced::wasserstein(on, x, y, 70, 5).expect("sliced"));
        // Rows at 1,000 have an f32 spacing of 6e-5 of their own, which both sides share: the rest is rounding.
        near(host.value, device.value, 2e-6 * host.value.max(1.0));
        near(host.standard_error.expect("error"), device.standard_error.expect("error"), 1e-5);
        assert_eq!(host.rows_used, device.rows_used);
    }
}

/// Both sides form squared distances by direct differences in f32 and differ in their last bits at most.
#[test]
fn scores_on_the_device_are_those_of_the_host() {
    let gpu = Backend::Gpu(open());
    for d in [2, 20] {
        let (real, samples) = (normal(250, d, 0.0, 1), normal(200, d, 0.4, 2));
        let [host, device] =
            [&Backend::Host, &gpu].map(|on| manifold::scores(on, real.points(), samples.points(), 5).expect("scores"));
        for (a, b) in [(host.precision, device.precision), (host.recall, device.recall), (host.coverage, device.coverage)] {
            assert!((a.value - b.value).abs() <= 1.0 / 190.0, "{a:?} {b:?}");
        }
        assert!((host.density.value - device.density.value).abs() < 1e-3);
        let [host, device] =
            [&Backend::Host, &gpu].map(|on| memorization::scores(on, real.points(), samples.points()).expect("scores"));
        let ratio = |memorization: &memorization::Scores| memorization.ratio.as_ref().expect("a ratio").value;
        assert!(
            (ratio(&host) - ratio(&device)).abs() < 1e-5 && (host.authenticity.value - device.authenticity.value).abs() < 0.01
        );
    }
    let two = normal(2, 3, 0.0, 1);
    assert_eq!(neighbors::radii(&gpu, two.points(), 5).expect("radii"), [f32::INFINITY; 2]);
}
