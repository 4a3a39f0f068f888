//! Log-densities of rows, with their error where they are estimates.

use crate::Result;
use crate::gpu::{Recorder, Var};

/// ln of a density at each row.
#[derive(Clone, Copy, Debug)]
pub struct Density {
    /// Rows × 1.
    pub value: Var,
    /// Its standard error, rows × 1; none where it is exact.
    pub error: Option<Var>,
}

/// What a method's log-densities are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// ln of the density, exact or with an error on both sides.
    Density,
    /// A lower bound of it in expectation, by so many importance samples.
    LowerBound { samples: usize },
    /// With a constant estimated by so many draws, whose error all rows share.
    Normalized { draws: usize },
}

impl Meaning {
    /// What to say beside a mean of them; empty where nothing has to be said.
    pub fn said(self) -> String {
        match self {
            Self::Density => String::new(),
            Self::Normalized { draws } => {
                format!(
                    ", its normalizing constant estimated by {draws} draws of the fitted Gaussian: the error is the same for all rows"
                )
            }
            Self::LowerBound { samples } => {
                format!(", a lower bound by {samples} importance samples per row")
            }
        }
    }
}

impl Density {
    /// The mean of independent estimates, with its standard error where there are several.
    pub fn of_estimates(rec: &mut Recorder, estimates: &[Var]) -> Result<Self> {
        let &[first, ref rest @ ..] = estimates else { unreachable!("a density has at least one estimate") };
        if rest.is_empty() {
            return Ok(Self { value: first, error: None });
        }
        let count = estimates.len() as f32;
        let all = rec.concat(estimates)?;
        let sum = rec.sum_cols(all)?;
        let value = rec.scale(sum, 1.0 / count)?;
        let off = rec.sub(all, value)?;
        let squares = rec.square(off)?;
        let squares = rec.sum_cols(squares)?;
        let variance = rec.scale(squares, 1.0 / (count * (count - 1.0)))?;
        Ok(Self { value, error: Some(rec.sqrt(variance)?) })
    }
}
