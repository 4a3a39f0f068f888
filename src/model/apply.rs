//! What a trained map does: new rows, given latents pushed, rows pulled back, and the trajectories of samples.

use super::Model;
use super::integrate::Journey;
use crate::data::{Standardization, Table, in_words};
use crate::flow::Solver;
use crate::gpu::{Kept, Recorder, Step, Var};
use crate::methods::Dynamics;
use crate::methods::many_step::Way;
use crate::nn::Weights;
use crate::words::count;
use crate::{Error, Result};
use std::cell::Cell;

/// Rows that one replay pushes: enough to fill a device, small enough for any.
pub(super) const CHUNK: usize = 16_384;
/// Sampling draws from a counter domain of its own, so that a sample's seed may equal the training's.
pub(super) const SAMPLE_DOMAIN: u32 = 0x5a3e;
pub(super) const REPELLED: &str = "with repulsion a sample depends on the others of its batch: there is no map of single points, no inverse and no density; leave out `repulsion`";
/// Numbers that kept trajectories may take.
const MOST_TRAJECTORY: usize = 1 << 28;

impl Model {
    /// `n` new rows of the data's own columns, in their units. The first rows of a larger sample of the same seed are the same.
    ///
    /// # Errors
    /// A row that is not finite: the message says where an integration lost it. A model that generates from given columns.
    pub fn sample(&self, n: usize, seed: u64) -> Result<Table> {
        self.decoded(self.drawn(n, seed)?, seed)
    }

    /// Refuses a model of encoded columns, whose rows have no latents of their own, and whose trajectories are of numbers that mean nothing.
    ///
    /// # Errors
    /// Such a model.
    pub fn of_numbers(&self) -> Result<()> {
        match self.description.encoding {
            None => Ok(()),
            Some(_) => Err(Error::usage(
                "this model learned its columns through an encoding (of integers, categories, dates, missing cells or heavy tails): such rows have no latents and no trajectories; train on an array (.npy), or read the columns as numbers (--type COLUMN=number)",
            )),
        }
    }

    /// Rows of the columns of numbers that the model learned as rows of the data's own columns.
    pub(super) fn decoded(&self, numbers: Table, seed: u64) -> Result<Table> {
        match &self.description.encoding {
            Some(encoding) => encoding.decode(&numbers, seed),
            None => Ok(numbers),
        }
    }

    /// Rows of numbers as the encoding writes them: bits that are 0 or 1, numbers that are rounded.
    pub(super) fn encoded_again(&self, numbers: Table, seed: u64) -> Result<Table> {
        match &self.description.encoding {
            Some(encoding) => encoding.encode(&encoding.decode(&numbers, seed)?, seed),
            None => Ok(numbers),
        }
    }

    /// The same in the columns of numbers that the model learned: those of the data, unless they have an encoding.
    ///
    /// # Errors
    /// As [`Model::sample`].
    pub fn sample_numbers(&self, n: usize, seed: u64) -> Result<Table> {
        self.encoded_again(self.drawn(n, seed)?, seed)
    }

