//! Statistics of two samples averaged over random directions: on a line, sorting is all that transport and the energy
//! distance need, so that n points cost O(n log n) a direction.
//!
//! - [`Recorder::sliced_wasserstein`]: E_θ W₂²(⟨θ, X⟩, ⟨θ, Y⟩) (Rabin et al. 2011; Bonneel et al. 2015).
//! - [`Recorder::sliced_energy`]: c_d·E_θ ED₁(⟨θ, X⟩, ⟨θ, Y⟩), which with c_d = √π Γ((d+1)/2)/Γ(d/2) is the energy distance in
//!   d dimensions (Székely & Rizzo 2013), in expectation over θ.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let (x, y) = (gpu.upload(3, 1, &[0.0, 1.0, 2.0])?, gpu.upload(3, 1, &[5.0, 3.0, 4.0])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (x, y) = (rec.tensor(&x), rec.tensor(&y));
//! let loss = rec.sliced_wasserstein(x, y, 16)?;                 // a translation by 3
//! let d_x = rec.backward(loss, &[x])?[0];
//! let (loss, d_x) = (rec.keep(loss), rec.keep(d_x));
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(loss)?, [9.0]);
//! assert_eq!(step.read(d_x)?, [-2.0, -2.0, -2.0]);
//! # Ok(())
//! # }
//! ```

use super::pairwise::Estimator;
use crate::gpu::kernels::sliced::{self as kernel, Count, Energy, Gradient, Normalize, Params, Project, Scan, Transport};
use crate::gpu::{Backward, Recorder, Slot, Var};
use crate::{Error, Result};
use statrs::function::gamma::ln_gamma;

/// Most rounds of a loop that software adapters finish.
const LONGEST_LOOP: usize = 65_535;
/// Rows of the pooled sample that one invocation counts, as the shader has it.
const BLOCK: usize = kernel::BLOCK as usize;
/// Multiplications of one dispatch, which keep it well under a second on a software adapter.
const PRODUCTS: usize = 1 << 28;

/// c_d = √π Γ((d+1)/2)/Γ(d/2): the energy distance in d dimensions is c_d times its mean over directions.
pub fn energy_constant(d: usize) -> f64 {
    let half = d as f64 / 2.0;
    std::f64::consts::PI.sqrt() * (ln_gamma(half + 0.5) - ln_gamma(half)).exp()
}

/// Directions that are worked on at once: `lines` from `line` on.
#[derive(Clone, Copy)]
struct Group {
    line: usize,
    lines: usize,
}

/// The sorted projections of one sample: columns `at` … of rows that are `stride` long.
#[derive(Clone, Copy)]
pub(super) struct Projected {
    pub values: Var,
    pub index: Var,
    pub stride: usize,
    pub at: usize,
}

/// A number for every point and direction, `lines × rows`.
#[derive(Clone, Copy)]
struct Slopes {
    group: Group,
    slopes: Var,
}

impl Recorder {
    /// `projections` directions, uniform on the sphere in d dimensions and fresh at every replay: the columns of a
    /// d × projections value. On a line there is only one.
    pub fn directions(&mut self, d: usize, projections: usize) -> Result<Var> {
        if d == 0 || projections == 0 || projections > LONGEST_LOOP {
            let problem = format!("{projections} directions in {d} dimensions: from 1 to {LONGEST_LOOP} in at least one");
            return Err(Error::shape("directions", problem));
        }
        if d > LONGEST_LOOP {
            return Err(Error::shape("directions", format!("{d} dimensions; at most {LONGEST_LOOP}")));
        }
        if d == 1 {
            return self.constant(1.0, 1, 1);
        }
        let normal = self.normal(d, projections)?;
        let out = self.empty(d, projections)?;
        let params = Params { d: d as u32, all_lines: projections as u32, ..Params::default() };
        let groups = self.groups(projections, Normalize::WIDTH);
        self.dispatch(Normalize { params, x: normal, out }, groups)?;
        Ok(out)
    }

