//! Entropic optimal transport between two samples, and the debiased Sinkhorn divergence with its gradients, in memory that
//! grows with n + m (Cuturi 2013; Feydy et al. 2019). The cost is c = ‖x − y‖^p itself, without a factor 1/p.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::sinkhorn::Sinkhorn;
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let (x, y) = (gpu.upload(2, 1, &[0.0, 1.0])?, gpu.upload(2, 1, &[3.0, 4.0])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (x, y) = (rec.tensor(&x), rec.tensor(&y));
//! let settings = Sinkhorn { epsilon: 0.1, diameter: 4.0, ..Sinkhorn::default() };
//! let loss = rec.sinkhorn_divergence(x, y, None, None, &settings)?;
//! let loss = rec.keep(loss);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert!((step.read(loss)?[0] - 9.0).abs() < 1e-3); // a shift by 3 costs 9, whatever ε is
//! # Ok(())
//! # }
//! ```

use super::pairs::{Launch, Layout, Tiling};
use super::pairwise::hand_on;
use crate::gpu::kernels::common::transport_cost::axis::Cost;
use crate::gpu::kernels::sinkhorn::{Combine, Params, Rows, Values, Variant};
use crate::gpu::{Family, Gpu, Recorder, Var};
use crate::{Error, Result};

/// Steps of a schedule at most: a scaling so near to 1 that it asks for more is a mistake.
const LONGEST_SCHEDULE: usize = 2000;

/// ε over the largest cost at least: potentials are as large as costs, and in f32 carry 1e-7 of them.
const RESOLUTION: f32 = 1e-5;

/// What is paid for transport, and how its potentials are found.
#[derive(Clone, Debug, PartialEq)]
pub struct Sinkhorn {
    /// p of the cost ‖x − y‖^p, in (0, 2].
    pub exponent: f32,
    /// The regularization ε at the end, in units of the cost.
    pub epsilon: f32,
    /// About the largest distance between two points: ε starts at its p-th power.
    pub diameter: f32,
    /// What the length ε^(1/p) is multiplied by from one update to the next, in (0, 1): 0.5 is fast, 0.9 is exact.
    pub scaling: f32,
    /// Updates at the final ε beyond the first.
    pub extra: usize,
    /// ρ: what a unit of mass costs that is made or removed, in units of the cost; none keeps both marginals.
    pub reach: Option<f32>,
}

impl Default for Sinkhorn {
    fn default() -> Self {
        Self { exponent: 2.0, epsilon: 0.05, diameter: 8.0, scaling: 0.5, extra: 0, reach: None }
    }
}

impl Sinkhorn {
    /// Refuses values out of range.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: &str, value: f32, valid: &str| Err(Error::usage(format!("`{key}` is {value}: it must be {valid}")));
        if !(self.exponent > 0.0 && self.exponent <= 2.0) {
            return wrong("exponent", self.exponent, "above 0 and at most 2");
        }
        for (key, value) in [("epsilon", self.epsilon), ("diameter", self.diameter), ("reach", self.reach.unwrap_or(1.0))] {
            if !(value > 0.0 && value.is_finite()) {
                return wrong(key, value, "above 0");
            }
        }
        if !(self.scaling > 0.0 && self.scaling < 1.0) {
            return wrong("scaling", self.scaling, "above 0 and below 1");
        }
        let least = self.least_epsilon();
        if self.epsilon < least {
            return wrong("epsilon", self.epsilon, &format!("at least {least}, or potentials of that diameter round it away"));
        }
        if self.schedule().len() > LONGEST_SCHEDULE {
            return wrong("scaling", self.scaling, "further from 1, or `epsilon` larger: the schedule has over 2,000 steps");
        }
        Ok(())
    }

    /// The least `epsilon` that potentials of this diameter can resolve.
    pub fn least_epsilon(&self) -> f32 {
        RESOLUTION * self.diameter.powf(self.exponent)
    }

    /// ε of every update: from diameter^p down to `epsilon` by the factor scaling^p (Feydy et al. 2019, §3.2).
    pub fn schedule(&self) -> Vec<f32> {
        let p = f64::from(self.exponent);
        let (end, factor) = (f64::from(self.epsilon), f64::from(self.scaling).powf(p));
        let mut epsilon = f64::from(self.diameter).powf(p);
        let mut schedule = Vec::new();
        while epsilon > end && schedule.len() <= LONGEST_SCHEDULE {
            schedule.push(epsilon as f32);
            epsilon *= factor;
        }
        schedule.resize(schedule.len() + 1 + self.extra, self.epsilon);
        schedule
    }

    fn damping(&self, epsilon: f32) -> f32 {
        self.reach.map_or(1.0, |rho| rho / (rho + epsilon))
    }
}

