//! New rows from given columns.

use super::Model;
use super::apply::{CHUNK, SAMPLE_DOMAIN};
use crate::data::{Encoding, Standardization, Table, groups};
use crate::gpu::Recorder;
use crate::words::number;
use crate::{Error, Result};

impl Model {
    /// `each` new rows for every row of `given`, which holds the columns that the model generates from: joint rows, those of one given row together. Of a model trained with
    /// `impute` these are any of its columns.
    ///
    /// # Errors
    /// A given column that is missing; a level that was not there in training; a row that is not finite; a model that generates from nothing.
    pub fn sample_given(&self, given: &Table, each: usize, seed: u64) -> Result<Table> {
        if let Some((encoding, _)) = self.any_given() {
            return self.sample_any_given(encoding, given, each, seed);
        }
        let Some(encoding) = &self.description.encoding else { return self.drawn_given(given, each, seed) };
        let encoded = self.conditions_of(encoding).encode(given, seed)?;
        self.decoded(self.drawn_given(&encoded, each, seed)?, seed)
    }

    /// The encoding of the conditions, where the columns have one: of all columns, where any can be given.
    pub fn condition_encoding(&self) -> Option<Encoding> {
        if let Some((encoding, _)) = self.any_given() {
            return Some(encoding.clone());
        }
        self.description.encoding.as_ref().map(|encoding| self.conditions_of(encoding))
    }

    /// The part of an encoding that is of the conditions: the last columns.
    fn conditions_of(&self, encoding: &Encoding) -> Encoding {
        let given = self.description.parted().1;
        let is_given = |(first, width): (usize, usize)| width > 0 && first >= self.description.columns.len() - given.len();
        let mut first = 0;
        let mut names = Vec::new();
        for (name, width) in encoding.widths() {
            if is_given((first, width)) {
                names.push(name.to_string());
            }
            first += width;
        }
        encoding.select(&names)
    }

    /// The same in columns of numbers ([`Model::sample_numbers`]).
    ///
    /// # Errors
    /// As [`Model::sample_given`].
    pub fn sample_numbers_given(&self, given: &Table, each: usize, seed: u64) -> Result<Table> {
        self.encoded_again(self.drawn_given(given, each, seed)?, seed)
    }

    fn drawn_given(&self, given: &Table, each: usize, seed: u64) -> Result<Table> {
        let (generated, names) = self.description.parted();
        if names.is_empty() {
            return Err(Error::usage("this model has no conditioning columns: leave out the conditions"));
        }
        let given = given.align(names)?;
        self.check_levels(&given)?;
        let (d, k) = (generated.len(), names.len());
        let Standardization { mean, scale } = &self.description.standardization;
        let units = Standardization { mean: mean[d..].to_vec(), scale: scale[d..].to_vec() };
        let standard = units.apply(given.values())?;
        let n = given.rows() * each;
        let drawn = self.generated(&standard, k, each, seed)?;
        let behind = |row: usize| &standard[row / each * k..][..k];
        let values: Vec<f32> = drawn.chunks_exact(d).zip(0..).flat_map(|(drawn, row)| [drawn, behind(row)].concat()).collect();
        let drawn = self.finish(&values, &format!("a sample of {}", self.description.method.name()))?;
        // What was given comes back as it was, not as single precision makes it.
        let rows = (0..n).flat_map(|row| [&drawn.row(row)[..d], given.row(row / each)].concat());
        Ok(Table::new(self.description.columns.iter().cloned(), rows.collect())?.from_origin(drawn.origin()))
    }

    /// The generated columns, in the model's units, of `each` rows for every one of some conditions, of k numbers.
    pub(super) fn generated(&self, conditions: &[f32], k: usize, each: usize, seed: u64) -> Result<Vec<f32>> {
        let (n, d) = (conditions.len() / k * each, self.description.parted().0.len());
        let wanted = |row: usize| &conditions[row.min(n - 1) / each * k..][..k];
        let chunk = n.next_multiple_of(64).min(CHUNK);
        let inputs = self.gpu.zeros(chunk, k)?;
        let mut rec = Recorder::with_domain(&self.gpu, seed, SAMPLE_DOMAIN)?;
        let z = self.begun(&mut rec, chunk)?;
        let behind = rec.tensor(&inputs);
        let z = rec.concat(&[z, behind])?;
        let mut draw: Box<dyn FnMut(usize) -> Result<Vec<f32>>> = match self.adaptive() {
            Some(dynamics) => {
                let mut journey = self.forwards(dynamics, rec, z)?;
                Box::new(move |first| journey.run(&|share| self.tell((first as f64 + share * chunk as f64) / n as f64)))
            }
            None => {
                let (mut step, y) = self.freeze(rec, z)?;
                Box::new(move |first| {
                    step.replay(1)?;
                    self.tell((first + chunk) as f64 / n as f64);
                    step.read(y)
                })
            }
        };
        let mut values = Vec::with_capacity(n * d);
        for first in (0..n).step_by(chunk) {
            inputs.write(&(first..first + chunk).flat_map(wanted).copied().collect::<Vec<f32>>())?;
            for (row, drawn) in (first..n).zip(draw(first)?.chunks_exact(d)) {
                if drawn.iter().any(|v| !v.is_finite()) {
                    return Err(Error::data(format!(
                        "row {row} of the sample is non-finite: its conditions lie too far from the training data"
                    )));
                }
                values.extend_from_slice(drawn);
            }
        }
        Ok(values)
    }

    /// Of which conditions some rows lie outside what training saw, with what it saw: sentences.
    ///
    /// # Errors
    /// A condition that the rows do not have.
    pub fn conditions_outside(&self, rows: &Table) -> Result<Vec<String>> {
        let names = self.description.parted().1;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let rows = rows.align(names)?;
        let said = self.description.condition_ranges.iter().enumerate().filter_map(|(j, &(low, high))| {
            let out: Vec<f64> = rows.column(j).filter(|v| *v < low || *v > high).collect();
            let farthest = out.iter().copied().max_by(|a, b| (low - a).max(a - high).total_cmp(&(low - b).max(b - high)))?;
            let how_many = if rows.rows() == 1 { String::new() } else { format!(" in {} of {} rows", out.len(), rows.rows()) };
            let number = |v: f64| number(v, 4);
            Some(format!(
                "`{}` lies outside of its training range, {} to {}{how_many} (farthest: {}): the model extrapolates there",
                names[j],
                number(low),
                number(high),
                number(farthest)
            ))
        });
        Ok(said.collect())
    }

    /// Refuses rows that have none or two of the levels of a column.
    fn check_levels(&self, given: &Table) -> Result<()> {
        let groups = groups(self.description.parted().1);
        for row in 0..given.rows() {
            for group in groups.iter().filter(|group| !group.levels.is_empty()) {
                let own = &given.row(row)[group.first..][..group.width()];
                let (ones, zeros) = (own.iter().filter(|&&v| v == 1.0).count(), own.iter().filter(|&&v| v == 0.0).count());
                if (ones, zeros) != (1, own.len() - 1) {
                    return Err(Error::data(format!(
                        "row {} of {} has no category of `{}` that the training data have: {}",
                        row + 1,
                        given.origin(),
                        group.column,
                        group.levels.join(", ")
                    )));
                }
            }
        }
        Ok(())
    }
}
