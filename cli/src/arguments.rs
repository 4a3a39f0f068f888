//! What can be said on the command line. The doc comments are the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const SOURCES: &str = "\
A SOURCE of rows is one of
  people.csv               a CSV file, with or without a header
  people.csv#age,height    two of its columns
  x.npy  people.parquet    a NumPy array, a Parquet file
  toy:moons  toy:moons:50  a toy target: 10,000 rows, or as many as are asked

The toy targets are 8gaussians, moons, checkerboard, spiral, rings, pinwheel,
swissroll, gaussian, uniform, banana and 25gaussians. The ending of a file to
write picks its format: .csv, .npy or .parquet.";

const COMPARISONS: &str = "\
Compare two versions, drivers or machines:
  pushforward bench --out old.json
  pushforward bench --out new.json
  pushforward bench --compare old.json new.json

The first file is the baseline. A case is a regression when its lower quartile
is above the baseline's upper quartile, and its median is slower by the
threshold or more. The exit status of a comparison is 0 without a regression,
1 with one, and 2 when the files cannot be compared. No device is opened.

Several runs of a case in one file are pooled: their spread joins the noise.
Append them with `pushforward bench --json >> old.json`.";

/// Learn samplers: maps that turn noise into new data of the same law as the data they were shown.
#[derive(Parser)]
#[command(name = "pushforward", version, about, propagate_version = true, after_help = SOURCES, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Where to compute: the best adapter, the software adapter, or one by a part of its name
    #[arg(long, global = true, default_value = "auto", value_name = "auto|software|NAME-PART")]
    pub adapter: String,
    /// Say nothing but errors (and results that were asked for)
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// How progress and messages are written to standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A bar on a terminal, plain lines elsewhere
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Subcommand)]
pub enum Command {
    /// List the adapters of this machine
    Adapters(Json),
    /// List the methods, or the settings of one
    Methods(Methods),
    /// Learn a sampler from rows
    #[command(after_help = SOURCES)]
    Train(Train),
    /// Train every method on your rows under one budget of time, and say which is best
    #[command(after_help = SOURCES)]
    Tour(Tour),
    /// Draw new rows from a trained sampler
    Sample(Sample),
    /// Apply the learned map to given points
    Push(Push),
    /// Log-density of rows, where the method has one
    LogDensity(LogDensity),
    /// Score samples against reference rows
    #[command(after_help = SOURCES)]
    Evaluate(Evaluate),
    /// Make a figure or claim of the paper again, and measure it
    Reproduce(Reproduce),
    /// Time kernels and whole steps, or compare measured files
    #[command(after_help = COMPARISONS)]
    Bench(Bench),
}

