//! Kantorovich's dual of optimal transport with its constraint f(x) + g(y) ≤ ‖x − y‖^p made soft, and its gradients in the
//! potentials and in the points, in memory that grows with n + m (Seguy et al. 2018, eq. 5):
//!
//!   V = mean f + mean g − mean P(fᵢ + gⱼ − ‖xᵢ − yⱼ‖^p).
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::dual::{Dual, Softness};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let (x, y) = (gpu.upload(1, 1, &[0.0])?, gpu.upload(1, 1, &[3.0])?);
//! let (f, g) = (gpu.upload(1, 1, &[4.0])?, gpu.upload(1, 1, &[7.0])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (f, g, x, y) = (rec.tensor(&f), rec.tensor(&g), rec.tensor(&x), rec.tensor(&y));
//! let settings = Dual { epsilon: 1.0, softness: Softness::Quadratic, ..Dual::default() };
//! let value = rec.kantorovich_dual(f, g, x, y, &settings)?;
//! let value = rec.keep(value);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(value)?, [10.0]); // 4 + 7, less the square of the excess 11 − 9 over 4ε
//! # Ok(())
//! # }
//! ```

use super::pairs::{Launch, Layout, Tiling};
use super::pairwise::hand_on;
use super::sinkhorn::cost;
use crate::gpu::kernels::dual::{Params, Rows, Values, Variant, axis};
use crate::gpu::kernels::pairwise::finish::{Gradient, Params as FinishParams, Value};
use crate::gpu::{Family, Gpu, Recorder, Var};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How f + g ≤ c is made soft: what a violation t = f + g − c pays (Seguy et al. 2018, eq. 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Softness {
    /// ε(exp(t/ε) − 1): the supremum is the cost of transport plus ε times the plan's relative entropy to the product.
    #[default]
    Entropic,
    /// max(t, 0)²/(4ε): the supremum is the cost plus ε times the mean square of the plan's density against the product.
    Quadratic,
}

/// t/ε beyond which the entropic penalty goes on along its tangent.
///
/// At the optimum P' is the density of a plan against the product of its marginals. Its mean is 1, so at most one pair in e²⁰ lies
/// beyond; and between samples of n and m rows a density is at most min(n, m), so that for fewer than e²⁰ = 485 million the supremum
/// is what it would be without a knee. Untrained, f + g − c is hundreds of ε: 1e9 of P' a pair leaves f32 room for sums of
/// pairs and for the squares that an optimizer forms of them.
pub const KNEE: f64 = 20.0;

/// The cost, and what its violation pays.
#[derive(Clone, Debug, PartialEq)]
pub struct Dual {
    /// p of the cost ‖x − y‖^p, in (0, 2].
    pub exponent: f32,
    /// ε, in units of the cost: how soft the constraint is.
    pub epsilon: f32,
    pub softness: Softness,
}

impl Default for Dual {
    fn default() -> Self {
        Self { exponent: 2.0, epsilon: 0.05, softness: Softness::Entropic }
    }
}

impl Dual {
    /// Refuses values out of range.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: &str, value: f32, valid: &str| Err(Error::usage(format!("`{key}` is {value}: it must be {valid}")));
        if !(self.exponent > 0.0 && self.exponent <= 2.0) {
            return wrong("exponent", self.exponent, "above 0 and at most 2");
        }
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return wrong("epsilon", self.epsilon, "above 0");
        }
        Ok(())
    }

    /// What the shader multiplies t by, and its sums of P and of P' are multiplied by to be those; each pair adds `per_pair` to P.
    fn factors(&self) -> Factors {
        let epsilon = f64::from(self.epsilon);
        match self.softness {
            Softness::Entropic => {
                Factors { t: std::f64::consts::LOG2_E / epsilon, penalty: epsilon, slope: 1.0, per_pair: -epsilon }
            }
            Softness::Quadratic => Factors { t: 1.0, penalty: 0.25 / epsilon, slope: 0.5 / epsilon, per_pair: 0.0 },
        }
    }
}

struct Factors {
    t: f64,
    penalty: f64,
    slope: f64,
    per_pair: f64,
}