    /// The numbers as they come from the map.
    fn drawn(&self, n: usize, seed: u64) -> Result<Table> {
        if self.description.conditions > 0 {
            let given = in_words(self.description.parted().1);
            return Err(Error::usage(format!("this model has conditioning columns ({given}): give their values")));
        }
        let cols = self.description.columns.len();
        let name = format!("a sample of {}", self.description.method.name());
        if self.description.masks().is_some() {
            // Given nothing.
            let behind = self.description.behind();
            return self.finish(&self.generated(&vec![0.0; behind], behind, n, seed)?, &name);
        }
        let mut values = Vec::with_capacity(n * cols);
        if let Some(dynamics) = self.adaptive() {
            let mut rec = Recorder::with_domain(&self.gpu, seed, SAMPLE_DOMAIN)?;
            let z = self.begun(&mut rec, CHUNK)?;
            let mut journey = self.forwards(dynamics, rec, z)?;
            while values.len() < n * cols {
                let done = values.len() as f64;
                let share = |share: f64| self.tell((done + share * (CHUNK * cols) as f64) / (n * cols) as f64);
                values.extend(journey.run(&share)?);
            }
        } else {
            let mut rec = Recorder::with_domain(&self.gpu, seed, SAMPLE_DOMAIN)?;
            // Numbers are functions of their place: fewer rows are the first of more.
            let z = self.begun(&mut rec, n.next_multiple_of(64).min(CHUNK))?;
            let (mut step, y) = self.freeze(rec, z)?;
            while values.len() < n * cols {
                step.replay(1)?;
                values.extend(step.read(y)?);
                self.tell(values.len() as f64 / (n * cols) as f64);
            }
        }
        values.truncate(n * cols);
        if let Some(bad) = values.iter().position(|v| !v.is_finite()) {
            let row = bad / cols;
            let mut rec = Recorder::with_domain(&self.gpu, seed, SAMPLE_DOMAIN)?;
            let z = self.begun(&mut rec, CHUNK)?;
            return Err(self.lost(rec, row % CHUNK, row, (row / CHUNK) as u64, |dynamics, rec| dynamics.way(rec, z))?);
        }
        self.finish(&values, &name)
    }

    /// Latents of samples, at the model's temperature.
    pub(super) fn begun(&self, rec: &mut Recorder, rows: usize) -> Result<Var> {
        let z = self.learner.draw(rec, rows, Weights::Averaged)?;
        if self.temperature == 1.0 { Ok(z) } else { rec.scale(z, self.temperature) }
    }

    /// φ(z) for given latents, in the data's own units; what the model generates from stands behind them, and stays.
    ///
    /// # Errors
    /// Latents of another width than the model's; a solver that draws noise; a row that is not finite.
    pub fn push(&self, latents: &Table) -> Result<Table> {
        self.of_numbers()?;
        let conditions = self.description.conditions;
        let width = self.latent() + conditions;
        if latents.cols() != width && !self.starts_from_rows() {
            let behind = match conditions {
                0 => String::new(),
                _ => format!(", followed by the conditioning columns, {}", in_words(self.description.parted().1)),
            };
            return Err(Error::data(format!(
                "{} has {}, and this model's latent space has {}: give one column per latent dimension{behind}",
                latents.origin(),
                count(latents.cols(), "column"),
                self.latent()
            )));
        }
        if self.repels() {
            return Err(Error::usage(REPELLED));
        }
        self.keep_solved(None);
        if let Some(dynamics) = self.learner.equation().filter(|_| !self.accurate)
            && dynamics.sampling().solver.is_stochastic()
        {
            return Err(Error::usage(format!(
                "`{}` adds noise at every step, so that it is no map of points: choose another `solver`",
                dynamics.sampling().solver.name()
            )));
        }
        let table = latents;
        let latents = &self.latents(table)?;
        // What is denoised behind the field is no map with an inverse: it is applied as samples are drawn.
        let accurate = self.accurate().filter(|_| self.learner.dynamics().is_some());
        let values = match (accurate, self.adaptive()) {
            (Some(dynamics), _) => self.solve(latents, width, dynamics, |rec, z| self.along(dynamics, rec, z))?,
            (None, Some(dynamics)) => self.in_chunks(latents, width, |rec, z| self.forwards(dynamics, rec, z), Journey::run)?,
            (None, None) => {
                let push = |rec: &mut Recorder, z| self.learner.push(rec, z, Weights::Averaged).map(Some);
                self.by_chunks(latents, width, push)?.unwrap_or_default()
            }
        };
        if let Some(bad) = values.iter().position(|v| !v.is_finite()) {
            let row = bad / (self.description.columns.len() - conditions);
            let z = self.gpu.upload(1, width, &latents[row * width..(row + 1) * width])?;
            let mut rec = Recorder::with_domain(&self.gpu, 0, SAMPLE_DOMAIN)?;
            let z = rec.tensor(&z);
            return Err(self.lost(rec, 0, row, 0, |dynamics, rec| dynamics.way(rec, z))?);
        }
        if conditions == 0 {
            return self.finish(&values, "pushed points");
        }
        let d = self.description.columns.len() - conditions;
        let behind = vec![0.0; conditions];
        let joint: Vec<f32> = values.chunks_exact(d).flat_map(|row| [row, &behind].concat()).collect();
        let pushed = self.finish(&joint, "pushed points")?;
        // What was given stays as it was, to the bit.
        let rows = (0..pushed.rows()).flat_map(|i| [&pushed.row(i)[..d], &table.row(i)[width - conditions..]].concat());
        Ok(Table::new(self.description.columns.iter().cloned(), rows.collect())?.from_origin("pushed points"))
    }

