//! Reference for `neighbors`: nearest rows and counts of balls, from a full sort.

use super::Exact;

fn squared(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}

/// For each row of `x` the `k` least squared distances to rows of `y`, ascending, and the index of the nearest; with `same`, row i of
/// `y` is no neighbor of row i of `x`. 3·10³⁸ stands for missing ones.
pub fn nearest(x: &[f32], y: &[f32], d: usize, k: usize, same: bool) -> (Exact, Vec<usize>) {
    let (mut least, mut places) = (Exact::new(d), Vec::new());
    for (i, row) in x.chunks(d).enumerate() {
        let others = y.chunks(d).enumerate().filter(|(j, _)| !(same && *j == i));
        let mut all: Vec<(f64, usize)> = others.map(|(j, other)| (squared(row, other), j)).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        (0..k).for_each(|q| least.push([all.get(q).map_or(3.0e38, |pair| pair.0)]));
        places.push(all.first().map_or(0, |pair| pair.1));
    }
    (least, places)
}

/// For each row of `x`, how many rows of `y` have it in their ball of squared radius `radius`.
pub fn balls(x: &[f32], y: &[f32], d: usize, radius: &[f32]) -> Vec<f32> {
    let inside = |row: &[f32]| y.chunks(d).zip(radius).filter(|(center, r)| squared(row, center) <= f64::from(**r)).count();
    x.chunks(d).map(|row| inside(row) as f32).collect()
}
