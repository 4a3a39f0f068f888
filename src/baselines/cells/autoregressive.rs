//! Autoregressive trees: p(x) = Π_j p(x_j | x_1 … x_{j−1}), each factor a classification or regression tree whose leaves are resampled (Reiter 2005; synthpop,
//! Nowok, Raab & Dibben 2016). Columns go in the order of the table.
//!
//! The tree of column j splits rows by one earlier column at a time. A split's gain is the fall of the squared error of the targets,
//!
//!   Σ_k S_k(left)²/n(left) + S_k(right)²/n(right) − S_k²/n,
//!
//! for S_k the sum of target k over rows: the targets are the rank of a number and whether it is missing, or an indicator of each of the most frequent levels, for
//! which the gain is that of the Gini impurity (Breiman et al. 1984). Numbers are cut into at most 63 bins of about equally many rows; levels are
//! ordered by the target that differs most among them. Leaves have five rows or more, as in synthpop; a leaf of equal targets is not
//! split.

use std::collections::HashMap;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::key;
use crate::data::Table;

/// Bins of a column: as many as a mask has bits.
const BINS: usize = 64;
/// Levels that have an indicator of their own as a target; the others share one.
const TARGETS: usize = 16;
const LEAF_ROWS: usize = 5;
/// The squared error of a leaf that is not split, as a share of that of all rows.
const LEAST_ERROR: f64 = 1e-8;

pub(super) struct Trees {
    /// Of each column the bin of each row.
    bins: Vec<Vec<u8>>,
    /// The tree of each column.
    trees: Vec<Vec<Node>>,
    rows: usize,
}

enum Node {
    /// Rows whose bin of this column is in the mask go to the first child.
    Split { column: usize, mask: u64, children: [usize; 2] },
    /// Rows to draw from.
    Leaf(Vec<u32>),
}

impl Trees {
    pub fn fit(table: &Table) -> Self {
        let bins: Vec<Vec<u8>> = (0..table.cols()).map(|j| bins(table, j)).collect();
        let unordered: Vec<bool> = (0..table.cols()).map(|j| table.levels(j).is_some()).collect();
        let trees = (0..table.cols()).map(|j| grow(&bins[..j], &unordered, &targets(table, j), table.rows())).collect();
        Self { bins, trees, rows: table.rows() }
    }

    /// The rows from which the cells of each column are.
    pub fn sample(&self, rows: usize, random: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
        let mut places: Vec<Vec<usize>> = vec![Vec::with_capacity(rows); self.trees.len()];
        for i in 0..rows {
            for (j, tree) in self.trees.iter().enumerate() {
                let mut node = &tree[0];
                let leaf = loop {
                    match node {
                        Node::Leaf(leaf) => break leaf,
                        Node::Split { column, mask, children } => {
                            let bin = self.bins[*column][places[*column][i]];
                            node = &tree[children[usize::from(mask >> bin & 1 == 0)]];
                        }
                    }
                };
                let drawn = leaf.get(random.random_range(0..leaf.len().max(1))).map_or(0, |&row| row as usize);
                places[j].push(drawn.min(self.rows - 1));
            }
        }
        places
    }

    pub fn parameters(&self) -> usize {
        self.trees.iter().flatten().filter(|node| matches!(node, Node::Split { .. })).count()
    }
}

/// The bin of each row: 0 where the cell is missing.
fn bins(table: &Table, j: usize) -> Vec<u8> {
    let keys: Vec<Option<f64>> = (0..table.rows()).map(|row| key(table, row, j)).collect();
    if table.levels(j).is_some() {
        let places = by_frequency(&keys);
        let bin = |value: f64| 1 + places[&value.to_bits()].min(BINS - 2) as u8;
        return keys.into_iter().map(|key| key.map_or(0, bin)).collect();
    }
    let mut sorted: Vec<f64> = keys.iter().flatten().copied().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut edges = sorted.clone();
    edges.dedup();
    if edges.len() >= BINS {
        edges = (1..BINS - 1).map(|k| sorted[k * (sorted.len() - 1) / (BINS - 1)]).collect();
        edges.dedup();
    }
    // The greatest bin holds all that is above the last edge.
    let bin = |value: f64| 1 + edges.partition_point(|edge| *edge < value).min(BINS - 2) as u8;
    keys.into_iter().map(|key| key.map_or(0, bin)).collect()
}

/// The places of values by how often they come, the most frequent first.
fn by_frequency(keys: &[Option<f64>]) -> HashMap<u64, usize> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    keys.iter().flatten().for_each(|value| *counts.entry(value.to_bits()).or_default() += 1);
    let mut order: Vec<(u64, usize)> = counts.into_iter().collect();
    order.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(f64::from_bits(a.0).total_cmp(&f64::from_bits(b.0))));
    order.into_iter().enumerate().map(|(place, (value, _))| (value, place)).collect()
}

