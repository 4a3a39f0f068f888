//! What a network F(x, t) on a path of noise and data says, and what follows from it. With x = αx₁ + σx₀, any one of
//!
//! - the velocity v = α̇x₁ + σ̇x₀ (flow matching),
//! - the data x₁ (Karras et al.'s denoiser),
//! - the noise x₀ (Ho et al. 2020's ε),
//! - αx₀ − σx₁ (Salimans & Ho 2022's v),
//! - the score −x₀/σ, in units of the noise's covariance,
//! - (σx₁ − αx₀)/√(α² + σ²), which is what EDM's preconditioning leaves to the network where data and noise have one covariance:
//!   D = α/(α² + σ²)·x + σ/√(α² + σ²)·F (Karras et al. 2022, eq. 7, with σ_data = 1)
//!
//! gives all others linearly: each is a·x + b·F with coefficients of t. What divides by α or σ is held off zero by [`FLOOR`].

use super::path::{Coefficients, Path};
use serde::{Deserialize, Serialize};

/// Divisors are held off zero by this.
pub const FLOOR: f64 = 1e-3;

/// What a network is trained to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prediction {
    /// The path's own velocity.
    Velocity,
    /// x₁.
    Data,
    /// x₀.
    Noise,
    /// αx₀ − σx₁.
    V,
    /// −x₀/σ, weighted by σ² in training.
    Score,
    /// Preconditioned: zero is the right answer where the data are Gaussian.
    #[default]
    Edm,
}

/// a·x + b·F.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linear {
    pub of_x: f64,
    pub of_output: f64,
}

/// What follows from an output at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    pub velocity: Linear,
    pub data: Linear,
    pub noise: Linear,
    /// w·F is trained to be a·x₁ + b·x₀: (a, b, w).
    pub target: (f64, f64, f64),
}

impl Prediction {
    pub const ALL: [Self; 6] = [Self::Velocity, Self::Data, Self::Noise, Self::V, Self::Score, Self::Edm];

    /// What follows from the output where a path has these coefficients.
    pub fn read(self, c: Coefficients) -> Reading {
        let Coefficients { alpha, sigma, alpha_rate, sigma_rate, .. } = c;
        let square = alpha * alpha + sigma * sigma;
        let norm = square.sqrt();
        let cross = (alpha_rate * sigma - alpha * sigma_rate).max(1e-12);
        let (a, s) = (alpha.max(FLOOR), sigma.max(FLOOR));
        let along = (alpha_rate * alpha + sigma_rate * sigma) / square;
        let of = |of_x, of_output| Linear { of_x, of_output };
        let reading = |velocity, data, noise, target| Reading { velocity, data, noise, target };
        match self {
            Self::Velocity => reading(
                of(0.0, 1.0),
                of(-sigma_rate / cross, sigma / cross),
                of(alpha_rate / cross, -alpha / cross),
                (alpha_rate, sigma_rate, 1.0),
            ),
            Self::Data => reading(
                of(sigma_rate / s, alpha_rate - sigma_rate * alpha / s),
                of(0.0, 1.0),
                of(1.0 / s, -alpha / s),
                (1.0, 0.0, 1.0),
            ),
            Self::Noise => reading(
                of(alpha_rate / a, sigma_rate - alpha_rate * sigma / a),
                of(1.0 / a, -sigma / a),
                of(0.0, 1.0),
                (0.0, 1.0, 1.0),
            ),
            Self::V => reading(
                of(along, -cross / square),
                of(alpha / square, -sigma / square),
                of(sigma / square, alpha / square),
                (-sigma, alpha, 1.0),
            ),
            Self::Score => reading(
                of(alpha_rate / a, -sigma * (sigma_rate - alpha_rate * sigma / a)),
                of(1.0 / a, sigma * sigma / a),
                of(0.0, -sigma),
                (0.0, -1.0, sigma),
            ),
            Self::Edm => reading(
                of(along, cross / norm),
                of(alpha / square, sigma / norm),
                of(sigma / square, -alpha / norm),
                (sigma / norm, -alpha / norm, 1.0),
            ),
        }
    }
}

/// The numbers of one time, as the device's table has them: see [`table`](super::table).
pub fn row(path: &Path, prediction: Prediction, t: f64) -> [f64; 18] {
    let c = path.at(t);
    let r = prediction.read(c);
    let scale = if path.explodes() { (c.alpha * c.alpha + c.sigma * c.sigma).sqrt().recip() } else { 1.0 };
    [
        t,
        c.alpha,
        c.sigma,
        c.gamma,
        c.alpha_rate,
        c.sigma_rate,
        c.gamma_rate,
        scale,
        r.velocity.of_x,
        r.velocity.of_output,
        r.data.of_x,
        r.data.of_output,
        r.noise.of_x,
        r.noise.of_output,
        r.target.0,
        r.target.1,
        r.target.2,
        1.0,
    ]
}
