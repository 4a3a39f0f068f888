//! The paper's footnote 3: a game that gradient steps do not solve, and the mean formulation that solves the same problem.
//!
//! μ₁ is uniform on S = (0, ¼) ∪ (¾, 1), φ_a carries the uniform distribution onto μ_a, uniform on (a, a + ½) with a in [0, ½], and the
//! adversary is f with values in [0, 1]:  V(a, f) = ⟨f|μ₁⟩ − ⟨f|μ_a⟩, up in f and down in a, so a moves by 2 (f(a + ½) − f(a)).
//!
//! **The game.** sup_f V = ½ + 2a for a ≤ ¼ and 3/2 − 2a beyond: least (½) at a = 0 and a = ½, largest (1) at ¼. Where both distributions
//! have mass, or neither, f is free: at a = ½ both 1_S and 1_(0, ½) are best replies, and against the second φ leaves for a = 0. The
//! saddles are (0, 1_S) and (½, 1_S); neither is strict, and nothing draws f to 1_S among its best replies.
//! Between the footnote's own two functions, f = ½(1 + w h) with h = tanh 20(x − ½) and w in [−1, 1], V ≈ −2w(a − ¼) near a = ¼: the bilinear game,
//! whose steps η_a, η_w turn by ω = 2√(η_a η_w) a step. Simultaneous ones grow by √(1 + ω²) a step up to the walls,
//! alternating ones keep their orbit; neither converges, and what they turn about, a = ¼, is where sup_f V is largest.
//!
//! **What the footnote leaves out.** Adversaries that can move f at one place alone, a network of two hidden layers or a table of
//! values, do come to rest under gradient steps: φ sees f at the two ends of (a, a + ½) alone, 2 (f(a + ½) − f(a)), and at the wall
//! a = 0 the pressed-down f(½) holds it there. That is a place where steps stop and no saddle: the gap
//! V(a, f) − min_a' V(a', f) is 0.76 for the network and 0.14 for the table, so φ's best reply to the f at rest is elsewhere, and by best
//! replies the loop would go on.
//!
//! **The mean formulation** (eq. 3). With c = a + ¼, ⟨e^{2πikx}|μ_a⟩ = e^{2πikc} g_k and ⟨e^{2πikx}|μ₁⟩ = g_k, where
//! g_k = 2 sin(πk/2)/(πk): zero for even k, ±2/(πk) for odd. Hence
//!
//!   D₂²(a) = Σ_{k odd} τ_k (16/π²k²) sin²(πkc),   dD₂²/da = (16/π) Σ_{k odd} (τ_k/k) sin(2πkc).
//!
//! For τ uniform on k ≤ K the last sum is positive on 0 < c < ½ (Fejér and Jackson) and odd about c = ½: the only stationary
//! point inside is a = ¼, a maximum, and a = 0 and a = ½ (φ's own mirror images, for D₂²(a) = D₂²(½ − a)) are the minimizers of D₂ and of
//! sup_f V too, with D₂² = Σ_{k odd} 8 τ_k/π²k² > 0, as no μ_a is μ₁. Descent reaches them in finitely many steps, for its slope there is not zero.
//!
//! The energy distance is another D₂, with τ(ds) ∝ |s|⁻² ds on the line and not the circle: 2∫(F − G)² = 1/6 + (8/3)|a − ¼|³. Its only
//! stationary point is its minimizer a = ¼, which descent nears like 1/t. What converges is the mean formulation; where, is τ's choice.
//!
//! Expectations are exact up to the midpoint rule on [`NODES`] nodes.

pub(crate) mod report;

use pushforward::gpu::{Gpu, Recorder, Report, Tensor, Var};
use pushforward::ops::activation::Activation;
use pushforward::ops::fourier::{Frequencies, Statistics};
use pushforward::ops::pairwise::{Estimator, RadialKernel};
use pushforward::{Result, settings};
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use std::f64::consts::PI;

/// Nodes of the midpoint rule under each distribution.
pub const NODES: usize = 256;
/// Functions e^{2πikx} of D₂, k = 1 … 10, as in Fig. 1.
pub const FUNCTIONS: usize = 10;
/// Where a starts under D₂; the game starts at `start`.
pub const STARTS: [f64; 5] = [0.02, 0.12, 0.24, 0.31, 0.45];
/// A run has converged when a stays within this of its last value for the last quarter of the steps.
const STILL: f64 = 2e-3;
/// Cells of the table of values.
const CELLS: usize = 64;
/// Slope of h at ½.
const STEEP: f32 = 20.0;
/// Points at which f is looked at, evenly on [0, 1].
const GRID: usize = 201;
/// Snapshots of f in one run.
const SNAPSHOTS: usize = 60;