    /// The latents that the map takes to these rows, in columns z1, z2, …; none where the method has no inverse.
    ///
    /// # Errors
    /// Rows of other columns than the model's; a row that the field takes to infinity.
    pub fn pull(&self, rows: &Table) -> Result<Option<Table>> {
        self.of_numbers()?;
        if self.repels() {
            return Err(Error::usage(REPELLED));
        }
        let values = self.standard(rows)?;
        let cols = self.description.columns.len();
        self.keep_solved(None);
        let latents = match (self.accurate(), self.adaptive()) {
            (Some(dynamics), _) => self.solve(&values, cols, dynamics, |rec, x| self.backwards(dynamics, rec, x))?,
            (None, Some(dynamics)) => self.in_chunks(&values, cols, |rec, x| self.backwards(dynamics, rec, x), Journey::run)?,
            (None, None) => {
                let pull = |rec: &mut Recorder, x| self.learner.pull(rec, x, Weights::Averaged);
                let Some(latents) = self.by_chunks(&values, cols, pull)? else { return Ok(None) };
                latents
            }
        };
        self.all_finite(&latents, self.latent(), &values, "latent")?;
        if self.starts_from_rows() {
            let rows = self.description.standardization.undo(&latents)?;
            return Table::new(self.description.columns.iter().cloned(), rows).map(Some);
        }
        Table::new((1..=self.latent()).map(|k| format!("z{k}")), latents).map(Some)
    }

