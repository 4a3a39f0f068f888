//! Logarithms of kernel sums of several widths, and the means that a kernel weighs, over pairs that are never stored; `shaders/kernel_density` has the
//! formulas.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! // Far from both rows of y: ln(e^−½·100² + e^−½·101²), which is e^−101 over single precision's least number.
//! let (x, y) = (gpu.upload(1, 1, &[100.0])?, gpu.upload(2, 1, &[0.0, -1.0])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (x, y) = (rec.tensor(&x), rec.tensor(&y));
//! let sums = rec.log_kernel_sums(x, y, &[1.0], false)?;
//! let sums = rec.keep(sums);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(sums)?, [-5000.0]);
//! # Ok(())
//! # }
//! ```

use super::pairs::{Launch, Layout, OTHERS, Pairs, Tiling};
use crate::gpu::kernels::common::kernel_shape::axis;
use crate::gpu::kernels::kernel_density::means::{self, Average, CHUNK, Means, Merge, Params};
use crate::gpu::kernels::kernel_density::sums::{self, Params as SumParams, Values};
use crate::gpu::kernels::kernel_density::weights::{self, Average as Divide, Params as WeightParams, Weigh};
use crate::gpu::{Family, Recorder, Var};
use crate::ops::activation::Activation;
use crate::{Error, Result};

/// Widths of one pass.
pub const WIDTHS: usize = means::axis::B::HIGH;
/// Columns up to which a row is held in registers.
const REGISTERS: usize = means::axis::D::HIGH;
/// Sums that one invocation carries through its pairs, at most.
const SUMS: usize = 40;
/// Columns from which on means are made of products of matrices, where those of n × m numbers may be kept.
const WIDE: usize = 12;
/// Their numbers at most.
const KEPT: usize = 1 << 23;

/// A kernel of x − y.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// exp(−‖x − y‖²/2h²).
    Gaussian,
    /// exp(−‖x − y‖/h).
    Laplace,
}

impl Shape {
    fn rate(self, width: f32) -> f32 {
        let h = f64::from(width);
        match self {
            Self::Gaussian => (0.5 / (h * h)) as f32,
            Self::Laplace => (1.0 / h) as f32,
        }
    }

    /// What shaders call its cost.
    fn axis(self) -> axis::Shape {
        match self {
            Self::Gaussian => axis::Shape::Square,
            Self::Laplace => axis::Shape::Distance,
        }
    }
}

/// How the pairs are shared out.
struct Plan {
    whole: Params,
    variant: means::Variant,
    rates: Var,
    layout: Layout,
}

impl Plan {
    /// The uniforms and groups of each dispatch.
    fn dispatches(&self, launches: impl Iterator<Item = Launch>) -> impl Iterator<Item = (Params, [u32; 3])> {
        launches.map(|Launch { row_begin, row_end, groups }| (Params { row_begin, row_end, ..self.whole }, groups))
    }
}

impl Recorder {
    /// ln Σ_j k(xᵢ, yⱼ) of a Gaussian kernel for each row of `x` (n × d) over the rows of `y` (m × d) and each of up to `WIDTHS` widths h: n × widths. With
    /// `same`, row i of `y` is left out for row i of `x`; where nothing is left the sum is below −10³⁷. Not taped.
    ///
    /// # Errors
    /// Shapes that do not belong together, no width or more than `WIDTHS`, a width that is not above 0.
    pub fn log_kernel_sums(&mut self, x: Var, y: Var, widths: &[f32], same: bool) -> Result<Var> {
        Ok(self.log_sums(x, y, Shape::Gaussian, widths, same)?[0])
    }

    /// The mean Σ_j k(xᵢ, yⱼ) yⱼ/Σ_j k(xᵢ, yⱼ) for each row of `x` (n × d) over the rows of `y` (m × d), n × d: where mean shift moves xᵢ to. With
    /// `same`, row i of `y` is left out for row i of `x`. Rows far from all of `y` have the nearest row. Not taped.
    ///
    /// # Errors
    /// Shapes that do not belong together, a width that is not above 0, one row alone with `same`.
    pub fn kernel_means(&mut self, x: Var, y: Var, shape: Shape, width: f32, same: bool) -> Result<Var> {
        Ok(self.kernel_means_of(x, y, shape, &[width], same)?[0])
    }

