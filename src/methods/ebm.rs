//! Energy-based model (paper §3): a density known up to its constant, here the fitted Gaussian tilted by a network,
//!
//!   ρ(x) = N(x; m, Σ)·e^{−f(x)}/Z,   Z = E_{N(m, Σ)} e^{−f},
//!
//! trained by likelihood, whose gradient is that of E_data f − E_ρ f with rows of ρ held fixed. They are drawn by Langevin chains with a Metropolis correction
//! (`crate::flow::chain`): from the data at every step (contrastive divergence; Hinton 2002), or from where the chains of the last step ended (persistent;
//! Tieleman 2008), with a share of them restarted (Du & Mordatch 2019). A penalty on f² fixes its level (ibid., eq. 6).
//!
//! Everything moves in coordinates in which the fitted Gaussian is the standard one.

use super::dataset::{join, part};
use super::{Dataset, Density, Entry, Learner, Meaning, Method, Setup, Traced, Training};
use crate::flow::chain::{MOST_MOVES, Walk, Walked, walk};
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::nn::{Activation, Adam, Builder, Head, Id, Mlp, MlpShape, Parameters, Weights};
use crate::ops::random::{philox, unit};
use crate::{Error, Result, settings};

/// Where the chains of a training step start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// At the step's rows of data.
    Data,
    /// Where those of the last step ended.
    Persistent,
}

settings! {
    /// Settings of `ebm`.
    pub struct Ebm {
        /// Start of the chains in training: persistent (the last state), data.
        chain_start: Start = Start::Persistent,
        /// Number of chain moves per training step.
        chain_steps: usize = 10, in 1..=1000,
        /// Initial step size h of the chains, in units in which the fitted Gaussian is standard; each chain then adapts it to its acceptance rate.
        step_size: f32 = 0.05, in above(0.0).up_to(10.0),
        /// Metropolis acceptance in training, too; without it every move is accepted, and step sizes are constant.
        metropolis: bool = true,
        /// Fraction of the persistent chains that restart from the fitted Gaussian at each training step.
        restart: f32 = 0.02, in 0.0..=1.0,
        /// Weight of the penalty on squared energies, which fixes their level.
        energy_penalty: f32 = 0.001, in 0.0..,
        /// Number of chain moves per sample; step sizes adapt in the first half.
        sample_steps: usize = 200, in 2..=MOST_MOVES as i64,
        /// Draws of the fitted Gaussian that estimate the normalizing constant Z (in a conditional model a hundredth of them for every row).
        normalizer_samples: usize = 131_072, in 1000..=1 << 24,
    }
}

static ENTRY: Entry = Entry {
    name: "ebm",
    summary: "energy-based model by contrastive divergence: sampled by Langevin chains with a Metropolis correction",
    paper: "§3, energy-based models",
    use_when: "You want an unnormalized energy whose differences you can read or add to another energy, in a few columns, with a log-density up to an estimated constant.",
    avoid_when: "You draw many samples or have ten or more columns: a sample is a chain of 200 moves, training runs such chains too, and the constant is estimated from draws of a fitted Gaussian.",
    density: true,
    inverse: false,
    training: || Training {
        hidden_width: 128,
        hidden_layers: 3,
        learning_rate: 2e-3,
        steps: 3000,
        batch_size: 512,
        activation: Activation::Silu,
        ..Training::default()
    },
};

impl Method for Ebm {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(EbmLearner::new(setup, self.clone())?))
    }
}

/// How fast ln of a chain's step follows its acceptance: in training, where it goes on from step to step, and in the first half of a sample's moves.
const RATE: f32 = 0.02;
const SAMPLING_RATE: f32 = 0.2;
/// Draws for the constant that one layer sees at once, as a square.
const SIDE: usize = 128;
/// Numbers that one layer's answers to a chunk of draws may take.
const MOST: usize = 1 << 24;
/// Columns up to which validation rows are judged by their likelihood: beyond, draws of a Gaussian say little of the constant.
const JUDGED: usize = 8;
/// The domain of the numbers that chains are at first.
const CHAINS: u32 = 0xc4a1;
/// Draws for the constant when validation rows are judged.
const JUDGING: usize = 16_384;

