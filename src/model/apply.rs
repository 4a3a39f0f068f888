//! What a trained map does: new rows, given latents pushed, rows pulled back, log-densities, and the ways that samples took.

use super::Model;
use super::integrate::Journey;
use crate::data::{Standardisation, Table, groups, in_words};
use crate::flow::Solver;
use crate::gpu::{Kept, Recorder, Step, Var};
use crate::methods::Dynamics;
use crate::methods::many_step::Way;
use crate::nn::Weights;
use crate::{Error, Result};
use std::cell::Cell;

/// Rows that one replay pushes: enough to fill a device, small enough for any.
pub(super) const CHUNK: usize = 16_384;
/// Sampling draws from a counter domain of its own, so that a sample's seed may equal the training's.
pub(super) const SAMPLE_DOMAIN: u32 = 0x5a3e;
const REPELLED: &str = "with repulsion a row's way depends on the rows that are sampled with it: there is no map of single points, no inverse and no \
                        density; leave `repulsion` out";
/// Deviations of the data from which on the density of a row is none to single precision.
pub const FAR: f32 = 1e6;
/// Deviations from which on a row that a map takes to no finite place has no density.
pub const AWAY: f32 = 20.0;
/// Numbers that kept trajectories may take.
const MOST_TRAJECTORY: usize = 1 << 28;

/// ln of a model's density at rows, in the data's own units.
#[derive(Clone, Debug)]
pub struct LogDensity {
    pub values: Vec<f32>,
    /// The standard error of each, where the divergence was estimated by random probes.
    pub errors: Option<Vec<f32>>,
}

impl Model {
    /// `n` new rows in the data's own units. The first rows of a larger sample of the same seed are the same.
    ///
    /// # Errors
    /// A row that is not finite: the message says where an integration lost it. A model that generates from given columns.
    pub fn sample(&self, n: usize, seed: u64) -> Result<Table> {
        if self.description.conditions > 0 {
            let given = in_words(self.description.parted().1);
            return Err(Error::usage(format!(
                "this model generates rows from given columns ({given}): say what they are, by --given"
            )));
        }
        let cols = self.description.columns.len();
        let name = format!("a sample of {}", self.description.method);
        let mut values = Vec::with_capacity(n * cols);
        if let Some(dynamics) = self.adaptive() {
            let mut rec = Recorder::with_domain(&self.gpu, seed, SAMPLE_DOMAIN)?;
            let z = self.begun(&mut rec, CHUNK)?;
            let mut journey = self.forwards(dynamics, rec, z)?;
            while values.len() < n * cols {
                values.extend(journey.run()?);
            }
        } else {
            let mut rec = Recorder::with_domain(&self.gpu, seed, SAMPLE_DOMAIN)?;
            // Numbers are functions of their place: fewer rows are the first of more.
            let z = self.begun(&mut rec, n.next_multiple_of(64).min(CHUNK))?;
            let (mut step, y) = self.freeze(rec, z)?;
            while values.len() < n * cols {
                step.replay(1)?;
                values.extend(step.read(y)?);
            }
        }
        values.truncate(n * cols);
        if let Some(bad) = values.iter().position(|v| !v.is_finite()) {
            let row = bad / cols;
            let mut rec = Recorder::with_domain(&self.gpu, seed, SAMPLE_DOMAIN)?;
            let z = self.begun(&mut rec, CHUNK)?;
            return Err(self.lost(rec, row % CHUNK, row, (row / CHUNK) as u64, |dynamics, rec| dynamics.way(rec, z))?);
        }
        self.finish(values, &name)
    }