#[derive(Args)]
pub struct Json {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Methods {
    /// Show the settings of this method
    pub method: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Train {
    /// The method (see `pushforward methods`)
    pub method: String,
    /// The rows to learn from
    #[arg(long, value_name = "SOURCE")]
    pub data: String,
    /// The folder of the run [default: runs/METHOD-DATA, with -2, -3, … where that is taken]
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// Settings from a TOML file; a run's own config.toml will do
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    /// One setting (see `pushforward methods METHOD`); may be given many times
    #[arg(long = "set", value_name = "key=value")]
    pub set: Vec<String>,
    /// Training steps: short for --set steps=N
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub steps: Option<String>,
    /// Batch size: short for --set batch_size=N
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub batch_size: Option<String>,
    /// Seed of everything random [default: 0]
    #[arg(long, value_name = "N", value_parser = seed, allow_hyphen_values = true)]
    pub seed: Option<u64>,
    /// Columns that are given: the others are learned given them. Texts count by their levels (64 at most), and so do numbers by NAME:levels
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub condition: Vec<String>,
    /// Go on from the run's last checkpoint; with more --steps, a finished run is trained further
    #[arg(long)]
    pub resume: bool,
    /// Validation rows, for early stopping, instead of a share of the data
    #[arg(long, value_name = "SOURCE")]
    pub validation: Option<String>,
    /// Test rows, touched once, for the final scores, instead of a share of the data; rows that stop training go to --validation
    #[arg(long, value_name = "SOURCE")]
    pub test: Option<String>,
    /// The column that holds one weight a row, of the data and of --validation and --test rows
    #[arg(long, value_name = "COLUMN")]
    pub weights: Option<String>,
}

#[derive(Args)]
pub struct Tour {
    /// The rows to learn from, and to split validation and test rows off
    #[arg(long, value_name = "SOURCE")]
    pub data: String,
    /// Test rows, which score the winner once, instead of a share of the data
    #[arg(long, value_name = "SOURCE")]
    pub test: Option<String>,
    /// The column that holds one weight a row, of the data and of --test rows
    #[arg(long, value_name = "COLUMN")]
    pub weights: Option<String>,
    /// Conditioning columns: the others are learned given them, as by `train`
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub condition: Vec<String>,
    /// Time for all of it: 90s, 10m, 1h30m. Methods share it evenly; where not all fit, the last in the list are left out
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub budget: std::time::Duration,
    /// Methods to try [default: all that can learn from rows]
    #[arg(long, value_name = "METHOD,…", value_delimiter = ',')]
    pub methods: Vec<String>,
    /// The folder of the tour [default: runs/tour-DATA]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// One setting of training for every method, such as hidden_width=32; may be given many times
    #[arg(long = "set", value_name = "key=value")]
    pub set: Vec<String>,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,
    /// Print what was found as one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Sample {
    /// A run's folder, or a model.safetensors
    pub run: PathBuf,
    /// How many rows; with --given, how many for each row of conditions, 1 unless said
    #[arg(short, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub n: Option<usize>,
    /// What the noise that samples begin as is multiplied by: below 1 for rows from where the model has most of its mass
    #[arg(long, value_name = "T", value_parser = temperature, allow_hyphen_values = true)]
    pub temperature: Option<f32>,
    /// What a model trained with --condition generates from: a file with those columns, or one value a column (--given sex=f --given age=40)
    #[arg(long, value_name = "FILE|COLUMN=VALUE")]
    pub given: Vec<String>,
    /// Another seed draws other rows
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,
    #[command(flatten)]
    pub integration: Integration,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// A file for the ways of the rows, of methods that integrate: columns path, t and the data's own
    #[arg(long, value_name = "FILE")]
    pub trajectories: Option<PathBuf>,
}

/// How the equation of a method that integrates one is solved.
#[derive(Args)]
pub struct Integration {
    /// Solver of methods that integrate an equation: euler, heun, dopri5, … [default: that of training for samples; dopri5, at tolerances of which the next tenth
    /// changes little, for push and log-density]
    #[arg(long)]
    pub solver: Option<String>,
    /// Its steps
    #[arg(long, value_name = "K", value_parser = count, allow_hyphen_values = true)]
    pub steps: Option<usize>,
    /// Another setting of the sampling, such as grid=edm, tolerance=1e-5 or eta=0.5; may be given many times
    #[arg(long = "set", value_name = "key=value")]
    pub set: Vec<String>,
}

#[derive(Args)]
pub struct Push {
    /// A run's folder, or a model.safetensors
    pub run: PathBuf,
    /// The points: one column a latent dimension, and behind them the given columns of a model that has such
    #[arg(long, value_name = "FILE")]
    pub input: String,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What a model trained with --condition generates from, where the points' file does not hold it: a file with a row for each point, or one
    /// value a column; may be given many times
    #[arg(long, value_name = "FILE|COLUMN=VALUE", conflicts_with = "inverse")]
    pub given: Vec<String>,
    /// Apply the inverse map, from data to noise, where the method has one
    #[arg(long)]
    pub inverse: bool,
    #[command(flatten)]
    pub integration: Integration,
}

#[derive(Args)]
pub struct LogDensity {
    /// A run's folder, or a model.safetensors
    pub run: PathBuf,
    /// The rows to judge
    #[arg(long, value_name = "FILE")]
    pub data: String,
    /// Write the log-density of each row here
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the mean as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub integration: Integration,
}

#[derive(Args)]
pub struct Evaluate {
    /// Real rows, best such as training has not seen
    #[arg(long, value_name = "SOURCE")]
    pub reference: String,
    /// The rows to score
    #[arg(long, value_name = "SOURCE")]
    pub samples: String,
    /// The rows that were learned from: adds the scores of copying
    #[arg(long, value_name = "SOURCE")]
    pub train: Option<String>,
    /// The score ∇ log p that the samples' law should have, one expression a column in the reference's names: adds KSD². A toy reference
    /// has its own
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub score: Vec<String>,
    /// Whether every column is scaled by the reference's standard deviation first
    #[arg(long, value_name = "BOOL", default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub standardize: bool,
    /// Column of the reference that holds the weights of its rows
    #[arg(long, value_name = "COLUMN")]
    pub weights: Option<String>,
    /// Column of the samples that holds the weights of their rows
    #[arg(long, value_name = "COLUMN")]
    pub sample_weights: Option<String>,
    /// Rows of each set at most in the scores over all pairs of rows [default: what takes about a quarter of a minute]
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub pair_rows: Option<usize>,
    /// Seed of subsamples, projections and toy targets (a toy reference differs from a toy training set of the same seed)
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Reproduce {
    /// What to make: anneal, defaults, densities, figure1, flows, saddle, spectrum or statistics
    pub what: String,
    /// One setting, such as steps, batch_size or hidden_width; may be given many times
    #[arg(long = "set", value_name = "key=value")]
    pub set: Vec<String>,
    /// The folder for its files [default: runs/WHAT]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,
    /// Print the measured numbers as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Bench {
    /// Print one JSON object a case; with --compare, one for the comparison
    #[arg(long)]
    pub json: bool,
    /// Only cases whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// File for the JSON lines, whatever is printed; written when all cases are measured
    #[arg(long, value_name = "FILE", conflicts_with = "compare")]
    pub out: Option<PathBuf>,
    /// Compare files of JSON lines, two or more; the first is the baseline
    #[arg(long)]
    pub compare: bool,
    /// Files to compare
    #[arg(value_name = "FILE", requires = "compare")]
    pub files: Vec<PathBuf>,
    /// Smallest slowdown that is a regression, in percent: 0 or above, or `inf` for none
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = percent, requires = "compare", allow_hyphen_values = true)]
    pub threshold: f64,
    /// Print the comparison as GitHub Markdown
    #[arg(long, requires = "compare", conflicts_with = "json")]
    pub markdown: bool,
    /// File for a picture of the comparison
    #[arg(long, value_name = "FILE", requires = "compare")]
    pub svg: Option<PathBuf>,
}

/// Seeds stay within TOML's integers, so that `config.toml` can hold them.
fn seed(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|&s: &u64| i64::try_from(s).is_ok()).ok_or_else(|| "give a whole number of 0 or above".to_string())
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end().parse().ok();
    number.filter(|&share: &f64| share >= 0.0).ok_or_else(|| "give a percentage of 0 or above, such as 5, or inf".to_string())
}

fn temperature(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|&t: &f32| t > 0.0 && t.is_finite()).ok_or_else(|| "give a number above 0, such as 0.8".to_string())
}

fn time(text: &str) -> Result<std::time::Duration, String> {
    humantime::parse_duration(text).map_err(|_| "give a time with its unit, such as 90s, 10m or 1h30m".to_string())
}

fn count(text: &str) -> Result<usize, String> {
    text.replace('_', "").parse().ok().filter(|&n| n > 0).ok_or_else(|| "give a whole number of 1 or above".to_string())
}
