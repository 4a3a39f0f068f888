//! The scores that need the types of the columns, beside those of rows as numbers.

use super::Evaluation;
use super::closest::closest;
use super::efficacy::efficacy;
use super::scorecard::scorecard;
use crate::Result;
use crate::data::Table;

/// Adds the scorecard, the efficacy for a target where one is named, and distances to the closest training row where those are given.
///
/// # Errors
/// As [`scorecard`], [`efficacy`] and [`closest`].
pub fn add(
    found: &mut Evaluation,
    reference: &Table,
    samples: &Table,
    train: Option<&Table>,
    (target, seed): (Option<&str>, u64),
) -> Result<()> {
    if train.is_some_and(|train| train.hash() == reference.hash()) {
        found.notes.push(
            "The training rows are the reference's own: efficacy, closest records and membership inference need others as reference"
                .into(),
        );
    }
    found.scorecard = Some(scorecard(reference, samples, seed)?);
    found.efficacy = target.map(|target| efficacy(reference, samples, train, target, seed)).transpose()?;
    found.closest = train.map(|train| closest(reference, samples, train, seed)).transpose()?;
    Ok(())
}
