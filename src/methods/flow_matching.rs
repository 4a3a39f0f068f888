//! Flow matching (paper §4; Lipman et al. 2023; Liu, Gong & Liu 2023; Albergo & Vanden-Eijnden 2023): between x₀ of a source distribution and x₁ of
//! the data lies a path x_t = α x₁ + σ x₀, and the field v that minimizes
//!
//!   E ‖v(x_t, t) − (α̇ x₁ + σ̇ x₀)‖²,   t on [0, 1], x₀ and x₁ independent or paired by optimal transport,
//!
//! carries the source to the data (paired by the optimal transport of each batch, `coupling`, paths hardly cross and the flow is straighter:
//! Tong et al. 2024; Pooladian et al. 2023): φ(z) is the end of dx/dt = v(x, t) from ξ(z). The source is the usual initial guess ξ_#ν, the Gaussian
//! with the data's mean and covariance, and v starts at zero: training starts at the fitted Gaussian, as that of every other method does.

use super::many_step::{Flow, Integrated, ManyStep, PathSettings, Sampling, check_source};
use super::{Dataset, Drawing, Entry, Learner, Method, Setup, Training};
use crate::flow::coupling::{Coupling, ExactPairs, gaussian};
use crate::flow::{Prediction, TimeDistribution};
use crate::gpu::{Gpu, Plan};
use crate::nn::Weights;
use crate::{Error, Result, settings};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

settings! {
    /// Settings of `flow-matching`.
    pub struct FlowMatching {
        /// Source distribution: fitted (the Gaussian with the mean and covariance of the data), or data with the same columns (a SOURCE).
        source: Option<String> = None, or fitted,
        /// Coupling of source and data within a batch: independent, sinkhorn (entropic optimal transport), exact (optimal matching).
        coupling: Coupling = Coupling::Independent,
        /// Entropic regularization ε of sinkhorn, in mean squared distances of the batch.
        epsilon: f32 = 0.05, in 0.005..=10.0,
        /// The probability path.
        path: PathSettings = PathSettings { time_distribution: TimeDistribution::LowDiscrepancy, ..PathSettings::default() }, as group,
        /// How samples are drawn.
        sampling: Sampling = Sampling::default(), as group,
    }
}

static ENTRY: Entry = Entry {
    name: "flow-matching",
    summary: "a velocity field between a source distribution and the data, integrated by a solver",
    paper: "§4, flow matching",
    use_when: "You want near samples from stable, cheap training steps with densities and inverses, or a map from one table to another (the setting source); a good default from about 1,000 rows on.",
    avoid_when: "You need samples in one step, or have few rows and many columns: on 1,797 rows of 64 columns it came hardly nearer than a fitted Gaussian.",
    density: true,
    inverse: true,
    training: || Training { hidden_width: 128, hidden_layers: 3, learning_rate: 2e-3, ..Training::default() },
};

impl Method for FlowMatching {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        if setup.conditions > 0 && self.coupling != Coupling::Independent {
            return Err(Error::usage(
                "`coupling` pairs noise with rows and their conditions: in a conditional model it must be independent",
            ));
        }
        let core = ManyStep::new(setup, &self.path, &self.sampling, Prediction::Velocity, 1, self.source.is_some())?;
        Ok(Box::new(Integrated(FlowMatchingLearner { core, coupling: self.coupling, epsilon: self.epsilon })))
    }

    fn drawing(&mut self) -> Drawing<'_> {
        Drawing::Solver(&mut self.sampling)
    }

    fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }
}

impl FlowMatching {
    fn validate(&self) -> Result<()> {
        self.path.refuse_decoding()?;
        check_source(self.source(), &self.path, &self.sampling)
    }
}

struct FlowMatchingLearner {
    core: ManyStep,
    coupling: Coupling,
    epsilon: f32,
}

impl FlowMatchingLearner {
    /// Batches matched on the host, ahead of the steps.
    fn matched(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<ExactPairs> {
        let (rows, batch, cols) = (data.host()?, self.core.batch, data.cols());
        match data.source() {
            None => ExactPairs::new(gpu, seed, batch, rows, gaussian(data.mean().to_vec(), data.embedding(self.core.latent))),
            Some(source) => {
                let source = source.to_vec();
                let draw = move |random: &mut ChaCha8Rng, n: usize| {
                    let mut row = || random.random_range(0..source.len() / cols) * cols;
                    (0..n).flat_map(|_| source[row()..][..cols].to_vec()).collect()
                };
                ExactPairs::new(gpu, seed, batch, rows, draw)
            }
        }
    }
}

impl Flow for FlowMatchingLearner {
    fn core(&self) -> &ManyStep {
        &self.core
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        if self.coupling != Coupling::Exact {
            return self.core.plan_of(gpu, seed, |rec| {
                let (x1, given) = self.core.data(rec, data)?;
                let x0 = self.core.source(rec, x1.rows())?;
                let (x0, x1) = self.coupling.pair(rec, x0, x1, self.epsilon)?;
                self.core.denoising(rec, x0, x1, given)
            });
        }
        let pairs = self.matched(gpu, seed, data)?;
        let plan = self.core.plan_of(gpu, seed, |rec| {
            let (x0, x1) = pairs.record(rec)?;
            let [x0, x1] = [x0, x1].map(|x| self.core.center(rec, x, Weights::Trained));
            self.core.denoising(rec, x0?, x1?, None)
        })?;
        Ok(pairs.attach(plan))
    }
}
