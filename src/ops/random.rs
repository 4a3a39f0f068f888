//! Random numbers from counters, keyed by (seed, step, stream, index): the same on every adapter down to the integers, and
//! different at every step, use and element.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let mut rec = Recorder::new(&gpu, 42);
//! let z = rec.normal(1000, 2)?;
//! let z = rec.keep(z);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! let first = step.read(z)?;
//! step.replay(1)?;
//! assert_ne!(first, step.read(z)?);
//! # Ok(())
//! # }
//! ```

use crate::Result;
use crate::gpu::kernels::random::{Draw, Params, Variant, axis};
use crate::gpu::{Recorder, Var};

/// Philox 4×32-10 (Salmon et al. 2011), word for word as the shaders have it.
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let p = u64::from(counter[0]) * 0xD251_1F53;
        let q = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [(q >> 32) as u32 ^ counter[1] ^ key[0], q as u32, (p >> 32) as u32 ^ counter[3] ^ key[1], p as u32];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

/// 24 bits in [0, 1).
pub fn unit(bits: u32) -> f64 {
    f64::from(bits >> 8) / f64::from(1 << 24)
}

/// A distribution to draw from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// On [low, high).
    Uniform { low: f32, high: f32 },
    /// Mean 0, variance 1.
    Normal,
    /// Density 1/(π(1 + x²)).
    Cauchy,
    /// Density e^{−|x|}/2.
    Laplace,
    /// ±1 with equal chances (Rademacher).
    Sign,
}

impl Distribution {
    /// What the shader calls it.
    fn axis(self) -> axis::Distribution {
        match self {
            Self::Uniform { .. } => axis::Distribution::Uniform,
            Self::Normal => axis::Distribution::Normal,
            Self::Cauchy => axis::Distribution::Cauchy,
            Self::Laplace => axis::Distribution::Laplace,
            Self::Sign => axis::Distribution::Sign,
        }
    }
}

impl Recorder {
    /// Independent numbers of a distribution, fresh at every replay.
    pub fn random(&mut self, distribution: Distribution, rows: usize, cols: usize) -> Result<Var> {
        let out = self.empty(rows, cols)?;
        let (low, high) = if let Distribution::Uniform { low, high } = distribution { (low, high) } else { (0.0, 1.0) };
        let params = Params { len: out.len() as u32, stream: self.next_stream(), low, high };
        let state = self.state();
        let groups = self.groups(out.len().div_ceil(4), Draw::WIDTH);
        self.dispatch(Draw { variant: Variant { distribution: distribution.axis() }, params, state, out }, groups)?;
        Ok(out)
    }

    /// Independent normal numbers.
    pub fn normal(&mut self, rows: usize, cols: usize) -> Result<Var> {
        self.random(Distribution::Normal, rows, cols)
    }

    /// Independent normal numbers in the shape of `x`.
    pub fn normal_like(&mut self, x: Var) -> Result<Var> {
        self.normal(x.rows(), x.cols())
    }

    /// Independent uniform numbers on [0, 1).
    pub fn uniform(&mut self, rows: usize, cols: usize) -> Result<Var> {
        self.random(Distribution::Uniform { low: 0.0, high: 1.0 }, rows, cols)
    }
}
