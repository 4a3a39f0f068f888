//! Scores of one table against another: what `pushforward evaluate` prints.

use super::columns::by_column;
use super::evaluate::evaluate_points;
use super::options::Options;
use super::{Evaluation, Points, Watch, efficacy, scale, typed};
use crate::Result;
use crate::data::{Encoding, Source, Standardization, Table, Target};
use crate::gpu::Gpu;

/// All scores of samples against a reference, usually test rows, with the default settings: [`Evaluator`] has others.
///
/// The result prints as a verdict, the columns by how far they are off, and the scores with their intervals.
///
/// # Errors
/// As [`Evaluator::evaluate`].
pub fn evaluate(gpu: &Gpu, reference: &Table, samples: &Table) -> Result<Evaluation> {
    Evaluator::new(gpu).evaluate(reference, samples)
}

/// Scores tables of samples against a reference.
///
/// ```no_run
/// use pushforward::metrics::Evaluator;
/// use pushforward::prelude::*;
///
/// # fn main() -> pushforward::Result<()> {
/// let gpu = Gpu::open("auto")?;
/// let (train, test, samples) = (Table::read("train.csv")?, Table::read("test.csv")?, Table::read("samples.csv")?);
/// let found = Evaluator::new(&gpu).train(&train).seed(1).evaluate(&test, &samples)?;
/// println!("{found}");
/// # Ok(())
/// # }
/// ```
pub struct Evaluator<'a> {
    gpu: &'a Gpu,
    train: Option<&'a Table>,
    standardize: bool,
    target: Option<String>,
    expressions: Vec<String>,
    source: Option<&'a Source>,
    options: Options,
}

impl<'a> Evaluator<'a> {
    /// With the default settings: at most about a minute, whatever the size of the tables.
    pub fn new(gpu: &'a Gpu) -> Self {
        let options = Options { gpu: Some(gpu.clone()), classifier: true, ..Options::default() };
        Self { gpu, train: None, standardize: true, target: None, expressions: Vec::new(), source: None, options }
    }

    /// The rows that the samples' model was trained on: adds scores of memorization.
    pub fn train(self, rows: &'a Table) -> Self {
        Self { train: Some(rows), ..self }
    }

    /// A column that models of samples and of real rows predict from the others: adds machine-learning efficacy. The reference are the test rows, and the real rows
    /// to learn from are those of training, or a half of the reference without them.
    pub fn target(self, column: impl Into<String>) -> Self {
        Self { target: Some(column.into()), ..self }
    }

    /// Whether columns are standardized by the reference first, which is the default; otherwise distances are in the columns' own units.
    pub fn standardize(self, standardize: bool) -> Self {
        Self { standardize, ..self }
    }

    /// Seed of random subsets, folds, projections and permutations; 0 unless set. No score depends on the order of rows.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// Rows of each table at most for scores of all pairs of rows; the others are left out at random.
    pub fn pair_rows(mut self, rows: Option<usize>) -> Self {
        self.options.pair_rows = rows;
        self
    }

    /// Tells of each score before it is worked on.
    pub fn watch(mut self, watch: Watch) -> Self {
        self.options.watch = watch;
        self
    }

    /// The score ∇ log p of the distribution that the samples should have, one expression per column in the names and units of the reference:
    /// adds the kernelized Stein discrepancy.
    pub fn score<E: Into<String>>(self, expressions: impl IntoIterator<Item = E>) -> Self {
        Self { expressions: expressions.into_iter().map(Into::into).collect(), ..self }
    }

    /// Where the reference was read from: a toy target whose score is known adds the kernelized Stein discrepancy.
    pub fn reference_source(self, source: &'a Source) -> Self {
        Self { source: Some(source), ..self }
    }