    /// `each` new rows for every row of `given`, which holds the columns that the model generates from: joint rows, those of one given row together.
    ///
    /// # Errors
    /// A given column that is missing; a level that was not there in training; a row that is not finite; a model that generates from nothing.
    pub fn sample_given(&self, given: &Table, each: usize, seed: u64) -> Result<Table> {
        let (generated, names) = self.description.parted();
        if names.is_empty() {
            return Err(Error::usage(
                "this model was trained without --condition: it generates whole rows, and nothing can be given",
            ));
        }
        let given = given.align(names)?;
        self.check_levels(&given)?;
        let (d, k) = (generated.len(), names.len());
        let Standardisation { mean, scale } = &self.description.standardisation;
        let units = Standardisation { mean: mean[d..].to_vec(), scale: scale[d..].to_vec() };
        let mut standard = given.values().to_vec();
        units.apply(&mut standard)?;
        let n = given.rows() * each;
        let wanted = |row: usize| &standard[row.min(n - 1) / each * k..][..k];
        let chunk = n.next_multiple_of(64).min(CHUNK);
        let inputs = self.gpu.zeros(chunk, k)?;
        let mut rec = Recorder::with_domain(&self.gpu, seed, SAMPLE_DOMAIN)?;
        let z = self.begun(&mut rec, chunk)?;
        let behind = rec.tensor(&inputs);
        let z = rec.concat(&[z, behind])?;
        let mut draw: Box<dyn FnMut() -> Result<Vec<f32>>> = match self.adaptive() {
            Some(dynamics) => {
                let mut journey = self.forwards(dynamics, rec, z)?;
                Box::new(move || journey.run())
            }
            None => {
                let (mut step, y) = self.freeze(rec, z)?;
                Box::new(move || {
                    step.replay(1)?;
                    step.read(y)
                })
            }
        };
        let mut values = Vec::with_capacity(n * (d + k));
        for first in (0..n).step_by(chunk) {
            inputs.write(&(first..first + chunk).flat_map(wanted).copied().collect::<Vec<f32>>())?;
            for (row, drawn) in (first..n).zip(draw()?.chunks_exact(d)) {
                if drawn.iter().any(|v| !v.is_finite()) {
                    return Err(Error::data(format!(
                        "row {row} of the sample is not finite: what it was given lies too far from what the model has seen"
                    )));
                }
                values.extend_from_slice(drawn);
                values.extend_from_slice(wanted(row));
            }
        }
        let drawn = self.finish(values, &format!("a sample of {}", self.description.method))?;
        // What was given comes back as it was, not as f32 units make it.
        let rows = (0..n).flat_map(|row| [&drawn.row(row)[..d], given.row(row / each)].concat());
        Ok(Table::new(self.description.columns.iter().cloned(), rows.collect())?.from_origin(drawn.origin()))
    }

    /// Latents of samples, at the model's temperature.
    fn begun(&self, rec: &mut Recorder, rows: usize) -> Result<Var> {
        let z = self.method.draw(rec, rows, Weights::Averaged)?;
        if self.temperature == 1.0 { Ok(z) } else { rec.scale(z, self.temperature) }
    }

    /// Refuses rows that have none or two of the levels of a column.
    fn check_levels(&self, given: &Table) -> Result<()> {
        let groups = groups(self.description.parted().1);
        for row in 0..given.rows() {
            for group in groups.iter().filter(|group| !group.levels.is_empty()) {
                let own = &given.row(row)[group.first..][..group.width()];
                let (ones, zeros) = (own.iter().filter(|&&v| v == 1.0).count(), own.iter().filter(|&&v| v == 0.0).count());
                if (ones, zeros) != (1, own.len() - 1) {
                    return Err(Error::data(format!(
                        "row {} of {} has none of the levels of `{}` that were there in training: {}",
                        row + 1,
                        given.origin(),
                        group.column,
                        group.levels.join(", ")
                    )));
                }
            }
        }
        Ok(())
    }

