//! [`Dataset`]: the rows to learn from, resident on the device, with what methods ask of them before they start.

use super::fitted::Fitted;
use crate::data::{Noise, STANDARD_DEVIATION, Target};
use crate::flow::coupling::Rows;
use crate::gpu::{Gpu, Recorder, Tensor, Var};
use crate::metrics::Points;
use crate::ops::activation::Activation;
use crate::ops::gather::thresholds;
use crate::words::count;
use crate::{Error, Result};
use std::sync::Arc;

/// Rows from which the median distance is taken: its standard error is then about 1 % of it.
const MEDIAN_ROWS: usize = 1000;
const MEDIAN_SEED: u64 = 0;

/// Standardized rows on the device.
#[derive(Clone)]
pub struct Dataset {
    /// Blocks of the columns, in order, each with all rows: more than one where the device cannot bind them all at once.
    blocks: Vec<Tensor>,
    rows: usize,
    cols: usize,
    thresholds: Option<Tensor>,
    median: f64,
    ranges: Vec<f32>,
    conditions: usize,
    /// Standard deviation of the noise that batches are drawn with.
    noise: f32,
    /// Of each column the width of the cells of [`Dataset::with_widths`], where any has some, and the noise in them.
    widths: Option<(Tensor, Noise)>,
    course: Option<Arc<Course>>,
    fitted: Arc<Fitted>,
    /// The same with the variance of the noise of [`Dataset::with_widths`].
    dequantized: Option<Arc<Fitted>>,
    target: Option<Target>,
    source: Option<Vec<f32>>,
    names: Vec<String>,
}

impl Dataset {
    /// Uploads rows (row-major) and their weights, if they have any.
    pub fn new(gpu: &Gpu, values: &[f32], cols: usize, weights: Option<&[f32]>) -> Result<Self> {
        Self::with_conditions(gpu, values, cols, 0, weights)
    }

    /// The same, where the last `conditions` columns are given: what is learned is the distribution of the others, given them.
    pub fn with_conditions(gpu: &Gpu, values: &[f32], cols: usize, conditions: usize, weights: Option<&[f32]>) -> Result<Self> {
        Self::with_noise(gpu, values, cols, conditions, weights, 0.0)
    }

    /// The same, with Gaussian noise of this standard deviation added to every batch, in the columns that are not given: it is the noised distribution that is learned.
    pub fn with_noise(
        gpu: &Gpu,
        values: &[f32],
        cols: usize,
        conditions: usize,
        weights: Option<&[f32]>,
        noise: f32,
    ) -> Result<Self> {
        let rows = values.len() / cols.max(1);
        if rows < 2 || values.len() != rows * cols {
            return Err(Error::data(format!("{} of {} are too few to learn from", count(rows, "row"), count(cols, "column"))));
        }
        let thresholds = weights.map(|weights| gpu.upload_u32(rows, 1, &thresholds(weights)));
        let most = gpu.max_binding_bytes() as usize / 4;
        let blocks = match values.len() <= most {
            true => vec![gpu.upload(rows, cols, values)?],
            false => blocks(values, cols, most).iter().map(|(own, cols)| gpu.upload(rows, *cols, own)).collect::<Result<_>>()?,
        };
        Ok(Self {
            blocks,
            rows,
            cols,
            thresholds: thresholds.transpose()?,
            median: median_distance(values, cols, weights)?,
            ranges: ranges(values, cols),
            conditions,
            noise,
            widths: None,
            course: None,
            fitted: Arc::new(Fitted::new(values, cols, conditions, weights, &vec![f64::from(noise).powi(2); cols])),
            dequantized: None,
            target: None,
            source: None,
            names: Vec::new(),
        })
    }