/// Affine maps between rows and the chains' coordinates, not learned.
struct Whitening {
    weight: Id,
    bias: Id,
    back: Id,
    back_bias: Id,
    log_det: Id,
}

/// The energy, its chains and how they are trained.
struct EbmLearner {
    parameters: Parameters,
    whitening: Whitening,
    /// Where the chains are (batch × (columns + given)), and ln of their steps.
    chains: Id,
    log_steps: Id,
    network: Mlp,
    settings: Ebm,
    adam: Adam,
    batch: usize,
    columns: usize,
    conditions: usize,
}

impl EbmLearner {
    pub fn new(setup: &Setup, settings: Ebm) -> Result<Self> {
        let (training, d, k) = (setup.training, setup.columns, setup.conditions);
        if let Some(latent) = training.latent_dim.filter(|latent| *latent != d) {
            return Err(Error::usage(format!(
                "`latent_dim` is {latent}: chains move in the data space, of {d} columns (leave it at auto)"
            )));
        }
        let mut builder = Builder::new(setup.seed);
        let affine = setup.data.map(|data| whitening(data, d, k)).transpose()?;
        let (weight, bias, back, back_bias, log_det) =
            affine.unwrap_or_else(|| (vec![0.0; (d + k) * d], vec![0.0; d], vec![0.0; (d + k) * d], vec![0.0; d], 0.0));
        let whitening = Whitening {
            weight: builder.add("whitening.weight", d + k, d, &weight),
            bias: builder.add("whitening.bias", 1, d, &bias),
            back: builder.add("whitening.back.weight", d + k, d, &back),
            back_bias: builder.add("whitening.back.bias", 1, d, &back_bias),
            log_det: builder.add("whitening.log_det", 1, 1, &[log_det]),
        };
        let chains = builder.add("chain_start", training.batch_size, d + k, &starts(setup, d, k)?);
        let log_steps =
            builder.add("chains.log_steps", training.batch_size, 1, &vec![settings.step_size.ln(); training.batch_size]);
        builder.fix();
        let shape = MlpShape {
            inputs: d + k,
            outputs: 1,
            width: training.hidden_width,
            depth: training.hidden_layers,
            activation: training.activation,
            head: Head::Free,
            input_gain: training.input_gain.unwrap_or((3.0 * (2.0 / d as f32).sqrt()).max(1.0)),
            zero_last: true,
        };
        let network = Mlp::new(&mut builder, "energy", shape);
        Ok(Self {
            parameters: builder.build(setup.gpu)?,
            whitening,
            chains,
            log_steps,
            network,
            settings,
            adam: training.adam(),
            batch: training.batch_size,
            columns: d,
            conditions: k,
        })
    }

    /// Rows (n × (columns + given)) with their own columns in the chains' coordinates.
    fn whiten(&self, rec: &mut Recorder, rows: Var, weights: Weights) -> Result<Var> {
        let weight = self.parameters.var(rec, self.whitening.weight, weights)?;
        let bias = self.parameters.var(rec, self.whitening.bias, weights)?;
        let own = rec.linear(rows, weight, Some(bias), Activation::Identity)?;
        let given = part(rec, rows, self.conditions)?.1;
        join(rec, own, given)
    }

    /// Back to rows, n × columns.
    fn color(&self, rec: &mut Recorder, rows: Var, weights: Weights) -> Result<Var> {
        let weight = self.parameters.var(rec, self.whitening.back, weights)?;
        let bias = self.parameters.var(rec, self.whitening.back_bias, weights)?;
        rec.linear(rows, weight, Some(bias), Activation::Identity)
    }

    /// f at rows in the chains' coordinates, n × 1.
    fn tilt(&self, rec: &mut Recorder, rows: Var, weights: Weights) -> Result<Var> {
        self.network.forward(rec, &self.parameters, rows, weights)
    }

