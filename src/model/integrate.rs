//! Integrations whose steps follow their error: noise to data, data to noise, and with the log-density.

use super::Model;
use crate::Result;
use crate::flow::{Adaptive, divergence};
use crate::gpu::{Kept, Recorder, Step, Tensor, Var};
use crate::methods::Dynamics;

/// A batch's journey: to where it begins, along the field, and from where it ends.
pub(super) struct Journey {
    begin: Step,
    starts: Vec<Kept>,
    field: Adaptive,
    ends: Vec<Tensor>,
    arrive: Step,
    out: Kept,
}

impl Journey {
    /// The rows that the batch at hand arrives at.
    pub fn run(&mut self) -> Result<Vec<f32>> {
        self.begin.replay(1)?;
        let starts = self.starts.iter().map(|&kept| self.begin.read(kept)).collect::<Result<Vec<_>>>()?;
        self.field.run(&starts.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        for (place, end) in self.ends.iter().enumerate() {
            end.write(&self.field.values(place)?)?;
        }
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

    /// Whether every column's derivative is taken, so that the log-density is exact.
    pub(super) fn exact_density(&self, dynamics: &dyn Dynamics) -> bool {
        dynamics.probes() == 0
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
        let values: Vec<Var> = std::iter::once(x).chain(gained).collect();
        let starts = values.iter().map(|&v| rec.keep(v)).collect();
        let shapes: Vec<(usize, usize)> = values.iter().map(|v| (v.rows(), v.cols())).collect();
        let begin = rec.finish()?;
        let field = Adaptive::record(&self.gpu, &shapes, span, dynamics.sampling().tolerance, &mut |rec, state, time| {
            let v = dynamics.velocity(rec, state[0], time)?;
            match state.len() {
                1 => Ok(vec![v]),
                _ => Ok(vec![v, divergence(rec, v, state[0])?]),
            }
        })?;
        let ends = shapes.iter().map(|&(rows, cols)| self.gpu.zeros(rows, cols)).collect::<Result<Vec<_>>>()?;
        let mut rec = Recorder::new(&self.gpu, 0);
        let end: Vec<Var> = ends.iter().map(|tensor| rec.tensor(tensor)).collect();
        let out = arrive(&mut rec, &end)?;
        let out = rec.keep(out);
        Ok(Journey { begin, starts, field, ends, arrive: rec.finish()?, out })
    }
}
