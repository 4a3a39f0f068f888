//! Reference for `cooling`: times of an annealed training.

use super::Exact;
use crate::ops::cooling::{Cooling, NoiseSchedule};

/// What is remembered of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory {
    pub round: u32,
    pub steps: u32,
    pub loss: f64,
    pub floor: f64,
    pub floor2: f64,
}

fn geometric(cooling: &Cooling, share: f64) -> f64 {
    let (hottest, coldest) = (f64::from(cooling.hottest), f64::from(cooling.coldest));
    hottest * (coldest / hottest).powf(share)
}

/// t of a step by [`NoiseSchedule::Rounds`] or [`NoiseSchedule::Geometric`].
pub fn time(cooling: &Cooling, step: u32) -> f64 {
    if step >= cooling.steps {
        return 0.0;
    }
    match cooling.schedule {
        NoiseSchedule::Rounds => {
            let round = f64::from(step * cooling.rounds / cooling.steps);
            let hottest = (-(-2.0 * f64::from(cooling.hottest)).exp_m1()).sqrt();
            let sigma = hottest * (1.0 - round / f64::from(cooling.rounds));
            -0.5 * (-sigma * sigma).ln_1p()
        }
        _ => geometric(cooling, f64::from(step) / f64::from(cooling.steps)),
    }
}

/// t of a step by [`NoiseSchedule::Floor`], from its loss and floor; what is remembered goes on.
pub fn time_by_floor(cooling: &Cooling, step: u32, loss: f64, floor: f64, memory: &mut Memory) -> f64 {
    memory.steps += 1;
    let share = (1.0 / f64::from(memory.steps)).max(0.1);
    let mean = |old: &mut f64, new: f64| *old = if share == 1.0 { new } else { *old + share * (new - *old) };
    mean(&mut memory.loss, loss);
    mean(&mut memory.floor, floor);
    mean(&mut memory.floor2, floor * floor);
    let deviation = (memory.floor2 - memory.floor * memory.floor).max(0.0).sqrt();
    let near = memory.loss - memory.floor <= f64::from(cooling.deviations) * deviation;
    let due = (step + 1).min(cooling.steps) * cooling.rounds / cooling.steps;
    let round = due.max(memory.round + u32::from(memory.steps >= cooling.least && near));
    if round > memory.round {
        memory.steps = 0;
    }
    memory.round = round.min(cooling.rounds);
    if round >= cooling.rounds {
        return 0.0;
    }
    geometric(cooling, f64::from(round) / (f64::from(cooling.rounds) - 1.0).max(1.0))
}

/// (α, σ, 1 − α, t) of a step. A time that was found from σ ([`NoiseSchedule::Rounds`]) is known as well as ½ ln(1 − σ²) is, which loses digits towards σ = 1.
pub fn row(t: f64, schedule: NoiseSchedule) -> Exact {
    let mut reference = Exact::new(4);
    let (alpha, rest, variance) = ((-t).exp(), -(-t).exp_m1(), -(-2.0 * t).exp_m1());
    let lost = if schedule == NoiseSchedule::Rounds { 0.5 * variance / (1.0 - variance) } else { 0.0 };
    let known = t + lost;
    reference.push_scaled(alpha, alpha * (1.0 + known));
    reference.push_scaled(variance.sqrt(), variance.sqrt() + alpha * alpha * lost);
    reference.push_scaled(rest, rest + alpha * lost);
    reference.push_scaled(t, known);
    reference
}
