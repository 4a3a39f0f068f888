//! Couplings: which row of the source distribution meets which row of the data on a path (Pooladian et al. 2023; Tong et al. 2024, "OT-CFM"). Where
//! rows of a batch are paired by optimal transport instead of at random, paths hardly cross, the velocity to learn varies less, and flows are
//! straighter. Either way each side of the pairs keeps its distribution, so the flow still carries the source to the data.
//!
//! - [`Coupling::Independent`]: as they come.
//! - [`Coupling::Sinkhorn`]: partners drawn from the entropic plan of the batch, on the device.
//! - [`Coupling::Exact`]: the cheapest matching of the batch. It is solved on the host, ahead of the steps that use it ([`ExactPairs`]).
//!
//! ```
//! # use pushforward::flow::coupling::{ExactPairs, Rows, gaussian};
//! # use pushforward::gpu::{Gpu, Plan};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let data = Rows::new((0..100).map(|i| i as f32 / 50.0).collect(), 1, None)?;
//! let pairs = ExactPairs::new(&gpu, 7, 16, data, gaussian(vec![1.0], vec![0.5]))?;
//! let plan = Plan::record(&gpu, 7, |rec| {
//!     let (x0, x1) = pairs.record(rec)?;
//!     let way = rec.sub(x1, x0)?;
//!     let cost = rec.mean_square(way)?;
//!     rec.report("cost", cost)
//! })?;
//! let mut plan = pairs.attach(plan); // the host now matches the rows of 16 steps at a time
//! plan.replay(20)?;
//! assert!(plan.final_reports()?.iter().all(|report| report.values[0] < 0.3)); // 0.58 on average where rows meet at random
//! # Ok(())
//! # }
//! ```

use crate::data::random::{Stream, generator_at};
use crate::gpu::{Gpu, Plan, Recorder, Tensor, Var};
use crate::metrics::assignment::{self, Assignment};
use crate::metrics::threads;
use crate::ops::gather::{Place, batch, thresholds};
use crate::ops::sinkhorn::Sinkhorn;
use crate::{Error, Result};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How rows of the source meet rows of the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coupling {
    /// At random.
    #[default]
    Independent,
    /// By the entropic optimal transport of each batch.
    Sinkhorn,
    /// By the optimal transport of each batch.
    Exact,
}

impl Coupling {
    pub const ALL: [Self; 3] = [Self::Independent, Self::Sinkhorn, Self::Exact];

    /// Pairs rows of the source with rows of the data, both n × d: each row of `x0` with itself (independent), or with a row of `x1` that is
    /// drawn from row i of the batch's entropic plan for the squared distance (sinkhorn), whose ε is `epsilon` times the batch's mean cost. A
    /// row of `x1` may so meet several rows or none, each once on average. No gradient flows through the choice, nor into `x1`.
    ///
    /// # Errors
    /// Shapes that differ, an `epsilon` out of range, and [`Coupling::Exact`], which no recorded step can solve: see `ExactPairs`.
    pub fn pair(self, rec: &mut Recorder, x0: Var, x1: Var, epsilon: f32) -> Result<(Var, Var)> {
        if x0.shape() != x1.shape() || x0.is_empty() {
            let problem = format!("{} × {} with {} × {}", x0.rows(), x0.cols(), x1.rows(), x1.cols());
            return Err(Error::shape("coupling", problem));
        }
        match self {
            Self::Independent => Ok((x0, x1)),
            Self::Sinkhorn => {
                let settings = sinkhorn(epsilon);
                settings.check()?;
                let (from, to) = in_units_of_cost(rec, x0, x1)?;
                let (_, g) = rec.alternating_potentials(from, to, &settings)?;
                let index = rec.partners(from, to, None, g, &settings)?;
                Ok((x0, rec.rows(x1, index)?))
            }
            Self::Exact => {
                Err(Error::usage("exact pairs are matched on the host, ahead of the steps that use them: use `ExactPairs`"))
            }
        }
    }
}

