//! Random masks, by which one model learns every conditional distribution of a table's columns ([`Masks`]).
//!
//! A training row x becomes (y, m ⊙ x, m, p). In y the columns that are not given are those of x, and so are those that are given, but for methods that are
//! trained by likelihood: a copy of the condition has no density, and a likelihood without bound could learn nothing else. There it has Gaussian noise of a tenth of a standard
//! deviation added, and the likelihood of y is that of the other columns given these, times a factor that is known. For the others the noise is a harm: flow-matching on
//! penguins left 3 % of some columns' cells empty with it, and 0.7 % without, as often as the data do.
//!
//! In a quarter of the rows nothing is said, so that samples of whole rows are learned well. In the others the number of given columns is uniform over 0 to
//! all but one, and which ones, too. In half of these it is said of the other cells whether they are missing: those that are, are given so, and the others have the flag p, as
//! where cells are imputed: p(missing cells | the row's other cells, none of them is missing). To draw until no cell is missing is the same in theory, and makes the
//! mistakes of a model more frequent. A small table is repeated until it has some ten thousand rows, each with a mask and noise of its own.
//! Rows are split into training, validation and test sets before that.

use rand::rngs::ChaCha8Rng;
use rand::seq::index;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

use crate::Result;
use crate::data::{Encoding, Table};
use crate::gpu::{Gpu, Recorder};
use crate::methods::Learner;
use crate::model::{Masks, Told};
use crate::nn::Weights;

/// Masks are not drawn with the random numbers of anything else.
const DOMAIN: u64 = 0x3a5c;
/// A counter domain of its own.
const NOISE_DOMAIN: u32 = 0x3a5c;
/// Validation rows have masks of their own.
pub(super) const VALIDATION_DOMAIN: u64 = 0x3a5c_7a11;
/// The share of rows of which nothing is said.
const NOTHING: f64 = 0.25;
/// The share of the other rows in which it is said of all cells that are not given whether they are missing.
const PRESENT: f64 = 0.5;
/// Standard deviation of the noise of columns that are given, in the model's units, where a method is trained by likelihood.
const NOISE: f32 = 0.1;
/// Rows to which a smaller table is repeated, and numbers at most that they take.
const ROWS: usize = 1 << 15;
const NUMBERS: usize = 1 << 22;

/// Rows with masks.
pub(super) struct Masked {
    /// Row-major: the generated columns, and behind them what is given.
    pub values: Vec<f32>,
    /// Of a table with weights those of the rows.
    pub weights: Option<Vec<f32>>,
}

/// How often the rows of a table are repeated for training.
pub(super) fn copies(masks: &Masks, rows: usize) -> usize {
    let most = ROWS.min(NUMBERS / (masks.columns() + masks.conditions()));
    (most / rows.max(1)).max(1)
}

/// The noise of the columns that are given, for this learner of rows of so many numbers.
///
/// # Errors
/// Whatever keeps a loss from being recorded.
pub(super) fn noise(gpu: &Gpu, learner: &dyn Learner, width: usize) -> Result<f32> {
    let mut rec = Recorder::with_domain(gpu, 0, NOISE_DOMAIN)?;
    let rows = rec.constant(0.0, 1, width)?;
    // One that was not made for data may refuse: its map has no density yet, and would have been asked for one.
    let by_likelihood = learner.held_out_loss(&mut rec, rows, Weights::Averaged).map_or(true, |loss| loss.is_some());
    Ok(if by_likelihood { NOISE } else { 0.0 })
}

/// The rows of an encoded table, `values` in the model's units, so often, with masks by the seed and with noise of this standard deviation in what is given.
///
/// # Errors
/// Columns that the encoding does not have.
pub(super) fn masked(
    encoding: &Encoding,
    (table, values): (&Table, &[f32]),
    copies: usize,
    noise: f32,
    seed: u64,
) -> Result<Masked> {
    let masks = Masks::of(encoding);
    let missing = encoding.missing_cells(table)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ DOMAIN);
    let columns = masks.columns();
    let mut all = Vec::with_capacity(copies * table.rows() * (columns + masks.conditions()));
    for _ in 0..copies {
        for (row, missing) in values.chunks_exact(columns).zip(missing.chunks_exact(masks.cells())) {
            let said = mask(missing, &mut random);
            all.extend(masks.numbers(row, &said).map(|(number, said)| match said {
                Told::Given => number + noise * random.sample::<f32, _>(StandardNormal),
                Told::Nothing | Told::Present => number,
            }));
            masks.write(row, &said, &mut all);
        }
    }
    Ok(Masked { values: all, weights: table.weights().map(|weights| weights.repeat(copies)) })
}

