//! [`Sampler`]: draws samples from a model, with the solver, temperature and conditions that are asked for.

use super::Model;
use crate::data::Table;
use crate::flow::Solver;
use crate::methods::Sampling;
use crate::{Error, Result};

/// A change of how samples are drawn.
type Change<'m> = Box<dyn Fn(&mut Sampling) + 'm>;

/// Draws samples from a model; made by [`Model::sampler`].
///
/// ```no_run
/// use pushforward::prelude::*;
///
/// # fn main() -> pushforward::Result<()> {
/// let gpu = Gpu::open("auto")?;
/// let model = Model::load(&gpu, "people.safetensors")?;
/// let samples = model.sampler().solver(Solver::Heun).steps(16).seed(1).draw(10_000)?;
/// samples.write("samples.csv")?;
/// # Ok(())
/// # }
/// ```
pub struct Sampler<'m> {
    model: &'m Model,
    sampling: Vec<Change<'m>>,
    steps: Option<usize>,
    temperature: Option<f32>,
    seed: u64,
    given: Option<Table>,
}

impl Model {
    /// A sampler with the model's own settings.
    pub fn sampler(&self) -> Sampler<'_> {
        Sampler { model: self, sampling: Vec::new(), steps: None, temperature: None, seed: 0, given: None }
    }
}

impl<'m> Sampler<'m> {
    /// Solver of the equation that samples follow, of methods that integrate one.
    pub fn solver(self, solver: Solver) -> Self {
        self.sampling(move |sampling| sampling.solver = solver)
    }

    /// Steps of the solver; of maps between two times, steps of the map.
    pub fn steps(self, steps: usize) -> Self {
        Self { steps: Some(steps), ..self }
    }

    /// Changes any other settings of how samples are drawn, such as `|sampling| sampling.eta = 0.5`.
    pub fn sampling(mut self, change: impl Fn(&mut Sampling) + 'm) -> Self {
        self.sampling.push(Box::new(change));
        self
    }

    /// Sampling temperature: the noise that samples begin as is multiplied by it. Below 1 samples come from where the model has most of its mass.
    pub fn temperature(self, temperature: f32) -> Self {
        Self { temperature: Some(temperature), ..self }
    }

    /// Seed of the noise; 0 unless set. The first rows of a larger sample of the same seed are the same.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Rows of the conditioning columns, by their names: [`Sampler::draw`] then draws for each of them. Of a model trained with `impute` these are any columns.
    pub fn given(self, rows: Table) -> Self {
        Self { given: Some(rows), ..self }
    }

    /// Draws `n` samples, or `n` for each row that is given: a table of the model's columns in the data's own units.
    ///
    /// # Errors
    /// A setting that the method does not have or refuses; conditions that are missing, or given to a model without; a sample that is not finite.
    pub fn draw(&self, n: usize) -> Result<Table> {
        if n == 0 {
            return Err(Error::usage("the number of samples is 0: it must be at least 1"));
        }
        let mut changed = None;
        let mut change = |how: &dyn Fn(Model) -> Result<Model>| -> Result<()> {
            changed = Some(how(changed.take().map_or_else(|| self.model.copy(), Ok)?)?);
            Ok(())
        };
        if !self.sampling.is_empty() {
            change(&|model| model.with_sampling(|sampling| self.sampling.iter().for_each(|own| own(sampling))))?;
        }
        if let Some(steps) = self.steps {
            change(&|model| model.with_steps(steps))?;
        }
        if let Some(temperature) = self.temperature {
            change(&|model| model.with_temperature(temperature))?;
        }
        let model = changed.as_ref().unwrap_or(self.model);
        match &self.given {
            Some(rows) => model.sample_given(rows, n, self.seed),
            None => model.sample(n, self.seed),
        }
    }
}
