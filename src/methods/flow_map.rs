//! Flow maps: a flow's map from any time s to any later t in one step, X_{s,t}(x) = x + (t − s)·u(x, s, t), learned without a teacher. On the
//! diagonal u is fitted to the velocity as flow matching fits it, E‖u(I_s, s, s) − İ_s‖²; between different times, from itself, by one of three losses.
//!
//! `lagrangian` (Boffi, Albergo & Vanden-Eijnden 2025): where a row is taken to moves with the flow, ∂_t X_{s,t}(x) = u(X_{s,t}(x), t, t), by one tangent along t,
//!
//!   E‖u + (t − s)∂_t u − sg u(X_{s,t}(I_s), t, t)‖²;
//!
//! `shortcut` (Frans, Hafner, Levine & Abbeel 2025): a step is two of half its length, X_{s,t} = X_{m,t} ∘ X_{s,m} with m midway,
//!
//!   E‖u(I_s, s, t) − ½ sg(u(I_s, s, m) + u(X_{s,m}(I_s), m, t))‖²;
//!
//! `meanflow` (Geng, Deng, Bai, Kolter & He 2025): X_{s,t} of a row that moves with the flow stays, d/ds X_{s,t}(x_s) = 0, so u = v + (t − s)(v·∂_x u + ∂_s u),
//!
//!   E w‖u(I_s, s, t) − sg(İ_s + (t − s)(İ_s·∂_x u + ∂_s u))‖²,   w = sg(‖·‖² + c)^{−p}.
//!
//! (s, t run from noise to data here; MeanFlow's paper has them the other way round.) Samples take 1, 2, 4, … steps (`map_steps`, `sample --steps`).

use super::few_step::{FewStep, MapLoss, MapSettings, Maps, Ways};
use super::{Dataset, Drawing, Entry, Learner, Method, Setup, Training};
use crate::gpu::{Recorder, Var};
use crate::nn::Weights;
use crate::{Result, settings};

/// What u is fitted to off the diagonal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    Lagrangian,
    Shortcut,
    Meanflow,
}

settings! {
    /// Settings of `flow-map`.
    pub struct FlowMap {
        /// Loss between different times: lagrangian, shortcut, meanflow.
        loss: By = By::Lagrangian,
        /// Fraction of a batch on the diagonal, where the map is the velocity field.
        diagonal: f32 = 0.5, in above(0.0).below(1.0),
        /// Fraction of the other trajectories that start at noise.
        from_noise: f32 = 0.25, in 0.0..1.0,
        /// Fraction of the other trajectories that end at the data.
        to_data: f32 = 0.0, in 0.0..1.0,
        /// Power p of the weight 1/(‖·‖² + c)^p of a row (meanflow); 0 is equal weights.
        weight_power: f32 = 0.0, in 0.0..=2.0,
        /// How samples are drawn from the map.
        map: MapSettings = MapSettings::default(), as group,
    }
}

static ENTRY: Entry = Entry {
    name: "flow-map",
    summary: "the flow map between any two times, learned from itself: samples in 1, 2, 4, … steps",
    paper: "§4, the flow integrated into a map ψ (after distillation)",
    use_when: "You want one model that samples in 1, 2 or 4 steps, quality against speed, without a teacher, and can train for long: 17,000 steps reach a skill of 0.95 or more in one step.",
    avoid_when: "Training is short (0.74 after 600 steps, where imm has 0.93) or you need a density.",
    density: false,
    inverse: false,
    training: || Training { hidden_width: 128, hidden_layers: 3, batch_size: 256, learning_rate: 4e-3, ..Training::default() },
};

impl Method for FlowMap {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(Maps(FlowMapLearner { core: FewStep::new(setup, &self.map)?, settings: self.clone() })))
    }

    fn drawing(&mut self) -> Drawing<'_> {
        Drawing::Map(&mut self.map.map_steps)
    }
}