/// Dual potentials of one transport problem: f on the rows of x and g on those of y, n × 1 and m × 1, after the last whole update
/// and before it.
#[derive(Clone, Copy, Debug)]
pub struct Potentials {
    pub f: Var,
    pub g: Var,
    pub f_before: Var,
    pub g_before: Var,
}

/// What shaders call the cost of this exponent.
pub(super) fn cost(exponent: f32) -> Cost {
    match exponent {
        2.0 => Cost::Square,
        1.0 => Cost::Distance,
        _ => Cost::Power,
    }
}

/// How a pass is cut up, and its variant of the shader.
fn tiling(gpu: &Gpu, exponent: f32, (n, m, d): (usize, usize, usize), gradient: bool) -> Result<(Layout, Variant)> {
    let tiling = Tiling::of(gpu, d, |family| match family {
        Family::Subgroup { .. } if d <= 8 => (if gradient { 2 } else { 4 }, 8),
        Family::Subgroup { .. } => (1, 4),
        Family::Workgroup => (if d <= 4 && n >= 16_384 { 2 } else { 1 }, 4),
        Family::Register => (if d <= 8 { 2 } else { 1 }, 4),
    });
    let layout = tiling.layout(gpu, (n, m), gradient, 1.0 + 0.1 * d as f64);
    Ok((layout, Variant { gradient, cost: cost(exponent), pairs: tiling.axes()? }))
}

/// One side of a problem: points and the logarithms (base 2) of their weights.
#[derive(Clone, Copy)]
pub(super) struct Side {
    pub points: Var,
    pub log_weights: Var,
}

impl Recorder {
    /// The debiased Sinkhorn divergence S_ε = OT_ε(x, y) − ½OT_ε(x, x) − ½OT_ε(y, y) between x (n × d) and y (m × d), 1 × 1,
    /// each row of which weighs 1/n and 1/m or as `a` (n × 1) and `b` (m × 1) say, which add up to 1 each. Gradients in x and
    /// y are those at the last potentials (the envelope theorem); the weights get none.
    ///
    /// # Errors
    /// Settings out of range, and points of different dimensions.
    pub fn sinkhorn_divergence(&mut self, x: Var, y: Var, a: Option<Var>, b: Option<Var>, settings: &Sinkhorn) -> Result<Var> {
        let (xy, xx, yy) = self.sinkhorn_triple(x, y, a, b, settings)?;
        let (side_x, side_y) = (self.side(x, a)?, self.side(y, b)?);
        let on_x = self.debiased(xy.f, xx.f, a, settings)?;
        let on_y = self.debiased(xy.g, yy.f, b, settings)?;
        let loss = self.add(on_x, on_y)?;
        let settings = settings.clone();
        self.record(&[x, y], &[loss], move |rec, back| {
            if back.wants(x) {
                let cross = rec.pulled(side_x, side_y, xy.f, xy.g_before, a, &settings)?;
                let own = rec.pulled(side_x, side_x, xx.f, xx.f_before, a, &settings)?;
                let d_x = rec.sub(cross, own)?;
                hand_on(rec, back, loss, x, d_x)?;
            }
            if back.wants(y) {
                let cross = rec.pulled(side_y, side_x, xy.g, xy.f_before, b, &settings)?;
                let own = rec.pulled(side_y, side_y, yy.f, yy.f_before, b, &settings)?;
                let d_y = rec.sub(cross, own)?;
                hand_on(rec, back, loss, y, d_y)?;
            }
            Ok(())
        });
        Ok(loss)
    }

    /// The potentials of (x, y), (x, x) and (y, y), of which the divergence is made: f_xy − f_xx on the rows of x, g_xy − f_yy on
    /// those of y.
    pub fn sinkhorn_triple(
        &mut self,
        x: Var,
        y: Var,
        a: Option<Var>,
        b: Option<Var>,
        settings: &Sinkhorn,
    ) -> Result<(Potentials, Potentials, Potentials)> {
        let cross = self.sinkhorn_potentials(x, y, a, b, settings)?;
        Ok((cross, self.sinkhorn_own(x, a, settings)?, self.sinkhorn_own(y, b, settings)?))
    }

