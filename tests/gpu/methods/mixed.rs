//! Log-densities of mixed tables: what they sum to.

use super::{GPU, Silent, job};
use pushforward::data::{Column, Table};
use pushforward::model::Model;
use pushforward::train::{self, Encoded, Job};
use std::sync::atomic::AtomicBool;

const LEVELS: [&str; 3] = ["a", "b", "c"];
/// Where the density of the number is integrated: it is normal by level with standard deviations of at most 1 and means within 3 of 0.
const GRID: usize = 240;
const REACH: f64 = 9.0;

/// A level; a number with a mean of its own for each level, which is missing in a fifth of the rows of level `c`; a whole number of 0 to 3.
fn table(rows: usize) -> Table {
    let noise = pushforward::data::toy::Toy::Gaussian.sample(rows, 5);
    let level = |i: usize| [0, 0, 0, 1, 1, 2][i % 6];
    let number = |i: usize| [-3.0, 0.0, 2.0][level(i) as usize] + [1.0, 0.5, 0.7][level(i) as usize] * noise.row(i)[0];
    Table::from_columns([
        Column::numbers("x", (0..rows).map(number).collect()).with_missing((0..rows).map(|i| i % 30 == 5).collect()).unwrap(),
        Column::integers("n", (0..rows).map(|i| (i / 6 % 4).min(3 - level(i) as usize) as i64).collect()),
        Column::categories("level", (0..rows).map(level).collect(), LEVELS).unwrap(),
    ])
    .unwrap()
}

/// Every row that there can be, with the number on a grid or missing, and the volume of each.
fn rows() -> (Table, Vec<f64>) {
    let step = 2.0 * REACH / GRID as f64;
    let places: Vec<Option<f64>> = (0..GRID).map(|k| Some(-REACH + (k as f64 + 0.5) * step)).chain([None]).collect();
    let mut all = Vec::new();
    for level in 0..3 {
        for n in 0..4 {
            all.extend(places.iter().map(|place| (*place, n, level)));
        }
    }
    let table = Table::from_columns([
        Column::numbers("x", all.iter().map(|row| row.0.unwrap_or(0.0)).collect())
            .with_missing(all.iter().map(|row| row.0.is_none()).collect())
            .unwrap(),
        Column::integers("n", all.iter().map(|row| row.1).collect()),
        Column::categories("level", all.iter().map(|row| row.2).collect(), LEVELS).unwrap(),
    ]);
    (table.unwrap(), all.iter().map(|row| if row.0.is_some() { step } else { 1.0 }).collect())
}

fn learn(method: &str, conditions: usize, extra: &str) -> Model {
    let out = tempfile::tempdir().unwrap();
    let settings = format!("hidden_width = 32\nhidden_layers = 2\n{extra}");
    let job = job(table(1500), "a test", method, &settings, out.path());
    let encoded = Encoded::of(job.table, conditions, (job.method.as_ref(), &job.training), [false; 2], 0).unwrap();
    let Encoded { table, encoding, conditions, split } = encoded;
    let job = Job { table, encoding, conditions, split, ..job };
    train::train(&GPU, job, &mut Silent, &AtomicBool::new(false)).unwrap().model
}

/// The mass of each level.
fn masses(model: &Model) -> [f64; 3] {
    let (rows, volumes) = rows();
    let found = model.log_density(&rows).unwrap().expect("a density");
    assert!(found.lower_bound);
    let mut masses = [0.0; 3];
    for (row, (value, volume)) in found.values.iter().zip(volumes).enumerate() {
        masses[row / (4 * (GRID + 1))] += f64::from(*value).exp() * volume;
    }
    masses
}

#[test]
fn a_bound_sums_and_integrates_to_at_most_one() {
    for (method, extra) in [("realnvp", "steps = 300"), ("vae", "steps = 300"), ("maf", "steps = 200")] {
        let model = learn(method, 0, extra);
        let masses = masses(&model);
        let sum: f64 = masses.iter().sum();
        // Each is an unbiased estimate of the mass of the boxes, by 16 draws at each of 2,892 places. Noise fills the boxes, so that a model which has
        // learned it has nearly all of its mass there.
        assert!(sum < 1.02 && sum > 0.7, "{method}: {masses:?}");
        for (mass, share) in masses.iter().zip([0.5, 1.0 / 3.0, 1.0 / 6.0]) {
            assert!((mass / sum - share).abs() < 0.1, "{method}: {masses:?}");
        }
        // Noise is drawn where the density is integrated, and nowhere else.
        let numbers = model.description().encoding.as_ref().unwrap().encode(&table(60), 0).unwrap();
        assert_eq!(model.description().dequantized(&numbers, 1).values(), numbers.values());
    }
}

#[test]
fn a_conditional_bound_does_so_given_each_category() {
    let masses = masses(&learn("realnvp", 1, "steps = 300"));
    assert!(masses.iter().all(|mass| *mass < 1.02 && *mass > 0.7), "{masses:?}");
}
