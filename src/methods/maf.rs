//! Masked autoregressive flows (Papamakarios, Pavlakou & Murray 2017; paper §3): every layer moves each column by numbers from the columns before it,
//!
//!   z_j = x_j·e^{s_j(x_<j)} + t_j(x_<j),   ln|det| = Σ s_j,
//!
//! all of them by one masked network (MADE; Germain et al. 2015), or bends it by a spline of such numbers. A density is one pass; a sample takes one
//! pass a column and layer.

use super::normalizing::{Choice, NormalizingFlow};
use super::{Entry, resolve};
use crate::nn::{Mixing, Structure, Transform};
use crate::ops::coupling::Bounds;
use crate::ops::spline::Bins;
use crate::settings;
use crate::settings::Settings as _;
use serde::{Deserialize, Serialize};

/// How a layer moves a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Affine,
    #[default]
    Spline,
}

settings! {
    /// Settings of `maf`.
    pub struct Settings {
        /// Number of autoregressive layers, alternately in the order of the columns and in reverse, 1 to 64.
        layers: usize = 4,
        /// Transform of a column: affine, spline.
        transform: Kind = Kind::Spline,
        /// Bound on the logarithm of an affine layer's scale, above 0 to 20.
        max_log_scale: f32 = 3.0,
        /// Bound on the logarithm of the factor by which all affine layers together stretch distances between latents; unset is the bound of each layer alone.
        stretch: Option<f32> = None,
        /// Number of bins of a spline, 2 to 32.
        bins: usize = 8,
        /// Half-width of the interval that splines transform, in standard deviations of the data, above 0 to 1,000.
        tail_bound: f32 = 5.0,
        /// Layer before each autoregressive layer: none, normalize (a scale and shift per column), linear (an invertible matrix by its LU factors).
        mixing: Mixing = Mixing::None,
        /// Bound on the logarithm of the factor by which these layers together stretch or shrink distances; unset is none.
        mixing_stretch: Option<f32> = None,
    }
}

pub const ENTRY: Entry = Entry {
    name: "maf",
    summary: "autoregressive layers trained by likelihood: exact density in one pass, samples in one pass per column",
    paper: "§3, change of variables with triangular maps",
    density: true,
    inverse: true,
    defaults: "hidden_width = 64\nhidden_layers = 2\nlearning_rate = 5e-3\nsteps = 3000\nstretch = 4.0\nmixing_stretch = 4.0",
    keys: Settings::keys,
    build: |setup, own| Ok(Box::new(NormalizingFlow::new(setup, &settings::take::<Settings>(own)?.choice())?)),
    resolve: |table| resolve::<Settings>(table, |own| own.choice().check()),
};

impl Settings {
    fn choice(&self) -> Choice {
        let transform = match self.transform {
            Kind::Affine => Transform::Affine(Bounds::both(self.max_log_scale)),
            Kind::Spline => Transform::Spline(Bins { count: self.bins, reach: self.tail_bound }),
        };
        Choice {
            layers: self.layers,
            structure: Structure::Autoregressive,
            transform,
            stretch: self.stretch,
            mixing: self.mixing,
            mixing_stretch: self.mixing_stretch,
        }
    }
}
