//! One draw from each distribution, written as its definition is. The order of the draws is part of the seed's promise.

use std::f64::consts::{FRAC_PI_4, PI, SQRT_2, TAU};

use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::Toy;

pub(super) fn point(toy: Toy, random: &mut ChaCha8Rng) -> [f64; 2] {
    match toy {
        Toy::EightGaussians => {
            let angle = FRAC_PI_4 * index(random, 8);
            let [a, b] = normal(random);
            [(4.0 * angle.cos() + 0.5 * a) / SQRT_2, (4.0 * angle.sin() + 0.5 * b) / SQRT_2]
        }
        Toy::Moons => {
            let upper = index(random, 2) == 0.0;
            let angle = PI * uniform(random);
            let [a, b] = normal(random);
            let [x, y] = if upper { [angle.cos(), angle.sin()] } else { [1.0 - angle.cos(), 0.5 - angle.sin()] };
            [2.0 * (x + 0.1 * a) - 1.0, 2.0 * (y + 0.1 * b) - 0.2]
        }
        Toy::Checkerboard => {
            let x = 4.0 * uniform(random) - 2.0;
            let y = uniform(random) - 2.0 * index(random, 2) + x.floor().rem_euclid(2.0);
            [2.0 * x, 2.0 * y]
        }
        Toy::Spiral => {
            let n = 3.0 * PI * uniform(random).sqrt();
            let x = 0.5 * uniform(random) - n * n.cos();
            let y = 0.5 * uniform(random) + n * n.sin();
            let sign = 1.0 - 2.0 * index(random, 2);
            let [a, b] = normal(random);
            [sign * x / 3.0 + 0.1 * a, sign * y / 3.0 + 0.1 * b]
        }
        Toy::Rings => {
            let radius = 0.75 * (1.0 + index(random, 4));
            let angle = TAU * uniform(random);
            let [a, b] = normal(random);
            [radius * angle.cos() + 0.08 * a, radius * angle.sin() + 0.08 * b]
        }
        Toy::Pinwheel => {
            let arm = index(random, 5);
            let [a, b] = normal(random);
            let (a, b) = (1.0 + 0.3 * a, 0.1 * b);
            let (sin, cos) = (TAU * arm / 5.0 + 0.25 * a.exp()).sin_cos();
            [2.0 * (a * cos + b * sin), 2.0 * (b * cos - a * sin)]
        }
        Toy::SwissRoll => {
            let t = 1.5 * PI * (1.0 + 2.0 * uniform(random));
            let [a, b] = normal(random);
            [(t * t.cos() + a) / 5.0, (t * t.sin() + b) / 5.0]
        }
        Toy::Gaussian => normal(random),
        Toy::Uniform => [uniform(random), uniform(random)],
        Toy::Banana => {
            let [a, b] = normal(random);
            let y = 2.0 * a;
            [y * y / 4.0 + b, y]
        }
        Toy::TwentyFiveGaussians => {
            let (i, j) = (index(random, 5) - 2.0, index(random, 5) - 2.0);
            let [a, b] = normal(random);
            [2.0 * i + 0.05 * a, 2.0 * j + 0.05 * b]
        }
    }
}

/// Uniform on [0, 1) in steps of 2⁻⁵³.
fn uniform(random: &mut impl Rng) -> f64 {
    random.random()
}

/// One of 0, …, count − 1, as a number to compute with.
fn index(random: &mut impl Rng, count: u32) -> f64 {
    f64::from(random.random_range(0..count))
}

/// Two independent standard normals (ziggurat).
fn normal(random: &mut impl Rng) -> [f64; 2] {
    [random.sample(StandardNormal), random.sample(StandardNormal)]
}
