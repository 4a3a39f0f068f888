//! [`Judge`]: held-out rows, which score every candidate alike.

use crate::data::{Standardisation, Table, split};
use crate::gpu::Gpu;
use crate::metrics::{Evaluation, Options, Points, c2st, evaluate};
use crate::{Error, Result};

/// The share of the rows that is held out to judge, and how many at most.
const SHARE: f64 = 0.2;
const MOST_HELD: usize = 4_000;
/// Rows that a tour needs.
pub const LEAST_ROWS: usize = 50;
/// Rows of a candidate that are scored: as many as are held out, within these.
const SCORED: [usize; 2] = [1_000, 4_000];
/// Training rows that copying is looked for in.
const COPIED_FROM: usize = 20_000;
/// Rows of each set in scores over all pairs, in exact W₂, and labellings of a permutation test.
const PAIRS: usize = 2_000;
const MATCHED: usize = 500;
const LABELLINGS: usize = 199;

/// Rows that no candidate has seen, in units of the training rows' deviations.
pub struct Judge {
    gpu: Gpu,
    scale: Standardisation,
    /// The rows to learn from and those that judge, in the data's own units.
    pub train: Table,
    pub held: Table,
    reference: Vec<f32>,
    seen: Vec<f32>,
}

impl Judge {
    /// Splits a table.
    ///
    /// # Errors
    /// Too few rows, a column that does not vary.
    pub fn new(gpu: &Gpu, table: &Table, seed: u64) -> Result<Self> {
        if table.rows() < LEAST_ROWS {
            return Err(Error::data(format!(
                "{} has {} rows: a tour holds a fifth out to judge by, and needs {LEAST_ROWS} or more",
                table.origin(),
                table.rows()
            )));
        }
        table.check_trainable()?;
        let (train, held) = match table.rows() as f64 * SHARE > MOST_HELD as f64 {
            true => split(table, MOST_HELD as f64 / table.rows() as f64, seed)?,
            false => split(table, SHARE, seed)?,
        };
        train.check_trainable()?;
        let scale = Standardisation::fit(&train);
        let (reference, all) = (scale.apply(held.values())?, scale.apply(train.values())?);
        let seen = Points::new(&all, train.rows(), train.cols())?.subsample(COPIED_FROM, seed);
        Ok(Self { gpu: gpu.clone(), scale, train, held, reference, seen })
    }

    /// Rows of a candidate that are scored.
    pub fn rows(&self) -> usize {
        self.held.rows().clamp(SCORED[0], SCORED[1])
    }

    pub fn scale(&self) -> &Standardisation {
        &self.scale
    }

    /// Rows in units of the training rows' deviations.
    pub fn standard(&self, rows: &Table) -> Result<Vec<f32>> {
        self.scale.apply(rows.values())
    }

    pub fn reference(&self) -> Result<Points<'_>> {
        Points::new(&self.reference, self.held.rows(), self.held.cols())
    }

    /// The training rows, in these units, or as many as copying is looked for in.
    pub fn seen(&self) -> Result<Points<'_>> {
        Points::new(&self.seen, self.seen.len() / self.train.cols(), self.train.cols())
    }

    /// Every score of a candidate's rows, those of copying too where it is not the training rows themselves.
    pub fn scores(&self, rows: &Table, is_training: bool) -> Result<Evaluation> {
        let values = self.standard(rows)?;
        let (reference, samples) = (self.reference()?, Points::new(&values, rows.rows(), rows.cols())?);
        let options = Options {
            gpu: Some(self.gpu.clone()),
            permutations: LABELLINGS,
            pair_rows: Some(PAIRS),
            w2_rows: MATCHED,
            ..Options::default()
        };
        let train = if is_training { None } else { Some(self.seen()?) };
        let told = c2st::test(&self.gpu, reference, samples, 0)?;
        Ok(Evaluation { c2st: Some(told), ..evaluate(reference, samples, train, &options)? })
    }
}