    /// [`Recorder::kernel_means`] of several widths, n × d each: what they share is made once.
    ///
    /// # Errors
    /// As there; no width.
    pub fn kernel_means_of(&mut self, x: Var, y: Var, shape: Shape, widths: &[f32], same: bool) -> Result<Vec<Var>> {
        if same && y.rows() < 2 {
            return Err(Error::shape("kernel_means", "one row alone has no others"));
        }
        if widths.is_empty() {
            return Err(Error::shape("kernel_means", "no width is given"));
        }
        let (d, pairs) = (x.cols(), x.rows() * y.rows());
        let wide = d >= WIDE && pairs <= KEPT;
        let at_once = if wide { KEPT / pairs.max(1) } else { SUMS / (d.min(16) + 1) }.clamp(1, WIDTHS);
        // The nearest row is the same whatever the width.
        let nearest = match wide {
            true => None,
            false => Some(self.log_sums(x, y, shape, &widths[..1], same)?[1]),
        };
        let mut out = Vec::with_capacity(widths.len());
        for widths in widths.chunks(at_once) {
            let plan = self.pairs_of("kernel_means", x, y, shape, widths, same)?;
            match nearest {
                None => self.wide_means(x, y, shape, plan.rates, same, &mut out)?,
                Some(nearest) => self.narrow_means(x, y, nearest, &plan, &mut out)?,
            }
        }
        Ok(out)
    }

    /// The means in one pass over the pairs, of which none is kept.
    fn narrow_means(&mut self, x: Var, y: Var, nearest: Var, plan: &Plan, means: &mut Vec<Var>) -> Result<()> {
        let b = plan.rates.len();
        let parts = self.empty(plan.whole.splits as usize * x.rows() * b, x.cols() + 1)?;
        for (params, groups) in plan.dispatches(self.launches(plan.layout)) {
            self.dispatch(Means { variant: plan.variant, params, x, y, rates: plan.rates, nearest, parts }, groups)?;
        }
        let groups = self.groups(x.len(), Average::WIDTH);
        for width in 0..b {
            let out = self.empty(x.rows(), x.cols())?;
            let params = Params { width: width as u32, ..plan.whole };
            self.dispatch(Average { variant: plan.variant, params, split_parts: parts, out }, groups)?;
            means.push(out);
        }
        Ok(())
    }

    /// The means by products of matrices, for which the weights of all pairs are kept meanwhile; `shaders/kernel_density/weights.wgsl` has the formulas.
    fn wide_means(&mut self, x: Var, y: Var, shape: Shape, rates: Var, same: bool, means: &mut Vec<Var>) -> Result<()> {
        let [x, y] = [x, y].map(|v| self.detach(v));
        let (n, m, d, b) = (x.rows(), y.rows(), x.cols(), rates.len());
        let filled = d.next_multiple_of(4);
        let products = self.inner_products(x, y)?;
        let squares = |rec: &mut Self, v: Var| {
            let square = rec.square(v)?;
            rec.sum_cols(square)
        };
        let (of_x, of_y) = (squares(self, x)?, squares(self, y)?);
        let params =
            WeightParams { n: n as u32, m: m as u32, d: d as u32, same: u32::from(same), first: 0, stride: filled as u32 };
        let variant = weights::Variant { b: b.try_into()?, shape: shape.axis() };
        let (weights, totals) = (self.empty(b * n, m)?, self.empty(b * n, 1)?);
        let groups = self.groups(n, 1);
        self.dispatch(Weigh { variant, params, products, of_x, of_y, rates, weights, totals }, groups)?;
        // A product's columns are read by fours.
        let rows = match filled - d {
            0 => y,
            lacking => {
                let zeros = self.constant(0.0, m, lacking)?;
                self.concat(&[y, zeros])?
            }
        };
        let weighed = self.linear(weights, rows, None, Activation::Identity)?;
        let groups = self.groups(n * d, Divide::WIDTH);
        for width in 0..b {
            let params = WeightParams { first: (width * n) as u32, ..params };
            let out = self.empty(n, d)?;
            self.dispatch(Divide { variant, params, weighed, sums: totals, out }, groups)?;
            means.push(out);
        }
        Ok(())
    }

    /// The logarithms of the sums, n × widths, and the least cost of each row, n × 1.
    fn log_sums(&mut self, x: Var, y: Var, shape: Shape, widths: &[f32], same: bool) -> Result<[Var; 2]> {
        let (n, m, d, b) = (x.rows(), y.rows(), x.cols(), widths.len());
        let plan = self.pairs_of("log_kernel_sums", x, y, shape, widths, same)?;
        let tiling = Tiling::of(self.gpu(), d, |family| match family {
            Family::Subgroup { .. } => (if b <= 2 && d <= 8 { 4 } else { 2 }, 4),
            Family::Workgroup | Family::Register => (1, 4),
        });
        let layout = tiling.layout(self.gpu(), (n, m), false, 0.3 * b as f64 + 0.06 * d as f64);
        let variant = sums::Variant { b: b.try_into()?, shape: shape.axis(), pairs: tiling.axes()? };
        let parts = self.empty(layout.splits * n, 1 + b)?;
        for Launch { row_begin, row_end, groups } in self.launches(layout) {
            let params = SumParams {
                n: n as u32,
                m: m as u32,
                d: d as u32,
                columns: layout.columns as u32,
                row_begin,
                row_end,
                same: u32::from(same),
            };
            self.dispatch(Values { variant, params, x, y, rates: plan.rates, parts }, groups)?;
        }
        let (out, least) = (self.empty(n, b)?, self.empty(n, 1)?);
        let groups = self.groups(n, Merge::WIDTH);
        let params = Params { splits: layout.splits as u32, ..plan.whole };
        self.dispatch(Merge { variant: plan.variant, params, rates: plan.rates, split_parts: parts, out, least }, groups)?;
        Ok([out, least])
    }

