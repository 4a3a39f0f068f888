//! How likely test rows are, beside a fitted Gaussian: what the end of a run and its page say of densities.

use crate::Result;
use crate::data::{Standardization, Table, subset};
use crate::metrics::likelihood::GivenGaussian;
use crate::metrics::ranking::auc;
use crate::metrics::{LogLikelihood, Points, Score};
use crate::train::Outcome;
use crate::words::number;

/// Rows that are scored at most, a random subset.
const ROWS: usize = 4000;
/// Training rows that are scored besides, for membership inference: the standard error of an AUC beside as many test rows is .013 then, and what they cost is a
/// quarter of the test rows' time at most.
const MEMBERS: usize = 1000;
/// Training rows have another noise than the rows that are scored.
const GAUSSIAN_NOISE: u64 = 0x6761_7573;
const MEMBER_NOISE: u64 = 0x6d65_6d62;

/// The likelihood of rows under a model and under the Gaussian of its training rows.
pub struct TestLikelihood {
    model: LogLikelihood,
    gaussian: LogLikelihood,
    /// What the model's numbers are, where that has to be said.
    means: String,
    /// What the rows are.
    rows: String,
    /// How well training rows are told from test rows by their log-density: the AUC of membership inference; none of rows with weights.
    membership: Option<Score>,
}

/// Of test rows, under the model that was trained on none of them; none for methods that are not trained by likelihood, or without test rows.
pub fn test_likelihood(outcome: &Outcome) -> Result<Option<TestLikelihood>> {
    let (Some(test), model) = (&outcome.sets.test, outcome.scored()) else { return Ok(None) };
    if !model.trained_by_likelihood()? {
        return Ok(None);
    }
    let rows = subset(&test.rows, ROWS, model.description().seed);
    let said = match rows.rows() < test.rows.rows() {
        true => format!("{} test rows, drawn at random of {}", rows.rows(), test.rows.rows()),
        false => format!("{} test rows", rows.rows()),
    };
    let description = model.description();
    let (given, encoding) = (description.conditions, description.encoding.as_ref());
    let table = description.dequantized(&rows, 1);
    let densities = |rows: &Table, numbers: &Table| -> Result<Option<Vec<f64>>> {
        let found = match encoding {
            Some(_) => model.mixed_log_density(rows)?,
            None => model.log_density(numbers)?,
        };
        Ok(found.map(|found| found.values.iter().map(|&v| f64::from(v)).collect()))
    };
    let Some(values) = densities(&rows, &table)? else { return Ok(None) };
    let is_weighted = table.weights().is_some() || outcome.sets.train.weights().is_some();
    let membership = match is_weighted {
        true => None,
        false => {
            let members = subset(&outcome.sets.train, MEMBERS.min(rows.rows()), description.seed);
            let of_members = densities(&members, &description.dequantized(&members, MEMBER_NOISE))?;
            of_members.and_then(|of_members| auc(&of_members, &values))
        }
    };
    // In units of the training rows: far from zero, single precision would not tell them apart.
    let train = match encoding {
        // With the noise that the rows have, which are scored.
        Some(encoding) => encoding.dequantized(&outcome.sets.train, given, GAUSSIAN_NOISE)?.0,
        None => outcome.sets.train.clone(),
    };
    let scale = Standardization::fit(&train);
    let fitted = scale.apply(train.values())?;
    let fitted = GivenGaussian::fit((Points::new(&fitted, train.rows(), train.cols())?, train.weights()), given);
    let log_det = scale.log_det_of(table.cols() - given);
    let of_gaussian = |rows: &Table| -> Result<Vec<f64>> {
        let scored = scale.apply(rows.values())?;
        let found = fitted.log_densities(Points::new(&scored, rows.rows(), rows.cols())?);
        Ok(found.into_iter().map(|value| value + log_det).collect())
    };
    let of_gaussian = match encoding {
        Some(encoding) => {
            let found = encoding.mixed_log_density(&rows, given, |noised| of_gaussian(noised).map(Some))?;
            found.into_iter().flatten().map(|found| found.0).collect()
        }
        None => of_gaussian(&table)?,
    };
    let likelihood = |values: &[f64]| LogLikelihood::of_weighted(values, table.weights(), description.dimensions());
    Ok(Some(TestLikelihood {
        model: likelihood(&values),
        gaussian: likelihood(&of_gaussian),
        means: model.density_said(),
        membership,
        rows: if table.weights().is_some() { format!("{said}, weighted") } else { said },
    }))
}

impl TestLikelihood {
    /// One line.
    pub fn said(&self) -> String {
        format!(
            "{} nats per row on {} ({} bits per dimension{}); a fitted Gaussian {}",
            with_error(&self.model),
            self.rows,
            number(self.model.bits_per_dimension, 4),
            self.means,
            with_error(&self.gaussian)
        )
    }

    /// How well training rows are told from test rows by what the model says of them, in a line.
    pub fn membership_said(&self) -> Option<String> {
        let score = self.membership.as_ref()?;
        let interval = score.interval.map_or(String::new(), |[low, high]| format!(" [{}, {}]", number(low, 2), number(high, 2)));
        Some(format!(
            "training rows are told from test rows by their log-density with an AUC of {}{interval}; 0.5 is chance",
            number(score.value, 3)
        ))
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "rows": "test", "model": self.model, "gaussian": self.gaussian, "membership": self.membership })
    }
}

/// The mean with its standard error.
pub fn with_error(found: &LogLikelihood) -> String {
    let error = found.standard_error.map_or(String::new(), |e| format!(" ± {}", number(e, 2)));
    format!("{:.4}{error}", found.mean)
}
