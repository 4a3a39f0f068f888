//! Inductive moment matching (Zhou, Ermon & Song 2025): a map f_{s,t} from any time s of a flow to any later t, trained so that f_{s,t}(I_s) has the
//! distribution of f_{r,t}(I_r), where r is nearer to the data:
//!
//!   E_{s,r,t} MMD²(f_{s,t}(I_s), sg f_{r,t}(I_r)),   s < r ≤ t,   I_s and I_r of the same noise and data.
//!
//! Where r = t the second is the distribution of I_t itself, since f_{t,t} is the identity. By induction from there, f becomes exact for all s, down to s = 0. A group of M rows shares one
//! (s, r, t), and rows are compared within their group only. (Time runs from noise, 0, to data, 1. In the paper it runs the other way:
//! its t → s is our s → t.)
//!
//! A row and its partner, made of the same noise and data, are not independent. Among the M² pairs of a group, the M pairs of partners add −(2/M) E k(y_i, x_i), which pulls f_{s,t}(I_s)
//! towards its likeliest value, and so reduces the spread (with a weight of 1/32 at M = 64). These pairs are left out (`partners` includes them, as the paper
//! does); the mean of the others is (1 − 1/M) MMD².
//!
//! With `gap` = 1, the default, r = t: every trajectory is matched with the distribution at its own end, without induction. The paper needs chains of smaller gaps for images, where that
//! match alone fails. In few dimensions each link costs more than it brings (docs/studies/defaults.md). The trajectories that one-step and few-step samples take are trained most. With a gap below 1 a large
//! `from_noise` leaves too few trajectories for the links that they depend on.
//!
//! f is the flow map's X_{s,t}(x) = x + (t − s)u(x, s, t), and r = min(t, s + `gap`). A share `to_data` of the groups has t = 1, where the last step of every sample ends. The kernel is the paper's Laplace kernel of rows, divided by the weight of u in
//! them, (t − s), and by the median distance of the data times `bandwidth`. All groups are computed at once: each has a further
//! coordinate, so far from those of the others that e^(−distance) is zero between groups. The biased MMD² of the batch is then 1/G of the mean over the G groups.

use super::few_step::{FewStep, MapLoss, MapSettings, Maps, Ways};
use super::{Dataset, Drawing, Entry, Learner, Method, Setup, Training};
use crate::gpu::{Recorder, Var};
use crate::loss::distances;
use crate::nn::Weights;
use crate::ops::pairwise::{Estimator, RadialKernel};
use crate::{Result, settings};

settings! {
    /// Settings of `imm`.
    pub struct Imm {
        /// Group size M: rows with the same times, which are compared with each other.
        group_size: usize = 64, in 2..=1 << 16,
        /// Distance of the time r from s towards the data, as a fraction of the trajectory; at 1, its end.
        gap: f32 = 1.0, in above(0.0).up_to(1.0),
        /// Fraction of groups whose trajectory starts at noise.
        from_noise: f32 = 0.5, in 0.0..1.0,
        /// Fraction of groups whose trajectory ends at the data.
        to_data: f32 = 0.75, in 0.0..1.0,
        /// Comparison of a row with its own partner, too, as in the paper.
        partners: bool = false,
        /// Bandwidth of the kernel in median distances between rows, at t − s = 1.
        bandwidth: f32 = 4.0, in above(0.0),
        /// How samples are drawn from the map.
        map: MapSettings = MapSettings::default(), as group,
    }
}

static ENTRY: Entry = Entry {
    name: "imm",
    summary: "inductive moment matching: maps between times, each matched to one from a time nearer to the data",
    paper: "§2 with §4: matched statistics along a flow",
    use_when: "You want a one-step sampler from noise to data without teacher or adversary, with more steps as an option: a skill of 0.96 to 1.0 within minutes on three targets in the plane.",
    avoid_when: "You need a density, or expect many steps to beat one: with its default settings one step is the best trained, and four can be worse.",
    density: false,
    inverse: false,
    // What rests on which measurement is in docs/studies/defaults.md.
    training: || Training { learning_rate: 6e-3, ..Training::default() },
};