    fn pairs_of(&mut self, op: &'static str, x: Var, y: Var, shape: Shape, widths: &[f32], same: bool) -> Result<Plan> {
        let (n, m, d) = (x.rows(), y.rows(), x.cols());
        if y.cols() != d || x.is_empty() || y.is_empty() || same && n != m {
            let problem = format!("{n} × {d} against {m} × {}: the columns must agree, and no side be empty", y.cols());
            return Err(Error::shape(op, problem));
        }
        let rates: Vec<f32> = widths.iter().map(|&h| shape.rate(h)).collect();
        if widths.is_empty() || widths.len() > WIDTHS || !rates.iter().zip(widths).all(|(a, h)| *h > 0.0 && a.is_finite()) {
            return Err(Error::shape(op, format!("widths {widths:?}: give 1 to {WIDTHS} above 0")));
        }
        let b = widths.len();
        let rates = self.gpu().upload(1, b, &rates)?;
        let rates = self.tensor(&rates);
        let held = d <= REGISTERS;
        let pairs = Pairs {
            rows: n,
            columns: m,
            pace: OTHERS,
            rows_of_group: Means::WIDTH as usize,
            columns_of_round: 1,
            chunks: if held { 1 } else { d.div_ceil(CHUNK as usize) },
            // A row is one thread, and groups are small.
            groups: 4 * self.gpu().parallel_groups() as usize,
            partial: b * (d + 1),
            cost: 0.01 * (d + 4 * b) as f64,
        };
        let layout = pairs.layout(self.gpu());
        let whole = Params {
            n: n as u32,
            m: m as u32,
            d: d as u32,
            columns: layout.columns as u32,
            row_begin: 0,
            row_end: n as u32,
            splits: layout.splits as u32,
            same: u32::from(same),
            width: 0,
        };
        let variant = means::Variant { b: b.try_into()?, d: if held { d } else { 0 }.try_into()?, shape: shape.axis() };
        Ok(Plan { whole, variant, rates, layout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::Gpu;
    use crate::reference::kernel_density::kernel_means;

    /// What rows of many columns take where the weights of all pairs are too many to keep.
    #[test]
    fn means_of_many_columns_match_their_reference_where_no_pair_is_kept() {
        let gpu = Gpu::open("auto").expect("an adapter (the software one will do)");
        let (n, m) = (67, 300);
        let widths = [0.5, 2.0, 8.0];
        for gpu in gpu.families().into_iter().map(|family| gpu.with_family(family)) {
            for d in [17, 64, 70] {
                let numbers =
                    |count: usize, step: f32| (0..count).map(|i| 4.0 * ((i as f32 * step).fract() - 0.5)).collect::<Vec<f32>>();
                let (x, y) = (numbers(n * d, 0.754_877_7), numbers(m * d, 0.569_840_3));
                let (x_there, y_there) = (gpu.upload(n, d, &x).unwrap(), gpu.upload(m, d, &y).unwrap());
                let mut rec = Recorder::new(&gpu, 0);
                let (x_var, y_var) = (rec.tensor(&x_there), rec.tensor(&y_there));
                let nearest = rec.log_sums(x_var, y_var, Shape::Laplace, &widths[..1], false).unwrap()[1];
                let plan = rec.pairs_of("kernel_means", x_var, y_var, Shape::Laplace, &widths, false).unwrap();
                let mut means = Vec::new();
                rec.narrow_means(x_var, y_var, nearest, &plan, &mut means).unwrap();
                let means: Vec<_> = means.into_iter().map(|mean| rec.keep(mean)).collect();
                let mut step = rec.finish().unwrap();
                step.replay(1).unwrap();
                for (h, mean) in widths.iter().zip(means) {
                    let found = step.read(mean).unwrap();
                    kernel_means(&x, &y, d, Shape::Laplace, *h, false).check(&format!("{d} columns, width {h}"), &found);
                }
            }
        }
    }
}
