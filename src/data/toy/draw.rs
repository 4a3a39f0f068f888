//! One draw from each distribution, written as its definition is. The order of the draws is part of the seed's promise.

use std::f64::consts::{FRAC_PI_4, PI, SQRT_2, TAU};

use glam::{DVec2, dvec2};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::Toy;

pub(super) fn point(toy: Toy, random: &mut ChaCha8Rng) -> DVec2 {
    match toy {
        Toy::EightGaussians => {
            let angle = FRAC_PI_4 * index(random, 8);
            (4.0 * DVec2::from_angle(angle) + 0.5 * normal(random)) / SQRT_2
        }
        Toy::Moons => {
            let upper = index(random, 2) == 0.0;
            let arc = DVec2::from_angle(PI * uniform(random));
            let at = if upper { arc } else { dvec2(1.0, 0.5) - arc };
            2.0 * (at + 0.1 * normal(random)) - dvec2(1.0, 0.2)
        }
        Toy::Checkerboard => {
            let x = 4.0 * uniform(random) - 2.0;
            let y = uniform(random) - 2.0 * index(random, 2) + x.floor().rem_euclid(2.0);
            2.0 * dvec2(x, y)
        }
        Toy::Spiral => {
            let n = 3.0 * PI * uniform(random).sqrt();
            let (x, y) = (0.5 * uniform(random), 0.5 * uniform(random));
            let arm = dvec2(x - n * n.cos(), y + n * n.sin());
            let sign = 1.0 - 2.0 * index(random, 2);
            sign * arm / 3.0 + 0.1 * normal(random)
        }
        Toy::Rings => {
            let radius = 0.75 * (1.0 + index(random, 4));
            radius * DVec2::from_angle(TAU * uniform(random)) + 0.08 * normal(random)
        }
        Toy::Pinwheel => {
            let arm = index(random, 5);
            let blob = dvec2(1.0, 0.0) + dvec2(0.3, 0.1) * normal(random);
            // Turned clockwise by θ.
            2.0 * DVec2::from_angle(-(TAU * arm / 5.0 + 0.25 * blob.x.exp())).rotate(blob)
        }
        Toy::SwissRoll => {
            let t = 1.5 * PI * (1.0 + 2.0 * uniform(random));
            (t * DVec2::from_angle(t) + normal(random)) / 5.0
        }
        Toy::Gaussian => normal(random),
        Toy::Uniform => dvec2(uniform(random), uniform(random)),
        Toy::Banana => {
            let noise = normal(random);
            let y = 2.0 * noise.x;
            dvec2(y * y / 4.0 + noise.y, y)
        }
        Toy::TwentyFiveGaussians => {
            let (i, j) = (index(random, 5) - 2.0, index(random, 5) - 2.0);
            2.0 * dvec2(i, j) + 0.05 * normal(random)
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
fn normal(random: &mut impl Rng) -> DVec2 {
    dvec2(random.sample(StandardNormal), random.sample(StandardNormal))
}