    /// The same rows, with noise in cells of so much width in each column, fresh in every batch: what whole numbers are dequantized by.
    /// `values` and `weights` are those of [`Dataset::with_noise`]: a likelihood starts at the Gaussian of the rows with that noise.
    pub(crate) fn with_widths(mut self, values: &[f32], weights: Option<&[f32]>, widths: &[f32], noise: Noise) -> Result<Self> {
        if widths.iter().any(|&w| w > 0.0) {
            let added: Vec<f64> =
                widths.iter().map(|&w| f64::from(w).powi(2) * noise.variance() + f64::from(self.noise).powi(2)).collect();
            self.dequantized = Some(Arc::new(Fitted::new(values, self.cols(), self.conditions, weights, &added)));
            self.widths = Some((self.blocks[0].gpu().upload(1, self.cols(), widths)?, noise));
        }
        Ok(self)
    }

    /// The same rows on their way to the fitted Gaussian of so many latent dimensions (given the columns that are): batches are of the distribution at the time whose
    /// α, σ and 1 − α the device finds in `row` ([`Recorder::cool`]).
    pub fn moving(&self, row: &Tensor, latent: usize) -> Result<Self> {
        let course = Course::new(self, row, latent)?;
        // Gaussian tails reach further than the data: four standard deviations each way.
        let reach = |j: usize| self.ranges[j].max(if j < course.columns { 8.0 * course.deviations[j] } else { 0.0 });
        let ranges = (0..self.cols()).map(reach).collect();
        Ok(Self { ranges, course: Some(Arc::new(course)), ..self.clone() })
    }

    /// The same rows, with the distribution to learn where its score is known.
    pub fn with_target(self, target: Option<Target>) -> Self {
        Self { target, ..self }
    }

    /// The same rows, with rows of the distribution to start from, in the same units.
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

    /// Rows of the distribution to start from, where a method was given one.
    pub fn source(&self) -> Option<&[f32]> {
        self.source.as_deref()
    }

    /// The distribution to learn, where its score is known, in units of these rows: the rows' own, or one that was given.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of a row, those that are given included.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Columns that are given.
    pub fn conditions(&self) -> usize {
        self.conditions
    }

    /// `n` rows, and their given columns apart from the others (none where no column is given).
    pub fn parted_batch(&self, rec: &mut Recorder, n: usize) -> Result<(Var, Option<Var>)> {
        let rows = self.batch(rec, n)?;
        part(rec, rows, self.conditions)
    }

    /// All rows, read back from the device, row by row.
    pub fn values(&self) -> Result<Vec<f32>> {
        let blocks = self.blocks.iter().map(|block| Ok((block.read()?, block.cols()))).collect::<Result<Vec<_>>>()?;
        Ok(side_by_side(blocks, self.rows))
    }

    /// `n` rows, fresh at every replay: without replacement inside an epoch, or by weight where rows have weights. Noised where the data are.
    pub fn batch(&self, rec: &mut Recorder, n: usize) -> Result<Var> {
        if let Some(course) = &self.course {
            let rows = self.clean_batch(rec, n)?;
            return course.moved(rec, rows, self.conditions);
        }
        if self.noise == 0.0 {
            return self.clean_batch(rec, n);
        }
        let (_, noised, given) = self.noised_batch(rec, n)?;
        join(rec, noised, given)
    }

    /// `n` rows as they are, the same with noise, and their given columns.
    pub fn noised_batch(&self, rec: &mut Recorder, n: usize) -> Result<(Var, Var, Option<Var>)> {
        let rows = self.clean_batch(rec, n)?;
        let (x, given) = part(rec, rows, self.conditions)?;
        let noise = rec.normal_like(x)?;
        Ok((x, rec.blend(x, noise, 1.0, self.noise)?, given))
    }