settings! {
    /// Settings of `reproduce saddle`.
    pub struct Settings {
        /// Number of steps per run.
        steps: u32 = 2000, in 100..,
        /// Learning rate of a against the adversary.
        learning_rate: f32 = 5e-3, in above(0.0),
        /// Learning rate of the adversary.
        adversary_learning_rate: f32 = 0.2, in above(0.0),
        /// Hidden width of the network's two layers.
        hidden_width: usize = 32, in 1..=1024,
        /// Initial a against the adversary.
        start: f32 = 0.2, in 0.0..=0.5,
        /// Learning rate of a on D₂.
        descent_learning_rate: f32 = 1e-3, in above(0.0),
        /// Learning rate of a on the energy distance, whose gradient vanishes at its minimizer.
        energy_learning_rate: f32 = 0.02, in above(0.0),
    }
}

/// Who holds f.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Adversary {
    /// ½(1 + w h), w in [−1, 1]: the footnote's 1_(0, ½) and 1_(½, 1), and what lies between them.
    Steps,
    /// Two hidden layers of tanh under a sigmoid: what moves f at one place moves it at others.
    Network,
    /// A value in [0, 1] at each of 65 knots, straight between them: what moves f at one place moves it there alone.
    Table,
}

/// One run: where a went.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    pub name: String,
    pub start: f64,
    pub last: f64,
    /// The step from which on a stays within 0.002 of its last value, if that is before the last quarter.
    pub converged: Option<usize>,
    /// How often a passed ¼ in the second half of the run, and by how much it moved there.
    pub passes: usize,
    pub swing: f64,
    /// V(a, f) − min_a' V(a', f) at the end of a game.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<f64>,
    #[serde(skip)]
    pub path: Vec<(f64, f64)>,
    /// (a, f on the grid) along the way.
    #[serde(skip)]
    pub snapshots: Vec<(f64, Vec<f64>)>,
}

/// Everything measured.
#[derive(Clone, Debug, Serialize)]
pub struct Saddle {
    pub seed: u64,
    pub steps: u32,
    /// D₂² at its minimizers a = 0 and ½ and at its maximizer ¼, in closed form.
    pub least: f64,
    pub largest: f64,
    pub games: Vec<Run>,
    pub fourier: Vec<Run>,
    pub energy: Vec<Run>,
    pub seconds: f64,
}

/// sup_f V(a, f).
pub fn best_response(a: f64) -> f64 {
    0.5 + 2.0 * a.min(0.5 - a)
}

/// D₂²(a) with the ten functions.
pub fn d2(a: f64) -> f64 {
    let term = |k: usize| (16.0 / (PI * k as f64).powi(2)) * (PI * k as f64 * (a + 0.25)).sin().powi(2);
    (1..=FUNCTIONS).step_by(2).map(term).sum::<f64>() / FUNCTIONS as f64
}

/// The energy distance between μ_a and μ₁.
pub fn energy(a: f64) -> f64 {
    1.0 / 6.0 + 8.0 / 3.0 * (a - 0.25).abs().powi(3)
}

/// V(a, f) for f given on the grid, by the trapezoidal rule.
pub fn value(f: &[f64], a: f64) -> f64 {
    let at = |x: f64| {
        let place = (x.clamp(0.0, 1.0) * (f.len() - 1) as f64).min((f.len() - 1) as f64 - 1e-9);
        let (cell, rest) = (place as usize, place.fract());
        f[cell] * (1.0 - rest) + f[cell + 1] * rest
    };
    let mean = |from: f64, to: f64| (0..200).map(|i| at(from + (to - from) * (f64::from(i) + 0.5) / 200.0)).sum::<f64>() / 200.0;
    0.5 * (mean(0.0, 0.25) + mean(0.75, 1.0)) - mean(a, a + 0.5)
}

/// Nodes of the two distributions and the place of a on the device.
struct Stage {
    gpu: Gpu,
    target: Tensor,
    latent: Tensor,
    a: Tensor,
}

