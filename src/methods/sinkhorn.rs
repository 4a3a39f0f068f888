//! Sinkhorn divergence between the pushforward φ_#ν and the data μ₁: the Wasserstein cost of the paper's §2, regularized by
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
use crate::{Error, Result, settings};

/// Its square is finite in single precision.
const LARGEST_BLUR: f32 = 1e18;
/// The blur where none is asked for, if single precision resolves it.
const BLUR: f32 = 0.05;

settings! {
    /// Settings of `sinkhorn`.
    pub struct Settings {
        /// Exponent p of the cost ‖x − y‖^p, above 0 and at most 2.
        exponent: f32 = 2.0,
        /// Length below which transport is blurred, in standardized units: ε is its p-th power; above 0; 0 is automatic: 0.05, or the least that single precision resolves for data of a wide range.
        blur: f32 = 0.0,
        /// Factor of the blur from one update of the potentials to the next, between 0 and 1.
        scaling: f32 = 0.5,
        /// Marginal penalty of unbalanced optimal transport, the cost of creating or removing a unit of mass, for robustness to outliers, above 0; 0 is balanced.
        reach: f32 = 0.0,
    }
}

pub const ENTRY: Entry = Entry {
    name: "sinkhorn",
    summary: "Sinkhorn divergence: optimal transport, entropic regularization, debiased",
    paper: "§2, Kantorovich duality with a soft constraint",
    density: false,
    inverse: false,
    defaults: "steps = 3000\nbatch_size = 512",
    keys: Settings::keys,
    build: |setup, own| Ok(Box::new(Method { core: OneStep::new(setup)?, settings: settings::take(own)? })),
    resolve: |table| resolve(table, Settings::check),
};

impl Settings {
    /// Refuses what is out of range whatever the data.
    fn check(&self) -> Result<()> {
        // All but the blur, which is named by its own key; how small it may be depends on the data.
        Sinkhorn { epsilon: 1.0, ..self.transport(1.0) }.check()?;
        if !(self.blur >= 0.0 && self.blur <= LARGEST_BLUR) {
            return Err(Error::usage(format!("`blur` is {}: it must be between 0 and 1e18", self.blur)));
        }
        Ok(())
    }

    /// Refuses what single precision cannot resolve on data whose points are at most `diameter` apart, in the words of the settings.
    fn check_on(&self, diameter: f32) -> Result<()> {
        let transport = self.transport(diameter);
        if transport.epsilon < transport.least_epsilon() {
            return Err(Error::usage(format!(
                "`blur` is {}: on this data it must be at least {}, because potentials of points up to {:.2} apart lose smaller values to rounding in single precision",
                self.blur,
                least_blur(self.exponent, diameter),
                diameter
            )));
        }
        if (Sinkhorn { scaling: 0.5, ..transport.clone() }).check().is_ok() && transport.check().is_err() {
            return Err(Error::usage(format!(
                "`scaling` is {}: it must be further from 1, or `blur` ({}) larger: the schedule has over 2,000 steps",
                self.scaling,
                self.blur_on(diameter)
            )));
        }
        transport.check()
    }

    /// The blur that is asked for, or the one that is chosen.
    fn blur_on(&self, diameter: f32) -> f32 {
        if self.blur > 0.0 { self.blur } else { BLUR.max(least_blur(self.exponent.clamp(0.01, 2.0), diameter)) }
    }

    /// The transport problem for data whose points are at most `diameter` apart.
    fn transport(&self, diameter: f32) -> Sinkhorn {
        let exponent = self.exponent.clamp(0.01, 2.0);
        let blur = self.blur_on(diameter);
        Sinkhorn {
            exponent: self.exponent,
            epsilon: blur.powf(exponent),
            diameter,
            scaling: self.scaling,
            extra: 0,
            reach: (self.reach != 0.0).then_some(self.reach),
        }
    }
}

/// The least blur that single precision resolves on data whose points are at most `diameter` apart: of two digits, rounded up.
fn least_blur(exponent: f32, diameter: f32) -> f32 {
    let plan = Sinkhorn { exponent, epsilon: 1.0, diameter, scaling: 0.5, extra: 0, reach: None };
    let length = f64::from(plan.least_epsilon()).powf(1.0 / f64::from(exponent));
    let digit = 10f64.powf(length.log10().floor() - 1.0);
    ((length / digit).ceil() * digit) as f32
}

/// The squared cost's transport on these data, blurred at this length; 0 chooses `otherwise`, or more where the data reach far.
pub fn squared_cost(blur: f32, otherwise: f32, data: &Dataset) -> Result<Sinkhorn> {
    let blur = if blur > 0.0 { blur } else { otherwise.max(least_blur(2.0, data.diameter())) };
    let settings = Settings { blur, ..Settings::default() };
    settings.check_on(data.diameter())?;
    Ok(settings.transport(data.diameter()))
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
        let diameter = data.diameter();
        self.settings.check_on(diameter)?;
        rec.sinkhorn_divergence(y, x, None, None, &self.settings.transport(diameter))
    }
}
