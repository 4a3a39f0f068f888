//! Every score of pairs of tables from one distribution: how p-values and intervals behave where there is nothing to find. The figures of
//! `docs/scores.md`.
//!
//! `cargo run -p pushforward-studies --example equal_tables -- [pairs] [rows] [first pair] [classifier] [tables, such as weighted]`

use pushforward::data::{Standardization, Table, Target};
use pushforward::gpu::Gpu;
use pushforward::metrics::{
    Backend, Evaluation, LogLikelihood, Options, Points, Score, diversity, evaluate_points, interval, memorization, nearer,
};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Weighted tables have so many times the rows.
const WEIGHTED: usize = 5;
const LEVELS: [f64; 5] = [0.05, 0.1, 0.25, 0.5, 0.75];

/// What tables are made of.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Numeric,
    WeightedReference,
    WeightedSamples,
    Categorical,
}

/// Rows of three numeric columns N(0, 1), or of a numeric one and two of two and three levels as indicators.
struct Rows {
    values: Vec<f32>,
    rows: usize,
    columns: usize,
    weights: Option<Vec<f32>>,
}

impl Rows {
    fn new(kind: Kind, rows: usize, is_weighted: bool, seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let rows = if is_weighted { WEIGHTED * rows } else { rows };
        if kind == Kind::Categorical {
            let row = |_| {
                let (x, a, b) = (StandardNormal.sample(&mut random), random.random_range(0..2), random.random_range(0..3));
                let level = |chosen: i32, level: i32| f32::from(u8::from(chosen == level));
                [x, level(a, 0), level(a, 1), level(b, 0), level(b, 1), level(b, 2)]
            };
            return Self { values: (0..rows).flat_map(row).collect(), rows, columns: 6, weights: None };
        }
        let mut values: Vec<f32> = (0..3 * rows).map(|_| StandardNormal.sample(&mut random)).collect();
        let mut weights = None;
        if is_weighted {
            // Twice as wide in the first column, with the ratio of the densities for weights.
            values.iter_mut().step_by(3).for_each(|x| *x *= 2.0);
            weights = Some(values.iter().step_by(3).map(|x| (-3.0 * x * x / 8.0).exp()).collect());
        }
        Self { values, rows, columns: 3, weights }
    }

    fn points(&self) -> Result<Points<'_>> {
        Ok(Points::new(&self.values, self.rows, self.columns)?.with_weights(self.weights.as_deref()))
    }
}

/// What was found of one score.
struct Tally {
    name: String,
    found: Vec<Score>,
    /// What each is an estimate of; none where it is the mean of as many rows.
    exact: Vec<Option<f64>>,
}

impl Tally {
    fn line(&self) -> String {
        let n = self.found.len() as f64;
        let share = |yes: usize| format!("{:.3}", yes as f64 / n);
        let mean = self.found.iter().map(|s| s.value).sum::<f64>() / n;
        let covers = |(score, exact): &(&Score, &Option<f64>)| {
            let exact = exact.unwrap_or(mean);
            score.interval.is_some_and(|[low, high]| low <= exact && exact <= high)
        };
        let intervals = self.found.iter().filter(|s| s.interval.is_some()).count();
        let covering = match intervals {
            0 => "–".into(),
            _ => share(self.found.iter().zip(&self.exact).filter(covers).count()),
        };
        let width = |score: &Score| score.interval.map_or(0.0, |[low, high]| high - low);
        let width = self.found.iter().map(width).sum::<f64>() / n;
        let spread = interval::variance(self.found.iter().map(|s| s.value)).sqrt();
        let p_values: Vec<f64> = self.found.iter().filter_map(|s| s.p_value).collect();
        let p = match p_values.is_empty() {
            true => "–".into(),
            false => LEVELS.map(|level| share(p_values.iter().filter(|&&p| p <= level).count())).join(" "),
        };
        format!("{:24} {:9.4} {:29} {covering:>6}  width/spread {:.2}", self.name, mean, p, width / (3.92 * spread))
    }
}

/// Adds to the tally of that name.
fn add(tallies: &mut Vec<Tally>, name: &str, exact: Option<f64>, score: Score) {
    match tallies.iter_mut().find(|tally| tally.name == name) {
        Some(tally) => {
            tally.found.push(score);
            tally.exact.push(exact);
        }
        None => tallies.push(Tally { name: name.into(), found: vec![score], exact: vec![exact] }),
    }
}

