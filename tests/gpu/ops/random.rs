use super::GPU;
use pushforward::gpu::{Recorder, Var};
use pushforward::ops::random::Distribution;
use pushforward::reference::{Exact, random};

const DISTRIBUTIONS: [(&str, Distribution); 5] = [
    ("uniform", Distribution::Uniform { low: -2.0, high: 3.0 }),
    ("normal", Distribution::Normal),
    ("cauchy", Distribution::Cauchy),
    ("laplace", Distribution::Laplace),
    ("sign", Distribution::Sign),
];

/// The numbers that the third replay draws.
fn third_draw(distribution: Distribution, rows: usize, cols: usize, seed: u64, domain: u32) -> Vec<f32> {
    let mut rec = Recorder::with_domain(&GPU, seed, domain).unwrap();
    let numbers = rec.random(distribution, rows, cols).unwrap();
    let numbers = rec.keep(numbers);
    let mut step = rec.finish().unwrap();
    step.replay(3).unwrap();
    step.read(numbers).unwrap()
}

#[test]
fn philox_meets_the_published_test_vectors() {
    // Random123's kat_vectors, philox4x32-10.
    assert_eq!(random::philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    assert_eq!(random::philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    let counter = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
    assert_eq!(random::philox(counter, [0xa409_3822, 0x299f_31d0]), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
}

#[test]
fn every_distribution_matches_its_reference_number_by_number() {
    let seed = 0x0123_4567_89ab_cdef_u64;
    for (name, distribution) in DISTRIBUTIONS {
        for (rows, cols) in [(1, 1), (5, 1), (63, 1), (64, 4), (257, 3), (1000, 17)] {
            let found = third_draw(distribution, rows, cols, seed, 5);
            let mut reference = Exact::new(4);
            for i in 0..(rows * cols).div_ceil(4) {
                let bits = random::philox([i as u32, 1, 2, 5], [seed as u32, (seed >> 32) as u32]);
                for value in random::draw(name, bits, -2.0, 3.0) {
                    // A normal number is r·cos θ: the error of the cosine is absolute, and r is below 6. Cauchy's
                    // tangent turns the rounding of its argument into x².
                    let scale = match name {
                        "normal" => 6.0,
                        "cauchy" => 1.0 + value * value,
                        _ => 3.0 + value.abs(),
                    };
                    reference.push_scaled(value, scale);
                }
            }
            reference.value.truncate(rows * cols);
            reference.scale.truncate(rows * cols);
            reference.check(name, &found);
        }
    }
}

#[test]
fn moments_are_those_of_the_distributions() {
    let n = 200_000;
    let moments = |distribution| {
        let x = third_draw(distribution, n, 1, 3, 0);
        let mean = |f: &dyn Fn(f64) -> f64| x.iter().map(|&x| f(f64::from(x))).sum::<f64>() / n as f64;
        (mean(&|x| x), mean(&|x| x * x), mean(&|x| x.powi(4)))
    };
    let five_sigma = |variance: f64| 5.0 * (variance / n as f64).sqrt();
    let (mean, square, fourth) = moments(Distribution::Normal);
    assert!(mean.abs() < five_sigma(1.0), "normal mean {mean}");
    assert!((square - 1.0).abs() < five_sigma(2.0), "normal variance {square}");
    assert!((fourth - 3.0).abs() < five_sigma(96.0), "normal fourth moment {fourth}");
    let (mean, square, _) = moments(Distribution::Laplace);
    assert!(mean.abs() < five_sigma(2.0) && (square - 2.0).abs() < five_sigma(20.0), "laplace {mean} {square}");
    let (mean, square, _) = moments(Distribution::Uniform { low: 0.0, high: 1.0 });
    assert!((mean - 0.5).abs() < five_sigma(1.0 / 12.0) && (square - 1.0 / 3.0).abs() < five_sigma(4.0 / 45.0));
}

#[test]
fn seeds_domains_steps_and_streams_differ() {
    let base = third_draw(Distribution::Normal, 16, 1, 1, 0);
    assert_eq!(base, third_draw(Distribution::Normal, 16, 1, 1, 0));
    assert_ne!(base, third_draw(Distribution::Normal, 16, 1, 2, 0));
    assert_ne!(base, third_draw(Distribution::Normal, 16, 1, 1 << 40 | 1, 0));
    assert_ne!(base, third_draw(Distribution::Normal, 16, 1, 1, 1));
    let mut rec = Recorder::new(&GPU, 1);
    let (a, b) = (rec.normal(16, 1).unwrap(), rec.normal(16, 1).unwrap());
    let (a, b) = (rec.keep(a), rec.keep(b));
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    assert_ne!(step.read(a).unwrap(), step.read(b).unwrap());
    step.set_count(2).unwrap();
    step.replay(1).unwrap();
    assert_eq!(step.read(a).unwrap(), base, "the third step is a function of its number");
}

#[test]
fn short_forms_draw_what_the_long_one_does() {
    let drawn = |record: fn(&mut Recorder) -> pushforward::Result<Var>| {
        let mut rec = Recorder::new(&GPU, 3);
        let numbers = record(&mut rec).unwrap();
        let numbers = rec.keep(numbers);
        let mut step = rec.finish().unwrap();
        step.replay(1).unwrap();
        step.read(numbers).unwrap()
    };
    let normal = drawn(|rec| rec.random(Distribution::Normal, 65, 3));
    assert_eq!(drawn(|rec| rec.normal(65, 3)), normal);
    let like = drawn(|rec| {
        let x = rec.constant(2.0, 65, 3)?;
        rec.normal_like(x)
    });
    assert_eq!(like, normal);
    let uniform = drawn(|rec| rec.random(Distribution::Uniform { low: 0.0, high: 1.0 }, 65, 3));
    assert_eq!(drawn(|rec| rec.uniform(65, 3)), uniform);
}
