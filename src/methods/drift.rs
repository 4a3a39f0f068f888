//! Drifting (Deng, Li, Li, Du & He 2026, "Generative modeling via drifting"): generated rows are moved along a field V that vanishes where their distribution q is the
//! data's p, and φ is fitted to where they were moved,
//!
//!   E‖φ(z) − sg(φ(z) + ηV(φ(z)))‖²,   sg: held fixed,
//!
//! so that the steps of training do what the steps of a flow's solver do at sampling. The value of that loss is η²E‖V‖² whatever φ's weights could do about it: what falls, and is reported
//! as `drift`, is (E‖V‖²)^½.
//!
//! `field = kernel`: each row is drawn to the data and driven from the generator's own batch, by mean shift with a kernel k,
//!
//!   V(x) = T_p(x) − T_q(x),   T_p(x) = E_p[k(x, Y) Y]/E_p[k(x, Y)],
//!
//! itself left out of its own batch. For a Gaussian kernel of width h, T_p(x) − x = h²∇ ln(p ∗ k)(x), so V = h²∇ ln (p ∗ k)/(q ∗ k): a descent of the
//! Kullback–Leibler divergence of both distributions blurred. Several widths are averaged.
//!
//! `field = transport`: V(x) = T_{q→p}(x) − T_{q→q'}(x), barycentric maps of entropic plans from the batch q to the data and to a batch q' of
//! φ that is independent of it: what the second has of entropy's bias and of a batch's noise, the first has too.

use super::one_step::OneStep;
use super::{Dataset, Entry, Learner, Method, Objective, Setup, Training};
use crate::gpu::{Recorder, Var};
use crate::ops::kernel_density::Shape;
use crate::ops::sinkhorn::Sinkhorn;
use crate::{Result, settings};

/// What rows are moved by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Mean shift towards data, less that towards the own batch.
    Kernel,
    /// Entropic transport to data, less that to an independent batch of one's own.
    Transport,
}

settings! {
    /// Settings of `drift`.
    pub struct Drift {
        /// Drift field: kernel (mean shift), transport (entropic optimal transport).
        field: Form = Form::Kernel,
        /// Kernel of the mean shift: gaussian, laplace.
        kernel: Shape = Shape::Gaussian,
        /// Bandwidths as multiples of the median distance between rows; their fields are averaged (auto: 0.05, 0.1, 0.2, 0.4, and twice these beyond 16 columns).
        scales: Option<Vec<f32>> = None, or auto, in items(1..=16, above(0.0)),
        /// Normalization of the field of each bandwidth by its root mean square.
        normalize: bool = false,
        /// Length below which transport is blurred, in standardized units (auto: 0.1, or more for data of a wide range).
        blur: Option<f32> = None, or auto, in above(0.0).up_to(1e18),
        /// Step size η, the scale of the field.
        step_size: f32 = 1.0, in above(0.0),
    }
}

static ENTRY: Entry = Entry {
    name: "drift",
    summary: "a generator fitted to its samples moved towards the data and away from each other",
    paper: "§4, flows followed by training instead of sampling (Deng et al. 2026)",
    use_when: "You want a one-step sampler of high quality without a teacher or an adversary: after 600 steps its skill was 0.9 to 1.1 in two, ten and 30 columns.",
    avoid_when: "You need a density or the cheapest training step: it compares all rows of the batch at several bandwidths, about three times the time of energy.",
    density: false,
    inverse: false,
    training: Training::default,
};

impl Method for Drift {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(DriftLearner { core: OneStep::new(setup)?, settings: self.clone() }))
    }
}

/// In few columns a row has neighbors at a twentieth of the median distance. In many all lie near the median: at a twentieth to two fifths of it, 600 steps
/// on 30 columns close 0.36 of a Gaussian's distance, at a tenth to four fifths 0.90, while up to ten columns the two are level.
const SCALES: [f32; 4] = [0.05, 0.1, 0.2, 0.4];
const MANY: usize = 16;

