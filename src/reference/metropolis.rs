//! Reference for `metropolis`: proposals of Langevin chains, and which are accepted.

use super::random::{draw, philox, unit};

/// The words of one counter, as the recording's state keys them.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    pub step: u32,
    pub seed: u64,
    pub domain: u32,
    pub stream: u32,
}

impl Words {
    fn at(self, index: usize) -> [u32; 4] {
        philox([index as u32, self.stream, self.step, self.domain], [self.seed as u32, (self.seed >> 32) as u32])
    }

    /// A number in [0, 1) for each chain.
    pub fn uniform(self, chain: usize) -> f64 {
        unit(self.at(chain)[0])
    }
}

/// x − h·g + √(2h)·ξ of one chain, by its number.
pub fn propose(x: &[f64], g: &[f64], log_step: f64, moved: usize, chain: usize, words: Words) -> Vec<f64> {
    let (h, pairs) = (log_step.exp(), moved.div_ceil(2));
    let noise = |j: usize| draw("normal", words.at(chain * pairs + j / 2), 0.0, 1.0)[j % 2];
    (0..x.len()).map(|j| if j < moved { x[j] - h * g[j] + (2.0 * h).sqrt() * noise(j) } else { x[j] }).collect()
}

/// A point with its energy and slope.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a> {
    pub x: &'a [f64],
    pub slope: &'a [f64],
    pub energy: f64,
}

/// ln of the ratio that accepts a move: ln e^{−E(x')} q(x | x') − ln e^{−E(x)} q(x' | x), q the density of proposals.
pub fn log_ratio(from: Point, to: Point, log_step: f64, moved: usize) -> f64 {
    let h = log_step.exp();
    let ln_q = |from: Point, to: Point| -> f64 {
        (0..moved).map(|j| -(to.x[j] - from.x[j] + h * from.slope[j]).powi(2) / (4.0 * h)).sum()
    };
    from.energy - to.energy + ln_q(to, from) - ln_q(from, to)
}