/// What the tree of a column predicts, row after row, and how many numbers that is.
fn targets(table: &Table, j: usize) -> (Vec<f64>, usize) {
    let keys: Vec<Option<f64>> = (0..table.rows()).map(|row| key(table, row, j)).collect();
    if table.levels(j).is_some() {
        let places = by_frequency(&keys);
        let width = places.len().min(TARGETS) + 1;
        let mut values = vec![0.0; keys.len() * width];
        for (row, key) in keys.iter().enumerate() {
            if let Some(value) = key {
                values[row * width + 1 + places[&value.to_bits()].min(width - 2)] = 1.0;
            } else {
                values[row * width] = 1.0;
            }
        }
        return (values, width);
    }
    let mut sorted: Vec<f64> = keys.iter().flatten().copied().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len().max(1) as f64;
    let rank = |value: f64| {
        let (low, high) = (sorted.partition_point(|v| *v < value), sorted.partition_point(|v| *v <= value));
        (low + high) as f64 / (2.0 * n) - 0.5
    };
    (keys.iter().flat_map(|key| key.map_or([0.0, 1.0], |value| [rank(value), 0.0])).collect(), 2)
}

/// The tree that predicts the targets from the bins of earlier columns.
fn grow(bins: &[Vec<u8>], unordered: &[bool], (targets, width): &(Vec<f64>, usize), rows: usize) -> Vec<Node> {
    let of_row = |row: u32| &targets[row as usize * width..][..*width];
    let all: Vec<u32> = (0..rows as u32).collect();
    let least = LEAST_ERROR * error(&all, of_row, *width);
    let mut tree = vec![Node::Leaf(all)];
    let mut open = vec![0];
    while let Some(at) = open.pop() {
        let Node::Leaf(rows) = &tree[at] else { continue };
        if error(rows, of_row, *width) <= least {
            continue;
        }
        let best = (0..bins.len())
            .filter_map(|column| {
                split(rows, &bins[column], unordered[column], of_row, *width).map(|(gain, mask)| (gain, column, mask))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        // Whatever the gain: two columns may tell together what neither tells by itself.
        let Some((_, column, mask)) = best else { continue };
        let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().partition(|&&row| mask >> bins[column][row as usize] & 1 == 1);
        let children = [tree.len(), tree.len() + 1];
        tree.extend([Node::Leaf(left), Node::Leaf(right)]);
        tree[at] = Node::Split { column, mask, children };
        open.extend(children);
    }
    tree
}

/// The squared error of the targets about their means.
fn error<'a>(rows: &[u32], of_row: impl Fn(u32) -> &'a [f64], width: usize) -> f64 {
    let mut sums = vec![[0.0; 2]; width];
    for &row in rows {
        sums.iter_mut().zip(of_row(row)).for_each(|(sum, value)| *sum = [sum[0] + value, sum[1] + value * value]);
    }
    sums.iter().map(|[sum, square]| square - sum * sum / rows.len().max(1) as f64).sum()
}

/// The best split of rows by a column: its gain, and the bins of the first child.
fn split<'a>(rows: &[u32], bins: &[u8], unordered: bool, of_row: impl Fn(u32) -> &'a [f64], width: usize) -> Option<(f64, u64)> {
    if rows.len() < 2 * LEAF_ROWS {
        return None;
    }
    let mut counts = [0usize; BINS];
    let mut sums = vec![0.0; BINS * width];
    for &row in rows {
        let bin = usize::from(bins[row as usize]);
        counts[bin] += 1;
        sums[bin * width..][..width].iter_mut().zip(of_row(row)).for_each(|(sum, value)| *sum += value);
    }
    let mut order: Vec<usize> = (0..BINS).filter(|&bin| counts[bin] > 0).collect();
    if order.len() < 2 {
        return None;
    }
    let of = |bin: usize, k: usize| sums[bin * width + k];
    let total: Vec<f64> = (0..width).map(|k| order.iter().map(|&bin| of(bin, k)).sum()).collect();
    let n = rows.len() as f64;
    if unordered {
        let between = |k: usize| {
            let of_bin = |&bin: &usize| counts[bin] as f64 * (of(bin, k) / counts[bin] as f64 - total[k] / n).powi(2);
            order.iter().map(of_bin).sum::<f64>()
        };
        let most = (0..width).max_by(|&a, &b| between(a).total_cmp(&between(b)))?;
        let mean = |bin: usize| of(bin, most) / counts[bin] as f64;
        order.sort_by(|&a, &b| mean(a).total_cmp(&mean(b)));
    }
    let whole: f64 = total.iter().map(|sum| sum * sum / n).sum();
    let (mut left, mut count, mut mask) = (vec![0.0; width], 0, 0u64);
    let mut best: Option<(f64, u64)> = None;
    for &bin in &order[..order.len() - 1] {
        left.iter_mut().enumerate().for_each(|(k, sum)| *sum += of(bin, k));
        count += counts[bin];
        mask |= 1 << bin;
        if count < LEAF_ROWS || rows.len() - count < LEAF_ROWS {
            continue;
        }
        let (l, r) = (count as f64, n - count as f64);
        let gain: f64 =
            left.iter().zip(&total).map(|(left, all)| left * left / l + (all - left).powi(2) / r).sum::<f64>() - whole;
        if best.is_none_or(|(most, _)| gain > most) {
            best = Some((gain, mask));
        }
    }
    best
}
