//! Reference for `reduce`: sums over everything, over rows or over columns.

use super::Exact;

/// scale·Σ x or scale·Σ x².
pub fn all(x: &[f32], scale: f64, square: bool) -> Exact {
    let mut reference = Exact::new(x.len());
    reference.push(x.iter().map(|&v| scale * f64::from(v).powi(if square { 2 } else { 1 })));
    reference
}

/// Σ over rows, one element a column.
pub fn rows(x: &[f32], cols: usize) -> Exact {
    let mut reference = Exact::new(x.len() / cols);
    for j in 0..cols {
        reference.push(x.iter().skip(j).step_by(cols).map(|&v| f64::from(v)));
    }
    reference
}

/// Σ over columns, one element a row.
pub fn columns(x: &[f32], cols: usize) -> Exact {
    let mut reference = Exact::new(cols);
    for row in x.chunks(cols) {
        reference.push(row.iter().map(|&v| f64::from(v)));
    }
    reference
}
