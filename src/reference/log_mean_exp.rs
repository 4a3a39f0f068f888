//! Reference for `log_mean_exp`: ln (1/K) Σ_k e^{x_ik}.

use super::Exact;

/// Values of rows of `k` numbers.
pub fn log_mean_exp(x: &[f64], k: usize) -> Exact {
    let mut reference = Exact::new(k);
    for row in x.chunks_exact(k) {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let value = most + (row.iter().map(|x| (x - most).exp()).sum::<f64>() / k as f64).ln();
        // The differences carry the size of their terms.
        reference.push_scaled(value, 1.0 + row.iter().fold(0.0f64, |m, x| m.max(x.abs())));
    }
    reference
}

/// Each number's share e^{x_ik}/Σ_k e^{x_ik} of its row.
pub fn shares(x: &[f64], k: usize) -> Vec<f64> {
    let of_row = |row: &[f64]| {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let each: Vec<f64> = row.iter().map(|x| (x - most).exp()).collect();
        let sum: f64 = each.iter().sum();
        each.into_iter().map(move |e| e / sum).collect::<Vec<_>>()
    };
    x.chunks_exact(k).flat_map(of_row).collect()
}