impl Drift {
    /// The widths' multiples for rows of so many columns.
    fn scales_for(&self, columns: usize) -> Vec<f32> {
        let factor = if columns > MANY { 2.0 } else { 1.0 };
        self.scales.clone().unwrap_or_else(|| SCALES.map(|scale| factor * scale).to_vec())
    }
}

/// Mean shift from the rows of x towards data less that towards `own` (with `same`, x itself: no row is driven by itself), of each width: n × d.
#[doc(hidden)]
pub fn kernel_fields(
    rec: &mut Recorder,
    x: Var,
    data: Var,
    own: Var,
    shape: Shape,
    widths: &[f32],
    same: bool,
) -> Result<Vec<Var>> {
    let drawn = rec.kernel_means_of(x, data, shape, widths, false)?;
    let driven = rec.kernel_means_of(x, own, shape, widths, same)?;
    drawn.into_iter().zip(driven).map(|(drawn, driven)| rec.sub(drawn, driven)).collect()
}

/// Barycentric map of the entropic plan from x to data less that to `own`, a batch of x's distribution that is independent of x: n × d.
#[doc(hidden)]
pub fn transport_field(rec: &mut Recorder, x: Var, data: Var, own: Var, plan: &Sinkhorn) -> Result<Var> {
    let drawn = rec.barycentric_map(x, data, None, None, plan)?;
    let back = rec.barycentric_map(x, own, None, None, plan)?;
    rec.sub(drawn, back)
}

/// Trains φ by moving its rows.
struct DriftLearner {
    core: OneStep,
    settings: Drift,
}

impl DriftLearner {
    fn field(&self, rec: &mut Recorder, y: Var, x: Var, data: &Dataset) -> Result<Var> {
        let s = &self.settings;
        let y = rec.detach(y);
        if s.field == Form::Transport {
            let own = self.core.generate(rec, data)?;
            let own = rec.detach(own);
            return transport_field(rec, y, x, own, &super::sinkhorn::squared_cost(s.blur, 0.1, data)?);
        }
        let widths: Vec<f32> = s.scales_for(data.cols()).iter().map(|scale| scale * data.median_distance()).collect();
        let share = 1.0 / widths.len() as f64;
        let mut terms = Vec::with_capacity(widths.len());
        for field in kernel_fields(rec, y, x, y, s.kernel, &widths, true)? {
            terms.push((share, if s.normalize { unit(rec, field)? } else { field }));
        }
        rec.weighted_sum(&terms)
    }
}

/// A field over its root mean square.
fn unit(rec: &mut Recorder, field: Var) -> Result<Var> {
    let square = rec.mean_square(field)?;
    // Where nothing moves there is nothing to scale.
    let square = rec.clamp(square, 1e-12, 1e12)?;
    let root = rec.sqrt(square)?;
    rec.div(field, root)
}

impl Objective for DriftLearner {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, data: &Dataset) -> Result<Var> {
        let field = self.field(rec, y, x, data)?;
        let square = rec.mean_square(field)?;
        let square = rec.scale(square, self.core.columns() as f32)?;
        let drift = rec.sqrt(square)?;
        rec.report("drift", drift)?;
        let target = rec.blend(y, field, 1.0, self.settings.step_size)?;
        let target = rec.detach(target);
        let off = rec.sub(y, target)?;
        rec.mean_square(off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_reach_farther_in_many_columns_unless_they_are_named() {
        let (chosen, named) = (Drift::default(), Drift { scales: Some(vec![0.3]), ..Drift::default() });
        assert_eq!(chosen.scales_for(16), [0.05, 0.1, 0.2, 0.4]);
        assert_eq!(chosen.scales_for(17), [0.1, 0.2, 0.4, 0.8]);
        assert_eq!(named.scales_for(64), [0.3]);
    }
}
