//! How likely a model says rows are, and whether it was trained to say so.

use super::Model;
use super::apply::{REPELLED, SAMPLE_DOMAIN};
use super::integrate::Journey;
use crate::data::Table;
use crate::gpu::Recorder;
use crate::methods::Meaning;
use crate::nn::Weights;
use crate::{Error, Result};
use std::cell::Cell;

/// Standard deviations of the data from which on the density of a row is none to single precision.
pub const FAR: f32 = 1e6;
/// Standard deviations from which on a row that a map takes to no finite place has no density.
pub const AWAY: f32 = 20.0;

/// ln of a model's density at rows, in the data's own units.
#[derive(Clone, Debug)]
pub struct LogDensity {
    pub values: Vec<f32>,
    /// The standard error of each, where the divergence was estimated by random probes, or noise was drawn.
    pub errors: Option<Vec<f32>>,
    /// Whether the values are lower bounds, on average over what was drawn at random.
    pub lower_bound: bool,
}

impl Model {
    /// ln of the model's density at each row, in the data's own units; none where the method has no density. It is finite, or −∞ for rows that single
    /// precision loses: all beyond [`FAR`] standard deviations of the data, and those beyond [`AWAY`] that the map takes to no finite place.
    ///
    /// Where the data have categories, missing cells or rounded numbers, it is a lower bound of a mixed density: a probability in those, times a density in the
    /// columns of other numbers, of which 16 draws of noise are averaged.
    ///
    /// # Errors
    /// Rows of other columns than the model's, or with a category that it does not know; a row that is not finite; a row nearer than that which the field takes
    /// to infinity.
    pub fn log_density(&self, rows: &Table) -> Result<Option<LogDensity>> {
        match &self.description.encoding {
            Some(encoding) => self.mixed_log_density(&encoding.encode(rows, 0)?),
            None => self.log_density_of_numbers(rows),
        }
    }

    /// The same of rows that are encoded already.
    pub(crate) fn mixed_log_density(&self, encoded: &Table) -> Result<Option<LogDensity>> {
        let Some(encoding) = &self.description.encoding else { return self.log_density_of_numbers(encoded) };
        // What all rows share does not show in the spread of the draws.
        let mut shared = None;
        let found = encoding.mixed_log_density(encoded, self.description.conditions, |noised| {
            let Some(found) = self.log_density_of_numbers(noised)? else { return Ok(None) };
            if matches!(self.learner.density_means(), Meaning::Normalized { .. }) {
                shared = found.errors.as_ref().and_then(|errors| errors.first().copied());
            }
            Ok(Some(found.values.into_iter().map(f64::from).collect()))
        })?;
        let Some(found) = found else { return Ok(None) };
        let error = |error: f64| error.hypot(shared.map_or(0.0, f64::from)) as f32;
        Ok(Some(LogDensity {
            values: found.iter().map(|found| found.0 as f32).collect(),
            errors: Some(found.iter().map(|found| error(found.1)).collect()),
            lower_bound: true,
        }))
    }

    /// What to say beside a mean of log-densities; empty where nothing has to be said.
    pub fn density_said(&self) -> String {
        let of_method = self.learner.density_means().said();
        let conditions = self.description.conditions;
        let of_encoding = self.description.encoding.as_ref().map(|encoding| encoding.density_said(conditions));
        of_encoding.unwrap_or_default() + &of_method
    }

