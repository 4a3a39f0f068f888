//! What can be said on the command line. The doc comments are the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const SOURCES: &str = "\
A SOURCE of data is one of
  people.csv               a CSV file, with or without a header
  people.csv#age,height    two of its columns
  people.csv.gz  people.csv.zst  -    the same packed, or from standard input
  x.npy  people.parquet    a NumPy array, a Parquet file
  toy:moons  toy:moons:50  a toy distribution: 10,000 rows, or as many as you ask for

The toy distributions are 8gaussians, moons, checkerboard, spiral, rings, pinwheel,
swissroll, gaussian, uniform, banana and 25gaussians. The extension of
an output file chooses its format: .csv, .csv.gz, .csv.zst, .npy or .parquet;
- is standard output, as CSV.";

const START: &str = "\
Start with one of
  pushforward tour --data people.csv                          every method on your table, and a page that compares them
  pushforward train energy --data people.csv --out run        one method
  pushforward sample run -n 1000 --out new.csv                new rows from it
  pushforward evaluate test.csv new.csv                       how near they are

`pushforward COMMAND --help` has the options of a command, `pushforward methods` what there is to train.";

const IMPUTATIONS: &str = "\
Train a model with random masks, and fill in a file:
  pushforward train flow-matching --data people.csv --set impute=true --out run
  pushforward impute run --data people.csv --out filled.csv --draws 5

Each missing cell is drawn from its distribution given the other cells of its row, so
that several draws (filled-1.csv to filled-5.csv) show how uncertain it is; results of
analyses are pooled over them (Rubin's rules). All other cells stay as they are.";

const COMPARISONS: &str = "\
Compare two versions, drivers or machines:
  pushforward bench --out old.json
  pushforward bench --out new.json
  pushforward bench --compare old.json new.json

The first file is the baseline. A case is a regression when its lower quartile
is above the baseline's upper quartile, and its median is slower by the
threshold or more. The exit status of a comparison is 0 without a regression,
1 with one, and 2 when the files cannot be compared. No device is opened.

Several runs of a case in one file are pooled: their spread counts as noise.
Append them with `pushforward bench --json >> old.json`.";

/// Train generative models on tables: samplers that draw new rows from the distribution of the data.
#[derive(Parser)]
#[command(name = "pushforward", version, about, propagate_version = true, after_help = START, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Device: the best one (a GPU where there is one), software (the CPU), or a part of an adapter's name
    #[arg(long, global = true, default_value = "auto", value_name = "auto|software|NAME-PART")]
    pub adapter: String,
    /// No messages but errors and the results that were asked for
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Format of progress and messages on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A progress bar on a terminal, plain lines elsewhere
    Text,
    /// One JSON object per line
    Json,
}

#[derive(Subcommand)]
pub enum Command {
    /// List the adapters of this machine: its GPUs, and the software adapter that computes on the CPU
    Adapters(Json),
    /// List the methods, or the settings of one method
    Methods(Methods),
    /// Train a sampler on data
    #[command(after_help = SOURCES)]
    Train(Train),
    /// Train every method on your data within one time budget, and compare them
    #[command(after_help = SOURCES)]
    Tour(Tour),
    /// Draw samples from a trained model
    Sample(Sample),
    /// Fill the missing cells of a table, by a model that was trained with --set impute=true
    #[command(after_help = IMPUTATIONS)]
    Impute(Impute),
    /// Map points from the latent space to data, or back
    #[command(after_help = SOURCES)]
    Push(Push),
    /// Compute the log-density of rows, where the method has one
    #[command(after_help = SOURCES)]
    LogDensity(LogDensity),
    /// Score samples against reference data
    #[command(after_help = SOURCES)]
    Evaluate(Evaluate),
    /// Reproduce a figure or claim of the paper, with measurements
    Reproduce(Reproduce),
    /// Time kernels and training steps, or compare measurements
    #[command(after_help = COMPARISONS)]
    Bench(Bench),
}