impl Stage {
    fn new(gpu: &Gpu, start: f64) -> Result<Self> {
        let middle = |i: usize| (i as f64 + 0.5) / NODES as f64;
        let target: Vec<f32> = (0..NODES).map(middle).map(|u| (if u < 0.5 { u / 2.0 } else { (u + 1.0) / 2.0 }) as f32).collect();
        let latent: Vec<f32> = (0..NODES).map(middle).map(|u| (u / 2.0) as f32).collect();
        Ok(Self {
            gpu: gpu.clone(),
            target: gpu.upload(NODES, 1, &target)?,
            latent: gpu.upload(NODES, 1, &latent)?,
            a: gpu.upload(1, 1, &[start as f32])?,
        })
    }

    /// φ_a at every node.
    fn push(&self, rec: &mut Recorder) -> Result<Var> {
        let (latent, a) = (rec.tensor(&self.latent), rec.tensor(&self.a));
        rec.add(latent, a)
    }

    /// Moves a down `gradient`, within [0, ½].
    fn descend(&self, rec: &mut Recorder, gradient: Var, rate: f32) -> Result<()> {
        let a = rec.tensor(&self.a);
        step(rec, a, gradient, -rate, Some((0.0, 0.5)))
    }

    /// a after every step, and `look` after each of `parts` parts of the run.
    fn follow(
        &self,
        mut rec: Recorder,
        steps: u32,
        parts: usize,
        mut look: impl FnMut() -> Result<()>,
    ) -> Result<Vec<(f64, f64)>> {
        let start = f64::from(self.a.read()?[0]);
        let a = rec.tensor(&self.a);
        rec.report("a", a)?;
        let mut plan = rec.finish()?;
        let mut path = vec![(0.0, start)];
        let part = (steps as usize).div_ceil(parts).min(1000);
        let mut left = steps as usize;
        while left > 0 {
            let now = left.min(part);
            plan.replay(now)?;
            let place = |report: Report| (report.step as f64 + 1.0, f64::from(report.values[0]));
            path.extend(plan.final_reports()?.into_iter().map(place));
            look()?;
            left -= now;
        }
        Ok(path)
    }
}

/// x ← x + rate·g, held to the bounds.
fn step(rec: &mut Recorder, x: Var, g: Var, rate: f32, bounds: Option<(f32, f32)>) -> Result<()> {
    let moved = rec.blend(x, g, 1.0, rate)?;
    let held = match bounds {
        Some((low, high)) => rec.clamp(moved, low, high)?,
        None => moved,
    };
    rec.copy_into(held, x)
}

/// The weights of f.
struct Weights {
    adversary: Adversary,
    tensors: Vec<Tensor>,
}

impl Weights {
    fn new(gpu: &Gpu, adversary: Adversary, width: usize, seed: u64) -> Result<Self> {
        match adversary {
            Adversary::Steps => return Ok(Self { adversary, tensors: vec![gpu.upload(1, 1, &[0.0])?] }),
            Adversary::Table => return Ok(Self { adversary, tensors: vec![gpu.upload(CELLS + 1, 1, &[0.5; CELLS + 1])?] }),
            Adversary::Network => {}
        }
        let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut uniform = |rows: usize, cols: usize, most: f32| -> Result<Tensor> {
            let values: Vec<f32> = (0..rows * cols).map(|_| most * (2.0 * random.random::<f32>() - 1.0)).collect();
            gpu.upload(rows, cols, &values)
        };
        let inner = (3.0 / width as f32).sqrt();
        let tensors = vec![
            uniform(1, width, 10.0)?,
            uniform(1, width, 5.0)?,
            uniform(width, width, inner)?,
            uniform(1, width, 0.1)?,
            uniform(width, 1, inner)?,
            uniform(1, 1, 0.1)?,
        ];
        Ok(Self { adversary, tensors })
    }

    fn vars(&self, rec: &mut Recorder) -> Vec<Var> {
        self.tensors.iter().map(|tensor| rec.tensor(tensor)).collect()
    }

