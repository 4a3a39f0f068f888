//! Nearest neighbors by brute force: exact in any dimension, and in tens of dimensions no tree does better.
//!
//! Ten thousand queries against ten thousand points of 64 columns take about a second a core.

use super::threads::map_rows;
use super::{Backend, Points, device};
use crate::Result;

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
pub fn radii(on: &Backend, points: Points, k: usize) -> Result<Vec<f32>> {
    Ok(squared_radii(on, points, k)?.into_iter().map(f32::sqrt).collect())
}

/// The same, squared: a comparison with a squared distance is then exact, also for points on a ball's edge.
pub(super) fn squared_radii(on: &Backend, points: Points, k: usize) -> Result<Vec<f32>> {
    if let Backend::Gpu(gpu) = on {
        let least = device::by_rows(gpu, points, points, |rec, x, y| {
            // One neighbor more is asked for, and the row itself, at distance 0, is among them.
            Ok(vec![rec.nearest(x, y, k + 1, false)?.0])
        })?;
        let kth = |row: &[f32]| row.get(k).copied().filter(|d| *d < device::MISSING).unwrap_or(f32::INFINITY);
        return Ok(least[0].chunks_exact(k + 1).map(kth).collect());
    }
    let stored = Columns::new(points);
    Ok(map_rows(points.rows(), |i, distances: &mut Vec<f32>| {
        stored.squared_distances(points.row(i), distances);
        distances[i] = f32::INFINITY;
        kth_smallest(distances, k)
    }))
}

/// The distance from each of `points` at `places` to the nearest other of them.
pub fn nearest_others(on: &Backend, points: Points, places: &[usize]) -> Result<Vec<f32>> {
    if let Backend::Gpu(gpu) = on {
        let values = points.select(places);
        let least = device::by_rows(gpu, Points::new(&values, places.len(), points.columns())?, points, |rec, x, y| {
            // The row itself is among the two nearest.
            Ok(vec![rec.nearest(x, y, 2, false)?.0])
        })?;
        return Ok(least[0].chunks_exact(2).map(|row| row[1].sqrt()).collect());
    }
    let stored = Columns::new(points);
    Ok(map_rows(places.len(), |at, distances: &mut Vec<f32>| {
        stored.squared_distances(points.row(places[at]), distances);
        distances[places[at]] = f32::INFINITY;
        distances.iter().fold(f32::INFINITY, |least, &d| least.min(d)).sqrt()
    }))
}

/// The index of the nearest of `points` to each query, and its distance.
pub fn nearest(on: &Backend, queries: Points, points: Points) -> Result<Vec<(usize, f32)>> {
    if let Backend::Gpu(gpu) = on {
        let found = device::by_rows(gpu, queries, points, |rec, x, y| {
            let (least, place) = rec.nearest(x, y, 1, false)?;
            Ok(vec![least, place])
        })?;
        return Ok(found[1].iter().zip(&found[0]).map(|(&at, squared)| (at as usize, squared.sqrt())).collect());
    }
    let stored = Columns::new(points);
    Ok(map_rows(queries.rows(), |i, distances: &mut Vec<f32>| {
        stored.squared_distances(queries.row(i), distances);
        let (at, squared) =
            distances.iter().enumerate().fold((0, f32::INFINITY), |best, (j, &d)| if d < best.1 { (j, d) } else { best });
        (at, squared.sqrt())
    }))
}

/// For each query: how many balls (center, squared radius) hold it, and the squared distance to the nearest center.
pub(super) fn balls_round(on: &Backend, queries: Points, centers: Points, squared_radii: &[f32]) -> Result<Vec<(u32, f32)>> {
    if let Backend::Gpu(gpu) = on {
        let radius = gpu.upload(centers.rows(), 1, squared_radii)?;
        let found = device::by_rows(gpu, queries, centers, |rec, x, y| {
            let radius = rec.tensor(&radius);
            Ok(vec![rec.balls(x, y, radius)?, rec.nearest(x, y, 1, false)?.0])
        })?;
        return Ok(found[0].iter().zip(&found[1]).map(|(&count, &least)| (count as u32, least)).collect());
    }
    let stored = Columns::new(centers);
    Ok(map_rows(queries.rows(), |i, distances: &mut Vec<f32>| {
        stored.squared_distances(queries.row(i), distances);
        let count = distances.iter().zip(squared_radii).map(|(d, r)| u32::from(d <= r)).sum();
        (count, distances.iter().fold(f32::INFINITY, |least, &d| least.min(d)))
    }))
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