    /// φ(z) for given latents, in the data's own units; what the model generates from stands behind them, and stays.
    ///
    /// # Errors
    /// Latents of another width than the model's; a solver that draws noise; a row that is not finite.
    pub fn push(&self, latents: &Table) -> Result<Table> {
        let conditions = self.description.conditions;
        let width = self.latent() + conditions;
        if latents.cols() != width && !self.starts_from_rows() {
            let behind = match conditions {
                0 => String::new(),
                _ => format!(", and behind them the given columns, {}", in_words(self.description.parted().1)),
            };
            return Err(Error::data(format!(
                "{} has {} columns, and this model's latent space has {}: give one column a latent dimension{behind}",
                latents.origin(),
                latents.cols(),
                self.latent()
            )));
        }
        if self.repels() {
            return Err(Error::usage(REPELLED));
        }
        if let Some(dynamics) = self.method.dynamics()
            && dynamics.sampling().solver.is_stochastic()
        {
            return Err(Error::usage(format!(
                "`{}` draws noise on the way, so that where a point goes is no function of the point: push with another --solver",
                dynamics.sampling().solver.name()
            )));
        }
        let table = latents;
        let latents = &self.latents(table)?;
        let values = match self.adaptive() {
            Some(dynamics) => self.in_chunks(latents, width, |rec, z| self.forwards(dynamics, rec, z), Journey::run)?,
            None => {
                let push = |rec: &mut Recorder, z| self.method.push(rec, z, Weights::Averaged).map(Some);
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
            return self.finish(values, "pushed points");
        }
        let d = self.description.columns.len() - conditions;
        let behind = vec![0.0; conditions];
        let joint = values.chunks_exact(d).flat_map(|row| [row, &behind].concat()).collect();
        let pushed = self.finish(joint, "pushed points")?;
        // What was given stays as it was, to the bit.
        let rows = (0..pushed.rows()).flat_map(|i| [&pushed.row(i)[..d], &table.row(i)[width - conditions..]].concat());
        Ok(Table::new(self.description.columns.iter().cloned(), rows.collect())?.from_origin("pushed points"))
    }

    /// The latents that the map takes to these rows, in columns z1, z2, …; none where the method has no inverse.
    ///
    /// # Errors
    /// Rows of other columns than the model's; a row that the field takes to infinity.
    pub fn pull(&self, rows: &Table) -> Result<Option<Table>> {
        if self.repels() {
            return Err(Error::usage(REPELLED));
        }
        let values = self.standard(rows)?;
        let cols = self.description.columns.len();
        let latents = match self.adaptive() {
            Some(dynamics) => self.in_chunks(&values, cols, |rec, x| self.backwards(dynamics, rec, x), Journey::run)?,
            None => {
                let pull = |rec: &mut Recorder, x| self.method.pull(rec, x, Weights::Averaged);
                let Some(latents) = self.by_chunks(&values, cols, pull)? else { return Ok(None) };
                latents
            }
        };
        self.all_finite(&latents, self.latent(), &values, "latent")?;
        if self.starts_from_rows() {
            let mut rows = latents;
            self.description.standardisation.undo(&mut rows)?;
            return Table::new(self.description.columns.iter().cloned(), rows).map(Some);
        }
        Table::new((1..=self.latent()).map(|k| format!("z{k}")), latents).map(Some)
    }

    /// ln of the model's density at each row, in the data's own units; none where the method has no density. It is finite, or −∞ for rows that single
    /// precision loses: all beyond [`FAR`] deviations of the data, and those beyond [`AWAY`] that the map takes to no finite place.
    ///
    /// # Errors
    /// Rows of other columns than the model's; a row that is not finite; a row nearer than that which the field takes to infinity.
    pub fn log_density(&self, rows: &Table) -> Result<Option<LogDensity>> {
        if self.repels() {
            return Err(Error::usage(REPELLED));
        }
        let mut values = self.standard(rows)?;
        let cols = self.description.columns.len();
        let generated = cols - self.description.conditions;
        if let Some(bad) = rows.values().iter().position(|v| !v.is_finite()) {
            return Err(Error::data(format!(
                "row {} of {} holds {}: a density is of finite rows",
                bad / rows.cols() + 1,
                rows.origin(),
                rows.values()[bad]
            )));
        }
        let size = |row: &[f32]| row[..generated].iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let sizes: Vec<f32> = values.chunks_exact(cols).map(size).collect();
        // What is far would have an integration of all rows follow it.
        for (row, &size) in values.chunks_exact_mut(cols).zip(&sizes) {
            if !(size <= FAR) {
                row[..generated].fill(0.0);
            }
        }
        let estimated = Cell::new(false);
        let density = |rec: &mut Recorder, x| {
            let Some(density) = self.method.log_density(rec, x, Weights::Averaged)? else { return Ok(None) };
            estimated.set(density.error.is_some());
            match density.error {
                Some(error) => rec.concat(&[density.value, error]).map(Some),
                None => Ok(Some(density.value)),
            }
        };
        let found = match self.adaptive() {
            Some(dynamics) if dynamics.probes() == 0 => {
                self.in_chunks(&values, cols, |rec, x| self.densities(dynamics, rec, x), Journey::run)?
            }
            _ => {
                let Some(found) = self.by_chunks(&values, cols, density)? else { return Ok(None) };
                found
            }
        };
        let log_det = self.description.standardisation.log_det_of(cols - self.description.conditions);
        let width = if estimated.get() { 2 } else { 1 };
        let column = |k: usize| found.iter().skip(k).step_by(width).copied();
        let mut found: Vec<f32> = column(0).map(|value| (f64::from(value) + log_det) as f32).collect();
        let lost = |(value, &size): (&f32, &f32)| !(size <= FAR) || size > AWAY && !value.is_finite();
        let lost: Vec<bool> = found.iter().zip(&sizes).map(lost).collect();
        found.iter_mut().zip(&lost).filter(|(_, lost)| **lost).for_each(|(value, _)| *value = 0.0);
        self.all_finite(&found, 1, &values, "log-density")?;
        found.iter_mut().zip(&lost).filter(|(_, lost)| **lost).for_each(|(value, _)| *value = f32::NEG_INFINITY);
        Ok(Some(LogDensity {
            values: found,
            errors: estimated.get().then(|| column(1).zip(&lost).map(|(e, lost)| if *lost { 0.0 } else { e }).collect()),
        }))
    }

    /// Whether the method is trained, and judged, by the likelihood of rows or a bound of it.
    pub fn trained_by_likelihood(&self) -> Result<bool> {
        let mut rec = Recorder::with_domain(&self.gpu, 0, SAMPLE_DOMAIN)?;
        let rows = rec.constant(0.0, 1, self.description.columns.len())?;
        Ok(self.method.held_out_loss(&mut rec, rows, Weights::Averaged)?.is_some())
    }

    /// What training maximises at each row, in nats of the data's own units ([`Method::held_out_loss`](crate::methods::Method::held_out_loss) with the
    /// other sign); none for a method that is not trained by likelihood.
    ///
    /// # Errors
    /// Rows of other columns than the model's.
    pub fn trained_bound(&self, rows: &Table) -> Result<Option<Vec<f32>>> {
        let values = self.standard(rows)?;
        let cost = |rec: &mut Recorder, x| self.method.held_out_loss(rec, x, Weights::Averaged);
        let Some(costs) = self.by_chunks(&values, self.description.columns.len(), cost)? else { return Ok(None) };
        let generated = self.description.columns.len() - self.description.conditions;
        let log_det = self.description.standardisation.log_det_of(generated);
        Ok(Some(costs.into_iter().map(|cost| (log_det - f64::from(cost)) as f32).collect()))
    }

    /// The ways of `n` samples: columns path, t and the data's own, a row for each path and time.
    ///
    /// # Errors
    /// A method of one step; more paths than one batch holds.
    pub fn trajectories(&self, n: usize, seed: u64) -> Result<Table> {
        let Some(dynamics) = self.method.dynamics() else {
            return Err(Error::usage(format!("`{}` samples in one step: it has no trajectories", self.description.method)));
        };
        if self.description.conditions > 0 {
            return Err(Error::usage("trajectories are kept of models that were trained without --condition"));
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
        let mut read = states.iter().map(|&kept| step.read(kept)).collect::<Result<Vec<_>>>()?;
        read.iter_mut().try_for_each(|state| self.description.standardisation.undo(state))?;
        for path in 0..n {
            for (t, state) in way.times.iter().zip(&read) {
                values.extend([path as f32, *t as f32]);
                values.extend(&state[path * cols..(path + 1) * cols]);
            }
        }
        let names = ["path", "t"].into_iter().map(String::from).chain(self.description.columns.iter().cloned());
        Table::new(names, values)
    }

    /// Whether rows that are sampled together repel each other.
    pub fn repels(&self) -> bool {
        self.method.dynamics().is_some_and(|d| d.sampling().repulsion > 0.0)
    }

    /// The integration of a model that chooses the length of its steps.
    fn adaptive(&self) -> Option<&dyn Dynamics> {
        self.method.dynamics().filter(|d| d.sampling().solver == Solver::Dopri5)
    }

    fn starts_from_rows(&self) -> bool {
        self.method.dynamics().is_some_and(Dynamics::starts_from_rows)
    }

    /// What the map is applied to, from a table: latents as they are, or rows of the source law in the model's units.
    fn latents(&self, table: &Table) -> Result<Vec<f32>> {
        if self.starts_from_rows() {
            return self.standard(table);
        }
        let mut values = table.values().to_vec();
        let (latent, d) = (self.latent(), self.description.parted().0.len());
        let Standardisation { mean, scale } = &self.description.standardisation;
        if self.description.conditions > 0 {
            for row in values.chunks_exact_mut(table.cols()) {
                for ((value, mean), scale) in row[latent..].iter_mut().zip(&mean[d..]).zip(&scale[d..]) {
                    *value = ((f64::from(*value) - mean) / scale) as f32;
                }
            }
        }
        Ok(values)
    }

    /// Rows in the model's units and order of columns.
    fn standard(&self, rows: &Table) -> Result<Vec<f32>> {
        let mut values = rows.align(&self.description.columns)?.values().to_vec();
        self.description.standardisation.apply(&mut values)?;
        Ok(values)
    }

    /// What a recorded map makes of rows, a chunk at a time.
    fn by_chunks(
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
        let run = |recorded: &mut Option<(Step, Kept)>| match recorded {
            Some((step, y)) => {
                step.replay(1)?;
                step.read(*y)
            }
            None => Ok(Vec::new()),
        };
        let found = self.in_chunks(values, cols, prepare, run)?;
        Ok((!nothing.get()).then_some(found))
    }

    /// The same for whatever is prepared from a recording and its input, and run a chunk at a time.
    fn in_chunks<T>(
        &self,
        values: &[f32],
        cols: usize,
        prepare: impl FnOnce(Recorder, Var) -> Result<T>,
        run: impl Fn(&mut T) -> Result<Vec<f32>>,
    ) -> Result<Vec<f32>> {
        let rows = (values.len() / cols).min(CHUNK);
        let input = self.gpu.zeros(rows, cols)?;
        let mut rec = Recorder::with_domain(&self.gpu, 0, SAMPLE_DOMAIN)?;
        let x = rec.tensor(&input);
        let mut prepared = prepare(rec, x)?;
        let mut found = Vec::new();
        for chunk in values.chunks(rows * cols) {
            // Rows that fill up the last chunk are repeated ones: an adaptive step is no longer for them.
            let padded: Vec<f32> = chunk.iter().copied().cycle().take(rows * cols).collect();
            input.write(&padded)?;
            let out = run(&mut prepared)?;
            found.extend_from_slice(&out[..out.len() / rows * (chunk.len() / cols)]);
        }
        Ok(found)
    }

    fn freeze(&self, mut rec: Recorder, z: Var) -> Result<(Step, Kept)> {
        let y = self.method.push(&mut rec, z, Weights::Averaged)?;
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
        let plain = format!("the model's row {row} is not finite: it was trained on too little or for too short");
        let Some(dynamics) = self.method.dynamics() else { return Ok(Error::data(plain)) };
        let way = way(dynamics, &mut rec)?;
        let states: Vec<Kept> = way.states.iter().map(|&x| rec.keep(x)).collect();
        let mut step = rec.finish()?;
        step.set_count(chunk)?;
        step.replay(1)?;
        let cols = self.description.columns.len();
        // A state holds what is given, too.
        for (k, kept) in states.iter().enumerate() {
            let state = step.read(*kept)?;
            if state[local * cols..(local + 1) * cols].iter().any(|v| !v.is_finite()) {
                return Ok(Error::data(format!(
                    "row {row} ran away at step {k} of {}, on the way from t = {:.4} to {:.4}: the field is too steep there for `{}` in {} \
                     steps, or the model was trained for too short; take more steps (--steps) or dopri5",
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

    fn finish(&self, mut values: Vec<f32>, origin: &str) -> Result<Table> {
        self.description.standardisation.undo(&mut values)?;
        self.description.rounding.apply(&mut values)?;
        Ok(Table::new(self.description.columns.iter().cloned(), values)?.from_origin(origin))
    }

    /// Refuses what rows (`from`, in the model's units) became, `cols` numbers each, where one is not finite: with where it was lost on the way back.
    fn all_finite(&self, found: &[f32], cols: usize, from: &[f32], what: &str) -> Result<()> {
        let Some(bad) = found.iter().position(|v| !v.is_finite()) else { return Ok(()) };
        let (row, width) = (bad / cols, self.description.columns.len());
        let x = self.gpu.upload(1, width, &from[row * width..(row + 1) * width])?;
        let mut rec = Recorder::with_domain(&self.gpu, 0, SAMPLE_DOMAIN)?;
        let x = rec.tensor(&x);
        let how = self.lost(rec, 0, row, 0, |dynamics, rec| dynamics.way_back(rec, x))?;
        Err(Error::data(format!(
            "the {what} of row {row} is not finite: the row lies too far from what the model has seen ({how})"
        )))
    }
}
