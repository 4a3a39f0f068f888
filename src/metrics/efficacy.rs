//! Machine-learning efficacy: what a model that is trained on samples is worth on real rows ("train on synthetic, test on real", Esteban, Hyland & Rätsch 2017), beside one of
//! as many real rows.
//!
//! Gradient-boosted trees (`metrics::trees`) predict a target column from all others: one model of two classes, one for each of more classes against the rest, or one of the
//! squared error. Both models see the same number of rows, and both are scored on test rows that neither has seen. A missing cell is below all
//! numbers, and a level of its own; test rows without the target do not count.
//!
//! Accuracy, F1 (the unweighted mean over classes), AUC (of more than two classes the mean of each against the rest) and R² are as scikit-learn has them. The intervals are percentiles of 500
//! bootstrap samples of the test rows, the same for both models: they say how certain the scores of these two models are, not how much
//! other training rows would change them.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::mixed::{Mixed, MixedColumn};
use super::threads::map_rows;
use super::trees::{Binned, Loss, Trees};
use super::{Points, Score};
use crate::data::{ColumnType, Table, nearest};
use crate::words::count;
use crate::{Error, Result};

/// Rows that a model is trained on, and test rows, at most.
const TRAINING_ROWS: usize = 20_000;
const TEST_ROWS: usize = 10_000;
/// Rows of each set at least.
const LEAST_ROWS: usize = 20;
/// Classes at most.
const CLASSES: usize = 50;
/// Bootstrap samples.
const REPLICATES: usize = 500;
/// Below all numbers of a column, which lie in 0 to 1.
const MISSING: f32 = -1.0;

/// How well a column is predicted by models of samples and of real rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Efficacy {
    /// The column.
    pub target: String,
    /// Rows that each model was trained on, and that it was scored on.
    pub training_rows: usize,
    pub test_rows: usize,
    /// Accuracy, F1 and AUC of classes; R² of numbers.
    pub scores: Vec<EfficacyScore>,
}

/// One score of both models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EfficacyScore {
    /// `accuracy`, `f1`, `auc` or `r2`.
    pub score: String,
    /// Of the model of samples, and of the model of real rows.
    pub samples: Score,
    pub real: Score,
    /// The first over the second; none where that is not above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Score>,
}

/// The efficacy of samples for predicting `target`; `train` are other real rows than `test`. Without them, a random half of `test` takes their place.
///
/// # Errors
/// A target that is not there, is an identifier or has one value; no other column; fewer than 20 rows of a set; more than 50 classes.
pub fn efficacy(test: &Table, samples: &Table, train: Option<&Table>, target: &str, seed: u64) -> Result<Efficacy> {
    check(test, target)?;
    let mut tables = Mixed::of(&[test, samples, train.unwrap_or(test)], seed)?;
    let at = tables.columns.iter().position(|column| column.name == target).expect("a column that is learned");
    if tables.columns.len() < 2 {
        return Err(Error::usage(format!("there is no column to predict `{target}` from")));
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0xEFF1_CAC4);
    let mut known: Vec<Vec<usize>> = (0..3)
        .map(|set| {
            let cells = &tables.columns[at].cells[set];
            let mut rows: Vec<usize> = (0..cells.len()).filter(|&row| !cells[row].is_nan()).collect();
            rows.shuffle(&mut random);
            rows
        })
        .collect();
    if train.is_none() {
        let half = known[0].len().div_ceil(2);
        known[2] = known[0].split_off(half);
    }
    let training_rows = known[1].len().min(known[2].len()).min(TRAINING_ROWS);
    known[0].truncate(TEST_ROWS);
    known[1..].iter_mut().for_each(|rows| rows.truncate(training_rows));
    let test_rows = known[0].len();
    if training_rows.min(test_rows) < LEAST_ROWS {
        return Err(Error::data(format!(
            "{} of training and {} of test with a value of `{target}` are too few to learn from: give at least {LEAST_ROWS} of each",
            count(training_rows, "row"),
            count(test_rows, "row")
        )));
    }
    known.iter().enumerate().for_each(|(set, rows)| tables.select(set, rows));
    let predicted = tables.columns.remove(at);
    let data = Features::of(&tables)?;
    let rows = |set: usize| data.rows[set].clone().map(|row| row as u32).collect::<Vec<u32>>();
    let (sets, tested) = ([rows(1), rows(2)], data.rows[0].clone());
    let scores = match &predicted.levels {
        Some(levels) => of_classes(&data.binned, &predicted, levels.len(), &sets, tested, seed)?,
        None => of_numbers(&data.binned, &predicted, &sets, tested, seed),
    };
    Ok(Efficacy { target: target.into(), training_rows, test_rows, scores })
}

