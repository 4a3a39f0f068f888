//! What every method has whose map is the end of an integration: a network F(x, t) on a path, the noise at its start, and how samples are
//! drawn. A method of this kind is a [`Flow`]: its loss, and what it makes of the network; [`Integrated`] makes it a [`Method`].
//!
//! Everything runs in centred units, x less the data's mean. Noise is ξ(z) = zA, the Gaussian with the data's covariance (the paper's ξ), so
//! that a network that says nothing leaves the fitted Gaussian as it is: on every path of such noise a Gaussian of that covariance only
//! changes its scale.

use super::{Dataset, Density, Method, Setup, resolve};
use crate::flow::{Curve, Denoiser, Gamma, Grid, Path, Prediction, Repulsion, Solver, Time, TimeLaw, follow, table};
use crate::flow::{divergence, probed_divergence};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::{Activation, Adam, Builder, Id, Parameters, TimeEmbedding, Velocity, VelocityShape, Weights};
use crate::ops::random::Law;
use crate::settings::{Settings, take};
use crate::{Error, Result, settings};

settings! {
    /// How a path is laid and its times are drawn.
    pub struct Course {
        /// Path from noise to data: straight, trigonometric (also called cosine), ornstein-uhlenbeck, vp-linear, variance-exploding, edm.
        path: Curve = Curve::Straight,
        /// Noise left at the data, for straight, variance-exploding and edm; -1 is the path's own (0, 0.01, 0.002).
        sigma_min: f64 = -1.0,
        /// Noise at the start, for variance-exploding and edm; -1 is the path's own (50, 80).
        sigma_max: f64 = -1.0,
        /// Law of the times in training: uniform, logit-normal, low-discrepancy, log-normal (in σ/α).
        times: TimeLaw = TimeLaw::Uniform,
        /// Frequencies of the time embedding, in octaves from ½.
        time_frequencies: usize = 6,
    }
}

settings! {
    /// How samples are drawn from a trained flow; `sample` can replace them.
    pub struct Sampling {
        /// Solver: euler, midpoint, heun, rk4, dopri5, ddim, dpm-solver-2m, euler-maruyama, stochastic-heun, ancestral.
        solver: Solver = Solver::Heun,
        /// Its steps.
        solver_steps: usize = 16,
        /// Where they lie: uniform, quadratic (closer towards the data), edm (even in (σ/α)^(1/7)).
        grid: Grid = Grid::Uniform,
        /// Relative and absolute error of a step of dopri5, which chooses its own.
        tolerance: f64 = 1e-5,
        /// Noise of euler-maruyama and ancestral, as a share of the path's own deviation.
        eta: f64 = 1.0,
        /// Share of a step that stochastic-heun goes back before it.
        churn: f64 = 0.5,
        /// Random probes of a row's divergence for log-density; 0 is the exact trace up to 16 columns, and 8 probes beyond.
        probes: usize = 0,
        /// Strength of the repulsion between the rows that are sampled together (footnote 7); 0 is none.
        repulsion: f32 = 0.0,
        /// Exponent s of its potential r^-s, in units of the model; -1 is Coulomb's, columns - 2.
        repulsion_exponent: f32 = -1.0,
        /// Distance below which it grows no more.
        repulsion_softening: f32 = 0.1,
    }
}

/// Columns up to which the divergence is exact by default, and the probes beyond.
const EXACT: usize = 16;
const PROBES: usize = 8;

impl Course {
    /// The path that the settings name.
    pub fn path(&self) -> Path {
        let mut path = Path::from(self.path);
        if self.sigma_min >= 0.0 {
            path.sigma_min = self.sigma_min;
        }
        if self.sigma_max >= 0.0 {
            path.sigma_max = self.sigma_max;
        }
        path
    }

