//! [`Scorer`]: validation rows, which score every candidate, and test rows, which score the winner.

use crate::data::{Encoding, Purpose, Standardization, Table, by_weight, set_aside};
use crate::gpu::Gpu;
use crate::metrics::efficacy::efficacy;
use crate::metrics::{Evaluation, Options, Points, evaluate_points};
use crate::train::{Encoded, TEST_NOISE, VALIDATION_NOISE, fitted};
use crate::words::count;
use crate::{Error, Result};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use std::cmp::Ordering;

/// The share of the rows that are validation rows, and how many at most.
const SHARE: f64 = 0.2;
const MOST_VALIDATION: usize = 4_000;
/// The least number of rows of a tour.
pub const LEAST_ROWS: usize = 50;
/// Rows of a candidate that are scored: as many as there are validation rows, within these.
const SCORED: [usize; 2] = [1_000, 4_000];
/// Training rows that the memorization scores use.
const COPIED_FROM: usize = 20_000;
/// Rows of each set in scores over all pairs, in exact W₂, and permutations of a permutation test.
const PAIRS: usize = 2_000;
const MATCHED: usize = 500;
const PERMUTATIONS: usize = 199;

/// The three sets of a tour, in the data's own units: rows to learn from, rows that choose steps and the winner, and rows that score the winner once.
#[derive(Clone, Debug)]
pub struct Sets {
    pub train: Table,
    pub validation: Table,
    pub test: Option<Table>,
}

impl Sets {
    /// Splits a table: test rows first, unless they are given or none are asked for.
    ///
    /// # Errors
    /// Too few rows, a column that does not vary.
    pub fn split(table: &Table, given: Option<Table>, test_fraction: Option<f32>, seed: u64) -> Result<Self> {
        let rows = table.weighted_rows().len();
        if rows < LEAST_ROWS {
            let weight = if table.weights().is_some() { " with weight" } else { "" };
            return Err(Error::data(format!(
                "{} has {}{weight}: a tour splits off test and validation sets, and needs {LEAST_ROWS} or more",
                table.origin(),
                count(rows, "row")
            )));
        }
        let table = &in_own_order(table, seed);
        let part = |table: &Table, share: f64, most: usize, purpose| {
            let rows = table.weighted_rows().len();
            set_aside(table, ((share * rows as f64).round() as usize).min(most), seed, purpose)
        };
        let (rest, test) = match (given, test_fraction) {
            (Some(given), _) => (table.clone(), Some(in_own_order(&given.align(table.columns())?, seed))),
            (None, Some(0.0)) => (table.clone(), None),
            (None, share) => {
                let most = if share.is_none() { crate::train::MOST_TEST } else { usize::MAX };
                let (rest, test) = part(table, share.map_or(SHARE, f64::from), most, Purpose::Test)?;
                (rest, Some(test))
            }
        };
        let (train, validation) = part(&rest, SHARE, MOST_VALIDATION, Purpose::Validation)?;
        Ok(Self { train, validation, test })
    }

    /// Splits a table of typed columns, whose last `conditions` are conditions, and encodes it and its sets by the training rows; `test_is_given` where test rows
    /// are not to be split off.
    ///
    /// # Errors
    /// As [`Sets::split`]; columns in which there is nothing to learn, or to condition on.
    pub fn encoded(
        table: &Table,
        conditions: usize,
        test_is_given: bool,
        test_fraction: Option<f32>,
        seed: u64,
    ) -> Result<(Encoded, Self)> {
        let share = if test_is_given { Some(0.0) } else { test_fraction };
        let typed = Self::split(table, None, share, seed)?;
        let encoding = fitted(&typed.train, conditions, &(0..typed.train.rows()).collect::<Vec<_>>())?;
        let encode = |rows: &Table, noise: u64| encoding.encode(rows, seed ^ noise);
        let sets = Self {
            train: encode(&typed.train, 0)?,
            validation: encode(&typed.validation, VALIDATION_NOISE)?,
            test: typed.test.as_ref().map(|rows| encode(rows, TEST_NOISE)).transpose()?,
        };
        let table = encode(&in_own_order(table, seed), 0)?;
        Ok((Encoded { table, conditions: encoding.width_of_last(conditions), encoding: Some(encoding), split: None }, sets))
    }
}

/// The rows in a random order that depends on the rows, not on their order in the file: so the sets that are split off, and all scores, do not depend on that either.
fn in_own_order(table: &Table, seed: u64) -> Table {
    let weight = |row: usize| table.weights().map_or(1.0, |weights| weights[row]);
    let mut order: Vec<usize> = (0..table.rows()).collect();
    order.sort_by(|&i, &j| {
        let pairs = table.row(i).iter().zip(table.row(j)).map(|(a, b)| a.total_cmp(b));
        pairs.chain([weight(i).total_cmp(&weight(j))]).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    });
    let sorted = table.select_rows(&order);
    // With the seed alone the same ranks of every table would be set aside.
    let of_rows = u64::from_str_radix(&sorted.hash()[..16], 16).unwrap_or_default();
    order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed ^ of_rows));
    table.select_rows(&order)
}