/// How a pass is cut up, and its variant of the shader.
fn tiling(gpu: &Gpu, settings: &Dual, (n, m, d): (usize, usize, usize), gradient: bool) -> Result<(Layout, Variant)> {
    let tiling = Tiling::of(gpu, d, |family| match family {
        // Measured on llvmpipe.
        Family::Subgroup { .. } => match d {
            0..=4 => (4, 4),
            5..=16 => (2, 8),
            _ => (1, 4),
        },
        Family::Workgroup => (if d <= 4 && n >= 16_384 { 2 } else { 1 }, 4),
        Family::Register => (if d <= 8 { 2 } else { 1 }, 4),
    });
    let softness = match settings.softness {
        Softness::Entropic => axis::Softness::Entropic,
        Softness::Quadratic => axis::Softness::Quadratic,
    };
    let layout = tiling.layout(gpu, (n, m), gradient, 1.0 + 0.1 * d as f64);
    Ok((layout, Variant { softness, gradient, cost: cost(settings.exponent), pairs: tiling.axes()? }))
}

/// Points and the potential on them.
#[derive(Clone, Copy)]
struct Side {
    points: Var,
    potential: Var,
}

/// Partial sums over the columns: of P and of P', splits × n, and of P' ∂c/∂x, splits × (n·d).
struct Sums {
    value: Var,
    weight: Var,
    gradient: Option<Var>,
}

impl Recorder {
    /// V between x (n × d) with the potential f (n × 1) and y (m × d) with g (m × 1), 1 × 1, to be maximized in f and g. The pass
    /// that forms it also sums the gradients in f and x; those in g and y are a second pass, made only where the reverse
    /// pass wants them.
    ///
    /// At its supremum V is the cost of transport plus ε times a divergence of the plan from the product of the marginals, and
    /// its gradients in the points are those of that cost (the envelope theorem). Where f + g − c is above 20ε the entropic
    /// penalty is a straight line: see `KNEE`.
    ///
    /// # Errors
    /// Settings out of range, points of different dimensions, and potentials that are not one number a row.
    pub fn kantorovich_dual(&mut self, f: Var, g: Var, x: Var, y: Var, settings: &Dual) -> Result<Var> {
        settings.check()?;
        fits(f, g, x, y)?;
        let (of_x, of_y) = (Side { points: x, potential: f }, Side { points: y, potential: g });
        let (n, m) = (x.rows() as f64, y.rows() as f64);
        let sums = self.dual_sums(of_x, of_y, settings, true)?;
        let factors = settings.factors();
        let value = self.empty(1, 1)?;
        let params = FinishParams {
            rows_xx: f.len() as u32,
            rows_yy: g.len() as u32,
            rows_xy: sums.value.len() as u32,
            c_xx: (1.0 / n) as f32,
            c_yy: (1.0 / m) as f32,
            c_xy: (-factors.penalty / (n * m)) as f32,
            added: -factors.per_pair as f32,
            ..FinishParams::default()
        };
        self.dispatch(Value { params, xx: f, yy: g, xy: sums.value, out: value }, [1, 1, 1])?;
        let settings = settings.clone();
        self.record(&[f, g, x, y], &[value], move |rec, back| {
            if back.wants(f) {
                let d_f = rec.dual_potential(&sums, of_x, of_y, &settings)?;
                hand_on(rec, back, value, f, d_f)?;
            }
            if back.wants(x) {
                let d_x = rec.dual_points(&sums, of_x, of_y, &settings)?;
                hand_on(rec, back, value, x, d_x)?;
            }
            if !back.wants(g) && !back.wants(y) {
                return Ok(());
            }
            let swapped = rec.dual_sums(of_y, of_x, &settings, back.wants(y))?;
            if back.wants(g) {
                let d_g = rec.dual_potential(&swapped, of_y, of_x, &settings)?;
                hand_on(rec, back, value, g, d_g)?;
            }
            if back.wants(y) {
                let d_y = rec.dual_points(&swapped, of_y, of_x, &settings)?;
                hand_on(rec, back, value, y, d_y)?;
            }
            Ok(())
        });
        Ok(value)
    }

