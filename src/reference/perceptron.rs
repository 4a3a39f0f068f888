//! Reference for a perceptron: its value, its slope in the input, and penalties on the slope ([`crate::loss::slope_penalty`]).

use super::{Exact, activation};
use crate::loss::Penalty;
use crate::ops::activation::Activation;

/// Weights (in × out, by rows) and biases of each layer; every layer but the first is given σ of the one before.
#[derive(Clone, Debug)]
pub struct Perceptron {
    pub layers: Vec<(Vec<f64>, Vec<f64>)>,
    pub activation: Activation,
}

impl Perceptron {
    /// From the values of weight, bias, weight, … one after another, with as many of each as `sizes` says.
    pub fn new(flat: &[f64], sizes: &[usize], activation: Activation) -> Self {
        let mut rest = flat;
        let mut next = |size: usize| {
            let (part, after) = rest.split_at(size);
            rest = after;
            part.to_vec()
        };
        let layers = sizes.chunks_exact(2).map(|pair| (next(pair[0]), next(pair[1]))).collect();
        Self { layers, activation }
    }

    /// What each layer is given, before σ, and what the last one returns.
    fn held(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let mut held = vec![x.to_vec()];
        for (layer, (w, b)) in self.layers.iter().enumerate() {
            let a = held[layer].iter().map(|&v| if layer == 0 { v } else { activation::value(self.activation, v) });
            let mut y = b.clone();
            for (a, w) in a.zip(w.chunks_exact(b.len())) {
                y.iter_mut().zip(w).for_each(|(y, w)| *y += a * w);
            }
            held.push(y);
        }
        held
    }

    /// Every output for every row of x, of `columns` each. An error made on the way is of the size of the largest number there: that is
    /// the scale of each.
    pub fn outputs(&self, x: &[f64], columns: usize) -> Exact {
        let mut reference = Exact::new(self.layers.iter().map(|(w, b)| w.len() / b.len()).sum());
        for row in x.chunks_exact(columns) {
            let held = self.held(row);
            let scale = held.iter().flatten().fold(0.0f64, |most, v| most.max(v.abs()));
            held.last().into_iter().flatten().for_each(|&y| reference.push_scaled(y, scale));
        }
        reference
    }

    /// The first output at x.
    pub fn value(&self, x: &[f64]) -> f64 {
        self.held(x).last().map_or(0.0, |y| y[0])
    }

    /// Its derivative in x.
    pub fn slope(&self, x: &[f64]) -> Vec<f64> {
        let held = self.held(x);
        let outputs = held.last().map_or(0, Vec::len);
        let mut back: Vec<f64> = (0..outputs).map(|j| if j == 0 { 1.0 } else { 0.0 }).collect();
        for (layer, (w, b)) in self.layers.iter().enumerate().rev() {
            let through = |w: &[f64]| w.iter().zip(&back).map(|(w, d)| w * d).sum::<f64>();
            let bend = |v: f64| if layer == 0 { 1.0 } else { activation::slope(self.activation, v) };
            back = w.chunks_exact(b.len()).zip(&held[layer]).map(|(w, &v)| bend(v) * through(w)).collect();
        }
        back
    }

    /// The mean of h(‖∇D‖) over the rows of x, of `columns` each.
    pub fn penalty(&self, form: Penalty, x: &[f64], columns: usize) -> f64 {
        let of_row = |row: &[f64]| {
            let length = self.slope(row).iter().map(|g| g * g).sum::<f64>().sqrt();
            match form {
                Penalty::Square => length * length,
                Penalty::TwoSided => (length - 1.0).powi(2),
                Penalty::OneSided => (length - 1.0).max(0.0).powi(2),
            }
        };
        x.chunks_exact(columns).map(of_row).sum::<f64>() / (x.len() / columns) as f64
    }

    /// The mean value over the rows of x.
    pub fn mean(&self, x: &[f64], columns: usize) -> f64 {
        x.chunks_exact(columns).map(|row| self.value(row)).sum::<f64>() / (x.len() / columns) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{check_gradient, differences};

    #[test]
    fn the_slope_is_the_derivative() {
        let flat: Vec<f64> = (0..3 * 4 + 4 + 4 + 1).map(|i| (f64::from(i) * 1.7).sin()).collect();
        let net = Perceptron::new(&flat, &[12, 4, 4, 1], Activation::Silu);
        let x = [0.3, -1.1, 0.7];
        check_gradient("slope", &net.slope(&x), &differences(&x, |x| net.value(x)), 1e-8);
    }
}