    /// ½‖u‖² + f(u, c).
    fn energy(&self, rec: &mut Recorder, rows: Var, weights: Weights) -> Result<Var> {
        let own = part(rec, rows, self.conditions)?.0;
        let squares = rec.square(own)?;
        let squares = rec.sum_cols(squares)?;
        let tilt = self.tilt(rec, rows, weights)?;
        rec.blend(tilt, squares, 1.0, 0.5)
    }

    fn walk(
        &self,
        rec: &mut Recorder,
        rows: Var,
        log_step: Var,
        how: Walk,
        weights: Weights,
        visit: &mut dyn FnMut(&mut Recorder, Var) -> Result<()>,
    ) -> Result<Walked> {
        walk(rec, rows, self.columns, log_step, how, &mut |rec, x| self.energy(rec, x, weights), visit)
    }

    /// How a sample's chains move.
    fn sampling(&self) -> Walk {
        let moves = self.settings.sample_steps;
        Walk { moves, corrected: true, adapting: moves / 2, rate: SAMPLING_RATE }
    }

    /// Moves chains from z (with what is given behind) for a sample's time: where they end, and the walk.
    fn run(
        &self,
        rec: &mut Recorder,
        z: Var,
        weights: Weights,
        visit: &mut dyn FnMut(&mut Recorder, Var) -> Result<()>,
    ) -> Result<(Var, Walked)> {
        let rows = rec.empty(z.rows(), z.cols())?;
        rec.copy_into(z, rows)?;
        let steps = self.parameters.var(rec, self.log_steps, weights)?;
        let log_step = rec.batch(steps, z.rows())?;
        let walked = self.walk(rec, rows, log_step, self.sampling(), weights, visit)?;
        Ok((rows, walked))
    }

    /// ln Z by draws of the fitted Gaussian, and the standard error of that: one number, or one for each row of `given`.
    fn log_normalizer(&self, rec: &mut Recorder, given: Option<Var>, draws: usize, weights: Weights) -> Result<(Var, Var)> {
        // Draws in sets, rows × each, a mean exponential of each: first of a set, and then of the sets.
        let (rows, each, sets) = match given {
            None => (SIDE, SIDE, draws.div_ceil(SIDE * SIDE)),
            Some(given) => {
                let draws = draws.div_ceil(100);
                let most = (MOST / (given.rows() * self.network.shape().width)).clamp(1, draws);
                let sets = draws.div_ceil(most);
                (given.rows(), draws.div_ceil(sets), sets)
            }
        };
        let behind = match given {
            None => None,
            Some(given) => {
                let index: Vec<u32> = (0..rows * each).map(|i| (i / each) as u32).collect();
                let index = rec.gpu().upload_u32(rows * each, 1, &index)?;
                let index = rec.tensor(&index);
                Some(rec.rows(given, index)?)
            }
        };
        let (mut means, mut squares) = (Vec::with_capacity(sets), Vec::with_capacity(sets));
        for _ in 0..sets {
            let noise = rec.normal(rows * each, self.columns)?;
            let noise = join(rec, noise, behind)?;
            let tilt = self.tilt(rec, noise, weights)?;
            for (into, scale) in [(&mut means, -1.0), (&mut squares, -2.0)] {
                let logs = rec.scale(tilt, scale)?;
                let logs = rec.reshape(logs, rows, each)?;
                into.push(rec.log_mean_exp(logs)?);
            }
        }
        let whole = |rec: &mut Recorder, parts: &[Var]| {
            let all = rec.concat(parts)?;
            let all = rec.log_mean_exp(all)?;
            if given.is_some() {
                return Ok(all);
            }
            let all = rec.reshape(all, 1, rows)?;
            rec.log_mean_exp(all)
        };
        let (mean, square) = (whole(rec, &means)?, whole(rec, &squares)?);
        let count = if given.is_some() { each * sets } else { rows * each * sets };
        // Var w̄/w̄² = (E w²/(E w)² − 1)/(n − 1).
        let relative = rec.blend(square, mean, 1.0, -2.0)?;
        let relative = rec.exp(relative)?;
        let share = 1.0 / (count as f32 - 1.0);
        let variance = rec.affine(relative, share, -share)?;
        Ok((mean, rec.sqrt(variance)?))
    }