/// The value where the distributions are equal, whatever the rows.
fn exact(name: &str) -> Option<f64> {
    match name {
        "Energy distance" | "MMD²" | "KSD²" | "Kolmogorov–Smirnov" | "Memorization test" => Some(0.0),
        "Classifier accuracy" => Some(0.5),
        _ => None,
    }
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| words.get(at).map_or(Ok(default), |word| word.parse());
    let (pairs, rows, first) = (number(0, 200)?, number(1, 150)?, number(2, 0)? as u64);
    let classifier = words.iter().any(|word| word == "classifier");
    let only = words.iter().skip(3).find(|word| *word != "classifier");
    let gpu = Gpu::open("auto")?;
    let kinds = [
        ("three numeric columns", Kind::Numeric),
        ("weighted reference", Kind::WeightedReference),
        ("weighted samples", Kind::WeightedSamples),
        ("one numeric column, two of categories", Kind::Categorical),
    ];
    for (what, kind) in kinds.into_iter().filter(|(what, _)| only.is_none_or(|word| what.contains(word.as_str()))) {
        let mut tallies = Vec::new();
        let mut silent = 0;
        for pair in first..first + pairs as u64 {
            let reference = Rows::new(kind, rows, kind == Kind::WeightedReference, 4 * pair);
            let samples = Rows::new(kind, rows, kind == Kind::WeightedSamples, 4 * pair + 1);
            let [train, other] = [2, 3].map(|k| Rows::new(kind, rows, false, 4 * pair + k));
            let found = scores(&gpu, kind, [&reference, &samples, &train], classifier)?;
            silent += usize::from(found.verdict.starts_with("No difference"));
            // Of memorization, what many new rows have beside the same training rows.
            let many = Rows::new(kind, 20 * rows, false, 1 << 40 | pair);
            let copied = memorization::scores(&Backend::Host, train.points()?, many.points()?)?;
            for score in found.scores() {
                let exact = match score.name {
                    "Memorization ratio" => copied.ratio.as_ref().map(|ratio| ratio.value),
                    "Authenticity" => Some(copied.authenticity.value),
                    name => exact(name),
                };
                add(&mut tallies, score.name, exact, score.score);
            }
            let least = found.by_column.iter().map(|column| column.p_value).fold(1.0, f64::min);
            add(&mut tallies, "columns, the least p", None, Score::exact(0.0).with_p_value(least));
            if reference.weights.is_some() || samples.weights.is_some() {
                continue;
            }
            let nearest = diversity::nearest(&Backend::Host, samples.points()?)?;
            add(&mut tallies, "nearest other row", None, nearest);
            let by_energy = nearer::energy(&gpu, reference.points()?, samples.points()?, other.points()?, 499, pair)?;
            add(&mut tallies, "nearer of two", None, Score::exact(by_energy.value).with_p_value(by_energy.p_value));
            if kind == Kind::Numeric {
                let of = |shift: f32| -> Vec<f64> {
                    let square = |row: &[f32]| row.iter().map(|v| f64::from(v - shift).powi(2)).sum::<f64>();
                    reference.values.chunks_exact(3).map(|row| -0.5 * square(row) - 1.5 * std::f64::consts::TAU.ln()).collect()
                };
                let entropy = 1.5 * (1.0 + std::f64::consts::TAU.ln());
                let mean = LogLikelihood::of(of(0.0).into_iter(), 3);
                add(&mut tallies, "log-likelihood", Some(-entropy), Score::normal(mean.mean, mean.standard_error.unwrap_or(0.0)));
                // Two models that are equally far off, to either side.
                let likelier = nearer::paired(&of(0.3), &of(-0.3), 499, pair)?;
                add(&mut tallies, "likelier of two", None, Score::exact(likelier.value).with_p_value(likelier.p_value));
            }
        }
        println!("{what}: {pairs} pairs of {rows} rows; \"No difference\" {:.3}", silent as f64 / pairs as f64);
        println!("{:24} {:>9} {:29} {:>6}", "score", "mean", "p ≤ .05 .1 .25 .5 .75", "covers");
        tallies.iter().for_each(|tally| println!("{}", tally.line()));
    }
    Ok(())
}

fn scores(gpu: &Gpu, kind: Kind, [reference, samples, train]: [&Rows; 3], classifier: bool) -> Result<Evaluation> {
    let names: Vec<String> = match kind {
        Kind::Categorical => ["x", "a=0", "a=1", "b=0", "b=1", "b=2"].map(String::from).to_vec(),
        _ => ["a", "b", "c"].map(String::from).to_vec(),
    };
    let target = match kind {
        Kind::Categorical => None,
        _ => {
            let table = Table::new(names.clone(), reference.values.clone())?;
            Some(Target::given(&["-a", "-b", "-c"], &table, &Standardization::identity(3))?)
        }
    };
    let options = Options { gpu: Some(gpu.clone()), target, names, classifier, ..Options::default() };
    Ok(evaluate_points(reference.points()?, samples.points()?, Some(train.points()?), &options)?)
}
