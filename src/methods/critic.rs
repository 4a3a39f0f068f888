//! What methods with an adversary share: a critic D (or several), its optimizer, and the game of k critic steps to one of the
//! generator. The paper's D_∞ (§2, eq. 2) is a supremum over a class of functions; here the class is a perceptron and the
//! supremum is chased by gradient ascent while φ descends.

use super::one_step::OneStep;
use super::{Dataset, Learner, Setup};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::loss::{Penalty, slope_penalty};
use crate::nn::{Activation, Adam, Builder, Head, Id, Mlp, MlpShape, Parameters, Weights};
use crate::{Result, settings};

settings! {
    /// Settings of every critic.
    pub struct CriticSettings {
        /// Critic updates per generator update.
        critic_steps: u32 = 1, in 1..=1000,
        /// Learning rate of the critic after the warm-up; `learning_rate` is the generator's (two time scales; Heusel et al. 2017).
        critic_learning_rate: f32 = 4e-3, in above(0.0),
        /// Width of the hidden layers of the critic.
        critic_hidden_width: usize = 128, in 1..=4096,
        /// Number of hidden layers of the critic.
        critic_hidden_layers: usize = 3, in ..=64,
        /// Activation function of the critic: silu, relu, gelu, tanh, elu, softplus, sigmoid, identity (auto: silu, and relu where weights are spectrally normalized).
        critic_activation: Option<Activation> = None, or auto,
        /// Scale of the critic's initial first-layer weights; larger to resolve fine structure from the start.
        critic_gain: f32 = 6.0, in above(0.0),
        /// Adam's β₁ of both networks, small for adversarial training.
        beta1: f32 = 0.0, in 0.0..1.0,
        /// Adam's β₂ of both networks.
        beta2: f32 = 0.99, in 0.0..1.0,
    }
}

/// Weights of critics and the random numbers of their steps have a domain of their own.
const DOMAIN: u32 = 1;

/// One or several scalar networks on the data's space that one optimizer moves together.
pub struct Critic {
    pub parameters: Parameters,
    pub adam: Adam,
    pub steps: u32,
    networks: Vec<Network>,
}

struct Network {
    mlp: Mlp,
    /// The right singular vectors of its layers, where they are normalized.
    vectors: Vec<Id>,
}

/// The weights and biases that a critic is evaluated with.
pub struct Layers(Vec<(Var, Var)>);

impl Critic {
    /// `count` networks on rows of every column, given ones included; `spectral` divides each weight by its largest singular value.
    pub fn new(setup: &Setup, settings: &CriticSettings, count: usize, spectral: bool) -> Result<Self> {
        let training = setup.training;
        let mut builder = Builder::with_domain(setup.seed, DOMAIN);
        let shape = MlpShape {
            inputs: setup.columns + setup.conditions,
            outputs: 1,
            width: settings.critic_hidden_width,
            depth: settings.critic_hidden_layers,
            activation: settings.critic_activation.unwrap_or(Activation::Silu),
            head: Head::Free,
            input_gain: settings.critic_gain,
            zero_last: false,
        };
        let networks = (0..count)
            .map(|i| {
                let mlp = Mlp::new(&mut builder, &format!("critic.{i}"), shape);
                let outputs = |layer| if layer == shape.depth { 1 } else { shape.width };
                let vector = |layer: usize| builder.uniform(format!("critic.{i}.{layer}.u"), 1, outputs(layer), 1.0);
                Network { mlp, vectors: if spectral { (0..=shape.depth).map(vector).collect() } else { Vec::new() } }
            })
            .collect();
        let adam = Adam {
            learning_rate: settings.critic_learning_rate,
            beta1: settings.beta1,
            beta2: settings.beta2,
            warmup_steps: training.warmup_steps.saturating_mul(settings.critic_steps),
            steps: training.steps.saturating_mul(settings.critic_steps),
            ..training.adam()
        };
        Ok(Self { parameters: builder.build(setup.gpu)?, adam, steps: settings.critic_steps, networks })
    }