    fn clean_batch(&self, rec: &mut Recorder, n: usize) -> Result<Var> {
        let blocks: Vec<Var> = self.blocks.iter().map(|block| rec.tensor(block)).collect();
        let rows = match &self.thresholds {
            None => rec.batch_of_blocks(&blocks, n)?,
            Some(thresholds) => {
                let thresholds = rec.tensor(thresholds);
                rec.batch_of_weighted_blocks(&blocks, thresholds, n)?
            }
        };
        let Some((widths, noise)) = &self.widths else { return Ok(rows) };
        let widths = rec.tensor(widths);
        let noise = match noise {
            Noise::Uniform => {
                let unit = rec.uniform(n, self.cols())?;
                rec.affine(unit, 1.0, -0.5)?
            }
            Noise::Normal => {
                let standard = rec.normal_like(rows)?;
                let scaled = rec.affine(standard, STANDARD_DEVIATION as f32, 0.0)?;
                // Reflected at the ends of the cell.
                let clamped = rec.clamp(scaled, -0.5, 0.5)?;
                rec.blend(clamped, scaled, 2.0, -1.0)?
            }
        };
        let noise = rec.mul(noise, widths)?;
        rec.add(rows, noise)
    }

    /// The rows on the host, with their weights: reads them back from the device.
    pub fn host(&self) -> Result<Rows> {
        let thresholds = self.thresholds.as_ref().map(Tensor::read_u32).transpose()?;
        Rows::by_thresholds(self.values()?, self.cols(), thresholds)
    }

    /// The median of the distances between rows (the bandwidth that the median heuristic takes; Gretton et al. 2012, §8).
    pub fn median_distance(&self) -> f32 {
        self.median as f32
    }

    /// The widest column's range, largest minus smallest.
    pub fn range(&self) -> f32 {
        self.ranges.iter().copied().fold(f32::MIN_POSITIVE, f32::max)
    }

    /// No two rows are further apart: the diagonal of the box that holds them.
    pub fn diameter(&self) -> f32 {
        self.ranges.iter().map(|range| range * range).sum::<f32>().sqrt().max(f32::MIN_POSITIVE)
    }

    /// The mean row, of the columns that are not given.
    pub fn mean(&self) -> &[f32] {
        &self.fitted.mean
    }

    /// The same rows as a likelihood sees them: fitted with the noise that dequantizes them, so that columns of few values have a density.
    pub fn as_dequantized(&self) -> Self {
        let fitted = self.dequantized.as_ref().unwrap_or(&self.fitted).clone();
        Self { fitted, ..self.clone() }
    }

    /// A (latent × columns, row by row; given ones not counted) such that zA has the data's covariance when z is standard normal: the leading
    /// principal directions scaled by their standard deviations, and zeros where the latent space is larger than the data's.
    pub fn embedding(&self, latent: usize) -> Vec<f32> {
        leading(&self.fitted.directions, latent, self.cols() - self.conditions)
    }

    /// The Gaussian fitted to the columns given the others, x = b + cB + zA: b, and A above B ((latent + conditions) × columns), with A as in
    /// [`Dataset::embedding`] but of what the regression on the given columns leaves.
    pub fn regression(&self, latent: usize) -> (Vec<f32>, Vec<f32>) {
        let Fitted { mean, given_mean, slopes, rest, .. } = &*self.fitted;
        let columns = mean.len();
        let mut factor = leading(rest, latent, columns);
        factor.extend(slopes);
        let shift = |j: usize| given_mean.iter().zip(slopes.iter().skip(j).step_by(columns)).map(|(m, s)| m * s).sum::<f32>();
        (mean.iter().enumerate().map(|(j, m)| m - shift(j)).collect(), factor)
    }
}

/// The columns of rows in blocks of at most `most` numbers, or of one column: their values and how many columns they have.
fn blocks(values: &[f32], cols: usize, most: usize) -> Vec<(Vec<f32>, usize)> {
    let width = if values.len() <= most { cols } else { (most * cols / values.len()).max(1) };
    let block = |first: usize| {
        let width = width.min(cols - first);
        (values.chunks_exact(cols).flat_map(|row| &row[first..first + width]).copied().collect(), width)
    };
    (0..cols).step_by(width).map(block).collect()
}