/// What is said of a row's cells, some of which are missing.
fn mask(missing: &[bool], random: &mut ChaCha8Rng) -> Vec<Told> {
    if random.random_bool(NOTHING) {
        return vec![Told::Nothing; missing.len()];
    }
    let present = random.random_bool(PRESENT);
    let hidden = |missing: &bool| match (present, missing) {
        (false, _) => Told::Nothing,
        (true, false) => Told::Present,
        // Where nothing is said of a cell, that must not say that it is missing.
        (true, true) => Told::Given,
    };
    let mut said: Vec<Told> = missing.iter().map(hidden).collect();
    let count = random.random_range(0..said.len());
    index::sample(random, said.len(), count).into_iter().for_each(|at| said[at] = Told::Given);
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;

    #[test]
    fn what_is_given_is_behind_and_what_is_not_is_to_be_generated() {
        let n = 400;
        let table = Table::from_columns([
            Column::numbers("x", (0..n).map(|i| (f64::from(i) * 0.7).sin()).collect()),
            Column::categories("c", (0..n as u32).map(|i| i % 3).collect(), ["a", "b", "c"])
                .unwrap()
                .with_missing((0..n).map(|i| i % 4 == 1).collect())
                .unwrap(),
            Column::numbers("y", (0..n).map(|i| (f64::from(i) * 1.3).cos()).collect()),
        ])
        .unwrap();
        let encoding = Encoding::fit(&table).unwrap();
        let encoded = encoding.encode(&table, 0).unwrap();
        let masks = Masks::of(&encoding);
        // x, two bits and y; these as they are given; a flag for each column, and one more for the column that has missing cells.
        assert_eq!((masks.cells(), masks.columns(), masks.conditions()), (3, 4, 8));
        let copies = copies(&masks, table.rows());
        assert_eq!(copies, 81);
        let rows = masked(&encoding, (&encoded, encoded.single()), copies, NOISE, 1).unwrap().values;
        assert_eq!(rows.len(), copies * 400 * 12);
        let (mut counts, mut present) = ([[0usize; 8]; 2], [0usize; 2]);
        let (mut sum, mut squares, mut noise) = (0.0, 0.0, 0.0);
        for (at, (row, own)) in rows.chunks_exact(12).zip(encoded.single().chunks_exact(4).cycle()).enumerate() {
            let flags: Vec<bool> = row[8..11].iter().map(|flag| *flag == 1.0).collect();
            let is_missing = table.is_missing(at % 400, 1);
            counts[usize::from(is_missing)]
                [flags.iter().enumerate().map(|(at, flag)| usize::from(*flag) << at).sum::<usize>()] += 1;
            for (j, given) in [flags[0], flags[1], flags[1], flags[2]].into_iter().enumerate() {
                assert_eq!(row[4 + j], if given { own[j] } else { 0.0 });
                if given {
                    let added = f64::from(row[j] - own[j]);
                    (sum, squares, noise) = (sum + added, squares + added.powi(2), noise + 1.0);
                } else {
                    assert_eq!(row[j], own[j]);
                }
            }
            // A cell that is given, or missing, is not said to be there.
            assert!(row[11] == 0.0 || !flags[1] && !is_missing);
            if !flags[1] && !is_missing {
                present[usize::from(row[11] == 1.0)] += 1;
            }
        }
        // Nothing is given in ¼ + ¾·⅓ of the rows, one column in ¼, two in ¼, each of the three choices alike; all never.
        // A missing cell that is not given is given all the same in half of the rows of which something is said.
        for (counts, twentyfourths) in counts.iter().zip([[12, 2, 2, 2, 2, 2, 2, 0], [9, 1, 5, 3, 1, 1, 3, 1]]) {
            let total = counts.iter().sum::<usize>() as f64;
            for (&count, share) in counts.iter().zip(twentyfourths.map(|share| f64::from(share) / 24.0)) {
                // Four standard errors.
                assert!((count as f64 / total - share).abs() <= 4.0 * (share * (1.0 - share) / total).sqrt(), "{counts:?}");
            }
        }
        // Not given are ¼ and ¾ · ⅔ of them; half of the second are said to be there.
        let both = (present[0] + present[1]) as f64;
        assert!((present[1] as f64 / both - 1.0 / 3.0).abs() < 4.0 * 0.48 / both.sqrt(), "{present:?}");
        let (mean, deviation) = (sum / noise, (squares / noise).sqrt());
        assert!(
            mean.abs() < 0.4 / noise.sqrt() && (deviation / 0.1 - 1.0).abs() < 4.0 / (2.0 * noise).sqrt(),
            "{mean} {deviation}"
        );
        assert_eq!(rows, masked(&encoding, (&encoded, encoded.single()), copies, NOISE, 1).unwrap().values);
        // Copies where there is no noise.
        let copied = masked(&encoding, (&encoded, encoded.single()), 1, 0.0, 1).unwrap().values;
        let rows = copied.chunks_exact(12).zip(encoded.single().chunks_exact(4));
        rows.for_each(|(row, own)| assert_eq!(row[..4], own[..4]));
        let weighted = encoded.clone().with_weights((0..400).map(|i| i as f32).collect()).unwrap();
        assert_eq!(
            masked(&encoding, (&weighted, encoded.single()), 2, NOISE, 1).unwrap().weights.unwrap()[400..403],
            [0.0, 1.0, 2.0]
        );
    }
}
