//! [`Target`]: distributions whose modes lie far apart and have unequal shares, and one without far modes to hold them against.
//!
//! A loss between samples sees that two far modes are there, but little says how much of the rows belongs to each: to move rows from one to the other, they
//! have to cross where no data are. Shares of modes are what direct training loses, so they are known here and measured.

use glam::DVec2;
use pushforward::data::Table;
use pushforward::data::toy::Toy;
use pushforward::{Error, Result};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use statrs::distribution::{ChiSquared, ContinuousCDF};
use std::f64::consts::{SQRT_2, TAU};

/// The targets, in the order of the page.
pub const NAMES: [&str; 5] = ["ring", "two", "far32", "far64", "moons"];
/// Modes of the ring and of the distributions of many dimensions.
const MODES: usize = 8;
/// Centers in d dimensions have the norm √d times this, rows deviate by 1: pairs of modes are about √2d of it apart.
const OUT: f64 = 3.0;
/// Directions of these centers, and what separates the random numbers of these distributions from those of others.
const DIRECTIONS: u64 = 0x0066_6172;
/// The chance of a row of a mode to lie out of its reach: that of a Gaussian in the plane to lie beyond four standard deviations.
const BEYOND: f64 = 3.354_626_279_025_118_5e-4; // e⁻⁸

/// A mixture of Gaussians of one standard deviation, Σ w_k N(c_k, s²1), with modes that are clearly apart.
#[derive(Clone, Debug)]
pub struct Mixture {
    pub columns: usize,
    /// Modes × columns.
    pub centers: Vec<f64>,
    /// They sum to one.
    pub weights: Vec<f64>,
    pub deviation: f64,
    /// Distance from its center within which a row is a mode's: P(|x − c| > reach) = e⁻⁸.
    pub reach: f64,
}

impl Mixture {
    fn new(columns: usize, centers: Vec<f64>, weights: impl IntoIterator<Item = u32>, deviation: f64) -> Self {
        let weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
        let sum: f64 = weights.iter().sum();
        // |x − c|²/s² is χ² of so many degrees.
        let squared = ChiSquared::new(columns as f64).map_or(f64::INFINITY, |mixture| mixture.inverse_cdf(1.0 - BEYOND));
        let weights = weights.into_iter().map(|w| w / sum).collect();
        Self { columns, centers, weights, deviation, reach: deviation * squared.sqrt() }
    }

    /// The least distance between centers, in standard deviations.
    pub fn apart(&self) -> f64 {
        let centers: Vec<&[f64]> = self.centers.chunks_exact(self.columns).collect();
        let pairs = centers.iter().enumerate().flat_map(|(i, a)| centers[..i].iter().map(move |b| (a, b)));
        let distance = |(a, b): (&&[f64], &&[f64])| a.iter().zip(*b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        pairs.map(distance).fold(f64::INFINITY, f64::min) / self.deviation
    }

    fn sample(&self, rows: usize, seed: u64) -> Vec<f32> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ DIRECTIONS.rotate_left(32));
        let mut out = Vec::with_capacity(rows * self.columns);
        for _ in 0..rows {
            let mut left: f64 = random.random();
            let chosen = self.weights.iter().position(|w| {
                left -= w;
                left < 0.0
            });
            let k = chosen.unwrap_or(self.weights.len() - 1);
            for center in &self.centers[k * self.columns..(k + 1) * self.columns] {
                let z: f64 = StandardNormal.sample(&mut random);
                out.push((center + self.deviation * z) as f32);
            }
        }
        out
    }

    /// The mode that a row is of: the nearest, if it is within reach.
    pub fn mode(&self, row: &[f32]) -> Option<usize> {
        let squared = |center: &[f64]| row.iter().zip(center).map(|(&x, c)| (f64::from(x) - c).powi(2)).sum::<f64>();
        let distances = self.centers.chunks_exact(self.columns).map(squared).enumerate();
        let (mode, nearest) = distances.min_by(|a, b| a.1.total_cmp(&b.1))?;
        (nearest <= self.reach * self.reach).then_some(mode)
    }

    /// Each mode's share of the rows; what is missing to one is the outlier rate.
    pub fn shares(&self, rows: &[f32]) -> Vec<f64> {
        let mut counts = vec![0usize; self.weights.len()];
        for row in rows.chunks_exact(self.columns) {
            if let Some(mode) = self.mode(row) {
                counts[mode] += 1;
            }
        }
        let rows = (rows.len() / self.columns).max(1) as f64;
        counts.into_iter().map(|count| count as f64 / rows).collect()
    }

    /// The total variation between shares and weights, outliers being a class of their own: ½(Σ|p_k − w_k| + 1 − Σp_k). By the data-processing
    /// inequality that between the distributions themselves is no less (but for the e⁻⁸ of the true rows that are outliers).
    pub fn share_error(&self, shares: &[f64]) -> f64 {
        let moved: f64 = shares.iter().zip(&self.weights).map(|(p, w)| (p - w).abs()).sum();
        0.5 * (moved + 1.0 - shares.iter().sum::<f64>())
    }
}