    /// The sliced W₂² of x (n×d) and y (m×d), 1×1, over directions drawn afresh at every replay.
    pub fn sliced_wasserstein(&mut self, x: Var, y: Var, projections: usize) -> Result<Var> {
        let theta = self.directions(x.cols(), projections)?;
        self.sliced_wasserstein_along(x, y, theta)
    }

    /// The same over given directions, the columns of `theta` (d × P). No gradient flows into the directions.
    pub fn sliced_wasserstein_along(&mut self, x: Var, y: Var, theta: Var) -> Result<Var> {
        checked("sliced_wasserstein", x, y, theta, 1)?;
        let (n, m) = (x.rows(), y.rows());
        if n.max(m) / n.min(m) >= LONGEST_LOOP - 1 {
            let problem = format!("{n} and {m} points: one sample is more than {} times the other", LONGEST_LOOP - 2);
            return Err(Error::shape("sliced_wasserstein", problem));
        }
        let mut parts = Vec::new();
        let mut losses = Vec::new();
        for group in self.line_groups(n + m, theta.cols()) {
            let of_x_and_y = self.sorted_samples(x, y, theta, group)?;
            let (terms, slopes) = self.transported(of_x_and_y, (n, m), group)?;
            losses.push(self.full_sum(terms, (1.0 / (n as f64 * theta.cols() as f64)) as f32, false)?);
            parts.push((group, of_x_and_y, slopes));
        }
        let loss = self.added(losses)?;
        self.record(&[x, y], &[loss], move |rec, back| {
            let count = theta.cols() as f64;
            if back.wants(x) {
                let slopes: Vec<Slopes> = parts.iter().map(|&(group, _, slopes)| Slopes { group, slopes }).collect();
                rec.hand_on_slopes(back, loss, (x, 0), theta, &slopes, 1.0 / (n as f64 * count))?;
            }
            if back.wants(y) {
                let mut slopes = Vec::with_capacity(parts.len());
                for &(group, (of_x, of_y), _) in &parts {
                    let (_, swapped) = rec.transported((of_y, of_x), (m, n), group)?;
                    slopes.push(Slopes { group, slopes: swapped });
                }
                rec.hand_on_slopes(back, loss, (y, 0), theta, &slopes, 1.0 / (m as f64 * count))?;
            }
            Ok(())
        });
        Ok(loss)
    }

    /// The energy distance 2E‖X−Y‖ − E‖X−X'‖ − E‖Y−Y'‖ of x (n×d) and y (m×d), 1×1, by directions drawn afresh at every
    /// replay: unbiased over the directions, and over the samples too with [`Estimator::Unbiased`].
    pub fn sliced_energy(&mut self, x: Var, y: Var, projections: usize, estimator: Estimator) -> Result<Var> {
        let theta = self.directions(x.cols(), projections)?;
        self.sliced_energy_along(x, y, theta, estimator)
    }

    /// The same over given directions, the columns of `theta` (d × P). No gradient flows into the directions.
    pub fn sliced_energy_along(&mut self, x: Var, y: Var, theta: Var, estimator: Estimator) -> Result<Var> {
        let unbiased = estimator == Estimator::Unbiased;
        checked("sliced_energy", x, y, theta, if unbiased { 2 } else { 1 })?;
        let (n, m, rows) = (x.rows(), y.rows(), x.rows() + y.rows());
        if rows > LONGEST_LOOP * BLOCK {
            let problem = format!("{n} and {m} points; at most {} together", LONGEST_LOOP * BLOCK);
            return Err(Error::shape("sliced_energy", problem));
        }
        let scale = energy_constant(x.cols()) / theta.cols() as f64;
        let mut parts = Vec::new();
        let mut losses = Vec::new();
        for group in self.line_groups(rows, theta.cols()) {
            let pooled = self.empty(rows, group.lines)?;
            self.project(x, theta, group, pooled, (0, 0))?;
            self.project(y, theta, group, pooled, (n, 0))?;
            let (terms, slopes) = self.energy_of_pooled(pooled, (n, m), group, unbiased)?;
            losses.push(self.full_sum(terms, scale as f32, false)?);
            parts.push(Slopes { group, slopes });
        }
        let loss = self.added(losses)?;
        self.record(&[x, y], &[loss], move |rec, back| {
            rec.hand_on_slopes(back, loss, (x, 0), theta, &parts, scale)?;
            rec.hand_on_slopes(back, loss, (y, n), theta, &parts, scale)
        });
        Ok(loss)
    }