/// Whether a column can be predicted.
///
/// # Errors
/// A column that is not there, is an identifier, has one value, or more than 50 levels.
pub fn check(test: &Table, target: &str) -> Result<()> {
    let types: Vec<(&str, ColumnType)> =
        test.columns().iter().enumerate().map(|(j, name)| (name.as_str(), test.column_type(j))).collect();
    check_type(&types, test.origin(), target)?;
    match test.levels(test.index_of(target)?).map_or(0, <[String]>::len) {
        levels if levels > CLASSES => Err(too_many(target, levels)),
        _ => Ok(()),
    }
}

/// The same by the names and types of the columns of a table of this origin.
///
/// # Errors
/// As [`check`], but for the levels.
pub fn check_type(types: &[(&str, ColumnType)], origin: &str, target: &str) -> Result<()> {
    let Some((_, ty)) = types.iter().find(|(name, _)| *name == target) else {
        let near = nearest(target, types.iter().map(|(name, _)| *name));
        let hint = match near {
            Some(near) => format!(" (did you mean `{near}`?)"),
            None => format!("; the columns are {}", types.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")),
        };
        return Err(Error::usage(format!("there is no column `{target}` to predict{hint}")));
    };
    let why = match ty {
        ColumnType::Constant => "has one value",
        ty if !ty.is_learned() => "identifies rows",
        _ => return Ok(()),
    };
    Err(Error::usage(format!("column `{target}` of {origin} {why}: there is nothing to predict; name another target")))
}

fn too_many(target: &str, classes: usize) -> Error {
    Error::usage(format!("column `{target}` has {}: a target needs 2 to {CLASSES}; name another column", count(classes, "level")))
}

/// All columns but the target as trees take them, test rows first.
struct Features {
    binned: Binned,
    rows: [std::ops::Range<usize>; 3],
}

impl Features {
    fn of(tables: &Mixed) -> Result<Self> {
        let [a, b, c] = [tables.rows[0], tables.rows[1], tables.rows[2]];
        let all = a + b + c;
        let mut values = vec![0.0; all * tables.columns.len()];
        for (j, column) in tables.columns.iter().enumerate() {
            // In double precision between the ends, so that large numbers that differ little stay apart.
            let cells = column.cells.iter().flatten();
            let ends = cells.clone().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(*v), high.max(*v)]);
            let unit = if ends[1] > ends[0] { ends[1] - ends[0] } else { 1.0 };
            for (row, value) in cells.enumerate() {
                let scaled = if value.is_nan() { MISSING } else { ((value - ends[0]) / unit) as f32 };
                values[row * tables.columns.len() + j] = scaled;
            }
        }
        let binned = Binned::new(Points::new(&values, all, tables.columns.len())?);
        Ok(Self { binned, rows: [0..a, a..a + b, a + b..all] })
    }
}

