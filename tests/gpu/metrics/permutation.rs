use pushforward::gpu::Gpu;
use pushforward::metrics::permutation::{BINS, mmd2, mmd2_statistics, p_value};
use pushforward::metrics::{Backend, interval, kolmogorov, pairs};

use super::{near, normal};

fn backends() -> [Backend; 2] {
    [Backend::Host, Backend::Gpu(Gpu::open("auto").expect("an adapter (the software one will do)"))]
}

/// Closed form 22: p = (k+1)/(n+1) is uniform on {1/(n+1), …, 1} when the distributions agree, however many rows a bin has and however the
/// rows were sorted.
#[test]
fn p_values_are_uniform_when_the_distributions_agree() {
    for (n, m, bins) in [(30, 40, BINS), (90, 121, 40)] {
        let p_values: Vec<f32> = (0..200)
            .map(|seed| {
                let (mut x, mut y) = (normal(n, 1, 0.0, 2 * seed), normal(m, 1, 0.0, 2 * seed + 1));
                x.values.sort_unstable_by(f32::total_cmp);
                y.values.sort_unstable_by(f32::total_cmp);
                mmd2(&Backend::Host, x.points(), y.points(), 1.0, 99, bins, seed).expect("p") as f32
            })
            .collect();
        assert!(p_values.iter().all(|p| (0.01..=1.0).contains(p)));
        // Two hundred uniform draws lie within 0.115 of the diagonal 99 times of 100.
        assert!(kolmogorov::one_sample(&p_values, |u| u).value < 0.115, "{bins} bins");
    }
}

#[test]
fn a_shift_is_seen_with_rows_and_with_bins_and_beside_a_set_of_another_size() {
    for on in &backends() {
        for (n, m, bins) in [(60, 60, BINS), (300, 200, 50), (40, 3000, 64), (3000, 40, 64)] {
            let (x, y) = (normal(n, 2, 0.0, 1), normal(m, 2, 1.0, 2));
            assert_eq!(mmd2(on, x.points(), y.points(), 1.0, 99, bins, 3).expect("p"), 0.01, "{n} and {m} rows in {bins} bins");
        }
    }
    assert_eq!(p_value(2.0, &[1.0, 2.0, 3.0]), 0.75);
}

/// Rows that fill no bin, bins of one row, of few (which a software adapter leaves to the host) and of many.
#[test]
fn the_statistics_are_those_of_the_plain_sums_on_both_backends() {
    let [host, gpu] = backends();
    for (n, m, d, bins) in
        [(40, 55, 2, BINS), (150, 211, 3, 60), (1000, 30, 20, 100), (7, 500, 1, 16), (1500, 901, 2, 64), (1100, 4000, 30, 128)]
    {
        let (x, y) = (normal(n, d, 0.0, 5), normal(m, d, 0.5, 6));
        let bandwidth = (d as f64).sqrt();
        let [on_host, on_gpu] =
            [&host, &gpu].map(|on| mmd2_statistics(on, x.points(), y.points(), bandwidth, 199, bins, 1).expect("statistics"));
        let what = format!("{n} and {m} rows of {d} columns in {bins} bins");
        assert!(on_host.iter().zip(&on_gpu).all(|(a, b)| (a - b).abs() < 1e-6), "{what}");
        let plain = pairs::mmd2(x.points(), y.points(), bandwidth).expect("mmd2").value;
        assert!((on_host[0] - plain).abs() < 1e-6, "{what}: {} and {plain}", on_host[0]);
        if n + m <= bins {
            // Relabelled, its mean is zero: within four standard errors of 199 values. (Bins that stay together move it a little.)
            let spread = interval::variance(on_host[1..].iter().copied()).sqrt();
            near(on_host[1..].iter().sum::<f64>() / 199.0, 0.0, 4.0 * spread / 199f64.sqrt());
        }
    }
}

/// The spread of permuted statistics, which is what a p-value rests on, is that of permutation single rows.
#[test]
fn bins_and_rows_have_one_null_distribution() {
    let (x, y) = (normal(400, 2, 0.0, 1), normal(400, 2, 0.0, 2));
    let spread = |bins: usize| {
        let found = mmd2_statistics(&Backend::Host, x.points(), y.points(), 1.0, 999, bins, 1).expect("statistics");
        interval::variance(found[1..].iter().copied()).sqrt()
    };
    // Standard deviations of skewed distributions from 999 draws are known to about 4 %.
    near(spread(200) / spread(BINS), 1.0, 0.12);
}
