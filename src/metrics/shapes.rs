//! Column shapes: how near each column's own distribution is, as SDMetrics 0.32 has it. Missing cells do not count.
//!
//! - `KSComplement` for numbers, whole numbers and dates: 1 − max |F − G| of the empirical distribution functions, numbers rounded to 14 decimals.
//! - `TVComplement` for categories and booleans: 1 − ½ Σ |p − q| over the levels' shares. (SDMetrics adds 10⁻⁶ of a row to each level that only samples have: less
//!   than that over the number of rows.)

use statrs::function::gamma::ln_gamma;

use super::agreement::Difference;
use super::mixed::MixedColumn;

/// The mean of Kolmogorov's distribution, √(π/2) ln 2.
const KOLMOGOROV: f64 = 0.868_731_160_636_159_6;
/// Decimals that SDMetrics rounds numbers to.
const DECIMALS: f64 = 1e14;

/// How far apart the distributions of a column in the first two tables are; none where one has no cell that is there.
pub fn difference(column: &MixedColumn) -> Option<Difference> {
    let cells = [&column.cells[0], &column.cells[1]];
    match &column.levels {
        Some(levels) => {
            let codes = |set: usize| column.codes(set).collect::<Vec<_>>();
            total_variation([&codes(0), &codes(1)], levels.len())
        }
        None => kolmogorov(cells.map(|cells| cells.iter().map(|&value| rounded(value)).collect())),
    }
}

fn rounded(value: f64) -> f64 {
    let scaled = value * DECIMALS;
    if value.fract() == 0.0 || !scaled.is_finite() { value } else { scaled.round_ties_even() / DECIMALS }
}

/// max |F − G| of values of which NaN is missing.
fn kolmogorov(cells: [Vec<f64>; 2]) -> Option<Difference> {
    let sorted = cells.each_ref().map(|cells| {
        let mut sorted: Vec<f64> = cells.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    });
    let rows = sorted.each_ref().map(|sorted| sorted.len() as f64);
    if rows.contains(&0.0) {
        return None;
    }
    let share = |set: usize, at: f64| sorted[set].partition_point(|value| *value <= at) as f64 / rows[set];
    let (mut most, mut place) = (0.0f64, f64::NEG_INFINITY);
    let mut at = [0, 0];
    while at[0] < sorted[0].len() && at[1] < sorted[1].len() {
        let value = sorted[0][at[0]].min(sorted[1][at[1]]);
        for set in [0, 1] {
            at[set] += sorted[set][at[set]..].iter().take_while(|other| **other <= value).count();
        }
        let apart = at[0] as f64 / rows[0] - at[1] as f64 / rows[1];
        if apart.abs() > most.abs() {
            (most, place) = (apart, value);
        }
    }
    let influence = [0, 1].map(|set| {
        let (below, sign) = (share(set, place), if (set == 0) == (most > 0.0) { 1.0 } else { -1.0 });
        let weight = cells[set].len() as f64 / rows[set];
        let of = |value: &f64| match value.is_nan() {
            true => 0.0,
            false => sign * weight * (f64::from(u8::from(*value <= place)) - below),
        };
        cells[set].iter().map(of).collect()
    });
    Some(Difference { value: most.abs(), influence, if_equal: KOLMOGOROV * (1.0 / rows[0] + 1.0 / rows[1]).sqrt() })
}

/// ½ Σ |p − q| of the shares of levels, of rows that have one.
pub fn total_variation(codes: [&[Option<usize>]; 2], levels: usize) -> Option<Difference> {
    let counts = codes.map(|codes| {
        let mut counts = vec![0usize; levels];
        codes.iter().flatten().for_each(|code| counts[*code] += 1);
        counts
    });
    let rows = counts.each_ref().map(|counts| counts.iter().sum::<usize>() as f64);
    if rows.contains(&0.0) {
        return None;
    }
    let shares = [0, 1].map(|set| counts[set].iter().map(|count| *count as f64 / rows[set]).collect::<Vec<f64>>());
    let value = 0.5 * shares[0].iter().zip(&shares[1]).map(|(p, q)| (p - q).abs()).sum::<f64>();
    let signs: Vec<f64> = shares[0].iter().zip(&shares[1]).map(|(p, q)| 0.5 * sign(p - q)).collect();
    let influence = [0, 1].map(|set| {
        let middle: f64 = signs.iter().zip(&shares[set]).map(|(sign, share)| sign * share).sum();
        let weight = codes[set].len() as f64 / rows[set] * if set == 0 { 1.0 } else { -1.0 };
        codes[set].iter().map(|code| code.map_or(0.0, |code| weight * (signs[code] - middle))).collect()
    });
    let if_equal = 0.5 * counts[0].iter().zip(&counts[1]).map(|(a, b)| apart_if_equal((a + b) as f64, rows)).sum::<f64>();
    Some(Difference { value, influence, if_equal })
}

