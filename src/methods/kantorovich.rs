//! Kantorovich's duality with two networks (paper §2, D_∞(μ, μ₁; J_Π); Genevay et al. 2016; Seguy et al. 2018, eq. 5): for a cost
//! c = ‖x − y‖^p the functions f + g ≤ c bound every plan's cost from below, and the constraint is made soft,
//!
//!   V(f, g) = E f(φ(Z)) + E g(X) − E P(f(φ(Z)) + g(X) − c(φ(Z), X)),   Z and X independent,
//!
//! where P(t) = ε(exp(t/ε) − 1) (`entropic`) or max(t, 0)²/4ε (`quadratic`). The networks f and g ascend V, and φ descends it, through
//! f and through the cost: at the best f only the cost is left, which pulls each φ(z) along the plan's mean of ∂c.
//!
//! At its supremum V is the cost of transport plus ε times the plan's entropy or mean square against the product of the two distributions.
//! That is least for a φ whose samples are less spread out than the data, by about √(ε/2) for the squared cost (`sinkhorn` corrects this by subtracting
//! the costs of each distribution to itself). So ε should be small compared with the squares of the details of the data. But the smaller it is, the fewer pairs of a
//! batch touch the constraint, and the slower f and g learn. With more columns the rows of a batch are farther apart, so the automatic ε grows with their number. On a mixture
//! in ten columns 600 steps with ε = 0.01 end farther from the data than a fitted Gaussian, with 0.2 nearer, and with 1 with too little spread.

use super::critic::{self, Adversarial, Critic, CriticSettings, Game};
use super::one_step::OneStep;
use super::{Dataset, Entry, Learner, Method, Setup, Training};
use crate::gpu::{Recorder, Var};
use crate::ops::dual::{Dual, Softness};
use crate::{Result, settings};

settings! {
    /// Settings of `kantorovich`.
    pub struct Kantorovich {
        /// Exponent p of the cost ‖x − y‖^p.
        exponent: f32 = 2.0, in above(0.0).up_to(2.0),
        /// Penalty on pairs with f + g above their cost: entropic, quadratic.
        regularization: Softness = Softness::Entropic,
        /// Regularization ε, in units of the cost between standardized rows; its p-th root is about the length below which
        /// transport is blurred, and quadratic needs a fifth of what entropic does (auto: 0.01 for two columns, 0.0025·d² for d, 0.2 at most,
        /// and a fifth for quadratic).
        epsilon: Option<f32> = None, or auto, in above(0.0),
        /// The potentials.
        critic: CriticSettings = CriticSettings {
            critic_steps: 3,
            critic_hidden_width: 64,
            critic_hidden_layers: 4,
            beta1: 0.5,
            ..CriticSettings::default()
        }, as group,
    }
}

static ENTRY: Entry = Entry {
    name: "kantorovich",
    summary: "optimal transport by its dual: two potentials, each a network, under a soft constraint",
    paper: "§2, Kantorovich duality with f and g learned",
    use_when: "You study optimal transport with neural potentials in a few columns, where the skill is 0.7 to 1.0.",
    avoid_when: "The table has ten or more columns or you want the best samples: in ten columns it ends little nearer than a fitted Gaussian, and sinkhorn solves the same problem without networks as critics.",
    density: false,
    inverse: false,
    // Gradients are clipped, both networks': where f + g is far above the cost the entropic penalty's slope is up to e²⁰, and one such
    // step would fill Adam's second moment for thousands; and φ descends V, for which a violation is a gain until f and g have answered.
    // Looked at on pinwheel: 0.93 closed after 600 steps, with the quadratic penalty at ε = 0.003 0.89.
    training: || Training { steps: 2000, batch_size: 512, learning_rate: 1e-3, grad_clip: Some(1.0), ..Training::default() },
};

impl Method for Kantorovich {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        let critic = potentials(setup, &self.critic)?;
        Ok(Box::new(Game(KantorovichLearner { core: critic::generator(setup, &critic)?, critic, settings: self.clone() })))
    }
}

/// The two networks f (0) and g (1).
#[doc(hidden)]
pub fn potentials(setup: &Setup, settings: &CriticSettings) -> Result<Critic> {
    Critic::new(setup, settings, 2, false)
}

impl Kantorovich {
    /// The dual between rows of so many columns.
    fn dual(&self, columns: usize) -> Dual {
        let share = if self.regularization == Softness::Quadratic { 0.2 } else { 1.0 };
        let chosen = share * (0.0025 * (columns * columns) as f32).min(0.2);
        Dual { exponent: self.exponent, epsilon: self.epsilon.unwrap_or(chosen), softness: self.regularization }
    }

    /// V between generated rows y, with the potential f, and data rows x, with g.
    pub fn value(&self, rec: &mut Recorder, critic: &Critic, y: Var, x: Var) -> Result<Var> {
        let (of_f, of_g) = (critic.layers(rec, 0, false)?, critic.layers(rec, 1, false)?);
        let (f, g) = (critic.value(rec, 0, &of_f, y)?, critic.value(rec, 1, &of_g, x)?);
        rec.kantorovich_dual(f, g, y, x, &self.dual(x.cols()))
    }
}

/// Trains φ against two potentials.
struct KantorovichLearner {
    core: OneStep,
    critic: Critic,
    settings: Kantorovich,
}

impl Adversarial for KantorovichLearner {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn critic(&self) -> &Critic {
        &self.critic
    }

    fn critic_loss(&self, rec: &mut Recorder, y: Var, x: Var) -> Result<Var> {
        let value = self.settings.value(rec, &self.critic, y, x)?;
        rec.scale(value, -1.0)
    }

    /// V itself: of its slope in φ, f gives what the potentials are still off, and the cost the rest.
    fn generator_loss(&self, rec: &mut Recorder, y: Var, data: &Dataset) -> Result<Var> {
        let x = data.batch(rec, self.core.batch)?;
        self.settings.value(rec, &self.critic, y, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constraint_is_softer_the_more_columns_unless_it_is_named() {
        let of = |epsilon, regularization, columns| {
            Kantorovich { epsilon, regularization, ..Kantorovich::default() }.dual(columns).epsilon
        };
        let near = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!(near(of(None, Softness::Entropic, 2), 0.01) && near(of(None, Softness::Entropic, 64), 0.2));
        assert!(near(of(None, Softness::Quadratic, 2), 0.002) && near(of(Some(0.5), Softness::Quadratic, 64), 0.5));
    }
}