    pub fn check(&self) -> Result<()> {
        let path = self.path();
        for (key, value) in [("sigma_min", self.sigma_min), ("sigma_max", self.sigma_max)] {
            if !value.is_finite() || (value < 0.0 && value != -1.0) {
                return Err(Error::usage(format!("`{key}` is {value}: it must be 0 or above, or -1 for the path's own")));
            }
        }
        let most = if path.explodes() { path.sigma_max } else { 1.0 };
        let valid = if path.explodes() { path.sigma_min > 0.0 && path.sigma_min < most } else { path.sigma_min < most };
        if !valid {
            let least = if path.explodes() { "above 0" } else { "at least 0" };
            return Err(Error::usage(format!(
                "`sigma_min` is {}: on this path it must be {least} and below {most}",
                path.sigma_min
            )));
        }
        within("time_frequencies", self.time_frequencies, 16)
    }

    fn embedding(&self) -> TimeEmbedding {
        TimeEmbedding { count: self.time_frequencies, highest: 0.5 * (self.time_frequencies as f32 - 1.0).exp2() }
    }
}

impl Sampling {
    pub fn check(&self) -> Result<()> {
        within("solver_steps", self.solver_steps, 10_000)?;
        if !(self.tolerance > 0.0 && self.tolerance <= 1.0) {
            return Err(Error::usage(format!("`tolerance` is {}: it must be above 0 and at most 1", self.tolerance)));
        }
        if !(0.0..=1.0).contains(&self.eta) {
            return Err(Error::usage(format!("`eta` is {}: it must be between 0 and 1", self.eta)));
        }
        if !(0.0..=10.0).contains(&self.churn) {
            return Err(Error::usage(format!("`churn` is {}: it must be between 0 and 10", self.churn)));
        }
        if !(self.repulsion >= 0.0 && self.repulsion.is_finite()) {
            return Err(Error::usage(format!("`repulsion` is {}: it must be 0 or above", self.repulsion)));
        }
        if self.repulsion > 0.0 && (self.solver.tableau().is_none() || self.solver == Solver::Dopri5) {
            return Err(Error::usage(format!(
                "`repulsion` is for euler, midpoint, heun and rk4, which follow a sum of fields in fixed steps; `solver` is {}",
                self.solver.name()
            )));
        }
        if self.probes > 1024 {
            return Err(Error::usage(format!("`probes` is {}: it must be at most 1024", self.probes)));
        }
        Ok(())
    }
}

impl Sampling {
    /// The force between rows of this many columns, where there is one.
    pub fn repulsion(&self, columns: usize) -> Option<Repulsion> {
        let exponent = if self.repulsion_exponent == -1.0 { columns as f32 - 2.0 } else { self.repulsion_exponent };
        let repulsion = Repulsion { strength: self.repulsion, exponent, softening: self.repulsion_softening };
        (self.repulsion > 0.0).then_some(repulsion)
    }
}

fn within(key: &str, value: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::usage(format!("`{key}` is {value}: it must be between 1 and {most}")))
}

/// The settings of a flow, read from a table in turn: its own, its path's and its sampling's.
pub fn resolve_flow<S: Settings>(table: &mut toml::Table, check: impl Fn(&S) -> Result<()>) -> Result<toml::Table> {
    let mut own = resolve::<S>(table, check)?;
    own.extend(resolve::<Course>(table, Course::check)?);
    own.extend(resolve::<Sampling>(table, Sampling::check)?);
    Ok(own)
}

/// The setting `source` that means the fitted Gaussian.
pub const FITTED: &str = "fitted";

/// The SOURCE whose rows are a flow's source law, if its settings name one.
pub fn given_source(settings: &toml::Table) -> Option<&str> {
    settings.get("source").and_then(toml::Value::as_str).filter(|source| *source != FITTED)
}