/// The transport of a batch whose mean cost is 1. So many updates leave the rows of the data their shares: at ε = 0.05 with batches of 256
/// and 1,024 in the plane, 0.1 % of the mass is misplaced for eight Gaussians and 3 % for Student's t with 3 degrees of freedom, whose
/// largest costs are hundreds of times the mean (at ε = 0.02, 0.5 % and 8 %; with ε quartered at each of 5 updates and ε = 0.05, 3 % and 25 %).
fn sinkhorn(epsilon: f32) -> Sinkhorn {
    Sinkhorn { exponent: 2.0, epsilon, diameter: 4.0, scaling: 0.7, extra: 10, reach: None }
}

/// Both sets moved to the mean of the first and divided by the root of the mean squared distance between their rows.
fn in_units_of_cost(rec: &mut Recorder, x0: Var, x1: Var) -> Result<(Var, Var)> {
    let (n, d) = (x0.rows(), x0.cols());
    let (x0, x1) = (rec.detach(x0), rec.detach(x1));
    let sum = rec.sum_rows(x0)?;
    let mean = rec.scale(sum, 1.0 / n as f32)?;
    let (x0, x1) = (rec.sub(x0, mean)?, rec.sub(x1, mean)?);
    // E|x − y|² = E|x|² + E|y|² where x has mean 0.
    let (one, two) = (rec.mean_square(x0)?, rec.mean_square(x1)?);
    let cost = rec.blend(one, two, d as f32, d as f32)?;
    let cost = rec.clamp(cost, f32::MIN_POSITIVE, f32::MAX)?;
    let unit = rec.sqrt(cost)?;
    Ok((rec.div(x0, unit)?, rec.div(x1, unit)?))
}

/// Rows of data on the host, and how often each is drawn.
#[derive(Clone, Debug)]
pub struct Rows {
    values: Vec<f32>,
    cols: usize,
    thresholds: Option<Vec<u32>>,
}

impl Rows {
    /// Rows (row-major), drawn in shuffled passes, or independently by `weights` (one a row, 0 or above, not all 0).
    ///
    /// # Errors
    /// No whole number of rows, values that are not finite, weights that do not fit.
    pub fn new(values: Vec<f32>, cols: usize, weights: Option<&[f32]>) -> Result<Self> {
        let rows = values.len() / cols.max(1);
        if let Some(weights) = weights
            && (weights.len() != rows
                || weights.iter().any(|w| !(*w >= 0.0 && w.is_finite()))
                || weights.iter().all(|w| *w == 0.0))
        {
            let problem =
                format!("{} weights for {rows} rows: each row needs one of 0 or above, and one row more than 0", weights.len());
            return Err(Error::data(problem));
        }
        Self::by_thresholds(values, cols, weights.map(thresholds))
    }

    /// The same by the running sums of the weights ([`thresholds`]).
    pub(crate) fn by_thresholds(values: Vec<f32>, cols: usize, thresholds: Option<Vec<u32>>) -> Result<Self> {
        if cols == 0 || values.is_empty() || !values.len().is_multiple_of(cols) {
            return Err(Error::shape("coupling", format!("{} values are no rows of {cols} columns", values.len())));
        }
        finite(&values, cols, "data")?;
        Ok(Self { values, cols, thresholds })
    }

    fn row(&self, i: u32) -> &[f32] {
        &self.values[i as usize * self.cols..][..self.cols]
    }

    /// The numbers of `n` rows: those of step `iteration` of a shuffled pass, or independent ones by weight.
    fn draw(&self, n: usize, seed: u64, iteration: u64, random: &mut ChaCha8Rng) -> Vec<u32> {
        match &self.thresholds {
            // The passes of the device's own batches, under numbers of their own.
            None => {
                let at = Place { step: iteration as u32, seed, domain: DOMAIN, stream: 0 };
                batch(n as u32, (self.values.len() / self.cols) as u32, at)
            }
            // The last threshold is 2³² − 1.
            Some(thresholds) => {
                let mut one = || {
                    let word = random.next_u32().min(u32::MAX - 1);
                    thresholds.partition_point(|&t| t <= word) as u32
                };
                (0..n).map(|_| one()).collect()
            }
        }
    }
}

