//! Sinkhorn divergence between the pushforward φ_#ν and the data μ₁: the Wasserstein cost of the paper's §2, regularized by
//! entropy and debiased (Genevay et al. 2018; Feydy et al. 2019):
//!
//!   S_ε = OT_ε(μ, μ₁) − ½OT_ε(μ, μ) − ½OT_ε(μ₁, μ₁),   OT_ε = sup_{f,g} ⟨f|μ⟩ + ⟨g|μ₁⟩ − ε⟨exp((f + g − c)/ε) − 1|μ ⊗ μ₁⟩,
//!
//! whose dual is the paper's D_∞(μ, μ₁; J_Π) with the constraint f + g ≤ c made soft. The potentials are computed for each batch;
//! the gradient flows through the points alone (the envelope theorem).

use super::one_step::OneStep;
use super::{Dataset, Entry, Learner, Method, Objective, Setup, Training};
use crate::gpu::{Recorder, Var};
use crate::ops::sinkhorn::Sinkhorn as Transport;
use crate::{Error, Result, settings};

/// Its square is finite in single precision.
const LARGEST_BLUR: f64 = 1e18;
/// The blur where none is asked for, if single precision resolves it.
const BLUR: f32 = 0.05;

settings! {
    /// Settings of `sinkhorn`.
    pub struct Sinkhorn {
        /// Exponent p of the cost ‖x − y‖^p.
        exponent: f32 = 2.0, in above(0.0).up_to(2.0),
        /// Length below which transport is blurred, in standardized units: ε is its p-th power (auto: 0.05, or the least that single precision resolves for data of a wide range).
        blur: Option<f32> = None, or auto, in above(0.0).up_to(LARGEST_BLUR),
        /// Factor of the blur from one update of the potentials to the next.
        scaling: f32 = 0.5, in above(0.0).below(1.0),
        /// Marginal penalty of unbalanced optimal transport, the cost of creating or removing a unit of mass, for robustness to outliers (none: balanced).
        reach: Option<f32> = None, or none, in above(0.0),
    }
}

static ENTRY: Entry = Entry {
    name: "sinkhorn",
    summary: "Sinkhorn divergence: optimal transport, entropic regularization, debiased",
    paper: "§2, Kantorovich duality with a soft constraint",
    use_when: "You want a stable one-step sampler trained by optimal transport, or one that is robust to outliers (the setting reach makes the transport unbalanced).",
    avoid_when: "You need a density, details finer than the blur (0.05 standard deviations), or cheap training: potentials are solved anew for each batch, about twice the time of a step of energy for half the batch.",
    density: false,
    inverse: false,
    training: || Training { steps: 3000, batch_size: 512, ..Training::default() },
};

impl Method for Sinkhorn {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(SinkhornLearner { core: OneStep::new(setup)?, settings: self.clone() }))
    }

    fn can_be_annealed(&self) -> bool {
        true
    }
}

impl Sinkhorn {
    /// Refuses what single precision cannot resolve on data whose points are at most `diameter` apart, in the words of the settings.
    fn check_on(&self, diameter: f32) -> Result<()> {
        let transport = self.transport(diameter);
        if transport.epsilon < transport.least_epsilon() {
            return Err(Error::usage(format!(
                "`blur` is {}: on this data it must be at least {}, because potentials of points up to {:.2} apart lose smaller values to rounding in single precision",
                self.blur_on(diameter),
                least_blur(self.exponent, diameter),
                diameter
            )));
        }
        if (Transport { scaling: 0.5, ..transport.clone() }).check().is_ok() && transport.check().is_err() {
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
        self.blur.unwrap_or(BLUR.max(least_blur(self.exponent.clamp(0.01, 2.0), diameter)))
    }

    /// The transport problem for data whose points are at most `diameter` apart.
    fn transport(&self, diameter: f32) -> Transport {
        let exponent = self.exponent.clamp(0.01, 2.0);
        let blur = self.blur_on(diameter);
        Transport {
            exponent: self.exponent,
            epsilon: blur.powf(exponent),
            diameter,
            scaling: self.scaling,
            extra: 0,
            reach: self.reach,
        }
    }
}

/// The least blur that single precision resolves on data whose points are at most `diameter` apart: of two digits, rounded up.
fn least_blur(exponent: f32, diameter: f32) -> f32 {
    let plan = Transport { exponent, epsilon: 1.0, diameter, scaling: 0.5, extra: 0, reach: None };
    let length = f64::from(plan.least_epsilon()).powf(1.0 / f64::from(exponent));
    let digit = 10f64.powf(length.log10().floor() - 1.0);
    ((length / digit).ceil() * digit) as f32
}

/// The squared cost's transport on these data, blurred at this length; none chooses `otherwise`, or more where the data reach far.
pub(super) fn squared_cost(blur: Option<f32>, otherwise: f32, data: &Dataset) -> Result<Transport> {
    let blur = Some(blur.unwrap_or(otherwise.max(least_blur(2.0, data.diameter()))));
    let settings = Sinkhorn { blur, ..Sinkhorn::default() };
    settings.check_on(data.diameter())?;
    Ok(settings.transport(data.diameter()))
}

/// Trains φ by the Sinkhorn divergence between a generated and a data batch.
struct SinkhornLearner {
    core: OneStep,
    settings: Sinkhorn,
}

impl Objective for SinkhornLearner {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, data: &Dataset) -> Result<Var> {
        let diameter = data.diameter();
        self.settings.check_on(diameter)?;
        rec.sinkhorn_divergence(y, x, None, None, &self.settings.transport(diameter))
    }
}
