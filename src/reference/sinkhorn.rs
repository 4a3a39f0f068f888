//! Entropic optimal transport in f64, straight from its formulas: the reference for `shaders/sinkhorn.wgsl`.
//!
//! ```
//! use pushforward::reference::sinkhorn::soft_min;
//! let (x, y, b) = ([0.0], [3.0, 4.0], [0.5, 0.5]);
//! // One point sees −ε log mean exp(−c/ε), which lies between the least cost and the mean.
//! let f = soft_min(&x, &y, &[0.0, 0.0], &b, 1, 2.0, 1.0).value[0];
//! assert!(9.0 < f && f < 12.5);
//! ```

/// Rows with what rounding errors of each are proportional to.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub value: Vec<f64>,
    pub scale: Vec<f64>,
}

/// ‖x − y‖^p and its gradient in x over (x − y).
fn cost(x: &[f64], y: &[f64], p: f64) -> (f64, f64) {
    let r2: f64 = x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).sum();
    (r2.powf(p / 2.0), if r2 > 0.0 { p * r2.powf(p / 2.0 - 1.0) } else { 0.0 })
}

/// fᵢ = −ε log Σⱼ bⱼ exp((hⱼ − c(xᵢ, yⱼ))/ε).
pub fn soft_min(x: &[f64], y: &[f64], h: &[f64], b: &[f64], d: usize, p: f64, epsilon: f64) -> Rows {
    let mut rows = Rows::default();
    for x in x.chunks_exact(d) {
        let each: Vec<(f64, f64, f64)> = y
            .chunks_exact(d)
            .zip(h.iter().zip(b))
            .filter(|(_, (_, b))| **b > 0.0)
            .map(|(y, (h, b))| {
                let c = cost(x, y, p).0;
                (h + epsilon * b.ln() - c, h.abs() + epsilon * b.ln().abs() + c, c)
            })
            .collect();
        let top = each.iter().fold(f64::NEG_INFINITY, |m, e| m.max(e.0));
        let sum: f64 = each.iter().map(|e| ((e.0 - top) / epsilon).exp()).sum();
        rows.value.push(-top - epsilon * sum.ln());
        // An exponent's rounding moves the result by the share of its term.
        let moved: f64 = each.iter().map(|e| ((e.0 - top) / epsilon).exp() / sum * e.1).sum();
        rows.scale.push(moved + epsilon * (1.0 + sum.ln().abs()));
    }
    rows
}

/// gᵢ = Σⱼ bⱼ exp((fᵢ + hⱼ − c)/ε) ∂c/∂xᵢ, n × d.
#[allow(clippy::too_many_arguments)]
pub fn plan_gradient(x: &[f64], y: &[f64], f: &[f64], h: &[f64], b: &[f64], d: usize, p: f64, epsilon: f64) -> Rows {
    let mut rows = Rows::default();
    for (x, f) in x.chunks_exact(d).zip(f) {
        let (mut sum, mut scale) = (vec![0.0; d], vec![0.0; d]);
        for (y, (h, b)) in y.chunks_exact(d).zip(h.iter().zip(b)) {
            let (c, slope) = cost(x, y, p);
            let weight = b * ((f + h - c) / epsilon).exp();
            // What the exponent's rounding does to its term.
            let moved = 1.0 + (f.abs() + h.abs() + c) / epsilon;
            for k in 0..d {
                sum[k] += weight * slope * (x[k] - y[k]);
                scale[k] += weight * slope * (moved * (x[k] - y[k]).abs() + x[k].abs() + y[k].abs());
            }
        }
        rows.value.extend(sum);
        rows.scale.extend(scale);
    }
    rows
}

/// What is transported, and how.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    pub x: &'a [f64],
    pub y: &'a [f64],
    /// Weights of the rows of x and of y; each sums to 1.
    pub a: &'a [f64],
    pub b: &'a [f64],
    pub d: usize,
    /// The cost's exponent p.
    pub p: f64,
    /// What a unit of mass costs that is made or removed; none keeps both marginals.
    pub reach: Option<f64>,
}

