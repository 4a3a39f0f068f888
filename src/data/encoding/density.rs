//! The density of rows of typed columns, from a density of the columns of numbers that stand for them.
//!
//! A model has a density q of the encoded numbers v. A row y is the set of all v that decode to it, so that
//!
//! P(y) = ∫_{v decodes to y} q(v) dv,
//!
//! a probability in categories, missing cells, frequent values and columns with a unit (whole numbers, dates, few decimals), and a density in columns
//! whose numbers may lie anywhere: there v is one point, and its volume is dz/dx. The integral runs over the cell that rounds to the bits and numbers of the encoding,
//! which leaves out what is beyond the outermost ones, and of indicators (`one_hot`) the further cells that decode to the same row. So it is a lower bound, as with any
//! dequantization (Theis, van den Oord & Bethge 2016):
//!
//! P(y) ≥ ∫_cell q(v) dv = E_r[q(v) / r(v)], v ~ r,
//!
//! with r a triangle over the cell, uniform in a fifth of the draws ([`Noise::proposed`]): the ±½ around each bit and the ± half unit around a number with a unit. A state with two words has one of them at random, and r is half as high: a factor of 2. Where a row's state has no number, the column that would hold it is integrated out: r is the standard normal distribution that training
//! rows have there. The mean of q/r over several draws is an unbiased estimate of the integral (Burda, Grosse & Salakhutdinov 2016 for its logarithm, which is below
//! it on average): summed and integrated over all rows it is at most 1. A rare level's probability is that of the state of all rare levels, times its share in it.

use std::f64::consts::{LN_2, TAU};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

use super::column::{Coding, EncodedColumn, Numbers, State};
use super::{Code, Encoding};
use crate::Result;
use crate::data::{Noise, Table, in_words};

/// Draws of noise per row.
const DRAWS: u64 = 16;

impl Encoding {
    /// Encoded rows with noise, one draw of r, and −ln r of each: the mean of q/r over draws is the density of the row. The last `conditions`
    /// columns stay as they are, and have no part in it.
    ///
    /// # Errors
    /// Columns that the encoding does not have.
    pub(crate) fn dequantized(&self, numbers: &Table, conditions: usize, seed: u64) -> Result<(Table, Vec<f64>)> {
        let numbers = numbers.align(&self.names())?;
        let width = numbers.cols();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let learned: Vec<(&EncodedColumn, Vec<u32>)> =
            self.columns.iter().filter(|column| column.width() > 0).map(|column| (column, column.states_of_words())).collect();
        let mut values = numbers.values().to_vec();
        let mut factors = Vec::with_capacity(numbers.rows());
        for row in values.chunks_exact_mut(width.max(1)) {
            let (mut rest, mut factor) = (&mut row[..width - conditions], 0.0);
            for (column, states) in &learned {
                if rest.is_empty() {
                    break;
                }
                let (own, behind) = rest.split_at_mut(column.width());
                factor += column.dequantize(own, states, &mut random);
                rest = behind;
            }
            factors.push(factor);
        }
        let noised = Table::new(numbers.columns().iter().cloned(), values)?.from_origin(numbers.origin());
        let noised = match numbers.weights() {
            Some(weights) => noised.with_weights(weights.to_vec())?,
            None => noised,
        };
        Ok((noised, factors))
    }

    /// ln of the mean of q/r over [`DRAWS`] draws, with its standard error, for each of some encoded rows; `log_density` is ln q, of a table of numbers.
    ///
    /// # Errors
    /// As [`Encoding::dequantized`], and those of `log_density`.
    pub(crate) fn mixed_log_density(
        &self,
        numbers: &Table,
        conditions: usize,
        mut log_density: impl FnMut(&Table) -> Result<Option<Vec<f64>>>,
    ) -> Result<Option<Vec<(f64, f64)>>> {
        let mut terms = vec![Vec::with_capacity(DRAWS as usize); numbers.rows()];
        for draw in 0..DRAWS {
            let (noised, factors) = self.dequantized(numbers, conditions, draw)?;
            let Some(found) = log_density(&noised)? else { return Ok(None) };
            for (row, ((terms, value), factor)) in terms.iter_mut().zip(found).zip(factors).enumerate() {
                terms.push(value + factor + numbers.pooled.as_ref().map_or(0.0, |pooled| pooled[row]));
            }
        }
        Ok(Some(terms.iter().map(|terms| log_mean_exp(terms)).collect()))
    }

