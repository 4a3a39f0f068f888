//! [`Dataset`]: the rows to learn from, resident on the device, with what methods ask of them before they start.

use crate::data::Target;
use crate::flow::coupling::Rows;
use crate::gpu::{Gpu, Recorder, Tensor, Var};
use crate::ops::gather::thresholds;
use crate::{Error, Result};

/// Rows from which the median distance is taken: its standard error is then about 1 % of it.
const MEDIAN_ROWS: usize = 1000;

/// Standardised rows on the device.
pub struct Dataset {
    tensor: Tensor,
    thresholds: Option<Tensor>,
    median: f64,
    range: f32,
    mean: Vec<f32>,
    directions: Vec<Vec<f32>>,
    target: Option<Target>,
    source: Option<Vec<f32>>,
    names: Vec<String>,
}

impl Dataset {
    /// Uploads rows (row-major) and their weights, if they have any.
    pub fn new(gpu: &Gpu, values: &[f32], cols: usize, weights: Option<&[f32]>) -> Result<Self> {
        let rows = values.len() / cols.max(1);
        if rows < 2 || values.len() != rows * cols {
            return Err(Error::data(format!("{rows} rows of {cols} columns are too few to learn from")));
        }
        let thresholds = weights.map(|weights| gpu.upload_u32(rows, 1, &thresholds(weights)));
        let (mean, directions) = moments(values, cols, weights);
        Ok(Self {
            tensor: gpu.upload(rows, cols, values)?,
            thresholds: thresholds.transpose()?,
            median: median_distance(values, cols),
            range: range(values, cols),
            mean,
            directions,
            target: None,
            source: None,
            names: Vec::new(),
        })
    }

    /// The same rows, with the law to learn where its score is known.
    pub fn with_target(self, target: Option<Target>) -> Self {
        Self { target, ..self }
    }

    /// The same rows, with rows of the law to start from, in the same units.
    pub fn with_source(self, source: Option<Vec<f32>>) -> Self {
        Self { source, ..self }
    }

    /// The same rows, with the names of their columns.
    pub fn with_columns(self, names: &[String]) -> Self {
        Self { names: names.to_vec(), ..self }
    }

    /// What messages call a column.
    pub fn column(&self, index: usize) -> String {
        self.names.get(index).map_or_else(|| (index + 1).to_string(), String::clone)
    }

    /// Rows of the law to start from, where a method was given one.
    pub fn source(&self) -> Option<&[f32]> {
        self.source.as_deref()
    }

    /// The law to learn, where its score is known, in units of these rows: the rows' own, or one that was given.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    pub fn rows(&self) -> usize {
        self.tensor.rows()
    }

    pub fn cols(&self) -> usize {
        self.tensor.cols()
    }

    /// All rows.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// `n` rows, fresh at every replay: without replacement inside an epoch, or by weight where rows have weights.
    pub fn batch(&self, rec: &mut Recorder, n: usize) -> Result<Var> {
        let data = rec.tensor(&self.tensor);
        match &self.thresholds {
            None => rec.batch(data, n),
            Some(thresholds) => {
                let thresholds = rec.tensor(thresholds);
                rec.batch_weighted(data, thresholds, n)
            }
        }
    }

    /// The rows on the host, with their weights: reads them back from the device.
    pub fn host(&self) -> Result<Rows> {
        let thresholds = self.thresholds.as_ref().map(Tensor::read_u32).transpose()?;
        Rows::by_thresholds(self.tensor.read()?, self.cols(), thresholds)
    }

    /// The median of the distances between rows (the bandwidth that the median heuristic takes; Gretton et al. 2012, §8).
    pub fn median_distance(&self) -> f32 {
        self.median as f32
    }

    /// The widest column's range, largest minus smallest.
    pub fn range(&self) -> f32 {
        self.range
    }

    /// The mean row.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// A (latent × columns, row by row) such that zA has the data's covariance when z is standard normal: the leading
    /// principal directions scaled by their deviations, and zeros where the latent space is larger than the data's.
    pub fn embedding(&self, latent: usize) -> Vec<f32> {
        let mut factor: Vec<f32> = self.directions.iter().take(latent).flatten().copied().collect();
        factor.resize(latent * self.cols(), 0.0);
        factor
    }
}

/// Mean and principal directions (each times its deviation), largest first.
fn moments(values: &[f32], cols: usize, weights: Option<&[f32]>) -> (Vec<f32>, Vec<Vec<f32>>) {
    let rows = values.len() / cols;
    let weight = |i: usize| weights.map_or(1.0, |w| f64::from(w[i]));
    let total: f64 = (0..rows).map(weight).sum();
    let mut mean = vec![0.0; cols];
    for (i, row) in values.chunks_exact(cols).enumerate() {
        mean.iter_mut().zip(row).for_each(|(m, &x)| *m += weight(i) * f64::from(x) / total);
    }
    let mut covariance = nalgebra::DMatrix::<f64>::zeros(cols, cols);
    for (i, row) in values.chunks_exact(cols).enumerate() {
        let centred = nalgebra::DVector::from_iterator(cols, row.iter().zip(&mean).map(|(&x, m)| f64::from(x) - m));
        covariance.ger(weight(i) / total, &centred, &centred, 1.0);
    }
    let eigen = nalgebra::SymmetricEigen::new(covariance);
    let mut order: Vec<usize> = (0..cols).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let directions = order
        .into_iter()
        .map(|k| {
            let deviation = eigen.eigenvalues[k].max(0.0).sqrt();
            eigen.eigenvectors.column(k).iter().map(|v| (deviation * v) as f32).collect()
        })
        .collect();
    (mean.into_iter().map(|m| m as f32).collect(), directions)
}

fn median_distance(values: &[f32], cols: usize) -> f64 {
    let rows = values.len() / cols;
    let count = rows.min(MEDIAN_ROWS);
    // Evenly spaced rows: no seed, and no bias towards one end of a sorted file.
    let row = |i: usize| {
        let at = i * rows / count;
        &values[at * cols..(at + 1) * cols]
    };
    let mut distances = Vec::with_capacity(count * (count - 1) / 2);
    for i in 0..count {
        for j in 0..i {
            let square: f64 = row(i).iter().zip(row(j)).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
            distances.push(square.sqrt());
        }
    }
    let middle = distances.len() / 2;
    let (_, median, _) = distances.select_nth_unstable_by(middle, f64::total_cmp);
    // Rows that mostly coincide have no scale of their own; one standard deviation is the data's.
    if *median > 0.0 { *median } else { 1.0 }
}

fn range(values: &[f32], cols: usize) -> f32 {
    let of = |j: usize| {
        let column = values.iter().skip(j).step_by(cols);
        let (low, high) = column.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
        high - low
    };
    (0..cols).map(of).fold(0.0, f32::max).max(f32::MIN_POSITIVE)
}
