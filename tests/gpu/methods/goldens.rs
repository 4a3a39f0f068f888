//! What each method reaches after a short training, held to what it reached when it was measured. `goldens.csv` has the root energy distances of
//! six seeds to fresh rows, their mean and standard deviation, the threshold, which is the mean and three standard errors of as many runs as the
//! test makes, and the distance of the fitted Gaussian. The table is held to this: a third more than the mean fails, and so does a sampler that
//! is hardly better than the Gaussian. `UPDATE_GOLDENS=1 cargo test --test gpu methods::goldens` measures all anew, or one by its name.

use super::{GPU, Silent, job};
use pushforward::data::Table;
use pushforward::data::toy::Toy;
use pushforward::gpu::Recorder;
use pushforward::methods;
use pushforward::metrics::Points;
use pushforward::metrics::gaussian::Gaussian;
use pushforward::model::Model;
use pushforward::ops::pairwise::{Estimator, RadialKernel};
use pushforward::train::{self, Job};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// Seeds that are measured: 0 to this.
const SEEDS: u64 = 6;
/// Samples, and fresh rows that they are compared with.
const ROWS: usize = 4000;
/// What is a regression.
const WORSE: f64 = 4.0 / 3.0;
/// What short trainings must leave of the fitted Gaussian's distance at most, on average.
const LEARNED: f64 = 0.75;

/// A method's test: its target, its settings, and of how many runs the mean is taken.
struct Recipe {
    method: &'static str,
    toy: Toy,
    settings: &'static str,
    runs: u64,
}

/// A line of the table.
struct Golden {
    method: String,
    runs: u64,
    scores: Vec<f64>,
    mean: f64,
    deviation: f64,
    threshold: f64,
    /// The fitted Gaussian's distance.
    gaussian: f64,
}

impl Golden {
    fn new(method: &str, runs: u64, scores: Vec<f64>, gaussian: f64) -> Self {
        let n = scores.len() as f64;
        let mean = scores.iter().sum::<f64>() / n;
        let deviation = (scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let threshold = mean + 3.0 * deviation / (runs as f64).sqrt();
        Self { method: method.into(), runs, scores, mean, deviation, threshold, gaussian }
    }

    fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.split(',').collect();
        let [method, runs, scores, mean, deviation, threshold, gaussian] = fields[..] else {
            panic!("seven fields, not: {line}")
        };
        let number = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("a number, not {text}: {line}"));
        Self {
            method: method.into(),
            runs: number(runs) as u64,
            scores: scores.split(' ').map(number).collect(),
            mean: number(mean),
            deviation: number(deviation),
            threshold: number(threshold),
            gaussian: number(gaussian),
        }
    }

    fn line(&self) -> String {
        let scores: Vec<String> = self.scores.iter().map(|s| format!("{s:.5}")).collect();
        let Self { method, runs, mean, deviation, threshold, gaussian, .. } = self;
        format!("{method},{runs},{},{mean:.5},{deviation:.5},{threshold:.5},{gaussian:.5}", scores.join(" "))
    }
}

const HEADER: &str = "method,runs,scores,mean,standard_deviation,threshold,gaussian";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gpu/methods/goldens.csv")
}