#[derive(Args)]
pub struct Json {
    /// JSON output
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Methods {
    /// Method whose settings are shown
    pub method: Option<String>,
    /// JSON output
    #[arg(long)]
    pub json: bool,
}

/// How the columns of a CSV file are read.
#[derive(Args)]
pub struct Types {
    /// Type of a column, where it is not what its cells show: number, integer, boolean, category, date, identifier (not learned); repeatable
    #[arg(long = "type", value_name = "COLUMN=TYPE")]
    pub types: Vec<String>,
    /// Words for a missing value, beside empty cells [default: NA, N/A, #N/A, <NA>, NaN, null, None, NaT, nil, -, ? in any case]; --missing "" leaves empty cells alone
    #[arg(long, value_name = "WORD,…", allow_hyphen_values = true)]
    pub missing: Option<String>,
}

/// How the levels of categories are learned.
#[derive(Args)]
pub struct Levels {
    /// Smallest number of training rows of a category: rarer categories are learned as one, and samples draw among them by their frequency [default: 1]
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub min_count: Option<usize>,
}

#[derive(Args)]
pub struct Train {
    /// Method, such as energy or flow-matching (see `pushforward methods`)
    pub method: String,
    /// Training data
    #[arg(long, value_name = "SOURCE")]
    pub data: String,
    /// Run folder [default: runs/METHOD-DATA, or with -2, -3, … if that exists]
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// TOML file of settings, such as the config.toml of another run
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    /// One setting (see `pushforward methods METHOD`); repeatable
    #[arg(long = "set", value_name = "key=value")]
    pub set: Vec<String>,
    /// Number of training steps; short for --set steps=N
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub steps: Option<String>,
    /// Batch size; short for --set batch_size=N
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub batch_size: Option<String>,
    /// Random seed [default: 0]
    #[arg(long, value_name = "N", value_parser = seed, allow_hyphen_values = true)]
    pub seed: Option<u64>,
    /// Conditioning columns: the model learns the distribution of the other columns given these, p(others | these). Text columns are categorical (64 categories at most), and so are numeric ones named as NAME:levels
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub condition: Vec<String>,
    /// Resume from the run's last checkpoint; with more --steps, a finished run is trained further
    #[arg(long)]
    pub resume: bool,
    /// Validation set, for early stopping, instead of a share of the data
    #[arg(long, value_name = "SOURCE")]
    pub validation: Option<String>,
    /// Test set, used once for the final scores, instead of a share of the data; data for early stopping goes to --validation
    #[arg(long, value_name = "SOURCE")]
    pub test: Option<String>,
    /// Column that models of samples and of real rows predict from the others: adds machine-learning efficacy to the report
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    /// Column of sample weights, in the data and in --validation and --test data
    #[arg(long, value_name = "COLUMN")]
    pub weights: Option<String>,
    #[command(flatten)]
    pub types: Types,
    #[command(flatten)]
    pub levels: Levels,
}

#[derive(Args)]
pub struct Tour {
    /// Data, of which a training, a validation and a test set are split off
    #[arg(long, value_name = "SOURCE")]
    pub data: String,
    /// Test set, used once for the scores of the winner, instead of a share of the data
    #[arg(long, value_name = "SOURCE")]
    pub test: Option<String>,
    /// Column that models of samples and of real rows predict from the others: adds machine-learning efficacy to the scores
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    /// Column of sample weights, in the data and in --test data
    #[arg(long, value_name = "COLUMN")]
    pub weights: Option<String>,
    #[command(flatten)]
    pub types: Types,
    #[command(flatten)]
    pub levels: Levels,
    /// Conditioning columns: the models learn p(other columns | these), as in `train`
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub condition: Vec<String>,
    /// Time budget, such as 90s, 10m or 1h30m. Methods share it evenly; if not all fit, the last in the list are left out
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub budget: std::time::Duration,
    /// Methods to compare [default: all that can be trained on data]
    #[arg(long, value_name = "METHOD,…", value_delimiter = ',')]
    pub methods: Vec<String>,
    /// Output folder [default: runs/tour-DATA]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// One training setting for every method, such as hidden_width=32; repeatable
    #[arg(long = "set", value_name = "key=value")]
    pub set: Vec<String>,
    /// Random seed
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,
    /// Results as one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Sample {
    /// Run folder, or model.safetensors file
    pub run: PathBuf,
    /// Number of samples; with --given, per row of conditions [default there: 1]
    #[arg(short, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub n: Option<usize>,
    /// Sampling temperature: a factor of the noise that samples are made of; below 1 for likelier, less diverse samples [default: 1]
    #[arg(long, value_name = "T", value_parser = temperature, allow_hyphen_values = true)]
    pub temperature: Option<f32>,
    /// Conditions of a model trained with --condition: a file with these columns, or one value per column (--given sex=f --given age=40); of one trained with
    /// --set impute=true any of its columns
    #[arg(long, value_name = "FILE|COLUMN=VALUE")]
    pub given: Vec<String>,
    /// Words for a missing value, beside empty cells [default: those of the run's training]; --missing "" leaves empty cells alone
    #[arg(long, value_name = "WORD,…", allow_hyphen_values = true)]
    pub missing: Option<String>,
    /// Random seed of the samples
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,
    #[command(flatten)]
    pub integration: Integration,
    /// Output file
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Output file of trajectories, for methods that integrate: columns path, t and those of the data
    #[arg(long, value_name = "FILE")]
    pub trajectories: Option<PathBuf>,
}

#[derive(Args)]
pub struct Impute {
    /// Run folder, or model.safetensors file, of a model trained with --set impute=true
    pub run: PathBuf,
    /// Table with missing cells, with the columns of the training data; further columns stay as they are
    #[arg(long, value_name = "FILE")]
    pub data: String,
    /// Output file: the table with its missing cells filled
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Number of draws, each in a file of its own: for --out filled.csv these are filled-1.csv, filled-2.csv, …
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub draws: Option<usize>,
    /// Random seed; the k-th of several draws is that of the k-th seed from here
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,
    /// Words for a missing value, beside empty cells [default: those of the run's training]; --missing "" leaves empty cells alone
    #[arg(long, value_name = "WORD,…", allow_hyphen_values = true)]
    pub missing: Option<String>,
    #[command(flatten)]
    pub integration: Integration,
}

/// How a method that integrates an equation solves it.
#[derive(Args)]
pub struct Integration {
    /// Solver of the differential equation, for methods that integrate one: euler, midpoint, heun, rk4, dopri5 (adaptive), … [default: the
    /// method's own for samples; for push and log-density dopri5, with a tolerance that is lowered until the result hardly changes]
    #[arg(long)]
    pub solver: Option<String>,
    /// Number of solver steps: more are slower and more exact
    #[arg(long, value_name = "K", value_parser = count, allow_hyphen_values = true)]
    pub steps: Option<usize>,
    /// Another sampling setting, such as grid=edm, tolerance=1e-5 or eta=0.5; repeatable
    #[arg(long = "set", value_name = "key=value")]
    pub set: Vec<String>,
}

#[derive(Args)]
pub struct Push {
    /// Run folder, or model.safetensors file
    pub run: PathBuf,
    /// Points of the latent space, as a SOURCE: one column per latent dimension, followed by the conditioning columns if the model has any
    #[arg(long, value_name = "FILE")]
    pub input: String,
    /// Output file
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Conditions of a model trained with --condition, if the file of points does not hold them: a file with a row for each point, or one
    /// value per column; repeatable
    #[arg(long, value_name = "FILE|COLUMN=VALUE", conflicts_with = "inverse")]
    pub given: Vec<String>,
    /// Inverse map, from data to the latent space, where the method has one
    #[arg(long)]
    pub inverse: bool,
    #[command(flatten)]
    pub integration: Integration,
}

#[derive(Args)]
pub struct LogDensity {
    /// Run folder, or model.safetensors file
    pub run: PathBuf,
    /// Rows whose log-density is computed, with the columns of the training data
    #[arg(long, value_name = "FILE")]
    pub data: String,
    /// Words for a missing value, beside empty cells [default: those of the run's training]; --missing "" leaves empty cells alone
    #[arg(long, value_name = "WORD,…", allow_hyphen_values = true)]
    pub missing: Option<String>,
    /// Output file for the log-density of each row
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Mean log-density as one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub integration: Integration,
}

#[derive(Args)]
pub struct Evaluate {
    /// Real data, preferably a test set that training has not seen, and samples to score; in place of samples a run, which draws as many as there are real rows
    #[arg(value_names = ["REAL", "SYNTHETIC"], num_args = 0..=2)]
    pub sets: Vec<String>,
    /// Real data, by name
    #[arg(long, value_name = "SOURCE")]
    pub reference: Option<String>,
    /// Samples to score, by name
    #[arg(long, value_name = "SOURCE")]
    pub samples: Option<String>,
    /// Training data: adds the scores of memorization, which tell copies from new rows
    #[arg(long, value_name = "SOURCE")]
    pub train: Option<String>,
    /// Column that models of samples and of real rows predict from the others: adds machine-learning efficacy
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    /// Score ∇ log p of the target distribution, one expression per column in the reference's column names (repeat the flag): adds KSD². Toy distributions
    /// have their own
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub score: Vec<String>,
    /// Division of every column by the reference's standard deviation, so that no column outweighs the others
    #[arg(long, value_name = "BOOL", default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub standardize: bool,
    /// Column of sample weights in the reference
    #[arg(long, value_name = "COLUMN")]
    pub weights: Option<String>,
    /// Column of sample weights in the samples
    #[arg(long, value_name = "COLUMN")]
    pub sample_weights: Option<String>,
    #[command(flatten)]
    pub types: Types,
    /// Largest number of rows of each set in the scores over all pairs of rows [default: what takes about 5 s]
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub pair_rows: Option<usize>,
    /// Random seed of subsamples, projections and toy distributions (a toy reference differs from a toy training set of the same seed)
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,
    /// Results as one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Reproduce {
    /// Study: anneal, defaults, densities, figure1, flows, saddle, spectrum or statistics [default: a list of them]
    pub what: Option<String>,
    /// List of the study's settings, with their defaults
    #[arg(long, requires = "what")]
    pub settings: bool,
    /// One setting of the study (see --settings); repeatable
    #[arg(long = "set", value_name = "key=value")]
    pub set: Vec<String>,
    /// Output folder [default: runs/WHAT]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Random seed
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,
    /// Results as one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Bench {
    /// One JSON object per case; with --compare, one for the comparison
    #[arg(long)]
    pub json: bool,
    /// Part of the names of the cases to run
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Output file of JSON lines; written when all cases are measured
    #[arg(long, value_name = "FILE", conflicts_with = "compare")]
    pub out: Option<PathBuf>,
    /// Comparison of two or more files of JSON lines; the first is the baseline
    #[arg(long)]
    pub compare: bool,
    /// Files to compare
    #[arg(value_name = "FILE", requires = "compare")]
    pub files: Vec<PathBuf>,
    /// Smallest slowdown that is a regression, in percent: 0 or above, or `inf` for none
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = percent, requires = "compare", allow_hyphen_values = true)]
    pub threshold: f64,
    /// Comparison as GitHub Markdown
    #[arg(long, requires = "compare", conflicts_with = "json")]
    pub markdown: bool,
    /// Output file for a plot of the comparison
    #[arg(long, value_name = "FILE", requires = "compare")]
    pub svg: Option<PathBuf>,
}

/// Seeds stay within TOML's integers, so that `config.toml` can hold them.
fn seed(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|&s: &u64| i64::try_from(s).is_ok()).ok_or_else(|| "give an integer of 0 or above".to_string())
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
    text.replace('_', "").parse().ok().filter(|&n| n > 0).ok_or_else(|| "give an integer of 1 or above".to_string())
}