/// E |p − q| of the shares p of n and q of m rows, of which `count` have a level, if which of them are among the n is by chance: N/nm times the mean
/// absolute deviation of a binomial number, 2 ν (c over ν) sᵛ (1 − s)ᶜ⁻ᵛ⁺¹ with s = n/N and ν = ⌊cs⌋ + 1 (De Moivre 1730), less what a level of many of the rows cannot vary.
pub fn apart_if_equal(count: f64, rows: [f64; 2]) -> f64 {
    let all = rows[0] + rows[1];
    let share = rows[0] / all;
    let least = (count * share).floor() + 1.0;
    if count <= 0.0 || least > count {
        return 0.0;
    }
    let chosen = ln_gamma(count + 1.0) - ln_gamma(least + 1.0) - ln_gamma(count - least + 1.0);
    let deviation = 2.0 * least * (chosen + least * share.ln() + (count - least + 1.0) * (1.0 - share).ln()).exp();
    deviation * all / (rows[0] * rows[1]) * (1.0 - count / all).max(0.0).sqrt()
}

/// −1, 0 or 1.
pub fn sign(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value.signum() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::agreement::standard_error;

    #[test]
    fn distribution_functions_and_shares_by_hand() {
        let numbers = |a: &[f64], b: &[f64]| kolmogorov([a.to_vec(), b.to_vec()]);
        // F − G is largest at 2: 2/3 − 1/4, missing cells apart.
        let found = numbers(&[1.0, f64::NAN, 2.0, 9.0], &[2.0, 3.0, 4.0, 5.0]).unwrap();
        assert!((found.value - (2.0 / 3.0 - 0.25)).abs() < 1e-15);
        // √(¾·¼/4 + ⅔·⅓/3), the variances of both shares.
        let expected: f64 = (0.25f64 * 0.75 / 4.0 + 2.0 / 9.0 / 3.0).sqrt();
        assert!((standard_error(&found.influence) - expected).abs() < 1e-15);
        assert!(found.influence.iter().all(|influence| influence.iter().sum::<f64>().abs() < 1e-12));
        assert_eq!(numbers(&[1.0, 2.0], &[1.0, 2.0]).unwrap().value, 0.0);
        assert_eq!(rounded(0.1 + 0.2), rounded(0.3));
        assert!(numbers(&[f64::NAN], &[1.0]).is_none());
        let codes = |codes: &[usize]| codes.iter().map(|code| Some(*code)).collect::<Vec<_>>();
        let found = total_variation([&codes(&[0, 0, 1, 2]), &codes(&[0, 1, 1, 1])], 3).unwrap();
        assert_eq!(found.value, 0.5);
        // Of one row in each of two sets of four: in one of them, and a quarter apart; of two, apart by a half as often as not.
        assert!((apart_if_equal(1.0, [4.0, 4.0]) - 0.25 * (1.0f64 - 0.125).sqrt()).abs() < 1e-12);
        assert!((apart_if_equal(2.0, [4.0, 4.0]) - 0.25 * (1.0f64 - 0.25).sqrt()).abs() < 1e-12);
        // Many rows vary as a normal number does.
        let normal = (0.25 * 0.75 * (1.0 / 4000.0 + 1.0 / 6000.0) * 2.0 / std::f64::consts::PI).sqrt();
        assert!((apart_if_equal(2500.0, [4000.0, 6000.0]) / normal - 1.0).abs() < 1e-3);
        assert!(total_variation([&[None], &[Some(0)]], 1).is_none());
    }
}