fn table() -> Vec<Golden> {
    let text = std::fs::read_to_string(file()).expect("goldens.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(HEADER));
    lines.map(Golden::parse).collect()
}

/// Writes a method's line in place of the one that there is.
fn update(golden: Golden) {
    static WRITER: Mutex<()> = Mutex::new(());
    let _one_at_a_time = WRITER.lock().unwrap();
    let mut all = table();
    all.retain(|other| other.method != golden.method);
    all.push(golden);
    all.sort_by(|a, b| a.method.cmp(&b.method));
    let lines: Vec<String> = std::iter::once(HEADER.to_string()).chain(all.iter().map(Golden::line)).collect();
    std::fs::write(file(), lines.join("\n") + "\n").expect("goldens.csv");
}

/// Root energy distance of samples to fresh rows, without the part that is due to their number.
fn distance(samples: &[f32], toy: Toy) -> f64 {
    let fresh = toy.sample(ROWS, 99);
    let mut rec = Recorder::new(&GPU, 0);
    let [x, y] = [fresh.single(), samples].map(|rows| {
        let tensor = GPU.upload(ROWS, 2, rows).unwrap();
        rec.tensor(&tensor)
    });
    let value = rec.mmd_squared_value(&RadialKernel::Energy { beta: 1.0 }, x, y, Estimator::Unbiased).unwrap();
    let value = rec.keep(value);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    f64::from(step.read(value).unwrap()[0]).max(0.0).sqrt()
}

fn gaussian(toy: Toy) -> f64 {
    let rows = toy.sample(6000, 1);
    distance(&Gaussian::fit(Points::of(&rows).unwrap()).sample(ROWS, 5), toy)
}

/// A density of rows far away is finite or none, never no number; what is there is farther away than any row of the distribution.
fn check_far_away(method: &str, model: &Model) {
    let far = Table::new(["x", "y"], vec![10.0, -10.0, 1e3, 1e3, -1e6, 0.0, 1e20, -1e20]).unwrap();
    let found = model.log_density(&far).unwrap().expect("it has a density").values;
    assert!(found.iter().all(|v| !v.is_nan() && *v < -3.0), "{method}: {found:?}");
    assert_eq!(found[3], f32::NEG_INFINITY, "{method}: {found:?}");
}

fn trained(method: &str, toy: Toy, settings: &str, seed: u64, out: &Path) -> Model {
    let settings = format!("validation_fraction = 0.0\n{settings}");
    let job = Job { seed, ..job(toy.sample(6000, 1), &format!("toy:{}", toy.name()), method, &settings, out) };
    train::train(&GPU, job, &mut Silent, &AtomicBool::new(false)).unwrap().model
}

impl Recipe {
    fn score(&self, seed: u64) -> f64 {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = self.settings.to_string();
        if self.method == "distill" {
            let teacher = folder.path().join("teacher");
            trained(
                "flow-matching",
                self.toy,
                "steps = 400\nbatch_size = 256\nhidden_width = 32\nlearning_rate = 4e-3",
                0,
                &teacher,
            );
            settings = format!("teacher = '{}'\n{settings}", teacher.display());
        }
        let started = std::time::Instant::now();
        let model = trained(self.method, self.toy, &settings, seed, &folder.path().join("run"));
        let score = distance(model.sample(ROWS, 5).unwrap().single(), self.toy);
        if seed == 0 && methods::by_name(self.method).expect("a method").entry().density {
            check_far_away(self.method, &model);
        }
        println!("{}, seed {seed}: {score:.4} after {:.1} s", self.method, started.elapsed().as_secs_f64());
        score
    }

    fn test(&self) {
        if std::env::var_os("UPDATE_GOLDENS").is_some() {
            let scores = (0..SEEDS).map(|seed| self.score(seed)).collect();
            update(Golden::new(self.method, self.runs, scores, gaussian(self.toy)));
            return;
        }
        let all = table();
        let golden = all.iter().find(|golden| golden.method == self.method).expect("a line of goldens.csv");
        let mean = (0..self.runs).map(|seed| self.score(seed)).sum::<f64>() / self.runs as f64;
        assert!(
            mean <= golden.threshold,
            "{}: root energy distance {mean:.4}, above {:.4} (measured: {:.4} ± {:.4}, {} runs averaged)",
            self.method,
            golden.threshold,
            golden.mean,
            golden.deviation,
            self.runs,
        );
    }
}

/// A test for each method, in the order of their names.
macro_rules! recipes {
    ($($test:ident: $method:literal on $toy:ident, $runs:literal of $settings:literal;)+) => {
        const RECIPES: &[Recipe] = &[$(Recipe { method: $method, toy: Toy::$toy, settings: $settings, runs: $runs }),+];
        $(
            #[test]
            fn $test() {
                RECIPES.iter().find(|recipe| recipe.method == $method).expect("it is in the list").test();
            }
        )+
    };
}

recipes! {
    anneal: "anneal" on Pinwheel, 2 of "steps = 150\nbatch_size = 256\nhidden_width = 32";
    characteristic: "characteristic" on Moons, 3 of "steps = 100\nbatch_size = 256\nhidden_width = 32";
    cnf: "cnf" on Pinwheel, 3 of "steps = 60\nhidden_width = 16\nhidden_layers = 2\nbatch_size = 256\nlearning_rate = 8e-3";
    diffusion: "diffusion" on EightGaussians, 1 of "steps = 250\nbatch_size = 256\nhidden_width = 32\nlearning_rate = 4e-3";
    distill: "distill" on Pinwheel, 1 of
        "steps = 250\nbatch_size = 256\nhidden_width = 32\nhidden_layers = 3\nlearning_rate = 4e-3\npairs = 2048\nteacher_steps = 8";
    distributional_diffusion: "distributional-diffusion" on EightGaussians, 1 of
        "steps = 250\nbatch_size = 256\nhidden_width = 32\nlearning_rate = 4e-3";
    drift: "drift" on EightGaussians, 2 of "steps = 120\nbatch_size = 256\nhidden_width = 32";
    ebm: "ebm" on Pinwheel, 1 of "steps = 300\nbatch_size = 128\nhidden_width = 32\nhidden_layers = 2\nsample_steps = 60";
    energy: "energy" on EightGaussians, 1 of "steps = 250\nbatch_size = 256\nhidden_width = 32";
    fgan: "fgan" on Pinwheel, 2 of
        "steps = 150\nbatch_size = 256\nhidden_width = 32\ncritic_hidden_width = 64\ncritic_hidden_layers = 2";
    flow_map: "flow-map" on EightGaussians, 1 of "steps = 250\nbatch_size = 256\nhidden_width = 32\nlearning_rate = 4e-3";
    flow_matching: "flow-matching" on Pinwheel, 2 of "steps = 250\nbatch_size = 256\nhidden_width = 32\nlearning_rate = 4e-3";
    gan: "gan" on Moons, 2 of
        "steps = 350\nbatch_size = 256\nhidden_width = 32\ncritic_hidden_width = 64\ncritic_hidden_layers = 2";
    imm: "imm" on Pinwheel, 1 of "steps = 250\nbatch_size = 256\nhidden_width = 32\nlearning_rate = 4e-3";
    interpolant: "interpolant" on EightGaussians, 1 of "steps = 250\nbatch_size = 256\nhidden_width = 32\nlearning_rate = 4e-3";
    iwae: "iwae" on Pinwheel, 1 of "steps = 250\nbatch_size = 256\nhidden_width = 32";
    kantorovich: "kantorovich" on EightGaussians, 4 of
        "steps = 300\nbatch_size = 256\nhidden_width = 32\ncritic_hidden_width = 32";
    maf: "maf" on Pinwheel, 2 of "steps = 100\nbatch_size = 512\nhidden_width = 16";
    mmd: "mmd" on EightGaussians, 1 of "steps = 250\nbatch_size = 256\nhidden_width = 32";
    realnvp: "realnvp" on Moons, 1 of "steps = 100\nbatch_size = 256\nhidden_width = 32";
    rectified_flow: "rectified-flow" on EightGaussians, 1 of
        "steps = 400\nbatch_size = 256\npairs = 2048\nhidden_width = 32\nlearning_rate = 4e-3";
    score: "score" on EightGaussians, 2 of "steps = 250\nbatch_size = 256\nhidden_width = 32\nlearning_rate = 4e-3";
    sinkhorn: "sinkhorn" on Moons, 3 of "steps = 150\nbatch_size = 256\nhidden_width = 32";
    spline: "spline" on Pinwheel, 3 of "steps = 100\nbatch_size = 256\nhidden_width = 16";
    stein: "stein" on Banana, 1 of "steps = 300\nbatch_size = 256\nhidden_width = 32";
    vae: "vae" on Pinwheel, 1 of "steps = 250\nbatch_size = 256\nhidden_width = 32";
    wgan: "wgan" on Moons, 4 of
        "steps = 150\nbatch_size = 256\nhidden_width = 32\ncritic_steps = 3\ncritic_hidden_layers = 2\ncritic_hidden_width = 64";
}

#[test]
fn the_table_is_complete_and_a_third_more_fails() {
    let all = table();
    for method in methods::all() {
        let name = method.entry().name;
        assert!(RECIPES.iter().any(|recipe| recipe.method == name), "{name} has no recipe");
    }
    for recipe in RECIPES {
        let golden = all.iter().find(|golden| golden.method == recipe.method);
        let golden = golden.unwrap_or_else(|| panic!("no line of {}", recipe.method));
        let again = Golden::new(recipe.method, recipe.runs, golden.scores.clone(), golden.gaussian);
        assert!(golden.scores.len() >= 5 && golden.runs == recipe.runs, "{}", golden.line());
        for (found, expected) in
            [(golden.mean, again.mean), (golden.deviation, again.deviation), (golden.threshold, again.threshold)]
        {
            assert!((found - expected).abs() < 2e-5, "{} does not follow from its scores", golden.line());
        }
        assert!(golden.threshold < WORSE * golden.mean, "{}: a third more would pass", golden.line());
        assert!(golden.mean < LEARNED * golden.gaussian, "{}: hardly better than a Gaussian", golden.line());
    }
    assert_eq!(all.len(), RECIPES.len());
}