    /// Both samples' projections on all directions, sorted.
    pub(super) fn sorted_projections(&mut self, op: &'static str, x: Var, y: Var, theta: Var) -> Result<(Projected, Projected)> {
        checked(op, x, y, theta, 1)?;
        self.sorted_samples(x, y, theta, Group { line: 0, lines: theta.cols() })
    }

    /// Splits the directions so that no value of a group grows without bound.
    fn line_groups(&self, rows: usize, lines: usize) -> Vec<Group> {
        let most = if self.gpu().is_software() { 1 << 21 } else { 1 << 24 };
        let at_once = (most / rows).clamp(1, lines);
        let even = lines.div_ceil(lines.div_ceil(at_once));
        (0..lines).step_by(even).map(|line| Group { line, lines: even.min(lines - line) }).collect()
    }

    /// Writes the projections of `points` into rows `offset` … and columns `at` … of `out`.
    fn project(&mut self, points: Var, theta: Var, group: Group, out: Var, (offset, at): (usize, usize)) -> Result<()> {
        let d = points.cols();
        for (first, piece) in pieces(points.rows(), group.lines * d) {
            let params = Params {
                d: d as u32,
                first: first as u32,
                piece: piece as u32,
                offset: offset as u32,
                stride_x: out.cols() as u32,
                at_x: at as u32,
                ..group.params(theta)
            };
            let groups = self.groups(piece.div_ceil(4) * group.lines, Project::WIDTH);
            self.dispatch(Project { params, x: points, theta, out }, groups)?;
        }
        Ok(())
    }

    /// Both samples' projections, sorted: side by side in one sort where they have as many points.
    fn sorted_samples(&mut self, x: Var, y: Var, theta: Var, group: Group) -> Result<(Projected, Projected)> {
        let lines = group.lines;
        if x.rows() == y.rows() {
            let both = self.empty(x.rows(), 2 * lines)?;
            self.project(x, theta, group, both, (0, 0))?;
            self.project(y, theta, group, both, (0, lines))?;
            let sorted = self.sort_columns_untaped(both)?;
            let part = |at| Projected { values: sorted.values, index: sorted.index, stride: 2 * lines, at };
            return Ok((part(0), part(lines)));
        }
        let mut sorted = |points: Var| {
            let own = self.empty(points.rows(), lines)?;
            self.project(points, theta, group, own, (0, 0))?;
            let sorted = self.sort_columns_untaped(own)?;
            Ok(Projected { values: sorted.values, index: sorted.index, stride: lines, at: 0 })
        };
        Ok((sorted(x)?, sorted(y)?))
    }

    /// Costs (n × lines) and slopes (lines × n) of the first of two samples coupled with the second.
    fn transported(&mut self, (x, y): (Projected, Projected), (n, m): (usize, usize), group: Group) -> Result<(Var, Var)> {
        let (terms, out) = (self.empty(n, group.lines)?, self.empty(group.lines, n)?);
        let params = Params {
            n: n as u32,
            m: m as u32,
            lines: group.lines as u32,
            stride_x: x.stride as u32,
            at_x: x.at as u32,
            stride_y: y.stride as u32,
            at_y: y.at as u32,
            ..Params::default()
        };
        let groups = self.groups(terms.len(), Transport::WIDTH);
        let transport = Transport { params, sorted: x.values, other: y.values, index: x.index, terms, out };
        self.dispatch(transport, groups)?;
        Ok((terms, out))
    }

