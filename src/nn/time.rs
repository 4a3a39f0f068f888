//! Time embedding: a number t in [0, 1] as cosines and sines, so that a network can tell nearby times apart.

use crate::Result;
use crate::gpu::{Recorder, Var};

pub use crate::ops::time::Time;

/// (cos(2π f_k t), sin(2π f_k t)) for `count` frequencies f_k spaced evenly in octaves from ½ to `highest` (Tancik et al.
/// 2020): rows × 1 → rows × 2·count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeEmbedding {
    pub count: usize,
    pub highest: f32,
}

impl TimeEmbedding {
    /// The frequencies f_k.
    pub fn frequencies(&self) -> Vec<f32> {
        let octaves = (2.0 * self.highest).log2();
        let last = (self.count.max(2) - 1) as f32;
        (0..self.count).map(|k| 0.5 * (octaves * k as f32 / last).exp2()).collect()
    }

    /// The embedding of one time, in f64.
    pub fn at(&self, t: f64) -> Vec<f32> {
        let angles = self.frequencies().into_iter().map(|f| std::f64::consts::TAU * f64::from(f) * t);
        let (cos, sin): (Vec<f32>, Vec<f32>) = angles.map(|a| (a.cos() as f32, a.sin() as f32)).unzip();
        [cos, sin].concat()
    }

    /// rows × 1 → rows × 2·count.
    pub fn forward(&self, rec: &mut Recorder, t: Var) -> Result<Var> {
        let frequencies = rec.gpu().upload(1, self.count, &self.frequencies())?;
        let frequencies = rec.tensor(&frequencies);
        rec.time_embedding(t, frequencies)
    }
}
