//! Energy distance between the pushforward φ_#ν and the data μ₁ (paper §2; Székely & Rizzo 2013):
//!
//!   2E‖X − Y‖^β − E‖X − X'‖^β − E‖Y − Y'‖^β,   0 < β < 2,
//!
//! the MMD of the kernel −‖x − y‖^β (the paper's text drops the sign), which is D₂² with τ(ds) ∝ |s|^{−(d+β)} ds over
//! characteristic functions. It has no bandwidth. With
//! `projections` it is averaged over random lines, on which sorting makes it O(n log n).

use super::one_step::OneStep;
use super::{Dataset, Entry, Objective, estimator, resolve};
use crate::gpu::{Recorder, Var};
use crate::ops::pairwise::RadialKernel;
use crate::settings::Settings as _;
use crate::{Error, Result, settings};

settings! {
    /// Settings of `energy`.
    pub struct Settings {
        /// Exponent β of the distance, above 0 and below 2.
        beta: f32 = 1.0,
        /// Random lines that the distance is averaged over (then β = 1); 0 compares in all dimensions at once.
        projections: usize = 0,
        /// Whether the estimator leaves out pairs of a row with itself, so that its mean is exact (its value can be negative).
        unbiased: bool = true,
    }
}

pub const ENTRY: Entry = Entry {
    name: "energy",
    summary: "energy distance, in all dimensions or sliced: no bandwidth to choose",
    paper: "§2, eq. (3) with τ(ds) ∝ |s|^−(d+1)",
    density: false,
    inverse: false,
    defaults: "",
    keys: Settings::keys,
    build: |setup, own| Ok(Box::new(Energy { core: OneStep::new(setup)?, settings: settings::take(own)? })),
    resolve: |table| resolve::<Settings>(table, check),
};

fn check(settings: &Settings) -> Result<()> {
    if !(settings.beta > 0.0 && settings.beta < 2.0) {
        return Err(Error::usage(format!("`beta` is {}: it must be above 0 and below 2", settings.beta)));
    }
    if settings.projections > 4096 {
        return Err(Error::usage(format!("`projections` is {}: it must be at most 4,096", settings.projections)));
    }
    if settings.projections > 0 && settings.beta != 1.0 {
        return Err(Error::usage(format!("`projections` needs `beta` = 1, and it is {}", settings.beta)));
    }
    Ok(())
}

/// Trains φ by the energy distance between a generated and a data batch.
pub struct Energy {
    core: OneStep,
    settings: Settings,
}

impl Objective for Energy {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, _: &Dataset) -> Result<Var> {
        let Settings { beta, projections, unbiased } = self.settings;
        let estimator = estimator(unbiased);
        match projections {
            0 => rec.mmd_squared(&RadialKernel::Energy { beta }, y, x, estimator),
            _ => rec.sliced_energy(y, x, projections, estimator),
        }
    }
}