    fn density(&self, rec: &mut Recorder, rows: Var, draws: usize, weights: Weights) -> Result<Density> {
        let u = self.whiten(rec, rows, weights)?;
        let energy = self.energy(rec, u, weights)?;
        let given = part(rec, u, self.conditions)?.1;
        let (normalizer, error) = self.log_normalizer(rec, given, draws, weights)?;
        let log_det = self.parameters.var(rec, self.whitening.log_det, weights)?;
        let constant = -0.5 * self.columns as f64 * std::f64::consts::TAU.ln();
        let value = rec.affine(energy, -1.0, constant as f32)?;
        let value = rec.add(value, log_det)?;
        let value = rec.sub(value, normalizer)?;
        let zero = rec.constant(0.0, rows.rows(), 1)?;
        Ok(Density { value, error: Some(rec.add(zero, error)?) })
    }
}

/// Where persistent chains are at first: uniform numbers of standard deviation 1, which they soon leave, each given what a row of the data is.
fn starts(setup: &Setup, d: usize, k: usize) -> Result<Vec<f32>> {
    let batch = setup.training.batch_size;
    let rows = match setup.data.filter(|_| k > 0) {
        Some(data) => data.values()?,
        None => vec![0.0; d + k],
    };
    let key = [setup.seed as u32, (setup.seed >> 32) as u32];
    let number = |i: usize| 3f64.sqrt() * (2.0 * unit(philox([i as u32, 0, 0, CHAINS], key)[0]) - 1.0);
    let own = |i: usize| (i * d..(i + 1) * d).map(move |at| number(at) as f32);
    let given = |i: usize| &rows[(i * (d + k)) % rows.len()..][d..d + k];
    Ok((0..batch).flat_map(|i| own(i).chain(given(i).iter().copied()).collect::<Vec<f32>>()).collect())
}

/// Weight, bias, weight back, bias back, and ln|det| of the map that makes the Gaussian fitted to the columns given the others the standard one.
#[allow(clippy::type_complexity)]
fn whitening(data: &Dataset, d: usize, k: usize) -> Result<(Vec<f32>, Vec<f32>, Vec<f32>, Vec<f32>, f32)> {
    let (bias, factor) = data.as_dequantized().regression(d);
    let factor = nalgebra::DMatrix::from_row_iterator(d + k, d, factor.into_iter().map(f64::from));
    let bias = nalgebra::DMatrix::from_row_iterator(1, d, bias.into_iter().map(f64::from));
    let (root, slope) = (factor.rows(0, d).into_owned(), factor.rows(d, k).into_owned());
    let deviations: Vec<f64> = root.row_iter().map(|row| row.norm()).collect();
    let most = deviations.iter().copied().fold(0.0, f64::max);
    let inverse = match deviations.iter().all(|s| *s > 1e-5 * most) {
        true => root.clone().try_inverse(),
        false => None,
    };
    let inverse = inverse.ok_or_else(|| {
        Error::data(
            "the data lie on a manifold of lower dimension (a column is constant, or a linear function of others): they have no density; leave such a column out, or train with noise",
        )
    })?;
    let flat = |m: &nalgebra::DMatrix<f64>| m.transpose().iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let mut weight = flat(&inverse);
    weight.extend(flat(&(-&slope * &inverse)));
    let log_det = -deviations.iter().map(|s| s.ln()).sum::<f64>();
    Ok((weight, flat(&(-&bias * &inverse)), flat(&factor), flat(&bias), log_det as f32))
}

impl Learner for EbmLearner {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn latent(&self) -> usize {
        self.columns
    }

