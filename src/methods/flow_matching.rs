//! Flow matching (paper §4; Lipman et al. 2023; Liu, Gong & Liu 2023; Albergo & Vanden-Eijnden 2023): between x₀ of a source distribution and x₁ of
//! the data lies a path x_t = α x₁ + σ x₀, and the field v that minimizes
//!
//!   E ‖v(x_t, t) − (α̇ x₁ + σ̇ x₀)‖²,   t on [0, 1], x₀ and x₁ independent or paired by optimal transport,
//!
//! carries the source to the data (paired by the optimal transport of each batch, `coupling`, paths hardly cross and the flow is straighter:
//! Tong et al. 2024; Pooladian et al. 2023): φ(z) is the end of dx/dt = v(x, t) from ξ(z). The source is the usual initial guess ξ_#ν, the Gaussian
//! with the data's mean and covariance, and v starts at zero: training starts at the fitted Gaussian, as that of every other method does.

use super::many_step::{
    FITTED, Flow, Integrated, ManyStep, check_source, given_source, keys_of_flow, refuse_decoding, resolve_flow, take_flow,
};
use super::{Dataset, Entry};
use crate::flow::Prediction;
use crate::flow::coupling::{Coupling, ExactPairs, gaussian};
use crate::gpu::{Gpu, Plan};
use crate::nn::Weights;
use crate::{Error, Result, settings};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

settings! {
    /// Settings of `flow-matching`.
    pub struct Settings {
        /// Source distribution: "fitted" (the Gaussian with the mean and covariance of the data), or data with the same columns (a SOURCE).
        source: String = FITTED.into(),
        /// Coupling of source and data within a batch: independent, sinkhorn (entropic optimal transport), exact (optimal matching).
        coupling: Coupling = Coupling::Independent,
        /// Entropic regularization ε of sinkhorn, in mean squared distances of the batch, 0.005 to 10.
        epsilon: f32 = 0.05,
    }
}

pub const ENTRY: Entry = Entry {
    name: "flow-matching",
    summary: "a velocity field between a source distribution and the data, integrated by a solver",
    paper: "§4, flow matching",
    density: true,
    inverse: true,
    defaults: "hidden_width = 128\nhidden_layers = 3\nlearning_rate = 2e-3\ntime_distribution = \"low-discrepancy\"",
    keys: keys_of_flow::<Settings>,
    build: |setup, own| {
        let given = given_source(own).is_some();
        let (settings, course, sampling) = take_flow::<Settings>(own)?;
        if setup.conditions > 0 && settings.coupling != Coupling::Independent {
            return Err(Error::usage(
                "`coupling` pairs noise with rows and their conditions: in a conditional model it must be independent",
            ));
        }
        let core = ManyStep::new(setup, &course, sampling, Prediction::Velocity, 1, given)?;
        Ok(Box::new(Integrated(FlowMatching { core, coupling: settings.coupling, epsilon: settings.epsilon })))
    },
    resolve: |table| {
        let own = resolve_flow::<Settings>(table, Settings::check)?;
        refuse_decoding(&own)?;
        check_source(&own)?;
        Ok(own)
    },
};

impl Settings {
    fn check(&self) -> Result<()> {
        if (0.005..=10.0).contains(&self.epsilon) {
            return Ok(());
        }
        Err(Error::usage(format!("`epsilon` is {}: it must be between 0.005 and 10", self.epsilon)))
    }
}

struct FlowMatching {
    core: ManyStep,
    coupling: Coupling,
    epsilon: f32,
}

impl FlowMatching {
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

impl Flow for FlowMatching {
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
