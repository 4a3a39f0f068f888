//! Integrations whose steps follow their error: noise to data, data to noise, and with the log-density.

use super::Model;
use crate::Result;
use crate::flow::{Adaptive, divergence, probed_divergence};
use crate::gpu::{Kept, Recorder, Step, Tensor, Var};
use crate::methods::{Density, Dynamics};

/// A batch's journey: to where it begins, along the field, and from where it ends. All three move the same memory.
pub(super) struct Journey {
    begin: Step,
    field: Adaptive,
    arrive: Step,
    out: Kept,
    /// Evaluations of the field in the last run.
    pub evaluations: usize,
}

impl Journey {
    /// The rows that the batch at hand arrives at; `watch` is told what share of the time is behind.
    pub fn run(&mut self, watch: &dyn Fn(f64)) -> Result<Vec<f32>> {
        self.begin.replay(1)?;
        self.evaluations = self.field.run_watched(&mut |share| watch(share))?.evaluations();
        self.arrive.replay(1)?;
        self.arrive.read(self.out)
    }

    /// The same of the first batch, with the numbers that it drew, at this tolerance.
    pub fn run_again(&mut self, tolerance: f64, watch: &dyn Fn(f64)) -> Result<Vec<f32>> {
        self.begin.set_count(0)?;
        self.set_tolerance(tolerance)?;
        self.run(watch)
    }

    pub fn set_tolerance(&mut self, tolerance: f64) -> Result<()> {
        self.field.set_tolerance(tolerance)
    }
}

/// What an integration gains on the way beside the rows.
enum Gained {
    Nothing,
    /// ∫∇·v dt.
    Divergence(Var),
    /// The same by each of these probes.
    Probed(Vec<Var>, Var),
}

impl Model {
    /// Samples of these latents, as samples are drawn.
    pub(super) fn forwards(&self, dynamics: &dyn Dynamics, mut rec: Recorder, z: Var) -> Result<Journey> {
        let x = dynamics.begin(&mut rec, z)?;
        self.journey(dynamics, rec, x, dynamics.span(), Gained::Nothing, |rec, end| dynamics.arrive(rec, end[0]))
    }

    /// Where the field takes these latents: the inverse of [`Model::backwards`], with nothing at its end that the field does not do.
    pub(super) fn along(&self, dynamics: &dyn Dynamics, mut rec: Recorder, z: Var) -> Result<Journey> {
        let x = dynamics.begin(&mut rec, z)?;
        self.journey(dynamics, rec, x, dynamics.field_span(), Gained::Nothing, |rec, end| dynamics.place(rec, end[0]))
    }

    pub(super) fn backwards(&self, dynamics: &dyn Dynamics, mut rec: Recorder, x: Var) -> Result<Journey> {
        let x = dynamics.leave(&mut rec, x)?;
        let (from, to) = dynamics.field_span();
        self.journey(dynamics, rec, x, (to, from), Gained::Nothing, |rec, end| dynamics.origin(rec, end[0]))
    }

    /// The log-density of rows, and behind it its standard error where the divergence is probed.
    pub(super) fn densities(&self, dynamics: &dyn Dynamics, mut rec: Recorder, x: Var) -> Result<Journey> {
        let x = dynamics.leave(&mut rec, x)?;
        let (from, to) = dynamics.field_span();
        let zero = rec.constant(0.0, x.rows(), 1)?;
        let gained = match dynamics.probes() {
            0 => Gained::Divergence(zero),
            probes => {
                let probes = (0..probes).map(|_| dynamics.probe(&mut rec, x.rows())).collect::<Result<Vec<_>>>()?;
                Gained::Probed(probes, zero)
            }
        };
        self.journey(dynamics, rec, x, (to, from), gained, |rec, end| {
            let noise = dynamics.noise_density(rec, end[0])?;
            let each = end[1..].iter().map(|&gained| rec.add(noise, gained)).collect::<Result<Vec<_>>>()?;
            let Density { value, error } = Density::of_estimates(rec, &each)?;
            error.map_or(Ok(value), |error| rec.concat(&[value, error]))
        })
    }

    fn journey(
        &self,
        dynamics: &dyn Dynamics,
        mut rec: Recorder,
        x: Var,
        span: (f64, f64),
        gained: Gained,
        arrive: impl FnOnce(&mut Recorder, &[Var]) -> Result<Var>,
    ) -> Result<Journey> {
        let (probes, starts) = match gained {
            Gained::Nothing => (Vec::new(), vec![x]),
            Gained::Divergence(zero) => (Vec::new(), vec![x, zero]),
            Gained::Probed(probes, zero) => {
                let starts = [vec![x], vec![zero; probes.len()]].concat();
                (probes, starts)
            }
        };
        let mut own = |of: &[Var]| -> Result<Vec<Tensor>> {
            let tensors = of.iter().map(|v| self.gpu.zeros(v.rows(), v.cols())).collect::<Result<Vec<_>>>()?;
            for (&start, tensor) in of.iter().zip(&tensors) {
                let tensor = rec.tensor(tensor);
                rec.copy_into(start, tensor)?;
            }
            Ok(tensors)
        };
        let (values, probes) = (own(&starts)?, own(&probes)?);
        let begin = rec.finish()?;
        let field = Adaptive::record(&self.gpu, &values, span, dynamics.sampling().tolerance, &mut |rec, state, time| {
            let v = dynamics.velocity(rec, state[0], time)?;
            let mut rates = vec![v];
            for probe in &probes {
                let probe = rec.tensor(probe);
                rates.push(probed_divergence(rec, v, state[0], probe)?);
            }
            if probes.is_empty() && state.len() > 1 {
                rates.push(divergence(rec, v, state[0])?);
            }
            Ok(rates)
        })?;
        let mut rec = Recorder::new(&self.gpu, 0);
        let end: Vec<Var> = values.iter().map(|tensor| rec.tensor(tensor)).collect();
        let out = arrive(&mut rec, &end)?;
        let out = rec.keep(out);
        Ok(Journey { begin, field, arrive: rec.finish()?, out, evaluations: 0 })
    }
}
