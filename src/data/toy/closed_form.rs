//! What is known of each distribution in closed form.

use std::f64::consts::{FRAC_PI_4, PI, SQRT_2, TAU};

use glam::{DVec2, dvec2};

use super::Toy;
use crate::data::Mixture;

/// The mean and covariance of a distribution on ℝ².
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// (E x, E y)
    pub mean: [f64; 2],
    /// Rows of the covariance matrix.
    pub covariance: [[f64; 2]; 2],
}

impl Moments {
    fn new(mean: [f64; 2], variance: [f64; 2], covariance: f64) -> Self {
        Self { mean, covariance: [[variance[0], covariance], [covariance, variance[1]]] }
    }
}

pub(super) fn moments(toy: Toy) -> Moments {
    match toy {
        // Half the squared radius in each direction, and the noise.
        Toy::EightGaussians => Moments::new([0.0; 2], [4.0 + 0.125; 2], 0.0),
        Toy::Moons => {
            // The variance within a half circle is 1/2 and 1/2 − 4/π²; the two centers of mass, (0, 2/π) and (1, 1/2 − 2/π), add
            // the products of half their differences.
            let half = [-0.5, 2.0 / PI - 0.25];
            let variance = [0.5 + half[0] * half[0], 0.5 - 4.0 / (PI * PI) + half[1] * half[1]];
            Moments::new([0.0, 0.3], variance.map(|within| 4.0 * (within + 0.01)), 4.0 * half[0] * half[1])
        }
        // Both margins are uniform on [−4, 4]; xy has the mean 1 over the eight squares.
        Toy::Checkerboard => Moments::new([0.0; 2], [16.0 / 3.0; 2], 1.0),
        Toy::Spiral => {
            // n has the density 2n/a² on [0, a], a = 3π, by which (integrating by parts, with sin 2a = 0, cos a = −1):
            let a = 3.0 * PI;
            let (cos2, sin2) = (a * a / 4.0 + 0.75, a * a / 4.0 - 0.75); // E n² cos² n, E n² sin² n
            let (cos, sin) = (-4.0 / a, 2.0 - 8.0 / (a * a)); // E n cos n, E n sin n
            let both = -a / 2.0 + 3.0 / (4.0 * a); // E n² sin n cos n
            // Second moments of (U₁/2 − n cos n, U₂/2 + n sin n); the sign makes the mean zero.
            let (xx, yy) = (cos2 - cos / 2.0 + 1.0 / 12.0, sin2 + sin / 2.0 + 1.0 / 12.0);
            let xy = (sin - cos) / 4.0 - both + 1.0 / 16.0;
            Moments::new([0.0; 2], [xx / 9.0 + 0.01, yy / 9.0 + 0.01], xy / 9.0)
        }
        Toy::Rings => {
            let squares = [0.75f64, 1.5, 2.25, 3.0].iter().map(|r| r * r).sum::<f64>() / 4.0;
            Moments::new([0.0; 2], [squares / 2.0 + 0.0064; 2], 0.0)
        }
        // Fivefold symmetry leaves E|x|²/2 in each direction, and turning does not change |x|² = 4 (a² + b²).
        Toy::Pinwheel => Moments::new([0.0; 2], [2.0 * (1.0 + 0.09 + 0.01); 2], 0.0),
        Toy::SwissRoll => {
            // t is uniform on [3π/2, 9π/2], by which:
            let square = 9.75 * PI * PI; // E t²
            let (cos, sin) = (2.0, 2.0 / (3.0 * PI)); // E t cos t, E t sin t
            let (cos2, sin2, both) = (square / 2.0 - 0.25, square / 2.0 + 0.25, 1.5 * PI);
            let variance = [cos2 - cos * cos, sin2 - sin * sin].map(|curve| curve / 25.0 + 0.04);
            Moments::new([cos / 5.0, sin / 5.0], variance, (both - cos * sin) / 25.0)
        }
        Toy::Gaussian => Moments::new([0.0; 2], [1.0; 2], 0.0),
        Toy::Uniform => Moments::new([0.5; 2], [1.0 / 12.0; 2], 0.0),
        // x = N₁² + N₂
        Toy::Banana => Moments::new([1.0, 0.0], [3.0, 4.0], 0.0),
        Toy::TwentyFiveGaussians => Moments::new([0.0; 2], [8.0 + 0.0025; 2], 0.0),
    }
}

/// The center of a mode of the eight Gaussians.
fn center(mode: u8) -> DVec2 {
    4.0 / SQRT_2 * DVec2::from_angle(FRAC_PI_4 * f64::from(mode))
}

pub(super) fn log_density(toy: Toy, [x, y]: [f64; 2]) -> Option<f64> {
    match toy {
        Toy::EightGaussians => {
            let squares: Vec<f64> = (0..8).map(|k| center(k).distance_squared(dvec2(x, y)) / 0.125).collect();
            Some(log_sum(&squares) - (TAU * 0.125 * 8.0).ln())
        }
        Toy::Checkerboard => {
            let inside = [x, y].iter().all(|c| (-4.0..4.0).contains(c));
            let filled = ((x / 2.0).floor() + (y / 2.0).floor()).rem_euclid(2.0) == 0.0;
            Some(if inside && filled { -32f64.ln() } else { f64::NEG_INFINITY })
        }
        Toy::Gaussian => Some(-(x * x + y * y) / 2.0 - TAU.ln()),
        Toy::Uniform => Some(if [x, y].iter().all(|c| (0.0..1.0).contains(c)) { 0.0 } else { f64::NEG_INFINITY }),
        Toy::Banana => Some(-(x - y * y / 4.0).powi(2) / 2.0 - y * y / 8.0 - (2.0 * TAU).ln()),
        Toy::TwentyFiveGaussians => {
            let line = |c: f64| {
                let squares: Vec<f64> = (-2..=2).map(|i| ((c - 2.0 * f64::from(i)) / 0.05).powi(2)).collect();
                log_sum(&squares) - (TAU.sqrt() * 0.05 * 5.0).ln()
            };
            Some(line(x) + line(y))
        }
        Toy::Moons | Toy::Spiral | Toy::Rings | Toy::Pinwheel | Toy::SwissRoll => None,
    }
}

pub(super) fn mixture(toy: Toy) -> Option<Mixture> {
    match toy {
        Toy::EightGaussians => {
            let means: Vec<f64> = (0..8).flat_map(|k| center(k).to_array()).collect();
            Some(Mixture::equal(2, &means, &[0.5 / SQRT_2]))
        }
        Toy::Gaussian => Some(Mixture::equal(2, &[0.0; 2], &[1.0])),
        Toy::TwentyFiveGaussians => {
            let means: Vec<f64> = (0..25).flat_map(|k| [2.0 * f64::from(k / 5 - 2), 2.0 * f64::from(k % 5 - 2)]).collect();
            Some(Mixture::equal(2, &means, &[0.05]))
        }
        _ => None,
    }
}

pub(super) fn score(toy: Toy, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
    if toy == Toy::Banana {
        let bend = x - y * y / 4.0;
        return Some([-bend, (bend * y - y / 2.0) / 2.0]);
    }
    mixture(toy).map(|mixture| {
        let score = mixture.score(&[x, y]);
        [score[0], score[1]]
    })
}

/// log Σ exp(−s/2), by the least s.
fn log_sum(squares: &[f64]) -> f64 {
    let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
    squares.iter().map(|s| ((least - s) / 2.0).exp()).sum::<f64>().ln() - least / 2.0
}
