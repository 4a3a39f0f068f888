//! Paths between noise and data (paper §4): x_t = α(t)·x₁ + σ(t)·x₀ + γ(t)·z with noise x₀ at t = 0, data x₁ at t = 1, and z normal; and
//! their velocity α̇x₁ + σ̇x₀ + γ̇z, whose conditional mean given x_t is the field whose flow carries one distribution to the other (Lipman et al. 2023;
//! Albergo, Boffi & Vanden-Eijnden 2023).
//!
//! Diffusions are such paths too, run from their noise to the data. A variance-preserving one, dX = −½β X ds + √β dB, has
//! α = e^{−B/2} and σ² = 1 − e^{−B} with B = ∫β; near the data σ grows like √s there, so its time here is s = (1 − t)², in which σ has a
//! finite slope: every rate is finite on the whole of [0, 1], and t = 0 and t = 1 are times as others are.
//!
//! And what a network F(x, t) on a path of noise and data says. With x = αx₁ + σx₀, any one of
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

use crate::gpu::kernels::path as kernel;
use serde::{Deserialize, Serialize};
use std::f64::consts::{FRAC_PI_2, PI};

/// α and σ as functions of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Curve {
    /// α = t, σ = 1 − (1 − σ_min)t: straight lines (flow matching, rectified flow).
    #[default]
    Straight,
    /// α = sin(πt/2), σ = cos(πt/2): of two distributions of one covariance all distributions between have it too. The cosine schedule of Nichol & Dhariwal
    /// (2021), without its offset.
    #[serde(alias = "cosine")]
    Trigonometric,
    /// The paper's example: dX = −X ds + √2 dB up to s = 5, so B = 10(1 − t)².
    OrnsteinUhlenbeck,
    /// β from 0.1 to 20 linearly (Ho, Jain & Abbeel 2020; Song et al. 2021), so B = 0.1u² + 9.95u⁴, u = 1 − t.
    VpLinear,
    /// α = 1, σ = σ_min(σ_max/σ_min)^{1−t} (Song et al. 2021).
    VarianceExploding,
    /// α = 1, σ^{1/7} linear from σ_max to σ_min: equal steps of t are the steps of Karras et al. (2022), eq. 5.
    Edm,
    /// α = cos²(πt) from the half on, σ = cos²(πt) up to it, γ = sin²(πt): halfway everything is noise (Albergo et al. 2023, §3.4).
    EncodingDecoding,
}

impl Curve {
    /// What the shader's uniform calls it.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Straight => kernel::CURVE_STRAIGHT,
            Self::Trigonometric => kernel::CURVE_TRIGONOMETRIC,
            Self::OrnsteinUhlenbeck => kernel::CURVE_ORNSTEIN_UHLENBECK,
            Self::VpLinear => kernel::CURVE_VP_LINEAR,
            Self::VarianceExploding => kernel::CURVE_VARIANCE_EXPLODING,
            Self::Edm => kernel::CURVE_EDM,
            Self::EncodingDecoding => kernel::CURVE_ENCODING_DECODING,
        }
    }
}

/// The noise that lies over a path between two distributions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gamma {
    /// None.
    #[default]
    None,
    /// γ = a√(t(1 − t)), a Brownian bridge's standard deviation: that of a Schrödinger bridge between points.
    Bridge,
    /// γ = a sin²(πt), whose slope is zero at both ends.
    Sine,
}

impl Gamma {
    /// What the shader's uniform calls it.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::None => kernel::GAMMA_NONE,
            Self::Bridge => kernel::GAMMA_BRIDGE,
            Self::Sine => kernel::GAMMA_SINE,
        }
    }
}

/// A path with its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    pub curve: Curve,
    /// Noise left at the data: of a straight, exploding or EDM path.
    pub sigma_min: f64,
    /// Noise at the start of an exploding or EDM path.
    pub sigma_max: f64,
    pub gamma: Gamma,
    /// a of γ.
    pub gamma_scale: f64,
}