    /// The dual potentials of OT_ε(x, y), by the symmetric iteration with falling ε.
    pub fn sinkhorn_potentials(
        &mut self,
        x: Var,
        y: Var,
        a: Option<Var>,
        b: Option<Var>,
        settings: &Sinkhorn,
    ) -> Result<Potentials> {
        fits(x, y, settings)?;
        let (x, y) = (self.side(x, a)?, self.side(y, b)?);
        let schedule = settings.schedule();
        let zero_x = self.constant(0.0, x.points.rows(), 1)?;
        let zero_y = self.constant(0.0, y.points.rows(), 1)?;
        let mut f = self.soft_min(x, y, zero_y, None, schedule[0], settings)?;
        let mut g = self.soft_min(y, x, zero_x, None, schedule[0], settings)?;
        for &epsilon in &schedule {
            let next = self.soft_min(x, y, g, Some(f), epsilon, settings)?;
            g = self.soft_min(y, x, f, Some(g), epsilon, settings)?;
            f = next;
        }
        let last = self.soft_min(x, y, g, None, settings.epsilon, settings)?;
        let g_last = self.soft_min(y, x, f, None, settings.epsilon, settings)?;
        Ok(Potentials { f: last, g: g_last, f_before: f, g_before: g })
    }

    /// The potentials of OT_ε(x, x), which are one and the same.
    fn sinkhorn_own(&mut self, x: Var, a: Option<Var>, settings: &Sinkhorn) -> Result<Potentials> {
        let x = self.side(x, a)?;
        let schedule = settings.schedule();
        let zero = self.constant(0.0, x.points.rows(), 1)?;
        let mut f = self.soft_min(x, x, zero, None, schedule[0], settings)?;
        for &epsilon in &schedule {
            f = self.soft_min(x, x, f, Some(f), epsilon, settings)?;
        }
        let last = self.soft_min(x, x, f, None, settings.epsilon, settings)?;
        Ok(Potentials { f: last, g: last, f_before: f, g_before: f })
    }

    /// The barycentric map of the entropic plan for the squared cost, n × d: xᵢ goes to Σⱼ πᵢⱼ yⱼ / Σⱼ πᵢⱼ. No gradient rule.
    ///
    /// # Errors
    /// An exponent other than 2, for which the map is another.
    pub fn barycentric_map(&mut self, x: Var, y: Var, a: Option<Var>, b: Option<Var>, settings: &Sinkhorn) -> Result<Var> {
        if settings.exponent != 2.0 {
            let problem = format!("`exponent` is {}: barycentric maps need 2, the squared cost", settings.exponent);
            return Err(Error::usage(problem));
        }
        let found = self.sinkhorn_potentials(x, y, a, b, settings)?;
        let (x, y) = (self.side(x, a)?, self.side(y, b)?);
        let pull = self.plan_gradient(x, y, found.f, found.g_before, settings)?;
        // ∂c/∂x = 2(x − y), averaged: x − T(x) is half of it.
        self.blend(x.points, pull, 1.0, -0.5)
    }

    /// −ε log Σⱼ bⱼ exp((hⱼ − c)/ε) on the rows of x, damped where marginals are relaxed, and averaged with `old`. n × 1.
    pub(super) fn soft_min(
        &mut self,
        x: Side,
        y: Side,
        h: Var,
        old: Option<Var>,
        epsilon: f32,
        settings: &Sinkhorn,
    ) -> Result<Var> {
        let sizes @ (n, m, _) = (x.points.rows(), y.points.rows(), x.points.cols());
        let (layout, variant) = tiling(self.gpu(), settings.exponent, sizes, false)?;
        let value = self.empty(layout.splits, 2 * n)?;
        let out = self.empty(n, 1)?;
        let scale = (std::f64::consts::LOG2_E / f64::from(epsilon)) as f32;
        let mut params = Params {
            scale,
            damping: settings.damping(epsilon),
            blend: if old.is_some() { 0.5 } else { 0.0 },
            ..params(sizes, &layout, settings)
        };
        for Launch { row_begin, row_end, groups } in self.launches(layout) {
            (params.row_begin, params.row_end) = (row_begin, row_end);
            let pass = Values { variant, params, x: x.points, y: y.points, h, log_b: y.log_weights, value };
            self.dispatch(pass, groups)?;
        }
        debug_assert_eq!(h.rows(), m);
        let old = match old {
            Some(old) => old,
            None => self.constant(0.0, n, 1)?,
        };
        let groups = self.groups(n, Combine::WIDTH);
        self.dispatch(Combine { variant, params, f: old, value, out }, groups)?;
        Ok(out)
    }