    /// The weights of network `i` as values of a recording. Where they are spectrally normalized, one round of power iteration goes
    /// on from the last, and is kept where this step moves the critic.
    pub fn layers(&self, rec: &mut Recorder, i: usize, moves: bool) -> Result<Layers> {
        let Network { mlp, vectors } = &self.networks[i];
        let mut layers = mlp.layers(rec, &self.parameters, Weights::Trained)?;
        for ((weight, _), &vector) in layers.iter_mut().zip(vectors) {
            let u = self.parameters.var(rec, vector, Weights::Trained)?;
            let found = rec.spectral_normalize(*weight, u)?;
            if moves {
                rec.copy_into(found.u, u)?;
            }
            *weight = found.weight;
        }
        Ok(Layers(layers))
    }

    /// D(x) of network `i`, rows × columns → rows × 1.
    pub fn value(&self, rec: &mut Recorder, i: usize, layers: &Layers, x: Var) -> Result<Var> {
        self.networks[i].mlp.apply(rec, &layers.0, x)
    }

    /// Appends one descent step of all networks, and reports the gradient's squared norm.
    pub fn minimize(&self, rec: &mut Recorder, loss: Var) -> Result<()> {
        let norm2 = rec.minimize(loss, &self.parameters, &self.adam)?;
        rec.report("critic_gradient_norm2", norm2)
    }
}

/// The generator of a game: Adam's memory is the critic's.
pub fn generator(setup: &Setup, critic: &Critic) -> Result<OneStep> {
    let mut core = OneStep::new(setup)?;
    core.adam = Adam { beta1: critic.adam.beta1, beta2: critic.adam.beta2, ..core.adam };
    Ok(core)
}

/// x with noise of this standard deviation, or x itself.
pub fn noisy(rec: &mut Recorder, x: Var, deviation: f32) -> Result<Var> {
    if deviation == 0.0 {
        return Ok(x);
    }
    let noise = rec.normal_like(x)?;
    rec.blend(x, noise, 1.0, deviation)
}

/// `loss` and R₁, γ/2·E‖∇D(x)‖² for D's values at the data rows x (Mescheder, Geiger & Nowozin 2018); 0 is none.
pub fn with_r1(rec: &mut Recorder, loss: Var, x: Var, at_data: Var, gamma: f32) -> Result<Var> {
    if gamma == 0.0 {
        return Ok(loss);
    }
    let penalty = slope_penalty(rec, x, at_data, Penalty::Square)?.penalty;
    rec.blend(loss, penalty, 1.0, 0.5 * gamma)
}

/// A generator and critics that pull against each other.
pub trait Adversarial: Send + Sync {
    /// The generator φ.
    fn core(&self) -> &OneStep;

    fn critic(&self) -> &Critic;

    /// What the critics descend at generated rows y and data rows x, 1 × 1; reports what it wishes.
    fn critic_loss(&self, rec: &mut Recorder, y: Var, x: Var) -> Result<Var>;

    /// What φ descends at its rows y, 1 × 1; a game whose value has φ and the data in one term draws rows of its own.
    fn generator_loss(&self, rec: &mut Recorder, y: Var, data: &Dataset) -> Result<Var>;
}

/// A game as a method: `critic_steps` steps of the critics, then one of the generator.
pub struct Game<A>(pub A);

impl<A: Adversarial> Learner for Game<A> {
    fn parameters(&self) -> &Parameters {
        &self.0.core().parameters
    }

    fn companions(&self) -> Vec<(&'static str, &Parameters)> {
        vec![("critic", &self.0.critic().parameters)]
    }

    fn latent(&self) -> usize {
        self.0.core().latent()
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        self.0.core().push(rec, z, weights)
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        let (game, core, critic) = (&self.0, self.0.core(), self.0.critic());
        let mut rec = Recorder::with_domain(gpu, seed, DOMAIN)?;
        let (y, x) = core.draw(&mut rec, data)?;
        let loss = game.critic_loss(&mut rec, y, x)?;
        critic.minimize(&mut rec, loss)?;
        let first = rec.finish()?;
        let mut rec = Recorder::new(gpu, seed);
        let y = core.generate(&mut rec, data)?;
        let loss = game.generator_loss(&mut rec, y, data)?;
        core.minimize(&mut rec, loss)?;
        Ok(Plan::new(vec![(first, critic.steps as usize), (rec.finish()?, 1)]))
    }
}
