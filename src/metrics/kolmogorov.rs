//! Kolmogorov–Smirnov: D = sup |F_n − G_m| between two samples, or sup |F_n − F| to a known distribution.
//!
//! The p-value is the asymptotic one with Stephens's (1970) correction, within 1 % of exact from a dozen rows on: P(D > d) ≈ Q((√e + 0.12 + 0.11/√e)·d),
//! e = nm/(n+m) or n, Q(λ) = 2Σ(−1)^{j−1}e^{−2j²λ²}. The interval is D ± (ε_n + ε_m) by Dvoretzky–Kiefer–Wolfowitz with
//! Massart's constant, ε_n = √(ln(2/α)/2n): it covers at any size. Ties (discrete columns) make the p-value conservative.
//!
//! Of rows with weights F_n steps by their shares s_i, and e is the number for which the bridge varies as F_n − G_m does: with random signs g_i,
//! sup|Σ s_i g_i (1[x_i ≤ t] − F_n(t))| has the null distribution (Kosorok 2008, §10.1), and e makes the two 90 % quantiles agree.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::interval::LEVEL;
use super::threads::map_rows;
use super::{Points, Score, comparable};
use crate::Result;

/// Replicates of the null distribution of rows with weights, and rows of each set that they are made of at most.
const REPLICATES: usize = 400;
const REPLICATED_ROWS: usize = 5_000;
/// Q(λ) is 0.1 here.
const DECILE: f64 = 1.223_847_870_217_82;

/// Each column of `x` against the same column of `y`, as rows weigh.
pub fn columns(x: Points, y: Points) -> Result<Vec<Score>> {
    Ok(gaps(x, y)?.iter().map(|gap| gap.score(1)).collect())
}

/// The score of each column, and which has the largest distance: its p-value and interval hold whichever that is (Bonferroni).
pub fn worst(x: Points, y: Points) -> Result<(Vec<Score>, usize, Score)> {
    let gaps = gaps(x, y)?;
    let worst = (0..gaps.len()).max_by(|&a, &b| gaps[a].value.total_cmp(&gaps[b].value)).unwrap_or_default();
    Ok((gaps.iter().map(|gap| gap.score(1)).collect(), worst, gaps[worst].score(gaps.len())))
}

fn gaps(x: Points, y: Points) -> Result<Vec<Gap>> {
    comparable(x, y, 1)?;
    if x.weights().is_none() && y.weights().is_none() {
        return Ok(map_rows(x.columns(), |j, _: &mut ()| unweighted(&x.column(j), &y.column(j))));
    }
    let shares = [x.shares(), y.shares()];
    let few = [x, y].map(|points| points.chosen(REPLICATED_ROWS, 0));
    Ok(map_rows(x.columns(), |j, _: &mut ()| weighted([&x.column(j), &y.column(j)], &shares, &few)))
}

/// D between two non-empty one-dimensional samples.
pub fn two_sample(x: &[f32], y: &[f32]) -> Score {
    unweighted(x, y).score(1)
}

fn unweighted(x: &[f32], y: &[f32]) -> Gap {
    let (x, y) = (sorted(x), sorted(y));
    let (n, m) = (x.len() as f64, y.len() as f64);
    let (mut i, mut j, mut distance) = (0, 0, 0.0f64);
    while i < x.len() && j < y.len() {
        // Both distribution functions step past a shared value before they are compared, so that ties count once.
        let at = x[i].min(y[j]);
        while i < x.len() && x[i] <= at {
            i += 1;
        }
        while j < y.len() && y[j] <= at {
            j += 1;
        }
        distance = distance.max((i as f64 / n - j as f64 / m).abs());
    }
    let unit = (0.5 / n).sqrt() + (0.5 / m).sqrt();
    Gap { value: distance, effective: n * m / (n + m), unit, bands: 2.0 }
}

