//! Paths between a source law and the data: x_t = α(t)·x₁ + σ(t)·x₀ with x₀ at t = 0 and x₁ at t = 1 (paper §4; Lipman et al. 2023;
//! Albergo, Boffi & Vanden-Eijnden 2023), and their velocity α̇(t)·x₁ + σ̇(t)·x₀, whose conditional mean given x_t is the field whose flow
//! carries one law to the other.

use crate::Result;
use crate::gpu::{Recorder, Var};
use serde::{Deserialize, Serialize};
use std::f64::consts::FRAC_PI_2;

/// α and σ as functions of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// α = t, σ = 1 − t: straight lines (flow matching, rectified flow).
    #[default]
    Straight,
    /// α = sin(πt/2), σ = cos(πt/2): of two laws of one covariance all laws between have it too.
    Trigonometric,
}

/// A path's coefficients at one time, and their rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    pub alpha: f64,
    pub sigma: f64,
    pub alpha_rate: f64,
    pub sigma_rate: f64,
}

/// A batch on its way.
#[derive(Clone, Copy, Debug)]
pub struct OnPath {
    /// x_t, rows × columns.
    pub x: Var,
    /// Its rate of change.
    pub velocity: Var,
}

impl Path {
    pub const ALL: [Self; 2] = [Self::Straight, Self::Trigonometric];

    pub fn at(self, t: f64) -> Coefficients {
        match self {
            Self::Straight => Coefficients { alpha: t, sigma: 1.0 - t, alpha_rate: 1.0, sigma_rate: -1.0 },
            Self::Trigonometric => {
                let (sin, cos) = (FRAC_PI_2 * t).sin_cos();
                Coefficients { alpha: sin, sigma: cos, alpha_rate: FRAC_PI_2 * cos, sigma_rate: -FRAC_PI_2 * sin }
            }
        }
    }

    /// Rows x₀ and x₁, each pair at its own time of t (rows × 1).
    pub fn sample(self, rec: &mut Recorder, x0: Var, x1: Var, t: Var) -> Result<OnPath> {
        match self {
            Self::Straight => {
                let velocity = rec.sub(x1, x0)?;
                let way = rec.mul(velocity, t)?;
                Ok(OnPath { x: rec.add(x0, way)?, velocity })
            }
            Self::Trigonometric => {
                let angle = rec.scale(t, FRAC_PI_2 as f32)?;
                let (sin, cos) = (rec.sin(angle)?, rec.cos(angle)?);
                let (to, from) = (rec.mul(x1, sin)?, rec.mul(x0, cos)?);
                let x = rec.add(to, from)?;
                let (to, from) = (rec.mul(x1, cos)?, rec.mul(x0, sin)?);
                let velocity = rec.blend(to, from, FRAC_PI_2 as f32, -FRAC_PI_2 as f32)?;
                Ok(OnPath { x, velocity })
            }
        }
    }
}