    /// The trajectories of `n` samples: columns path, t and the data's own, a row for each path and time.
    ///
    /// # Errors
    /// A method of one step; more paths than one batch holds.
    pub fn trajectories(&self, n: usize, seed: u64) -> Result<Table> {
        self.of_numbers()?;
        let Some(dynamics) = self.learner.dynamics() else {
            return Err(Error::usage(format!(
                "`{}` samples in one step: it has no trajectories",
                self.description.method.name()
            )));
        };
        if self.description.conditions > 0 {
            return Err(Error::usage("trajectories are available for models without conditioning columns only"));
        }
        let (cols, steps) = (self.description.columns.len(), dynamics.sampling().solver_steps);
        if n > CHUNK || n * (steps + 1) * (cols + 2) > MOST_TRAJECTORY {
            return Err(Error::usage(format!(
                "{n} trajectories of {steps} steps: keep at most {CHUNK} and {MOST_TRAJECTORY} numbers at once"
            )));
        }
        let mut rec = Recorder::with_domain(&self.gpu, seed, SAMPLE_DOMAIN)?;
        let z = self.begun(&mut rec, n.next_multiple_of(64).min(CHUNK))?;
        let way = dynamics.way(&mut rec, z)?;
        let states = way
            .states
            .iter()
            .enumerate()
            .map(|(k, &x)| {
                let x = rec.view_rows(x, 0, n.max(1));
                // What is sampled is where the last state arrives.
                let last = k + 1 == way.states.len();
                let x = if last { dynamics.arrive(&mut rec, x)? } else { dynamics.place(&mut rec, x)? };
                Ok(rec.keep(x))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut step = rec.finish()?;
        step.replay(1)?;
        let mut values = Vec::with_capacity(n * way.times.len() * (cols + 2));
        let undo = |kept: &Kept| self.description.standardization.undo(&step.read(*kept)?);
        let read = states.iter().map(undo).collect::<Result<Vec<_>>>()?;
        for path in 0..n {
            for (t, state) in way.times.iter().zip(&read) {
                values.extend([path as f64, *t]);
                values.extend(&state[path * cols..(path + 1) * cols]);
            }
        }
        let names = ["path", "t"].into_iter().map(String::from).chain(self.description.columns.iter().cloned());
        Table::new(names, values)
    }

    /// Whether rows that are sampled together repel each other.
    pub fn repels(&self) -> bool {
        self.learner.dynamics().is_some_and(|d| d.sampling().repulsion > 0.0)
    }

    /// The integration of a model that chooses the length of its steps.
    pub(super) fn adaptive(&self) -> Option<&dyn Dynamics> {
        self.learner.dynamics().filter(|d| d.sampling().solver == Solver::Dopri5)
    }

    fn starts_from_rows(&self) -> bool {
        self.learner.dynamics().is_some_and(Dynamics::starts_from_rows)
    }

    /// What the map is applied to, from a table: latents as they are, or rows of the source distribution in the model's units.
    fn latents(&self, table: &Table) -> Result<Vec<f32>> {
        if self.starts_from_rows() {
            return self.standard(table);
        }
        let (latent, d) = (self.latent(), self.description.parted().0.len());
        let Standardization { mean, scale } = &self.description.standardization;
        let units = Standardization {
            mean: [&vec![0.0; latent], &mean[d..]].concat(),
            scale: [&vec![1.0; latent], &scale[d..]].concat(),
        };
        units.apply(table.values())
    }

    /// Rows in the model's units and order of columns; where any columns can be given, none is.
    pub(super) fn standard(&self, rows: &Table) -> Result<Vec<f32>> {
        let standard = self.description.standardization.apply(rows.align(&self.description.columns)?.values())?;
        let more = self.width() - self.description.columns.len();
        if more == 0 {
            return Ok(standard);
        }
        let nothing = vec![0.0; more];
        Ok(standard.chunks_exact(self.description.columns.len()).flat_map(|row| [row, &nothing].concat()).collect())
    }

    /// How many numbers the map takes a row as.
    pub(super) fn width(&self) -> usize {
        self.description.parted().0.len() + self.description.behind()
    }

    /// What a recorded map makes of rows, a chunk at a time.
    pub(super) fn by_chunks(
        &self,
        values: &[f32],
        cols: usize,
        record: impl Fn(&mut Recorder, Var) -> Result<Option<Var>>,
    ) -> Result<Option<Vec<f32>>> {
        let nothing = Cell::new(false);
        let prepare = |mut rec: Recorder, x| {
            let Some(y) = record(&mut rec, x)? else {
                nothing.set(true);
                return Ok(None);
            };
            let y = rec.keep(y);
            Ok(Some((rec.finish()?, y)))
        };
        let run = |recorded: &mut Option<(Step, Kept)>, _: &dyn Fn(f64)| match recorded {
            Some((step, y)) => {
                step.replay(1)?;
                step.read(*y)
            }
            None => Ok(Vec::new()),
        };
        let found = self.in_chunks(values, cols, prepare, run)?;
        Ok((!nothing.get()).then_some(found))
    }

    /// The same for whatever is prepared from a recording and its input, and run a chunk at a time; a run can say what share of its chunk is done.
    pub(super) fn in_chunks<T>(
        &self,
        values: &[f32],
        cols: usize,
        prepare: impl FnOnce(Recorder, Var) -> Result<T>,
        run: impl Fn(&mut T, &dyn Fn(f64)) -> Result<Vec<f32>>,
    ) -> Result<Vec<f32>> {
        let rows = (values.len() / cols).min(CHUNK);
        let input = self.gpu.zeros(rows, cols)?;
        let mut rec = Recorder::with_domain(&self.gpu, 0, SAMPLE_DOMAIN)?;
        let x = rec.tensor(&input);
        let mut prepared = prepare(rec, x)?;
        let mut found = Vec::new();
        let chunks = values.len().div_ceil(rows * cols) as f64;
        for (k, chunk) in values.chunks(rows * cols).enumerate() {
            // Rows that fill up the last chunk are repeated ones: an adaptive step is no longer for them.
            let padded: Vec<f32> = chunk.iter().copied().cycle().take(rows * cols).collect();
            input.write(&padded)?;
            let out = run(&mut prepared, &|share| self.tell((k as f64 + share) / chunks))?;
            self.tell((k + 1) as f64 / chunks);
            found.extend_from_slice(&out[..out.len() / rows * (chunk.len() / cols)]);
        }
        Ok(found)
    }

    /// Tells who watches what share of long work is done.
    pub(super) fn tell(&self, share: f64) {
        if let Some(watch) = &self.watch {
            watch(share.clamp(0.0, 1.0));
        }
    }

    pub(super) fn freeze(&self, mut rec: Recorder, z: Var) -> Result<(Step, Kept)> {
        let y = self.learner.push(&mut rec, z, Weights::Averaged)?;
        let y = rec.keep(y);
        Ok((rec.finish()?, y))
    }

    /// What to say of row `row`, which is not finite: it is row `local` of the way that is recorded, at replay `chunk`.
    fn lost(
        &self,
        mut rec: Recorder,
        local: usize,
        row: usize,
        chunk: u64,
        way: impl FnOnce(&dyn Dynamics, &mut Recorder) -> Result<Way>,
    ) -> Result<Error> {
        let plain = format!("sample {row} is non-finite: train the model longer or on more data");
        let Some(dynamics) = self.learner.dynamics() else { return Ok(Error::data(plain)) };
        let way = way(dynamics, &mut rec)?;
        let states: Vec<Kept> = way.states.iter().map(|&x| rec.keep(x)).collect();
        let mut step = rec.finish()?;
        step.set_count(chunk)?;
        step.replay(1)?;
        let cols = self.width();
        // A state holds what is given, too.
        for (k, kept) in states.iter().enumerate() {
            let state = step.read(*kept)?;
            if state[local * cols..(local + 1) * cols].iter().any(|v| !v.is_finite()) {
                return Ok(Error::data(format!(
                    "row {row} diverged at step {k} of {}, from t = {:.4} to {:.4}: the velocity field is too steep there for `{}` in {} steps, or the model was trained too short; use more `steps` or the solver dopri5",
                    way.times.len() - 1,
                    way.times[k.saturating_sub(1)],
                    way.times[k],
                    dynamics.sampling().solver.name(),
                    dynamics.sampling().solver_steps
                )));
            }
        }
        Ok(Error::data(plain))
    }

    pub(super) fn finish(&self, values: &[f32], origin: &str) -> Result<Table> {
        let mut values = self.description.standardization.undo(values)?;
        self.description.rounding.apply(&mut values)?;
        Ok(Table::new(self.description.columns.iter().cloned(), values)?.from_origin(origin))
    }

    /// Refuses what rows (`from`, in the model's units) became, `cols` numbers each, where one is not finite: with where it was lost in the inverse.
    pub(super) fn all_finite(&self, found: &[f32], cols: usize, from: &[f32], what: &str) -> Result<()> {
        let Some(bad) = found.iter().position(|v| !v.is_finite()) else { return Ok(()) };
        let (row, width) = (bad / cols, self.width());
        let x = self.gpu.upload(1, width, &from[row * width..(row + 1) * width])?;
        let mut rec = Recorder::with_domain(&self.gpu, 0, SAMPLE_DOMAIN)?;
        let x = rec.tensor(&x);
        let how = self.lost(rec, 0, row, 0, |dynamics, rec| dynamics.way_back(rec, x))?;
        Err(Error::data(format!("the {what} of row {row} is non-finite: the row lies too far from the training data ({how})")))
    }
}