/// The rows whose columns stand in these blocks.
fn side_by_side(mut blocks: Vec<(Vec<f32>, usize)>, rows: usize) -> Vec<f32> {
    if blocks.len() == 1 {
        return blocks.swap_remove(0).0;
    }
    let row = |row: usize| blocks.iter().flat_map(move |(values, cols)| &values[row * cols..(row + 1) * cols]);
    (0..rows).flat_map(row).copied().collect()
}

/// Rows apart from the `conditions` columns behind them.
pub fn part(rec: &mut Recorder, rows: Var, conditions: usize) -> Result<(Var, Option<Var>)> {
    let columns = rows.cols() - conditions;
    match conditions {
        0 => Ok((rows, None)),
        _ => Ok((rec.columns(rows, 0, columns)?, Some(rec.columns(rows, columns, conditions)?))),
    }
}

/// Rows with their given columns behind them.
pub fn join(rec: &mut Recorder, rows: Var, given: Option<Var>) -> Result<Var> {
    match given {
        None => Ok(rows),
        Some(given) => rec.concat(&[rows, given]),
    }
}

fn leading(directions: &[Vec<f32>], latent: usize, columns: usize) -> Vec<f32> {
    let mut factor: Vec<f32> = directions.iter().take(latent).flatten().copied().collect();
    factor.resize(latent * columns, 0.0);
    factor
}

/// Where the forward process (paper §4, eq. 5) has rows that it leads to N(b + cB, AᵀA), the Gaussian fitted to them given their columns c:
/// x_t = αx + (1 − α)(b + cB) + σεA.
struct Course {
    row: Tensor,
    /// b, B and A; b is none where it is nothing and no columns are given.
    shift: Option<Tensor>,
    slopes: Option<Tensor>,
    factor: Tensor,
    latent: usize,
    columns: usize,
    /// Of the Gaussian, column by column.
    deviations: Vec<f32>,
}

impl Course {
    fn new(data: &Dataset, row: &Tensor, latent: usize) -> Result<Self> {
        let gpu = row.gpu();
        let columns = data.cols() - data.conditions;
        let (shift, factor) = data.regression(latent);
        let (factor, slopes) = factor.split_at(latent * columns);
        let deviation = |j: usize| factor.iter().skip(j).step_by(columns).map(|a| a * a).sum::<f32>().sqrt();
        let still = data.conditions == 0 && shift.iter().all(|b| b.abs() < 1e-6);
        Ok(Self {
            row: row.clone(),
            shift: (!still).then(|| gpu.upload(1, columns, &shift)).transpose()?,
            slopes: (data.conditions > 0).then(|| gpu.upload(data.conditions, columns, slopes)).transpose()?,
            factor: gpu.upload(latent, columns, factor)?,
            latent,
            columns,
            deviations: (0..columns).map(deviation).collect(),
        })
    }

    fn moved(&self, rec: &mut Recorder, rows: Var, conditions: usize) -> Result<Var> {
        let (x, given) = part(rec, rows, conditions)?;
        let (row, factor) = (rec.tensor(&self.row), rec.tensor(&self.factor));
        let noise = rec.normal(x.rows(), self.latent)?;
        let noise = rec.linear(noise, factor, None, Activation::Identity)?;
        let mut terms = vec![(0, 1.0, x), (1, 1.0, noise)];
        if let Some(shift) = &self.shift {
            let shift = rec.tensor(shift);
            let mean = match (&self.slopes, given) {
                (Some(slopes), Some(given)) => {
                    let slopes = rec.tensor(slopes);
                    rec.linear(given, slopes, Some(shift), Activation::Identity)?
                }
                _ => {
                    let nothing = rec.constant(0.0, x.rows(), self.columns)?;
                    rec.add(nothing, shift)?
                }
            };
            terms.push((2, 1.0, mean));
        }
        let moved = rec.combine(row, &terms)?;
        join(rec, moved, given)
    }
}

