//! Adam and AdamW with warm-up, schedule, clipping by the global norm, and an average of the parameters, in one dispatch
//! after the norm.

use crate::gpu::kernels::adam::{Params, Update};
use crate::gpu::{Recorder, Var};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How the learning rate falls after its warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Stays as it is.
    Constant,
    /// Half a cosine from the full rate to a hundredth of it at the last step.
    #[default]
    Cosine,
}

/// Settings of the optimizer (Kingma & Ba 2015; Loshchilov & Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    pub learning_rate: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
    /// Decoupled weight decay λ (AdamW); 0 is Adam.
    pub weight_decay: f32,
    /// Largest global norm of the gradient, where there is a limit.
    pub grad_clip: Option<f32>,
    /// Steps over which the rate grows from zero.
    pub warmup_steps: u32,
    /// Steps of the whole schedule.
    pub steps: u32,
    pub schedule: Schedule,
    /// Decay α of the parameters' moving average.
    pub ema: f32,
    /// Largest magnitude of a parameter, to which each update is projected back (the clipping of Wasserstein critics; Arjovsky et
    /// al. 2017); 0 is no limit.
    pub bound: f32,
}

impl Default for Adam {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            grad_clip: None,
            warmup_steps: 0,
            steps: 1,
            schedule: Schedule::Constant,
            ema: 0.999,
            bound: 0.0,
        }
    }
}

impl Adam {
    /// The fraction of the rate at which the schedule ends.
    pub fn floor(&self) -> f32 {
        match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => 0.01,
        }
    }
}

/// The flat buffers of one set of parameters, as values of a recording.
#[derive(Clone, Copy, Debug)]
pub struct Flat {
    pub value: Var,
    pub gradient: Var,
    pub first: Var,
    pub second: Var,
    pub average: Var,
}

impl Recorder {
    /// One update of flat parameters; returns the gradient's global norm before clipping, 1 × 1.
    ///
    /// The length must be a multiple of four (flat buffers are padded).
    pub fn adam(&mut self, flat: Flat, adam: &Adam) -> Result<Var> {
        let len = flat.value.len();
        if !len.is_multiple_of(4) {
            return Err(Error::shape("adam", format!("{len} parameters are not a multiple of four")));
        }
        if let Some(other) = [flat.gradient, flat.first, flat.second, flat.average].iter().find(|v| v.len() != len) {
            return Err(Error::shape("adam", format!("a buffer of {} numbers for {len} parameters", other.len())));
        }
        let norm2 = self.full_sum(flat.gradient, 1.0, true)?;
        // β = 0 has no logarithm; e⁻⁸⁷ is as good as nothing.
        let log = |beta: f32| f64::from(beta).ln().max(-87.0) as f32;
        let params = Params {
            len4: len as u32 / 4,
            warmup: adam.warmup_steps,
            total: adam.steps,
            rate: adam.learning_rate,
            floor: adam.floor(),
            beta1: adam.beta1,
            beta2: adam.beta2,
            log_beta1: log(adam.beta1),
            log_beta2: log(adam.beta2),
            epsilon: adam.epsilon,
            decay: adam.weight_decay,
            // 0 is no limit.
            clip: adam.grad_clip.unwrap_or(0.0),
            average_decay: adam.ema,
            bound: adam.bound,
        };
        let state = self.state();
        let Flat { value, gradient, first, second, average } = flat;
        let groups = self.groups(len / 4, Update::WIDTH);
        self.dispatch(Update { params, state, norm2, gradient, value, first, second, average }, groups)?;
        Ok(norm2)
    }
}
