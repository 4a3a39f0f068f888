//! What the samples of a run are worth to a model that predicts a column: trained on samples, and tested on real rows.

use super::{ROWS, Real, Set};
use crate::data::{Table, by_weight};
use crate::metrics::efficacy::efficacy;
use crate::train::{Outcome, Sets};
use crate::{Error, Result};

/// Adds it to the samples and the baselines, beside models of as many training rows; says why there is none where rows or levels do not allow it.
pub(super) fn add(sets: &mut [Set], outcome: &Outcome, real: &Real, target: &str) -> Result<Option<String>> {
    let description = outcome.model.description();
    let typed = |rows: &Table| match &description.encoding {
        Some(encoding) => encoding.decode(rows, 0),
        None => Ok(rows.clone().without_weights()),
    };
    let Sets { train, validation, test } = &outcome.sets;
    // Without other rows a half of the training rows is the reference: the real rows to learn from are the other half.
    let learned = match test.is_some() || validation.is_some() {
        true => by_weight(train, ROWS, description.seed),
        false => real.beside.clone(),
    };
    let (reference, learned) = (typed(&real.reference)?, typed(&learned)?);
    // The last set are real rows themselves.
    let count = sets.len() - 1;
    for set in &mut sets[..count] {
        match efficacy(&reference, &typed(&set.rows)?, Some(&learned), target, description.seed) {
            Ok(found) => set.scores.efficacy = Some(found),
            Err(Error::Data(why) | Error::Usage(why)) => return Ok(Some(format!("`{target}` is not predicted: {why}."))),
            Err(e) => return Err(e),
        }
    }
    Ok(None)
}