/// Refuses paths and solvers that need noise at the start where the source law is that of rows.
pub fn check_source(settings: &toml::Table) -> Result<()> {
    let Some(source) = given_source(settings) else { return Ok(()) };
    source.parse::<crate::data::Source>()?;
    let of = |key: &str| settings.get(key).and_then(toml::Value::as_str).unwrap_or_default();
    if !["straight", "trigonometric", "encoding-decoding"].contains(&of("path")) {
        return Err(Error::usage(format!(
            "`path` is {}, which begins at noise, and `source` gives rows: straight, trigonometric",
            of("path")
        )));
    }
    if !Solver::RUNGE_KUTTA.iter().any(|solver| solver.name() == of("solver")) && of("solver") != "euler-maruyama" {
        return Err(Error::usage(format!(
            "`solver` is {}, which needs noise at the start, and `source` gives rows: euler, midpoint, heun, rk4, dopri5",
            of("solver")
        )));
    }
    Ok(())
}

/// The keys of all three.
pub fn keys_of_flow<S: Settings>() -> Vec<crate::settings::Key> {
    [S::keys(), Course::keys(), Sampling::keys()].concat()
}

/// The settings that [`resolve_flow`] wrote.
pub fn take_flow<S: Settings>(own: &mut toml::Table) -> Result<(S, Course, Sampling)> {
    Ok((take(own)?, take(own)?, take(own)?))
}

/// Sharp features of few dimensions are learned sooner with a larger gain. On breast cancer (30 columns, 2,000 steps, nothing held out) a
/// gain of 3 closed 0.38 of the gap from the fitted Gaussian, and 1 closed 0.58.
fn automatic_gain(columns: usize) -> f32 {
    (3.0 * (2.0 / columns as f32).sqrt()).max(1.0)
}

/// A network on a path, with its noise, optimiser and way of sampling.
pub struct ManyStep {
    pub parameters: Parameters,
    pub network: Velocity,
    pub adam: Adam,
    pub batch: usize,
    pub latent: usize,
    pub columns: usize,
    pub path: Path,
    pub prediction: Prediction,
    pub times: TimeLaw,
    pub sampling: Sampling,
    weight: Id,
    bias: Id,
    /// Rows of the source law, where it is no Gaussian.
    source: Option<Id>,
    centred: bool,
}

/// Rows of a given source law that a model keeps: enough to draw from, few enough for a file.
pub const SOURCE_ROWS: usize = 16_384;

impl ManyStep {
    /// `heads`: how many answers of the data's width the network gives. `given`: whether the source law is that of rows.
    pub fn new(
        setup: &Setup,
        course: &Course,
        sampling: Sampling,
        prediction: Prediction,
        heads: usize,
        given: bool,
    ) -> Result<Self> {
        let (training, columns) = (setup.training, setup.columns);
        let latent = if training.latent == 0 || given { columns } else { training.latent };
        let mut builder = Builder::new(setup.seed);
        let (mean, factor) = match setup.data {
            Some(data) => (data.mean().to_vec(), data.embedding(latent)),
            None => (vec![0.0; columns], vec![0.0; latent * columns]),
        };
        let weight = builder.add("embedding.weight", latent, columns, &factor);
        let bias = builder.add("embedding.bias", 1, columns, &mean);
        let source = given.then(|| {
            let rows = setup.data.and_then(Dataset::source).map_or_else(|| vec![0.0; SOURCE_ROWS * columns], <[f32]>::to_vec);
            builder.add("source", SOURCE_ROWS, columns, &rows)
        });
        // The noise is no unknown: moved by the loss it would fall onto one point.
        builder.fix();
        let shape = VelocityShape {
            columns,
            outputs: heads * columns,
            width: training.width,
            depth: training.depth,
            activation: training.activation,
            input_gain: if training.input_gain == 0.0 { automatic_gain(columns) } else { training.input_gain },
            time: course.embedding(),
        };
        let network = Velocity::new(&mut builder, "velocity", shape);
        Ok(Self {
            parameters: builder.build(setup.gpu)?,
            network,
            adam: training.adam(),
            batch: training.batch,
            latent,
            columns,
            path: course.path(),
            prediction,
            times: course.times,
            sampling,
            weight,
            bias,
            source,
            centred: mean.iter().all(|m| m.abs() < 1e-6),
        })
    }

