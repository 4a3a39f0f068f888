//! Toy targets in the plane, each with its exact distribution.
//!
//! The definitions are those of the field's usual code: FFJORD's `toy_data.py` (Grathwohl et al. 2019, also the source of
//! torchcfm's and most others' copies), scikit-learn's `make_moons` and `make_swiss_roll`, PacGAN's grid of 25 Gaussians (Lin et
//! al. 2018) and the banana of masked autoregressive flows (Papamakarios et al. 2017, Fig. 1). Where that code places points
//! at equal steps along a curve, the distribution here is uniform along it, so that rows are independent.
//!
//! Below, N, N₁, N₂ are independent standard normals (N in the plane where it is added to a point), U, U₁, U₂ independent
//! uniforms on [0, 1), and all indices, signs and other choices are equally likely.

mod closed_form;
mod draw;

use std::fmt;
use std::str::FromStr;

pub use closed_form::Moments;

use super::random::{Stream, generator};
use super::{Mixture, Table, nearest};
use crate::{Error, Result};

/// A target distribution on ℝ².
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Toy {
    /// `8gaussians`: (4 (cos πk/4, sin πk/4) + N/2) / √2 with k in 0…7, as in FFJORD (which writes 1.414 for √2).
    EightGaussians,
    /// `moons`: 2 (P + N/10) + (−1, −1/5) with P = (cos πU, sin πU) or (1 − cos πU, 1/2 − sin πU): scikit-learn's `make_moons` with
    /// noise 0.1, scaled and moved as in FFJORD.
    Moons,
    /// `checkerboard`: density 1/32 on the squares [2i, 2i+2) × [2j, 2j+2) of [−4, 4)² where i + j is even, as in FFJORD.
    Checkerboard,
    /// `spiral`: ± (U₁/2 − n cos n, U₂/2 + n sin n) / 3 + N/10 with n = 3π √U: two arms, FFJORD's `2spirals`.
    Spiral,
    /// `rings`: r (cos 2πU, sin 2πU) + 0.08 N with r one of 3/4, 3/2, 9/4, 3, as in FFJORD.
    Rings,
    /// `pinwheel`: 2 (a cos θ + b sin θ, b cos θ − a sin θ) with a = 1 + 0.3 N₁, b = 0.1 N₂, θ = 2πk/5 + exp(a)/4 and k in 0…4, as in FFJORD
    /// (Johnson et al. 2016).
    Pinwheel,
    /// `swissroll`: (t cos t, t sin t)/5 + N/5 with t = 3π/2 (1 + 2U): scikit-learn's `make_swiss_roll` with noise 1 seen from
    /// the end, scaled as in FFJORD.
    SwissRoll,
    /// `gaussian`: N, the standard normal distribution in the plane.
    Gaussian,
    /// `uniform`: (U₁, U₂), on the unit square.
    Uniform,
    /// `banana`: y = 2 N₁, x = y²/4 + N₂, as in masked autoregressive flows.
    Banana,
    /// `25gaussians`: (2i, 2j) + N/20 with i and j in −2…2, PacGAN's grid.
    TwentyFiveGaussians,
}

impl Toy {
    /// Every toy target.
    pub const ALL: [Self; 11] = [
        Self::EightGaussians,
        Self::Moons,
        Self::Checkerboard,
        Self::Spiral,
        Self::Rings,
        Self::Pinwheel,
        Self::SwissRoll,
        Self::Gaussian,
        Self::Uniform,
        Self::Banana,
        Self::TwentyFiveGaussians,
    ];

    /// The name in `toy:NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EightGaussians => "8gaussians",
            Self::Moons => "moons",
            Self::Checkerboard => "checkerboard",
            Self::Spiral => "spiral",
            Self::Rings => "rings",
            Self::Pinwheel => "pinwheel",
            Self::SwissRoll => "swissroll",
            Self::Gaussian => "gaussian",
            Self::Uniform => "uniform",
            Self::Banana => "banana",
            Self::TwentyFiveGaussians => "25gaussians",
        }
    }

    /// One line that says what it looks like.
    pub fn description(self) -> &'static str {
        match self {
            Self::EightGaussians => "eight Gaussians of standard deviation 0.35 on a circle of radius 2.83",
            Self::Moons => "two interleaved half circles of radius 2 with noise 0.2",
            Self::Checkerboard => "eight of the sixteen squares of side 2 in [-4, 4]²",
            Self::Spiral => "two spiral arms of one and a half turns with noise 0.1",
            Self::Rings => "four concentric circles of radius 0.75 to 3 with noise 0.08",
            Self::Pinwheel => "five bent arms around the origin",
            Self::SwissRoll => "one spiral of one and a half turns with noise 0.2",
            Self::Gaussian => "the standard normal distribution",
            Self::Uniform => "the uniform distribution on the unit square",
            Self::Banana => "a Gaussian bent along a parabola",
            Self::TwentyFiveGaussians => "a grid of twenty-five Gaussians of standard deviation 0.05, two apart",
        }
    }

    /// `rows` independent rows with columns `x` and `y`. The same seed gives the same rows on every machine (up to the last
    /// digit of its sine and cosine) and in every later version, and the first rows of a
    /// longer table are those of a shorter one; another seed gives independent rows.
    ///
    /// ```
    /// use pushforward::data::toy::Toy;
    /// let moons = Toy::Moons.sample(500, 7);
    /// assert_eq!((moons.rows(), moons.columns()), (500, &["x".to_string(), "y".to_string()][..]));
    /// assert_eq!(moons, Toy::Moons.sample(500, 7));
    /// ```
    pub fn sample(self, rows: usize, seed: u64) -> Table {
        let mut random = generator(seed, Stream::Toy);
        let values = (0..rows).flat_map(|_| draw::point(self, &mut random).to_array().map(|value| value as f32)).collect();
        let table = Table::new(["x", "y"], values).expect("two columns of two names, and two values a row");
        table.from_origin(format!("toy:{}:{rows}", self.name()))
    }

    /// The mean and covariance of the distribution, in closed form (of the pinwheel, too).
    pub fn moments(self) -> Moments {
        closed_form::moments(self)
    }

    /// The logarithm of the density at a point, for the distributions whose density has a closed form: 8gaussians, checkerboard, gaussian,
    /// uniform, banana and 25gaussians. It is −∞ outside of the support.
    pub fn log_density(self, point: [f64; 2]) -> Option<f64> {
        closed_form::log_density(self, point)
    }

    /// ∇ log p at a point, for the distributions that have one everywhere: 8gaussians, gaussian, banana and 25gaussians.
    pub fn score(self, point: [f64; 2]) -> Option<[f64; 2]> {
        closed_form::score(self, point)
    }

    /// The distribution as a Gaussian mixture, where it is one: 8gaussians, gaussian and 25gaussians.
    pub fn mixture(self) -> Option<Mixture> {
        closed_form::mixture(self)
    }

    /// The targets whose score is known, for messages: `toy:8gaussians, …`.
    pub fn with_score() -> String {
        let known = Self::ALL.into_iter().filter(|toy| toy.score([0.0; 2]).is_some());
        known.map(|toy| format!("toy:{toy}")).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Toy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Toy {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|toy| toy.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let guess = nearest(name, names).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            Error::usage(format!("there is no toy distribution `{name}`{guess}; there are {}", names.join(", ")))
        })
    }
}
