//! Where latent-variable models start: probabilistic principal components (Tipping & Bishop 1999) of the data given what is given,
//!
//!   x = b + cB + zW + σε,   WᵀW + σ²I ≈ Σ,   q(z | x) = N((x − b − cB)Wᵀ(WWᵀ + σ²)^{−1}, σ²(WWᵀ + σ²)^{−1}),
//!
//! with Σ the covariance of the data around their regression on c. The rows of W are principal directions, so WWᵀ is diagonal and the posterior one that an
//! encoder has exactly.

use super::settings::{LatentSettings, Likelihood};
use crate::methods::Dataset;

/// Of the smallest variance, what the decoder's noise takes where the latent space has room for all.
const SHARE: f64 = 0.25;
/// Chances are held this far off 0 and 1.
const CERTAIN: f64 = 0.01;

/// Affine parts of encoder and decoder, (weight, bias), and the raw scale of every column.
pub struct Start {
    pub encoder: (Vec<f32>, Vec<f32>),
    pub decoder: (Vec<f32>, Vec<f32>),
    pub raw_scale: f32,
}

impl Start {
    /// Zeros, for a model that is to be loaded.
    pub fn empty(columns: usize, conditions: usize, latent: usize, settings: &LatentSettings) -> Self {
        let outputs = if settings.own_scales() { 2 * columns } else { columns };
        Self {
            encoder: (vec![0.0; (columns + conditions) * 2 * latent], vec![0.0; 2 * latent]),
            decoder: (vec![0.0; (latent + conditions) * outputs], vec![0.0; outputs]),
            raw_scale: 0.0,
        }
    }

    pub fn of(data: &Dataset, columns: usize, conditions: usize, latent: usize, settings: &LatentSettings) -> Self {
        let mut start = Self::empty(columns, conditions, latent, settings);
        let (bias, factor) = data.regression(columns);
        let bias: Vec<f64> = bias.into_iter().map(f64::from).collect();
        let factor: Vec<f64> = factor.into_iter().map(f64::from).collect();
        // Principal directions, each times its standard deviation, and below them B.
        let (directions, slope) = factor.split_at(columns * columns);
        let variances: Vec<f64> = directions.chunks_exact(columns).map(|row| row.iter().map(|v| v * v).sum::<f64>()).collect();
        let floor = f64::from(settings.min_scale);
        let noise = match variances.get(latent..).filter(|rest| !rest.is_empty()) {
            Some(rest) => rest.iter().sum::<f64>() / rest.len() as f64,
            None => SHARE * variances[columns - 1],
        };
        let noise = noise.max(2.0 * floor * floor);
        let outputs = start.decoder.1.len();
        // A Bernoulli decoder's locations are logits, whose slope at a chance p is 1/p(1 − p).
        let chance = |j: usize| f64::from(data.mean()[j]).clamp(CERTAIN, 1.0 - CERTAIN);
        let by_logit = settings.likelihood == Likelihood::Bernoulli;
        let stretch = |j: usize| if by_logit { 1.0 / (chance(j) * (1.0 - chance(j))) } else { 1.0 };
        for i in 0..latent {
            let own = variances.get(i).map_or(0.0, |v| (v - noise).max(0.0));
            start.encoder.1[latent + i] = (0.5 * (noise / (own + noise)).ln()) as f32;
            if own == 0.0 {
                continue;
            }
            let direction: Vec<f64> =
                directions[i * columns..(i + 1) * columns].iter().map(|v| v / variances[i].sqrt()).collect();
            let back = own.sqrt() / (own + noise);
            let mut center = 0.0;
            for j in 0..columns {
                start.decoder.0[i * outputs + j] = (own.sqrt() * direction[j] * stretch(j)) as f32;
                start.encoder.0[j * 2 * latent + i] = (back * direction[j]) as f32;
                center += back * direction[j] * bias[j];
            }
            for c in 0..conditions {
                let through: f64 = (0..columns).map(|j| slope[c * columns + j] * back * direction[j]).sum();
                start.encoder.0[(columns + c) * 2 * latent + i] = -through as f32;
            }
            start.encoder.1[i] = -center as f32;
        }
        for j in 0..columns {
            for c in 0..conditions {
                start.decoder.0[(latent + c) * outputs + j] = (slope[c * columns + j] * stretch(j)) as f32;
            }
            start.decoder.1[j] = match by_logit {
                true => ((chance(j) / (1.0 - chance(j))).ln() + (bias[j] - f64::from(data.mean()[j])) * stretch(j)) as f32,
                false => bias[j] as f32,
            };
        }
        // Student's distribution of ν > 2 has ν/(ν − 2) times the variance of its scale.
        let degrees = f64::from(settings.degrees_of_freedom);
        let noise = match settings.likelihood {
            Likelihood::StudentT if degrees > 2.0 => (noise * (degrees - 2.0) / degrees).max(1.01 * floor * floor),
            _ => noise,
        };
        start.raw_scale = (0.5 * (noise - floor * floor).ln()) as f32;
        if settings.own_scales() {
            start.decoder.1[columns..].fill(start.raw_scale);
        }
        start
    }
}