/// Both models' scores of classes.
fn of_classes(
    data: &Binned,
    target: &MixedColumn,
    levels: usize,
    sets: &[Vec<u32>; 2],
    test: std::ops::Range<usize>,
    seed: u64,
) -> Result<Vec<EfficacyScore>> {
    let codes: Vec<usize> = target.cells.iter().flatten().map(|code| *code as usize).collect();
    let mut place = vec![None; levels];
    let mut classes = 0;
    let mut seen = vec![false; levels];
    codes.iter().for_each(|&code| seen[code] = true);
    for level in (0..levels).filter(|&level| seen[level]) {
        place[level] = Some(classes);
        classes += 1;
    }
    if !(2..=CLASSES).contains(&classes) {
        return Err(too_many(&target.name, classes));
    }
    let codes: Vec<usize> = codes.into_iter().filter_map(|code| place[code]).collect();
    // Of two classes the second has a model; of more each has one.
    let of_classes: Vec<usize> = if classes == 2 { vec![1] } else { (0..classes).collect() };
    let jobs: Vec<(usize, usize)> = (0..2).flat_map(|set| of_classes.iter().map(move |&class| (set, class))).collect();
    let chances = map_rows(jobs.len(), |at, _: &mut ()| {
        let (set, class) = jobs[at];
        let targets: Vec<f64> = codes.iter().map(|code| f64::from(u8::from(*code == class))).collect();
        let trees = Trees::minimize(Loss::Logistic, data, &sets[set], &targets, seed);
        test.clone().map(|row| 1.0 / (1.0 + (-trees.predict(data, row)).exp())).collect::<Vec<f64>>()
    });
    let truth: Vec<usize> = test.clone().map(|row| codes[row]).collect();
    let models: Vec<Classified> = chances
        .chunks(of_classes.len())
        .map(|chances| {
            let chances = match chances {
                [of_second] => vec![of_second.iter().map(|p| 1.0 - p).collect(), of_second.clone()],
                _ => normalized(chances),
            };
            Classified::new(chances, &truth)
        })
        .collect();
    let names = ["accuracy", "f1", "auc"];
    Ok(compared(&names, truth.len(), seed, |set, weights| models[set].scores(&truth, weights).to_vec()))
}

/// Chances of each class against the rest, divided by their sum.
fn normalized(chances: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let sums: Vec<f64> = (0..chances[0].len()).map(|row| chances.iter().map(|of| of[row]).sum()).collect();
    chances.iter().map(|of| of.iter().zip(&sums).map(|(p, sum)| p / sum).collect()).collect()
}

fn of_numbers(
    data: &Binned,
    target: &MixedColumn,
    sets: &[Vec<u32>; 2],
    test: std::ops::Range<usize>,
    seed: u64,
) -> Vec<EfficacyScore> {
    let targets: Vec<f64> = target.cells.iter().flatten().copied().collect();
    let predicted = map_rows(2, |set, _: &mut ()| {
        let trees = Trees::minimize(Loss::Squared, data, &sets[set], &targets, seed);
        test.clone().map(|row| trees.predict(data, row)).collect::<Vec<f64>>()
    });
    let truth = &targets[test.clone()];
    compared(&["r2"], truth.len(), seed, |set, weights| vec![r2(truth, &predicted[set], weights)])
}