impl FlowMap {
    fn ways(&self) -> Ways {
        Ways { from_noise: self.from_noise, to_data: self.to_data }
    }
}

/// c of the weight, in squared standard deviations a column.
const WEIGHT_FLOOR: f32 = 1e-2;

struct FlowMapLearner {
    core: FewStep,
    settings: FlowMap,
}

/// The tangent of u along some of its inputs; nothing where it does not depend on them.
fn tangent(rec: &mut Recorder, u: Var, along: &[(Var, Var)]) -> Result<Var> {
    match rec.tangent(u, along)? {
        Some(tangent) => Ok(tangent),
        None => rec.constant(0.0, u.rows(), u.cols()),
    }
}

impl FlowMapLearner {
    /// What u less its target is at rows between different times.
    fn residual(&self, rec: &mut Recorder, data: &Dataset, rows: usize) -> Result<Var> {
        let core = &self.core;
        let ends = core.ends(rec, data, rows)?;
        let times @ [s, t] = core.times(rec, rows, self.settings.ways())?;
        let x = ends.at(rec, s)?;
        let u = core.u(rec, x, ends.given, times, Weights::Trained)?;
        let span = rec.sub(t, s)?;
        match self.settings.loss {
            By::Lagrangian => {
                let one = rec.constant(1.0, rows, 1)?;
                let along = tangent(rec, u, &[(t, one)])?;
                let along = rec.mul(along, span)?;
                let speed = rec.add(u, along)?;
                let there = core.moved(rec, x, u, times)?;
                let there = rec.detach(there);
                let field = core.u(rec, there, ends.given, [t, t], Weights::Trained)?;
                let field = rec.detach(field);
                rec.sub(speed, field)
            }
            By::Shortcut => {
                let middle = rec.blend(s, t, 0.5, 0.5)?;
                let first = core.u(rec, x, ends.given, [s, middle], Weights::Trained)?;
                let there = core.moved(rec, x, first, [s, middle])?;
                let second = core.u(rec, there, ends.given, [middle, t], Weights::Trained)?;
                let target = rec.blend(first, second, 0.5, 0.5)?;
                let target = rec.detach(target);
                rec.sub(u, target)
            }
            By::Meanflow => {
                let velocity = ends.velocity(rec)?;
                let one = rec.constant(1.0, rows, 1)?;
                let along = tangent(rec, u, &[(x, velocity), (s, one)])?;
                let along = rec.mul(along, span)?;
                let target = rec.add(velocity, along)?;
                let target = rec.detach(target);
                rec.sub(u, target)
            }
        }
    }

    /// Its mean square over columns, weighed row by row where that is asked for.
    fn squared(&self, rec: &mut Recorder, residual: Var) -> Result<Var> {
        let power = self.settings.weight_power;
        if self.settings.loss != By::Meanflow || power == 0.0 {
            return rec.mean_square(residual);
        }
        let square = rec.square(residual)?;
        let square = rec.sum_cols(square)?;
        let square = rec.scale(square, 1.0 / residual.cols() as f32)?;
        let held = rec.affine(square, 1.0, WEIGHT_FLOOR)?;
        let held = rec.detach(held);
        let log = rec.log(held)?;
        let log = rec.scale(log, -power)?;
        let weight = rec.exp(log)?;
        let weight = rec.detach(weight);
        let weighed = rec.mul(square, weight)?;
        rec.mean(weighed)
    }
}

impl MapLoss for FlowMapLearner {
    fn core(&self) -> &FewStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, data: &Dataset) -> Result<Var> {
        let batch = self.core.batch;
        let on = ((self.settings.diagonal * batch as f32).round() as usize).clamp(1, batch - 1);
        let diagonal = self.core.diagonal(rec, data, on)?;
        rec.report("velocity_loss", diagonal)?;
        let residual = self.residual(rec, data, batch - on)?;
        let between = self.squared(rec, residual)?;
        rec.report("map_loss", between)?;
        rec.add(diagonal, between)
    }
}