    /// f at each row of x.
    fn apply(&self, rec: &mut Recorder, x: Var) -> Result<Var> {
        let w = self.vars(rec);
        if self.adversary == Adversary::Steps {
            let along = rec.affine(x, STEEP, -0.5 * STEEP)?;
            let step = rec.activation(along, Activation::Tanh)?;
            let step = rec.mul(step, w[0])?;
            return rec.affine(step, 0.5, 0.5);
        }
        if self.adversary == Adversary::Table {
            // Hats: 1 at a knot, 0 a cell away.
            let knots: Vec<f32> = (0..=CELLS).map(|k| k as f32 / CELLS as f32).collect();
            let knots = rec.gpu().upload(1, CELLS + 1, &knots)?;
            let knots = rec.tensor(&knots);
            let zero = rec.constant(0.0, x.rows(), CELLS + 1)?;
            let spread = rec.add(zero, x)?;
            let apart = rec.sub(spread, knots)?;
            let apart = rec.abs(apart)?;
            let hats = rec.affine(apart, -(CELLS as f32), 1.0)?;
            let hats = rec.clamp(hats, 0.0, 1.0)?;
            return rec.linear(hats, w[0], None, Activation::Identity);
        }
        let h = rec.linear(x, w[0], Some(w[1]), Activation::Identity)?;
        let h = rec.linear(h, w[2], Some(w[3]), Activation::Tanh)?;
        let h = rec.linear(h, w[4], Some(w[5]), Activation::Tanh)?;
        rec.sigmoid(h)
    }

    /// V = ⟨f|μ₁⟩ − ⟨f|μ_a⟩.
    fn value(&self, rec: &mut Recorder, stage: &Stage) -> Result<Var> {
        let (target, y) = (rec.tensor(&stage.target), stage.push(rec)?);
        let (real, pushed) = (self.apply(rec, target)?, self.apply(rec, y)?);
        let (real, pushed) = (rec.mean(real)?, rec.mean(pushed)?);
        rec.sub(real, pushed)
    }

    fn ascend(&self, rec: &mut Recorder, gradients: &[Var], rate: f32) -> Result<()> {
        // A table's gradient at a knot is the mass under its hat, about 1/CELLS of the whole.
        let (rate, bounds) = match self.adversary {
            Adversary::Table => (rate * CELLS as f32 / 10.0, Some((0.0, 1.0))),
            Adversary::Steps => (rate, Some((-1.0, 1.0))),
            Adversary::Network => (rate, None),
        };
        let vars = self.vars(rec);
        vars.into_iter().zip(gradients).try_for_each(|(w, &g)| step(rec, w, g, rate, bounds))
    }
}

/// Gradient steps of both players: both from the same point, or (`alternating`) the adversary first.
pub fn game(gpu: &Gpu, adversary: Adversary, alternating: bool, seed: u64, settings: &Settings) -> Result<Run> {
    let stage = Stage::new(gpu, f64::from(settings.start))?;
    let f = Weights::new(gpu, adversary, settings.hidden_width, seed)?;
    let mut rec = Recorder::new(gpu, seed);
    let a = rec.tensor(&stage.a);
    let mut wanted = f.vars(&mut rec);
    let v = f.value(&mut rec, &stage)?;
    if alternating {
        let gradients = rec.backward(v, &wanted)?;
        f.ascend(&mut rec, &gradients, settings.adversary_learning_rate)?;
        let v = f.value(&mut rec, &stage)?;
        let gradient = rec.backward(v, &[a])?[0];
        stage.descend(&mut rec, gradient, settings.learning_rate)?;
    } else {
        wanted.push(a);
        let gradients = rec.backward(v, &wanted)?;
        let (of_a, of_f) = gradients.split_last().expect("a was asked for");
        f.ascend(&mut rec, of_f, settings.adversary_learning_rate)?;
        stage.descend(&mut rec, *of_a, settings.learning_rate)?;
    }

    let grid: Vec<f32> = (0..GRID).map(|i| i as f32 / (GRID - 1) as f32).collect();
    let grid = gpu.upload(GRID, 1, &grid)?;
    let mut look = Recorder::new(gpu, seed);
    let x = look.tensor(&grid);
    let shown = f.apply(&mut look, x)?;
    let shown = look.keep(shown);
    let mut look = look.finish()?;
    let mut snapshots = Vec::new();
    let path = stage.follow(rec, settings.steps, SNAPSHOTS, || {
        look.replay(1)?;
        let values = look.read(shown)?.into_iter().map(f64::from).collect();
        snapshots.push((f64::from(stage.a.read()?[0]), values));
        Ok(())
    })?;
    let order = if alternating { "alternating" } else { "simultaneous" };
    let who = match adversary {
        Adversary::Steps => "two steps",
        Adversary::Network => "network",
        Adversary::Table => "table",
    };
    let gap = snapshots.last().map(|(a, f): &(f64, Vec<f64>)| {
        let replies = (0..=100).map(|i| value(f, f64::from(i) / 200.0));
        value(f, *a) - replies.fold(f64::INFINITY, f64::min)
    });
    Ok(Run { snapshots, gap, ..Run::of(format!("{who}, {order}"), path) })
}

