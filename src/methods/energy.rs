//! Energy distance between the pushforward φ_#ν and the data μ₁ (paper §2; Székely & Rizzo 2013):
//!
//!   2E‖X − Y‖^β − E‖X − X'‖^β − E‖Y − Y'‖^β,   0 < β < 2,
//!
//! the MMD of the kernel −‖x − y‖^β (the paper's text drops the sign), which is D₂² with τ(ds) ∝ |s|^{−(d+β)} ds over
//! characteristic functions. It has no bandwidth. With
//! `projections` it is averaged over random lines, where sorting computes it in O(n log n).
//!
//! With conditioning columns c, `conditional_loss = conditional` compares each row with several draws φ(Z|c) for its own c (engression; Shen & Meinshausen 2024):
//!
//!   E‖X − φ(Z|c)‖^β − ½E‖φ(Z|c) − φ(Z'|c)‖^β,
//!
//! which is least where φ(Z|c) has the distribution of X given c. `joint` compares whole rows, with rows of other c as well, and so learns the conditional distributions only as far as the joint
//! distribution of a batch shows them. `distributional-diffusion` trains a denoiser by the same loss.

use super::dataset::join;
use super::one_step::OneStep;
use super::{Dataset, Entry, Learner, Method, Objective, Setup, Training, estimator};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::loss::energy_score;
use crate::nn::{Parameters, Weights};
use crate::ops::pairwise::RadialKernel;
use crate::{Error, Result, settings};

/// What is compared where columns are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compared {
    /// Whole rows, given columns among them.
    Joint,
    /// Each row with draws of its own distribution.
    Conditional,
}

settings! {
    /// Settings of `energy`.
    pub struct Energy {
        /// Exponent β of the energy distance.
        beta: f32 = 1.0, in above(0.0).below(2.0),
        /// Number of random projections of the sliced distance, with β = 1 (none: the distance in all dimensions).
        projections: Option<usize> = None, or none, in 1..=4096,
        /// Unbiased estimator, without pairs of a row with itself (its value can be negative).
        unbiased: bool = true,
        /// Loss of a conditional model: conditional (each row against draws for its conditions, in all dimensions), joint (whole rows).
        conditional_loss: Compared = Compared::Conditional,
        /// Number of draws per row (conditional).
        draws: usize = 2, in 2..=16,
    }
}

static ENTRY: Entry = Entry {
    name: "energy",
    summary: "energy distance, in all dimensions or sliced: no bandwidth to choose",
    paper: "§2, eq. (3) with τ(ds) ∝ |s|^−(d+1)",
    use_when: "You have few rows (Old Faithful's 272 suffice), want a first result or a stable baseline, or have conditioning columns: the loss has no bandwidth and no adversary, and samples take one step.",
    avoid_when: "You need a density, or the table has thousands of rows and ten or more columns: there flow-matching and diffusion come nearer in the same number of steps.",
    density: false,
    inverse: false,
    training: Training::default,
};

impl Method for Energy {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        let energy = EnergyLearner { core: OneStep::new(setup)?, settings: self.clone() };
        let conditional = setup.conditions > 0 && self.conditional_loss == Compared::Conditional && self.projections.is_none();
        Ok(if conditional { Box::new(Engression(energy)) } else { Box::new(energy) })
    }

    fn can_be_annealed(&self) -> bool {
        true
    }
}

impl Energy {
    fn validate(&self) -> Result<()> {
        match self.projections {
            Some(_) if self.beta != 1.0 => Err(Error::usage(format!("`projections` needs `beta` = 1, and it is {}", self.beta))),
            _ => Ok(()),
        }
    }
}

/// Trains φ by the energy distance between a generated and a data batch.
struct EnergyLearner {
    core: OneStep,
    settings: Energy,
}

impl Objective for EnergyLearner {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, _: &Dataset) -> Result<Var> {
        let Energy { beta, projections, unbiased, .. } = self.settings;
        let estimator = estimator(unbiased);
        match projections {
            None => rec.mmd_squared(&RadialKernel::Energy { beta }, y, x, estimator),
            Some(projections) => rec.sliced_energy(y, x, projections, estimator),
        }
    }
}

/// Trains φ by the energy score of each row under draws of its own distribution.
struct Engression(EnergyLearner);

impl Learner for Engression {
    fn parameters(&self) -> &Parameters {
        &self.0.core.parameters
    }

    fn latent(&self) -> usize {
        self.0.core.latent()
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        self.0.core.push(rec, z, weights)
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        let EnergyLearner { core, settings } = &self.0;
        Plan::record(gpu, seed, |rec| {
            let (x, given) = data.parted_batch(rec, core.batch)?;
            let mut draws = Vec::with_capacity(settings.draws);
            for _ in 0..settings.draws {
                let z = rec.normal(core.batch, core.latent())?;
                let inputs = join(rec, z, given)?;
                draws.push(core.push(rec, inputs, Weights::Trained)?);
            }
            let loss = energy_score(rec, &draws, x, settings.beta, 1.0)?;
            core.minimize(rec, loss)
        })
    }
}
