//! [`Verdict`]: who is nearest to validation rows, and who does not differ significantly from the nearest.

use super::record::{Kind, Record};
use super::scorer::Scorer;
use crate::Result;
use crate::data::Table;
use crate::gpu::Gpu;
use crate::metrics::nearer::{self, Difference, PERMUTATIONS, holm};
use crate::metrics::{Points, Score};
use serde::Serialize;

/// A chance below which a difference is taken for one.
pub const LEVEL: f64 = 0.05;

/// Rows of each set whose labels are changed: all pairs of them are looked at.
const COMPARED: usize = 2_000;

/// A candidate beside the best by one score.
#[derive(Clone, Debug, Serialize)]
pub struct Beside {
    pub name: String,
    #[serde(flatten)]
    pub difference: Difference,
    /// p corrected for the number of candidates (Holm).
    pub corrected_p_value: f64,
}

impl Beside {
    /// Whether it does not differ significantly from the best.
    pub fn is_level(&self) -> bool {
        self.corrected_p_value > LEVEL
    }
}

/// The best by one score, and the others beside it.
#[derive(Clone, Debug, Serialize)]
pub struct Ranking {
    pub best: String,
    pub others: Vec<Beside>,
}

impl Ranking {
    fn of(best: &Record, others: Vec<(String, Difference)>) -> Self {
        let corrected = holm(&others.iter().map(|(_, d)| d.p_value).collect::<Vec<_>>());
        let beside = |((name, difference), corrected_p_value)| Beside { name, difference, corrected_p_value };
        Self { best: best.name.clone(), others: others.into_iter().zip(corrected).map(beside).collect() }
    }

    /// Those that do not differ significantly from the best.
    pub fn level(&self) -> impl Iterator<Item = &str> {
        self.others.iter().filter(|other| other.is_level()).map(|other| other.name.as_str())
    }

    pub fn find(&self, name: &str) -> Option<&Beside> {
        self.others.iter().find(|other| other.name == name)
    }
}

/// What a tour has found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verdict {
    /// By energy distance, with differences of it that are tested by permutation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Ranking>,
    /// By the likelihood of validation rows, with differences in nats a row that are tested by signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likeliest: Option<Ranking>,
}

/// What is kept of a candidate beside its record.
pub struct Kept {
    pub record: Record,
    /// The rows that were scored; none of a candidate that failed.
    pub rows: Option<Table>,
    /// ln of its density at validation rows, where it has one.
    pub log_density: Option<Vec<f64>>,
}

impl Verdict {
    /// Candidates but the training rows themselves.
    pub fn new(gpu: &Gpu, scorer: &Scorer, all: &[Kept]) -> Result<Self> {
        let candidates = || all.iter().filter(|kept| kept.record.kind != Kind::Rows);
        let by = |value: fn(&Kept) -> Option<f64>| {
            candidates().filter_map(|kept| Some((kept, value(kept)?))).min_by(|a, b| a.1.total_cmp(&b.1)).map(|found| found.0)
        };
        let nearest = match by(|kept| kept.record.energy()) {
            None => None,
            Some(best) => {
                let cols = scorer.cols();
                let standard = |kept: &Kept| kept.rows.as_ref().map(|rows| scorer.standard(rows)).transpose();
                let thinned = |values: Vec<f32>| {
                    Ok::<_, crate::Error>(Points::new(&values, values.len() / cols, cols)?.subsample(COMPARED, 0))
                };
                let ours = thinned(standard(best)?.unwrap_or_default())?;
                let mut others = Vec::new();
                for other in candidates().filter(|other| other.record.name != best.record.name) {
                    let Some(theirs) = standard(other)? else { continue };
                    let theirs = thinned(theirs)?;
                    let [a, b] = [&theirs, &ours].map(|values| Points::new(values, values.len() / cols, cols));
                    let found = nearer::energy(gpu, scorer.reference()?, a?, b?, PERMUTATIONS, 0)?;
                    others.push((other.record.name.clone(), found));
                }
                Some(Ranking::of(&best.record, others))
            }
        };
        let likeliest = match by(|kept| Some(-kept.record.likelihood.as_ref()?.mean).filter(|v| v.is_finite())) {
            None => None,
            Some(best) => {
                let ours = best.log_density.as_deref().unwrap_or_default();
                let mut others = Vec::new();
                for other in candidates().filter(|other| other.record.name != best.record.name) {
                    let Some(theirs) = other.log_density.as_deref().filter(|theirs| theirs.len() == ours.len()) else { continue };
                    // A row that is impossible under a model is worse than any number.
                    let finite = |v: &f64| v.max(-1e4);
                    let [a, b] = [ours, theirs].map(|all| all.iter().map(finite).collect::<Vec<_>>());
                    others.push((other.record.name.clone(), nearer::paired(&a, &b, PERMUTATIONS, 0)?));
                }
                Some(Ranking::of(&best.record, others))
            }
        };
        Ok(Self { nearest, likeliest })
    }

