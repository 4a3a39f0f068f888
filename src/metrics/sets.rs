//! The two sets as scores take them: rows that are independent, in an order that says nothing of the files' own; and where they have weights, those of
//! them of equal weight besides.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use super::Points;
use super::manifold::NEIGHBORS;
use crate::data::groups;
use crate::{Error, Result};

/// Differences below this share of a column's range are those of writing and reading a value.
const SAME: f64 = 1e-5;
/// The chance that independent sets share columns so, below which they count as paired.
const BY_CHANCE: f64 = 1e-6;
/// What follows weights as they are.
const FOLLOWING: &str = "energy distance, MMD², Sinkhorn divergence, Kolmogorov–Smirnov and the columns' own differences";
/// Distinct rows of a set whose multiplicities are looked at: few have a common divisor by chance.
const DISTINCT: usize = 10;

/// Rows, and what was done to them.
#[derive(Debug, Default)]
pub(super) struct Sets {
    pub reference: Set,
    pub samples: Set,
    pub notes: Vec<String>,
}

/// Rows of a set.
#[derive(Debug, Default)]
pub(super) struct Set {
    pub values: Vec<f32>,
    /// Where they differ.
    pub weights: Option<Vec<f32>>,
    /// Of rows with weights those that are kept with a chance in proportion to these: a plain sample of the weighted distribution.
    pub kept: Option<Vec<f32>>,
}

impl Set {
    /// The same, every value mapped.
    pub fn map(&self, each: impl Fn(f32) -> f32) -> Self {
        let all = |values: &Vec<f32>| values.iter().map(|&v| each(v)).collect();
        Self { values: all(&self.values), weights: self.weights.clone(), kept: self.kept.as_ref().map(all) }
    }

    /// All rows with their weights.
    pub fn all(&self, columns: usize) -> Result<Points<'_>> {
        Ok(Points::new(&self.values, self.values.len() / columns, columns)?.with_weights(self.weights.as_deref()))
    }

    /// Rows of equal weight.
    pub fn unweighted(&self, columns: usize) -> Result<Points<'_>> {
        let values = self.kept.as_ref().unwrap_or(&self.values);
        Points::new(values, values.len() / columns, columns)
    }
}

impl Sets {
    /// - Samples that share columns with the reference were generated for its rows, and are not independent of them. One row of each pair is taken,
    ///   the reference's of a random half of the pairs and the sample of the others.
    /// - A set that is several times the same rows counts once.
    /// - Rows without weight are left out. Of the others each is kept with a chance in proportion to its weight, for scores that cannot follow weights:
    ///   what is left is a sample of the weighted distribution.
    ///
    /// # Errors
    /// Weights so unequal that too few rows are left.
    pub fn new(reference: Points, samples: Points, names: &[String], seed: u64) -> Result<Self> {
        let mut sets = Self::default();
        let (mut x, mut y) = (Rows::of(reference), Rows::of(samples));
        if is_same(&x, &y) {
            sets.notes.push("The samples are the reference's own rows: the scores say nothing about new rows.".into());
        } else if let Some(pairs) = Pairs::find(reference, samples) {
            sets.notes.push(format!(
                "The samples share {} with the reference. To keep the sets independent, one row of each pair is scored: the reference's of a random \
                 half of the pairs, the sample of the others.",
                in_words(&pairs.columns, names)
            ));
            pairs.halves(&mut x, &mut y, seed);
        }
        for (rows, what) in [(&mut x, "reference"), (&mut y, "samples")] {
            let times = rows.take_one_copy();
            if times > 1 {
                sets.notes.push(format!("Every row of the {what} appears {times} times, and counts once."));
            }
        }
        for (rows, set, what, seed) in
            [(&x, &mut sets.reference, "reference", seed), (&y, &mut sets.samples, "samples", seed.wrapping_add(1))]
        {
            *set = rows.set(seed)?;
            let columns = rows.of.columns();
            let (all, kept) = (set.values.len() / columns, set.unweighted(columns)?.rows());
            if set.weights.is_some() && kept <= NEIGHBORS {
                return Err(Error::data(format!(
                    "resampling by weight leaves {kept} of the {all} rows of the {what}, and scores need {} or more: a few weights are much larger than the others; give more rows, or score without weights",
                    NEIGHBORS + 1
                )));
            }
            if set.weights.is_some() {
                sets.notes.push(format!(
                    "The {what} is weighted: {FOLLOWING} use the weights; the other scores and p-values use {kept} of its {all} rows, resampled by weight."
                ));
            }
        }
        Ok(sets)
    }
}

