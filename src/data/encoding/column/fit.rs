//! A column fitted: what it is, which states it has, and how its numbers are mapped.

use std::collections::HashSet;

use super::{Coding, EncodedColumn, Kind, Numbers, State, key, values_from};
use crate::Result;
use crate::data::encoding::code::Code;
use crate::data::encoding::quantile::Quantile;
use crate::data::{ColumnType, Table};

/// Share of a column's cells that one value has from which on it is a state of its own, if it also comes so many times as often as the most frequent one that is
/// none.
const ATOM: f64 = 0.05;
const ABOVE_OTHERS: usize = 3;
/// Rows that a state has at least.
const LEAST_ROWS: usize = 10;
/// States of that kind at most.
const MOST_ATOMS: usize = 16;
/// Values at most of a column whose values are all states, because as many multiples of their unit lie between them that never come.
const MOST_LISTED: usize = 32;
/// Whole numbers are as good as continuous where their standard deviation is so many times the unit; below, a value that comes often is one of them like any other.
const FINE: f64 = 10.0;
/// Skewness and excess kurtosis from which on a column goes by ranks: those of the exponential distribution are 2 and 6.
const SKEWED: f64 = 1.5;
const HEAVY: f64 = 5.0;
/// Distinct values below which there is no use in ranks.
const LEAST_DISTINCT: usize = 20;

impl Kind {
    fn of(table: &Table, j: usize) -> Self {
        match (table.levels(j), table.date_form(j), table.integers(j).is_some()) {
            (Some(_), ..) => Self::Level,
            (_, Some(form), _) => Self::Date(form.clone()),
            (_, _, true) => Self::Integer,
            _ => Self::Number(table.number_form(j).cloned().unwrap_or_default()),
        }
    }

    /// What all of these values are multiples of: the largest such number, of whole numbers, dates, and numbers of few decimals.
    fn unit(&self, values: &[f64]) -> Option<f64> {
        let finest = match self {
            Self::Integer => 1.0,
            Self::Date(form) => form.unit() as f64 / 1e6,
            Self::Number(form) => 0.1f64.powi(i32::from(form.decimals?)),
            Self::Level => return None,
        };
        let whole = |value: &f64| (value / finest).round().abs() as u64;
        let common = values.iter().map(whole).fold(0, gcd);
        Some(common.max(1) as f64 * finest)
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Numbers {
    fn fit(values: &[f64], kind: &Kind) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let moment = |k: i32| values.iter().map(|value| (value - mean).powi(k)).sum::<f64>() / n;
        let variance = moment(2);
        let scale = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        let (skewness, kurtosis) = (moment(3) / scale.powi(3), moment(4) / scale.powi(4) - 3.0);
        let unit = kind.unit(values);
        let fine = unit.is_none_or(|unit| scale > FINE * unit);
        let odd = skewness.abs() > SKEWED || kurtosis > HEAVY;
        let mut distinct = values.to_vec();
        distinct.sort_unstable_by(f64::total_cmp);
        let (low, high) = (distinct[0], distinct[distinct.len() - 1]);
        distinct.dedup();
        let quantile = (fine && odd && distinct.len() >= LEAST_DISTINCT).then(|| Quantile::fit(values.to_vec())).flatten();
        Self { low, high, mean, scale, unit, quantile }
    }
}

impl EncodedColumn {
    /// Column `j` of a table, fitted to some of its rows. What the others have is known besides: levels, whether cells are missing, and identifiers.
    /// Levels that fewer than `min_count` of the rows have are pooled.
    pub fn fit(table: &Table, j: usize, rows: &[usize], min_count: usize) -> Result<Self> {
        let ty = table.column_type(j);
        let kind = Kind::of(table, j);
        let missing = |row: usize| table.missing(j).is_some_and(|missing| missing[row]);
        // Only where doubles do not hold them all: others are themselves.
        let base =
            table.exact_integers(j).and_then(|all| (0..table.rows()).filter(|&row| !missing(row)).map(|row| all[row]).min());
        let base = base.unwrap_or(0);
        let counted = values_from(table, j, base);
        let value = |row: usize| counted.as_ref().map_or(table.row(row)[j], |values| values[row]);
        let values: Vec<f64> = rows.iter().filter(|&&row| !missing(row)).map(|&row| value(row)).collect();
        let all = || (0..table.rows()).filter(|&row| !missing(row)).map(value);
        let mut rare = Vec::new();
        let coding = match ty {
            ColumnType::Constant => Coding::Constant { value: all().next() },
            ColumnType::Identifier => {
                let last = table.integers(j).and_then(|all| all.into_iter().max());
                Coding::Identifier { next: last.map(|last| last.saturating_add(1)) }
            }
            _ => {
                let absent = (0..table.rows()).any(missing).then_some(rows.len() - values.len());
                let has_more = || {
                    let own: HashSet<u64> = values.iter().map(|&value| key(value)).collect();
                    rows.len() < table.rows() && all().any(|value| !own.contains(&key(value)))
                };
                let levels = table.levels(j).map_or(0, <[String]>::len);
                let (coding, pooled) = Self::states(&kind, &values, absent, &has_more, (levels, min_count))?;
                rare = pooled;
                coding
            }
        };
        let learned = !matches!(coding, Coding::Identifier { .. });
        let levels = table.levels(j).filter(|_| learned).unwrap_or_default().to_vec();
        Ok(Self { name: table.columns()[j].clone(), ty, kind, levels, base, rare, coding })
    }

