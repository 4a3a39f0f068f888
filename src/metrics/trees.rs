//! Gradient-boosted trees on histograms for two classes or for numbers, as scikit-learn's `HistGradientBoostingClassifier` and
//! `HistGradientBoostingRegressor` grow them (Ke et al. 2017): models that see outliers, gaps and categories, and ask for no scaling.
//!
//! Every column is cut into at most 255 bins of about equally many rows. A tree grows by its best leaf; the gain of a split is
//! G₁²/H₁ + G₂²/H₂ − G²/H for the sums G, H of the loss's first and second derivatives in its halves, and a leaf's value is −G/H. The loss is the
//! logistic one of two classes, or half of the squared error.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use super::Points;

/// Bins of a column.
const BINS: usize = 255;
const ITERATIONS: usize = 100;
const LEARNING_RATE: f64 = 0.1;
const LEAVES: usize = 31;
/// Rows of a leaf at least; a tenth of the training rows where that is less.
const LEAF_ROWS: usize = 20;
const LEAST_HESSIAN: f64 = 1e-3;
/// Training rows from which on a tenth is split off for early stopping, and the iterations without a lower loss that end the training.
const STOPPING_ROWS: usize = 10_000;
const PATIENCE: usize = 10;

/// Rows as bins, column after column.
pub struct Binned {
    bins: Vec<u8>,
    /// Bins of each column.
    counts: Vec<usize>,
    rows: usize,
}

impl Binned {
    pub fn new(points: Points) -> Self {
        let (mut bins, mut counts) = (Vec::with_capacity(points.values().len()), Vec::new());
        for j in 0..points.columns() {
            let column = points.column(j);
            let edges = edges(&column);
            bins.extend(column.iter().map(|v| edges.partition_point(|edge| edge < v) as u8));
            counts.push(edges.len() + 1);
        }
        Self { bins, counts, rows: points.rows() }
    }

    fn column(&self, j: usize) -> &[u8] {
        &self.bins[j * self.rows..(j + 1) * self.rows]
    }
}

/// The greatest value of each bin but the last: of every distinct value where they are few, else of equal shares of the rows.
fn edges(column: &[f32]) -> Vec<f32> {
    let mut sorted = column.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() > BINS {
        distinct = (1..=BINS).map(|share| sorted[share * (sorted.len() - 1) / BINS]).collect();
        distinct.dedup();
    }
    // What lies above the last edge is in the last bin, and its greatest value is no edge.
    if distinct.last() == sorted.last() {
        distinct.pop();
    }
    distinct
}

/// A node: rows whose bin in `column` is at most `bin` go to `children[0]`, others to `children[1]`; none in a leaf.
#[derive(Clone, Copy, Debug)]
struct Node {
    column: u32,
    bin: u8,
    children: Option<[u32; 2]>,
    value: f64,
}

/// What is minimized.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// −ln of the chance of the label, 1 or 0; predictions are ln(p/(1 − p)).
    Logistic,
    /// Half of the squared error.
    Squared,
}

impl Loss {
    /// First and second derivative by the prediction.
    fn derivatives(self, prediction: f64, target: f64) -> [f64; 2] {
        match self {
            Self::Logistic => {
                let p = 1.0 / (1.0 + (-prediction).exp());
                [p - target, p * (1.0 - p)]
            }
            Self::Squared => [prediction - target, 1.0],
        }
    }

    fn of(self, prediction: f64, target: f64) -> f64 {
        match self {
            Self::Logistic => {
                let wrong = if target > 0.5 { -prediction } else { prediction };
                wrong.max(0.0) + (-wrong.abs()).exp().ln_1p()
            }
            Self::Squared => 0.5 * (prediction - target).powi(2),
        }
    }

    /// The best constant for targets of this mean.
    fn base(self, mean: f64) -> f64 {
        match self {
            Self::Logistic if mean > 0.0 && mean < 1.0 => (mean / (1.0 - mean)).ln(),
            Self::Logistic => 0.0,
            Self::Squared => mean,
        }
    }
}

