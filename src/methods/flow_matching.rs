//! Flow matching (paper §4; Lipman et al. 2023; Liu, Gong & Liu 2023; Albergo & Vanden-Eijnden 2023): between x₀ of a source law and x₁ of
//! the data lies a path x_t = α x₁ + σ x₀, and the field v that minimises
//!
//!   E ‖v(x_t, t) − (α̇ x₁ + σ̇ x₀)‖²,   t on [0, 1], x₀ and x₁ independent or paired by optimal transport,
//!
//! carries the source to the data: φ(z) is the end of dx/dt = v(x, t) from ξ(z). The source is the house's first guess ξ_#ν, the Gaussian
//! with the data's mean and covariance, and v starts at zero: training starts at the fitted Gaussian, as that of every other method does.

use super::many_step::{FITTED, Flow, Integrated, ManyStep, check_source, given_source, keys_of_flow, resolve_flow, take_flow};
use super::{Dataset, Entry};
use crate::flow::Prediction;
use crate::gpu::{Recorder, Var};
use crate::{Result, settings};

settings! {
    /// Settings of `flow-matching`.
    pub struct Settings {
        /// Source law: "fitted" (the Gaussian with the data's mean and covariance), or rows with the data's columns (a SOURCE, as --data takes it).
        source: String = FITTED.into(),
    }
}

pub const ENTRY: Entry = Entry {
    name: "flow-matching",
    summary: "a velocity field between a source law and the data, followed by a solver",
    paper: "§4, flow matching",
    density: true,
    inverse: true,
    defaults: "width = 128\ndepth = 3\nrate = 2e-3",
    keys: keys_of_flow::<Settings>,
    build: |setup, own| {
        let given = given_source(own).is_some();
        let (_, course, sampling) = take_flow::<Settings>(own)?;
        let core = ManyStep::new(setup, &course, sampling, Prediction::Velocity, 1, given)?;
        Ok(Box::new(Integrated(FlowMatching(core))))
    },
    resolve: |table| {
        let own = resolve_flow::<Settings>(table, |_| Ok(()))?;
        check_source(&own)?;
        Ok(own)
    },
};

struct FlowMatching(ManyStep);

impl Flow for FlowMatching {
    fn core(&self) -> &ManyStep {
        &self.0
    }

    fn loss(&self, rec: &mut Recorder, data: &Dataset) -> Result<Var> {
        let x1 = self.0.data(rec, data)?;
        let x0 = self.0.source(rec, x1.rows())?;
        self.0.denoising(rec, x0, x1)
    }
}
