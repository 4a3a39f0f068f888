//! Reference for `time`: cosines and sines of times, and the gradient in them.

use super::Exact;
use std::f64::consts::TAU;

/// Times and frequencies in turns.
#[derive(Clone, Copy, Debug)]
pub struct Embedding<'a> {
    pub t: &'a [f32],
    pub frequencies: &'a [f32],
}

impl Embedding<'_> {
    fn angles(&self, t: f32) -> impl Iterator<Item = (f64, f64)> {
        self.frequencies.iter().map(move |&f| (TAU * f64::from(f), TAU * f64::from(f) * f64::from(t)))
    }

    /// Rows of all cosines and then all sines; a rounding of the phase is one of the value.
    pub fn forward(&self) -> Exact {
        let mut reference = Exact::new(1);
        for &t in self.t {
            self.angles(t).for_each(|(_, angle)| reference.push_scaled(angle.cos(), 1.0 + angle.abs()));
            self.angles(t).for_each(|(_, angle)| reference.push_scaled(angle.sin(), 1.0 + angle.abs()));
        }
        reference
    }

    /// d_t = Σ_k 2πf_k (cos(2πf_k t)·d_sin,k − sin(2πf_k t)·d_cos,k).
    pub fn backward(&self, d: &[f32]) -> Exact {
        let count = self.frequencies.len();
        let mut reference = Exact::new(2 * count);
        for (&t, d) in self.t.iter().zip(d.chunks_exact(2 * count)) {
            let (mut value, mut scale) = (0.0, 0.0);
            for (k, (rate, angle)) in self.angles(t).enumerate() {
                let (d_cos, d_sin) = (f64::from(d[k]), f64::from(d[count + k]));
                value += rate * (angle.cos() * d_sin - angle.sin() * d_cos);
                scale += rate * (d_sin.abs() + d_cos.abs()) * (1.0 + angle.abs());
            }
            reference.push_scaled(value, scale);
        }
        reference
    }
}
