//! Reference for `reduce`: sums over everything, over rows or over columns.

use super::Twin;

/// scale·Σ x or scale·Σ x².
pub fn all(x: &[f32], scale: f64, square: bool) -> Twin {
    let mut twin = Twin::new(x.len());
    twin.push(x.iter().map(|&v| scale * f64::from(v).powi(if square { 2 } else { 1 })));
    twin
}

/// Σ over rows, one element a column.
pub fn rows(x: &[f32], cols: usize) -> Twin {
    let mut twin = Twin::new(x.len() / cols);
    for j in 0..cols {
        twin.push(x.iter().skip(j).step_by(cols).map(|&v| f64::from(v)));
    }
    twin
}

/// Σ over columns, one element a row.
pub fn columns(x: &[f32], cols: usize) -> Twin {
    let mut twin = Twin::new(cols);
    for row in x.chunks(cols) {
        twin.push(row.iter().map(|&v| f64::from(v)));
    }
    twin
}
