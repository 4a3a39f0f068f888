//! What the study tries: the defaults of each method, and single settings changed.

use pushforward::Result;
use pushforward::methods::{self, Method, Training};
use pushforward::settings::Values;
use std::path::Path;

/// Methods, and what is changed of their defaults, one trial each.
pub(super) const TRIALS: &[(&str, &[&str])] = &[
    ("energy", &["hidden_width = 128\nhidden_layers = 3", "learning_rate = 2e-3", "batch_size = 512", "beta = 1.5"]),
    ("mmd", &["scales = [0.125, 0.25, 0.5, 1.0, 2.0]", "learning_rate = 2e-3"]),
    ("characteristic", &["scales = [0.5, 1.0, 2.0, 4.0]", "tau = 'inverse'", "learning_rate = 2e-3"]),
    ("sinkhorn", &["blur = 0.2", "learning_rate = 2e-3", "batch_size = 1024"]),
    ("gan", &["critic_gain = 1.0", "r1 = 1.0", "critic_steps = 2", "learning_rate = 1e-3"]),
    ("wgan", &["critic_gain = 1.0", "gradient_penalty = 1.0", "critic_steps = 3", "learning_rate = 1e-3"]),
    ("fgan", &["critic_gain = 1.0", "divergence = 'kl'", "divergence = 'hellinger'", "learning_rate = 1e-3"]),
    ("kantorovich", &["critic_gain = 1.0", "epsilon = 0.01", "critic_steps = 2", "learning_rate = 2e-3"]),
    ("stein", &["scales = [0.5]", "kernel = 'gaussian'", "learning_rate = 2e-3"]),
    (
        "drift",
        &["scales = [0.1, 0.2, 0.4, 0.8]", "kernel = 'laplace'", "normalize = true", "learning_rate = 2e-3", "batch_size = 512"],
    ),
    ("flow-map", &["from_noise = 0.0", "learning_rate = 2e-3", "hidden_width = 64\nhidden_layers = 6", "loss = 'meanflow'"]),
    (
        "imm",
        &[
            "gap = 0.5\nfrom_noise = 0.0\nto_data = 0.5",
            "from_noise = 0.25",
            "partners = true",
            "learning_rate = 2e-3",
            "hidden_width = 128\nhidden_layers = 3",
        ],
    ),
    (
        "distributional-diffusion",
        &["from_noise = 0.0", "learning_rate = 2e-3", "hidden_width = 128\nhidden_layers = 3", "draws = 4"],
    ),
    ("anneal", &["noise_schedule = 'rounds'", "noise_fraction = 0.25", "min_time = 1e-2"]),
    ("distill", &["hidden_width = 64", "hidden_width = 128\nhidden_layers = 3", "loss = 'consistency'", "pairs = 8192"]),
    ("vae", &["hidden_layers = 2", "learning_rate = 4e-3"]),
    ("iwae", &["hidden_layers = 2", "samples = 16", "learning_rate = 4e-3", "variance = 'column'"]),
    ("realnvp", &["learning_rate = 5e-3", "hidden_width = 128", "mixing = 'linear'"]),
    ("maf", &["learning_rate = 2e-3", "layers = 6", "transform = 'affine'", "mixing = 'linear'"]),
    ("spline", &["learning_rate = 2e-3", "layers = 8", "bins = 16", "mixing = 'linear'"]),
    ("cnf", &["learning_rate = 2e-3", "jacobian_penalty = 0.01", "hidden_width = 128", "train_steps = 8"]),
    ("ebm", &["learning_rate = 1e-3", "chain_steps = 20", "restart = 0.1"]),
    ("flow-matching", &["learning_rate = 4e-3", "hidden_width = 256", "coupling = 'sinkhorn'", "time_distribution = 'uniform'"]),
    (
        "diffusion",
        &["learning_rate = 4e-3", "prediction = 'noise'", "path = 'ornstein-uhlenbeck'", "time_distribution = 'uniform'"],
    ),
    ("score", &["learning_rate = 4e-3", "path = 'trigonometric'", "time_distribution = 'low-discrepancy'"]),
    ("interpolant", &["learning_rate = 4e-3", "gamma = 'none'", "gamma_scale = 0.5", "time_distribution = 'low-discrepancy'"]),
    ("rectified-flow", &["learning_rate = 4e-3", "pairs = 65536", "rounds = 2"]),
];

/// Whose run on the same rows, for as many steps, `distill` learns from.
pub(super) const TEACHER: Trial = Trial { method: "flow-matching", changed: String::new() };

/// A method with some settings changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    pub method: &'static str,
    /// TOML; empty for the defaults.
    pub changed: String,
}

impl Trial {
    /// In one line.
    pub fn said(&self) -> String {
        if self.changed.is_empty() { "defaults".into() } else { self.changed.replace('\n', ", ") }
    }

    /// The method and the settings of a run of so many steps; one with a teacher learns from the run in `teacher`.
    pub(super) fn configured(&self, steps: u32, teacher: &Path) -> Result<(Box<dyn Method>, Training)> {
        let mut values = Values::default();
        values.insert("warmup_steps", (steps / 20).min(100));
        values.extend(Values::parse(&self.changed)?);
        values.insert("steps", steps);
        let mut method = methods::by_name(self.method)?;
        method.set_teacher(teacher);
        methods::configure(method, &values)
    }
}
