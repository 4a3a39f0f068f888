//! Wasserstein adversarial networks (paper §2, eq. 2 over the 1-Lipschitz functions; Arjovsky, Chintala & Bottou 2017):
//!
//!   W₁(μ, μ₁) = sup { E f(X) − E f(φ(Z)) : f 1-Lipschitz }.
//!
//! f is kept 1-Lipschitz by a penalty on slopes that are not one (Gulrajani et al. 2017) or that exceed one (Petzka et al. 2018), both
//! between data and generated rows; by spectral normalization of every weight (Miyato et al. 2018); or by clipping the weights to [−c, c] as in the
//! original, which bounds the slope of f by some constant other than one.
//!
//! Reported as `w1`, in standardized units: the critic's estimate, a lower bound of W₁ up to how well its slope is known. A penalty
//! does not enforce the slope: on f = r·x the gain rδ − λ(r − 1)² is largest at r = 1 + δ/2λ. So the estimate is divided by about the largest slope
//! seen, where that exceeds one. With `clip` the unit of f is arbitrary, and its value is reported as `critic`.

use super::critic::{self, Adversarial, Critic, CriticSettings, Game};
use super::one_step::OneStep;
use super::{Dataset, Entry, Learner, Method, Setup, Training};
use crate::gpu::{Recorder, Var};
use crate::loss::{Penalty, slope_penalty};
use crate::ops::activation::Activation;
use crate::{Error, Result, settings};

/// How f is kept Lipschitz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Constraint {
    /// λ·E(‖∇f‖ − 1)² on lines between data and generated rows.
    Penalty,
    /// λ·E max(0, ‖∇f‖ − 1)² there.
    OneSided,
    /// Every weight over its largest singular value.
    Spectral,
    /// Every weight in [−c, c].
    Clip,
}

settings! {
    /// Settings of `wgan`.
    pub struct Wgan {
        /// Lipschitz constraint of the critic: penalty, one-sided, spectral, clip (which needs small steps: learning_rate = 1e-3, critic_learning_rate = 1e-3, beta1 = 0).
        constraint: Constraint = Constraint::Penalty,
        /// Weight λ of the gradient penalty (penalty, one-sided).
        gradient_penalty: f32 = 0.1, in above(0.0),
        /// Weight clipping bound c of the critic (clip); a small one allows nearly linear critics only: 0.1 is too small for moons.
        weight_clip: f32 = 1.0, in above(0.0),
        /// The critic.
        critic: CriticSettings = CriticSettings {
            critic_steps: 5,
            critic_hidden_width: 64,
            critic_hidden_layers: 4,
            beta1: 0.5,
            ..CriticSettings::default()
        }, as group,
    }
}

static ENTRY: Entry = Entry {
    name: "wgan",
    summary: "Wasserstein distance W₁ by a Lipschitz critic: gradient penalty, spectral norm or clipping",
    paper: "§2, eq. (2) over the 1-Lipschitz functions",
    use_when: "You want an adversarial method whose critic keeps a useful gradient where data and samples do not overlap, such as modes that are far apart.",
    avoid_when: "Training time matters (five critic steps make a step several times as dear as that of energy), or the data have details finer than the critic resolves: on four thin rings the skill is 0.35.",
    density: false,
    inverse: false,
    // Looked at on pinwheel, rings and swissroll, one seed each (400 to 1,500 steps). Pinwheel: λ = 10 diverged, 1 had a skill of 0.68 and 0.1
    // had a skill of 0.88 after 400 steps; β₁ = ½ had a skill of 0.96 after 500, 0 had a skill of 0.92; one critic step had a skill of 0.03. Rings: five critic steps
    // and batches of 512 had a skill of 0.92 after 1,200, three and 1,024 had a skill of 0.82 after 1,500.
    // Another seed, in about the same time: these defaults 0.96 of pinwheel and 0.35 of rings; three critic steps and 2,500 of φ 0.93
    // and 0.60; two of 128 units × 3 and 3,400 0.97 and 0.73 (twice the time; of moons 0.86 where these close 0.87 and 0.88); the same
    // with batches of 1,024 and 2,200 steps 0.95 and 0.46.
    training: || Training { steps: 1500, batch_size: 512, learning_rate: 2e-3, ..Training::default() },
};