/// The scores of both models with intervals by the bootstrap of test rows, and their ratio.
fn compared(names: &[&str], rows: usize, seed: u64, scores: impl Fn(usize, &[f64]) -> Vec<f64> + Sync) -> Vec<EfficacyScore> {
    let whole = [0, 1].map(|set| scores(set, &vec![1.0; rows]));
    let drawn = map_rows(REPLICATES, |replicate, _: &mut ()| {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ (replicate as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut weights = vec![0.0; rows];
        (0..rows).for_each(|_| weights[random.random_range(0..rows)] += 1.0);
        [0, 1].map(|set| scores(set, &weights))
    });
    let score = |value: f64, drawn: Vec<f64>| Score { value, interval: percentiles(drawn), ..Score::default() };
    let of = |(at, name): (usize, &&str)| {
        let [samples, real] = [0, 1].map(|set| score(whole[set][at], drawn.iter().map(|of| of[set][at]).collect()));
        let ratio = (real.value > 0.0).then(|| {
            let ratios = drawn.iter().map(|of| of[0][at] / of[1][at]).filter(|ratio| ratio.is_finite()).collect();
            score(samples.value / real.value, ratios)
        });
        EfficacyScore { score: name.to_string(), samples, real, ratio }
    };
    names.iter().enumerate().map(of).filter(|of| of.real.value.is_finite() && of.samples.value.is_finite()).collect()
}

fn percentiles(mut values: Vec<f64>) -> Option<[f64; 2]> {
    values.retain(|value| value.is_finite());
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
    (!values.is_empty()).then(|| [at(0.025), at(0.975)])
}

/// What a model says of test rows.
pub struct Classified {
    /// The class that it calls each row.
    calls: Vec<usize>,
    /// Of each class whose AUC counts, the rows in the order of its chance, in runs of equal ones.
    orders: Vec<(usize, Vec<Vec<usize>>)>,
    classes: usize,
}

impl Classified {
    /// Of each class the chances of the rows.
    pub fn new(chances: Vec<Vec<f64>>, truth: &[usize]) -> Self {
        let classes = chances.len();
        let rows = truth.len();
        // The first of equal chances, as `argmax` has it.
        let call =
            |row: usize| (1..classes).fold(0, |best, class| if chances[class][row] > chances[best][row] { class } else { best });
        let counted = if classes == 2 { 1..2 } else { 0..classes };
        let order = |class: usize| {
            let of = &chances[class];
            let mut order: Vec<usize> = (0..rows).collect();
            order.sort_unstable_by(|&a, &b| of[a].total_cmp(&of[b]).then(a.cmp(&b)));
            order.chunk_by(|&a, &b| of[a] == of[b]).map(<[usize]>::to_vec).collect()
        };
        Self { calls: (0..rows).map(call).collect(), orders: counted.map(|class| (class, order(class))).collect(), classes }
    }

    /// Accuracy, F1 and AUC of weighted rows.
    pub fn scores(&self, truth: &[usize], weights: &[f64]) -> [f64; 3] {
        let total: f64 = weights.iter().sum();
        let (mut right, mut real, mut called) = (vec![0.0; self.classes], vec![0.0; self.classes], vec![0.0; self.classes]);
        for ((&class, &call), weight) in truth.iter().zip(&self.calls).zip(weights) {
            real[class] += weight;
            called[call] += weight;
            right[class] += if class == call { *weight } else { 0.0 };
        }
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let f1 = (0..self.classes).filter(|&class| real[class] + called[class] > 0.0);
        let f1 = mean(f1.map(|class| 2.0 * right[class] / (real[class] + called[class])).collect());
        let auc = self.orders.iter().filter_map(|(class, order)| area(order, truth, *class, weights));
        [right.iter().sum::<f64>() / total, f1, mean(auc.collect())]
    }
}

/// The AUC of a class against the rest; none where all rows are of one.
fn area(order: &[Vec<usize>], truth: &[usize], class: usize, weights: &[f64]) -> Option<f64> {
    let (mut below, mut positive, mut sum) = (0.0, 0.0, 0.0);
    for run in order {
        let [own, others] = run.iter().fold([0.0; 2], |[own, others], &row| match truth[row] == class {
            true => [own + weights[row], others],
            false => [own, others + weights[row]],
        });
        sum += own * (below + 0.5 * others);
        below += others;
        positive += own;
    }
    (below > 0.0 && positive > 0.0).then(|| sum / (below * positive))
}

/// 1 − Σ (y − f)²/Σ (y − ȳ)² of weighted rows; not a number where y is constant.
pub fn r2(truth: &[f64], predicted: &[f64], weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    let mean = truth.iter().zip(weights).map(|(y, w)| w * y).sum::<f64>() / total;
    let sum = |of: &dyn Fn(usize) -> f64| (0..truth.len()).map(|i| weights[i] * of(i).powi(2)).sum::<f64>();
    let whole = sum(&|i| truth[i] - mean);
    if whole > 0.0 { 1.0 - sum(&|i| truth[i] - predicted[i]) / whole } else { f64::NAN }
}