/// A path's coefficients at one time, and their rates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coefficients {
    pub alpha: f64,
    pub sigma: f64,
    pub gamma: f64,
    pub alpha_rate: f64,
    pub sigma_rate: f64,
    pub gamma_rate: f64,
}

/// ρ of the EDM path.
const RHO: i32 = 7;

impl From<Curve> for Path {
    /// The path with its usual constants: noise from 80 to 0.002 for EDM's, from 50 to 0.01 for the exploding one.
    fn from(curve: Curve) -> Self {
        let (sigma_min, sigma_max) = match curve {
            Curve::Edm => (0.002, 80.0),
            Curve::VarianceExploding => (0.01, 50.0),
            _ => (0.0, 1.0),
        };
        Self { curve, sigma_min, sigma_max, gamma: Gamma::None, gamma_scale: 1.0 }
    }
}

/// (1 − e^{−x})/x.
fn e1(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { -(-x).exp_m1() / x }
}

impl Curve {
    pub const ALL: [Self; 7] = [
        Self::Straight,
        Self::Trigonometric,
        Self::OrnsteinUhlenbeck,
        Self::VpLinear,
        Self::VarianceExploding,
        Self::Edm,
        Self::EncodingDecoding,
    ];

    /// Those that go from noise straight to data.
    pub const DIFFUSIONS: [Self; 6] =
        [Self::Straight, Self::Trigonometric, Self::OrnsteinUhlenbeck, Self::VpLinear, Self::VarianceExploding, Self::Edm];

    /// b₀ and b₁ of the exponent B = b₀u² + ½b₁u⁴ of a variance-preserving path.
    fn exponent(self) -> Option<(f64, f64)> {
        match self {
            Self::OrnsteinUhlenbeck => Some((10.0, 0.0)),
            Self::VpLinear => Some((0.1, 19.9)),
            _ => None,
        }
    }
}

impl Path {
    /// The coefficients at a time in [0, 1].
    pub fn at(&self, t: f64) -> Coefficients {
        let u = 1.0 - t;
        let mut c = match self.curve {
            Curve::Straight => {
                let kept = 1.0 - self.sigma_min;
                Coefficients { alpha: t, sigma: 1.0 - kept * t, alpha_rate: 1.0, sigma_rate: -kept, ..Default::default() }
            }
            Curve::Trigonometric => {
                let (sin, cos) = ((FRAC_PI_2 * t).sin(), (FRAC_PI_2 * u).sin());
                let (alpha_rate, sigma_rate) = (FRAC_PI_2 * cos, -FRAC_PI_2 * sin);
                Coefficients { alpha: sin, sigma: cos, alpha_rate, sigma_rate, ..Default::default() }
            }
            Curve::OrnsteinUhlenbeck | Curve::VpLinear => {
                // With B = b(u)u²: σ = u√(b·e1(B)), and σ̇ = e^{−B}Ḃ/2σ, where u cancels.
                let (b0, b1) = self.curve.exponent().unwrap_or_default();
                let (shape, slope) = (b0 + 0.5 * b1 * u * u, b0 + b1 * u * u);
                let exponent = shape * u * u;
                let (alpha, root) = ((-0.5 * exponent).exp(), (shape * e1(exponent)).sqrt());
                Coefficients {
                    alpha,
                    sigma: u * root,
                    alpha_rate: u * slope * alpha,
                    sigma_rate: -alpha * alpha * slope / root,
                    ..Default::default()
                }
            }
            Curve::VarianceExploding => {
                let rate = (self.sigma_max / self.sigma_min).ln();
                let sigma = self.sigma_min * (rate * u).exp();
                Coefficients { alpha: 1.0, sigma, sigma_rate: -rate * sigma, ..Default::default() }
            }
            Curve::Edm => {
                let [low, high] = [self.sigma_min, self.sigma_max].map(|s| s.powf(1.0 / f64::from(RHO)));
                let root = high * u + low * t;
                let sigma_rate = f64::from(RHO) * (low - high) * root.powi(RHO - 1);
                Coefficients { alpha: 1.0, sigma: root.powi(RHO), sigma_rate, ..Default::default() }
            }
            Curve::EncodingDecoding => {
                let square = (PI * (0.5 - t)).sin().powi(2);
                let rate = PI * (2.0 * PI * t.min(u)).sin();
                let late = t > 0.5;
                let only = |when: bool, value: f64| if when { value } else { 0.0 };
                Coefficients {
                    alpha: only(late, square),
                    sigma: only(!late, square),
                    gamma: 1.0 - square,
                    alpha_rate: only(late, rate),
                    sigma_rate: only(!late, -rate),
                    gamma_rate: if late { -rate } else { rate },
                }
            }
        };
        match self.gamma {
            Gamma::None => {}
            Gamma::Bridge => {
                c.gamma = self.gamma_scale * (t * u).sqrt();
                // The slope is endless at the ends: it is taken at a millionth of the way's square.
                c.gamma_rate = self.gamma_scale * (0.5 - t) / (t * u).max(1e-6).sqrt();
            }
            Gamma::Sine => {
                c.gamma = self.gamma_scale * (PI * t.min(u)).sin().powi(2);
                let rate = self.gamma_scale * PI * (2.0 * PI * t.min(u)).sin();
                c.gamma_rate = if t > 0.5 { -rate } else { rate };
            }
        }
        c
    }