    /// The states of these values, and the rare levels with their shares; `absent` of the rows are missing, where any row of the table is, and `has_more` says whether other rows have further values.
    /// Of a column of texts it is known how many levels there are, and how many rows one has at least that is no rare one.
    fn states(
        kind: &Kind,
        values: &[f64],
        absent: Option<usize>,
        has_more: &dyn Fn() -> bool,
        (levels, min_count): (usize, usize),
    ) -> Result<(Coding, Vec<(u32, f64)>)> {
        let mut sorted: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut counts: Vec<(f64, usize)> = sorted.chunk_by(|a, b| key(*a) == key(*b)).map(|own| (own[0], own.len())).collect();
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.total_cmp(&b.0)));
        let often = |count: usize| count >= LEAST_ROWS && count as f64 >= ATOM * values.len() as f64;
        let fine = kind.unit(values).is_none_or(|unit| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
            variance.sqrt() > FINE * unit
        });
        // Few values with gaps between them are a list rather than a scale: nothing between them ever comes.
        let listed = counts.len() <= MOST_LISTED
            && counts.iter().all(|(_, count)| *count >= LEAST_ROWS)
            && kind.unit(values).is_some_and(|unit| {
                let (low, high) =
                    values.iter().fold((f64::MAX, f64::MIN), |(low, high), &value| (low.min(value), high.max(value)));
                (high - low) / unit + 1.0 >= 2.0 * counts.len() as f64
            });
        let mut states = match kind {
            Kind::Level => {
                // A level without a row is a state all the same: other rows may have it.
                let mut all: Vec<(f64, usize)> = (0..levels).map(|code| (code as f64, 0)).collect();
                counts.iter().for_each(|(code, count)| all[*code as usize].1 = *count);
                all
            }
            // Two numbers are two states, and a handful that each come often are no continuum.
            _ if counts.len() <= 2
                || counts.len() <= MOST_ATOMS && matches!(kind, Kind::Number(_)) && counts.iter().all(|c| often(c.1)) =>
            {
                counts.clone()
            }
            _ if listed => counts.clone(),
            _ if fine => {
                let others = |k: usize| counts.get(k).map_or(0, |other| ABOVE_OTHERS * other.1);
                let atoms =
                    (1..=MOST_ATOMS.min(counts.len())).filter(|&k| often(counts[k - 1].1) && counts[k - 1].1 >= others(k));
                counts[..atoms.max().unwrap_or(0)].to_vec()
            }
            _ => Vec::new(),
        };
        // In their own order: a file's rows may come in any.
        states.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut rare: Vec<(f64, usize)> = Vec::new();
        if matches!(kind, Kind::Level) {
            // The most frequent one is never among them: a column of rare levels alone would have nothing to learn.
            let most = counts.first().map(|(code, _)| *code);
            rare = states.iter().copied().filter(|(code, count)| *count < min_count && Some(*code) != most).collect();
        }
        // One alone is a state as good as any.
        match rare.len() {
            0 | 1 => rare.clear(),
            _ => states.retain(|state| !rare.contains(state)),
        }
        let rest: Vec<f64> = match kind {
            Kind::Level => Vec::new(),
            _ => values.iter().copied().filter(|value| states.iter().all(|(atom, _)| atom != value)).collect(),
        };
        let mut all: Vec<(State, usize)> = states.into_iter().map(|(value, count)| (State::Value(value), count)).collect();
        let numbers = match kind {
            Kind::Level => None,
            _ if rest.is_empty() => (!values.is_empty() && has_more()).then(|| Numbers::fit(values, kind)),
            _ => Some(Numbers::fit(&rest, kind)),
        };
        if numbers.is_some() {
            all.push((State::Number, rest.len()));
        }
        if !rare.is_empty() {
            all.push((State::Rare, rare.iter().map(|(_, count)| count).sum()));
        }
        // Half a row more for each, for one that no training row has comes all the same.
        let total: f64 = rare.iter().map(|(_, count)| *count as f64 + 0.5).sum();
        let rare = rare.into_iter().map(|(code, count)| (code as u32, (count as f64 + 0.5) / total)).collect();
        if let Some(absent) = absent {
            all.push((State::Missing, absent));
        }
        let code = Code::new(&all.iter().map(|(_, count)| *count).collect::<Vec<_>>())?;
        Ok((Coding::States { states: all.into_iter().map(|(state, _)| state).collect(), code, numbers }, rare))
    }
}
