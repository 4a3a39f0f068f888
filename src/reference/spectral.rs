//! Reference for `spectral`: one round of power iteration, and W/σ with its gradient at fixed singular vectors.

use super::Exact;

/// What the op returns.
#[derive(Clone, Debug)]
pub struct Spectral {
    pub weight: Exact,
    pub u: Exact,
    pub sigma: Exact,
    /// The left singular vector, for the gradient.
    pub v: Vec<f64>,
}

/// For w (k × m, by rows) and u (m).
pub fn spectral(w: &[f64], u: &[f64]) -> Spectral {
    let m = u.len();
    let k = w.len() / m;
    let dot = |terms: &mut dyn Iterator<Item = f64>| terms.fold((0.0, 0.0), |(sum, scale), t| (sum + t, scale + t.abs()));
    let length = |values: &[(f64, f64)], at: fn(&(f64, f64)) -> f64| values.iter().map(|v| at(v).powi(2)).sum::<f64>().sqrt();
    let raw: Vec<_> = (0..k).map(|i| dot(&mut (0..m).map(|j| w[i * m + j] * u[j]))).collect();
    let norm = length(&raw, |v| v.0).max(1e-12);
    // Errors of v are those of its sums; they pass on to all that follows.
    let v: Vec<_> = raw.iter().map(|(sum, scale)| (sum / norm, scale / norm)).collect();
    let raw: Vec<_> = (0..m)
        .map(|j| {
            let sum = (0..k).map(|i| w[i * m + j] * v[i].0).sum::<f64>();
            (sum, (0..k).map(|i| w[i * m + j].abs() * v[i].1).sum::<f64>())
        })
        .collect();
    let sigma = length(&raw, |v| v.0).max(1e-12);
    let sigma_scale = length(&raw, |v| v.1);
    let relative = sigma_scale / sigma;
    let mut found = Spectral {
        weight: Exact::new(k + m),
        u: Exact::new(k + m),
        sigma: Exact::new(k + m),
        v: v.iter().map(|v| v.0).collect(),
    };
    found.sigma.push_scaled(sigma, sigma_scale);
    raw.iter().for_each(|(sum, scale)| found.u.push_scaled(sum / sigma, scale / sigma + (sum / sigma).abs() * relative));
    w.iter().for_each(|w| found.weight.push_scaled(w / sigma, w.abs() / sigma * relative));
    found
}

/// (d_out − ⟨d_out, w/σ⟩ v uᵀ)/σ.
pub fn gradient(of: &Spectral, d_out: &[f64]) -> Exact {
    let m = of.u.value.len();
    let sigma = of.sigma.value[0];
    let relative = of.sigma.scale[0] / sigma;
    let terms = || d_out.iter().zip(&of.weight.value).map(|(d, w)| d * w);
    let (inner, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
    let largest = of.u.scale.iter().fold(0.0f64, |a, &b| a.max(b));
    let mut reference = Exact::new(d_out.len());
    for (i, d) in d_out.iter().enumerate() {
        let (v, u) = (of.v[i / m], of.u.value[i % m]);
        let scale = (d.abs() + size * (v * u).abs() + size * largest) / sigma * relative;
        reference.push_scaled((d - inner * v * u) / sigma, scale);
    }
    reference
}