impl Method for Wgan {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        let spectral = self.constraint == Constraint::Spectral;
        // SiLU and GELU are steeper than one in places; of the others ReLU alone loses no length in a normalized layer.
        let chosen = if spectral { Activation::Relu } else { Activation::Silu };
        let activation = Some(self.critic.critic_activation.unwrap_or(chosen));
        let settings = CriticSettings { critic_activation: activation, ..self.critic.clone() };
        let mut critic = Critic::new(setup, &settings, 1, spectral)?;
        if self.constraint == Constraint::Clip {
            critic.adam.bound = self.weight_clip;
        }
        Ok(Box::new(Game(WganLearner { core: critic::generator(setup, &critic)?, critic, settings: self.clone() })))
    }

    fn can_be_annealed(&self) -> bool {
        true
    }
}

impl Wgan {
    fn validate(&self) -> Result<()> {
        match (self.constraint, self.critic.critic_activation) {
            (Constraint::Spectral, Some(steep @ (Activation::Silu | Activation::Gelu))) => Err(Error::usage(format!(
                "`critic_activation` is {}, which is steeper than one in places: with `constraint` = spectral give relu, elu, \
                 softplus, tanh or sigmoid",
                settings::shown(&steep).trim_matches('"')
            ))),
            _ => Ok(()),
        }
    }
}

/// Trains φ against a Lipschitz critic.
struct WganLearner {
    core: OneStep,
    critic: Critic,
    settings: Wgan,
}

/// About the largest slope of a batch, at least one: (E r¹⁶)^(1/16) of squares r², in which a tenth of the rows counts for 0.87.
fn steepest(rec: &mut Recorder, squares: Var) -> Result<Var> {
    // Below 100 its sixteenth power is a number.
    let bounded = rec.clamp(squares, 0.0, 1e4)?;
    let fourth = rec.square(bounded)?;
    let eighth = rec.square(fourth)?;
    let mut root = rec.mean_square(eighth)?;
    for _ in 0..4 {
        root = rec.sqrt(root)?;
    }
    rec.clamp(root, 1.0, 100.0)
}

/// Points on the lines from the rows of x to those of y, one each, uniform along it; constants of the reverse pass.
#[doc(hidden)]
pub fn between(rec: &mut Recorder, y: Var, x: Var) -> Result<Var> {
    let share = rec.uniform(x.rows(), 1)?;
    let across = rec.sub(y, x)?;
    let across = rec.mul(across, share)?;
    let between = rec.add(x, across)?;
    Ok(rec.detach(between))
}

impl Wgan {
    /// What a critic descends: its estimate of −W₁ between data rows x and generated rows y, as many, and its penalty at the rows
    /// `between`. Reports the estimate.
    pub fn critic_loss(&self, rec: &mut Recorder, critic: &Critic, y: Var, x: Var, between: Var) -> Result<Var> {
        let layers = critic.layers(rec, 0, true)?;
        let (real, fake) = (critic.value(rec, 0, &layers, x)?, critic.value(rec, 0, &layers, y)?);
        let (real, fake) = (rec.mean(real)?, rec.mean(fake)?);
        let estimate = rec.sub(real, fake)?;
        let loss = rec.scale(estimate, -1.0)?;
        let form = match self.constraint {
            Constraint::Penalty => Penalty::TwoSided,
            Constraint::OneSided => Penalty::OneSided,
            Constraint::Spectral | Constraint::Clip => {
                rec.report(if self.constraint == Constraint::Clip { "critic" } else { "w1" }, estimate)?;
                return Ok(loss);
            }
        };
        let there = critic.value(rec, 0, &layers, between)?;
        let slopes = slope_penalty(rec, between, there, form)?;
        let steepest = steepest(rec, slopes.squares)?;
        let w1 = rec.div(estimate, steepest)?;
        rec.report("w1", w1)?;
        rec.blend(loss, slopes.penalty, 1.0, self.gradient_penalty)
    }
}

impl Adversarial for WganLearner {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn critic(&self) -> &Critic {
        &self.critic
    }

    fn critic_loss(&self, rec: &mut Recorder, y: Var, x: Var) -> Result<Var> {
        let between = between(rec, y, x)?;
        self.settings.critic_loss(rec, &self.critic, y, x, between)
    }

    /// −E f(φ(Z)): of W₁, what depends on φ.
    fn generator_loss(&self, rec: &mut Recorder, y: Var, _: &Dataset) -> Result<Var> {
        let layers = self.critic.layers(rec, 0, false)?;
        let fake = self.critic.value(rec, 0, &layers, y)?;
        let mean = rec.mean(fake)?;
        rec.scale(mean, -1.0)
    }
}