/// Of pairs of rows as they weigh, on at most 1,000 of them that depend on which rows there are and not on their order.
fn median_distance(values: &[f32], cols: usize, weights: Option<&[f32]>) -> Result<f64> {
    let points = Points::new(values, values.len() / cols, cols)?;
    let chosen = points.with_weights(weights).draws(MEDIAN_ROWS, MEDIAN_SEED);
    let mut distances = Vec::with_capacity(chosen.len() * chosen.len().saturating_sub(1) / 2);
    for (k, (i, weight)) in chosen.iter().enumerate() {
        for (j, other) in &chosen[..k] {
            let terms = points.row(*i).iter().zip(points.row(*j));
            let square: f64 = terms.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
            distances.push((square.sqrt(), weight * other));
        }
    }
    let by_distance = |a: &(f64, f64), b: &(f64, f64)| a.0.total_cmp(&b.0);
    let median = match weights {
        None => {
            let middle = distances.len() / 2;
            Some(distances.select_nth_unstable_by(middle, by_distance).1.0)
        }
        Some(_) => {
            distances.sort_unstable_by(by_distance);
            let half = 0.5 * distances.iter().map(|pair| pair.1).sum::<f64>();
            let mut sum = 0.0;
            distances.iter().find_map(|(distance, weight)| {
                sum += weight;
                (sum > half).then_some(*distance)
            })
        }
    };
    // Rows that mostly coincide have no scale of their own; one standard deviation is the data's.
    Ok(median.filter(|&median| median > 0.0).unwrap_or(1.0))
}

/// Each column's largest value less its smallest.
fn ranges(values: &[f32], cols: usize) -> Vec<f32> {
    let of = |j: usize| {
        let column = values.iter().skip(j).step_by(cols);
        let (low, high) = column.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
        high - low
    };
    (0..cols).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_parted_into_blocks_that_fit_and_joined_again() {
        let values: Vec<f32> = (0..35).map(|i| i as f32).collect();
        for (most, widths) in [(35, vec![7]), (34, vec![6, 1]), (20, vec![4, 3]), (12, vec![2, 2, 2, 1]), (3, vec![1; 7])] {
            let parted = blocks(&values, 7, most);
            assert_eq!(parted.iter().map(|block| block.1).collect::<Vec<_>>(), widths, "{most}");
            assert_eq!(parted[0].0[..widths[0].min(2)], [0.0, 1.0][..widths[0].min(2)]);
            assert_eq!(side_by_side(parted, 5), values);
        }
    }

    #[test]
    fn the_median_distance_is_of_rows_as_they_weigh_and_in_any_order() {
        // Pairs of 0, 0, 1, 5: distances 0 once, 1 twice, 5 twice, 4 once; as weights, without the first: 1 twice, 5 twice, 4 once.
        let median = |values: &[f32], weights: Option<&[f32]>| median_distance(values, 1, weights).unwrap();
        assert_eq!(median(&[0.0, 0.0, 1.0, 5.0], None), 4.0);
        let weights = [2.0, 1.0, 0.0, 1.0];
        assert_eq!(median(&[0.0, 1.0, 900.0, 5.0], Some(&weights)), 4.0);
        assert_eq!(median(&[2.0, 2.0, 2.0], None), 1.0);
        // More rows than are looked at: a random 1,000 of them, whatever their order. Of uniform numbers the median distance is 1 − √½.
        let rising: Vec<f32> = (0..3000).map(|i| i as f32 / 3000.0).collect();
        let falling: Vec<f32> = rising.iter().rev().copied().collect();
        let all = median(&rising, None);
        assert!((all - (1.0 - 0.5f64.sqrt())).abs() < 0.02, "{all}");
        assert_eq!(median(&falling, None), all);
        let upper: Vec<f32> = rising.iter().map(|&x| if x < 0.5 { 0.0 } else { 1.0 }).collect();
        let weighed = median(&rising, Some(&upper));
        assert!((weighed - 0.5 * (1.0 - 0.5f64.sqrt())).abs() < 0.02, "{weighed}");
        let lower: Vec<f32> = upper.iter().rev().copied().collect();
        assert_eq!(median(&falling, Some(&lower)), weighed);
    }
}
