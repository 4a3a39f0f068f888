//! Tables of times: of each row its time, the path's coefficients there, and what a network's output means (shaders/path.wgsl).
//!
//! The shader computes what [`Path::at`] and [`Prediction::read`] say. Terms of a method's formulas are columns of the table: [`Recorder::combine`] multiplies each row by its own coefficient.

mod schedule;

pub use schedule::{Coefficients, Curve, FLOOR, Gamma, Linear, Path, Prediction, Reading, row};

use super::time::Time;
use crate::gpu::kernels::path::{self as kernel, Fill, Params};
use crate::gpu::{Recorder, Var};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Columns of a table.
pub const COLUMNS: usize = kernel::COLUMNS as usize;
pub const TIME: usize = kernel::TIME as usize;
pub const ALPHA: usize = kernel::ALPHA as usize;
pub const SIGMA: usize = kernel::SIGMA as usize;
pub const GAMMA: usize = kernel::GAMMA as usize;
pub const ALPHA_RATE: usize = kernel::ALPHA_RATE as usize;
pub const SIGMA_RATE: usize = kernel::SIGMA_RATE as usize;
pub const GAMMA_RATE: usize = kernel::GAMMA_RATE as usize;
/// What the network's input is multiplied by: 1/√(α² + σ²) on paths that explode.
pub const INPUT: usize = kernel::INPUT as usize;
/// Coefficients of x and of the output, in that order, of the velocity …
pub const VELOCITY: usize = kernel::VELOCITY as usize;
/// … of the data …
pub const DATA: usize = kernel::DATA as usize;
/// … and of the noise.
pub const NOISE: usize = kernel::NOISE as usize;
/// The target's coefficients of x₁ and x₀, and the output's weight.
pub const TARGET: usize = kernel::TARGET as usize;
pub const WEIGHT: usize = kernel::WEIGHT as usize;
pub const ONE: usize = kernel::ONE as usize;

/// How the times of a batch are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Times {
    /// Independent and uniform.
    Uniform,
    /// The logistic function of a normal number: more of the middle (Esser et al. 2024).
    LogitNormal { mean: f64, deviation: f64 },
    /// i/n plus one shift for all rows, modulo 1: every step sees all times evenly (Kingma et al. 2021, appendix I).
    LowDiscrepancy,
    /// ln(σ/α) normal (Karras et al. 2022, whose mean is −1.2 and standard deviation 1.2).
    LogNormal { mean: f64, deviation: f64 },
}

/// The name of a distribution of times, as settings have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeDistribution {
    #[default]
    Uniform,
    LogitNormal,
    LowDiscrepancy,
    LogNormal,
}

impl TimeDistribution {
    /// The distribution with its usual constants.
    pub fn times(self) -> Times {
        match self {
            Self::Uniform => Times::Uniform,
            Self::LogitNormal => Times::LogitNormal { mean: 0.0, deviation: 1.0 },
            Self::LowDiscrepancy => Times::LowDiscrepancy,
            Self::LogNormal => Times::LogNormal { mean: -1.2, deviation: 1.2 },
        }
    }
}

impl Path {
    /// A table of `n` times drawn afresh at every replay, in [`low`, `high`].
    pub fn draw(&self, rec: &mut Recorder, prediction: Prediction, times: Times, n: usize, low: f64, high: f64) -> Result<Var> {
        let nothing = rec.constant(0.0, 1, 1)?;
        let (distribution, center, spread) = match times {
            Times::Uniform => (kernel::LAW_UNIFORM, 0.0, 1.0),
            Times::LogitNormal { mean, deviation } => (kernel::LAW_LOGIT_NORMAL, mean, deviation),
            Times::LowDiscrepancy => (kernel::LAW_LOW_DISCREPANCY, 0.0, 1.0),
            Times::LogNormal { mean, deviation } => (kernel::LAW_LOG_NORMAL, mean, deviation),
        };
        self.fill(rec, prediction, distribution, (low, high), (center, spread), nothing, n)
    }

    /// The table of given times, n × 1.
    pub fn table(&self, rec: &mut Recorder, prediction: Prediction, t: Var) -> Result<Var> {
        if t.cols() != 1 {
            return Err(Error::shape("path", format!("times are one column, not {}", t.cols())));
        }
        self.fill(rec, prediction, kernel::LAW_GIVEN, (0.0, 1.0), (0.0, 1.0), t, t.rows())
    }

    /// The table of one time that all rows share.
    pub fn row(&self, rec: &mut Recorder, prediction: Prediction, time: Time) -> Result<Var> {
        match time {
            Time::Held(t) => self.table(rec, prediction, t),
            Time::Known(t) => {
                let row = row(self, prediction, t).map(|v| v as f32);
                let row = rec.gpu().upload(1, COLUMNS, &row)?;
                Ok(rec.tensor(&row))
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn fill(
        &self,
        rec: &mut Recorder,
        prediction: Prediction,
        distribution: u32,
        (low, high): (f64, f64),
        (center, spread): (f64, f64),
        given: Var,
        n: usize,
    ) -> Result<Var> {
        let table = rec.empty(n, COLUMNS)?;
        let params = Params {
            n: n as u32,
            curve: self.curve.number(),
            gamma: self.gamma.number(),
            prediction: prediction.number(),
            distribution,
            stream: rec.next_stream(),
            low: low as f32,
            high: high as f32,
            center: center as f32,
            spread: spread as f32,
            sigma_min: self.sigma_min as f32,
            sigma_max: self.sigma_max as f32,
            gamma_scale: self.gamma_scale as f32,
        };
        let state = rec.state();
        let groups = rec.groups(n, Fill::WIDTH);
        rec.dispatch(Fill { params, state, given, table }, groups)?;
        Ok(table)
    }
}