fn finite(values: &[f32], cols: usize, whose: &str) -> Result<()> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let (row, column) = (at / cols + 1, at % cols + 1);
            Err(Error::data(format!(
                "row {row}, column {column} of the {whose} is {}: only finite rows can be matched",
                values[at]
            )))
        }
    }
}

/// Draws rows of a source distribution, row-major, from the given numbers alone.
pub type Source = dyn Fn(&mut ChaCha8Rng, usize) -> Vec<f32> + Send + Sync;

/// The Gaussian source zA + m: `mean` m of d numbers, `factor` A of latent × d, row by row, and z standard normal.
///
/// # Panics
/// Where `factor` is no whole number of rows of d.
pub fn gaussian(mean: Vec<f32>, factor: Vec<f32>) -> impl Fn(&mut ChaCha8Rng, usize) -> Vec<f32> + Send + Sync + 'static {
    assert!(
        !mean.is_empty() && factor.len().is_multiple_of(mean.len()),
        "a factor of {} for {} columns",
        factor.len(),
        mean.len()
    );
    move |random, n| {
        let mut rows = mean.repeat(n);
        for row in rows.chunks_exact_mut(mean.len()) {
            for direction in factor.chunks_exact(mean.len()) {
                let z: f32 = random.sample(StandardNormal);
                row.iter_mut().zip(direction).for_each(|(x, a)| *x += z * a);
            }
        }
        rows
    }
}

/// Steps whose pairs are matched at a time, on all cores of the host.
const SLOTS: usize = 16;
/// Most rows of a batch: a matching takes n² numbers for each core and between n² and n³ operations.
const MOST_ROWS: usize = 2048;
/// Columns up to which guessed potentials save more than they cost: half to two thirds of a matching's time at 2 columns and 512 rows, a
/// third at 6, nothing at 8.
const GUESSED: usize = 6;
/// The iteration whose batch the guesses come from: one that no run reaches.
const KNOWN: u64 = u32::MAX as u64;
/// Sets the passes over the data apart from those of recorded steps.
const DOMAIN: u32 = 0x6d61_7463;

/// Batches of which each row of the source has met the row of the data that makes the whole batch cheapest: the exact minimum over
/// matchings of Σ ‖x₀ − x₁‖². The host draws and matches the rows of 16 steps at a time and writes them to device memory, of which each
/// step takes its part ([`Plan::with_feed`]); they are a function of the seed and the iteration, so a resumed run sees the same.
pub struct ExactPairs {
    x0: Tensor,
    x1: Tensor,
    maker: Arc<Maker>,
}

struct Maker {
    seed: u64,
    batch: usize,
    rows: Rows,
    source: Box<Source>,
    /// A batch's source rows and their potentials, from which those of every other are guessed.
    known: Option<(Vec<f32>, Vec<f64>)>,
}

impl ExactPairs {
    /// Batches of `batch` pairs, from the data and a source: any distribution, as a function that draws n rows of as many columns.
    ///
    /// # Errors
    /// A batch of no rows or of more than 2,048, and a source of other columns or of numbers that are not finite.
    pub fn new(
        gpu: &Gpu,
        seed: u64,
        batch: usize,
        data: Rows,
        source: impl Fn(&mut ChaCha8Rng, usize) -> Vec<f32> + Send + Sync + 'static,
    ) -> Result<Self> {
        if batch == 0 || batch > MOST_ROWS {
            let problem = "an exact coupling takes batches of 1 to 2,048 rows: use fewer, or the `sinkhorn` coupling";
            return Err(Error::usage(format!("`batch_size` is {batch}: {problem}")));
        }
        let pool = || gpu.zeros(SLOTS * batch, data.cols);
        let (x0, x1) = (pool()?, pool()?);
        let mut maker = Maker { seed, batch, rows: data, source: Box::new(source), known: None };
        let (source, _, matched) = maker.matched(KNOWN, &mut Vec::new())?;
        maker.known = (maker.rows.cols <= GUESSED).then_some((source, matched.row_potential));
        Ok(Self { x0, x1, maker: Arc::new(maker) })
    }

