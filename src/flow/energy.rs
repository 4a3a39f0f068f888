//! Energies E whose gradient is the drift of the forward SDE (5), dX = −∇E(X) dt + √2 dB, with stationary distribution μ ∝ e^{−E} (paper §4).
//!
//! | energy | E | ∇E | drift followed for a time t |
//! |---|---|---|---|
//! | quadratic | \|x\|²/2 | x | e^{−t} x |
//! | double-well | Σ_c (x_c² − 1)² | 4 x_c (x_c² − 1) | x_c/√(x_c² + e^{−8t}(1 − x_c²)) |
//! | quartic | Σ_c x_c⁴/4 | x_c³ | x_c/√(1 + 2t x_c²) |
//! | ring | (\|x\|² − 1)² | 4 x (\|x\|² − 1) | x/√(\|x\|² + e^{−8t}(1 − \|x\|²)) |
//!
//! The double well has its minima at ±1 and between them a barrier of 1, the temperature of (5). The last column solves dx/dt = −∇E(x)
//! exactly (a linear equation and three of Bernoulli's), so that a drift that grows like x³ can be followed with any step from anywhere.
//!
//! ```
//! # use pushforward::flow::Energy;
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let points = gpu.upload(2, 1, &[2.0, -1.0])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let x = rec.tensor(&points);
//! let gradient = Energy::DoubleWell.gradient(&mut rec, x)?;
//! let gradient = rec.keep(gradient);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(gradient)?, [24.0, 0.0]);
//! # Ok(())
//! # }
//! ```

use crate::Result;
use crate::gpu::{Recorder, Var};
use serde::{Deserialize, Serialize};

/// An energy on the rows of a matrix of any number of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Energy {
    /// |x|²/2: (5) is the Ornstein–Uhlenbeck process, μ the standard Gaussian distribution.
    #[default]
    Quadratic,
    /// (x² − 1)² in each column.
    DoubleWell,
    /// x⁴/4 in each column.
    Quartic,
    /// (|x|² − 1)²: a moat about the unit sphere. In one column it is the double well.
    Ring,
}

impl Energy {
    pub const ALL: [Self; 4] = [Self::Quadratic, Self::DoubleWell, Self::Quartic, Self::Ring];

    /// The name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quadratic => "quadratic",
            Self::DoubleWell => "double-well",
            Self::Quartic => "quartic",
            Self::Ring => "ring",
        }
    }

    /// E, E' and E'' on the line.
    pub fn on_line(self, x: f64) -> [f64; 3] {
        match self {
            Self::Quadratic => [x * x / 2.0, x, 1.0],
            Self::DoubleWell | Self::Ring => [(x * x - 1.0).powi(2), 4.0 * x * (x * x - 1.0), 12.0 * x * x - 4.0],
            Self::Quartic => [x.powi(4) / 4.0, x.powi(3), 3.0 * x * x],
        }
    }

    /// E of one row.
    pub fn value_at(self, row: &[f64]) -> f64 {
        match self {
            Self::Ring => (square(row) - 1.0).powi(2),
            _ => row.iter().map(|&x| self.on_line(x)[0]).sum(),
        }
    }

    /// ∇E of one row: the reference for [`Energy::gradient`].
    pub fn gradient_at(self, row: &[f64]) -> Vec<f64> {
        match self {
            Self::Ring => row.iter().map(|x| 4.0 * x * (square(row) - 1.0)).collect(),
            _ => row.iter().map(|&x| self.on_line(x)[1]).collect(),
        }
    }

    /// Where dx/dt = −∇E(x) takes one row in a time t ≥ 0: the reference for [`Energy::descend`].
    pub fn descended(self, row: &[f64], t: f64) -> Vec<f64> {
        let left = (-8.0 * t).exp();
        let one = |x: f64| match self {
            Self::Quadratic => (-t).exp() * x,
            Self::DoubleWell => x / (x * x * (1.0 - left) + left).sqrt(),
            Self::Quartic => x / (1.0 + 2.0 * t * x * x).sqrt(),
            Self::Ring => x / (square(row) * (1.0 - left) + left).sqrt(),
        };
        row.iter().map(|&x| one(x)).collect()
    }

    /// ∇E of each row, in the shape of x; differentiable.
    pub fn gradient(self, rec: &mut Recorder, x: Var) -> Result<Var> {
        match self {
            Self::Quadratic => Ok(x),
            Self::Quartic => {
                let square = rec.square(x)?;
                rec.mul(x, square)
            }
            Self::DoubleWell | Self::Ring => {
                let square = self.squares(rec, x)?;
                let slope = rec.affine(square, 4.0, -4.0)?;
                rec.mul(x, slope)
            }
        }
    }

    /// Where dx/dt = −∇E(x) takes each row in a time t ≥ 0, exactly; differentiable.
    pub fn descend(self, rec: &mut Recorder, x: Var, t: f64) -> Result<Var> {
        let (scale, offset) = match self {
            Self::Quadratic => return rec.scale(x, (-t).exp() as f32),
            // 0/√0 would be no number: a row at rest stays at rest for ever.
            Self::DoubleWell | Self::Ring => (-(-8.0 * t).exp_m1(), (-8.0 * t).exp().max(1e-30)),
            Self::Quartic => (2.0 * t, 1.0),
        };
        let square = self.squares(rec, x)?;
        let under = rec.affine(square, scale as f32, offset as f32)?;
        let root = rec.sqrt(under)?;
        rec.div(x, root)
    }

    /// x² of each column, or |x|² of each row (rows × 1).
    fn squares(self, rec: &mut Recorder, x: Var) -> Result<Var> {
        let square = rec.square(x)?;
        if self == Self::Ring && x.cols() > 1 { rec.sum_cols(square) } else { Ok(square) }
    }
}

fn square(row: &[f64]) -> f64 {
    row.iter().map(|x| x * x).sum()
}
