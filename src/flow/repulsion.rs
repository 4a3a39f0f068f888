//! Particles that repel each other while they are sampled (paper §4, footnote 7, which suggests it "to enforce sample diversities"; Serfaty
//! 2018): to the velocity of particle i of a batch is added
//!
//!   −(strength/n) ∇ᵢ Σⱼ k(xᵢ − xⱼ),   k(r) = (r² + δ²)^(−s/2), or −½ ln(r² + δ²) where s = 0,
//!
//! a Riesz force of exponent s, softened at distances below δ. Coulomb's is s = d − 2: the logarithm in the plane, 1/r in space.
//! Rows of a batch are then no longer independent, and their distribution is no longer the model's alone: it is wider, and evener.
//! [`crate::metrics::diversity()`] says how diverse a sample is.
//!
//! ```
//! # use pushforward::flow::{Grid, Repulsion, Solver, integrate};
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let x = gpu.upload(2, 2, &[-0.1, 0.0, 0.1, 0.0])?;
//! let repulsion = Repulsion::coulomb(2, 1.0, 0.01);
//! let mut rec = Recorder::new(&gpu, 0);
//! let x = rec.tensor(&x);
//! // Two particles in a bowl: −x pulls them in, and they keep apart.
//! let x = integrate(&mut rec, Solver::Heun, &Grid::Uniform.times(0.0, 5.0, 100)?, x, &mut |rec, x, _| {
//!     let force = repulsion.velocity(rec, x)?;
//!     rec.sub(force, x)
//! })?;
//! let x = rec.keep(x);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert!((step.read(x)?[2] - 0.5).abs() < 1e-3); // each rests where ½·1/2r = r
//! # Ok(())
//! # }
//! ```

use crate::gpu::{Recorder, Var};
use crate::ops::repulsion::Riesz;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How particles repel each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repulsion {
    /// What the force is multiplied by; 0 is none.
    pub strength: f32,
    /// s of the potential, above −2: the smaller, the farther it reaches; 0 is the logarithm.
    pub exponent: f32,
    /// δ, above 0: the distance below which the force grows no more.
    pub softening: f32,
}

impl Repulsion {
    /// The electrostatic force in d dimensions: s = d − 2, which a particle outside of a ball of others feels as if all were at its center.
    pub fn coulomb(d: usize, strength: f32, softening: f32) -> Self {
        Self { strength, exponent: d as f32 - 2.0, softening }
    }

    /// What it adds to the velocities of the particles x (n × d): n × d, Σᵢ 0, and 0 between coincident particles. Forms all n² pairs. No
    /// gradient rule: to learn against it, add [`Repulsion::energy`] to the loss.
    ///
    /// # Errors
    /// A strength that is negative or not finite, and a potential out of range (`Riesz::check`).
    pub fn velocity(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        let forces = rec.riesz_forces(x, self.potential()?)?;
        rec.scale(forces, self.strength / x.rows() as f32)
    }

    /// strength/(2n²) Σ_{i≠j} k(xᵢ − xⱼ) of the particles x (n × d), 1 × 1, with its gradient: −1/n times the velocity.
    ///
    /// # Errors
    /// As [`Repulsion::velocity`].
    pub fn energy(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        let energy = rec.riesz_energy(x, self.potential()?)?;
        let n = x.rows() as f32;
        rec.scale(energy, self.strength / (n * n))
    }

    fn potential(&self) -> Result<Riesz> {
        if !(self.strength >= 0.0 && self.strength.is_finite()) {
            return Err(Error::usage(format!("`strength` is {}: it must be 0 or above", self.strength)));
        }
        Ok(Riesz { exponent: self.exponent, softening: self.softening })
    }
}
