//! Neural spline flows (Durkan et al. 2019; paper §3): coupling layers that bend each moved column by a monotone rational-quadratic spline on
//! [−B, B], with bins and slopes from a network of the kept columns, and leave it as it is outside. The chain starts as the fitted Gaussian, is
//! invertible in closed form, and is trained by likelihood.

use super::normalizing::{Choice, NormalizingFlow};
use super::{Entry, resolve};
use crate::nn::{Masks, Mixing, Structure, Transform};
use crate::ops::spline::Bins;
use crate::settings;
use crate::settings::Settings as _;

settings! {
    /// Settings of `spline`.
    pub struct Settings {
        /// Number of coupling layers, 1 to 64.
        layers: usize = 6,
        /// Number of bins of a spline, 2 to 32.
        bins: usize = 8,
        /// Half-width B of the interval that splines transform, in standard deviations of the data, above 0 to 1,000.
        tail_bound: f32 = 5.0,
        /// Masks: alternating (every second column, then the others), random (halves).
        masks: Masks = Masks::Alternating,
        /// Layer before each coupling layer: none, normalize (a scale and shift per column), linear (an invertible matrix by its LU factors).
        mixing: Mixing = Mixing::None,
        /// Bound on the logarithm of the factor by which these layers together stretch or shrink distances; unset is none.
        mixing_stretch: Option<f32> = None,
    }
}

pub const ENTRY: Entry = Entry {
    name: "spline",
    summary: "coupling layers of rational-quadratic splines trained by likelihood: exact density, sharp features",
    paper: "§3, change of variables with coupling layers",
    density: true,
    inverse: true,
    defaults: "hidden_width = 64\nhidden_layers = 2\nlearning_rate = 5e-3\nsteps = 3000\nmixing_stretch = 4.0",
    keys: Settings::keys,
    build: |setup, own| Ok(Box::new(NormalizingFlow::new(setup, &settings::take::<Settings>(own)?.choice())?)),
    resolve: |table| resolve::<Settings>(table, |own| own.choice().check()),
};

impl Settings {
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
