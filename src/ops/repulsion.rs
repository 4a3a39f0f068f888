//! Forces between particles that repel each other, and their energy, over pairs that are never stored (Riesz and Coulomb gases: Serfaty
//! 2018).
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::repulsion::Riesz;
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let x = gpu.upload(2, 1, &[0.0, 2.0])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let x = rec.tensor(&x);
//! let forces = rec.riesz_forces(x, Riesz { exponent: 0.0, softening: 1.0 })?; // −½ ln(r² + 1): r/(r² + 1)
//! let forces = rec.keep(forces);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(forces)?, [-0.4, 0.4]);
//! # Ok(())
//! # }
//! ```

use super::pairs::{Launch, Layout, Tiling};
use super::pairwise::hand_on;
use crate::gpu::kernels::repulsion::{Params, Rows, Values, Variant, axis::Kind};
use crate::gpu::{Family, Recorder, Var};
use crate::{Error, Result};

/// A potential that falls with the distance r: (r² + δ²)^(−s/2) for s > 0, −½ ln(r² + δ²) for s = 0, −(r² + δ²)^(−s/2) for −2 < s < 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Riesz {
    /// s. Coulomb's is the dimension − 2.
    pub exponent: f32,
    /// δ, above 0.
    pub softening: f32,
}

impl Riesz {
    /// Refuses values out of range.
    pub fn check(&self) -> Result<()> {
        let Self { exponent, softening } = *self;
        if !(softening > 0.0 && softening.is_finite()) {
            return Err(Error::usage(format!("`softening` is {softening}: it must be above 0")));
        }
        if !(exponent > -2.0 && exponent.is_finite()) {
            return Err(Error::usage(format!("`exponent` is {exponent}: it must be above -2")));
        }
        // The greatest weight, that of coincident particles, and the softening itself must be numbers of f32.
        let (s, square) = (f64::from(exponent), f64::from(softening).powi(2));
        let greatest = square.powf(-0.5 * s - 1.0);
        if greatest > 1e30 || !(1e-30..1e30).contains(&square) {
            let problem =
                format!("a force of exponent {exponent} softened by {softening} is {greatest:.0e} a unit of distance near 0");
            return Err(Error::usage(format!("{problem}: use a larger softening, or a smaller exponent")));
        }
        Ok(())
    }
}

struct Plan {
    params: Params,
    variant: Variant,
    layout: Layout,
}

impl Recorder {
    /// −∂/∂xᵢ Σⱼ k(‖xᵢ − xⱼ‖) for each row i of x (n × d): n × d. Rows that coincide do not push each other. No gradient rule.
    ///
    /// # Errors
    /// A potential out of range, and no rows.
    pub fn riesz_forces(&mut self, x: Var, potential: Riesz) -> Result<Var> {
        let plan = self.repulsion(x, potential, true)?;
        let gradient = self.empty(plan.layout.splits, x.len())?;
        for (params, groups) in plan.dispatches(self.launches(plan.layout)) {
            self.dispatch(Rows { variant: plan.variant, params, x, y: x, gradient }, groups)?;
        }
        let sum = if plan.layout.splits == 1 { gradient } else { self.sum_rows_untaped(gradient)? };
        Ok(self.view(sum, x.rows(), x.cols()))
    }

    /// ½ Σ_{i≠j} k(‖xᵢ − xⱼ‖) over the rows of x (n × d): 1 × 1, with its gradient in x, which is minus the forces.
    ///
    /// # Errors
    /// As [`Recorder::riesz_forces`].
    pub fn riesz_energy(&mut self, x: Var, potential: Riesz) -> Result<Var> {
        let plan = self.repulsion(x, potential, false)?;
        let value = self.empty(plan.layout.splits, x.rows())?;
        for (params, groups) in plan.dispatches(self.launches(plan.layout)) {
            self.dispatch(Values { variant: plan.variant, params, x, y: x, value }, groups)?;
        }
        let energy = self.full_sum(value, 0.5, false)?;
        self.record(&[x], &[energy], move |rec, back| {
            if !back.wants(x) {
                return Ok(());
            }
            let forces = rec.riesz_forces(x, potential)?;
            let d_x = rec.scale(forces, -1.0)?;
            hand_on(rec, back, energy, x, d_x)
        });
        Ok(energy)
    }

    fn repulsion(&self, x: Var, potential: Riesz, gradient: bool) -> Result<Plan> {
        potential.check()?;
        let (n, d) = (x.rows(), x.cols());
        if x.is_empty() {
            return Err(Error::shape("repulsion", format!("{n} × {d}: there are no particles")));
        }
        let tiling = Tiling::of(self.gpu(), d, |family| match family {
            Family::Subgroup { .. } => match d {
                0..=4 => (4, 4),
                5..=16 => (2, 8),
                _ => (1, 4),
            },
            Family::Workgroup => (1, 4),
            Family::Register => (1, 1),
        });
        let layout = tiling.layout(self.gpu(), (n, n), gradient, 1.0 + 0.1 * d as f64);
        let params = Params {
            n: n as u32,
            m: n as u32,
            d: d as u32,
            columns: layout.columns as u32,
            row_begin: 0,
            row_end: n as u32,
            half: potential.exponent / 2.0,
            slope: if potential.exponent == 0.0 { 1.0 } else { potential.exponent.abs() },
            softening: potential.softening * potential.softening,
        };
        let kind = if potential.exponent == 0.0 { Kind::Logarithm } else { Kind::Power };
        Ok(Plan { params, variant: Variant { gradient, kind, pairs: tiling.axes()? }, layout })
    }
}

impl Plan {
    /// The uniforms and groups of each dispatch.
    fn dispatches(&self, launches: impl Iterator<Item = Launch>) -> impl Iterator<Item = (Params, [u32; 3])> {
        launches.map(|Launch { row_begin, row_end, groups }| (Params { row_begin, row_end, ..self.params }, groups))
    }
}