/// Descent of D₂² with the ten functions, or of the energy distance.
pub fn descent(gpu: &Gpu, fourier: bool, start: f64, settings: &Settings) -> Result<Run> {
    let stage = Stage::new(gpu, start)?;
    let mut rec = Recorder::new(gpu, 0);
    let y = stage.push(&mut rec)?;
    let loss = if fourier {
        let frequencies: Vec<f32> = (1..=FUNCTIONS).map(|k| std::f32::consts::TAU * k as f32).collect();
        let frequencies = stage.gpu.upload(FUNCTIONS, 1, &frequencies)?;
        let frequencies = Frequencies::real(rec.tensor(&frequencies));
        // ⟨e^{2πikx}|μ₁⟩ = g_k: cosines, sines, and the mean square.
        let g = |k: usize| (2.0 * (PI * k as f64 / 2.0).sin() / (PI * k as f64)) as f32;
        let means: Vec<f32> = (1..=FUNCTIONS).map(g).chain([0.0; FUNCTIONS]).chain([1.0; FUNCTIONS]).collect();
        let means = stage.gpu.upload(3, FUNCTIONS, &means)?;
        let target = Statistics { means: rec.tensor(&means), rows: usize::MAX >> 32 };
        let tau = rec.constant(1.0 / FUNCTIONS as f32, 1, FUNCTIONS)?;
        rec.fourier_loss(frequencies, y, target, tau, Estimator::Biased)?
    } else {
        let target = rec.tensor(&stage.target);
        rec.mmd_squared(&RadialKernel::Energy { beta: 1.0 }, y, target, Estimator::Biased)?
    };
    let a = rec.tensor(&stage.a);
    let gradient = rec.backward(loss, &[a])?[0];
    stage.descend(&mut rec, gradient, if fourier { settings.descent_learning_rate } else { settings.energy_learning_rate })?;
    let path = stage.follow(rec, settings.steps, 1, || Ok(()))?;
    Ok(Run::of(format!("{} from {start}", if fourier { "D₂" } else { "energy distance" }), path))
}

impl Run {
    fn of(name: String, path: Vec<(f64, f64)>) -> Self {
        let (start, last) = (path[0].1, path[path.len() - 1].1);
        let still = path.iter().rposition(|(_, a)| (a - last).abs() > STILL).map_or(0, |i| i + 1);
        let half = &path[path.len() / 2..];
        let passes = half.windows(2).filter(|w| (w[0].1 < 0.25) != (w[1].1 < 0.25)).count();
        let (low, high) = half.iter().fold((1.0f64, 0.0f64), |(low, high), (_, a)| (low.min(*a), high.max(*a)));
        let converged = (4 * still <= 3 * path.len()).then_some(still);
        Self { name, start, last, converged, passes, swing: high - low, gap: None, path, snapshots: Vec::new() }
    }
}

/// Plays the games and descends the means.
pub fn run(gpu: &Gpu, seed: u64, settings: &Settings) -> Result<Saddle> {
    let started = std::time::Instant::now();
    let who = [Adversary::Steps, Adversary::Network, Adversary::Table];
    let orders = who.into_iter().flat_map(|who| [(who, false), (who, true)]);
    let games = orders.map(|(who, alternating)| game(gpu, who, alternating, seed, settings)).collect::<Result<_>>()?;
    let descents = |fourier| STARTS.into_iter().map(|start| descent(gpu, fourier, start, settings)).collect::<Result<Vec<_>>>();
    let (fourier, energy) = (descents(true)?, descents(false)?);
    let seconds = started.elapsed().as_secs_f64();
    Ok(Saddle { seed, steps: settings.steps, least: d2(0.0), largest: d2(0.25), games, fourier, energy, seconds })
}
