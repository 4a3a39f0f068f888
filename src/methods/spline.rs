//! Neural spline flows (Durkan et al. 2019; paper §3): coupling layers that bend each moved column by a monotone rational-quadratic spline on
//! [−B, B], with bins and slopes from a network of the kept columns, and leave it as it is outside. The chain starts as the fitted Gaussian, is
//! invertible in closed form, and is trained by likelihood.

use super::normalizing::{Choice, NormalizingFlow};
use super::{Entry, Learner, Method, Setup, Training};
use crate::nn::{Masks, Mixing, Structure, Transform};
use crate::ops::spline::Bins;
use crate::{Result, settings};

settings! {
    /// Settings of `spline`.
    pub struct Spline {
        /// Number of coupling layers.
        layers: usize = 6, in 1..=64,
        /// Number of bins of a spline.
        bins: usize = 8, in 2..=32,
        /// Half-width B of the interval that splines transform, in standard deviations of the data.
        tail_bound: f32 = 5.0, in above(0.0).up_to(1000.0),
        /// Masks: alternating (every second column, then the others), random (halves).
        masks: Masks = Masks::Alternating,
        /// Layer before each coupling layer: none, normalize (a scale and shift per column), linear (an invertible matrix by its LU factors).
        mixing: Mixing = Mixing::None,
        /// Bound on the logarithm of the factor by which these layers together stretch or shrink distances (none: no bound).
        mixing_stretch: Option<f32> = Some(4.0), or none, in above(0.0),
    }
}

static ENTRY: Entry = Entry {
    name: "spline",
    summary: "coupling layers of rational-quadratic splines trained by likelihood: exact density, sharp features",
    paper: "§3, change of variables with coupling layers",
    use_when: "You need an exact log-density, an inverse and one-pass samples, and the data have sharp edges or several modes: it is level with or better than zuko's neural spline flow on four targets in the plane.",
    avoid_when: "You have few rows and nearly dependent columns, unless you set noise = 0.3 (on five tables of 134 to 427 rows samples were then harder to tell from real rows; docs/studies/small.md), or mass far outside ±5 standard deviations, where the spline is the identity.",
    density: true,
    inverse: true,
    training: || Training { hidden_width: 64, hidden_layers: 2, learning_rate: 5e-3, steps: 3000, ..Training::default() },
};

impl Method for Spline {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(NormalizingFlow::new(setup, &self.choice())?))
    }
}

impl Spline {
    fn choice(&self) -> Choice {
        Choice {
            layers: self.layers,
            structure: Structure::Coupling(self.masks),
            transform: Transform::Spline(Bins { count: self.bins, reach: self.tail_bound }),
            stretch: None,
            mixing: self.mixing,
            mixing_stretch: self.mixing_stretch,
        }
    }
}