    /// What the numbers of [`Encoding::mixed_log_density`] are.
    pub(crate) fn density_said(&self, conditions: usize) -> String {
        let names = self.generated(conditions).filter(|column| column.is_continuous()).map(|column| column.name.clone());
        let names = names.collect::<Vec<_>>();
        let densities = if names.is_empty() { String::new() } else { format!(", and densities of {}", in_words(&names)) };
        format!(
            ", a lower bound by {DRAWS} draws of noise per row; probabilities of categories, missing cells and rounded numbers{densities}"
        )
    }

    /// The columns that are learned and no conditions, which take this many columns of numbers.
    fn generated(&self, conditions: usize) -> impl Iterator<Item = &EncodedColumn> {
        let width: usize = self.columns.iter().map(EncodedColumn::width).sum();
        let mut at = 0;
        self.columns.iter().filter(|column| column.width() > 0).take_while(move |column| {
            at += column.width();
            at <= width - conditions
        })
    }

    /// How many columns are learned and no conditions.
    pub(crate) fn dimensions(&self, conditions: usize) -> usize {
        self.generated(conditions).count()
    }
}

/// ln of the mean of eᵗ and its standard error, by the delta method; −∞ where all are.
fn log_mean_exp(terms: &[f64]) -> (f64, f64) {
    let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return (most, 0.0);
    }
    let n = terms.len() as f64;
    let mean = terms.iter().map(|term| (term - most).exp()).sum::<f64>() / n;
    let variance = terms.iter().map(|term| ((term - most).exp() - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (most + mean.ln(), (variance / n).sqrt() / mean)
}

impl EncodedColumn {
    /// Whether a row has a density in its numbers, in the column's own units; in all other columns it has a probability.
    fn is_continuous(&self) -> bool {
        matches!(&self.coding, Coding::States { numbers: Some(numbers), .. } if numbers.unit.is_none())
    }

    fn states_of_words(&self) -> Vec<u32> {
        match &self.coding {
            Coding::States { code, .. } => code.states_of_words(),
            _ => Vec::new(),
        }
    }

    /// Writes noise over the numbers of one row, as the encoding writes them, and gives −ln r of it.
    fn dequantize(&self, own: &mut [f64], of_words: &[u32], random: &mut ChaCha8Rng) -> f64 {
        let Coding::States { states, code, numbers } = &self.coding else { return 0.0 };
        let (number, bits) = own.split_at_mut(usize::from(numbers.is_some()));
        let at = Code::read(of_words, bits);
        let mut words = Vec::with_capacity(bits.len());
        code.write(at, || random.random(), &mut words);
        let mut of_word = if code.words(at).count() == 2 { LN_2 } else { 0.0 };
        for (bit, word) in bits.iter_mut().zip(words) {
            let (noise, factor) = Noise::proposed(random);
            *bit = word + noise;
            of_word += factor;
        }
        let of_number = match (numbers, states[at]) {
            (Some(numbers), State::Number) => numbers.dequantize(&mut number[0], random),
            (Some(_), _) => {
                let z: f64 = random.sample(StandardNormal);
                number[0] = z;
                0.5 * (z * z + TAU.ln())
            }
            (None, _) => 0.0,
        };
        of_word + of_number
    }
}

impl Numbers {
    /// The same for a number: the volume of its box, or dz/dx where it has no unit.
    fn dequantize(&self, z: &mut f64, random: &mut ChaCha8Rng) -> f64 {
        match (&self.quantile, self.unit) {
            (None, None) => -self.scale.ln(),
            (None, Some(unit)) => {
                let width = unit / self.scale;
                let (noise, factor) = Noise::proposed(random);
                *z += width * noise;
                width.ln() + factor
            }
            (Some(quantile), None) => quantile.forward(quantile.inverse(*z)).1,
            (Some(quantile), Some(unit)) => {
                // Encoded with noise of its own, which is drawn anew.
                let value = (quantile.inverse(*z) / unit).round() * unit;
                let (noised, slope) = quantile.forward(value + unit * random.random_range(-0.5..0.5));
                *z = noised;
                slope + unit.ln()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::*;
    use crate::data::Column;
    use crate::data::number_form::NumberForm;

    /// A category of three levels, one of which has two words; a whole number; a skewed number that is often zero or missing; one of two decimals.
    fn table() -> Table {
        let rows = 300usize;
        let at = |i: usize| (i * 101 % rows) as f64 / rows as f64;
        let sum: Vec<f64> = (0..rows).map(|i| if i % 5 == 0 { 0.0 } else { (4.0 * at(i)).exp() + 1e-7 * at(i * i) }).collect();
        Table::from_columns([
            Column::categories("level", (0..rows).map(|i| [0, 0, 1, 2][i % 4]).collect(), ["a", "b", "c"]).unwrap(),
            Column::integers("count", (0..rows).map(|i| (9.0 * at(i * 7)) as i64).collect()),
            Column::numbers("sum", sum).with_missing((0..rows).map(|i| i % 7 == 1).collect()).unwrap(),
            Column::numbers("cents", (0..rows).map(|i| (at(i * 3).powi(6) * 1e6).round() / 100.0).collect())
                .with_form(NumberForm { decimals: Some(2), ..NumberForm::default() }),
        ])
        .unwrap()
    }

    /// Under independent normal columns of mean 0.3: the probability of a row's boxes, in closed form.
    fn exact(encoding: &Encoding, numbers: &Table, row: usize) -> f64 {
        let normal = Normal::new(0.3, 1.0).unwrap();
        let interval = |low: f64, high: f64| normal.cdf(high) - normal.cdf(low);
        let (mut at, mut product) = (0, 1.0);
        for column in &encoding.columns {
            let Coding::States { states, code, numbers: own } = &column.coding else { continue };
            let first = at + usize::from(own.is_some());
            let state = Code::read(&code.states_of_words(), &numbers.row(row)[first..first + code.width()]);
            let of_word = |word: u32| {
                (0..code.width()).map(|bit| f64::from(word >> bit & 1)).map(|bit| interval(bit - 0.5, bit + 0.5)).product::<f64>()
            };
            product *= code.words(state).map(of_word).sum::<f64>();
            if let (Some(own), State::Number) = (own, states[state]) {
                let z = numbers.row(row)[at];
                product *= match (&own.quantile, own.unit) {
                    (None, Some(unit)) => interval(z - unit / own.scale / 2.0, z + unit / own.scale / 2.0),
                    (Some(quantile), Some(unit)) => {
                        let value = (quantile.inverse(z) / unit).round() * unit;
                        interval(quantile.forward(value - unit / 2.0).0, quantile.forward(value + unit / 2.0).0)
                    }
                    (quantile, None) => {
                        let density = (-0.5 * (z - 0.3).powi(2)).exp() / TAU.sqrt();
                        density * quantile.as_ref().map_or(1.0 / own.scale, |map| map.forward(map.inverse(z)).1.exp())
                    }
                };
            }
            at = first + code.width();
        }
        product
    }

    #[test]
    fn the_mean_over_noise_is_the_probability_of_the_boxes() {
        let encoding = Encoding::fit(&table()).unwrap();
        assert_eq!(encoding.generated(0).filter(|column| column.is_continuous()).count(), 1, "the sums alone");
        assert!(encoding.density_said(0).ends_with("densities of sum"));
        let numbers = encoding.encode(&table().select_rows(&(0..40).collect::<Vec<_>>()), 3).unwrap();
        let (draws, width) = (4000, numbers.cols() as f64);
        let (mut sums, mut squares) = (vec![0.0; 40], vec![0.0; 40]);
        for draw in 0..draws {
            let (noised, factors) = encoding.dequantized(&numbers, 0, draw).unwrap();
            for row in 0..40 {
                let square: f64 = noised.row(row).iter().map(|v| (v - 0.3).powi(2)).sum();
                let term = (factors[row] - 0.5 * (square + width * TAU.ln())).exp();
                sums[row] += term;
                squares[row] += term * term;
            }
        }
        for row in 0..40 {
            let mean = sums[row] / draws as f64;
            let error = ((squares[row] / draws as f64 - mean * mean) / draws as f64).sqrt();
            let exact = exact(&encoding, &numbers, row);
            // Of 40 rows, none beyond four and a half standard errors: 0.03 % of the time.
            assert!((mean - exact).abs() < 4.5 * error + 1e-12, "row {row}: {mean} ± {error} for {exact}");
        }
    }

    #[test]
    fn conditions_stay_and_have_no_part() {
        let encoding = Encoding::fit(&table()).unwrap();
        let numbers = encoding.encode(&table(), 3).unwrap();
        // The last column is of cents.
        let given = encoding.widths()[3].1;
        assert_eq!(encoding.dimensions(given), 3);
        let (noised, _) = encoding.dequantized(&numbers, given, 5).unwrap();
        for row in 0..numbers.rows() {
            let (was, is) = (numbers.row(row), noised.row(row));
            assert_eq!(was[was.len() - given..], is[is.len() - given..]);
            // The level's bits and the whole number.
            assert!(was[..3].iter().zip(is).all(|(a, b)| a != b));
        }
    }

    #[test]
    fn the_probability_of_a_rare_level_is_its_share_of_the_state_of_all() {
        // Two levels of 50 rows, and four of one to four: the first three are pooled, of 1.5, 2.5 and 3.5 of 7.5 parts.
        let counts = [50u32, 50, 1, 2, 3, 4];
        let codes = counts.iter().zip(0..).flat_map(|(&n, code)| vec![code; n as usize]).collect();
        let mut table = Table::from_columns([Column::categories("c", codes, ["a", "b", "p", "q", "r", "s"]).unwrap()]).unwrap();
        table.form.min_count = 4;
        let encoding = Encoding::fit(&table).unwrap();
        let places: Vec<usize> = [0, 50, 100, 101, 103, 106].to_vec();
        let numbers = encoding.encode(&table, 1).unwrap().select_rows(&places);
        let gaussian = |rows: &Table| {
            let of = |row: usize| rows.row(row).iter().map(|v| -0.5 * ((v - 0.3).powi(2) + TAU.ln())).sum();
            Ok(Some((0..rows.rows()).map(of).collect()))
        };
        let found = encoding.mixed_log_density(&numbers, 0, gaussian).unwrap().unwrap();
        let shares = [1.0, 1.0, 0.2, 1.0 / 3.0, 7.0 / 15.0, 1.0];
        for (row, share) in shares.into_iter().enumerate() {
            let wanted = (exact(&encoding, &numbers, row) * share).ln();
            let (value, error) = found[row];
            assert!((value - wanted).abs() < 5.0 * error, "level {row}: {value} ± {error} for {wanted}");
        }
        // All levels together have no more than all there is.
        let sum: f64 = found.iter().map(|(value, _)| value.exp()).sum();
        assert!(sum < 1.0, "{sum}");
    }

    #[test]
    fn a_mean_in_logarithms() {
        let (value, error) = log_mean_exp(&[-1000.0, -1000.0 + 3f64.ln()]);
        assert!((value - (2f64.ln() - 1000.0)).abs() < 1e-12 && (error - 0.5).abs() < 1e-12, "{value} ± {error}");
        assert_eq!(log_mean_exp(&[f64::NEG_INFINITY; 3]), (f64::NEG_INFINITY, 0.0));
    }
}