    fn log_density_of_numbers(&self, rows: &Table) -> Result<Option<LogDensity>> {
        if self.repels() {
            return Err(Error::usage(REPELLED));
        }
        let mut values = self.standard(rows)?;
        let cols = self.width();
        let generated = self.description.parted().0.len();
        if let Some(bad) = rows.values().iter().position(|v| !v.is_finite()) {
            return Err(Error::data(format!(
                "row {} of {} holds {}: a density needs finite rows",
                bad / rows.cols() + 1,
                rows.origin(),
                rows.values()[bad]
            )));
        }
        let size = |row: &[f32]| row[..generated].iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let sizes: Vec<f32> = values.chunks_exact(cols).map(size).collect();
        // What is far would have an integration of all rows follow it.
        for (row, &size) in values.chunks_exact_mut(cols).zip(&sizes) {
            if size > FAR {
                row[..generated].fill(0.0);
            }
        }
        self.keep_solved(None);
        let estimated = Cell::new(false);
        let density = |rec: &mut Recorder, x| {
            let Some(density) = self.learner.log_density(rec, x, Weights::Averaged)? else { return Ok(None) };
            estimated.set(density.error.is_some());
            match density.error {
                Some(error) => rec.concat(&[density.value, error]).map(Some),
                None => Ok(Some(density.value)),
            }
        };
        let fixed = |values: &[f32]| self.by_chunks(values, cols, density);
        let found = match (self.accurate(), self.adaptive()) {
            (Some(dynamics), _) => {
                estimated.set(dynamics.probes() > 1);
                let width = if estimated.get() { 2 } else { 1 };
                let solve = |values: &[f32]| self.solve(values, cols, dynamics, |rec, x| self.densities(dynamics, rec, x));
                // Rows far from the data would have all others wait for them, or be lost with them.
                let (near, away): (Vec<usize>, Vec<usize>) = (0..sizes.len()).partition(|&i| sizes[i] <= AWAY);
                let of = |rows: &[usize]| rows.iter().flat_map(|&i| &values[i * cols..][..cols]).copied().collect::<Vec<f32>>();
                let far = if away.is_empty() {
                    Vec::new()
                } else {
                    solve(&of(&away)).or_else(|_| Ok(fixed(&of(&away))?.unwrap_or_default()))?
                };
                let close = solve(&of(&near))?;
                let mut found = vec![0.0; width * sizes.len()];
                for (rows, values) in [(&near, &close), (&away, &far)] {
                    for (&i, value) in rows.iter().zip(values.chunks_exact(width)) {
                        found[width * i..][..width].copy_from_slice(value);
                    }
                }
                found
            }
            (None, Some(dynamics)) => {
                estimated.set(dynamics.probes() > 1);
                self.in_chunks(&values, cols, |rec, x| self.densities(dynamics, rec, x), Journey::run)?
            }
            (None, None) => {
                let Some(found) = fixed(&values)? else { return Ok(None) };
                found
            }
        };
        let log_det = self.description.standardization.log_det_of(generated);
        let width = if estimated.get() { 2 } else { 1 };
        let column = |k: usize| found.iter().skip(k).step_by(width).copied();
        let mut found: Vec<f32> = column(0).map(|value| (f64::from(value) + log_det) as f32).collect();
        let lost = |(value, &size): (&f32, &f32)| size > FAR || size > AWAY && !value.is_finite();
        let lost: Vec<bool> = found.iter().zip(&sizes).map(lost).collect();
        found.iter_mut().zip(&lost).filter(|(_, lost)| **lost).for_each(|(value, _)| *value = 0.0);
        self.all_finite(&found, 1, &values, "log-density")?;
        found.iter_mut().zip(&lost).filter(|(_, lost)| **lost).for_each(|(value, _)| *value = f32::NEG_INFINITY);
        Ok(Some(LogDensity {
            values: found,
            errors: estimated.get().then(|| column(1).zip(&lost).map(|(e, lost)| if *lost { 0.0 } else { e }).collect()),
            lower_bound: matches!(self.learner.density_means(), Meaning::LowerBound { .. }),
        }))
    }

    /// Whether the method is trained, and judged, by the likelihood of rows or a bound of it.
    pub fn trained_by_likelihood(&self) -> Result<bool> {
        let mut rec = Recorder::with_domain(&self.gpu, 0, SAMPLE_DOMAIN)?;
        let rows = rec.constant(0.0, 1, self.width())?;
        Ok(self.learner.held_out_loss(&mut rec, rows, Weights::Averaged)?.is_some())
    }

    /// What training maximizes at each row, in nats of the data's own units ([`Learner::held_out_loss`](crate::methods::Learner::held_out_loss) with the
    /// other sign); none for a method that is not trained by likelihood.
    ///
    /// # Errors
    /// As [`Model::log_density`].
    pub fn trained_bound(&self, rows: &Table) -> Result<Option<Vec<f32>>> {
        let Some(encoding) = &self.description.encoding else { return self.trained_bound_of_numbers(rows) };
        let encoded = encoding.encode(rows, 0)?;
        let bound =
            |noised: &Table| Ok(self.trained_bound_of_numbers(noised)?.map(|found| found.into_iter().map(f64::from).collect()));
        let found = encoding.mixed_log_density(&encoded, self.description.conditions, bound)?;
        Ok(found.map(|found| found.into_iter().map(|found| found.0 as f32).collect()))
    }

    fn trained_bound_of_numbers(&self, rows: &Table) -> Result<Option<Vec<f32>>> {
        let values = self.standard(rows)?;
        let cost = |rec: &mut Recorder, x| self.learner.held_out_loss(rec, x, Weights::Averaged);
        let Some(costs) = self.by_chunks(&values, self.width(), cost)? else { return Ok(None) };
        let generated = self.description.columns.len() - self.description.conditions;
        let log_det = self.description.standardization.log_det_of(generated);
        Ok(Some(costs.into_iter().map(|cost| (log_det - f64::from(cost)) as f32).collect()))
    }
}