    /// The partial sums of the rows of `of` over those of `over`, with those of ∂c/∂x where asked.
    fn dual_sums(&mut self, of: Side, over: Side, settings: &Dual, gradient: bool) -> Result<Sums> {
        let (n, m, d) = (of.points.rows(), over.points.rows(), of.points.cols());
        let (layout, variant) = tiling(self.gpu(), settings, (n, m, d), gradient)?;
        let (value, weight) = (self.empty(layout.splits, n)?, self.empty(layout.splits, n)?);
        let gradient = if gradient { Some(self.empty(layout.splits, n * d)?) } else { None };
        let (x, y, f, g) = (of.points, over.points, of.potential, over.potential);
        for Launch { row_begin, row_end, groups } in self.launches(layout) {
            let params = Params {
                n: n as u32,
                m: m as u32,
                d: d as u32,
                columns: layout.columns as u32,
                row_begin,
                row_end,
                scale: settings.factors().t as f32,
                knee: (KNEE * std::f64::consts::LOG2_E) as f32,
                half: settings.exponent / 2.0,
                slope: settings.exponent,
            };
            match gradient {
                Some(gradient) => self.dispatch(Rows { variant, params, x, y, f, g, value, weight, gradient }, groups)?,
                None => self.dispatch(Values { variant, params, x, y, f, g, value, weight }, groups)?,
            }
        }
        Ok(Sums { value, weight, gradient })
    }

    /// ∂V/∂f = 1/n − Σⱼ P'/(nm).
    fn dual_potential(&mut self, sums: &Sums, of: Side, over: Side, settings: &Dual) -> Result<Var> {
        let (n, m) = (of.points.rows(), over.points.rows());
        let ones = self.constant(1.0, n, 1)?;
        let out = self.empty(n, 1)?;
        let params = FinishParams {
            len: n as u32,
            splits_xx: sums.weight.rows() as u32,
            splits_xy: 1,
            c_xx: (-settings.factors().slope / (n as f64 * m as f64)) as f32,
            c_xy: (1.0 / n as f64) as f32,
            ..FinishParams::default()
        };
        let groups = self.groups(n, Gradient::WIDTH);
        self.dispatch(Gradient { params, xx: sums.weight, xy: ones, out }, groups)?;
        Ok(out)
    }

    /// ∂V/∂x = Σⱼ P' ∂c/∂x/(nm).
    fn dual_points(&mut self, sums: &Sums, of: Side, over: Side, settings: &Dual) -> Result<Var> {
        let Some(gradient) = sums.gradient else {
            return Err(Error::shape("dual", "a gradient was asked of sums without one"));
        };
        let x = of.points;
        let out = self.empty(x.rows(), x.cols())?;
        let params = FinishParams {
            len: x.len() as u32,
            splits_xx: gradient.rows() as u32,
            c_xx: (settings.factors().slope / (x.rows() as f64 * over.points.rows() as f64)) as f32,
            ..FinishParams::default()
        };
        let groups = self.groups(x.len(), Gradient::WIDTH);
        self.dispatch(Gradient { params, xx: gradient, xy: gradient, out }, groups)?;
        Ok(out)
    }
}

fn fits(f: Var, g: Var, x: Var, y: Var) -> Result<()> {
    if x.cols() != y.cols() || x.is_empty() || y.is_empty() {
        let problem = format!("{} × {} cannot be transported to {} × {}", x.rows(), x.cols(), y.rows(), y.cols());
        return Err(Error::shape("dual", problem));
    }
    for (potential, points) in [(f, x), (g, y)] {
        if potential.shape() != (points.shape().0, 1) {
            let problem = format!("potentials of {} × {} for {} points", potential.rows(), potential.cols(), points.rows());
            return Err(Error::shape("dual", problem));
        }
        if points.len() > u32::MAX as usize / 64 {
            return Err(Error::shape("dual", format!("{} × {} elements are beyond 32-bit sizes", points.rows(), points.cols())));
        }
    }
    Ok(())
}