    /// The time at which σ/α is `ratio`; outside [0, 1] where the path has no such time.
    pub fn time_of_ratio(&self, ratio: f64) -> f64 {
        match self.curve {
            Curve::Straight | Curve::EncodingDecoding => 1.0 / (1.0 - self.sigma_min + ratio),
            Curve::Trigonometric => 1f64.atan2(ratio) / FRAC_PI_2,
            Curve::OrnsteinUhlenbeck | Curve::VpLinear => {
                // B = ln(1 + r²), and u² from b₀u² + ½b₁u⁴ = B without cancellation.
                let (b0, b1) = self.curve.exponent().unwrap_or_default();
                let exponent = (ratio * ratio).ln_1p();
                1.0 - (2.0 * exponent / (b0 + (b0 * b0 + 2.0 * b1 * exponent).sqrt())).sqrt()
            }
            Curve::VarianceExploding => (self.sigma_max / ratio).ln() / (self.sigma_max / self.sigma_min).ln(),
            Curve::Edm => {
                let root = |s: f64| s.powf(1.0 / f64::from(RHO));
                (root(self.sigma_max) - root(ratio)) / (root(self.sigma_max) - root(self.sigma_min))
            }
        }
    }

    /// g² of the diffusion dX = f X ds + g dB whose distributions the path runs through backwards, by unit of t: 2(α̇σ²/α − σσ̇); none where it is
    /// endless at the noise's end.
    pub fn diffusion(&self, t: f64) -> Option<f64> {
        match self.curve {
            Curve::OrnsteinUhlenbeck | Curve::VpLinear | Curve::VarianceExploding | Curve::Edm => {
                let c = self.at(t);
                Some(2.0 * (c.alpha_rate * c.sigma * c.sigma / c.alpha - c.sigma * c.sigma_rate))
            }
            _ => None,
        }
    }

    /// Whether x_t grows beyond the data's own scale on the way to noise: a network then wants it scaled back.
    pub fn explodes(&self) -> bool {
        matches!(self.curve, Curve::VarianceExploding | Curve::Edm)
    }
}

/// Divisors are held off zero by this.
pub const FLOOR: f64 = kernel::FLOOR;

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

impl Prediction {
    /// What the shader's uniform calls it.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Velocity => kernel::PREDICTION_VELOCITY,
            Self::Data => kernel::PREDICTION_DATA,
            Self::Noise => kernel::PREDICTION_NOISE,
            Self::V => kernel::PREDICTION_V,
            Self::Score => kernel::PREDICTION_SCORE,
            Self::Edm => kernel::PREDICTION_EDM,
        }
    }
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

/// The numbers of one time, as the device's table has them: see [`super`].
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
