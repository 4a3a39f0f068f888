//! How likely rows are that a run has not seen, beside a fitted Gaussian: what its end and its page say of densities.

use pushforward::data::Table;
use pushforward::metrics::{LogLikelihood, Points};
use pushforward::report::number;
use pushforward::train::Outcome;
use pushforward::{Error, Result};

/// Rows that are judged at most.
const ROWS: usize = 4000;

/// The likelihood of rows under a model and under the Gaussian of its training rows.
pub struct Judged {
    /// What the rows are.
    rows: &'static str,
    model: LogLikelihood,
    gaussian: LogLikelihood,
    /// What the model's numbers are, where that has to be said.
    means: String,
}

/// Of fresh rows under the model, or else of held-out rows under the model that has not seen them; none for methods that are not trained by
/// likelihood, or where no row is unseen.
pub fn judged(outcome: &Outcome, fresh: Option<&Table>) -> Result<Option<Judged>, Error> {
    let (rows, table, model) = match (fresh, &outcome.test) {
        (Some(fresh), _) => ("fresh", fresh, &outcome.model),
        (None, Some(test)) => ("held-out", test, outcome.judged()),
        (None, None) => return Ok(None),
    };
    if !model.trained_by_likelihood()? {
        return Ok(None);
    }
    let table = table.select_rows(&(0..table.rows().min(ROWS)).collect::<Vec<_>>());
    let given = model.description().conditions;
    let table = model.description().dequantised(&table, 1);
    let Some(found) = model.log_density(&table)? else { return Ok(None) };
    Ok(Some(Judged {
        rows,
        model: LogLikelihood::of(found.values.iter().map(|&v| f64::from(v)), table.cols() - given),
        gaussian: LogLikelihood::of_gaussian(Points::of(&outcome.train)?, Points::of(&table)?, given),
        means: model.method().density_means().said(),
    }))
}

impl Judged {
    /// One line.
    pub fn said(&self) -> String {
        format!(
            "{} nats a row on {} {} rows ({} bits a dimension{}); a fitted Gaussian {}",
            with_error(&self.model),
            self.model.rows,
            self.rows,
            number(self.model.bits_per_dimension, 4),
            self.means,
            with_error(&self.gaussian)
        )
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "rows": self.rows, "model": self.model, "gaussian": self.gaussian })
    }
}

/// The mean with its standard error.
pub fn with_error(found: &LogLikelihood) -> String {
    let error = found.standard_error.map_or(String::new(), |e| format!(" ± {}", number(e, 2)));
    format!("{:.4}{error}", found.mean)
}
