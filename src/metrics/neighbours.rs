//! Nearest neighbours by brute force: exact in any dimension, and in tens of dimensions no tree does better.
//!
//! Ten thousand queries against ten thousand points of 64 columns take about a second a core.

use super::Points;
use super::threads::map_rows;

/// Points stored column after column, so that distances to all of them are formed in straight vector code.
pub(super) struct Columns {
    values: Vec<f32>,
    rows: usize,
}

impl Columns {
    pub(super) fn new(points: Points) -> Self {
        Self { values: (0..points.columns()).flat_map(|j| points.column(j)).collect(), rows: points.rows() }
    }

    /// |p − q_j|² for every stored q_j, into `out`.
    pub(super) fn squared_distances(&self, p: &[f32], out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.rows, 0.0);
        for (&a, column) in p.iter().zip(self.values.chunks_exact(self.rows)) {
            out.iter_mut().zip(column).for_each(|(sum, b)| *sum += (a - b) * (a - b));
        }
    }
}

/// The distance from each point to its `k`-th nearest other point; infinite when there are not so many.
pub fn radii(points: Points, k: usize) -> Vec<f32> {
    squared_radii(points, k).into_iter().map(f32::sqrt).collect()
}

/// The same, squared: a comparison with a squared distance is then exact, also for points on a ball's edge.
pub(super) fn squared_radii(points: Points, k: usize) -> Vec<f32> {
    let stored = Columns::new(points);
    map_rows(points.rows(), |i, distances: &mut Vec<f32>| {
        stored.squared_distances(points.row(i), distances);
        distances[i] = f32::INFINITY;
        kth_smallest(distances, k)
    })
}

/// The index of the nearest of `points` to each query, and its distance.
pub fn nearest(queries: Points, points: Points) -> Vec<(usize, f32)> {
    let stored = Columns::new(points);
    map_rows(queries.rows(), |i, distances: &mut Vec<f32>| {
        stored.squared_distances(queries.row(i), distances);
        let (at, squared) =
            distances.iter().enumerate().fold((0, f32::INFINITY), |best, (j, &d)| if d < best.1 { (j, d) } else { best });
        (at, squared.sqrt())
    })
}

fn kth_smallest(values: &[f32], k: usize) -> f32 {
    let mut least = vec![f32::INFINITY; k.max(1)];
    let last = least.len() - 1;
    for &v in values {
        if v < least[last] {
            let place = least.partition_point(|&held| held <= v);
            least[place..].rotate_right(1);
            least[place] = v;
        }
    }
    least[last]
}