    /// All scores of `samples` against `reference`. Columns are matched by name; the weights of either table count.
    ///
    /// # Errors
    /// Columns that are missing; too few rows; expressions that do not fit.
    pub fn evaluate(&self, reference: &Table, samples: &Table) -> Result<Evaluation> {
        if let Some(target) = &self.target {
            efficacy::check(reference, target)?;
        }
        let found = match [reference, samples].into_iter().all(Encoding::is_of_numbers) {
            true => self.evaluate_numbers(reference, samples),
            false => self.evaluate_typed(reference, samples),
        };
        let mut found = found?;
        typed::add(&mut found, reference, samples, self.train, (self.target.as_deref(), self.options.seed))?;
        Ok(found)
    }

    /// The same for tables that are not all numbers: on an encoding that is fitted to the reference alone, so that distances between rows do not depend on what is
    /// scored.
    fn evaluate_typed(&self, reference: &Table, samples: &Table) -> Result<Evaluation> {
        let seed = self.options.seed;
        let encoding = Encoding::fit(reference)?;
        let tables = [Some((reference, seed)), Some((samples, !seed)), self.train.map(|train| (train, seed.wrapping_add(1)))];
        let encoded = tables.into_iter().flatten().map(|(table, seed)| encoding.encode_unseen(table, seed));
        let encoded = encoded.collect::<Result<Vec<_>>>()?;
        let (numbers, unseen) = typed::marked(&encoding, &encoded)?;
        let [real, new, train @ ..] = numbers.as_slice() else { unreachable!("a reference and samples") };
        let evaluator = Evaluator {
            train: train.first(),
            target: None,
            options: self.options.clone(),
            expressions: self.expressions.clone(),
            ..*self
        };
        let mut found = evaluator.evaluate_numbers(real, new)?;
        let [real, new] = typed::shown([reference, samples], &unseen)?;
        found.by_column = by_column(Points::of(&real)?, Points::of(&new)?, real.columns())?;
        // Of the bits that were scored, which the columns have taken the place of.
        found.notes.retain(|note| !note.starts_with("The shift of the mean has no unit"));
        found.notes.push(
            "Categories and missing cells count as bits of an encoding, which is fitted to the reference; columns with one value in the reference are left out"
                .into(),
        );
        found.notes.extend(typed::unseen_said(&encoded[1], &unseen));
        found.verdict = found.verdict();
        Ok(found)
    }

    fn evaluate_numbers(&self, reference: &Table, samples: &Table) -> Result<Evaluation> {
        let samples = samples.align(reference.columns())?;
        let (scaled, tails) = scale::of_table(reference);
        let units = match self.standardize {
            true => scaled,
            // Differences alone count, and these are exact in f32 about a common center. A score has an origin of its own.
            false if self.expressions.is_empty() => Standardization { scale: vec![1.0; reference.cols()], ..scaled },
            false => Standardization::identity(reference.cols()),
        };
        let target = match (self.expressions.as_slice(), self.source) {
            ([], source) => source.and_then(|source| Target::of(source, &units)),
            (expressions, _) => Some(Target::given(expressions, reference, &units)?),
        };
        let train = self.train.map(|train| units.table(&train.align(reference.columns())?)).transpose()?;
        let (reference, samples) = (units.table(reference)?, units.table(&samples)?);
        let options = Options {
            gpu: Some(self.gpu.clone()),
            target,
            names: reference.columns().to_vec(),
            squash: self.standardize,
            ..self.options.clone()
        };
        let train = train.as_ref().map(Points::of).transpose()?;
        let mut found = evaluate_points(Points::of(&reference)?, Points::of(&samples)?, train, &options)?;
        let mut notes = vec![match self.standardize {
            true => "Distances are in standard deviations of the reference, and logarithmic beyond ten of them".to_string(),
            false => "Distances are in the columns' own units".to_string(),
        }];
        if self.standardize && !tails.is_empty() {
            let columns = tails.join(", ");
            notes.push(format!(
                "Standardized without the outermost 2 % of their rows, which make most of their standard deviation: {columns}"
            ));
        }
        if found.columns > 1 {
            notes.push(format!("Kolmogorov–Smirnov is of column `{}`, the worst", reference.columns()[found.ks.column]));
        }
        notes.append(&mut found.notes);
        found.notes = notes;
        Ok(found)
    }
}