/// D of rows with shares of the whole weight; its null distribution by the rows at `few`.
fn weighted(columns: [&[f32]; 2], shares: &[Vec<f64>; 2], few: &[Vec<usize>; 2]) -> Gap {
    let of = |set: usize, rows: &mut dyn Iterator<Item = usize>| -> Vec<Step> {
        rows.map(|i| Step { at: columns[set][i], set, share: shares[set][i] }).collect()
    };
    let [mut all, mut some] = [false, true].map(|subset| {
        let parts = [0, 1].map(|set| match subset {
            true => of(set, &mut few[set].iter().copied()),
            false => of(set, &mut (0..columns[set].len())),
        });
        parts.concat()
    });
    for steps in [&mut all, &mut some] {
        steps.sort_unstable_by(|a, b| a.at.total_cmp(&b.at));
    }
    // Of fewer rows the gap varies more: as the sum of the squared shares.
    let total = |set: usize, power: i32| -> f64 { some.iter().filter(|s| s.set == set).map(|s| s.share.powi(power)).sum() };
    let squares = |set: usize| shares[set].iter().map(|s| s * s).sum::<f64>();
    let sums = [total(0, 1), total(1, 1)];
    let scale = [0, 1].map(|set| (squares(set) / total(set, 2)).sqrt());
    let value = largest_gap(&all, |step| if step.set == 0 { step.share } else { -step.share });
    let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut gaps: Vec<f64> = (0..REPLICATES)
        .map(|_| {
            let signs: Vec<f64> = some.iter().map(|_| if random.random::<bool>() { 1.0 } else { -1.0 }).collect();
            let mut drift = [0.0; 2];
            some.iter().zip(&signs).for_each(|(step, sign)| drift[step.set] += step.share / sums[step.set] * sign);
            let mut at = 0;
            largest_gap(&some, |step| {
                at += 1;
                let moved = scale[step.set] * step.share * (signs[at - 1] - drift[step.set]);
                if step.set == 0 { moved } else { -moved }
            })
        })
        .collect();
    let tenth = REPLICATES / 10;
    let gap = *gaps.select_nth_unstable_by(REPLICATES - 1 - tenth, f64::total_cmp).1;
    // Of a constant column nothing varies.
    let effective = if gap > 0.0 { corrected(DECILE / gap) } else { 1.0 / (squares(0) + squares(1)) };
    // Q(λ) is about 2 exp(−2λ²).
    Gap { value, effective, unit: gap / (DECILE * 2f64.sqrt()), bands: 1.0 }
}

/// The e of which √e + 0.12 + 0.11/√e is this, as its quantile is (1 where there is none, of a row or two).
fn corrected(scale: f64) -> f64 {
    let half = 0.5 * (scale - 0.12);
    (half + (half * half - 0.11).max(0.0).sqrt()).max(1.0).powi(2)
}

/// One row's part of a distribution function.
#[derive(Clone, Copy)]
struct Step {
    at: f32,
    set: usize,
    share: f64,
}

/// sup |Σ steps up to t|, over sorted steps; equal ones count at once.
fn largest_gap(steps: &[Step], mut of: impl FnMut(&Step) -> f64) -> f64 {
    let (mut sum, mut largest) = (0.0, 0.0f64);
    for same in steps.chunk_by(|a, b| a.at == b.at) {
        sum += same.iter().map(&mut of).sum::<f64>();
        largest = largest.max(f64::abs(sum));
    }
    largest
}

/// D between a non-empty sample and a continuous distribution with distribution function `cdf`.
pub fn one_sample(x: &[f32], cdf: impl Fn(f64) -> f64) -> Score {
    let x = sorted(x);
    let n = x.len() as f64;
    let steps = x.iter().enumerate().map(|(i, &v)| {
        let f = cdf(f64::from(v));
        (f - i as f64 / n).max((i + 1) as f64 / n - f)
    });
    Gap { value: steps.fold(0.0, f64::max), effective: n, unit: (0.5 / n).sqrt(), bands: 1.0 }.score(1)
}

/// Q(λ) = P(sup|B| > λ) for the Brownian bridge B (Kolmogorov 1933).
pub fn survival(lambda: f64) -> f64 {
    use std::f64::consts::PI;
    if lambda <= 0.0 {
        return 1.0;
    }
    // Two series for one function: each takes four terms to full precision on its side of 1.18.
    if lambda < 1.18 {
        let step = (-PI * PI / (8.0 * lambda * lambda)).exp();
        let sum = step + step.powi(9) + step.powi(25) + step.powi(49);
        return (1.0 - (2.0 * PI).sqrt() / lambda * sum).clamp(0.0, 1.0);
    }
    let step = (-2.0 * lambda * lambda).exp();
    (2.0 * (step - step.powi(4) + step.powi(9) - step.powi(16))).clamp(0.0, 1.0)
}

/// D, and what is known of it.
struct Gap {
    value: f64,
    /// e of its null distribution.
    effective: f64,
    /// The band round D reaches √ln(2·bands/α) of these, of one distribution function or of two.
    unit: f64,
    bands: f64,
}

impl Gap {
    /// Its p-value and interval, as one of so many.
    fn score(&self, tests: usize) -> Score {
        let (root, tests) = (self.effective.sqrt(), tests as f64);
        let p_value = (tests * survival((root + 0.12 + 0.11 / root) * self.value)).min(1.0);
        let reach = self.unit * (2.0 * self.bands * tests / (1.0 - LEVEL)).ln().sqrt();
        let interval = [(self.value - reach).max(0.0), (self.value + reach).min(1.0)];
        Score { value: self.value, interval: Some(interval), p_value: Some(p_value), ..Score::default() }
    }
}

fn sorted(x: &[f32]) -> Vec<f32> {
    let mut x = x.to_vec();
    x.sort_unstable_by(f32::total_cmp);
    x
}
