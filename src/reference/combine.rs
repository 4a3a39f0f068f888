//! Reference for `combine`: Σ s·T[i, c]·V[i, ·].

use super::Exact;

/// `table` has `width` columns, and a row for each row of `cols` numbers, or one for all.
pub fn forward(table: &[f32], width: usize, terms: &[(usize, f32, &[f32])], cols: usize) -> Exact {
    let mut reference = Exact::new(terms.len());
    for i in 0..terms[0].2.len() {
        let row = if table.len() == width { 0 } else { i / cols };
        reference.push(terms.iter().map(|&(c, s, v)| f64::from(s) * f64::from(table[row * width + c]) * f64::from(v[i])));
    }
    reference
}
