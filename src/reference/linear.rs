//! Reference for `linear`: y = σ(x)·W + b and the three gradients of a layer.

use super::{Exact, activation};
use crate::ops::activation::Activation;

/// What rounding of σ(x) is proportional to: the argument's own error passes through it.
fn value_scale(activation: Activation, x: f64) -> f64 {
    activation::value(activation, x).abs().max(x.abs())
}

/// A layer's inputs: x is n × k, w is k × m.
#[derive(Clone, Copy)]
pub struct Layer<'a> {
    pub x: &'a [f32],
    pub w: &'a [f32],
    pub k: usize,
    pub m: usize,
    pub activation: Activation,
}

impl Layer<'_> {
    fn n(&self) -> usize {
        self.x.len() / self.k
    }

    fn x(&self, i: usize, q: usize) -> f64 {
        f64::from(self.x[i * self.k + q])
    }

    fn w(&self, q: usize, j: usize) -> f64 {
        f64::from(self.w[q * self.m + j])
    }

    /// y_ij = Σ_q σ(x_iq)·w_qj + b_j.
    pub fn forward(&self, b: &[f32]) -> Exact {
        let mut reference = Exact::new(self.k + 1);
        for i in 0..self.n() {
            for (j, &b) in b.iter().enumerate() {
                let b = f64::from(b);
                let (mut value, mut scale) = (b, b.abs());
                for q in 0..self.k {
                    value += activation::value(self.activation, self.x(i, q)) * self.w(q, j);
                    scale += value_scale(self.activation, self.x(i, q)) * self.w(q, j).abs();
                }
                reference.push_scaled(value, scale);
            }
        }
        reference
    }

    /// d_x_iq = σ'(x_iq)·Σ_j d_ij·w_qj.
    pub fn backward_input(&self, d_y: &[f32]) -> Exact {
        let mut reference = Exact::new(self.m + 1);
        for i in 0..self.n() {
            for q in 0..self.k {
                let terms = (0..self.m).map(|j| f64::from(d_y[i * self.m + j]) * self.w(q, j));
                let (value, scale) = terms.fold((0.0, 0.0), |(v, s), t| (v + t, s + t.abs()));
                let x = self.x(i, q);
                // A slope is a difference of terms of unit size.
                let slope = activation::slope(self.activation, x);
                reference.push_scaled(slope * value, (1.0 + x.abs()) * scale);
            }
        }
        reference
    }

    /// d_w_qj = Σ_i σ(x_iq)·d_ij.
    pub fn backward_weight(&self, d_y: &[f32]) -> Exact {
        let mut reference = Exact::new(self.n());
        for q in 0..self.k {
            for j in 0..self.m {
                let (mut value, mut scale) = (0.0, 0.0);
                for i in 0..self.n() {
                    let d = f64::from(d_y[i * self.m + j]);
                    value += activation::value(self.activation, self.x(i, q)) * d;
                    scale += value_scale(self.activation, self.x(i, q)) * d.abs();
                }
                reference.push_scaled(value, scale);
            }
        }
        reference
    }

    /// d_b_j = Σ_i d_ij.
    pub fn backward_bias(&self, d_y: &[f32]) -> Exact {
        let mut reference = Exact::new(self.n());
        for j in 0..self.m {
            reference.push((0..self.n()).map(|i| f64::from(d_y[i * self.m + j])));
        }
        reference
    }
}
