//! Partners drawn from the entropic transport plan between two samples: for each row of the one a row of the other, by the plan's own
//! chances and without storing the plan.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::sinkhorn::Sinkhorn;
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let (x, y) = (gpu.upload(3, 1, &[0.0, 5.0, 9.0])?, gpu.upload(3, 1, &[9.1, 0.1, 5.1])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (x, y) = (rec.tensor(&x), rec.tensor(&y));
//! let settings = Sinkhorn { epsilon: 0.05, ..Sinkhorn::default() };
//! let (_, g) = rec.alternating_potentials(x, y, &settings)?;
//! let index = rec.partners(x, y, None, g, &settings)?;
//! let partners = rec.rows(y, index)?;
//! let partners = rec.keep(partners);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(partners)?, [0.1, 5.1, 9.1]); // at a small ε the plan is the cheapest matching
//! # Ok(())
//! # }
//! ```

use super::sinkhorn::{Sinkhorn, cost, fits};
use crate::gpu::kernels::partners::{Draw, Merge, Params, Variant};
use crate::gpu::{Recorder, Var};
use crate::{Error, Result};

/// Rows of y in a split at most: some drivers end loops silently after 65,535 rounds, and a round is four rows.
const LONGEST: usize = 131_072;
/// Rows of a workgroup, one an invocation.
const ROWS: usize = Draw::WIDTH as usize;
/// Pairs × (columns + what a random number costs) in a dispatch at most, far below a second on any device.
const WORK: usize = 1 << 29;
/// Nanoseconds of each on two cores of software, about.
const PAIR: f64 = 0.2;
/// What drawing a number costs, in columns of a distance.
const NUMBER: usize = 24;

impl Recorder {
    /// The dual potentials (f, g) of OT_ε between the rows of x (n × d) and y (m × d), which all weigh alike: n × 1 and m × 1, by Sinkhorn's
    /// own alternation along the falling ε of `settings` (Cuturi 2013; Schmitzer 2019). It comes nearer to the marginals in as many updates
    /// than the symmetric iteration of a divergence; the last update is that of g, so the plan's columns weigh what they should exactly.
    /// No gradient rule.
    pub fn alternating_potentials(&mut self, x: Var, y: Var, settings: &Sinkhorn) -> Result<(Var, Var)> {
        fits(x, y, settings)?;
        let (x, y) = (self.side(x, None)?, self.side(y, None)?);
        let mut g = self.constant(0.0, y.points.rows(), 1)?;
        let mut f = self.constant(0.0, x.points.rows(), 1)?;
        for epsilon in settings.schedule() {
            f = self.soft_min(x, y, g, None, epsilon, settings)?;
            g = self.soft_min(y, x, f, None, epsilon, settings)?;
        }
        Ok((f, g))
    }

    /// For each row i of x (n × d) a row of y (m × d), drawn anew at every replay with chances ∝ bⱼ exp((gⱼ − c(xᵢ, yⱼ))/ε): row i of the
    /// plan whose potential on y is `g` (m × 1). `b` (m × 1) are the weights of y, 1/m each where there are none. The result, n × 1, holds
    /// whole numbers for [`Recorder::rows`]. No gradient flows.
    ///
    /// # Errors
    /// Settings out of range, shapes that do not fit, and more pairs than a random counter tells apart (2³⁴).
    pub fn partners(&mut self, x: Var, y: Var, b: Option<Var>, g: Var, settings: &Sinkhorn) -> Result<Var> {
        fits(x, y, settings)?;
        let (n, m, d) = (x.rows(), y.rows(), x.cols());
        if g.len() != m {
            return Err(Error::shape("partners", format!("a potential of {} for {m} rows", g.len())));
        }
        let quads = m.div_ceil(4);
        if n as u64 * quads as u64 > 1 << 32 {
            let (needed, allowed) = (n as u64 * m as u64, 1 << 34);
            let advice = "couple fewer rows at a time";
            return Err(Error::Limit { what: "partners".into(), limit: "range of a random counter", needed, allowed, advice });
        }
        let log_b = self.side(y, b)?.log_weights;
        let row_groups = n.div_ceil(ROWS);
        let wanted = (self.gpu().parallel_groups() as usize).div_ceil(row_groups).min(m.div_ceil(64)).max(m.div_ceil(LONGEST));
        let columns = m.div_ceil(wanted).next_multiple_of(4);
        let splits = m.div_ceil(columns);
        let rows_at_once = (WORK / (m * (d + NUMBER))).clamp(ROWS, 65_535 * ROWS) / ROWS * ROWS;
        let mut params = Params {
            n: n as u32,
            m: m as u32,
            d: d as u32,
            columns: columns as u32,
            row_begin: 0,
            row_end: n as u32,
            splits: splits as u32,
            stream: self.next_stream(),
            quads: quads as u32,
            scale: (std::f64::consts::LOG2_E / f64::from(settings.epsilon)) as f32,
            half: settings.exponent / 2.0,
            slope: settings.exponent,
        };
        let variant = Variant { cost: cost(settings.exponent) };
        self.add_cost(PAIR * (n * m * (d + NUMBER)) as f64);
        let (best, partner) = (self.empty(splits, n)?, self.empty(splits * n, 1)?);
        let state = self.state();
        for row_begin in (0..n).step_by(rows_at_once) {
            let row_end = (row_begin + rows_at_once).min(n);
            (params.row_begin, params.row_end) = (row_begin as u32, row_end as u32);
            let groups = [(row_end - row_begin).div_ceil(ROWS) as u32, splits as u32, 1];
            self.dispatch(Draw { variant, params, state, x, y, h: g, log_b, best, partner }, groups)?;
        }
        if splits == 1 {
            return Ok(partner);
        }
        let (bests, partners) = (best, partner);
        let partner = self.empty(n, 1)?;
        let groups = self.groups(n, Merge::WIDTH);
        self.dispatch(Merge { variant, params, bests, partners, partner }, groups)?;
        Ok(partner)
    }
}