impl Method for Imm {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(Maps(ImmLearner { core: FewStep::new(setup, &self.map)?, settings: self.clone() })))
    }

    fn drawing(&mut self) -> Drawing<'_> {
        Drawing::Map(&mut self.map.map_steps)
    }
}

impl Imm {
    fn ways(&self) -> Ways {
        Ways { from_noise: self.from_noise, to_data: self.to_data }
    }
}

/// Between the coordinates of two groups, in widths of the kernel: e^−200 is nothing in single precision.
const APART: f32 = 200.0;
/// The least t − s that rows are divided by.
const LEAST_SPAN: f32 = 0.05;

struct ImmLearner {
    core: FewStep,
    settings: Imm,
}

/// A number a group, for each of its rows: groups × 1 → rows × 1.
fn shared(rec: &mut Recorder, of_group: Var, rows: usize) -> Result<Var> {
    let size = rows.div_ceil(of_group.rows());
    let index: Vec<u32> = (0..rows).map(|row| (row / size) as u32).collect();
    let index = rec.gpu().upload_u32(rows, 1, &index)?;
    let index = rec.tensor(&index);
    rec.rows(of_group, index)
}

impl MapLoss for ImmLearner {
    fn core(&self) -> &FewStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, data: &Dataset) -> Result<Var> {
        let (core, rows) = (&self.core, self.core.batch);
        let groups = rows.div_ceil(self.settings.group_size.min(rows));
        let ends = core.ends(rec, data, rows)?;
        let [s, t] = core.times(rec, groups, self.settings.ways())?;
        // r = t − max(0, t − s − gap).
        let left = rec.blend(t, s, 1.0, -1.0)?;
        let left = rec.affine(left, 1.0, -self.settings.gap)?;
        let left = rec.clamp(left, 0.0, 1.0)?;
        let r = rec.sub(t, left)?;
        let [s, r, t] = [shared(rec, s, rows)?, shared(rec, r, rows)?, shared(rec, t, rows)?];
        let made = |rec: &mut Recorder, from: Var| {
            let x = ends.at(rec, from)?;
            let u = core.u(rec, x, ends.given, [from, t], Weights::Trained)?;
            core.moved(rec, x, u, [from, t])
        };
        let y = made(rec, s)?;
        let x = made(rec, r)?;
        let x = rec.detach(x);
        let span = rec.sub(t, s)?;
        let span = rec.clamp(span, LEAST_SPAN, 1.0)?;
        let width = rec.scale(span, self.settings.bandwidth * data.median_distance())?;
        let size = rows.div_ceil(groups);
        let places: Vec<f32> = (0..rows).map(|row| APART * (row / size) as f32).collect();
        let places = rec.gpu().upload(rows, 1, &places)?;
        let places = rec.tensor(&places);
        let placed = |rec: &mut Recorder, rows: Var| {
            let scaled = rec.div(rows, width)?;
            match ends.given {
                // Rows are compared with what they were given.
                Some(given) => {
                    let given = rec.scale(given, 1.0 / (self.settings.bandwidth * data.median_distance()))?;
                    rec.concat(&[scaled, given, places])
                }
                None => rec.concat(&[scaled, places]),
            }
        };
        let (y, x) = (placed(rec, y)?, placed(rec, x)?);
        let loss = rec.mmd_squared(&RadialKernel::Laplace { bandwidth: 1.0 }, y, x, Estimator::Biased)?;
        if self.settings.partners {
            return rec.scale(loss, groups as f32);
        }
        let apart = distances(rec, y, x, 1.0)?;
        let apart = rec.scale(apart, -1.0)?;
        let near = rec.exp(apart)?;
        let near = rec.mean(near)?;
        rec.weighted_sum(&[(groups as f64, loss), (2.0 / size as f64, near)])
    }
}