    /// Where a sample's chains start: where those of training ended; of a model with given columns, from the fitted Gaussian.
    fn draw(&self, rec: &mut Recorder, rows: usize, weights: Weights) -> Result<Var> {
        if self.settings.chain_start == Start::Persistent && self.conditions == 0 {
            let chains = self.parameters.var(rec, self.chains, weights)?;
            return rec.batch(chains, rows);
        }
        rec.normal(rows, self.columns)
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let (rows, _) = self.run(rec, z, weights, &mut |_, _| Ok(()))?;
        self.color(rec, rows, weights)
    }

    fn log_density(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Density>> {
        self.density(rec, x, self.settings.normalizer_samples, weights).map(Some)
    }

    fn density_means(&self) -> Meaning {
        Meaning::Normalized { draws: self.settings.normalizer_samples }
    }

    fn held_out_loss(&self, rec: &mut Recorder, x: Var, weights: Weights) -> Result<Option<Var>> {
        if self.columns > JUDGED {
            return Ok(None);
        }
        let density = self.density(rec, x, JUDGING, weights)?;
        Ok(Some(rec.scale(density.value, -1.0)?))
    }

    fn is_one_step(&self) -> bool {
        false
    }

    fn mixing(&self, rec: &mut Recorder, rows: usize) -> Result<Option<Traced>> {
        let weights = Weights::Averaged;
        let z = self.draw(rec, rows, weights)?;
        let mut states = Vec::with_capacity(self.settings.sample_steps);
        let frozen = self.sampling().adapting;
        let mut count = 0;
        let (_, walked) = self.run(rec, z, weights, &mut |rec, x| {
            count += 1;
            if count > frozen {
                let state = rec.empty(x.rows(), x.cols())?;
                rec.copy_into(x, state)?;
                states.push(state);
            }
            Ok(())
        })?;
        Ok(Some(Traced { states, accepted: walked.accepted, moves: self.settings.sample_steps }))
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        let Ebm { chain_start, chain_steps, metropolis, restart, energy_penalty, .. } = self.settings;
        let weights = Weights::Trained;
        Plan::record(gpu, seed, |rec| {
            let batch = data.batch(rec, self.batch)?;
            let real = self.whiten(rec, batch, weights)?;
            let rows = self.parameters.var(rec, self.chains, weights)?;
            match chain_start {
                Start::Data => rec.copy_into(real, rows)?,
                Start::Persistent => {
                    let given = part(rec, real, self.conditions)?.1;
                    let fresh = rec.normal(self.batch, self.columns)?;
                    let fresh = join(rec, fresh, given)?;
                    rec.refresh_rows(rows, fresh, restart)?;
                }
            }
            let log_steps = self.parameters.var(rec, self.log_steps, weights)?;
            let adapting = if metropolis { chain_steps } else { 0 };
            let how = Walk { moves: chain_steps, corrected: metropolis, adapting, rate: RATE };
            let walked = self.walk(rec, rows, log_steps, how, weights, &mut |_, _| Ok(()))?;
            rec.copy_into(walked.log_step, log_steps)?;
            // What a model file holds are averages: chains have none, and are what they are.
            for (id, now) in [(self.chains, rows), (self.log_steps, log_steps)] {
                let kept = self.parameters.var(rec, id, Weights::Averaged)?;
                rec.copy_into(now, kept)?;
            }
            let accepted = rec.mean(walked.accepted)?;
            let accepted = rec.scale(accepted, 1.0 / chain_steps as f32)?;
            rec.report("acceptance", accepted)?;
            let (at_data, at_chains) = (self.tilt(rec, real, weights)?, self.tilt(rec, rows, weights)?);
            let (up, down) = (rec.mean(at_data)?, rec.mean(at_chains)?);
            let mut loss = rec.sub(up, down)?;
            if energy_penalty > 0.0 {
                for at in [at_data, at_chains] {
                    let level = rec.mean_square(at)?;
                    loss = rec.blend(loss, level, 1.0, energy_penalty)?;
                }
            }
            rec.report("loss", loss)?;
            let norm2 = rec.minimize(loss, &self.parameters, &self.adam)?;
            rec.report("gradient_norm2", norm2)
        })
    }
}