/// Some of the rows of a set.
struct Rows<'a> {
    of: Points<'a>,
    order: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// All of them, sorted by their values.
    fn of(points: Points<'a>) -> Self {
        Self { of: points, order: points.sorted() }
    }

    fn weight(&self, row: usize) -> f32 {
        self.of.weights().map_or(1.0, |weights| weights[row])
    }

    /// Where all rows are there m·k times for one m > 1, keeps k of each; returns m.
    fn take_one_copy(&mut self) -> usize {
        let is_equal = |&i: &usize, &j: &usize| self.of.row(i) == self.of.row(j) && self.weight(i) == self.weight(j);
        let (mut divisor, mut distinct) = (0, 0);
        for copies in self.order.chunk_by(is_equal) {
            divisor = greatest_common_divisor(divisor, copies.len());
            distinct += 1;
            if divisor == 1 {
                return 1;
            }
        }
        if distinct < DISTINCT {
            return 1;
        }
        self.order = self.order.chunk_by(is_equal).flat_map(|copies| &copies[..copies.len() / divisor]).copied().collect();
        divisor
    }

    /// The rows that weigh something.
    fn set(&self, seed: u64) -> Result<Set> {
        let order: Vec<usize> = self.order.iter().copied().filter(|&i| self.weight(i) > 0.0).collect();
        let values = self.of.select(&order);
        let weights: Vec<f32> = order.iter().map(|&i| self.weight(i)).collect();
        if weights.iter().all(|&weight| weight == weights[0]) {
            return Ok(Set { values, ..Set::default() });
        }
        let points = Points::new(&values, order.len(), self.of.columns())?.with_weights(Some(&weights));
        let kept = points.select(&points.thinned(seed));
        Ok(Set { values, weights: Some(weights), kept: Some(kept) })
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Whether both sets hold the same rows, in any order.
fn is_same(x: &Rows, y: &Rows) -> bool {
    x.order.len() == y.order.len() && x.order.iter().zip(&y.order).all(|(&i, &j)| x.of.row(i) == y.of.row(j))
}

/// Columns that both sets share, and for each of the reference's rows one of the samples with the same values in them.
struct Pairs {
    columns: Vec<usize>,
    rows: Vec<[usize; 2]>,
}

impl Pairs {
    /// The columns in which the samples hold the reference's very values, each as often or k times as often, in whatever order: the conditions that
    /// they were generated for. None where independent sets could agree so by chance.
    fn find(x: Points, y: Points) -> Option<Self> {
        let (n, copies) = (x.rows(), y.rows() / x.rows());
        if copies == 0 || y.rows() != copies * n {
            return None;
        }
        let mut shared: Vec<(usize, Column)> =
            (0..x.columns()).filter_map(|j| Some((j, Column::of(&x.column(j), &y.column(j), copies)?))).collect();
        // The column that tells rows apart best comes first, and others join it as long as the rows agree in all of them at once.
        shared.sort_by_key(|(_, column)| std::cmp::Reverse(column.distinct));
        let mut found = Agreed::default();
        let mut taken: Vec<&Column> = Vec::new();
        for (j, column) in &shared {
            taken.push(column);
            let order = |values: &dyn Fn(&Column) -> &Vec<f32>, rows: usize| {
                let mut order: Vec<usize> = (0..rows).collect();
                order.sort_by(|&a, &b| {
                    let pairs = taken.iter().map(|column| values(column)[a].total_cmp(&values(column)[b]));
                    pairs.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
                });
                order
            };
            let (of_x, of_y) = (order(&|column| &column.x, n), order(&|column| &column.y, y.rows()));
            let agree = of_y.iter().enumerate().all(|(at, &i)| taken.iter().all(|c| c.y[i] == c.x[of_x[at / copies]]));
            if agree {
                let is_next = |pair: &[usize]| taken.iter().any(|c| c.x[pair[0]] != c.x[pair[1]]);
                let distinct = 1 + of_x.windows(2).filter(|pair| is_next(pair)).count();
                found.columns.push(*j);
                found = Agreed { of_x, of_y, distinct, ..found };
            } else {
                taken.pop();
            }
        }
        let Agreed { mut columns, of_x, of_y, distinct } = found;
        // The chance that two samples of n rows have equal counts of so many values is about this.
        let chance = -0.5 * (distinct.max(1) as f64 - 1.0) * (std::f64::consts::TAU * n as f64).ln();
        columns.sort_unstable();
        let rows = of_x.iter().zip(of_y.chunks(copies)).map(|(&i, others)| [i, others[0]]).collect();
        (chance < BY_CHANCE.ln()).then_some(Self { columns, rows })
    }

    /// Of each pair one row: the reference's of a random half of them, the sample of the others.
    fn halves(self, x: &mut Rows, y: &mut Rows, seed: u64) {
        // In the order of the values of both, whatever the order of the files.
        let mut pairs = self.rows;
        let values = |[i, j]: [usize; 2]| x.of.row(i).iter().chain(y.of.row(j));
        pairs.sort_by(|&a, &b| {
            let both = values(a).zip(values(b)).map(|(a, b)| a.total_cmp(b));
            both.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        pairs.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed ^ x.of.fingerprint(&x.order)));
        let (first, second) = pairs.split_at(pairs.len() / 2);
        let mut keep = [vec![false; x.of.rows()], vec![false; y.of.rows()]];
        first.iter().for_each(|pair| keep[0][pair[0]] = true);
        second.iter().for_each(|pair| keep[1][pair[1]] = true);
        x.order.retain(|&i| keep[0][i]);
        y.order.retain(|&i| keep[1][i]);
    }
}

/// Columns in which both sets hold the same rows, the places of each set's rows in their order, and how many are distinct.
#[derive(Default)]
struct Agreed {
    columns: Vec<usize>,
    of_x: Vec<usize>,
    of_y: Vec<usize>,
    distinct: usize,
}

/// A column that holds the same values in both sets, those of the samples as the reference writes them.
struct Column {
    x: Vec<f32>,
    y: Vec<f32>,
    distinct: usize,
}

impl Column {
    fn of(x: &[f32], y: &[f32], copies: usize) -> Option<Self> {
        let ends = |v: &[f32]| v.iter().fold([f32::MAX, f32::MIN], |[low, high], &v| [low.min(v), high.max(v)]);
        let ([low, high], [other_low, other_high]) = (ends(x), ends(y));
        let near = SAME * (f64::from(high) - f64::from(low));
        let is_same = |a: f32, b: f32| (f64::from(a) - f64::from(b)).abs() <= near;
        if low == high || !is_same(low, other_low) || !is_same(high, other_high) {
            return None;
        }
        let order = |v: &[f32]| {
            let mut order: Vec<usize> = (0..v.len()).collect();
            order.sort_by(|&a, &b| v[a].total_cmp(&v[b]));
            order
        };
        let (of_x, of_y) = (order(x), order(y));
        let mut written = vec![0.0; y.len()];
        for (at, &i) in of_y.iter().enumerate() {
            written[i] = x[of_x[at / copies]];
            if !is_same(written[i], y[i]) {
                return None;
            }
        }
        let distinct = 1 + of_x.windows(2).filter(|pair| x[pair[0]] != x[pair[1]]).count();
        Some(Self { x: x.to_vec(), y: written, distinct })
    }
}

/// Columns by their names in the file, a column of categories once.
fn in_words(columns: &[usize], names: &[String]) -> String {
    let named: Vec<String> = match names.is_empty() {
        true => columns.iter().map(|j| format!("column {}", j + 1)).collect(),
        false => groups(names)
            .iter()
            .filter(|group| columns.iter().any(|j| (group.first..group.first + group.levels.len().max(1)).contains(j)))
            .map(|group| format!("`{}`", group.column))
            .collect(),
    };
    named.join(", ")
}