/// Scores candidates, in units of the training rows' standard deviations.
pub struct Scorer {
    gpu: Gpu,
    scale: Standardization,
    pub sets: Sets,
    /// Validation and training rows as they weigh, in these units.
    validation: Vec<f32>,
    train: Vec<f32>,
    seen: Vec<f32>,
    seed: u64,
    predicted: Option<Predicted>,
}

/// A column that models of a candidate's rows and of training rows predict.
struct Predicted {
    target: String,
    encoding: Option<Encoding>,
    /// Training rows in the data's own columns.
    train: Table,
}

impl Predicted {
    /// Rows of numbers in the data's own columns.
    fn typed(&self, rows: &Table) -> Result<Table> {
        let rows = by_weight(rows, SCORED[1], 0);
        self.encoding.as_ref().map_or(Ok(rows.clone()), |encoding| encoding.decode(&rows, 0))
    }
}

impl Scorer {
    /// # Errors
    /// Rows that do not fit together.
    pub fn new(gpu: &Gpu, sets: Sets, seed: u64) -> Result<Self> {
        let scale = Standardization::fit(&sets.train);
        let standard = |table: &Table| scale.apply(by_weight(table, table.rows(), seed).values());
        let (validation, train) = (standard(&sets.validation)?, standard(&sets.train)?);
        let cols = sets.train.cols();
        let seen = Points::new(&train, train.len() / cols, cols)?.subsample(COPIED_FROM, seed);
        Ok(Self { gpu: gpu.clone(), scale, sets, validation, train, seen, seed, predicted: None })
    }

    /// Scores how well models of a candidate's rows predict a column of the data, too.
    ///
    /// # Errors
    /// None for rows of the encoding.
    pub fn predicting(mut self, target: &str, encoding: Option<&Encoding>) -> Result<Self> {
        let mut predicted = Predicted { target: target.into(), encoding: encoding.cloned(), train: self.sets.train.clone() };
        predicted.train = predicted.typed(&self.sets.train)?;
        self.predicted = Some(predicted);
        Ok(self)
    }

    pub fn columns(&self) -> &[String] {
        self.sets.train.columns()
    }

    pub fn cols(&self) -> usize {
        self.sets.train.cols()
    }

    /// Rows of a candidate that are scored.
    pub fn rows(&self) -> usize {
        self.sets.validation.rows().clamp(SCORED[0], SCORED[1])
    }

    pub fn scale(&self) -> &Standardization {
        &self.scale
    }

    /// Rows in units of the training rows' standard deviations.
    pub fn standard(&self, rows: &Table) -> Result<Vec<f32>> {
        self.scale.apply(rows.values())
    }

    fn points<'a>(&self, values: &'a [f32]) -> Result<Points<'a>> {
        Points::new(values, values.len() / self.cols(), self.cols())
    }

    /// The validation rows as they weigh, in these units.
    pub fn reference(&self) -> Result<Points<'_>> {
        self.points(&self.validation)
    }

    /// The training rows as they weigh, in these units.
    pub fn train(&self) -> Result<Points<'_>> {
        self.points(&self.train)
    }

    /// The same, or as many as are looked through for memorization.
    pub fn seen(&self) -> Result<Points<'_>> {
        self.points(&self.seen)
    }

    /// Every score of a candidate's rows against validation rows, those of memorization too where it is not the training rows themselves.
    pub fn scores(&self, rows: &Table, is_training: bool) -> Result<Evaluation> {
        let found = self.against(self.reference()?, rows, is_training)?;
        self.with_efficacy(found, &self.sets.validation, rows, is_training)
    }

    /// The same against test rows; none where there are none.
    pub fn test_scores(&self, rows: &Table, is_training: bool) -> Result<Option<Evaluation>> {
        let Some(test) = &self.sets.test else { return Ok(None) };
        let standard = self.standard(&by_weight(test, SCORED[1], self.seed))?;
        let found = self.against(self.points(&standard)?, rows, is_training)?;
        self.with_efficacy(found, test, rows, is_training).map(Some)
    }

    /// Adds what models of a candidate's rows are worth on real rows, or why there is none; of training rows, beside which they stand, nothing.
    fn with_efficacy(&self, mut found: Evaluation, real: &Table, rows: &Table, is_training: bool) -> Result<Evaluation> {
        let Some(predicted) = self.predicted.as_ref().filter(|_| !is_training) else { return Ok(found) };
        let (real, rows) = (predicted.typed(real)?, predicted.typed(rows)?);
        match efficacy(&real, &rows, Some(&predicted.train), &predicted.target, self.seed) {
            Ok(of) => found.efficacy = Some(of),
            Err(Error::Data(why) | Error::Usage(why)) => {
                found.notes.push(format!("`{}` is not predicted: {why}.", predicted.target));
            }
            Err(e) => return Err(e),
        }
        Ok(found)
    }

    fn against(&self, reference: Points, rows: &Table, is_training: bool) -> Result<Evaluation> {
        let values = self.standard(rows)?;
        let samples = self.points(&values)?;
        let options = Options {
            gpu: Some(self.gpu.clone()),
            classifier: true,
            seed: self.seed,
            permutations: PERMUTATIONS,
            pair_rows: Some(PAIRS),
            w2_rows: MATCHED,
            ..Options::default()
        };
        let train = if is_training { None } else { Some(self.seen()?) };
        evaluate_points(reference, samples, train, &options)
    }
}