/// Potentials before and after the last update.
#[derive(Clone, Debug)]
pub struct Potentials {
    pub f: Vec<f64>,
    pub g: Vec<f64>,
    pub f_before: Vec<f64>,
    pub g_before: Vec<f64>,
}

/// The symmetric iteration along `schedule` (falling ε), both potentials updated from the last ones and averaged with them, and
/// one whole update at the end (Feydy et al. 2019, algorithm 1).
pub fn potentials(problem: &Problem, schedule: &[f64]) -> Potentials {
    let Problem { x, y, a, b, d, p, reach } = *problem;
    let update = |f: &[f64], g: &[f64], epsilon: f64| {
        let damping = reach.map_or(1.0, |rho| rho / (rho + epsilon));
        let damped = |rows: Rows| rows.value.iter().map(|v| damping * v).collect::<Vec<f64>>();
        (damped(soft_min(x, y, g, b, d, p, epsilon)), damped(soft_min(y, x, f, a, d, p, epsilon)))
    };
    let (mut f, mut g) = update(&vec![0.0; a.len()], &vec![0.0; b.len()], schedule[0]);
    for &epsilon in schedule {
        let (f_new, g_new) = update(&f, &g, epsilon);
        let average = |old: &mut Vec<f64>, new: Vec<f64>| old.iter_mut().zip(new).for_each(|(o, n)| *o = 0.5 * (*o + n));
        average(&mut f, f_new);
        average(&mut g, g_new);
    }
    let (f_last, g_last) = update(&f, &g, schedule[schedule.len() - 1]);
    Potentials { f: f_last, g: g_last, f_before: f, g_before: g }
}

/// S_ε(x, y), and its gradients in x and y at these potentials.
pub struct Divergence {
    pub value: f64,
    pub d_x: Vec<f64>,
    pub d_y: Vec<f64>,
}

/// The debiased Sinkhorn divergence OT_ε(x, y) − ½OT_ε(x, x) − ½OT_ε(y, y) (with the difference of masses, where marginals are
/// relaxed: Séjourné et al. 2019).
pub fn divergence(problem: &Problem, schedule: &[f64]) -> Divergence {
    let Problem { x, y, a, b, d, p, reach } = *problem;
    let epsilon = schedule[schedule.len() - 1];
    let own = |x, a| potentials(&Problem { x, y: x, a, b: a, d, p, reach }, schedule);
    let (xy, xx, yy) = (potentials(problem, schedule), own(x, a), own(y, b));
    let difference = |weights: &[f64], own: &[f64], cross: &[f64]| -> f64 {
        let term = |own: f64, cross: f64| match reach {
            None => cross - own,
            Some(rho) => (rho + 0.5 * epsilon) * ((-own / rho).exp() - (-cross / rho).exp()),
        };
        weights.iter().zip(own.iter().zip(cross)).map(|(w, (o, c))| w * term(*o, *c)).sum()
    };
    let gradient = |x: &[f64], y: &[f64], weights: &[f64], b: &[f64], f: &[f64], h: &[f64]| -> Vec<f64> {
        let damping = reach.map_or(1.0, |rho| rho / (rho + epsilon));
        let raw: Vec<f64> = f.iter().map(|f| f / damping).collect();
        let rows = plan_gradient(x, y, &raw, h, b, d, p, epsilon).value;
        let mass = |i: usize| weights[i] * reach.map_or(1.0, |rho| (-f[i] / rho).exp());
        rows.iter().enumerate().map(|(k, g)| mass(k / d) * g).collect()
    };
    let minus = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(b).map(|(a, b)| a - b).collect();
    Divergence {
        value: difference(a, &xx.f, &xy.f) + difference(b, &yy.f, &xy.g),
        d_x: minus(gradient(x, y, a, b, &xy.f, &xy.g_before), gradient(x, x, a, a, &xx.f, &xx.f_before)),
        d_y: minus(gradient(y, x, b, a, &xy.g, &xy.f_before), gradient(y, y, b, b, &yy.f, &yy.f_before)),
    }
}