    /// Terms (rows × lines) and slopes (lines × rows) of the energy distances of the pooled projections.
    fn energy_of_pooled(&mut self, pooled: Var, (n, m): (usize, usize), group: Group, unbiased: bool) -> Result<(Var, Var)> {
        let (rows, lines) = (pooled.rows(), group.lines);
        let sorted = self.sort_columns_untaped(pooled)?;
        let index = sorted.index;
        let less_one = |count: usize| if unbiased { (1.0 / (count as f64 - 1.0)) as f32 } else { 0.0 };
        let params = Params {
            n: n as u32,
            m: m as u32,
            rows: rows as u32,
            lines: lines as u32,
            unbiased_n: less_one(n),
            unbiased_m: less_one(m),
            ..Params::default()
        };
        let blocks = self.empty(rows.div_ceil(BLOCK), lines)?;
        let block_groups = self.groups(blocks.len(), Count::WIDTH);
        self.dispatch(Count { params, index, blocks }, block_groups)?;
        let scan_groups = self.groups(lines, Scan::WIDTH);
        self.dispatch(Scan { params, blocks }, scan_groups)?;
        let (terms, out) = (self.empty(rows, lines)?, self.empty(lines, rows)?);
        let energy = Energy { params, sorted: sorted.values, index, blocks, terms, out };
        self.dispatch(energy, block_groups)?;
        Ok((terms, out))
    }

    fn added(&mut self, parts: Vec<Var>) -> Result<Var> {
        let mut parts = parts.into_iter();
        let first = parts.next().ok_or_else(|| Error::shape("sliced", "no directions"))?;
        parts.try_fold(first, |sum, part| self.add(sum, part))
    }

    /// Adds scale·Σ_p slopes·θ_p, times the cotangent of the loss, to the cotangent of a sample that begins at `offset` of
    /// the slopes' rows.
    fn hand_on_slopes(
        &mut self,
        back: &mut Backward,
        loss: Var,
        (points, offset): (Var, usize),
        theta: Var,
        parts: &[Slopes],
        scale: f64,
    ) -> Result<()> {
        if !back.wants(points) {
            return Ok(());
        }
        let Some(d_loss) = back.of(self, loss)? else { return Ok(()) };
        let Some(Slot { into, accumulate }) = back.slot(self, points)? else { return Ok(()) };
        let d = points.cols();
        for (i, &Slopes { group, slopes }) in parts.iter().enumerate() {
            for (first, piece) in pieces(points.rows(), group.lines * d) {
                let params = Params {
                    d: d as u32,
                    rows: slopes.cols() as u32,
                    first: first as u32,
                    piece: piece as u32,
                    offset: offset as u32,
                    accumulate: u32::from(accumulate || i > 0),
                    scale: scale as f32,
                    ..group.params(theta)
                };
                let groups = self.groups(piece * d.div_ceil(4), Gradient::WIDTH);
                let gradient = Gradient { params, theta, slopes, d_loss, out: into };
                self.dispatch(gradient, groups)?;
            }
        }
        Ok(())
    }
}

impl Group {
    fn params(self, theta: Var) -> Params {
        Params { lines: self.lines as u32, line: self.line as u32, all_lines: theta.cols() as u32, ..Params::default() }
    }
}

/// Rows in pieces of a bounded number of products: (first, rows).
fn pieces(rows: usize, products: usize) -> impl Iterator<Item = (usize, usize)> {
    let piece = (PRODUCTS / products).max(1);
    (0..rows).step_by(piece).map(move |first| (first, piece.min(rows - first)))
}

fn checked(op: &'static str, x: Var, y: Var, theta: Var, least: usize) -> Result<()> {
    if x.cols() != y.cols() || x.cols() == 0 {
        let problem = format!("points of {} and of {} coordinates cannot be compared", x.cols(), y.cols());
        return Err(Error::shape(op, problem));
    }
    if theta.rows() != x.cols() || theta.cols() == 0 || theta.cols() > LONGEST_LOOP || theta.rows() > LONGEST_LOOP {
        let (d, lines) = (theta.rows(), theta.cols());
        let problem = format!("{lines} directions of {d} coordinates for points of {}: from 1 to {LONGEST_LOOP}", x.cols());
        return Err(Error::shape(op, problem));
    }
    for rows in [x.rows(), y.rows()] {
        if rows < least {
            return Err(Error::shape(op, format!("a sample has {rows} rows; this estimator needs at least {least}")));
        }
        if rows * x.cols() > u32::MAX as usize / 64 {
            return Err(Error::shape(op, format!("{rows} × {} elements are beyond 32-bit sizes", x.cols())));
        }
    }
    Ok(())
}
