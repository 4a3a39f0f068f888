//! Reference for `sort`: a stable sort of every column.

/// The sorted columns of a rows × cols matrix and the rows that the values came from, both row-major.
pub fn columns(x: &[f32], cols: usize) -> (Vec<f32>, Vec<u32>) {
    let rows = x.len() / cols;
    let (mut values, mut index) = (vec![0.0; x.len()], vec![0; x.len()]);
    for j in 0..cols {
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by(|&a, &b| x[a * cols + j].total_cmp(&x[b * cols + j]));
        for (k, &row) in order.iter().enumerate() {
            values[k * cols + j] = x[row * cols + j];
            index[k * cols + j] = row as u32;
        }
    }
    (values, index)
}