    /// A batch of data rows, centred.
    pub fn data(&self, rec: &mut Recorder, data: &Dataset) -> Result<Var> {
        let x = data.batch(rec, self.batch)?;
        self.centre(rec, x, Weights::Trained)
    }

    /// x less the data's mean.
    pub fn centre(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Var> {
        if self.centred {
            return Ok(x);
        }
        let mean = self.parameters.var(rec, self.bias, weights)?;
        rec.sub(x, mean)
    }

    /// What samples are drawn from: normal numbers, or rows of the source law.
    fn draw(&self, rec: &mut Recorder, rows: usize, weights: Weights) -> Result<Var> {
        match self.source {
            None => rec.normal(rows, self.latent),
            Some(source) => {
                let source = self.parameters.var(rec, source, weights)?;
                rec.batch(source, rows)
            }
        }
    }

    /// Rows of the law at the path's beginning, centred.
    pub fn source(&self, rec: &mut Recorder, rows: usize) -> Result<Var> {
        let z = self.draw(rec, rows, Weights::Trained)?;
        match self.source {
            None => self.embed(rec, z, Weights::Trained),
            Some(_) => self.centre(rec, z, Weights::Trained),
        }
    }

    /// zA for given latents.
    pub fn embed(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let weight = self.parameters.var(rec, self.weight, weights)?;
        rec.linear(z, weight, None, Activation::Identity)
    }

    /// Fresh noise.
    pub fn noise(&self, rec: &mut Recorder, rows: usize, weights: Weights) -> Result<Var> {
        let z = rec.normal(rows, self.latent)?;
        self.embed(rec, z, weights)
    }

    /// A table of a batch's times.
    pub fn draw_times(&self, rec: &mut Recorder) -> Result<Var> {
        self.path.draw(rec, self.prediction, self.times.times(), self.batch, 0.0, 1.0)
    }

    /// αx₁ + σx₀ by a table of times.
    pub fn between(&self, rec: &mut Recorder, at: Var, x0: Var, x1: Var) -> Result<Var> {
        rec.combine(at, &[(table::ALPHA, 1.0, x1), (table::SIGMA, 1.0, x0)])
    }

    /// F for a batch with a table of times.
    pub fn output(&self, rec: &mut Recorder, at: Var, x: Var, weights: Weights) -> Result<Var> {
        let input = if self.path.explodes() { rec.combine(at, &[(table::INPUT, 1.0, x)])? } else { x };
        let t = rec.columns(at, table::TIME, 1)?;
        self.network.forward(rec, &self.parameters, input, t, weights)
    }

    /// The mean of (w·F − target)² for noise x₀ and data x₁.
    pub fn denoising(&self, rec: &mut Recorder, x0: Var, x1: Var) -> Result<Var> {
        let at = self.draw_times(rec)?;
        let x = self.between(rec, at, x0, x1)?;
        let output = self.output(rec, at, x, Weights::Trained)?;
        let [a, b, w] = [table::TARGET, table::TARGET + 1, table::WEIGHT];
        let residual = rec.combine(at, &[(w, 1.0, output), (a, -1.0, x1), (b, -1.0, x0)])?;
        rec.mean_square(residual)
    }

    /// F at one time for all rows.
    fn output_at(&self, rec: &mut Recorder, x: Var, time: Time, weights: Weights) -> Result<Var> {
        let input = if self.path.explodes() {
            let row = self.path.row(rec, self.prediction, time)?;
            rec.combine(row, &[(table::INPUT, 1.0, x)])?
        } else {
            x
        };
        self.network.at(rec, &self.parameters, input, time, weights)
    }

    /// The field of the flow, from F.
    pub fn velocity(&self, rec: &mut Recorder, x: Var, time: Time, weights: Weights) -> Result<Var> {
        let output = self.output_at(rec, x, time, weights)?;
        if self.prediction == Prediction::Velocity {
            return Ok(output);
        }
        let row = self.path.row(rec, self.prediction, time)?;
        rec.combine(row, &[(table::VELOCITY, 1.0, x), (table::VELOCITY + 1, 1.0, output)])
    }

    /// The times between which samples are integrated. A head that cannot tell data from noise at one end keeps a little away from it.
    pub fn span(&self) -> (f64, f64) {
        let begin = match self.prediction {
            Prediction::Noise | Prediction::Score => self.path.time_of_ratio(100.0).max(0.0),
            _ => 0.0,
        };
        let end = match (self.prediction, self.sampling.solver.tableau()) {
            (Prediction::Data, Some(_)) => self.path.time_of_ratio(0.02).min(1.0),
            _ => 1.0,
        };
        (begin, end)
    }

    fn step_times(&self, backwards: bool) -> Result<Vec<f64>> {
        let (begin, end) = self.span();
        let (from, to) = if backwards { (end, begin) } else { (begin, end) };
        self.sampling.grid.on(&self.path, from, to, self.sampling.solver_steps)
    }

    /// Noise with the deviation that the path has where samples begin, if the data are Gaussian.
    fn scale(&self) -> f64 {
        let c = self.path.at(self.span().0);
        (c.alpha * c.alpha + c.sigma * c.sigma).sqrt()
    }

    /// Where the latents z begin.
    fn begin(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        if self.source.is_some() {
            let mean = self.parameters.var(rec, self.bias, weights)?;
            return rec.sub(z, mean);
        }
        let x = self.embed(rec, z, weights)?;
        let scale = self.scale();
        if (scale - 1.0).abs() < 1e-12 { Ok(x) } else { rec.scale(x, scale as f32) }
    }

    /// Rows in the data's own place, from where the integration ended.
    fn arrive(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Var> {
        let end = self.span().1;
        let x = if end < 1.0 {
            let output = self.output_at(rec, x, Time::Known(end), weights)?;
            let row = self.path.row(rec, self.prediction, Time::Known(end))?;
            rec.combine(row, &[(table::DATA, 1.0, x), (table::DATA + 1, 1.0, output)])?
        } else {
            x
        };
        self.place(rec, x, weights)
    }

    /// Centred rows in the data's own place.
    pub fn place(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Var> {
        let mean = self.parameters.var(rec, self.bias, weights)?;
        rec.add(x, mean)
    }

    /// z from where it begins, and ln|det| of what takes it there.
    fn latents(&self, rec: &mut Recorder, x: Var) -> Result<(Var, f64)> {
        let columns = self.columns;
        if self.source.is_some() {
            return Ok((self.place(rec, x, Weights::Averaged)?, 0.0));
        }
        if self.latent != columns {
            return Err(Error::usage(format!(
                "the latent space has {} dimensions and the data {columns}: only a map between equal spaces has an inverse and a density",
                self.latent
            )));
        }
        let values = self.parameters.averaged()?;
        let slice = |name: &str| values.iter().find(|v| v.0 == name).map_or(&[][..], |v| &v.3);
        let scale = self.scale();
        let a = slice("embedding.weight").iter().map(|&v| scale * f64::from(v));
        let a = nalgebra::DMatrix::from_row_iterator(columns, columns, a);
        let deviations = a.singular_values();
        let log_det = deviations.iter().map(|s| s.ln()).sum::<f64>();
        // Directions that f32 rows cannot tell from none.
        let flat = deviations.min() <= 1e-6 * deviations.max();
        let Some(inverse) = a.try_inverse().filter(|_| !flat) else {
            return Err(Error::data(
                "the data lie in fewer dimensions than they have columns: they have no density, and the map no inverse",
            ));
        };
        let inverse: Vec<f32> = inverse.transpose().iter().map(|&v| v as f32).collect();
        let inverse = rec.gpu().upload(columns, columns, &inverse)?;
        let inverse = rec.tensor(&inverse);
        Ok((rec.linear(x, inverse, None, Activation::Identity)?, log_det))
    }

    /// The solvers that need noise and data at the ends of the path.
    pub fn follow_noisy(&self, rec: &mut Recorder, times: &[f64], x: Var, weights: Weights) -> Result<Vec<Var>> {
        let mut output = |rec: &mut Recorder, x: Var, t: f64| self.output_at(rec, x, Time::Known(t), weights);
        let mut noise = |rec: &mut Recorder, x: Var| self.noise(rec, x.rows(), weights);
        let mut denoiser = Denoiser {
            path: self.path,
            prediction: self.prediction,
            output: &mut output,
            noise: &mut noise,
            eta: self.sampling.eta,
            churn: self.sampling.churn,
        };
        denoiser.follow(rec, self.sampling.solver, times, x)
    }

    /// The plan of one step whose loss `loss` records.
    pub fn plan_of(&self, gpu: &Gpu, seed: u64, loss: impl FnOnce(&mut Recorder) -> Result<Var>) -> Result<Plan> {
        Plan::record(gpu, seed, |rec| {
            let loss = loss(rec)?;
            self.minimize(rec, loss)
        })
    }

    /// Appends one update and its reports.
    fn minimize(&self, rec: &mut Recorder, loss: Var) -> Result<()> {
        rec.report("loss", loss)?;
        let norm2 = rec.minimize(loss, &self.parameters, &self.adam)?;
        rec.report("gradient_norm2", norm2)
    }
}

/// A method whose map is the end of an integration.
pub trait Flow {
    fn core(&self) -> &ManyStep;

    /// What training moves or keeps besides.
    fn companions(&self) -> Vec<(&'static str, &Parameters)> {
        Vec::new()
    }

    /// The loss of one step.
    fn loss(&self, rec: &mut Recorder, data: &Dataset) -> Result<Var>;

    /// The field that carries noise to data.
    fn velocity(&self, rec: &mut Recorder, x: Var, time: Time, weights: Weights) -> Result<Var> {
        self.core().velocity(rec, x, time, weights)
    }

    /// The way of x by a solver that is none of fields.
    fn follow_noisy(&self, rec: &mut Recorder, times: &[f64], x: Var, weights: Weights) -> Result<Vec<Var>> {
        self.core().follow_noisy(rec, times, x, weights)
    }

    /// Where a sample begins, from what it is drawn from.
    fn begin(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        self.core().begin(rec, z, weights)
    }

    /// Records the training step.
    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        self.core().plan_of(gpu, seed, |rec| self.loss(rec, data))
    }
}

/// The way of a batch: times, and the rows at each.
pub struct Way {
    pub times: Vec<f64>,
    pub states: Vec<Var>,
}

/// What a model asks of a method that integrates, beside [`Method`].
pub trait Dynamics {
    fn sampling(&self) -> &Sampling;
    /// The times between which it integrates.
    fn span(&self) -> (f64, f64);
    fn begin(&self, rec: &mut Recorder, z: Var) -> Result<Var>;
    fn velocity(&self, rec: &mut Recorder, x: Var, time: Time) -> Result<Var>;
    fn arrive(&self, rec: &mut Recorder, x: Var) -> Result<Var>;
    /// A state on the way in the data's own place.
    fn place(&self, rec: &mut Recorder, x: Var) -> Result<Var>;
    /// From data to where the integration back begins.
    fn leave(&self, rec: &mut Recorder, x: Var) -> Result<Var>;
    /// z from where it begins.
    fn origin(&self, rec: &mut Recorder, x: Var) -> Result<Var>;
    /// The log-density of where it begins.
    fn noise_density(&self, rec: &mut Recorder, x: Var) -> Result<Var>;
    /// Random probes of a divergence; none where it is exact.
    fn probes(&self) -> usize;
    /// The deviation of its noise at the beginning, in deviations of the data.
    fn scale(&self) -> f64;
    /// Whether the network's own answer is the field.
    fn predicts_velocity(&self) -> bool;
    /// Data rows with the path's noise, each at its own time (rows × 1): states of the law that the field moves.
    fn noised(&self, rec: &mut Recorder, x1: Var, t: Var) -> Result<Var>;
    /// Whether samples are drawn from given rows: latents are then rows in the data's units.
    fn from_rows(&self) -> bool;
    /// Every state of a batch by the solver in fixed steps.
    fn way(&self, rec: &mut Recorder, z: Var) -> Result<Way>;
}

/// A [`Flow`] as a [`Method`].
pub struct Integrated<F>(pub F);

impl<F: Flow> Integrated<F> {
    fn way(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Way> {
        let (flow, core) = (&self.0, self.0.core());
        let times = core.step_times(false)?;
        let x = flow.begin(rec, z, weights)?;
        let states = match core.sampling.solver.tableau() {
            Some(_) => {
                let repulsion = core.sampling.repulsion(core.columns);
                let states = follow(rec, core.sampling.solver, &times, &[x], &mut |rec, x, t| {
                    let v = flow.velocity(rec, x[0], Time::Known(t), weights)?;
                    match &repulsion {
                        None => Ok(vec![v]),
                        Some(repulsion) => {
                            let apart = repulsion.velocity(rec, x[0])?;
                            Ok(vec![rec.add(v, apart)?])
                        }
                    }
                })?;
                states.into_iter().map(|state| state[0]).collect()
            }
            None => flow.follow_noisy(rec, &times, x, weights)?,
        };
        Ok(Way { times, states })
    }

    /// The solver of the way back, which draws nothing.
    fn backwards(&self) -> Result<Solver> {
        let solver = self.0.core().sampling.solver;
        // What a network says of noise and data is a field too: Heun follows it back.
        Ok(if solver.tableau().is_some() { solver } else { Solver::Heun })
    }
}

impl<F: Flow> Dynamics for Integrated<F> {
    fn sampling(&self) -> &Sampling {
        &self.0.core().sampling
    }

    fn span(&self) -> (f64, f64) {
        self.0.core().span()
    }

    fn begin(&self, rec: &mut Recorder, z: Var) -> Result<Var> {
        self.0.begin(rec, z, Weights::Averaged)
    }

    fn velocity(&self, rec: &mut Recorder, x: Var, time: Time) -> Result<Var> {
        self.0.velocity(rec, x, time, Weights::Averaged)
    }

    fn arrive(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        self.0.core().arrive(rec, x, Weights::Averaged)
    }

    fn leave(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        let core = self.0.core();
        let mean = core.parameters.var(rec, core.bias, Weights::Averaged)?;
        rec.sub(x, mean)
    }

    fn place(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        self.0.core().place(rec, x, Weights::Averaged)
    }

    fn origin(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        Ok(self.0.core().latents(rec, x)?.0)
    }

    fn scale(&self) -> f64 {
        self.0.core().scale()
    }

    fn predicts_velocity(&self) -> bool {
        let core = self.0.core();
        core.prediction == Prediction::Velocity && core.path.gamma == Gamma::None
    }

    fn noised(&self, rec: &mut Recorder, x1: Var, t: Var) -> Result<Var> {
        let core = self.0.core();
        let x1 = core.centre(rec, x1, Weights::Averaged)?;
        let x0 = core.noise(rec, x1.rows(), Weights::Averaged)?;
        let z = core.noise(rec, x1.rows(), Weights::Averaged)?;
        let at = core.path.table(rec, core.prediction, t)?;
        rec.combine(at, &[(table::ALPHA, 1.0, x1), (table::SIGMA, 1.0, x0), (table::GAMMA, 1.0, z)])
    }

    fn from_rows(&self) -> bool {
        self.0.core().source.is_some()
    }

    fn probes(&self) -> usize {
        let core = self.0.core();
        match core.sampling.probes {
            0 if core.columns <= EXACT => 0,
            0 => PROBES,
            given => given,
        }
    }

    fn noise_density(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        let core = self.0.core();
        if core.source.is_some() {
            return Err(Error::usage("the source law of this model is known by its rows alone: it has no density"));
        }
        let (z, log_det) = core.latents(rec, x)?;
        let squares = rec.square(z)?;
        let squares = rec.sum_cols(squares)?;
        let normal = -0.5 * core.latent as f64 * std::f64::consts::TAU.ln();
        rec.affine(squares, -0.5, (normal - log_det) as f32)
    }

    fn way(&self, rec: &mut Recorder, z: Var) -> Result<Way> {
        self.way(rec, z, Weights::Averaged)
    }
}

impl<F: Flow> Method for Integrated<F> {
    fn parameters(&self) -> &Parameters {
        &self.0.core().parameters
    }

    fn companions(&self) -> Vec<(&'static str, &Parameters)> {
        self.0.companions()
    }

    fn latent(&self) -> usize {
        self.0.core().latent
    }

    fn draw(&self, rec: &mut Recorder, rows: usize, weights: Weights) -> Result<Var> {
        self.0.core().draw(rec, rows, weights)
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let way = self.way(rec, z, weights)?;
        self.0.core().arrive(rec, way.states[way.states.len() - 1], weights)
    }

    fn pull(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Var>> {
        let core = self.0.core();
        let x = self.leave(rec, x)?;
        let states = follow(rec, self.backwards()?, &core.step_times(true)?, &[x], &mut |rec, x, t| {
            Ok(vec![self.0.velocity(rec, x[0], Time::Known(t), weights)?])
        })?;
        Ok(Some(core.latents(rec, states[states.len() - 1][0])?.0))
    }

    /// The continuity equation along the way back: ln ρ₁(x₁) = ln ρ₀(x₀) − ∫₀¹ ∇·v dt (Chen et al. 2018, eq. 8). Where the divergence is
    /// estimated, each probe is one estimate along the whole way (Grathwohl et al. 2019, §3.1), and they tell the error.
    fn log_density(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Density>> {
        let (core, probes) = (self.0.core(), self.probes());
        let x = self.leave(rec, x)?;
        let signs = (0..probes).map(|_| rec.random(Law::Sign, x.rows(), x.cols())).collect::<Result<Vec<_>>>()?;
        let zero = rec.constant(0.0, x.rows(), 1)?;
        let begin: Vec<Var> = std::iter::once(x).chain((0..probes.max(1)).map(|_| zero)).collect();
        let states = follow(rec, self.backwards()?, &core.step_times(true)?, &begin, &mut |rec, state, t| {
            let v = self.0.velocity(rec, state[0], Time::Known(t), weights)?;
            let traces = match probes {
                0 => vec![divergence(rec, v, state[0])?],
                _ => signs.iter().map(|&sign| probed_divergence(rec, v, state[0], sign)).collect::<Result<Vec<_>>>()?,
            };
            Ok(std::iter::once(v).chain(traces).collect())
        })?;
        let end = &states[states.len() - 1];
        let noise = self.noise_density(rec, end[0])?;
        let each = end[1..].iter().map(|&gained| rec.add(noise, gained)).collect::<Result<Vec<_>>>()?;
        Density::of_estimates(rec, &each).map(Some)
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        self.0.plan(gpu, seed, data)
    }

    fn dynamics(&self) -> Option<&dyn Dynamics> {
        Some(self)
    }
}