    /// The step's pairs (x₀, x₁), each batch × d. The step must run once an iteration of a plan that [`ExactPairs::attach`] has been given.
    pub fn record(&self, rec: &mut Recorder) -> Result<(Var, Var)> {
        let (x0, x1) = (rec.tensor(&self.x0), rec.tensor(&self.x1));
        Ok((rec.block(x0, self.maker.batch)?, rec.block(x1, self.maker.batch)?))
    }

    /// The plan with the host's part in it.
    pub fn attach(&self, plan: Plan) -> Plan {
        let (x0, x1, maker) = (self.x0.clone(), self.x1.clone(), self.maker.clone());
        plan.with_feed(SLOTS, move |first| {
            let steps = threads::map_rows(SLOTS, |slot, cost| maker.pairs(first + slot as u64, cost));
            let (mut from, mut to) = (Vec::with_capacity(x0.len()), Vec::with_capacity(x1.len()));
            for step in steps {
                let (x0, x1) = step?;
                from.extend(x0);
                to.extend(x1);
            }
            x0.write(&from)?;
            x1.write(&to)
        })
    }

    /// The pairs of one iteration, row-major: what a step that runs in it reads.
    ///
    /// # Errors
    /// A source that now draws other columns or numbers that are not finite.
    pub fn pairs(&self, iteration: u64) -> Result<(Vec<f32>, Vec<f32>)> {
        self.maker.pairs(iteration, &mut Vec::new())
    }
}

impl Maker {
    fn pairs(&self, iteration: u64, cost: &mut Vec<f64>) -> Result<(Vec<f32>, Vec<f32>)> {
        let (x0, drawn, matched) = self.matched(iteration, cost)?;
        let x1 = matched.column_of_row.iter().flat_map(|&j| self.rows.row(drawn[j])).copied().collect();
        Ok((x0, x1))
    }

    /// The source rows of an iteration, the numbers of its data rows, and their matching.
    fn matched(&self, iteration: u64, cost: &mut Vec<f64>) -> Result<(Vec<f32>, Vec<u32>, Assignment)> {
        let Self { seed, batch, rows, source, known } = self;
        let (n, d) = (*batch, rows.cols);
        let mut random = generator_at(*seed, Stream::Pairs, iteration);
        let x0 = source(&mut random, n);
        if x0.len() != n * d {
            return Err(Error::shape("coupling", format!("{} numbers of the source for {n} rows of {d} columns", x0.len())));
        }
        finite(&x0, d, "source")?;
        let drawn = rows.draw(n, *seed, iteration, &mut random);
        cost.clear();
        for from in x0.chunks_exact(d) {
            cost.extend(drawn.iter().map(|&j| squared_distance(from, rows.row(j))));
        }
        let matched = match known {
            None => assignment::solve(cost, n),
            // Potentials of one distribution are much alike from batch to batch: v(y) = min over x of c(x, y) − u(x).
            Some((x, u)) => {
                let guess = |&j: &u32| {
                    let each = x.chunks_exact(d).zip(u).map(|(x, u)| squared_distance(x, rows.row(j)) - u);
                    each.fold(f64::INFINITY, f64::min)
                };
                assignment::solve_from(cost, n, drawn.iter().map(guess).collect())
            }
        };
        Ok((x0, drawn, matched))
    }
}

fn squared_distance(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}