/// What a target is: whether its modes are far, and in how many dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    FarInPlane,
    FarInMany,
    Control,
}

#[derive(Clone, Debug)]
enum Rows {
    Mixture(Mixture),
    Toy(Toy),
}

/// A distribution to learn.
#[derive(Clone, Debug)]
pub struct Target {
    pub name: &'static str,
    /// In words.
    pub description: String,
    rows: Rows,
}

impl Target {
    /// The target of this name.
    pub fn find(name: &str) -> Result<Self> {
        let Some(name) = NAMES.into_iter().find(|of| *of == name) else {
            let hint = pushforward::data::nearest(name, NAMES).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
            return Err(Error::usage(format!("there is no target `{name}`{hint}; the targets are: {}", NAMES.join(", "))));
        };
        let rows = match name {
            "ring" => Rows::Mixture(ring()),
            "two" => Rows::Mixture(two()),
            "far32" => Rows::Mixture(far(32)),
            "far64" => Rows::Mixture(far(64)),
            _ => Rows::Toy(Toy::Moons),
        };
        let description = match &rows {
            Rows::Toy(toy) => format!("{}, whose parts are near each other: the control", toy.description()),
            Rows::Mixture(mixture) => {
                let least = mixture.weights.iter().copied().fold(f64::INFINITY, f64::min);
                let parts: Vec<String> = mixture.weights.iter().map(|w| format!("{:.0}", w / least)).collect();
                format!(
                    "{} Gaussian modes in {} dimensions, with shares as {}, the nearest pair {:.0} standard deviations apart",
                    mixture.weights.len(),
                    mixture.columns,
                    parts.join(":"),
                    mixture.apart()
                )
            }
        };
        Ok(Self { name, description, rows })
    }

    pub fn columns(&self) -> usize {
        self.mixture().map_or(2, |mixture| mixture.columns)
    }

    pub fn kind(&self) -> Kind {
        match &self.rows {
            Rows::Toy(_) => Kind::Control,
            Rows::Mixture(mixture) if mixture.columns == 2 => Kind::FarInPlane,
            Rows::Mixture(_) => Kind::FarInMany,
        }
    }

    /// Its modes, where it has such.
    pub fn mixture(&self) -> Option<&Mixture> {
        match &self.rows {
            Rows::Mixture(mixture) => Some(mixture),
            Rows::Toy(_) => None,
        }
    }

    /// Rows of the distribution; another seed draws others.
    pub fn sample(&self, rows: usize, seed: u64) -> Result<Table> {
        match &self.rows {
            Rows::Mixture(mixture) => Table::unnamed(mixture.columns, mixture.sample(rows, seed)),
            Rows::Toy(toy) => Ok(toy.sample(rows, seed)),
        }
    }
}

/// Eight narrow modes on a circle of radius √2, so that a column's standard deviation is about 1. Shares are as 1:2:…:8, and go around in steps of three: neighbors differ.
fn ring() -> Mixture {
    let angle = |k: usize| TAU * (3 * k % MODES) as f64 / MODES as f64;
    let centers = (0..MODES).flat_map(|k| (SQRT_2 * DVec2::from_angle(angle(k))).to_array()).collect();
    Mixture::new(2, centers, 1..=MODES as u32, 0.04)
}

/// Two modes 40 standard deviations apart along the diagonal, with a quarter and three quarters of the rows.
fn two() -> Mixture {
    let at = 20.0 * 0.08 / SQRT_2;
    Mixture::new(2, vec![-at, -at, at, at], [1, 3], 0.08)
}

/// Eight modes of standard deviation 1 at random directions, always the same ones.
fn far(columns: usize) -> Mixture {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(DIRECTIONS);
    let mut centers = Vec::with_capacity(MODES * columns);
    for _ in 0..MODES {
        let direction: Vec<f64> = (0..columns).map(|_| StandardNormal.sample(&mut random)).collect();
        let norm = direction.iter().map(|v| v * v).sum::<f64>().sqrt();
        centers.extend(direction.iter().map(|v| OUT * (columns as f64).sqrt() * v / norm));
    }
    Mixture::new(columns, centers, 1..=MODES as u32, 1.0)
}
