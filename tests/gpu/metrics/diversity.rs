use pushforward::metrics::diversity::{nearest, scores, vendi};
use pushforward::metrics::{Backend, Points};

use super::{Cloud, near, normal};

#[test]
fn equal_rows_count_as_one_and_far_rows_as_many() {
    for n in [2, 5, 60] {
        let line = |gap: f32| Cloud { values: (0..n).map(|i| i as f32 * gap).collect(), rows: n, columns: 1 };
        let (equal, far) = (line(0.0), line(100.0));
        let found = scores(&Backend::Host, equal.points(), 1.0, 0).expect("scores");
        near(found.vendi.value, 1.0, 1e-9);
        assert_eq!(found.nearest.value, 0.0);
        let found = scores(&Backend::Host, far.points(), 1.0, 0).expect("scores");
        near(found.vendi.value, n as f64, 1e-9 * n as f64);
        assert_eq!((found.nearest.value, found.nearest.standard_error), (100.0, Some(0.0)));
    }
}

#[test]
fn two_rows_have_the_closed_form() {
    // K/2 has eigenvalues (1 ± k)/2.
    for distance in [0.1f64, 1.0, 2.5] {
        let values = [0.0, 0.0, distance as f32, 0.0];
        let k = (-distance * distance / (2.0 * 0.7 * 0.7)).exp();
        let entropy: f64 = [0.5 * (1.0 + k), 0.5 * (1.0 - k)].iter().map(|l| -l * l.ln()).sum();
        let found = vendi(Points::new(&values, 2, 2).expect("points"), 0.7, 10, 0).expect("a score");
        near(found.value, entropy.exp(), 1e-6);
    }
}

#[test]
fn groups_of_copies_count_by_their_shares() {
    // Shares ½, ¼, ¼: exp of their entropy is 2^1.5.
    let values: Vec<f32> = [(0.0, 8), (50.0, 4), (-50.0, 4)].iter().flat_map(|&(at, n)| vec![at; n]).collect();
    let found = vendi(Points::new(&values, 16, 1).expect("points"), 1.0, 100, 0).expect("a score");
    near(found.value, 2f64.powf(1.5), 1e-9);
}

#[test]
fn the_nearest_distance_is_that_of_the_device_and_of_brute_force() {
    let x = normal(300, 3, 0.0, 1);
    let gpu = pushforward::gpu::Gpu::open("auto").expect("an adapter (the software one will do)");
    let (host, device) =
        (nearest(&Backend::Host, x.points()).expect("host"), nearest(&Backend::Gpu(gpu), x.points()).expect("device"));
    let brute: f64 = (0..300)
        .map(|i| {
            let squared =
                |j: usize| x.points().row(i).iter().zip(x.points().row(j)).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
            (0..300).filter(|&j| j != i).map(squared).fold(f64::INFINITY, f64::min).sqrt()
        })
        .sum::<f64>()
        / 300.0;
    near(host.value, brute, 1e-6);
    near(device.value, brute, 1e-6);
}

#[test]
fn wider_sets_are_more_diverse_and_larger_ones_are_drawn_from() {
    let x = normal(400, 2, 0.0, 2);
    let wider = Cloud { values: x.values.iter().map(|v| 1.5 * v).collect(), ..x };
    let of = |cloud: &Cloud, most| vendi(cloud.points(), 0.5, most, 3).expect("a score");
    let (narrow, wide) = (of(&x, 60), of(&wider, 60));
    assert!(1.0 < narrow.value && narrow.value < wide.value && wide.value < 60.0, "{narrow:?} {wide:?}");
    assert_eq!((narrow.rows_used, of(&x, 60).value), (Some(60), narrow.value));
}

#[test]
fn what_has_no_diversity_is_refused() {
    let one = [1.0, 2.0];
    let one = Points::new(&one, 1, 2).expect("points");
    assert!(nearest(&Backend::Host, one).unwrap_err().to_string().contains("two or more"));
    assert_eq!(vendi(one, 1.0, 10, 0).expect("one row is one").value, 1.0);
    assert!(vendi(one, 0.0, 10, 0).unwrap_err().to_string().contains("positive"));
}
