//! What the simulation's own step does to the eigenfunctions, on the host: the error of a time step without that of chance.
//!
//! A step of h takes f to P_h f(x) = E f(D_{h/2}(D_{h/2}(x) + √(2h) ξ)), where the SDE has e^{−λ_i h} f_i. Between the first eigenfunctions it is
//! the matrix ⟨f_k|P_h f_i⟩ in L²(μ), and its powers give the means that infinitely many particles would have.

use super::solver::Spectrum;
use nalgebra::{DMatrix, DVector};
use pushforward::flow::Energy;

/// Nodes of the trapezoidal rule over the normal distribution, a quarter apart: exact to rounding for what is smooth.
const NODES: i32 = 28;

/// How one step of `h` carries the first `count` functions of `spectrum`: row i is P_h f_i.
pub fn step(spectrum: &Spectrum, energy: Energy, h: f64, count: usize) -> DMatrix<f64> {
    let normal = |k: i32| (-0.5 * (0.25 * f64::from(k)).powi(2)).exp();
    let total: f64 = (-NODES..=NODES).map(normal).sum();
    let mut matrix = DMatrix::zeros(count, count);
    let mut values = vec![0.0; count];
    for (k, (&x, &mass)) in spectrum.nodes.iter().zip(&spectrum.mass).enumerate() {
        let half = energy.descended(&[x], h / 2.0)[0];
        let mut mean = vec![0.0; count];
        for z in -NODES..=NODES {
            let stirred = half + (2.0 * h).sqrt() * 0.25 * f64::from(z);
            spectrum.at(energy.descended(&[stirred], h / 2.0)[0], &mut values);
            mean.iter_mut().zip(&values).for_each(|(mean, value)| *mean += normal(z) / total * value);
        }
        for i in 0..count {
            for j in 0..count {
                matrix[(i, j)] += mass * spectrum.functions[j][k] * mean[i];
            }
        }
    }
    matrix
}

/// The functions' means after each of `counts` steps, from their means at the start.
pub fn means(step: &DMatrix<f64>, start: &[f64], counts: &[usize]) -> Vec<Vec<f64>> {
    let mut now = DVector::from_column_slice(start);
    let mut done = 0;
    let mut found = Vec::new();
    for &count in counts {
        for _ in done..count {
            now = step * now;
        }
        done = count;
        found.push(now.iter().copied().collect());
    }
    found
}