/// A sum of trees.
pub struct Trees {
    trees: Vec<Vec<Node>>,
    base: f64,
}

/// Σ of first derivatives, of second ones, and rows.
type Sums = [f64; 3];

fn gain([g, h, _]: Sums) -> f64 {
    if h > 0.0 { g * g / h } else { 0.0 }
}

/// A leaf that may still be split.
struct Leaf {
    node: usize,
    /// Its part of the row indices.
    rows: std::ops::Range<usize>,
    sums: Sums,
    histogram: Vec<Sums>,
    best: Option<Split>,
}

#[derive(Clone, Copy)]
struct Split {
    gain: f64,
    column: usize,
    bin: u8,
    left: Sums,
}

impl Trees {
    /// Trees that tell rows with the label `true` from those without, trained on `rows`.
    pub fn fit(data: &Binned, rows: &[u32], labels: &[bool], seed: u64) -> Self {
        let targets: Vec<f64> = labels.iter().map(|label| f64::from(u8::from(*label))).collect();
        Self::minimize(Loss::Logistic, data, rows, &targets, seed)
    }

    /// Trees whose predictions of the targets have a low loss, trained on `rows`.
    pub fn minimize(loss: Loss, data: &Binned, rows: &[u32], targets: &[f64], seed: u64) -> Self {
        let mut order = rows.to_vec();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        let held = if rows.len() >= STOPPING_ROWS { rows.len() / 10 } else { 0 };
        let (held, train) = order.split_at(held);
        let mean = train.iter().map(|&i| targets[i as usize]).sum::<f64>() / train.len().max(1) as f64;
        let base = loss.base(mean);
        let mut model = Self { trees: Vec::new(), base };
        let mut train = train.to_vec();
        let mut predictions = vec![base; data.rows];
        let of_held =
            |predictions: &[f64]| held.iter().map(|&i| loss.of(predictions[i as usize], targets[i as usize])).sum::<f64>();
        let (mut least, mut kept) = (of_held(&predictions), 0);
        for iteration in 1..=ITERATIONS {
            let tree = grow(data, &mut train, |i| loss.derivatives(predictions[i], targets[i]));
            for &i in train.iter().chain(held) {
                predictions[i as usize] += value(&tree, data, i as usize);
            }
            model.trees.push(tree);
            if !held.is_empty() {
                let now = of_held(&predictions);
                if now < least {
                    (least, kept) = (now, iteration);
                } else if iteration >= kept + PATIENCE {
                    break;
                }
            }
        }
        if !held.is_empty() {
            // One tree at least: without any, all rows would look alike.
            model.trees.truncate(kept.max(1));
        }
        model
    }

    /// The prediction for a row: of two classes ln(p/(1 − p)) of its chance to have the label.
    pub fn predict(&self, data: &Binned, row: usize) -> f64 {
        self.base + self.trees.iter().map(|tree| value(tree, data, row)).sum::<f64>()
    }
}

fn value(tree: &[Node], data: &Binned, row: usize) -> f64 {
    let mut node = &tree[0];
    while let Some(children) = node.children {
        let right = data.bins[node.column as usize * data.rows + row] > node.bin;
        node = &tree[children[usize::from(right)] as usize];
    }
    node.value
}

