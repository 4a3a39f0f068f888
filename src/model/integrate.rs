//! Integrations whose steps follow their error: noise to data, data to noise, and with the log-density.

use super::Model;
use crate::Result;
use crate::flow::{Adaptive, divergence};
use crate::gpu::{Kept, Recorder, Step, Tensor, Var};
use crate::methods::Dynamics;

/// A batch's journey: to where it begins, along the field, and from where it ends. All three move the same memory.
pub(super) struct Journey {
    begin: Step,
    field: Adaptive,
    arrive: Step,
    out: Kept,
}

impl Journey {
    /// The rows that the batch at hand arrives at.
    pub fn run(&mut self) -> Result<Vec<f32>> {
        self.begin.replay(1)?;
        self.field.run()?;
        self.arrive.replay(1)?;
        self.arrive.read(self.out)
    }
}

impl Model {
    pub(super) fn forwards(&self, dynamics: &dyn Dynamics, mut rec: Recorder, z: Var) -> Result<Journey> {
        let x = dynamics.begin(&mut rec, z)?;
        self.journey(dynamics, rec, x, dynamics.span(), None, |rec, end| dynamics.arrive(rec, end[0]))
    }

    pub(super) fn backwards(&self, dynamics: &dyn Dynamics, mut rec: Recorder, x: Var) -> Result<Journey> {
        let x = dynamics.leave(&mut rec, x)?;
        let (from, to) = dynamics.span();
        self.journey(dynamics, rec, x, (to, from), None, |rec, end| dynamics.origin(rec, end[0]))
    }

    pub(super) fn densities(&self, dynamics: &dyn Dynamics, mut rec: Recorder, x: Var) -> Result<Journey> {
        let x = dynamics.leave(&mut rec, x)?;
        let (from, to) = dynamics.span();
        let zero = rec.constant(0.0, x.rows(), 1)?;
        self.journey(dynamics, rec, x, (to, from), Some(zero), |rec, end| {
            let noise = dynamics.noise_density(rec, end[0])?;
            rec.add(noise, end[1])
        })
    }

    fn journey(
        &self,
        dynamics: &dyn Dynamics,
        mut rec: Recorder,
        x: Var,
        span: (f64, f64),
        gained: Option<Var>,
        arrive: impl FnOnce(&mut Recorder, &[Var]) -> Result<Var>,
    ) -> Result<Journey> {
        let starts: Vec<Var> = std::iter::once(x).chain(gained).collect();
        let values = starts.iter().map(|v| self.gpu.zeros(v.rows(), v.cols())).collect::<Result<Vec<Tensor>>>()?;
        for (&start, value) in starts.iter().zip(&values) {
            let value = rec.tensor(value);
            rec.copy_into(start, value)?;
        }
        let begin = rec.finish()?;
        let field = Adaptive::record(&self.gpu, &values, span, dynamics.sampling().tolerance, &mut |rec, state, time| {
            let v = dynamics.velocity(rec, state[0], time)?;
            match state.len() {
                1 => Ok(vec![v]),
                _ => Ok(vec![v, divergence(rec, v, state[0])?]),
            }
        })?;
        let mut rec = Recorder::new(&self.gpu, 0);
        let end: Vec<Var> = values.iter().map(|tensor| rec.tensor(tensor)).collect();
        let out = arrive(&mut rec, &end)?;
        let out = rec.keep(out);
        Ok(Journey { begin, field, arrive: rec.finish()?, out })
    }
}