    /// Σⱼ bⱼ exp((fᵢ + hⱼ − c)/ε) ∂c/∂xᵢ, n × d, where f is the damped soft minimum of h.
    fn plan_gradient(&mut self, x: Side, y: Side, f: Var, h: Var, settings: &Sinkhorn) -> Result<Var> {
        let sizes @ (n, _, d) = (x.points.rows(), y.points.rows(), x.points.cols());
        let f = match settings.reach {
            None => f,
            Some(_) => self.scale(f, 1.0 / settings.damping(settings.epsilon))?,
        };
        let (layout, variant) = tiling(self.gpu(), settings.exponent, sizes, true)?;
        let parts = self.empty(layout.splits, n * d)?;
        let scale = (std::f64::consts::LOG2_E / f64::from(settings.epsilon)) as f32;
        let mut params = Params { scale, ..params(sizes, &layout, settings) };
        for Launch { row_begin, row_end, groups } in self.launches(layout) {
            (params.row_begin, params.row_end) = (row_begin, row_end);
            let pass = Rows { variant, params, x: x.points, y: y.points, h, log_b: y.log_weights, f, gradient: parts };
            self.dispatch(pass, groups)?;
        }
        let sum = if layout.splits == 1 { parts } else { self.sum_rows_untaped(parts)? };
        Ok(self.view(sum, n, d))
    }

    /// The gradient of one transport cost in the points of x: each row's pull times its mass.
    fn pulled(&mut self, x: Side, y: Side, f: Var, h: Var, weights: Option<Var>, settings: &Sinkhorn) -> Result<Var> {
        let mut pull = self.plan_gradient(x, y, f, h, settings)?;
        if let Some(rho) = settings.reach {
            let exponent = self.scale(f, -1.0 / rho)?;
            let mass = self.exp(exponent)?;
            pull = self.mul(pull, mass)?;
        }
        match weights {
            Some(weights) => self.mul(pull, weights),
            None => self.scale(pull, 1.0 / x.points.rows() as f32),
        }
    }

    /// Σᵢ wᵢ (crossᵢ − ownᵢ), or what it becomes where marginals are relaxed (Séjourné et al. 2019, prop. 12).
    fn debiased(&mut self, cross: Var, own: Var, weights: Option<Var>, settings: &Sinkhorn) -> Result<Var> {
        let difference = match settings.reach {
            None => self.sub(cross, own)?,
            Some(rho) => {
                let [cross, own] = [cross, own].map(|f| -> Result<Var> {
                    let exponent = self.scale(f, -1.0 / rho)?;
                    self.exp(exponent)
                });
                let weight = rho + 0.5 * settings.epsilon;
                self.blend(own?, cross?, weight, -weight)?
            }
        };
        match weights {
            None => self.mean(difference),
            Some(weights) => {
                let weighted = self.mul(difference, weights)?;
                self.sum(weighted)
            }
        }
    }

    pub(super) fn side(&mut self, points: Var, weights: Option<Var>) -> Result<Side> {
        let n = points.rows();
        let log_weights = match weights {
            None => self.constant(-(n as f32).log2(), n, 1)?,
            Some(weights) if weights.shape() == (n as u32, 1) => {
                // A row without weight takes no part: its logarithm is finite, and far below every other.
                let floored = self.clamp(weights, f32::MIN_POSITIVE, 1.0)?;
                let log = self.log(floored)?;
                self.scale(log, std::f32::consts::LOG2_E)?
            }
            Some(weights) => {
                let problem = format!("weights of {} × {} for {n} points: give {n} × 1", weights.rows(), weights.cols());
                return Err(Error::shape("sinkhorn", problem));
            }
        };
        Ok(Side { points, log_weights })
    }
}

fn params((n, m, d): (usize, usize, usize), layout: &Layout, settings: &Sinkhorn) -> Params {
    Params {
        n: n as u32,
        m: m as u32,
        d: d as u32,
        columns: layout.columns as u32,
        splits: layout.splits as u32,
        half: settings.exponent / 2.0,
        slope: settings.exponent,
        damping: 1.0,
        ..Default::default()
    }
}

pub(super) fn fits(x: Var, y: Var, settings: &Sinkhorn) -> Result<()> {
    settings.check()?;
    if x.cols() != y.cols() || x.is_empty() || y.is_empty() {
        let problem = format!("{} × {} cannot be transported to {} × {}", x.rows(), x.cols(), y.rows(), y.cols());
        return Err(Error::shape("sinkhorn", problem));
    }
    Ok(())
}
