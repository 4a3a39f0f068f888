//! A whole iteration of a game: steps of the critic, then one of the generator.

use super::ceiling::Operations;
use super::{Prepared, agree, normal, wide};
use crate::gpu::{Gpu, Recorder};
use crate::loss::Penalty;
use crate::methods::critic::Critic;
use crate::methods::{CriticSettings, Dataset, Method, Setup, Training, Wgan};
use crate::nn::Activation;
use crate::reference::{Exact, perceptron::Perceptron};
use crate::{Error, Result};

const COLUMNS: usize = 2;
/// Critic steps of an iteration (Gulrajani et al. 2017).
const CRITIC_STEPS: usize = 5;

/// One iteration of a Wasserstein game with gradient penalty: five critic steps and one of the generator, each with fresh rows and
/// Adam, both networks of two hidden layers.
pub(super) fn wgan_step(gpu: &Gpu, width: usize, batch: usize) -> Result<Prepared> {
    check(gpu, width, 100)?;
    let critic = CriticSettings {
        critic_steps: CRITIC_STEPS as u32,
        critic_hidden_width: width,
        critic_hidden_layers: 2,
        ..Wgan::default().critic
    };
    let wgan = Wgan { gradient_penalty: 10.0, critic, ..Wgan::default() };
    let training =
        Training { batch_size: batch, hidden_width: width, hidden_layers: 2, activation: Activation::Silu, ..wgan.training() };
    let data = Dataset::new(gpu, &normal(1 << 17, 1), COLUMNS, None)?;
    let setup = Setup { gpu, training: &training, columns: COLUMNS, conditions: 0, seed: 1, data: Some(&data), teacher: None };
    let method = wgan.build(&setup)?;
    let mut plan = method.plan(gpu, 1, &data)?;
    plan.replay(1)?;
    let parameters = |count: usize| 2.0 * batch as f64 * count as f64;
    let (critic, generator) = (method.companions()[0].1.count(), method.parameters().count());
    // Passes over the weights: of a critic step D at three sets of rows (3), back to between (1), along it (1), and back through
    // all of them: to inputs and weights of three sets (6) and of the tangent (2), and φ (1); of the generator's φ (3) and D (2).
    let flops = CRITIC_STEPS as f64 * (13.0 * parameters(critic) + parameters(generator))
        + 3.0 * parameters(generator)
        + 2.0 * parameters(critic);
    let operations = Operations { flops, ..Operations::default() };
    Ok(Prepared { plan, work: flops * 1e-9, unit: "GFLOP/s", operations })
}

/// Holds the critic's loss to f64, and its gradient to a difference of that along one direction in the weights.
fn check(gpu: &Gpu, width: usize, batch: usize) -> Result<()> {
    let training = Training::default();
    let setup = Setup { gpu, training: &training, columns: COLUMNS, conditions: 0, seed: 3, data: None, teacher: None };
    let shape = CriticSettings { critic_hidden_width: width, critic_hidden_layers: 2, ..CriticSettings::default() };
    let critic = Critic::new(&setup, &shape, 1, false)?;
    let settings = Wgan { gradient_penalty: 10.0, ..Wgan::default() };
    let mut rec = Recorder::new(gpu, 3);
    let mut rows = |seed| {
        let values = normal(batch * COLUMNS, seed);
        Ok::<_, Error>((rec.tensor(&gpu.upload(batch, COLUMNS, &values)?), wide(&values)))
    };
    let ((x, xs), (y, ys), (between, at)) = (rows(1)?, rows(2)?, rows(3)?);
    let loss = settings.critic_loss(&mut rec, &critic, y, x, between)?;
    critic.minimize(&mut rec, loss)?;
    let loss = rec.keep(loss);
    let named = critic.parameters.averaged()?;
    let mut step = rec.finish()?;
    step.replay(1)?;

    let sizes: Vec<usize> = named.iter().map(|(.., values)| values.len()).collect();
    let flat: Vec<f64> = named.iter().flat_map(|(.., values)| wide(values)).collect();
    let terms = |flat: &[f64]| {
        let net = Perceptron::new(flat, &sizes, Activation::Silu);
        [net.mean(&ys, COLUMNS), -net.mean(&xs, COLUMNS), 10.0 * net.penalty(Penalty::TwoSided, &at, COLUMNS)]
    };
    let mut reference = Exact::new(batch + 2 * width);
    reference.push(terms(&flat));
    agree("a critic's loss", &reference, &step.read(loss)?)?;

    // After one step of Adam from zero the first moment is (1 − β₁) times the gradient; slices begin at multiples of 64.
    let state = critic.parameters.state()?;
    let (mut begin, mut gradient) = (0, Vec::new());
    for size in &sizes {
        gradient.extend(state[1].1[begin..begin + size].iter().map(|&g| f64::from(g) / (1.0 - f64::from(critic.adam.beta1))));
        begin += size.next_multiple_of(64);
    }
    let direction = wide(&normal(flat.len(), 4));
    let along = |h: f64| {
        let moved: Vec<f64> = flat.iter().zip(&direction).map(|(w, d)| w + h * d).collect();
        terms(&moved).iter().sum::<f64>()
    };
    let h = 1e-5;
    let expected = (8.0 * (along(h) - along(-h)) - (along(2.0 * h) - along(-2.0 * h))) / (12.0 * h);
    let parts = || gradient.iter().zip(&direction).map(|(g, d)| g * d);
    let found: f64 = parts().sum();
    let scale = parts().map(f64::abs).sum();
    let reference = Exact { value: vec![expected], scale: vec![scale], terms: batch + 2 * width };
    agree("a critic's gradient", &reference, &[found as f32])
}
