//! The spectrum of L f = f'' − E'f' on the line, on the host: −L f_i = λ_i f_i, ⟨f_i f_j|μ⟩ = δ_ij, μ ∝ e^{−E}; equally the eigenpairs of
//! the paper's quadratic form f ↦ ⟨|∇f|²|μ⟩ in L²(μ).
//!
//! With ψ = f e^{−E/2} the problem is Schrödinger's, −ψ'' + (E'²/4 − E''/2) ψ = λψ, whose ψ vanish fast on both sides. On evenly spaced
//! nodes the second derivative of the function through them that has no higher frequency than theirs is a known matrix (the sinc
//! discrete variable representation; Colbert & Miller 1992), so that the error falls faster than any power of the spacing.

use pushforward::{Error, Result};
use std::f64::consts::PI;

/// The nodes end where E is this much above its least: ψ is e^{−30} of its size there.
const DEPTH: f64 = 60.0;
/// Functions are tabulated where E is less than this above its least, and held at their last value beyond. There f is ψ divided by at
/// least e^{−15}, which leaves it 8 digits.
const TABLE: f64 = 30.0;
/// Cells of the table, which cubics fill.
const CELLS: usize = 2048;
/// Where an energy is looked for, and how finely.
const REACH: f64 = 64.0;
const LOOK: f64 = 1.0 / 128.0;

/// Eigenvalues and eigenfunctions.
#[derive(Clone, Debug)]
pub struct Spectrum {
    /// λ_0 = 0, λ_1, …
    pub rates: Vec<f64>,
    pub nodes: Vec<f64>,
    /// μ's mass at each node: Σ mass·g(node) is ⟨g|μ⟩ by the trapezoidal rule, which is as exact as the solver.
    pub mass: Vec<f64>,
    /// f_0 = 1, f_1, … at each node; positive at the right end.
    pub functions: Vec<Vec<f64>>,
    /// Where functions are known between the nodes too.
    pub ends: [f64; 2],
    table: Vec<Vec<f64>>,
}

/// The least value of an energy, and the interval in which it is less than `depth` above that.
fn interval(energy: &dyn Fn(f64) -> [f64; 3], depth: f64) -> Result<(f64, [f64; 2])> {
    let places = (0..=(2.0 * REACH / LOOK) as usize).map(|i| LOOK * i as f64 - REACH);
    let heights: Vec<(f64, f64)> = places.map(|x| (x, energy(x)[0])).collect();
    let least = heights.iter().map(|(_, e)| *e).fold(f64::INFINITY, f64::min);
    let inside = heights.iter().filter(|(_, e)| e - least < depth).map(|(x, _)| *x);
    let [left, right] = inside.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [x.min(low), x.max(high)]);
    if !(-REACH < left && left < right && right < REACH) {
        return Err(Error::usage(format!(
            "an energy must rise by {depth} above its least on both sides within ±{REACH}, and this one does not: it keeps no particle"
        )));
    }
    Ok((least, [left, right]))
}

/// Where the functions of an energy are known.
///
/// # Errors
/// As [`solve`].
pub fn known(energy: &dyn Fn(f64) -> [f64; 3]) -> Result<[f64; 2]> {
    Ok(interval(energy, TABLE)?.1)
}

/// The first `count` eigenpairs on `nodes` nodes; `energy` gives E, E' and E''.
///
/// # Errors
/// An energy that does not rise by 60 on both sides within ±64, or one too rough for so few nodes.
pub fn solve(energy: &dyn Fn(f64) -> [f64; 3], nodes: usize, count: usize) -> Result<Spectrum> {
    let ((least, [left, right]), ends) = (interval(energy, DEPTH)?, known(energy)?);
    let spacing = (right - left) / (nodes - 1) as f64;
    let x: Vec<f64> = (0..nodes).map(|k| left + spacing * k as f64).collect();
    let hamiltonian = nalgebra::DMatrix::from_fn(nodes, nodes, |i, j| {
        if i == j {
            let [_, slope, curvature] = energy(x[i]);
            return (PI / spacing).powi(2) / 3.0 + slope * slope / 4.0 - curvature / 2.0;
        }
        2.0 * sign(i.abs_diff(j)) / (i.abs_diff(j) as f64 * spacing).powi(2)
    });
    let eigen = nalgebra::SymmetricEigen::new(hamiltonian);
    let mut order: Vec<usize> = (0..nodes).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]));
    order.truncate(count);
    let rates: Vec<f64> = order.iter().map(|&i| eigen.eigenvalues[i]).collect();
    if rates.first().is_none_or(|rate| rate.abs() > 1e-6) {
        return Err(Error::usage(format!(
            "on {nodes} nodes the first eigenvalues are {rates:?}, and not 0: this energy needs more"
        )));
    }

    let weight = |x: f64| (least - energy(x)[0]).exp();
    let total: f64 = x.iter().map(|&x| weight(x)).sum();
    // ψ between the nodes, by the sinc functions through them; f = ψ/√mass.
    let between = |x: f64| -> Vec<f64> {
        let place = (x - left) / spacing;
        let wave = (PI * place).sin() / PI;
        let one = |k: usize| if (place - k as f64).abs() < 1e-9 { 1.0 } else { sign(k) * wave / (place - k as f64) };
        let scale = (total / weight(x)).sqrt();
        let sincs: Vec<f64> = (0..nodes).map(|k| scale * one(k)).collect();
        order.iter().map(|&i| eigen.eigenvectors.column(i).iter().zip(&sincs).map(|(p, s)| p * s).sum()).collect()
    };
    let rows: Vec<Vec<f64>> = (0..=CELLS).map(|k| between(ends[0] + (ends[1] - ends[0]) * k as f64 / CELLS as f64)).collect();
    let signs: Vec<f64> = rows[CELLS].iter().map(|f| f.signum()).collect();
    let table = (0..count).map(|i| rows.iter().map(|row| signs[i] * row[i]).collect()).collect();
    let at_node = |i: usize, k: usize| signs[i] * eigen.eigenvectors[(k, order[i])] * (total / weight(x[k])).sqrt();
    let functions = (0..count).map(|i| (0..nodes).map(|k| at_node(i, k)).collect()).collect();
    let mass = x.iter().map(|&x| weight(x) / total).collect();
    Ok(Spectrum { rates, nodes: x, mass, functions, ends, table })
}

fn sign(k: usize) -> f64 {
    if k.is_multiple_of(2) { 1.0 } else { -1.0 }
}

impl Spectrum {
    /// f_0(x), f_1(x), … into `values`, as many as it holds.
    pub fn at(&self, x: f64, values: &mut [f64]) {
        let [left, right] = self.ends;
        let place = ((x - left) / (right - left)).clamp(0.0, 1.0) * CELLS as f64;
        // The cubic through the two points on either side (Lagrange).
        let first = (place as usize).clamp(1, CELLS - 2) - 1;
        let t = place - first as f64;
        let weights = [
            -(t - 1.0) * (t - 2.0) * (t - 3.0) / 6.0,
            t * (t - 2.0) * (t - 3.0) / 2.0,
            -t * (t - 1.0) * (t - 3.0) / 2.0,
            t * (t - 1.0) * (t - 2.0) / 6.0,
        ];
        for (value, row) in values.iter_mut().zip(&self.table) {
            *value = weights.iter().zip(&row[first..]).map(|(w, f)| w * f).sum();
        }
    }
}