/// One tree for the derivatives of each row's loss; `rows` are put in the order of its leaves.
fn grow(data: &Binned, rows: &mut [u32], of_row: impl Fn(usize) -> [f64; 2]) -> Vec<Node> {
    let mut derivatives = vec![[0.0; 2]; data.rows];
    for &i in rows.iter() {
        derivatives[i as usize] = of_row(i as usize);
    }
    let starts: Vec<usize> = data
        .counts
        .iter()
        .scan(0, |next, count| {
            *next += count;
            Some(*next - count)
        })
        .collect();
    let histogram = |rows: &[u32]| {
        let mut found = vec![[0.0; 3]; data.counts.iter().sum()];
        for (j, &start) in starts.iter().enumerate() {
            let (column, sums) = (data.column(j), &mut found[start..start + data.counts[j]]);
            for &i in rows {
                let ([g, h], sum) = (derivatives[i as usize], &mut sums[column[i as usize] as usize]);
                sum[0] += g;
                sum[1] += h;
                sum[2] += 1.0;
            }
        }
        found
    };
    let least = (rows.len() / 10).clamp(2, LEAF_ROWS) as f64 - 0.5;
    let leaf = |node: usize, range: std::ops::Range<usize>, histogram: Vec<Sums>, sums: Sums| {
        let best = best_split(&histogram, &data.counts, sums, least);
        Leaf { node, rows: range, sums, histogram, best }
    };
    let all = histogram(rows);
    let sums = all[..data.counts[0]].iter().fold([0.0; 3], |s, b| [s[0] + b[0], s[1] + b[1], s[2] + b[2]]);
    let mut tree = vec![Node { column: 0, bin: 0, children: None, value: 0.0 }];
    let mut leaves = vec![leaf(0, 0..rows.len(), all, sums)];
    while leaves.len() < LEAVES {
        let gain = |leaf: &Leaf| leaf.best.map_or(0.0, |split| split.gain);
        let Some(at) =
            (0..leaves.len()).filter(|&l| gain(&leaves[l]) > 0.0).max_by(|&a, &b| gain(&leaves[a]).total_cmp(&gain(&leaves[b])))
        else {
            break;
        };
        let Leaf { node, rows: range, sums, histogram: mut rest, best: Some(split) } = leaves.swap_remove(at) else { break };
        let column = data.column(split.column);
        let middle = range.start + partition(&mut rows[range.clone()], |i| column[i as usize] <= split.bin);
        let right = [sums[0] - split.left[0], sums[1] - split.left[1], sums[2] - split.left[2]];
        // Of two halves the smaller one is counted, and the other is what is left.
        let small_is_left = split.left[2] <= right[2];
        let small = histogram(if small_is_left { &rows[range.start..middle] } else { &rows[middle..range.end] });
        for (rest, small) in rest.iter_mut().zip(&small) {
            rest.iter_mut().zip(small).for_each(|(a, b)| *a -= b);
        }
        let (left_histogram, right_histogram) = if small_is_left { (small, rest) } else { (rest, small) };
        let first = tree.len();
        tree.extend([Node { column: 0, bin: 0, children: None, value: 0.0 }; 2]);
        tree[node] =
            Node { column: split.column as u32, bin: split.bin, children: Some([first as u32, first as u32 + 1]), value: 0.0 };
        leaves.push(leaf(first, range.start..middle, left_histogram, split.left));
        leaves.push(leaf(first + 1, middle..range.end, right_histogram, right));
    }
    for leaf in leaves {
        let [g, h, _] = leaf.sums;
        tree[leaf.node].value = if h > 0.0 { -LEARNING_RATE * g / h } else { 0.0 };
    }
    tree
}

/// Puts the rows that satisfy `is_left` first, and says how many they are.
fn partition(rows: &mut [u32], is_left: impl Fn(u32) -> bool) -> usize {
    let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().partition(|&&i| is_left(i));
    rows[..left.len()].copy_from_slice(&left);
    rows[left.len()..].copy_from_slice(&right);
    left.len()
}

fn best_split(histogram: &[Sums], counts: &[usize], sums: Sums, least: f64) -> Option<Split> {
    let (whole, mut best, mut start) = (gain(sums), None::<Split>, 0);
    for (column, &count) in counts.iter().enumerate() {
        let mut left = [0.0; 3];
        for (bin, part) in histogram[start..start + count.max(1) - 1].iter().enumerate() {
            left.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            let right = [sums[0] - left[0], sums[1] - left[1], sums[2] - left[2]];
            if right[2] < least {
                break;
            }
            if left[2] < least || left[1] < LEAST_HESSIAN || right[1] < LEAST_HESSIAN || part[2] < 0.5 {
                continue;
            }
            let gain = gain(left) + gain(right) - whole;
            if gain > best.map_or(1e-9, |best| best.gain) {
                best = Some(Split { gain, column, bin: bin as u8, left });
            }
        }
        start += count;
    }
    best
}
