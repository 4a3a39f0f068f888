//! How likely test rows are, beside a fitted Gaussian: what the end of a run and its page say of densities.

use crate::Result;
use crate::data::{Standardization, Table, subset};
use crate::metrics::{LogLikelihood, Points};
use crate::train::Outcome;
use crate::words::number;

/// Rows that are scored at most, a random subset.
const ROWS: usize = 4000;

/// The likelihood of rows under a model and under the Gaussian of its training rows.
pub struct TestLikelihood {
    model: LogLikelihood,
    gaussian: LogLikelihood,
    /// What the model's numbers are, where that has to be said.
    means: String,
    /// What the rows are.
    rows: String,
}

/// Of test rows, under the model that was trained on none of them; none for methods that are not trained by likelihood, or without test rows.
pub fn test_likelihood(outcome: &Outcome) -> Result<Option<TestLikelihood>> {
    let (Some(test), model) = (&outcome.sets.test, outcome.scored()) else { return Ok(None) };
    // The density of an encoding's bits and ranks is not one of the data.
    if model.of_numbers().is_err() || !model.trained_by_likelihood()? {
        return Ok(None);
    }
    let rows = subset(&test.rows, ROWS, model.description().seed);
    let said = match rows.rows() < test.rows.rows() {
        true => format!("{} test rows, drawn at random of {}", rows.rows(), test.rows.rows()),
        false => format!("{} test rows", rows.rows()),
    };
    let given = model.description().conditions;
    let table = model.description().dequantized(&rows, 1);
    let Some(found) = model.log_density(&table)? else { return Ok(None) };
    let values: Vec<f64> = found.values.iter().map(|&v| f64::from(v)).collect();
    // In units of the training rows: far from zero, single precision would not tell them apart.
    let (train, scale) = (&outcome.sets.train, Standardization::fit(&outcome.sets.train));
    let [fitted, scored] = [train, &table].map(|rows| scale.apply(rows.values()));
    let (fitted, scored) = (fitted?, scored?);
    let points = |values, rows: &Table| Points::new(values, rows.rows(), rows.cols());
    let gaussian = LogLikelihood::of_weighted_gaussian(
        (points(&fitted, train)?, train.weights()),
        (points(&scored, &table)?, table.weights()),
        given,
    );
    Ok(Some(TestLikelihood {
        model: LogLikelihood::of_weighted(&values, table.weights(), table.cols() - given),
        gaussian: gaussian.shifted(scale.log_det_of(table.cols() - given), table.cols() - given),
        means: model.learner().density_means().said(),
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

    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "rows": "test", "model": self.model, "gaussian": self.gaussian })
    }
}

/// The mean with its standard error.
pub fn with_error(found: &LogLikelihood) -> String {
    let error = found.standard_error.map_or(String::new(), |e| format!(" ± {}", number(e, 2)));
    format!("{:.4}{error}", found.mean)
}
