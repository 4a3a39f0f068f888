//! What a skeptic would try first, beside the samples of a run on a table of any column types.

use std::time::Instant;

use super::{SEED, Scorer, Set};
use crate::Result;
use crate::baselines::cells::{COPULA, Cells, INDEPENDENT, TREES};
use crate::data::{Encoding, by_weight};
use crate::words::{duration, grouped, listed};

/// The share of the training time that baselines may take, and the seconds that they may take at least, where training itself took as long.
const SHARE: f64 = 0.1;
const LEAST: f64 = 5.0;
/// Training rows that baselines are fitted to: with more columns fewer, since a tree looks through all columns before its own.
const ROWS: [usize; 2] = [1_000, 20_000];
const WORK: usize = 20_000_000;

/// Seconds that may be spent.
struct Budget {
    seconds: f64,
    spent: f64,
}

impl Budget {
    /// Of a training that took so many seconds.
    fn of(training: f64) -> Self {
        Self { seconds: (SHARE * training).max(LEAST.min(training)), spent: 0.0 }
    }

    fn allows(&self, expected: f64) -> bool {
        self.spent + expected <= self.seconds
    }
}

/// The baselines' scores, the simplest first, and what is to be said of them. The copula takes the place that a fitted Gaussian has elsewhere; the others are left
/// out where they are expected to take more than their share of the training time.
pub(super) fn scored(scorer: &Scorer, encoding: &Encoding) -> Result<(Vec<Set>, String)> {
    let (outcome, columns) = (scorer.outcome, encoding.types().len());
    let (train, seed) = (&outcome.sets.train, outcome.model.description().seed);
    let rows = (WORK / (columns * columns).max(1)).clamp(ROWS[0], ROWS[1]);
    let fitted = encoding.decode(&by_weight(train, rows, seed), 0)?;
    let mut budget = Budget::of(outcome.seconds);
    let mut expected = 0.0;
    let (mut sets, mut left_out) = (Vec::new(), Vec::new());
    for name in [COPULA, TREES, INDEPENDENT] {
        if !budget.allows(expected) {
            left_out.push(name);
            continue;
        }
        let started = Instant::now();
        let drawn = Cells::fit(name, &fitted, seed).sample(scorer.sampled, SEED)?;
        sets.push(scorer.scored(name, &encoding.encode(&drawn, SEED)?)?);
        expected = started.elapsed().as_secs_f64();
        budget.spent += expected;
    }
    let order = [INDEPENDENT, COPULA, TREES];
    sets.sort_by_key(|set: &Set| order.iter().position(|name| *name == set.name));
    Ok((sets, said(fitted.rows(), train.rows(), &left_out, budget.seconds)))
}

/// What the baselines were fitted to, and which are not there.
fn said(fitted: usize, of: usize, left_out: &[&str], seconds: f64) -> String {
    let few = if fitted < of { format!(", at random of {}", grouped(of)) } else { String::new() };
    let mut said = format!("The baselines are fitted to {} training rows{few}.", grouped(fitted));
    if !left_out.is_empty() {
        said += &format!(
            " For lack of time there is no {}: baselines may take a tenth of the training time, here {} (`tour` scores all of them).",
            listed(left_out),
            duration(seconds)
        );
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baselines_take_a_tenth_of_the_training_time_and_never_more_than_it() {
        assert_eq!(Budget::of(600.0).seconds, 60.0);
        assert_eq!(Budget::of(20.0).seconds, LEAST);
        assert_eq!(Budget::of(1.5).seconds, 1.5);
        let budget = Budget { seconds: 5.0, spent: 3.0 };
        assert!(budget.allows(2.0) && !budget.allows(2.1));
        assert!(said(50, 50, &[], 5.0).ends_with("50 training rows."));
        assert!(said(1000, 5000, &[TREES, INDEPENDENT], 5.0).contains("no autoregressive trees and independent columns: "));
    }
}
