//! Sinkhorn divergence between the pushforward φ_#ν and the data μ₁: the Wasserstein cost of the paper's §2, regularised by
//! entropy and debiased (Genevay et al. 2018; Feydy et al. 2019):
//!
//!   S_ε = OT_ε(μ, μ₁) − ½OT_ε(μ, μ) − ½OT_ε(μ₁, μ₁),   OT_ε = sup_{f,g} ⟨f|μ⟩ + ⟨g|μ₁⟩ − ε⟨exp((f + g − c)/ε) − 1|μ ⊗ μ₁⟩,
//!
//! whose dual is the paper's D_∞(μ, μ₁; J_Π) with the constraint f + g ≤ c made soft. Potentials are found anew for each batch;
//! the gradient flows through the points alone (the envelope theorem).

use super::one_step::OneStep;
use super::{Dataset, Entry, Objective, resolve};
use crate::gpu::{Recorder, Var};
use crate::ops::sinkhorn::Sinkhorn;
use crate::settings::Settings as _;
use crate::{Result, settings};

settings! {
    /// Settings of `sinkhorn`.
    pub struct Settings {
        /// Exponent p of the cost ‖x − y‖^p, above 0 and at most 2.
        exponent: f32 = 2.0,
        /// Length below which transport is blurred, in units of the standardised data: ε is its p-th power.
        blur: f32 = 0.05,
        /// What the length is multiplied by from one update of the potentials to the next, between 0 and 1.
        scaling: f32 = 0.5,
        /// Cost of making or removing a unit of mass, which makes the method deaf to outliers; 0 transports every row.
        reach: f32 = 0.0,
    }
}

pub const ENTRY: Entry = Entry {
    name: "sinkhorn",
    summary: "Sinkhorn divergence: optimal transport, regularised by entropy and debiased",
    paper: "§2, Kantorovich duality with a soft constraint",
    defaults: "steps = 3000\nbatch = 512",
    keys: Settings::keys,
    build: |setup, own| Ok(Box::new(Method { core: OneStep::new(setup)?, settings: settings::take(own)? })),
    resolve: |table| resolve::<Settings>(table, |settings| settings.transport(1.0).check()),
};

impl Settings {
    /// The transport problem for data whose points are at most `diameter` apart.
    fn transport(&self, diameter: f32) -> Sinkhorn {
        Sinkhorn {
            exponent: self.exponent,
            epsilon: self.blur.powf(self.exponent.clamp(0.01, 2.0)),
            diameter,
            scaling: self.scaling,
            extra: 0,
            reach: (self.reach != 0.0).then_some(self.reach),
        }
    }
}

/// Trains φ by the Sinkhorn divergence between a generated and a data batch.
pub struct Method {
    core: OneStep,
    settings: Settings,
}

impl Objective for Method {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, data: &Dataset) -> Result<Var> {
        let diameter = data.range() * (data.cols() as f32).sqrt();
        rec.sinkhorn_divergence(y, x, None, None, &self.settings.transport(diameter))
    }
}
