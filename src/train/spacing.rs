//! When a training is measured: how far apart evaluations of the validation loss are, and looks at its samples.
//!
//! Evaluations together cost at most a fifth of the time of a training, and those at its start and its end besides: an evaluation that costs as much as k steps is followed by 4k
//! steps. What they cost is counted beforehand, by the shapes of the products and pairs that are recorded ([`Step::cost`](crate::gpu::Step::cost)), and never by a clock: a run that is
//! resumed or reproduced is evaluated at the same steps.

/// Evaluations in a whole run, where they are cheap.
const EVALUATIONS: u64 = 100;
/// Steps between two of them at least: nearer ones say the same, and patience would run out in a short run.
const APART: u64 = 20;
/// What the steps between two evaluations cost at least, in units of an evaluation: evaluations are then a fifth of the whole.
const STEPS: f64 = 4.0;
/// Evaluations without improvement that a run makes at least before it stops early.
const LEAST: u64 = 4;

/// What one step and one measurement cost, in one unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    pub step: f64,
    /// Of the validation loss; none without validation rows.
    pub validation: Option<f64>,
    /// Of a look at samples that are drawn for it; none where the validation loss draws them, or nothing is looked at.
    pub samples: Option<f64>,
}

/// Steps and evaluations between two measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spacing {
    /// Steps between two evaluations.
    pub steps: u64,
    /// Evaluations to one look at samples.
    pub looks: u64,
    /// Evaluations that one counts for where patience is concerned: as many as there would be if they were cheap.
    counts: u64,
}

impl Spacing {
    /// Of a run of so many steps.
    pub fn of(end: u64, costs: Costs) -> Self {
        let Costs { step, validation, samples } = costs;
        // Where both are measured each has half.
        let share = if validation.is_some() && samples.is_some() { 2.0 * STEPS } else { STEPS };
        let apart = |cost: f64| (share * cost / step.max(f64::MIN_POSITIVE)).ceil() as u64;
        let cheap = end.div_ceil(EVALUATIONS).max(APART);
        let of_samples = samples.map_or(0, apart).max(cheap);
        let steps = validation.map_or(of_samples, |cost| apart(cost).max(cheap));
        Self { steps, looks: of_samples.div_ceil(steps), counts: steps / cheap }
    }

    /// Whether samples are looked at after so many steps of `end`.
    pub fn looks_at(&self, step: u64, end: u64) -> bool {
        step == end || step.is_multiple_of(self.steps * self.looks)
    }

    /// Whether so many evaluations without improvement are more than this patience, in evaluations that are cheap.
    pub fn exhausts(&self, stale: u64, patience: u64) -> bool {
        stale * self.counts >= patience && stale >= LEAST.min(patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_cost_a_fifth_at_most() {
        for end in [100, 3_000, 100_000] {
            for (validation, samples) in
                [(Some(0.1), None), (Some(70.0), None), (None, Some(70.0)), (Some(3.0), Some(700.0)), (Some(90.0), Some(1.0))]
            {
                let spacing = Spacing::of(end, Costs { step: 2.0, validation, samples });
                let evaluated = (1..=end).filter(|step| step % spacing.steps == 0);
                let cost = |step: u64| {
                    let looked = if spacing.looks_at(step, u64::MAX) { samples.unwrap_or(0.0) } else { 0.0 };
                    validation.unwrap_or(0.0) + looked
                };
                let evaluations: f64 = evaluated.map(cost).sum();
                assert!(
                    evaluations <= 0.2 * (evaluations + 2.0 * end as f64) + 1e-9,
                    "{end} steps, {validation:?}, {samples:?}: {spacing:?}"
                );
                assert!(spacing.steps >= end.div_ceil(100).max(20));
            }
        }
        // Cheap ones are 100, at least 20 steps apart, and all look at samples.
        let cheap = |end| Spacing::of(end, Costs { step: 1.0, validation: Some(1.0), samples: Some(1.0) });
        assert_eq!((cheap(6_000).steps, cheap(6_000).looks, cheap(100).steps), (60, 1, 20));
        // Without a validation loss samples alone are looked at.
        let alone = Spacing::of(6_000, Costs { step: 1.0, validation: None, samples: Some(100.0) });
        assert_eq!((alone.steps, alone.looks), (400, 1));
        // Rare looks fall on evaluations.
        let rare = Spacing::of(6_000, Costs { step: 1.0, validation: Some(1.0), samples: Some(100.0) });
        assert_eq!((rare.steps, rare.looks), (60, 14));
    }

    #[test]
    fn patience_is_of_steps_rather_than_of_evaluations() {
        let spacing = |cost| Spacing::of(6_000, Costs { step: 1.0, validation: Some(cost), samples: None });
        assert!(spacing(1.0).exhausts(20, 20) && !spacing(1.0).exhausts(19, 20));
        // Of 120 steps each: ten stand for twenty.
        assert!(spacing(30.0).exhausts(10, 20) && !spacing(30.0).exhausts(9, 20));
        // One alone, or three, stop nothing, however far apart.
        assert!(spacing(3_000.0).exhausts(4, 20) && !spacing(3_000.0).exhausts(3, 20));
        assert!(spacing(3_000.0).exhausts(1, 1));
    }
}