    /// The nearest of the methods, which is the one whose model is kept ready.
    pub fn best_method<'a>(records: impl Iterator<Item = &'a Record>) -> Option<&'a Record> {
        let scored = records.filter(|record| record.kind == Kind::Method).filter_map(|record| Some((record, record.energy()?)));
        scored.min_by(|a, b| a.1.total_cmp(&b.1)).map(|found| found.0)
    }
}

/// √E of an energy distance, with the interval's ends; an estimate below zero is zero.
pub fn root(energy: &Score) -> Score {
    let root = |v: f64| v.max(0.0).sqrt();
    Score { interval: energy.interval.map(|ends| ends.map(root)), ..Score::exact(root(energy.value)) }
}

/// The skill 1 − (√E − √E_rows)/(√E_Gaussian − √E_rows): 0 at the fitted Gaussian, 1 at the training rows. None where the Gaussian is no farther.
pub fn skill(value: f64, gaussian: f64, rows: f64) -> Option<f64> {
    let [value, gaussian, rows] = [value, gaussian, rows].map(|v| v.max(0.0).sqrt());
    (gaussian > rows).then(|| 1.0 - (value - rows) / (gaussian - rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tour::{Sets, Terms};
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::seq::SliceRandom;
    use rand_distr::{Distribution, StandardNormal};

    /// Rows of N((shift, 0), I).
    fn normal(rows: usize, shift: f64, seed: u64) -> Vec<f64> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut draw = || -> f64 { StandardNormal.sample(&mut random) };
        (0..rows).flat_map(|_| [shift + draw(), draw()]).collect()
    }

    /// ln of the density of N((shift, 0), I) at the validation rows.
    fn log_density(scorer: &Scorer, shift: f64) -> Vec<f64> {
        let rows = &scorer.sets.validation;
        let squares = |row: &[f64]| (row[0] - shift).powi(2) + row[1].powi(2);
        (0..rows.rows()).map(|i| -0.5 * squares(rows.row(i)) - std::f64::consts::TAU.ln()).collect()
    }

    /// What a tour makes of three candidates on this table: their scores, and the verdict as JSON.
    fn ranked(gpu: &Gpu, table: &Table) -> (Vec<Record>, String) {
        let sets = Sets::split(table, None, None, 3).unwrap();
        let scorer = Scorer::new(gpu, sets, 3).unwrap();
        let terms = Terms {
            version: String::new(),
            adapter: String::new(),
            source: String::new(),
            table_hash: String::new(),
            condition_columns: 0,
            test_hash: String::new(),
            target: String::new(),
            seed: 3,
            budget: 1.0,
            training: String::new(),
        };
        let kept = [("near", 0.1), ("far", 1.5), ("between", 0.7)].map(|(name, shift)| {
            let rows = Table::new(["a", "b"], normal(60, shift, 17)).unwrap();
            let mut record = Record::new(&terms, name, Kind::Method);
            record.scores = Some(scorer.scores(&rows, false).unwrap());
            let nats = log_density(&scorer, shift);
            record.likelihood = Some(crate::metrics::LogLikelihood::of(nats.iter().copied(), 2));
            Kept { record, rows: Some(rows), log_density: Some(nats) }
        });
        let verdict = Verdict::new(gpu, &scorer, &kept).unwrap();
        (kept.map(|kept| kept.record).to_vec(), serde_json::to_string(&verdict).unwrap())
    }

    #[test]
    fn ranks_do_not_depend_on_the_order_of_the_files_rows() {
        let gpu = Gpu::open("auto").unwrap();
        let weights: Vec<f32> = (0..120).map(|i| [1.0, 2.0, 0.5][i % 3]).collect();
        let plain = Table::new(["a", "b"], normal(120, 0.0, 5)).unwrap();
        for table in [plain.clone(), plain.with_weights(weights).unwrap()] {
            let (records, verdict) = ranked(&gpu, &table);
            assert!(verdict.starts_with(r#"{"nearest":{"best":"near""#), "{verdict}");
            let mut order: Vec<usize> = (0..120).collect();
            let reversed: Vec<usize> = order.iter().rev().copied().collect();
            let mut sorted = order.clone();
            sorted.sort_by(|&i, &j| table.row(i)[0].total_cmp(&table.row(j)[0]));
            order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(1));
            for order in [order, reversed, sorted] {
                let (again, same) = ranked(&gpu, &table.select_rows(&order));
                let scores =
                    |all: &[Record]| all.iter().map(|r| (r.name.clone(), r.scores.clone(), r.likelihood)).collect::<Vec<_>>();
                assert_eq!(scores(&again), scores(&records));
                assert_eq!(same, verdict);
            }
        }
    }
}
